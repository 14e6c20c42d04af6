"""Backup and restore of database and records: beside a running server, with changed bytes, and killed in the middle.

  backup.py LAUNCHER FOLDER

FOLDER is empty. Prints `ok …` or `no …`; exit status 1 if one is no.
"""
import hashlib
import http.client
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time

LAUNCHER, FOLDER = sys.argv[1:3]
DATA = os.path.join(FOLDER, "data")
STATE = os.path.join(FOLDER, "state")
BODY = json.dumps({"instruction": "Generate a minimal Python CLI project."})
wrong = 0


def holds(claim, is_so, more=""):
    global wrong
    wrong += not is_so
    print(f"{'ok' if is_so else 'no'} {claim}{'' if is_so else f' ({str(more)[:800]})'}", flush=True)


class Server:
    def __init__(self, data=DATA, state=STATE):
        self.log_path = os.path.join(FOLDER, f"log-{time.monotonic_ns()}")
        with open(self.log_path, "wb") as errors:
            self.process = subprocess.Popen([LAUNCHER, "serve", "--listen", "127.0.0.1:0", "--data-dir", data, "--state-dir", state],
                                            cwd=FOLDER, stderr=errors, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        end = time.monotonic() + 60
        while "listening on " not in self.log() and self.process.poll() is None and time.monotonic() < end:
            time.sleep(0.02)
        if self.process.poll() is None:
            self.port = int(self.log().split("listening on http://")[1].split(",")[0].split(" ")[0].rsplit(":", 1)[1])

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as text:
            return text.read()

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, "/api/v1" + path, body, {"Content-Type": "application/json"} if body else {})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read() or b"null")
        finally:
            connection.close()

    def create(self):
        return self.ask("POST", "/projects/", BODY)[1]["id"]

    def ids(self):
        return sorted(one["id"] for one in self.ask("GET", "/projects/?limit=1000")[1]["projects"])

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(120)
        holds("the server ends in good order", status == 0, (status, self.log()[-500:]))


def run(*words, **settings):
    return subprocess.run([LAUNCHER, *words], cwd=FOLDER, capture_output=True, text=True, timeout=120, check=False, env=dict(os.environ, **settings))


def restore(folder, *words, data=DATA, state=STATE):
    return run("db", "restore", folder, "--data-dir", data, "--state-dir", state, *words)


def verified(projects, state=STATE, *words):
    """Whether the records of all of them verify; those whose folders never were here are known by their paths."""
    for project in projects:
        result = run("evidence", "verify", "--workspace", os.path.join(DATA, "workspaces", project), "--state-dir", state, *words)
        if result.returncode != 0:
            return False, result.stdout[-400:] + result.stderr[-400:]
    return True, ""


def tree(folder):
    """Every file of it with its digest."""
    found = {}
    for top, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(top, name), "rb") as file:
                found[os.path.relpath(os.path.join(top, name), folder)] = hashlib.sha256(file.read()).hexdigest()
    return found


def state_of_things():
    return {name: digest for folder in (DATA, STATE) for name, digest in tree(folder).items() if not name.endswith(("-shm", ".lock"))}


def main():
    server = Server()
    first = server.create()
    run("evidence", "sign", "--all", "--state-dir", STATE)
    over = threading.Event()
    made = []

    def load():
        while not over.is_set():
            made.append(server.create())

    threads = [threading.Thread(target=load) for _ in range(2)]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    # As a job leaves it that is cancelled before its first record.
    empty = "0" * 31 + "1"
    os.mkdir(os.path.join(STATE, "evidence", empty), 0o700)
    os.close(os.open(os.path.join(STATE, "evidence", empty, "records.jsonl"), os.O_CREAT | os.O_WRONLY, 0o600))
    backup = os.path.join(FOLDER, "backup")
    result = run("db", "backup", backup, "--data-dir", DATA, "--state-dir", STATE)
    # Some that are younger.
    count, end = len(made), time.monotonic() + 60
    while len(made) < count + 3 and time.monotonic() < end:
        time.sleep(0.01)
    over.set()
    for thread in threads:
        thread.join()
    holds("a backup is made beside a busy server", result.returncode == 0, result)
    with open(os.path.join(backup, "manifest.json"), encoding="utf-8") as file:
        manifest = json.load(file)
    holds("all of it verifies, and a workspace without a record is not in it",
          "do not verify" not in result.stderr and all(one["problems"] == 0 and one["problemsFound"] == [] and one["id"] != empty for one in manifest["workspaces"]), (result, manifest["workspaces"]))
    digests = {one["name"]: one["sha256"] for one in manifest["files"]}
    holds("its manifest has every file with its digest", digests == {name: digest for name, digest in tree(backup).items() if name != "manifest.json"})
    holds("among them signatures and the key's public half, and not the private one",
          "evidence.pub" in digests and any(name.endswith("signatures.jsonl") for name in digests) and not any("evidence.key" in name for name in digests), digests)
    holds("it is for its owner only", os.stat(backup).st_mode & 0o777 == 0o700 and all(os.stat(os.path.join(backup, name)).st_mode & 0o777 == 0o600 for name in digests))
    holds("a second one is not put over it", run("db", "backup", backup, "--data-dir", DATA).returncode == 1)
    result = restore(backup, "--replace")
    holds("beside a server nothing is restored", result.returncode == 1 and "another server" in result.stderr, result)
    after = server.ids()
    server.stop()

    before = state_of_things()
    result = restore(backup)
    holds("nor over what is there, unless that is said", result.returncode == 1 and "--replace" in result.stderr and state_of_things() == before, result)
    for name in ["codex.db", next(name for name in digests if name.endswith("records.jsonl")), next(name for name in digests if name.endswith("signatures.jsonl")), "evidence.pub"]:
        copy = os.path.join(FOLDER, "changed")
        shutil.copytree(backup, copy)
        with open(os.path.join(copy, name), "r+b") as file:
            file.seek(os.path.getsize(os.path.join(copy, name)) // 2)
            byte = file.read(1)
            file.seek(-1, os.SEEK_CUR)
            file.write(bytes([byte[0] ^ 1]))
        result = restore(copy, "--replace")
        holds(f"one changed byte in {name.rsplit('/')[-1]} is refused", result.returncode == 1 and "nothing was changed" in result.stderr and state_of_things() == before, result)
        if name.endswith("records.jsonl"):
            # Whoever changes the manifest, too, meets the chain.
            with open(os.path.join(copy, "manifest.json"), encoding="utf-8") as file:
                other = json.load(file)
            for one in other["files"]:
                if one["name"] == name:
                    one["sha256"] = tree(copy)[name]
            with open(os.path.join(copy, "manifest.json"), "w", encoding="utf-8") as file:
                json.dump(other, file)
            result = restore(copy, "--replace")
            holds("and so is a chain that does not verify, with a manifest that says nothing of it", result.returncode == 1 and "do not verify" in result.stderr and state_of_things() == before, result)
            # As many problems as there are, and others.
            refused = []
            for count in range(1, 5):
                for one in other["workspaces"]:
                    if one["id"] in name:
                        one["problems"] = count
                        one["problemsFound"] = [{"line": 9000 + number, "offset": 9000 + number, "what": "another"} for number in range(count)]
                with open(os.path.join(copy, "manifest.json"), "w", encoding="utf-8") as file:
                    json.dump(other, file)
                result = restore(copy, "--replace")
                refused.append(result.returncode == 1 and "do not verify" in result.stderr)
            holds("and one that has other problems than the manifest says, however many", all(refused) and state_of_things() == before, (refused, result))
        shutil.rmtree(copy)

    result = restore(backup, "--replace")
    holds("it is restored", result.returncode == 0, result)
    server = Server()
    ids = server.ids()
    holds("the server has the projects of the backup", first in ids and set(ids) <= set(after) and len(ids) < len(after), (len(ids), len(after)))
    later = server.create()
    holds("and works", server.ask("GET", f"/projects/{later}")[1]["project"]["status"] == "completed" if "project" in server.ask("GET", f"/projects/{later}")[1] else True)
    server.stop()
    holds("the records verify", *verified(ids + [later]))
    kept = [name for name in os.listdir(DATA) + os.listdir(STATE) if "before-restore" in name]
    holds("what was there is kept under other names", any(name.startswith("codex.db") for name in kept) and any(name.startswith("evidence") for name in kept), kept)

    # A machine with nothing on it, and a key of its own.
    data, state = os.path.join(FOLDER, "other", "data"), os.path.join(FOLDER, "other", "state")
    result = restore(backup, data=data, state=state)
    holds("it is restored where nothing is", result.returncode == 0, result)
    server = Server(data, state)
    holds("and served there", server.ids() == ids, server.log()[-400:])
    server.stop()
    holds("its records verify with the key that came with it", *verified([first], state, "--key", os.path.join(backup, "evidence.pub")))

    began = time.monotonic()
    restore(backup, "--replace")
    length = time.monotonic() - began
    for number in range(4):
        server = Server()
        mark = server.create()
        server.stop()
        process = subprocess.Popen([LAUNCHER, "db", "restore", backup, "--data-dir", DATA, "--state-dir", STATE, "--replace"], cwd=FOLDER,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(length * random.uniform(0.1, 0.9))
        process.kill()
        process.wait()
        if os.path.exists(os.path.join(DATA, "codex.db.restoring")):
            holds("the same command ends what was begun", restore(backup).returncode == 0)
        server = Server()
        ids = server.ids()
        server.stop()
        holds("killed anywhere, all is old, or all is new", first in ids and os.path.isdir(os.path.join(STATE, "evidence")), ids)
        holds("with its records", *verified([mark, first] if mark in ids else [first]))

    # Where a kill comes between the steps of the end, each of which may have been done.
    for steps in range(4):
        server = Server()
        mark = server.create()
        server.stop()
        ending = f".before-restore-{steps}"
        shutil.rmtree(os.path.join(STATE, ".restored"), ignore_errors=True)
        os.mkdir(os.path.join(STATE, ".restored"), 0o700)
        shutil.copytree(os.path.join(backup, "evidence"), os.path.join(STATE, ".restored", "evidence"))
        shutil.copy(os.path.join(backup, "codex.db"), os.path.join(DATA, "codex.db.restored"))
        with open(os.path.join(DATA, "codex.db.restoring"), "w", encoding="utf-8") as file:
            json.dump({"ending": ending, "state": STATE}, file)
        if steps > 0:
            os.rename(os.path.join(STATE, "evidence"), os.path.join(STATE, "evidence" + ending))
        if steps > 1:
            os.rename(os.path.join(STATE, ".restored", "evidence"), os.path.join(STATE, "evidence"))
        if steps > 2:
            os.rename(os.path.join(DATA, "codex.db"), os.path.join(DATA, "codex.db" + ending))
        server = Server()
        holds("in the middle no server starts, and says why", server.process.wait(30) == 1 and "was interrupted" in server.log(), server.log())
        result = run("db", "migrate", "--data-dir", DATA)
        holds("nor does anything else write", result.returncode == 1 and "was interrupted" in result.stderr, result)
        result = restore(backup)
        holds("the same command ends it", result.returncode == 0 and "is ended" in result.stdout, result)
        server = Server()
        ids = server.ids()
        server.stop()
        holds("with the backup in its place", first in ids and mark not in ids)
        holds("and what was there beside it", os.path.exists(os.path.join(DATA, "codex.db" + ending)) and os.path.isdir(os.path.join(STATE, "evidence" + ending)))
        holds("and its records", *verified([first]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
