"""What a server removes by itself, what `gc` removes where no server is, and what both leave alone.

  retention.py LAUNCHER FOLDER WORKER

FOLDER is empty, WORKER carries out the instruction as a script. Prints `ok …` or `no …`; exit status 1 if one is no.
"""
import http.client
import json
import os
import random
import signal
import subprocess
import sys
import time

LAUNCHER, FOLDER, WORKER = sys.argv[1:4]
DATA = os.path.join(FOLDER, "data")
ROOT = os.path.join(DATA, "workspaces")
wrong = 0


def holds(claim, is_so, more=""):
    global wrong
    wrong += not is_so
    print(f"{'ok' if is_so else 'no'} {claim}{'' if is_so else f' ({str(more)[:800]})'}", flush=True)


def waits_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


class Server:
    def __init__(self, *flags, **settings):
        self.log_path = os.path.join(FOLDER, f"log-{time.monotonic_ns()}")
        with open(self.log_path, "wb") as errors:
            self.process = subprocess.Popen(
                [LAUNCHER, "serve", "--listen", "127.0.0.1:0", "--data-dir", DATA, "--worker", "command", *flags], cwd=FOLDER, stderr=errors,
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=dict(os.environ, CODEX_WORKER_COMMAND=WORKER, **settings))
        waits_for(lambda: "listening on " in self.log() or self.process.poll() is not None)
        self.port = int(self.log().split("listening on http://")[1].split(",")[0].split(" ")[0].rsplit(":", 1)[1])

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as text:
            return text.read()

    def ask(self, method, path, body=None, waits=True):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, "/api/v1" + path, json.dumps(body) if body else None,
                               {**({"Content-Type": "application/json"} if body else {}), **({} if waits else {"Prefer": "respond-async"})})
            answer = connection.getresponse()
            text = answer.read()
            return answer.status, json.loads(text) if answer.getheader("Content-Type", "").startswith("application/json") else text
        finally:
            connection.close()

    def create(self, script, waits=True):
        status, project = self.ask("POST", "/projects/", {"instruction": script}, waits)
        assert status in (200, 202), (status, project, self.log()[-2000:])
        return project["id"]

    def is_there(self, project):
        return self.ask("GET", f"/projects/{project}")[0] == 200

    def ids(self):
        return sorted(one["id"] for one in self.ask("GET", "/projects/?limit=1000")[1]["projects"])

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(120)
        holds("the server ends in good order", status == 0, (status, self.log()[-500:]))


def run(*words):
    return subprocess.run([LAUNCHER, *words], cwd=FOLDER, capture_output=True, text=True, timeout=120, check=False)


def gc(*words):
    return run("gc", "--data-dir", DATA, *words)


def verified(project):
    result = run("evidence", "verify", "--workspace", os.path.join(ROOT, project))
    return result.returncode == 0, result.stdout[-300:] + result.stderr[-300:]


def by_itself():
    # A flag beats the environment.
    server = Server("--keep-projects", "15s", "--keep-logs-size=1", KEEP_INTERVAL="1s", KEEP_PROJECTS="3650d", KEEP_LOGS_SIZE="1GiB")
    busy = server.create("echo begun; sleep 600", waits=False)
    idle = server.create("echo something to keep")
    job = server.ask("GET", f"/projects/{idle}")[1]["jobs"][0]["id"]

    def log_text():
        status, text = server.ask("GET", f"/{idle}/jobs/{job}/logs")
        return status, str(text)

    holds("output goes by its size", waits_for(lambda: "something to keep" not in log_text()[1]), log_text())
    status, text = log_text()
    holds("the log answers still, or its project is gone", status in (200, 404), (status, text))
    holds("an unchanged project goes by its age", waits_for(lambda: not server.is_there(idle)), server.log()[-600:])
    holds("one whose job runs stays, however old", server.is_there(busy))
    def has_line(*words):
        # It comes behind the removal, which has been seen.
        return waits_for(lambda: any(all(word in line for word in words) for line in server.log().splitlines()))
    holds("the log has a line for the output", has_line("audit removeLog", f"job={job}", "reason=size"), server.log()[-600:])
    holds("and one for the project", has_line("audit removeProject", f"project={idle}", "reason=age"), server.log()[-600:])
    job = server.ask("GET", f"/projects/{busy}")[1]["jobs"][0]["id"]
    holds("its job can be cancelled", server.ask("POST", f"/{busy}/jobs/{job}/cancel")[0] == 200)
    holds("and then it goes, too", waits_for(lambda: not server.is_there(busy)), server.log()[-600:])
    holds("nothing of them lies there", waits_for(lambda: os.listdir(ROOT) == []), os.listdir(ROOT))
    for project in (idle, busy):
        holds("their records verify", *verified(project))
    server.stop()


def records():
    server = Server()
    first = server.create("echo ok")
    second = server.create("echo ok")
    for _ in range(3):
        server.ask("POST", f"/{first}/jobs", {"instruction": "echo ok", "job_type": "edit"})
    server.stop()
    sizes = [os.path.getsize(os.path.join(top, name)) for top, _, names in os.walk(os.path.join(os.environ["XDG_STATE_HOME"], "codex-sandbox", "evidence"))
             for name in names if name == "records.jsonl"]
    server = Server("--keep-interval", "1s", "--keep-evidence-size", str(sum(sizes) // 2))
    holds("records go by their size", waits_for(lambda: "audit removeRecords" in server.log()), server.log()[-600:])
    time.sleep(1.2)
    last = server.create("echo ok")
    server.stop()
    for project in (first, second, last):
        holds("and verify", *verified(project))
    result = run("gc", "--keep-evidence-size", "1")
    holds("gc does the same", result.returncode == 0 and "removed" in result.stdout, result)
    for project in (first, second, last):
        holds("and they verify again", *verified(project))
    gc("--keep-projects-size", "1")


def by_gc():
    server = Server()
    ids = [server.create(f"echo {number}") for number in range(3)]
    result = gc("--keep-projects-size", "1")
    holds("beside a server gc removes nothing", result.returncode == 1 and "KEEP_" in result.stderr and server.ids() == sorted(ids), result)
    result = gc("--keep-projects-size", "1", "--dry-run", "--json")
    found = [json.loads(line) for line in result.stdout.splitlines()]
    holds("but says what would go", [one["project"] for one in found] == ids and all(one["dryRun"] and one["kind"] == "project" for one in found), result)
    holds("and leaves it", server.ids() == sorted(ids))
    server.stop()
    result = gc("--keep-projects", "1h")
    holds("what is younger stays", result.returncode == 0 and "nothing to remove" in result.stdout, result)
    result = gc("--keep-logs-size", "1")
    holds("output goes alone", result.returncode == 0 and result.stdout.count("output") == 3 and result.stderr.count("audit removeLog") == 3, result)
    result = gc("--keep-projects-size", "1")
    holds("without a server it removes", result.returncode == 0 and result.stdout.count("project ") == 3 and result.stderr.count("audit removeProject") == 3, result)
    holds("rows and folders", sorted(os.listdir(ROOT)) == [], os.listdir(ROOT))
    result = gc("--keep-projects-size", "1", "--workspace-root", os.path.join(FOLDER, "nowhere"))
    holds("it makes no folder", result.returncode == 1 and not os.path.exists(os.path.join(FOLDER, "nowhere")), result)


def killed():
    server = Server()
    for number in range(24):
        server.create(f"mkdir -p a/b/c; touch a/b/c/{number} a/{number}", waits=number == 23)
    waits_for(lambda: all(one["status"] not in ("queued", "in_progress") for one in server.ask("GET", "/projects/?limit=1000")[1]["projects"]))
    before = len(server.ids())
    server.stop()
    began = time.monotonic()
    gc("--keep-projects-size", "1", "--dry-run")
    length = time.monotonic() - began
    for _ in range(6):
        process = subprocess.Popen([LAUNCHER, "gc", "--data-dir", DATA, "--keep-projects-size", "1"], cwd=FOLDER, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        # Somewhere between the first and the last removal.
        time.sleep(length * random.uniform(0.5, 1.1))
        process.kill()
        process.wait()
    server = Server()
    ids, folders = server.ids(), sorted(os.listdir(ROOT))
    holds(f"after kills each project has its folder, each folder its project ({len(ids)} of {before} are left)", ids == folders, (ids, folders))
    server.stop()
    result = gc("--keep-projects-size", "1")
    holds("and the next gc ends it", result.returncode == 0 and os.listdir(ROOT) == [], result)


def main():
    by_itself()
    records()
    by_gc()
    killed()
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
