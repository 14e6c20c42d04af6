"""A server whose database another process keeps locked while jobs run, wait and are ended: what of it is lost, and who waits how long.

  lasting_lock.py LAUNCHER FOLDER

CODEX_WORKER_COMMAND carries out what a request says (`carry_out.sh`). One job runs at a time. The first prints and ends under the lock; one of the same
project and one of another wait behind it. Then one that heeds no TERM is cancelled under a lock, and one more is running when the server
is told to end. Prints `ok …` or `no …`; exit status 1 if one is no.
"""
import json
import os
import sqlite3
import sys
import threading
import time
import urllib.request

from kill_daemon import FOLDER, Server, ask, descendants, name

WRONG = []
# The one that runs.
SERVERS = [None]
ENDLESS = "trap '' TERM; while :; do echo more; sleep 0.05; done"
# The line that leaves a result.
ANSWER = "; printf '%s' '" + json.dumps(
    {"status": "success", "summary": "done", "created_files": [], "modified_files": [], "errors": [], "logs": []}) + "' > .codex/result.json"
# What nobody can do faster: a wait for the lock that was begun before, and the time that a worker has to end.
BOUND = 10


def tell(holds, what, found=None):
    print(("ok " if holds else "no ") + what + ("" if holds else f": {str(found)[:900]}"), flush=True)
    if not holds:
        WRONG.append(what)


def until(what, holds, seconds=240):
    end = time.monotonic() + seconds
    while not (found := holds()):
        if time.monotonic() > end:
            raise RuntimeError(f"never: {what}")
        time.sleep(0.02)
    return found


class Lock:
    def __enter__(self):
        self.database = sqlite3.connect(os.path.join(FOLDER, "codex.db"), isolation_level=None, timeout=60)
        self.database.execute("BEGIN IMMEDIATE")

    def __exit__(self, *_):
        self.database.execute("ROLLBACK")
        self.database.close()


class Asked(threading.Thread):
    """One request, and how long its answer took."""

    def __init__(self, port, path, body=None):
        super().__init__(daemon=True)
        self.words, self.answer, self.seconds = (port, "POST", path, json.dumps(body) if body else None), None, None
        self.start()

    def run(self):
        began = time.monotonic()
        self.answer = ask(*self.words, timeout=600)
        self.seconds = time.monotonic() - began

    def ended(self):
        self.join(600)
        return self.answer


def start(port, project, instruction):
    """A job that is not waited for, running, with something printed."""
    path = f"/api/v1/{project}/jobs"
    body = json.dumps({"job_type": "edit", "instruction": instruction})
    job = ask(port, "POST", path, body, headers={"Prefer": "respond-async"})[1]["id"]
    until("the job prints", lambda: "more" in text(port, f"/api/v1/{project}/jobs/{job}/logs"))
    return job


def text(port, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=60) as answer:
        return answer.read().decode()


def job(port, project, number):
    return ask(port, "GET", f"/api/v1/{project}/jobs/{number}")[1]


def workers():
    return [pid for pid in descendants(SERVERS[0].process.pid) if "carry_out" in name(pid)]


def ready(port):
    return ask(port, "GET", "/readyz")[0] == 200


def waiting(port):
    """An end under the lock, and what waits behind it."""
    one = ask(port, "POST", "/api/v1/projects/", json.dumps({"instruction": "echo made" + ANSWER}))[1]["id"]
    first = start(port, one, "echo more; while [ ! -e go ]; do sleep 0.05; done; for i in $(seq 200); do echo line $i; sleep 0.01; done; echo x >new" + ANSWER)
    behind = [Asked(port, f"/api/v1/{one}/jobs", {"job_type": "edit", "instruction": "echo second" + ANSWER})]
    until("it waits", lambda: len(ask(port, "GET", f"/api/v1/{one}/jobs")[1]["jobs"]) == 3)
    behind.append(Asked(port, "/api/v1/projects/", {"instruction": "echo other" + ANSWER}))
    until("both wait", lambda: len(ask(port, "GET", "/api/v1/projects/")[1]["projects"]) == 2)
    with Lock():
        open(os.path.join(FOLDER, "workspaces", one, "go"), "w", encoding="ascii").close()
        until("the worker ends", lambda: not workers())
        ended = time.monotonic()
        answers = [asked.ended() for asked in behind]
        seconds = time.monotonic() - ended
        tell([status for status, _ in answers] == [503, 503], "who waits for a job that cannot begin is told so", answers)
        tell(all("do not send it again" in answer["detail"] for _, answer in answers), "and that it is kept", answers)
        tell(seconds < 2 * BOUND, "soon", seconds)
        tell(ask(port, "GET", "/readyz")[0] == 503, "the server is not ready then")
        tell(job(port, one, first)["status"] == "in_progress", "the end of the first is not told before it is stored", job(port, one, first))
    until("everything has ended", lambda: all(
        project["status"] == "completed" for project in ask(port, "GET", "/api/v1/projects/")[1]["projects"]))
    lines = text(port, f"/api/v1/{one}/jobs/{first}/logs").splitlines()
    tell([line for line in lines if line.startswith("line ")] == [f"line {number}" for number in range(1, 201)], "nothing that it printed is lost", lines)
    tell("new" in json.dumps(ask(port, "GET", f"/api/v1/{one}/jobs/{first}/changes")[1]), "nor what it has changed", first)
    jobs = [one for project in ask(port, "GET", "/api/v1/projects/")[1]["projects"]
            for one in ask(port, "GET", f"/api/v1/{project['id']}/jobs")[1]["jobs"]]
    tell(len(jobs) == 4 and all(one["status"] == "completed" for one in jobs), "and those behind it are carried out, once each", jobs)
    detail = ask(port, "GET", f"/api/v1/projects/{one}")[1]
    last = max(detail["jobs"], key=lambda entry: entry["updated_at"])
    tell(detail["updated_at"] == last["updated_at"] and last["id"] != first, "the project says what its last job says", detail)
    until("the server is ready", lambda: ready(port))
    return one


def main():
    os.environ.update({"WORKER": "command", "MAX_JOBS": "1"})
    server = SERVERS[0] = Server()
    port = server.wait_for_port()
    one = waiting(port)

    # A machine that stands still for so long tells nothing: the same is tried again.
    for _ in range(3):
        number = start(port, one, ENDLESS)
        with Lock():
            time.sleep(1)
            asked = Asked(port, f"/api/v1/{one}/jobs/{number}/cancel")
            answer = asked.ended()
        until("its end is stored", lambda: job(port, one, number)["status"] == "error")
        if asked.seconds < BOUND:
            break
    tell(answer[0] == 503 and asked.seconds < BOUND, "who cancels waits for one lock, not for each of what a job stores", (asked.seconds, answer))
    tell(job(port, one, number)["reason"] == "cancelled", "and it is stored as cancelled", job(port, one, number))

    for _ in range(3):
        number = start(port, one, ENDLESS)
        with Lock():
            time.sleep(1)
            began = time.monotonic()
            server.process.terminate()
            status = server.process.wait(600)
            seconds = time.monotonic() - began
        server = SERVERS[0] = Server()
        port = server.wait_for_port()
        if seconds < BOUND + 2:
            break
    tell(status == 0 and seconds < BOUND + 2, "a server that is told to end does, whatever keeps its database", (status, seconds))
    tell(job(port, one, number)["reason"] == "interrupted", "and the next one stores what it could not", job(port, one, number))
    server.process.terminate()
    tell(server.process.wait(60) == 0, "it ends")
    return 1 if WRONG else 0


if __name__ == "__main__":
    sys.exit(main())
