"""A server whose disk is full: what it answers, what it leaves, and that it goes on when there is room again.

  full_disk.py --base-url URL --disk FOLDER

FOLDER is a small file system with the database and the workspaces; the caller may write it. Prints `ok …` or `no …`; exit status 1 if one is no.
"""
import argparse
import http.client
import json
import os
import sys
import time
import urllib.parse

WRONG = []


def tell(holds, what, found=None):
    print(("ok " if holds else "no ") + what + ("" if holds else f": {str(found)[:600]}"), flush=True)
    if not holds:
        WRONG.append(what)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--base-url", required=True)
    parser.add_argument("--disk", required=True)
    arguments = parser.parse_args()
    parts = urllib.parse.urlsplit(arguments.base_url)
    workspaces = os.path.join(arguments.disk, "workspaces")

    def ask(method, path, body=None):
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read() or b"null")
        finally:
            connection.close()

    def create():
        return ask("POST", "/api/v1/projects/", json.dumps({"instruction": "make something"}))

    def projects():
        return ask("GET", "/api/v1/projects/?limit=1000")[1]["projects"]

    status, first = create()
    tell(status == 200 and first["status"] == "completed", "with room it works", (status, first))
    # All but a little, so that projects end at different moments of theirs.
    filler = os.path.join(arguments.disk, "filler")
    with open(filler, "wb") as file:
        room = os.statvfs(arguments.disk)
        file.write(bytes(max(room.f_bavail * room.f_frsize - 200_000, 0)))
    answers = [create() for _ in range(30)]
    tell(all(status in (200, 503) for status, _ in answers), "every answer is 200 or 503", answers)
    tell(answers[-1][0] == 503, "in the end there is no room", answers[-1])
    tell("detail" in answers[-1][1] and arguments.disk not in json.dumps(answers[-1][1]), "which is said, without a path of the host", answers[-1])
    status, answer = ask("PUT", f"/api/v1/{first['id']}/raw/large", bytes(1_000_000))
    tell(status == 503, "an upload is refused", (status, answer))
    names = sorted(os.listdir(os.path.join(workspaces, first["id"])))
    tell(names == [".codex", "README.md", "app.py", "tests"], "and nothing of it is left", names)
    # A folder loses its name at once, and is taken apart beside other work: that ends, whenever the machine gets to it.
    until = time.monotonic() + 60
    while any(name.startswith(".removed-") for name in os.listdir(workspaces)) and time.monotonic() < until:
        time.sleep(0.05)
    folders = sorted(os.listdir(workspaces))
    tell(folders == sorted(one["id"] for one in projects()), "every folder is a project's, and whole", folders)
    tell(ask("GET", "/healthz")[0] == 200, "the server answers")

    os.remove(filler)
    started = time.monotonic()
    while time.monotonic() - started < 120 and any(one["status"] in ("queued", "in_progress") for one in projects()):
        time.sleep(0.1)
    left = [one for one in projects() if one["status"] not in ("completed", "error")]
    tell(not left, "with room again every job has its end", left)
    status, answer = create()
    tell(status == 200 and answer["status"] == "completed", "and the next one works", (status, answer))
    return 1 if WRONG else 0


if __name__ == "__main__":
    sys.exit(main())
