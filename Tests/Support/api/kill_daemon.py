"""Kills the server with SIGKILL again and again while clients make projects, and looks at what is left.

  kill_daemon.py LAUNCHER FOLDER [ROUNDS]

Each round: a server in FOLDER; 16 clients that make projects, one after the other; SIGKILL after some tenths of a second, or while it
starts. Right is, each time:
  no process of the server or of a job is there a second later;
  the next server starts; every project that was acknowledged is there with its folder and its files, and is `completed`;
  what stood in a project's folder for missing names while its job ran is gone when the next server listens;
  nothing is `queued` or `in_progress`; what was under way says `error`, and its job `interrupted`;
  the records of every workspace verify.
Exit status: 0 if all is right, 1 if not.
"""
import ctypes
import http.client
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time

LAUNCHER, FOLDER = sys.argv[1], sys.argv[2]
ROUNDS = int(sys.argv[3]) if len(sys.argv) > 3 else 50
BODY = json.dumps({"instruction": "Generate a minimal Python CLI project."})
PR_SET_CHILD_SUBREAPER = 36


def descendants(pid):
    found, todo = [], [pid]
    while todo:
        parent = todo.pop()
        try:
            for task in os.listdir(f"/proc/{parent}/task"):
                with open(f"/proc/{parent}/task/{task}/children", encoding="ascii") as file:
                    children = [int(word) for word in file.read().split()]
                found += children
                todo += children
        except OSError:
            continue
    return found


def name(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().replace(b"\0", b" ").decode("utf-8", "replace").strip() or f"process {pid}"
    except OSError:
        return f"process {pid}"


class Server:
    def __init__(self):
        self.errors = open(os.path.join(FOLDER, "server.log"), "a+b", buffering=0)
        self.start_of_log = self.errors.seek(0, os.SEEK_END)
        self.process = subprocess.Popen([LAUNCHER, "serve", "--listen", "127.0.0.1:0"], cwd=FOLDER, stderr=self.errors,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    def log(self):
        self.errors.seek(self.start_of_log)
        return self.errors.read().decode("utf-8", "replace")

    def wait_for_port(self):
        end = time.monotonic() + 60
        while time.monotonic() < end:
            for line in self.log().splitlines():
                if "listening on http://127.0.0.1:" in line:
                    return int(line.split("http://127.0.0.1:")[1].split(",")[0].split(" ")[0].rstrip("/"))
            if self.process.poll() is not None:
                break
            time.sleep(0.01)
        raise RuntimeError(f"the server does not start: {self.process.poll()} {self.log()[-800:]}")


def ask(port, method, path, body=None, timeout=60, headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request(method, path, body, ({"Content-Type": "application/json"} if body else {}) | (headers or {}))
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read() or b"null")
    finally:
        connection.close()


def load(port, acknowledged, refused, over):
    while not over.is_set():
        try:
            status, answer = ask(port, "POST", "/api/v1/projects/", BODY)
        except (OSError, http.client.HTTPException, ValueError):
            if over.is_set():
                return
            time.sleep(0.01)
            continue
        if status == 200:
            acknowledged.append(answer)
        else:
            refused.append((status, answer))


def all_projects(port):
    found, after = {}, ""
    while True:
        status, page = ask(port, "GET", f"/api/v1/projects/?limit=1000{after}")
        if status != 200:
            raise RuntimeError(f"projects: {status} {page}")
        for project in page["projects"]:
            found[project["id"]] = project
        if len(page["projects"]) < 1000:
            return found
        after = f"&after={page['projects'][-1]['id']}"


def gone(seconds=60):
    """What is still there below us so long after a kill; that it takes less than a second is shown where nothing runs beside it."""
    end = time.monotonic() + seconds
    while True:
        try:
            while os.waitpid(-1, os.WNOHANG)[0] != 0:
                pass
        except ChildProcessError:
            pass
        left = descendants(os.getpid())
        if not left or time.monotonic() > end:
            return left
        time.sleep(0.01)


def covers(projects):
    """What jobs do not see of their folders, and nobody has made: empty folders that stand for missing names."""
    found = []
    for project in projects:
        for kept in (".envrc", ".mcp.json", ".codex-sandbox.toml"):
            path = os.path.join(FOLDER, "workspaces", project, kept)
            if os.path.isdir(path) and not os.listdir(path):
                found.append(path)
    return found


def main():
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "PR_SET_CHILD_SUBREAPER")
    seed = random.randrange(1 << 32)
    generator = random.Random(seed)
    print(f"seed {seed}", flush=True)
    wrong, known, total, interrupted, covered = [], {}, 0, 0, 0
    # The look itself: a process that stays is seen.
    stays = subprocess.Popen(["sleep", "60"])
    if not gone(1):
        wrong.append("control: a process that stays is not seen")
    stays.kill()
    stays.wait()
    for number in range(ROUNDS):
        server = Server()
        acknowledged, refused, over, threads = [], [], threading.Event(), []
        if number % 5 == 4:
            time.sleep(generator.uniform(0, 0.1))
        else:
            port = server.wait_for_port()
            threads = [threading.Thread(target=load, args=(port, acknowledged, refused, over)) for _ in range(16)]
            for thread in threads:
                thread.start()
            time.sleep(generator.uniform(0.05, 0.8))
            # A slow machine acknowledges nothing in that time, and such a round shows nothing.
            end = time.monotonic() + 60
            while len(acknowledged) < 2 and time.monotonic() < end:
                time.sleep(0.01)
        over.set()
        server.process.kill()
        server.process.wait()
        left = gone()
        if left:
            wrong.append(f"round {number}: still there: {[name(pid) for pid in left]}")
            for pid in left:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass  # gone since the look
        for thread in threads:
            thread.join()
        for answer in acknowledged:
            known[answer["id"]] = answer
        total += len(acknowledged)
        if refused:
            wrong.append(f"round {number}: {len(refused)} refused, the first {refused[0]}")
        folder = os.path.join(FOLDER, "workspaces")
        covered += len(covers(os.listdir(folder) if os.path.isdir(folder) else []))
        server = Server()
        try:
            port = server.wait_for_port()
            left = covers(os.listdir(folder))
            if left:
                wrong.append(f"round {number}: {len(left)} empty covers, the first {left[0]}")
            found = all_projects(port)
            for project in known:
                if project not in found:
                    wrong.append(f"round {number}: the acknowledged project {project} is lost")
                elif found[project]["status"] != "completed":
                    wrong.append(f"round {number}: {project} was completed and is {found[project]}")
            for project in found.values():
                if project["status"] not in ("completed", "error"):
                    wrong.append(f"round {number}: {project} after a restart")
                if not os.path.isdir(os.path.join(FOLDER, "workspaces", project["id"], ".codex")):
                    wrong.append(f"round {number}: {project['id']} has no folder")
            errors = [project for project in found.values() if project["status"] == "error"]
            for project in errors[:3]:
                _, jobs = ask(port, "GET", f"/api/v1/projects/{project['id']}/jobs")
                for job in jobs["jobs"]:
                    _, detail = ask(port, "GET", f"/api/v1/projects/{project['id']}/jobs/{job['id']}")
                    if detail.get("status") != "error" or detail.get("reason") != "interrupted":
                        wrong.append(f"round {number}: {detail}")
            interrupted = len(errors)
            for answer in acknowledged[:2]:
                status, files = ask(port, "GET", f"/api/v1/{answer['id']}/files")
                if status != 200 or "app.py" not in [file["path"] for file in files["files"]]:
                    wrong.append(f"round {number}: files of {answer['id']}: {status} {files}")
        except (OSError, RuntimeError, KeyError, http.client.HTTPException) as error:
            wrong.append(f"round {number}: {type(error).__name__}: {error}")
        server.process.send_signal(signal.SIGTERM)
        try:
            status = server.process.wait(60)
            if status != 0:
                wrong.append(f"round {number}: TERM ends the server with {status}: {server.log()[-400:]}")
        except subprocess.TimeoutExpired:
            wrong.append(f"round {number}: the server does not end on TERM")
            server.process.kill()
            server.process.wait()
        if len(wrong) > 20:
            break
    folders = [entry for entry in os.listdir(os.path.join(FOLDER, "workspaces"))]
    hidden = [entry for entry in folders if entry.startswith(".")]
    if hidden:
        wrong.append(f"left among the workspaces: {hidden[:5]}")
    for project in list(known)[:20]:
        verified = subprocess.run([LAUNCHER, "evidence", "verify", "--workspace", os.path.join(FOLDER, "workspaces", project)],
                                  capture_output=True, check=False)
        if verified.returncode != 0:
            wrong.append(f"evidence of {project}: {verified.stdout[-300:]} {verified.stderr[-200:]}")
    for line in wrong:
        print(f"no {line}")
    print(f"{ROUNDS} rounds, {total} projects acknowledged, {interrupted} interrupted, {covered} covers taken away, {len(wrong)} wrong")
    if total < ROUNDS or interrupted == 0 or covered == 0:
        print("no too few projects, or nothing was interrupted: this run shows too little")
        return 1
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
