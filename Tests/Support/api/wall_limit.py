"""A job that would sleep for a minute under a policy that gives it two seconds.

  wall_limit.py BASE PID

The server, whose process is PID, runs with `--worker minimal`, a policy with limits.wall = "2s" and SLEEP_SECONDS=60. Prints `ok …` or
`no …`; exit status 1 if one is no.
"""
import json
import os
import sys
import threading
import time

from api_suite.client import Client, wait_until

WRONG = []


def tell(holds, what, found=None):
    print(("ok " if holds else "no ") + what + ("" if holds else f": {str(found)[:600]}"), flush=True)
    if not holds:
        WRONG.append(what)


def workers(server):
    """The living workers below the server."""
    parents, names = {}, {}
    for number in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{number}/stat", "rb") as file:
                fields = file.read().rpartition(b")")[2].split()
            with open(f"/proc/{number}/cmdline", "rb") as file:
                names[int(number)] = file.read()
        except (FileNotFoundError, ProcessLookupError):
            continue  # gone meanwhile
        if fields[0] != b"Z":
            parents[int(number)] = int(fields[1])

    def is_below(number):
        while number in parents and number != server:
            number = parents[number]
        return number == server

    return [number for number in parents if b"codex-sandbox-worker\0minimal\0" in names[number] and is_below(number)]


def main():
    base, server = sys.argv[1], int(sys.argv[2])
    host, port = base.removeprefix("http://").split(":")
    client = Client(host, int(port), timeout=120)
    made, took = [], []

    def create():
        start = time.monotonic()
        made.append(client.create("long_run: longer than it may"))
        took.append(time.monotonic() - start)

    thread = threading.Thread(target=create)
    thread.start()
    wait_until(lambda: workers(server) or not thread.is_alive(), 100, "no worker was seen")
    tell(thread.is_alive(), "the worker is seen while it sleeps")
    thread.join()
    # Two seconds, and not the sixty of its sleep.
    tell(made and made[0]["status"] == "error" and took[0] < 50, "the answer is 200 and error, when the time is over", (made, took))
    project = made[0]["id"]
    job = client.get(f"/{project}/jobs").json()["jobs"][0]
    job = client.get(f"/{project}/jobs/{job['id']}").json()
    tell(job["status"] == "error" and job["reason"] == "wall", "the job names the limit", job)
    result = json.loads(client.read(project, ".codex/result.json"))
    tell(result["status"] == "error" and result["errors"][0] == "wall" and result["job_id"] == job["id"], "the result does, too", result)
    wait_until(lambda: not workers(server), 60, f"left: {workers(server)}")
    tell(True, "nothing of it is left")
    edit = client.post(f"/{project}/jobs", {"job_type": "edit", "instruction": "Generate the project after all."})
    tell(edit.status == 200 and edit.json()["status"] == "completed", "the next job of the project is completed", edit)
    tell(client.create()["status"] == "completed", "the next project is completed")
    return 1 if WRONG else 0


if __name__ == "__main__":
    sys.exit(main())
