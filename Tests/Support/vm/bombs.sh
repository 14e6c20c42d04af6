#!/bin/bash
# Jobs of `serve` that want too much: memory, processes, processors, disk, output, descriptors. To be run in a user's own systemd
# session, as an ordinary user.
#
#   Tests/Support/vm/bombs.sh FOLDER [left-overs]
#
# FOLDER has the release executables. README.md beside this says how to get
# such a session in a virtual machine. The server runs as a service of the user's manager with Delegate=yes. While each bomb goes off,
# GET /healthz is asked every 50 ms, whatever the answers before took, and a job of another project does its work; while the disk is filled,
# what is in use is looked at. Each line of the output is a claim and whether it held; the exit status is 0 only if all did.
# With the second word no bomb goes off: only what stands behind them is tried.
set -u
bin=${1:?the folder with the executables}
work=$(mktemp -d "$HOME/bombs.XXXXXX")
unit=codex-sandbox-bombs
trap 'systemctl --user stop $unit >/dev/null 2>&1; rm -rf "$work"' EXIT

cat >"$work/worker.py" <<'WORKER'
#!/usr/bin/python3
"""A worker of the contract of files; its instruction says what it wants too much of."""
import json, os, sys, time

folder = os.environ["WORKSPACE_DIR"]
with open(folder + "/.codex/request.json") as file:
    request = json.load(file)
word = request["instruction"].split()[0]


def answer():
    result = {"job_id": request["job_id"], "status": "success", "summary": "done", "created_files": [],
              "modified_files": [], "logs": [], "errors": []}
    with open(folder + "/.codex/result.json", "w") as file:
        json.dump(result, file)


def fork_bomb(until):
    while time.monotonic() < until:
        try:
            os.fork()
        except OSError:
            time.sleep(0.01)


piece = b"\1" * (1 << 20)
if word == "quiet":
    time.sleep(1)
    answer()
elif word == "memory":
    held = []
    while True:
        held.append(bytearray(piece))
elif word == "tmp":
    with open("/tmp/file", "wb") as file:
        while True:
            file.write(piece)
elif word == "forks":
    me = os.getpid()
    fork_bomb(time.monotonic() + 6)
    if os.getpid() == me:
        sys.exit(3)
    time.sleep(60)
elif word == "processor":
    for _ in range(7):
        if os.fork() == 0:
            break
    while True:
        pass
elif word == "disk":
    number = 0
    while True:
        number += 1
        with open("%s/file%d" % (folder, number), "wb") as file:
            for _ in range(8):
                file.write(piece)
elif word == "deleted":
    with open(folder + "/file", "wb") as file:
        os.unlink(folder + "/file")
        while True:
            file.write(piece)
            file.flush()
elif word == "inodes":
    number = 0
    while True:
        number += 1
        open("%s/empty%d" % (folder, number), "wb").close()
elif word == "output":
    while True:
        os.write(1, piece[: 1 << 16].replace(b"\1", b"y"))
elif word == "descriptors":
    held = []
    try:
        while True:
            held.append(os.open("/dev/null", os.O_RDONLY))
    except OSError as error:
        print(error.strerror, len(held), flush=True)
        time.sleep(3)
        sys.exit(4)
WORKER
chmod 755 "$work/worker.py"

cat >"$work/policy.toml" <<'POLICY'
version = 1
extends = "codex-worker"

[limits]
memory = "128MiB"
tasks = 100
open_files = 256
cpus = "1.5"
workspace = "32MiB"
output = "16MiB"
wall = "60s"
required = "kernel"
POLICY

cat >"$work/client.py" <<'CLIENT'
import http.client, http.server, json, os, queue, sys, threading, time

port, root, tree = int(sys.argv[1]), sys.argv[2], sys.argv[3]
counts = {True: 0, False: 0}


def holds(words, isSo, more=""):
    counts[bool(isSo)] += 1
    print("%s %s%s" % ("ok      " if isSo else "NOT OK  ", words, "" if isSo else "   (%s)" % (more,)), flush=True)


def ask(method, path, body=None, headers={}, isText=False):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    connection.request(method, path, None if body is None else json.dumps(body),
                       {"Content-Type": "application/json", **headers})
    response = connection.getresponse()
    text = response.read()
    connection.close()
    return response.status, text.decode() if isText else json.loads(text)


def healthz(connection):
    connection.request("GET", "/healthz")
    response = connection.getresponse()
    response.read()
    assert response.status == 200, response.status


every = 0.05


def latencies(until, least=0, port=port):
    """An open loop: a request is due each 50 ms, and its time counts from then, whatever became of those before; so a stall is seen
    by all that come in it. until() says when to end, but not before `least` of them."""
    times, faults, due = [], [], queue.SimpleQueue()

    def connection():
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            while (began := due.get()) is not None:
                healthz(connection)
                times.append(time.monotonic() - began)
            connection.close()
        except (OSError, http.client.HTTPException, AssertionError) as error:
            faults.append("%s: %s" % (type(error).__name__, error))

    threads = [threading.Thread(target=connection) for _ in range(24)]
    for thread in threads:
        thread.start()
    began, count = time.monotonic(), 0
    while count < least or not until():
        at = began + count * every
        time.sleep(max(0, at - time.monotonic()))
        due.put(at)
        count += 1
    for _ in threads:
        due.put(None)
    for thread in threads:
        thread.join()
    if faults or len(times) != count:
        holds("each of %d requests is answered" % count, False, faults)
    return times


class Stalling(http.server.BaseHTTPRequestHandler):
    """The control's server: nobody is answered while a second is over, and everybody before and after."""

    protocol_version = "HTTP/1.1"
    began = time.monotonic() + 3600

    def do_GET(self):
        into = time.monotonic() - Stalling.began
        if 1 <= into < 2:
            time.sleep(2 - into)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *words):
        pass


def control():
    """A stall of a second is seen by the twenty requests that come in it; asked one after the other it would be one of many."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stalling) as server:
        threading.Thread(target=server.serve_forever).start()
        Stalling.began = time.monotonic()
        times = latencies(lambda: time.monotonic() - Stalling.began > 3, 1, server.server_address[1])
        server.shutdown()
    slow = [value for value in times if value > 0.2]
    holds("control: a stall of a second is seen by each request that comes in it", len(slow) >= 12 and p95(times) > 0.5,
          (len(slow), len(times), p95(times)))


def free():
    status = os.statvfs(root)
    return status.f_bfree * status.f_frsize


class DiskUse:
    """The most that is in use while two bombs fill the disk: of each of these folders, or of the file system, for files without a name."""

    def __init__(self, folders, isWhole, before):
        self.folders, self.isWhole, self.before = folders, isWhole, before
        self.samples = {folder: [] for folder in (["all"] if isWhole else folders)}
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.look, daemon=True)
        self.thread.start()

    def look(self):
        while not self.over.wait(0.02):
            for what, samples in self.samples.items():
                samples.append((time.monotonic(), self.before - free() if self.isWhole else used(what)[0]))

    def end(self):
        """Of each: what was most in use beyond the limit of one, and for how long it had grown then; None where it was not seen to come
        there (the server counts folders as well: within a MiB of it)."""
        self.over.set()
        self.thread.join()
        for samples in self.samples.values():
            beyond = [(at, amount - (32 << 20)) for at, amount in samples if amount > 31 << 20]
            if not beyond:
                yield None
                continue
            most = max(amount for _, amount in beyond)
            yield most, next(at for at, amount in beyond if amount == most) - beyond[0][0]


def p95(times):
    return sorted(times)[max(0, int(len(times) * 0.95 + 0.5) - 1)]


def start(word):
    """A project whose first job is that; answers as soon as it is queued."""
    status, value = ask("POST", "/api/v1/projects/", {"instruction": word + " job"}, {"Prefer": "respond-async"})
    assert status == 202, (status, value)
    return value["id"]


def job(project):
    status, value = ask("GET", "/api/v1/projects/%s/jobs" % project)
    assert status == 200, (status, value)
    status, value = ask("GET", "/api/v1/projects/%s/jobs/%s" % (project, value["jobs"][0]["id"]))
    assert status == 200, (status, value)
    return value


def records(project, number):
    status, text = ask("GET", "/api/v1/projects/%s/jobs/%s/evidence" % (project, number), isText=True)
    assert status == 200, (status, text)
    return [json.loads(line)["predicate"] for line in text.splitlines()]


def isOver(value):
    return value["status"] in ("completed", "error")


def used(path):
    total, count = 0, 0
    for folder, names, files in os.walk(path):
        for name in names + files:
            try:
                total += os.lstat(os.path.join(folder, name)).st_blocks * 512
            except FileNotFoundError:
                pass  # a folder of the job's place that is gone meanwhile
        count += len(files)
    return total, count


control()
latencies(lambda: True, 100)

bombs = [
    ("memory", "memory", "memory"), ("tmp", "memory", "memory"), ("forks", "pids", "tasks"),
    ("processor", "wall", "wall"), ("disk", "disk", "workspace"), ("deleted", "disk", "workspace"),
    ("inodes", "disk", "workspace"), ("output", "output", "output"), ("descriptors", "no_result", None),
]
calmest = 1.0
for word, reason, reached in bombs:
    # The calmest seconds so far are what idle means: those before a bomb may still have to do with the one before.
    idle = latencies(lambda: True, 100)
    calmest = min(calmest, p95(idle))
    limit = min(1.0, 10 * calmest)
    print("idle: p95 of GET /healthz %.1f ms, most %.1f ms of %d" % (p95(idle) * 1000, max(idle) * 1000, len(idle)))
    over = []
    neighbours = []
    uses = []

    def watch():
        while True:
            isFilling = word in ("disk", "deleted")
            before = free()
            projects = [start(word), start(word)]
            folders = ["%s/%s" % (root, project) for project in projects]
            use = DiskUse(folders, word == "deleted", before) if isFilling else None
            neighbours.append(start("quiet"))
            values = []
            while len(values) < 3:
                time.sleep(0.2)
                values = [value for value in (job(project) for project in projects + neighbours[-1:]) if isOver(value)]
            over.append((projects[0], values))
            if use:
                uses.extend(use.end())
            # A bomb that is over at once goes off again, so that there is something to be measured.
            if time.monotonic() - began > 5:
                return

    began = time.monotonic()
    thread = threading.Thread(target=watch)
    thread.start()
    times = latencies(lambda: not thread.is_alive(), 20)
    thread.join()
    project, values = over[0]
    found = values[0]
    print("%s: %d of GET /healthz, p95 %.1f ms, most %.1f ms; %s: %s" % (
        word, len(times), p95(times) * 1000, max(times) * 1000, found.get("reason"), found.get("summary")))
    holds("%s: p95 of GET /healthz is at most 10 times the idle one and a second" % word, p95(times) <= limit,
          "%.1f ms, and %.1f ms are let" % (p95(times) * 1000, limit * 1000))
    for _, ends in over:
        for value in ends[:2]:
            holds("%s: the verdict is %s" % (word, reason), value.get("reason") == reason, value)
        holds("%s: a job beside it does its work" % word, ends[2]["status"] == "completed", ends[2])
    launch = records(project, found["id"])
    planned = [value for value in launch if "plan" in value]
    ended = [value for value in launch if "outcome" in value]
    reachedThere = ended[-1].get("limitsReached", []) if ended else None
    if reached:
        holds("%s: the record names the limit" % word, reachedThere and reached in reachedThere, reachedThere)
    held = {limit["limit"]: limit["mechanism"] for limit in planned[-1]["plan"]["limits"]["held"]}
    holds("%s: and what holds it" % word, held["memory"] == "cgroup" and held["tasks"] == "cgroup"
          and held["workspace"] == "watched" and held["output"] == "watched" and held["wall"] == "timer", held)
    usage = ended[-1].get("usage", {}).get("cgroup")
    holds("%s: the cgroup was read" % word, usage and usage.get("processorMicroseconds", 0) > 0, usage)
    print("         %s" % json.dumps(usage))
    if word in ("disk", "deleted"):
        seen = [use for use in uses if use]
        print("         beyond the limit of 32 MiB%s: %s" % (" of one of two" if word == "deleted" else "", ", ".join(
            "%.1f MiB, growing for %.2f s" % (most / 2**20, time) for most, time in seen)))
        holds("%s: it was seen at the limit" % word, seen and (word == "deleted" or len(seen) == len(uses)), uses)
        if word == "disk":
            holds("disk: each was ended at most 256 MiB or 1 s beyond it",
                  all(most <= 256 << 20 or time <= 1 for most, time in seen), seen)
        else:
            # Both together: nobody outside sees whose a file without a name is.
            holds("deleted: both were ended at most 256 MiB beyond it", all(most <= (32 + 2 * 256) << 20 for most, _ in seen), seen)
    if word in ("disk", "inodes"):
        there, files = used("%s/%s" % (root, project))
        print("         the workspace holds %.1f MiB in %d files" % (there / 2**20, files))
        holds("%s: at most 256 MiB beyond the limit" % word, there <= (32 + 256) << 20, there)
        if word == "disk":
            status, value = ask("POST", "/api/v1/projects/%s/jobs" % project,
                                {"job_type": "edit", "instruction": "quiet job"})
            status, value = ask("GET", "/api/v1/projects/%s/jobs/%s" % (project, value["id"]))
            holds("disk: what is too much already is refused", value["reason"] == "refused", value)
    if word == "descriptors":
        status, text = ask("GET", "/api/v1/projects/%s/jobs/%s/logs" % (project, found["id"]),
                           isText=True)
        holds("descriptors: the kernel said so to the job", "Too many open files" in str(text), text)
    for _ in range(300):
        left = [name for name in os.listdir(tree) if name.startswith("codex-sandbox.") and not name.endswith(".callers")]
        if not left:
            break
        time.sleep(0.1)
    holds("%s: no group is left" % word, left == [], left)

print("%d held, %d did not" % (counts[True], counts[False]))
sys.exit(counts[False] > 0)
CLIENT

port=18$((RANDOM % 900 + 100))
mkdir "$work/db" "$work/workspaces"
cat >"$work/serve.sh" <<SERVE
export WORKER=command CODEX_WORKER_COMMAND=$work/worker.py WORKSPACE_ROOT=$work/workspaces MAX_JOBS=4
export DATABASE_URL=sqlite:///$work/db/codex.db LISTEN=127.0.0.1:$port HOME=$HOME
# A server that is killed is followed by the next one, in the same group.
while :; do "$bin/codex-sandbox" serve --policy "$work/policy.toml"; sleep 0.2; done 2>>"$work/log"
SERVE
await() { # CONDITION…: for a minute
    for _ in $(seq 300); do
        "$@" >/dev/null 2>&1 && return
        sleep 0.2
    done
    echo "NOT OK   $* (waited for a minute)"
    tail -20 "$work/log"
    exit 1
}
answers() { curl -fsS "http://127.0.0.1:$port/healthz"; }
systemd-run --user --quiet --collect --unit=$unit -p Delegate=yes -p WorkingDirectory="$work" bash "$work/serve.sh" || exit 2
await answers
tree=/sys/fs/cgroup$(systemctl --user show -p ControlGroup --value $unit)
tree=${tree%/codex-sandbox.callers}
echo "kernel $(uname -r), $(systemctl --version | head -1), $tree hands on $(cat "$tree/cgroup.subtree_control")"
status=0
holds() { # WORDS CONDITION…
    local words=$1
    shift
    if "$@" >/dev/null 2>&1; then echo "ok       $words"; else
        echo "NOT OK   $words   ($*)"
        status=1
    fi
}
holds "the server says what will hold the limits" grep -q 'limits: jobs get cgroups of their own below' "$work/log"
holds "and stands beside them" [ -n "$(cat "$tree/codex-sandbox.callers/cgroup.procs")" -a -z "$(cat "$tree/cgroup.procs")" ]
[ "${2-}" = left-overs ] || python3 "$work/client.py" "$port" "$work/workspaces" "$tree" || status=1

# --- left-overs of a killed server --------------------------------------------------------------------------------------
leaves() { find "$tree" -maxdepth 1 -name 'codex-sandbox.*' ! -name '*.callers' | grep -c .; }
server() { # its pid: it alone listens
    for pid in $(cat "$tree/codex-sandbox.callers/cgroup.procs"); do
        case $(cat "/proc/$pid/comm") in codex-sandboxd) echo "$pid"; return ;; esac
    done
}
runs() { [ "$(leaves)" = 1 ] && [ -n "$(find "$tree" -path '*/codex-sandbox.*/cgroup.procs' ! -path '*callers*' -exec cat {} +)" ]; }
curl -fsS -X POST -H 'Prefer: respond-async' -H 'Content-Type: application/json' -d '{"instruction":"processor job"}' \
    "http://127.0.0.1:$port/api/v1/projects/" >/dev/null
await runs
job=$(find "$tree" -maxdepth 1 -name 'codex-sandbox.*' ! -name '*.callers')
holds "its weight is a fifth of the server's ($(cat "$job/cpu.weight"))" [ "$(cat "$job/cpu.weight") $(cat "$tree/codex-sandbox.callers/cpu.weight")" = "20 100" ]
case " $(cat "$tree/cgroup.controllers") " in
*" io "*)
    holds "the disks' weight is the same" [ "$(cat "$job/io.weight")" = "default 20" ]
    holds "and the server keeps its own" [ "$(cat "$tree/codex-sandbox.callers/io.weight")" = "default 100" ] ;;
*) holds "without the controller there is no weight of disks" [ ! -e "$job/io.weight" ] ;;
esac
killed=$(server)
kill -STOP "$killed" # so that the next one is not there before we look
kill -9 "$killed"
dead() { [ ! -d "/proc/$killed" ]; }
await dead
await answers
# Beside its other work, within ten seconds: a job that was killed may take its time to end.
gone() { for _ in $(seq 150); do [ "$(leaves)" = 0 ] && return; sleep 0.1; done; return 1; }
holds "a killed server's group is removed by the next one" gone
holds "whose job is said to be interrupted" sh -c "curl -fsS http://127.0.0.1:$port/api/v1/projects/ | grep -q error"
holds "of two servers each has said what holds the limits" [ "$(grep -c limits: "$work/log")" = 2 ]
exit $status
