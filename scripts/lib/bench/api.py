"""Measures the workspace API: `codex-sandbox serve --worker minimal`, on this machine.

  hello   GET /healthz, reading a file, listing a workspace of 5 and one of 10,000 files: requests a second by wrk, keep-alive, 32 connections,
          in turns; and the same hello of FastAPI, where PyPI has it, under uvicorn as it is alone (h11, asyncio), without and
          with the log of requests that it writes by default, and under uvicorn[standard] (httptools, uvloop); this server logs no
          single requests. What cannot be installed or started is `not compared`, with the reason
  create  POST /api/v1/projects/ one after the other (sandbox, verification, evidence and database included) against
          `codex-sandbox run /bin/true`, in turns; and 16 clients at a time
  events  1,000 streams of one job at the same time: resident memory of each
  idle    resident memory of a server that has made two projects, before anything else is asked of it

Behind the numbers each bound is printed: met, missed, or not compared.

Runs as an ordinary user; root uses the one of the tests. Compare ratios, not rates. This is a measurement: its exit status says only whether
it could be made.
"""
import argparse
import concurrent.futures
import http.client
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

import project

BODY = json.dumps({"instruction": "Generate a minimal Python CLI project."})
JSON = {"Content-Type": "application/json"}
FASTAPI = """
from fastapi import FastAPI
app = FastAPI()
@app.get("/healthz")
async def hello():
    return {"status": "ok"}
"""


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/bench api", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=3, help="of each turn of wrk (default 3)")
    parser.add_argument("--turns", type=int, default=5, help="of each row (default 5)")
    parser.add_argument("--only-rates", action="store_true", help="nothing but requests a second")
    parser.add_argument("--creates", type=int, default=60, help="projects made one after the other (default 60)")
    parser.add_argument("--json", metavar="FILE", help="write everything as JSON; - is standard output")
    return parser.parse_args()


class Account:
    """Who runs the server and its clients."""

    def __init__(self, base):
        self.uid = project.unprivileged_id() if os.getuid() == 0 else os.getuid()
        self.environment = {"HOME": base, "PATH": "/usr/local/bin:/usr/bin:/bin"}

    def words(self, command):
        if os.getuid() != 0:
            return command
        return ["/usr/bin/setpriv", "--reuid", str(self.uid), "--regid", str(self.uid), "--clear-groups", *command]


def memory(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return int(re.search(r"VmRSS:\s+(\d+) kB", file.read()).group(1)) * 1024


def wrk(account, url, seconds):
    done = subprocess.run(account.words(["wrk", "-t1", "-c32", f"-d{seconds}", url]), env=account.environment,
                          capture_output=True, text=True, check=True)
    if "Non-2xx" in done.stdout:
        raise RuntimeError(f"{url}: {done.stdout}")
    return float(re.search(r"Requests/sec:\s+([\d.]+)", done.stdout).group(1))


def create(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("POST", "/api/v1/projects/", BODY, JSON)
    answer = json.loads(connection.getresponse().read())
    connection.close()
    if answer.get("status") != "completed":
        raise RuntimeError(f"a project is not made: {answer}")
    return answer["id"]


def wait_for(port):
    for _ in range(200):
        try:
            return socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("the server does not start")


ALONE = ["--http", "h11", "--loop", "asyncio"]
QUIET = ["--log-level", "warning"]
OTHERS = {"FastAPI": ALONE + QUIET, "FastAPI, its log": ALONE, "FastAPI standard": QUIET}


def last_line(run):
    lines = (run.stderr or run.stdout).decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else f"exit status {run.returncode}"


def others(base, account):
    """The other servers by their names, each as its address and its process; and of those that are not to be had why."""
    venv = os.path.join(base, "venv")
    # Root's own Python may lie where the account cannot read it.
    python = "/usr/bin/python3" if os.getuid() == 0 and os.path.exists("/usr/bin/python3") else sys.executable
    made = subprocess.run([python, "-m", "venv", venv], check=False, capture_output=True)
    install = [os.path.join(venv, "bin", "pip"), "install", "-q", "fastapi", "uvicorn[standard]"]
    if made.returncode != 0:
        return {}, dict.fromkeys(OTHERS, f"venv: {last_line(made)}")
    installed = subprocess.run(install, check=False, capture_output=True)
    if installed.returncode != 0:
        return {}, dict.fromkeys(OTHERS, f"pip: {last_line(installed)}")
    with open(os.path.join(base, "hello.py"), "w", encoding="utf-8") as file:
        file.write(FASTAPI)
    found, missing = {}, {}
    for name, words in OTHERS.items():
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        process = subprocess.Popen(
            account.words([os.path.join(venv, "bin", "python"), "-m", "uvicorn", "hello:app", "--port", str(port), *words]),
            cwd=base, env=account.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_for(port)
        except RuntimeError as error:
            process.kill()
            process.wait()
            missing[name] = f"uvicorn: {error}"
            continue
        found[name] = (f"http://127.0.0.1:{port}/healthz", process)
    return found, missing


def streams(port, path, count, pid):
    """Growth of the server per open stream, in bytes."""
    before = memory(pid)
    held = []
    for _ in range(count):
        client = socket.create_connection(("127.0.0.1", port), 10)
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
        held.append(client)
    for client in held:
        if not client.recv(64).startswith(b"HTTP/1.1 200"):
            raise RuntimeError("a stream is not answered")
    time.sleep(0.5)
    growth = (memory(pid) - before) / count
    for client in held:
        client.close()
    return growth


def measure(options, base):
    account = Account(base)
    executable = project.copy_executables(base)
    os.chown(base, account.uid, account.uid)
    environment = dict(account.environment, SLEEP_SECONDS="60")
    # Without a line for each request the start is not told either.
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [executable, "serve", "--listen", f"127.0.0.1:{port}", "--worker", "minimal", "--log-level", "warning"]
    with open(os.path.join(base, "server.log"), "wb") as log:
        server = subprocess.Popen(account.words(command), cwd=base, env=environment, stderr=log)
        beside = {}
        try:
            wait_for(port)
            url = f"http://127.0.0.1:{port}"
            small, large = create(port), create(port)
            idle = memory(server.pid)
            folder = os.path.join(base, "workspaces", large, "many")
            subprocess.run(account.words(["/bin/sh", "-c", f"mkdir {folder}; cd {folder}; seq 10000 | xargs touch"]), check=True)
            rows = {"hello": f"{url}/healthz", "read": f"{url}/api/v1/{small}/files/app.py", "list": f"{url}/api/v1/{small}/files",
                    "list of 10,000": f"{url}/api/v1/{large}/files"}
            beside, missing = others(base, account)
            rows.update({name: address for name, (address, _) in beside.items()})
            rates = {name: [] for name in rows}
            for _ in range(options.turns):
                for name, address in rows.items():
                    rates[name].append(wrk(account, address, options.seconds))
            if options.only_rates:
                return {"rates": rates, "not compared": missing}
            run, made = [], []
            work = os.path.join(base, "work")
            os.mkdir(work)
            os.chown(work, account.uid, account.uid)
            for _ in range(options.creates):
                started = time.perf_counter()
                create(port)
                made.append(time.perf_counter() - started)
                started = time.perf_counter()
                subprocess.run(account.words([executable, "run", "--", "/bin/true"]), cwd=work, env=account.environment, check=True)
                run.append(time.perf_counter() - started)
            started = time.perf_counter()
            with concurrent.futures.ThreadPoolExecutor(16) as pool:
                parallel = len(list(pool.map(lambda _: create(port), range(options.creates))))
            together = parallel / (time.perf_counter() - started)
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            connection.request("POST", f"/api/v1/{small}/jobs", json.dumps({"job_type": "edit", "instruction": "long_run: x"}),
                               dict(JSON, Prefer="respond-async"))
            job = json.loads(connection.getresponse().read())["id"]
            per_stream = streams(port, f"/api/v1/{small}/jobs/{job}/events", 1000, server.pid)
            return {
                "rates": rates, "not compared": missing, "create": made, "run": run, "parallel per second": together, "bytes per stream": per_stream,
                "idle bytes": idle,
            }
        finally:
            for _, process in beside.values():
                process.kill()
                process.wait()
            server.terminate()
            server.wait()


def times(found, name, base):
    """How many times as fast one row is as another one: the median of the turns' ratios."""
    return statistics.median(one / other for one, other in zip(found["rates"][name], found["rates"][base]))


def bounds(found):
    """What was promised: the words, the value (None where nothing was measured), and whether it holds."""
    for name in ("read", "list"):
        value = times(found, name, "hello")
        yield f"{name} at least 0.5 × hello", value, value >= 0.5
        if "FastAPI" in found["rates"]:
            value = times(found, name, "FastAPI")
            yield f"{name} at least 10 × FastAPI", value, value >= 10
        else:
            yield f"{name} at least 10 × FastAPI", None, False
    if "create" not in found:
        return
    value = statistics.median(a / b for a, b in zip(found["create"], found["run"]))
    yield "create at most 2 × run /bin/true", value, value <= 2
    value = found["bytes per stream"] / 1024
    yield "a stream at most 64 KiB", value, value <= 64
    value = found["idle bytes"] / (1 << 20)
    yield "idle at most 30 MiB", value, value <= 30


def show(found):
    show_numbers(found)
    for name, reason in found["not compared"].items():
        print(f"{name:16} not compared: {reason}")
    print()
    for words, value, holds in bounds(found):
        print(f"{words:36} " + ("not compared" if value is None else f"{'met' if holds else 'missed'} ({value:.2f})"))


def show_numbers(found):
    for name, rates in found["rates"].items():
        ratios = "".join(f"   {times(found, name, base):5.2f} × {base}" for base in ("hello", *OTHERS) if base in found["rates"])
        print(f"{name:16} {statistics.median(rates):10.0f} requests/s{ratios}")
    if "create" not in found:
        return
    ratio = statistics.median(a / b for a, b in zip(found["create"], found["run"]))
    print(f"{'create':16} {statistics.median(found['create']) * 1000:10.1f} ms           {ratio:5.2f} × run /bin/true "
          f"({statistics.median(found['run']) * 1000:.1f} ms)")
    print(f"{'16 at a time':16} {found['parallel per second']:10.1f} projects/s")
    print(f"{'a stream':16} {found['bytes per stream'] / 1024:10.1f} KiB")
    print(f"{'idle':16} {found['idle bytes'] / (1 << 20):10.1f} MiB")


def main():
    options = arguments()
    base = tempfile.mkdtemp(prefix="codex-sandbox-bench-api.", dir="/var/tmp")
    os.chmod(base, 0o755)
    try:
        found = measure(options, base)
    finally:
        shutil.rmtree(base)
    show(found)
    if options.json == "-":
        json.dump(found, sys.stdout)
    elif options.json:
        with open(os.path.join(os.environ.get("CALLER_DIRECTORY", "."), options.json), "w", encoding="utf-8") as file:
            json.dump(found, file)


if __name__ == "__main__":
    main()
