"""A server whose folders may not be written any more: what it answers, what it keeps, and that it goes on when they may be again.

  read_only.py --base-url URL --folder FOLDER

FOLDER has the database and the workspaces, and is the caller's own. Prints `ok …` or `no …`; exit status 1 if one is no.
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
    parser.add_argument("--folder", required=True)
    arguments = parser.parse_args()
    parts = urllib.parse.urlsplit(arguments.base_url)
    workspaces = os.path.join(arguments.folder, "workspaces")

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

    status, first = create()
    tell(status == 200 and first["status"] == "completed", "where it may write it works", (status, first))
    project = os.path.join(workspaces, first["id"])
    before = ask("GET", "/api/v1/projects/?limit=1000")[1]
    os.chmod(workspaces, 0o500)
    os.chmod(arguments.folder, 0o500)
    status, answer = create()
    tell(status == 503 and arguments.folder not in json.dumps(answer), "a project is refused, without a path of the host", (status, answer))
    status, answer = ask("DELETE", f"/api/v1/projects/{first['id']}")
    kept = ask("GET", "/api/v1/projects/?limit=1000")[1]
    tell(status == 503 and kept == before, "a removal is refused, and nothing of the project is gone", (status, answer, kept))
    tell(ask("GET", "/healthz")[0] == 200, "the server answers")
    os.chmod(arguments.folder, 0o700)
    os.chmod(workspaces, 0o700)
    status, second = create()
    tell(status == 200 and second["status"] == "completed", "when it may again it goes on", (status, second))
    ids = sorted(one["id"] for one in ask("GET", "/api/v1/projects/?limit=1000")[1]["projects"])
    end = time.monotonic() + 60
    while time.monotonic() < end and sorted(name for name in os.listdir(workspaces) if not name.startswith(".")) != ids:
        time.sleep(0.1)
    found = sorted(name for name in os.listdir(workspaces) if not name.startswith("."))
    tell(ids == found and len(ids) == 2, "each project has its folder, and each folder its project", (ids, found))
    status, answer = ask("DELETE", f"/api/v1/projects/{first['id']}")
    tell(status in (200, 204) and not os.path.exists(project), "and a removal is done", (status, answer))
    return 1 if WRONG else 0


if __name__ == "__main__":
    sys.exit(main())
