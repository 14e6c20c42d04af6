"""The server beside a service manager: a manager that this script plays, with real sockets and a real notify socket.

  managed_server.py LAUNCHER FOLDER

Each line of the output is a claim and whether it held. Exit status: 0 if all did.
"""
import http.client
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time

LAUNCHER, FOLDER = sys.argv[1], sys.argv[2]
BODY = json.dumps({"instruction": "Generate a minimal Python CLI project."})
wrong = 0


def holds(claim, is_so, more=""):
    global wrong
    if not is_so:
        wrong += 1
    print(f"{'ok' if is_so else 'no'} {claim}{'' if is_so else f' ({more})'}", flush=True)


class Unix(http.client.HTTPConnection):
    def __init__(self, path, timeout=60):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Manager:
    """Sockets that outlive every server, and what a server says."""

    def __init__(self, name):
        self.folder = os.path.join(FOLDER, name)
        os.mkdir(self.folder)
        self.notify_path = os.path.join(self.folder, "notify")
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(self.notify_path)
        self.notify.settimeout(0.05)
        self.tcp = socket.socket()
        self.tcp.bind(("127.0.0.1", 0))
        self.tcp.listen(512)
        self.port = self.tcp.getsockname()[1]
        self.unix = socket.socket(socket.AF_UNIX)
        self.unix_path = os.path.join(self.folder, "api.sock")
        self.unix.bind(self.unix_path)
        self.unix.listen(512)
        self.said, self.process = [], None

    def start(self, *options, names="api:api", sockets=None, watchdog=None, environment=None, listen="fd", pid=None):
        sockets = [self.tcp, self.unix] if sockets is None else sockets
        self.said = []
        self.log_path = os.path.join(self.folder, f"log-{time.monotonic_ns()}")
        variables = dict(os.environ, NOTIFY_SOCKET=self.notify_path, **(environment or {}))
        if sockets:
            variables.update(LISTEN_FDS=str(len(sockets)), LISTEN_FDNAMES=names)
        if watchdog:
            variables["WATCHDOG_USEC"] = str(watchdog)
        child = os.fork()
        if child == 0:
            try:
                errors = os.open(self.log_path, os.O_WRONLY | os.O_CREAT, 0o600)
                null = os.open("/dev/null", os.O_RDWR)
                copies = [os.dup(one.fileno()) for one in sockets]
                high = [os.dup2(copy, 200 + index) for index, copy in enumerate(copies)]
                os.dup2(null, 0)
                os.dup2(null, 1)
                os.dup2(errors, 2)
                for index, number in enumerate(high):
                    os.dup2(number, 3 + index)
                os.closerange(3 + len(high), 300)
                for number in range(3 + len(high)):
                    os.set_inheritable(number, True)
                variables["LISTEN_PID"] = str(os.getpid() if pid is None else pid)
                os.chdir(self.folder)
                os.execve(LAUNCHER, [LAUNCHER, "serve", "--listen", listen, *options], variables)
            finally:
                os._exit(99)
        self.process = child

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def hear(self):
        try:
            message = self.notify.recv(4096).decode()
        except TimeoutError:
            return False
        self.said.append((time.monotonic(), message))
        return True

    def waits(self, word, seconds=60):
        """The first message from now on that has the word."""
        end, seen = time.monotonic() + seconds, len(self.said)
        while time.monotonic() < end:
            self.hear()
            for _, message in self.said[seen:]:
                if word in message.split("\n"):
                    return message
            seen = len(self.said)
        return None

    def ended(self, seconds=90):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            pid, status = os.waitpid(self.process, os.WNOHANG)
            if pid:
                # What it has said before is there still.
                while self.hear():
                    pass
                return os.waitstatus_to_exitcode(status)
            self.hear()
        os.kill(self.process, signal.SIGKILL)
        os.waitpid(self.process, 0)
        return "it does not end"

    def stop(self):
        os.kill(self.process, signal.SIGTERM)
        return self.ended()

    def ask(self, method="GET", path="/readyz", body=None, unix=False, fields=None):
        connection = Unix(self.unix_path) if unix else http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, {**({"Content-Type": "application/json"} if body else {}), **(fields or {})})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read() or b"null")
        finally:
            connection.close()


def waits_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def readiness_and_sockets():
    manager = Manager("ready")
    manager.start(environment={"LISTEN_SECRET": "x"})
    ready = manager.waits("READY=1")
    holds("the server says when it is ready, and how it is", ready and "STATUS=0 jobs running" in ready, manager.log())
    holds("it answers at the socket of TCP", manager.ask()[0] == 200)
    holds("and at the unix socket", manager.ask(unix=True)[0] == 200)
    descriptors = {}
    for number in os.listdir(f"/proc/{manager.process}/fd"):
        try:
            with open(f"/proc/{manager.process}/fdinfo/{number}", encoding="ascii") as file:
                descriptors[int(number)] = int(next(line for line in file if line.startswith("flags:")).split()[1], 8)
        except OSError:
            continue
    left = [number for number, flags in descriptors.items() if number > 2 and not flags & 0o2000000]
    holds("no descriptor of it is handed to children", 3 in descriptors and not left, left)
    status, made = manager.ask("POST", "/api/v1/projects/", BODY)
    holds("a job runs below it", status == 200 and made["status"] == "completed", made)
    log = manager.log()
    audit = [line for line in log.splitlines() if "audit createProject" in line]
    holds("what changes something leaves an audit line", len(audit) == 1 and made["id"] in audit[0] and " 200 " in audit[0] and
          "request=" in audit[0] and "peer=127.0.0.1:" in audit[0] and f"uid={os.getuid()}" in audit[0], log)
    manager.ask("DELETE", f"/api/v1/projects/{made['id']}", fields={"Origin": "http://evil.test"})
    manager.ask("DELETE", f"/api/v1/projects/{made['id']}")
    audit = [line for line in manager.log().splitlines() if "audit removeProject" in line]
    holds("refused or carried out", len(audit) == 2 and " 403 " in audit[0] and " 204 " in audit[1] and all(made["id"] in line for line in audit), audit)
    holds("TERM ends it with 0, and it says so", manager.stop() == 0 and any("STOPPING=1" in message for _, message in manager.said), manager.log())
    client = Unix(manager.unix_path)
    client.connect()
    holds("the sockets stay the manager's", True)
    client.close()


def names():
    manager = Manager("names")
    manager.start(names="api:other", listen="fd:api")
    holds("of several sockets it takes those of the name", manager.waits("READY=1") and manager.ask()[0] == 200, manager.log())
    manager.unix.settimeout(0.3)
    client = socket.socket(socket.AF_UNIX)
    client.connect(manager.unix_path)
    client.settimeout(0.3)
    client.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
    try:
        answered = client.recv(100)
    except TimeoutError:
        answered = b""
    holds("and leaves the others", answered == b"", answered)
    holds("it ends", manager.stop() == 0)
    for claim, options in [
        ("no socket of that name", dict(listen="fd:nobody")), ("no socket at all", dict(sockets=[])),
        ("sockets that are meant for another process", dict(pid=1)),
    ]:
        manager.start(**options)
        holds(f"{claim}: it does not start, and says why", manager.ended() == 1 and "cannot listen at 'fd" in manager.log(), manager.log())
    with open("/dev/null", "rb") as null:
        manager.start(sockets=[manager.tcp, null])
        holds("what is no socket is named", manager.ended() == 1 and "it is no socket" in manager.log(), manager.log())
    public = socket.socket()
    public.bind(("0.0.0.0", 0))
    public.listen(5)
    manager.start(sockets=[manager.tcp, public])
    holds("a socket that others reach needs a token", manager.ended() == 1 and "there is no token" in manager.log(), manager.log())


def watchdog():
    manager = Manager("watchdog")
    manager.start(watchdog=2_000_000)
    manager.waits("READY=1")
    holds("the watchdog is told", manager.waits("WATCHDOG=1") and manager.waits("WATCHDOG=1"), manager.said)
    secured = Manager("watchdog-token")
    secured.start(watchdog=2_000_000, environment={"API_TOKEN": "0123456789abcdef-first"})
    secured.waits("READY=1")
    holds("and where clients need a token, too", secured.waits("WATCHDOG=1") and secured.waits("WATCHDOG=1"), secured.said)
    holds("which the watchdog does not open for others", secured.ask(path="/readyz")[0] == 401 and secured.stop() == 0, secured.log())
    # The store is locked by a stopped server only in itself: what can be had from outside is that it stops altogether, and that its folder goes.
    os.rename(os.path.join(manager.folder, "workspaces"), os.path.join(manager.folder, "away"))
    os.rmdir(os.path.join(manager.folder, "away"))
    refused = waits_for(lambda: (manager.hear(), "not ready" in (manager.said or [(0, "")])[-1][1])[1])
    count = sum("WATCHDOG=1" in message for _, message in manager.said)
    end = time.monotonic() + 3
    while time.monotonic() < end:
        manager.hear()
    holds("a server that cannot serve does not say that it is alive", refused and
          count == sum("WATCHDOG=1" in message for _, message in manager.said), manager.said)
    holds("it ends all the same", manager.stop() == 0, manager.log())


def reload():
    manager = Manager("reload")
    settings = os.path.join(manager.folder, "settings")

    def write(text):
        with open(settings, "w", encoding="utf-8") as file:
            file.write(text)

    write("APP_NAME=First\nAPI_TOKEN=0123456789abcdef-first\nLOG_LEVEL=warning\n")
    # As EnvironmentFile= does: the same values stand in the environment as well.
    manager.start("--env-file", settings, environment={"APP_NAME": "First", "LOG_LEVEL": "warning"})
    manager.waits("READY=1")
    first, second = ({"Authorization": f"Bearer 0123456789abcdef-{word}"} for word in ("first", "second"))
    holds("the token of the file is asked for", manager.ask(path="/api/v1/projects/")[0] == 401 and
          manager.ask(path="/api/v1/projects/", fields=first)[0] == 200, manager.log())
    holds("at level warning a request that goes well leaves no line", " 200 " not in manager.log(), manager.log())

    def hup():
        os.kill(manager.process, signal.SIGHUP)
        return manager.waits("RELOADING=1") and manager.waits("READY=1")

    write("APP_NAME=Second\nAPI_TOKEN=0123456789abcdef-second\nLOG_LEVEL=info\n")
    holds("HUP is told as a reload with its time", (hup() or True) and any("MONOTONIC_USEC=" in message for _, message in manager.said))
    holds("the new token counts, and the old one does not", manager.ask(path="/api/v1/projects/", fields=second)[0] == 200 and
          manager.ask(path="/api/v1/projects/", fields=first)[0] == 401)
    holds("other settings do too", manager.ask(path="/openapi.json", fields=second)[1]["info"]["title"] == "Second")
    holds("the level, too", "GET /api/v1/projects/ 200" in manager.log(), manager.log())
    for bad, word in [("APP_NAME=Third\nAPI_TOKEN=short\n", "API_TOKEN"), ("APP_NAME=Third\n", "token cannot change"), ("a line\n", settings)]:
        write(bad)
        hup()
        log = manager.log()
        holds(f"a bad file is reported ({word}), and nothing of it taken", "old ones stay" in log.splitlines()[-1] and word in log.splitlines()[-1] and
              manager.ask(path="/openapi.json", fields=second)[1]["info"]["title"] == "Second", log)
    write("APP_NAME=Fourth\nAPI_TOKEN=0123456789abcdef-second\nDATABASE_URL=sqlite:///./other.db\n")
    hup()
    holds("what needs a restart is named", "DATABASE_URL only after a restart" in manager.log(), manager.log())
    holds("no secret is in the log", "0123456789abcdef" not in manager.log(), manager.log())
    holds("it ends", manager.stop() == 0)


def start_job(manager):
    """A job that takes `SLEEP_SECONDS`: its project, the thread that waits for its answer, and the answer to come."""
    answers, found = [], []
    thread = threading.Thread(target=lambda: answers.append(manager.ask("POST", "/api/v1/projects/", json.dumps({"instruction": "long_run"}))))
    thread.start()

    def is_running():
        found[:] = [p["id"] for p in manager.ask(path="/api/v1/projects/")[1]["projects"] if p["status"] == "in_progress"]
        return found

    holds("a job is running", waits_for(is_running) and waits_for(lambda: manager.ask(path=f"/api/v1/projects/{found[0]}/evidence")[1]))
    return found[0], thread, answers


def weaker_by_now():
    """A policy's text can become a weaker profile later: who reads the log learns it from the reload, once."""
    manager = Manager("weaker")
    policy = os.path.join(manager.folder, "policy.toml")

    def write(more):
        with open(policy, "w", encoding="utf-8") as file:
            file.write('version = 1\nextends = "codex-worker"\n' + more)

    def warned(more=None):
        if more is not None:
            write(more)
        os.kill(manager.process, signal.SIGHUP)
        manager.waits("RELOADING=1")
        manager.waits("READY=1")
        return manager.log().count("weaker profile container: NOT held")

    write("")
    manager.start("--policy", policy)
    manager.waits("READY=1")
    holds("a policy that is a sandbox's is no warning", warned() == 0, manager.log())
    weaker = "[danger]\ncontainer = true\n"
    holds("once it is a weaker profile HUP warns", warned(weaker) == 1, manager.log())
    holds("and not twice", warned() == 1, manager.log())
    holds("until it is one again", warned("") == 1 and warned(weaker) == 2, manager.log())
    # Its jobs could not answer: the old settings stay, and say why.
    write("[filesystem]\nexcept = []\n")
    os.kill(manager.process, signal.SIGHUP)
    holds("a policy under which no worker could answer is not taken", waits_for(lambda: "could not write its answer" in manager.log()), manager.log())
    # And the policy is read at each launch, so no old one stays.
    holds("nor does a job run until it is mended", waits_for(lambda: "every job is refused until the policy is mended" in manager.log()), manager.log())
    status, text = manager.ask()[:2]
    holds("which is not ready", status == 503 and "the server's policy cannot be used; the log says why" in str(text), (status, text))
    holds("and tells clients nothing of the file", policy not in str(text) and "not ready: every job would be refused" in manager.log(), (text, manager.log()))
    write("nonsense = 1\n")
    status, text = manager.ask()[:2]
    holds("nor is a policy that is none, without HUP", status == 503 and "every job would be refused" in str(text), (status, text))
    write("")
    holds("and mended it is ready", waits_for(lambda: manager.ask()[0] == 200), manager.ask())
    manager.stop()


def stopping():
    for manner, verdict in (("end", ("error", "interrupted")), ("finish", ("completed", None))):
        manager = Manager(f"stop-{manner}")
        manager.start("--worker", "minimal", "--stop-jobs", manner, "--max-jobs", "1", environment={"SLEEP_SECONDS": "120" if manner == "end" else "10"}, watchdog=1_000_000)
        manager.waits("READY=1")
        project, thread, answers = start_job(manager)
        queued = manager.ask("POST", "/api/v1/projects/", json.dumps({"instruction": "Generate it"}), fields={"Prefer": "respond-async"})[1]
        os.kill(manager.process, signal.SIGTERM)
        message = manager.waits("STOPPING=1")
        wanted = 30_000_000 if manner == "end" else 630_000_000
        holds(f"{manner}: the manager is asked for the time", message and f"EXTEND_TIMEOUT_USEC={wanted}" in message, message)
        # Whoever comes now is not refused: he waits for the next server.
        late = []

        def come_late():
            # The one that ends may still take it, and then end before it has answered.
            while not late:
                try:
                    late.append(manager.ask(path="/api/v1/projects/"))
                except (OSError, http.client.HTTPException):
                    time.sleep(0.05)

        later = threading.Thread(target=come_late, daemon=True)
        later.start()
        holds(f"{manner}: it ends with 0", manager.ended() == 0, manager.log())
        if manner == "finish":
            signs = sum(message.startswith("WATCHDOG=1") and "ending" in message for _, message in manager.said)
            holds("finish: meanwhile it says that it is alive", signs >= 2, manager.said)
        thread.join()
        holds(f"{manner}: its client has his answer", answers and answers[0][0] == 200 and answers[0][1]["status"] == verdict[0], answers)
        manager.start("--worker", "minimal")
        later.join(120)
        holds(f"{manner}: who came meanwhile is served by the next one", late and late[0][0] == 200, late)
        jobs = [manager.ask(path=f"/api/v1/projects/{p}/jobs/{job}")[1] for p, job in (
            (one["id"], job["id"]) for one in late[0][1]["projects"] for job in manager.ask(path=f"/api/v1/projects/{one['id']}/jobs")[1]["jobs"])]
        found = {job["project_id"]: (job["status"], job["reason"]) for job in jobs}
        holds(f"{manner}: running and waiting jobs are {verdict[0]}", found == {project: verdict, queued["id"]: verdict}, jobs)
        manager.stop()
        records = subprocess.run([LAUNCHER, "evidence", "verify", "--workspace", os.path.join(manager.folder, "workspaces", project)],
                                 capture_output=True, check=False)
        holds(f"{manner}: their records verify", records.returncode == 0, records.stdout + records.stderr)
        shown = subprocess.run([LAUNCHER, "evidence", "export", "--workspace", os.path.join(manager.folder, "workspaces", project)],
                               capture_output=True, check=False).stdout.splitlines()
        holds(f"{manner}: and have the job's end", len(shown) == 2, shown)
    # Nobody waits for the job: the transport has nothing to do any more, and the watchdog is told all the same.
    manager = Manager("alone")
    manager.start("--worker", "minimal", "--stop-jobs", "finish", environment={"SLEEP_SECONDS": "10"}, watchdog=1_000_000)
    manager.waits("READY=1")
    made = manager.ask("POST", "/api/v1/projects/", json.dumps({"instruction": "long_run"}), fields={"Prefer": "respond-async"})[1]
    holds("a job is running", waits_for(lambda: manager.ask(path=f"/api/v1/projects/{made['id']}/evidence")[1]))
    os.kill(manager.process, signal.SIGTERM)
    holds("alone: it ends with 0", manager.ended() == 0, manager.log())
    signs = sum(message.startswith("WATCHDOG=1") and "ending" in message for _, message in manager.said)
    holds("alone: meanwhile it says that it is alive", signs >= 3, manager.said)
    # A bound, and a second signal.
    for claim, options, twice in (("the bound ends what does not finish", ["--stop-time", "1s"], False), ("a second TERM ends at once", [], True)):
        manager = Manager(f"bound-{twice}")
        manager.start("--worker", "minimal", "--stop-jobs", "finish", *options, environment={"SLEEP_SECONDS": "120"})
        manager.waits("READY=1")
        project, thread, answers = start_job(manager)
        os.kill(manager.process, signal.SIGTERM)
        manager.waits("STOPPING=1")
        if twice:
            time.sleep(0.5)
            os.kill(manager.process, signal.SIGTERM)
        holds(f"{claim}", manager.ended() == 0, manager.log())
        thread.join()
        holds("and its client learns it", answers and answers[0][1].get("status") == "error", answers)


def status_line():
    """What systemctl status shows: told when it changes, not with the next sign of life, which comes every ten seconds here."""
    manager = Manager("status")
    manager.start("--worker", "minimal", environment={"SLEEP_SECONDS": "120"})
    manager.waits("READY=1")

    def is_alive():
        manager.hear()
        return any("WATCHDOG=1" in message for _, message in manager.said)

    # The first sign of life comes with the start: what follows is told by itself, or ten seconds later.
    holds("the first sign of life", waits_for(is_alive), manager.said)

    def is_told(words):
        manager.hear()
        return any(message.startswith(f"STATUS={words}") for _, message in manager.said)

    made = manager.ask("POST", "/api/v1/projects/", json.dumps({"instruction": "long_run"}), fields={"Prefer": "respond-async"})[1]
    holds("a job that begins is told by itself", waits_for(lambda: is_told("1 jobs running, 0 waiting; ")), manager.said)
    manager.said = []
    job = manager.ask(path=f"/api/v1/projects/{made['id']}/jobs")[1]["jobs"][0]["id"]
    manager.ask("POST", f"/api/v1/projects/{made['id']}/jobs/{job}/cancel")
    holds("and so is its end", waits_for(lambda: is_told("0 jobs running, 0 waiting; ")), manager.said)
    manager.stop()


def restarts_under_load():
    """Clients ask again and again while servers come and go: none is refused, and nobody's answer is lost."""
    manager = Manager("load")
    manager.start("--max-jobs", "4")
    manager.waits("READY=1")
    over, faults, done, excused = threading.Event(), [], [0], [0]

    def load(unix, keeps):
        connection, last = None, 0.0
        while not over.is_set():
            try:
                if connection is None:
                    connection = Unix(manager.unix_path) if unix else http.client.HTTPConnection("127.0.0.1", manager.port, timeout=60)
                connection.request("GET", "/api/v1/projects/?limit=1")
                answer = connection.getresponse()
                answer.read()
                if answer.status != 200:
                    faults.append(answer.status)
                done[0] += 1
                last = time.monotonic()
                if not keeps or answer.getheader("Connection") == "close":
                    connection.close()
                    connection = None
            except (OSError, http.client.HTTPException) as error:
                # A server that stops keeps a connection that asks nothing for a second: who gets no processor for longer comes late.
                if not (keeps and connection is not None and connection.sock is not None and time.monotonic() - last > 0.5):
                    faults.append(f"{type(error).__name__}: {error}")
                else:
                    excused[0] += 1
                connection = None

    threads = [threading.Thread(target=load, args=(number % 2 == 0, number % 4 < 2)) for number in range(8)]
    for thread in threads:
        thread.start()
    statuses, counts = [], []
    for _ in range(5):
        before = done[0]
        waits_for(lambda: done[0] > before + 50)
        statuses.append(manager.stop())
        manager.start("--max-jobs", "4")
        manager.waits("READY=1")
        counts.append(done[0])
    before = done[0]
    waits_for(lambda: done[0] > before + 50)
    over.set()
    for thread in threads:
        thread.join()
    manager.stop()
    holds(f"no client of {done[0]} is refused in five restarts", not faults and excused[0] <= 8 and statuses == [0] * 5 and done[0] > 300,
          f"{faults[:5]} {len(faults)} {excused[0]} {statuses}")


def credentials():
    manager = Manager("credential")
    folder = os.path.join(manager.folder, "credentials")
    os.mkdir(folder)
    with open(os.path.join(folder, "api-token"), "w", encoding="utf-8") as file:
        file.write("0123456789abcdef-credential\n")
    data = os.path.join(manager.folder, "deep", "data")
    manager.start("--data-dir", data, "--env-file=-/nonexistent/settings", environment={"CREDENTIALS_DIRECTORY": folder})
    holds("it starts with a folder of its own, and without the file that may be missing", manager.waits("READY=1"), manager.log())
    token = {"Authorization": "Bearer 0123456789abcdef-credential"}
    holds("the manager's credential is the token", manager.ask(path="/api/v1/projects/")[0] == 401)
    status, made = manager.ask("POST", "/api/v1/projects/", BODY, fields=token)
    detail = manager.ask(path=f"/api/v1/projects/{made.get('id')}", fields=token)[1]
    holds("projects lie in that folder, and say so", status == 200 and made["status"] == "completed" and
          detail["workspace_path"] == f"{data}/workspaces/{made['id']}" and os.path.isfile(f"{data}/codex.db"), detail)
    holds("which is its owner's only", os.stat(data).st_mode & 0o777 == 0o700 and os.stat(os.path.dirname(data)).st_mode & 0o777 == 0o700)
    holds("it ends", manager.stop() == 0)


def newer_database():
    manager = Manager("newer")
    manager.start()
    manager.waits("READY=1")
    manager.ask("POST", "/api/v1/projects/", BODY)
    manager.stop()
    path = os.path.join(manager.folder, "codex.db")
    database = sqlite3.connect(path)
    columns = [row[1] for row in database.execute("PRAGMA table_info(codex_sandbox_migrations)")]
    last = dict(zip(columns, database.execute("SELECT * FROM codex_sandbox_migrations ORDER BY number DESC LIMIT 1").fetchone()))
    last.update(number=last["number"] + 1, name="later", tool="codex-sandbox 9.9.9")
    database.execute(f"INSERT INTO codex_sandbox_migrations ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})", [last[c] for c in columns])
    database.commit()
    database.close()
    with open(path, "rb") as file:
        before = file.read()
    manager.start()
    holds("a database of a later version is refused, by its name", manager.ended() == 1 and "9.9.9" in manager.log(), manager.log())
    with open(path, "rb") as file:
        holds("and not touched", file.read() == before)


def main():
    scenes = [readiness_and_sockets, names, watchdog, status_line, reload, weaker_by_now, stopping, restarts_under_load, credentials, newer_database]
    for scene in scenes if len(sys.argv) < 4 else [globals()[name] for name in sys.argv[3:]]:
        print(f"# {scene.__name__}", flush=True)
        scene()
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
