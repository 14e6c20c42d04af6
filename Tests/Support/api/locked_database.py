"""A server whose database another process has locked: who waits for it, who does not, and what a kill leaves.

  locked_database.py LAUNCHER FOLDER

Six creations wait for the lock, and meanwhile a plan and files are asked for and a running job is cancelled: these wait for none of
them, and none of them waits for the others. Then the server is killed with three waiting: the next one has no folder of theirs.
Prints `ok …` or `no …`; exit status 1 if one is no.
"""
import json
import os
import sqlite3
import sys
import threading
import time
import urllib.request

from kill_daemon import BODY, FOLDER, Server, all_projects, ask, descendants, name

WORKSPACES = os.path.join(FOLDER, "workspaces")
WRONG = []
# The one that runs.
SERVERS = [None]


def tell(holds, what, found=None):
    print(("ok " if holds else "no ") + what + ("" if holds else f": {str(found)[:600]}"), flush=True)
    if not holds:
        WRONG.append(what)


def until(what, holds, seconds=120):
    end = time.monotonic() + seconds
    while not (found := holds()):
        if time.monotonic() > end:
            raise RuntimeError(f"never: {what}")
        time.sleep(0.01)
    return found


def status(port, path):
    """Of an answer whose body may be any text."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=60) as answer:
        return answer.status if answer.read() else 0


def workers():
    return [pid for pid in descendants(SERVERS[0].process.pid) if "codex-sandbox-worker" in name(pid)]


def folders():
    """Of projects; what is taken apart has a hidden name."""
    return [one for one in os.listdir(WORKSPACES) if not one.startswith(".")]


def marks():
    return [one for one in os.listdir(WORKSPACES) if one.startswith(".removing-")]


class Lock:
    def __enter__(self):
        self.database = sqlite3.connect(os.path.join(FOLDER, "codex.db"), isolation_level=None, timeout=60)
        self.database.execute("BEGIN IMMEDIATE")

    def __exit__(self, *_):
        self.database.execute("ROLLBACK")
        self.database.close()


class Creations:
    """So many at once; begun when each has its mark beside the folders."""

    def __init__(self, port, count):
        self.answers, self.began = [], time.monotonic()
        self.threads = [threading.Thread(target=self.one, args=(port,), daemon=True) for _ in range(count)]
        for thread in self.threads:
            thread.start()
        until(f"{count} creations have begun", lambda: len(marks()) + len(self.answers) >= count)

    def one(self, port):
        try:
            answer = ask(port, "POST", "/api/v1/projects/", BODY)
        except (OSError, ValueError) as fault:
            answer = (0, str(fault))
        self.answers.append((time.monotonic() - self.began, answer))

    def end(self):
        for thread in self.threads:
            thread.join(120)


def beside(port, project):
    """One round: what was answered while six creations waited, how many of them had ended before, and how they ended."""
    _, made = ask(port, "POST", "/api/v1/projects/", json.dumps({"instruction": "long_run: wait"}), headers={"Prefer": "respond-async"})
    job = ask(port, "GET", f"/api/v1/projects/{made['id']}/jobs")[1]["jobs"][0]["id"]
    until("the job runs", workers)
    with Lock():
        creations = Creations(port, 6)
        found = [status(port, f"/api/v1/projects/{project}/{what}") for what in ("plan", "files", "jobs")]
        cancelling = threading.Thread(target=ask, args=(port, "POST", f"/api/v1/{made['id']}/jobs/{job}/cancel"), daemon=True)
        cancelling.start()
        until("the worker ends", lambda: not workers())
        early = len(creations.answers)
        creations.end()
    cancelling.join(120)
    return found, early, creations.answers


def main():
    os.environ.update({"WORKER": "minimal", "SLEEP_SECONDS": "600"})
    server = SERVERS[0] = Server()
    port = server.wait_for_port()
    project = ask(port, "POST", "/api/v1/projects/", BODY)[1]["id"]
    # Each creation waits five seconds: on a machine that stands still for so long, the same is tried again.
    for _ in range(3):
        found, early, answers = beside(port, project)
        if not early and max(seconds for seconds, _ in answers) < 10:
            break
    tell(found == [200, 200, 200], "who only reads is answered", found)
    tell(early == 0, "before those that wait for the lock, and so is who cancels", early)
    statuses = [status for _, (status, _) in answers]
    tell(statuses == [503] * 6, "these get 503", answers)
    tell(max(seconds for seconds, _ in answers) < 10, "each after its own five seconds, not after those of all before it", answers)
    tell(not marks() and set(folders()) == set(all_projects(port)), "and leave nothing", os.listdir(WORKSPACES))

    known = set(all_projects(port))
    with Lock():
        Creations(port, 3)
        tell(len(set(folders()) - known) > 0, "those that wait have a folder already", folders())
        server.process.kill()
        server.process.wait()
    server = SERVERS[0] = Server()
    port = server.wait_for_port()
    tell(set(all_projects(port)) == known == set(folders()) and not marks(), "a server that is killed then leaves none", os.listdir(WORKSPACES))
    tell(ask(port, "POST", "/api/v1/projects/", BODY)[0] == 200, "and the next one works")
    tell(not marks(), "without a mark", marks())
    server.process.terminate()
    tell(server.process.wait(60) == 0, "it ends")
    return 1 if WRONG else 0


if __name__ == "__main__":
    sys.exit(main())
