"""Stops a worker between its gate and its execve, and kills it or its pid 1 there.

kill-at-gate.py worker|pid-1 RESULT LAUNCHER [OPTION...]

Starts the launcher again and again, until it has caught one: stopped while it still runs the launcher's own code, and
released. Prints what the result then says of its execve. Judged from the host: the job's marker must not be there.
"""

import json
import os
import signal
import subprocess
import sys
import time


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            return [int(word) for word in file.read().split()]
    except OSError:
        return []


def filters(pid):
    with open(f"/proc/{pid}/status") as file:
        for line in file:
            if line.startswith("Seccomp_filters"):
                return int(line.split()[1])
    return 0


def worker(launcher):
    while launcher.poll() is None:
        for child in children(launcher.pid):
            for found in children(child):
                return found, child
    return None


def caught(launcher, delay, own, victim):
    """Whether the worker was stopped before its execve and after its last filter; it is dead then."""
    found = worker(launcher)
    if found is None:
        return False
    pid, parent = found
    try:
        while filters(pid) < own + 2:
            pass
        time.sleep(delay)
        os.kill(pid, signal.SIGSTOP)
        time.sleep(0.2)
        is_ours = os.path.basename(os.readlink(f"/proc/{pid}/exe")) == "codex-sandbox"
        os.kill(parent if victim == "pid-1" else pid, signal.SIGKILL)
    except OSError:
        return False
    return is_ours


def main():
    victim, result, command = sys.argv[1], sys.argv[2], sys.argv[3:]
    for attempt in range(400):
        if os.path.exists("marker"):
            os.unlink("marker")
        job = ["--result", result, "--quiet", "--", "/bin/sh", "-c", "echo reached > marker; sleep 1"]
        launcher = subprocess.Popen(command + job, stdin=subprocess.DEVNULL)
        hit = caught(launcher, 0.0001 * (attempt % 12), filters(os.getpid()), victim)
        if not hit:
            launcher.terminate()
            launcher.wait()
            continue
        launcher.wait()
        with open(result) as file:
            told = json.load(file)
        if told["outcome"] != "signalled":
            continue  # killed before it was released
        print(told["execveKnownBy"], told["execveReached"], "marker" if os.path.exists("marker") else "no marker")
        return
    print("never caught")


main()
