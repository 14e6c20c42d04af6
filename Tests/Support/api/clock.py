"""A server whose wall clock is set by a day, forward and back: its timers are of another clock, and its records verify.

  clock.py SANDBOXD LAUNCHER FOLDER WORKER

SANDBOXD is started with `set_clock.c` before its C library: it is linked dynamically. Prints `ok …` or `no …`; exit status 1 if one is no.
"""
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time

SANDBOXD, LAUNCHER, FOLDER, WORKER = sys.argv[1:5]
DAY = 86400
CLOCK = os.path.join(FOLDER, "clock")
wrong = 0


def holds(claim, is_so, more=""):
    global wrong
    wrong += not is_so
    print(f"{'ok' if is_so else 'no'} {claim}{'' if is_so else f' ({str(more)[:800]})'}", flush=True)


def set_clock(seconds):
    with open(CLOCK + ".new", "w", encoding="ascii") as file:
        file.write(f"{seconds:+d}\n")
    os.rename(CLOCK + ".new", CLOCK)


def waits_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def main():
    library = os.path.join(FOLDER, "set_clock.so")
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, os.path.join(os.path.dirname(os.path.abspath(__file__)), "set_clock.c")], check=True)
    set_clock(0)
    log_path = os.path.join(FOLDER, "log")
    with open(log_path, "wb") as errors:
        server = subprocess.Popen(
            [SANDBOXD, "serve", "--listen", "127.0.0.1:0", "--worker", "command"], cwd=FOLDER, stderr=errors, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            env=dict(os.environ, CODEX_WORKER_COMMAND=WORKER, KEEP_PROJECTS="12h", KEEP_INTERVAL="2s", LD_PRELOAD=library, SET_CLOCK=CLOCK))

    def log():
        with open(log_path, encoding="utf-8", errors="replace") as text:
            return text.read()

    waits_for(lambda: "listening on " in log() or server.poll() is not None)
    port = int(log().split("listening on http://")[1].split(",")[0].split(" ")[0].rsplit(":", 1)[1])

    def send(method, path, body=None, waits=True):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            fields = {**({"Content-Type": "application/json"} if body else {}), **({} if waits else {"Prefer": "respond-async"})}
            connection.request(method, "/api/v1" + path, json.dumps(body) if body else None, fields)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def ask(*request, **how):
        status, text = send(*request, **how)
        return status, json.loads(text or b"null")

    def read(path):
        return send("GET", path)[1]

    def job_of(project):
        return ask("GET", f"/projects/{project}")[1]["jobs"][0]

    def watch(project, job):
        reader = socket.create_connection(("127.0.0.1", port), timeout=60)
        reader.sendall(f"GET /api/v1/{project}/jobs/{job}/events HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        return reader

    def ends(reader):
        """Whether the stream ends as it should."""
        seen = b""
        while piece := reader.recv(65536):
            seen += piece
            if b"event: end" in seen:
                return True
        return False

    old = ask("POST", "/projects/", {"instruction": "echo old"})[1]["id"]
    started = time.monotonic()
    running = ask("POST", "/projects/", {"instruction": "echo begun; sleep 12; echo done"}, waits=False)[1]["id"]
    job = job_of(running)["id"]
    reader = watch(running, job)
    waits_for(lambda: job_of(running)["status"] == "in_progress")
    set_clock(DAY)
    holds("with the clock a day ahead it works", ask("POST", "/projects/", {"instruction": "echo new"})[0] == 200)
    status, page = ask("GET", "/projects/?limit=10")
    new = page["projects"][0]["id"]
    holds("what is made then says so", page["projects"][0]["created_at"] > job_of(running)["created_at"], page)
    holds("a job that runs is not ended by it", job_of(running)["status"] == "in_progress" or time.monotonic() - started > 11, job_of(running))
    holds("its events go on to the end", ends(reader))
    holds("and it ends by itself", waits_for(lambda: job_of(running)["status"] not in ("queued", "in_progress")) and "cancelled" not in str(job_of(running)), job_of(running))
    records = [json.loads(line) for line in read(f"/{running}/jobs/{job}/evidence").splitlines()]
    wall = records[-1]["predicate"]["times"]["wallMicroseconds"]
    holds("its record has the time that passed, not the clock's", 11_000_000 < wall < 300_000_000, records[-1]["predicate"]["times"])
    holds("nothing goes by its age at the first look after that", waits_for(lambda: "the clock was set by" in log()) and "audit removeProject" not in log().split("the clock was set by")[0], log()[-500:])
    holds("but when the clock stays so", waits_for(lambda: ask("GET", f"/projects/{old}")[0] == 404))

    set_clock(-DAY)
    slow = ask("POST", "/projects/", {"instruction": "echo begun; sleep 600"}, waits=False)[1]["id"]
    holds("with the clock back it works", waits_for(lambda: b"begun" in read(f"/{slow}/jobs/{job_of(slow)['id']}/logs")), job_of(slow))
    holds("a job is cancelled as fast as ever", ask("POST", f"/{slow}/jobs/{job_of(slow)['id']}/cancel")[1].get("status") == "error")
    status, again = ask("POST", f"/{new}/jobs", {"instruction": "echo again", "job_type": "edit"})
    jobs = ask("GET", f"/{new}/jobs")[1]["jobs"]
    holds("jobs stand in the order of their making, whatever their times", status == 200 and jobs[-1]["id"] == again["id"] and jobs[0]["created_at"] > jobs[-1]["created_at"], jobs)
    status, page = ask("GET", "/projects/?limit=1")
    ids, after = [], ""
    while status == 200 and page["projects"]:
        ids.append(page["projects"][0]["id"])
        status, page = ask("GET", f"/projects/?limit=1&after={ids[-1]}")
    holds("pages have each project once", len(ids) == len(set(ids)) and {new, slow} <= set(ids), ids)
    for project in (old, running, new, slow):
        result = subprocess.run([LAUNCHER, "evidence", "verify", "--workspace", os.path.join(FOLDER, "workspaces", project)], capture_output=True, text=True, check=False)
        holds("records with times that go back verify", result.returncode == 0, result.stdout[-400:] + result.stderr[-400:])
    began = time.monotonic()
    server.send_signal(signal.SIGTERM)
    holds("it stops in its time", server.wait(120) == 0 and time.monotonic() - began < 20, log()[-400:])
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
