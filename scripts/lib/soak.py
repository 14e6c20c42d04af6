"""A soak of the server: many jobs of mixed kinds, and what it holds at job 1,000 and at the last one.

  soak [N] [--first M] [--json FILE]     (default 10000; M, the first sample, 1000)

Jobs succeed, fail, are refused, cancelled, run out of time, write much, leave no result, and are run again; some are waited for, some watched by a reader that
leaves; changes, files, archives and logs are read. A bounded number of projects is kept, others are removed. Both samples are taken in the same state: every
project removed, as many made anew, the server at rest. Resident memory, descriptors, threads, and files in the server's folders (for each project that is kept; of
records, for each that there ever was; the cache has a bound of its own) may differ by 5 %. Exit status: 0 if they do not.
"""
import argparse
import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time

KEPT = 16
JOBS_PER_PROJECT = 24
CLIENTS = 4
TOLERANCE = 0.05

WORKER = """#!/bin/sh
# What to do is a word of the request.
cd /workspace || exit 9
result() { printf '{"status": "%s", "summary": "soak", "created_files": [], "modified_files": [], "errors": [%s], "logs": []}' "$1" "$2" >.codex/result.json; }
case $(cat .codex/request.json) in
*soak-ok*) echo "$$" >>notes; mkdir -p src; echo line >"src/file-$$"; echo done; result success ;;
*soak-fails*) echo trouble >&2; result error '"soak"'; exit 3 ;;
*soak-silent*) exit 0 ;;
*soak-flood*) i=0; while [ $i -lt 2000 ]; do echo "line $i of a small flood of output that a job writes without any need for it"; i=$((i + 1)); done; result success ;;
*soak-sleeps*) echo sleeping; sleep 60 ;;
*) result success ;;
esac
"""

lock = threading.Lock()
counts = {}
faults = []


class Server:
    def __init__(self, launcher):
        self.launcher = launcher
        with open("worker", "w", encoding="utf-8") as file:
            file.write(WORKER)
        os.chmod("worker", 0o755)
        os.makedirs("../worker", exist_ok=True)
        os.replace("worker", "../worker/worker")
        worker = os.path.realpath("../worker/worker")
        # Without requests' lines: the log would be longer than anything else.
        environment = dict(os.environ, CODEX_WORKER_COMMAND=worker, LOG_LEVEL="error", MAX_JOBS="4")
        with open("log", "wb") as errors:
            self.process = subprocess.Popen([launcher, "serve", "--listen", f"unix:{os.path.realpath('.')}/api.sock", "--data-dir", "data", "--worker", "command"],
                                            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors, env=environment)
        end = time.monotonic() + 30
        while self.process.poll() is None and time.monotonic() < end:
            try:
                if self.ask("GET", "/readyz", prefix="")[0] == 200:
                    return
            except OSError:
                pass
            time.sleep(0.05)
        sys.exit("the server does not get ready: " + self.log())

    def log(self):
        with open("log", encoding="utf-8", errors="replace") as file:
            return file.read()[-2000:]

    def connect(self):
        connection = http.client.HTTPConnection("localhost", timeout=120)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(120)
        connection.sock.connect("api.sock")
        return connection

    def ask(self, method, path, body=None, prefix="/api/v1", **fields):
        connection = self.connect()
        try:
            if isinstance(body, dict):
                body, fields["Content-Type"] = json.dumps(body), "application/json"
            connection.request(method, prefix + path, body, fields)
            answer = connection.getresponse()
            data = answer.read()
            return answer.status, json.loads(data) if answer.getheader("Content-Type", "").split(";")[0] == "application/json" else data
        finally:
            connection.close()

    def held(self, projects_ever):
        """What the process and its folders hold; the smallest of some looks, since a thread may just end."""
        looks = []
        for _ in range(20):
            status = dict(line.split(":", 1) for line in open(f"/proc/{self.process.pid}/status", encoding="ascii", errors="replace") if ":" in line)
            self.parts = {name: int(status[name].split()[0]) for name in ("RssAnon", "RssFile", "RssShmem")}
            looks.append((int(status["VmRSS"].split()[0]), len(os.listdir(f"/proc/{self.process.pid}/fd")), int(status["Threads"])))
            time.sleep(0.25)
        home = os.environ["HOME"]
        evidence = os.path.join(home, ".local/state/codex-sandbox/evidence")
        cache = files(os.path.join(home, ".cache"))
        # Compiled policies: one for each file of a project's own, up to a number.
        expect(cache < 300, "the cache is bounded", cache)
        own = files("data") + files(home) - files(evidence) - cache
        return {"resident KiB": min(look[0] for look in looks), "descriptors": min(look[1] for look in looks), "threads": min(look[2] for look in looks),
                "files for each project kept": own / KEPT, "files of records for each project ever": files(evidence) / projects_ever}


def files(folder):
    return sum(len(names) + len(folders) for _, folders, names in os.walk(folder))


def count(kind):
    with lock:
        counts[kind] = counts.get(kind, 0) + 1
        return sum(counts.values())


def expect(is_so, what, found):
    if not is_so:
        with lock:
            faults.append(f"{what}: {str(found)[:300]}")


class Client:
    """One thread's projects, and what it asks of them."""

    def __init__(self, server, number):
        self.server, self.random = server, random.Random(number)
        self.projects = []
        self.made = 0

    def make(self, kind="soak-ok"):
        status, project = self.server.ask("POST", "/projects/", {"instruction": kind})
        expect(status == 200, "a project is made", (status, project))
        self.made += 1
        count("project " + kind)
        self.projects.append([project["id"], 1])
        return project["id"]

    def remove(self, index):
        project, _ = self.projects.pop(index)
        status, answer = self.server.ask("DELETE", f"/projects/{project}")
        expect(status in (200, 204), "a project is removed", (status, answer))

    def remove_all(self):
        while self.projects:
            self.remove(0)

    def step(self):
        if len(self.projects) < KEPT // CLIENTS:
            self.make()
            return 0
        index = self.random.randrange(len(self.projects))
        if self.projects[index][1] >= JOBS_PER_PROJECT:
            self.remove(index)
            return 0
        self.projects[index][1] += 1
        kind = self.random.choices(["ok", "fails", "silent", "flood", "refused", "cancelled", "timeout", "rerun", "watched", "read"],
                                   [30, 10, 5, 5, 5, 10, 2, 10, 10, 13])[0]
        getattr(self, kind)(self.projects[index][0])
        return count(kind)

    def job(self, project, instruction, waits=True):
        fields = {} if waits else {"Prefer": "respond-async"}
        status, job = self.server.ask("POST", f"/{project}/jobs", {"instruction": instruction, "job_type": "edit"}, **fields)
        expect(status == (200 if waits else 202), "a job is taken", (status, job))
        return job

    def ended(self, project, job):
        for _ in range(2400):
            found = self.server.ask("GET", f"/{project}/jobs/{job}")[1]
            if found["status"] in ("completed", "error"):
                return found
            time.sleep(0.05)
        expect(False, "a job ends", found)
        return found

    def ok(self, project):
        if self.random.random() < 0.5:
            job = self.job(project, "soak-ok")
        else:
            job = self.ended(project, self.job(project, "soak-ok", waits=False)["id"])
        expect(job["status"] == "completed", "a job that succeeds", job)

    def fails(self, project):
        expect(self.job(project, "soak-fails")["status"] == "error", "a job that fails", project)

    def silent(self, project):
        expect(self.job(project, "soak-silent")["status"] == "error", "a job without a result", project)

    def flood(self, project):
        job = self.job(project, "soak-flood")
        status, text = self.server.ask("GET", f"/{project}/jobs/{job['id']}/logs")
        expect(status == 200 and len(text) > 100_000, "the log of a flood", (status, len(text)))

    def narrowed(self, project, text):
        """The project's own file, which only takes away; a job does not see it as its own to change."""
        path = os.path.join("data/workspaces", project, ".codex-sandbox.toml")
        with open(path, "w", encoding="utf-8") as file:
            file.write("version = 1\n" + text)
        return path

    def refused(self, project):
        path = self.narrowed(project, "[landlock]\nminimum_abi = 99\n")
        job = self.job(project, "soak-ok")
        expect(job["status"] == "error", "a job that is refused", job)
        os.remove(path)

    def timeout(self, project):
        path = self.narrowed(project, '[limits]\nwall = "200ms"\ngrace = "100ms"\n')
        job = self.job(project, "soak-sleeps")
        expect(job["status"] == "error", "a job that runs out of time", job)
        os.remove(path)

    def cancelled(self, project):
        job = self.job(project, "soak-sleeps", waits=False)["id"]
        time.sleep(self.random.uniform(0, 0.05))
        status, answer = self.server.ask("POST", f"/{project}/jobs/{job}/cancel")
        expect(status == 200 and answer["status"] == "error", "a job that is cancelled", (status, answer))

    def rerun(self, project):
        job = self.job(project, "soak-ok")["id"]
        count("run again")
        status, again = self.server.ask("POST", f"/{project}/jobs/{job}/rerun")
        expect(status == 200 and again["status"] == "completed", "a job that is run again", (status, again))

    def watched(self, project):
        job = self.job(project, "soak-ok", waits=False)["id"]
        connection = self.server.connect()
        connection.request("GET", f"/api/v1/{project}/jobs/{job}/events")
        stream = connection.sock
        stream.recv(100)
        # It leaves in the middle.
        connection.close()
        self.ended(project, job)

    def read(self, project):
        job = self.job(project, "soak-ok")["id"]
        for path in (f"/{project}/jobs/{job}/changes", f"/{project}/files", f"/{project}/raw/notes", f"/{project}/archive", f"/{project}/jobs/{job}/evidence",
                     f"/{project}/jobs/{job}/events", f"/{project}/evidence"):
            status, answer = self.server.ask("GET", path)
            expect(status == 200, f"GET {path}", (status, answer))
        status, answer = self.server.ask("PUT", f"/{project}/raw/upload", b"x" * 10_000)
        expect(status in (200, 201), "an upload", (status, answer))


def run(clients, until, begun, total):
    def work(client):
        try:
            while sum(counts.values()) < until and len(faults) < 20:
                done = client.step()
                if done and done % 500 == 0:
                    seconds = time.monotonic() - begun
                    print(f"   {done} of {total} jobs, {seconds:.0f} s, {done / seconds:.0f} a second", flush=True)
        except Exception as error:  # pylint: disable=broad-except
            expect(False, "a client goes on", repr(error))

    threads = [threading.Thread(target=work, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def sample(server, clients):
    """In the same state each time: as many projects as are kept, each with one job, and nothing else to do."""
    for client in clients:
        client.remove_all()
        while len(client.projects) < KEPT // CLIENTS:
            client.make()
    # Threads that have nothing to do end after 5 s, and what they leave is given back within 2.
    time.sleep(10)
    return server.held(sum(client.made for client in clients))


def main():
    parser = argparse.ArgumentParser(prog="scripts/soak", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("launcher", help=argparse.SUPPRESS)
    parser.add_argument("jobs", nargs="?", type=int, default=10_000, metavar="N")
    parser.add_argument("--first", type=int, default=1000, metavar="M", help="the job of the first sample")
    parser.add_argument("--json", metavar="FILE", help="writes both samples there")
    options = parser.parse_args()
    if not 0 < options.first < options.jobs:
        parser.error("the first sample comes before the last")
    server = Server(options.launcher)
    clients = [Client(server, number) for number in range(CLIENTS)]
    begun = time.monotonic()
    run(clients, options.first, begun, options.jobs)
    early = sample(server, clients)
    print(f"   at job {sum(counts.values())}: {early}, of the resident {server.parts}", flush=True)
    run(clients, options.jobs, begun, options.jobs)
    late = sample(server, clients)
    print(f"   at job {sum(counts.values())}: {late}, of the resident {server.parts}", flush=True)
    server.process.send_signal(signal.SIGTERM)
    status = server.process.wait(60)
    print("   " + ", ".join(f"{kind} {number}" for kind, number in sorted(counts.items())))
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"jobs": counts, "early": early, "late": late, "faults": faults}, file, indent=1)
    good = status == 0 and not faults
    for fault in faults[:10]:
        print(f"no {fault}")
    if status != 0:
        print(f"no the server ends in good order: {status} {server.log()}")
    for name, first in early.items():
        change = (late[name] - first) / first if first else float(late[name] > 0)
        holds = abs(change) <= TOLERANCE
        good = good and holds
        print(f"{'ok' if holds else 'no'} {name}: {first:.1f} at job {options.first}, {late[name]:.1f} at job {options.jobs} ({change:+.1%})")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
