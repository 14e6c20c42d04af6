"""What jobs leave in the server that ran them: nothing. To be run beside a server of its own whose worker is `command` with /bin/sh.

  after_jobs.py BASE

Each line is a claim; the exit status is 0 only if all held.
"""
import concurrent.futures
import json
import os
import socket
import sys
import time
import urllib.error
import urllib.request

BASE = sys.argv[1]
API = BASE + "/api/v1"
failures = 0


def claim(words, held, seen=""):
    global failures
    failures += not held
    print(("held    " if held else "FAILED  ") + words, seen, flush=True)


def ask(method, path, body=None, timeout=60):
    data = None if body is None else json.dumps(body).encode()
    wanted = urllib.request.Request(API + path, data, {"Content-Type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(wanted, timeout=timeout) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def create(script):
    """A project by a job that runs `script`."""
    status, body = ask("POST", "/projects/", {"instruction": script})
    assert status == 200, (status, body)
    return json.loads(body)["id"]


def job(project):
    return json.loads(ask("GET", f"/projects/{project}")[1])["jobs"][0]["id"]


def server():
    """The process that listens at BASE, by its socket."""
    port = int(BASE.rsplit(":", 1)[1])
    with open("/proc/net/tcp", encoding="ascii") as table:
        inode = next(row.split()[9] for row in table if row.split()[1].endswith(f":{port:04X}") and row.split()[3] == "0A")
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            names = [os.readlink(f"/proc/{pid}/fd/{number}") for number in os.listdir(f"/proc/{pid}/fd")]
        except OSError:
            continue
        if f"socket:[{inode}]" in names:
            return int(pid)
    raise SystemExit("nobody listens")


def descriptors(pid):
    names = []
    for number in os.listdir(f"/proc/{pid}/fd"):
        try:
            names.append(os.readlink(f"/proc/{pid}/fd/{number}"))
        except OSError:
            pass  # closed meanwhile
    return names


def jobs_hold_nothing(pid):
    create("true; true")
    for _ in range(20):
        create("true; true")
    end = time.monotonic() + 60
    held = []
    while time.monotonic() < end:
        # A project that was looked at may be held for the next look: its folder, not its records.
        held = [name for name in descriptors(pid) if "records" in name or "/evidence/" in name]
        if not held:
            break
        time.sleep(0.1)
    claim("21 jobs that have ended hold no file of their records", not held, held[:3])
    events = sum(name == "anon_inode:[eventfd]" for name in descriptors(pid))
    claim("nor a descriptor of their own", events < 21, f"{events} eventfds")


def large_answers_have_places():
    project = create("head -c 3000000 /dev/zero | tr '\\0' '\\001' > large; head -c 3000000 /dev/zero | tr '\\0' '\\001'")
    number = job(project)
    for path in (f"/{project}/files/large", f"/{project}/jobs/{number}/logs?stream=stdout"):
        status, body = ask("GET", path)
        claim(f"{path.split('/')[-1]} is answered whole", status == 200 and len(body) > 2_900_000, (status, len(body)))
    host, port = BASE.removeprefix("http://").split(":")
    request = f"GET /api/v1/{project}/jobs/{number}/logs HTTP/1.1\r\nHost: {host}:{port}\r\nAccept: application/json\r\n\r\n".encode()

    def begin():
        reader = socket.create_connection((host, int(port)))
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        reader.settimeout(60)
        reader.sendall(request)
        return reader

    def status_of(reader):
        return reader.recv(12)[9:12]

    readers = [begin() for _ in range(16)]
    statuses = [status_of(reader) for reader in readers]
    # The answer before this keeps its place for a moment behind its last byte.
    end = time.monotonic() + 60
    while statuses.count(b"200") < 8 and time.monotonic() < end:
        time.sleep(0.05)
        readers.append(begin())
        statuses.append(status_of(readers[-1]))
    readers.append(begin())
    last = status_of(readers[-1])
    claim("of 16 clients that do not read on 8 are begun",
          statuses.count(b"200") == 8 and set(statuses) == {b"200", b"503"} and last == b"503", (statuses, last))
    claim("while others are served", urllib.request.urlopen(BASE + "/healthz", timeout=30).status == 200)
    for reader in readers:
        reader.close()
    end = time.monotonic() + 60
    status = 0
    while status != 200 and time.monotonic() < end:
        status = ask("GET", f"/{project}/jobs/{number}/logs")[0]
        time.sleep(0.05)
    claim("and their places are free when they have gone", status == 200, status)


def resident(pid):
    """In MiB."""
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return int(next(line for line in status if line.startswith("VmRSS")).split()[1]) // 1024


def archives_have_places(pid):
    # The file comes first, and is more than any socket takes: who does not read has the list of all the others kept.
    project = create("truncate -s 64M 0; python3 -c \"\nfor i in range(10000): open('f%0199d'%i,'w').close()\n\"")
    host, port = BASE.removeprefix("http://").split(":")
    request = f"GET /api/v1/{project}/archive HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode()
    before = resident(pid)
    readers = []
    for _ in range(60):
        reader = socket.socket()
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        reader.connect((host, int(port)))
        reader.sendall(request)
        readers.append(reader)
    answers = []
    for reader in readers:
        reader.settimeout(120)
        answers.append(reader.recv(600))
    statuses = [answer[9:12] for answer in answers]
    claim("of 60 clients that read an archive slowly 4 are begun", statuses.count(b"200") == 4 and statuses.count(b"503") == 56, statuses)
    claim("the others are told to come again", all(b"\r\nRetry-After: " in answer for answer in answers if answer[9:12] == b"503"))
    end = time.monotonic() + 60
    while sum(name.endswith(f"{project}/0") for name in descriptors(pid)) != 4 and time.monotonic() < end:
        time.sleep(0.05)
    held = sum(name.endswith(f"{project}/0") for name in descriptors(pid))
    claim("each begun one has one file open", held == 4, held)
    # All 60 would be more than 200.
    claim("and the server's memory has a bound", resident(pid) - before < 100, f"{before} MiB before, {resident(pid)} MiB now")
    claim("while others are served", urllib.request.urlopen(BASE + "/healthz", timeout=30).status == 200)
    for reader in readers:
        reader.close()
    end = time.monotonic() + 60
    status, body = 0, b""
    while status != 200 and time.monotonic() < end:
        status, body = ask("GET", f"/{project}/archive")
        time.sleep(0.05)
    claim("and their places are free when they have gone", status == 200 and len(body) > 64 << 20, (status, len(body)))
    end = time.monotonic() + 60
    while resident(pid) - before > 16 and time.monotonic() < end:
        time.sleep(0.1)
    claim("and the memory is given back", resident(pid) - before <= 16, f"{before} MiB before, {resident(pid)} MiB now")


def links_hold_nobody_up():
    # Each is followed through 38 others, whose words are as long as a path may be.
    slow = (
        "python3 -c \"\nimport os\nd='./'*2030\nos.symlink('end','l0')\nopen('end','w').write('x')\n"
        "for i in range(38): os.symlink(d+'l%d'%i,'l%d'%(i+1))\n"
        "for i in range(900): os.symlink(d+'l38','s%04d'%i)\n\""
    )
    # A machine that stands still shows nothing: the same again, twice at most.
    for _ in range(3):
        project = create(slow)
        with concurrent.futures.ThreadPoolExecutor(4) as clients:
            asked = [clients.submit(ask, "GET", f"/{project}/{what}", None, 120) for what in ("files", "files", "archive", "archive")]
            worst = 0
            while not all(one.done() for one in asked):
                begun = time.monotonic()
                urllib.request.urlopen(BASE + "/healthz", timeout=60).read()
                worst = max(worst, time.monotonic() - begun)
            statuses = [one.result()[0] for one in asked]
        if worst < 5 or statuses != [200] * 4:
            break
    claim("folders full of slow links are answered", statuses == [200] * 4, statuses)
    # Without the bound it is as long as all of them: the time is told, and only what no machine needs is a failure.
    claim("while others are served", worst < 5, f"{worst:.3f} s")


def removing_holds_nobody_up():
    project = create("i=0; while [ $i -lt 200 ]; do mkdir d$i; j=0; while [ $j -lt 50 ]; do : > d$i/$j; j=$((j+1)); done; i=$((i+1)); done")
    status, _ = ask("DELETE", f"/projects/{project}")
    claim("a project of 10,000 files is gone at once", status == 204 and ask("GET", f"/projects/{project}")[0] == 404, status)
    root = os.environ.get("WORKSPACE_ROOT", "workspaces")
    end = time.monotonic() + 60
    while any(name.startswith(".removed") for name in os.listdir(root)) and time.monotonic() < end:
        time.sleep(0.05)
    claim("and its folder soon after", not any(name.startswith(".removed") or name == project for name in os.listdir(root)))


def reasons_are_the_servers():
    script = (
        "python3 -c \"\nimport json\njob=json.load(open('.codex/request.json'))['job_id']\n"
        "open('.codex/result.json','w').write(json.dumps({'job_id':job,'status':'error','summary':'s','created_files':[],"
        "'modified_files':[],'logs':[],'errors':['REASON']}))\n\""
    )
    seen = {}
    for reason in ("refused", "protection-lost", "out_of_luck"):
        project = create(script.replace("REASON", reason))
        seen[reason] = json.loads(ask("GET", f"/{project}/jobs/{job(project)}")[1]).get("reason")
    claim("a worker gives no reason that only the server can know",
          seen == {"refused": "worker-error", "protection-lost": "worker-error", "out_of_luck": "out_of_luck"}, seen)


def main():
    pid = server()
    jobs_hold_nothing(pid)
    large_answers_have_places()
    archives_have_places(pid)
    links_hold_nobody_up()
    removing_holds_nobody_up()
    reasons_are_the_servers()
    print("all held" if not failures else f"{failures} FAILED")
    return failures != 0


if __name__ == "__main__":
    sys.exit(main())
