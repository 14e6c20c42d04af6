"""A server whose worker does what the instruction says, as a shell script: what comes of jobs that mean ill.

  hostile_worker.py --base-url URL

The server runs with `--worker command` and CODEX_WORKER_COMMAND naming `carry_out.sh`. Prints `ok …` or `no …`; exit status 1 if one is no.
"""
import argparse
import http.client
import json
import sys
import time
import urllib.parse
import uuid

WRONG = []


class Server:
    def __init__(self, base):
        parts = urllib.parse.urlsplit(base)
        self.host, self.port = parts.hostname, parts.port

    def ask(self, method, path, body=None, **headers):
        connection = http.client.HTTPConnection(self.host, self.port, timeout=120)
        try:
            text = None if body is None else json.dumps(body)
            connection.request(method, path, text, {"Content-Type": "application/json", **headers} if text else headers)
            answer = connection.getresponse()
            data = answer.read()
            kind = answer.getheader("Content-Type") or ""
            return answer.status, json.loads(data) if kind.split(";")[0] == "application/json" else data
        finally:
            connection.close()


def tell(holds, what, found=None):
    print(("ok " if holds else "no ") + what + ("" if holds else f": {str(found)[:600]}"), flush=True)
    if not holds:
        WRONG.append(what)


def outcome(status, **more):
    """A line that leaves this result."""
    value = {"status": status, "summary": "done", "created_files": [], "modified_files": [], "errors": [], "logs": [], **more}
    return "printf '%s' '" + json.dumps(value) + "' > .codex/result.json"


ANSWER = "; " + outcome("success")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--base-url", required=True)
    server = Server(parser.parse_args().base_url)

    def create(script):
        status, project = server.ask("POST", "/api/v1/projects/", {"instruction": script})
        if status != 200:
            raise RuntimeError(f"{status} {project}")
        return project["id"], project

    def add(project, script, **headers):
        status, job = server.ask("POST", f"/api/v1/{project}/jobs", {"job_type": "edit", "instruction": script}, **headers)
        if status not in (200, 202):
            raise RuntimeError(f"{status} {job}")
        return job

    # The half hour of a job is no promise of the server's timer alone.
    project, _ = create("true" + ANSWER)
    _, plan = server.ask("GET", f"/api/v1/{project}/plan")
    tell("wall-clock: 30 min" in str(plan), "the plan has a job's 30 minutes", plan)
    _, records = server.ask("GET", f"/api/v1/{project}/evidence")
    tell(b'"wallMilliseconds":1800000' in records, "and so have its records", records[:400])

    # Names that tools obey, made by a job: in the record, and told to viewers.
    project, answer = create("git init -q .; git init -q sub; echo e > sub/.envrc" + ANSWER)
    tell(answer["status"] == "completed", "a worker of the operator's does what it is told", answer)
    _, records = server.ask("GET", f"/api/v1/{project}/evidence")
    last = json.loads(records.splitlines()[-1])
    planted = json.dumps(last["predicate"]).count("/.git")
    tell(planted >= 2 and '"planted":[]' not in records.decode().splitlines()[-1], "planted repositories are in the record", last["predicate"].get("planted"))
    _, detail = server.ask("GET", f"/api/v1/projects/{project}")
    _, events = server.ask("GET", f"/api/v1/{project}/jobs/{detail['jobs'][0]['id']}/events")
    tell(b"sandbox.planted" in events and b"sub/.git" in events, "and in the job's events", events[-400:])

    # What would keep every later job from starting: its owner sees it, and takes it away.
    for script, name, why in [
        ("mkdir .git; echo ../x > .git/commondir", ".git", ".git/commondir leads git"),
        ("ln -s ../../../../etc .claude", ".claude", ".claude is a symbolic link"),
        ("mkdir .vscode; echo '{}' > .vscode/tasks.json; ln .vscode/tasks.json other", ".vscode", ".vscode/tasks.json has 2 names"),
        ("git init -q sub; echo /etc > sub/.git/commondir; echo mine > sub/file", "sub/.git", "sub/.git/commondir leads git"),
    ]:
        project, _ = create(script + ANSWER)
        job = add(project, "true" + ANSWER)
        _, refused = server.ask("GET", f"/api/v1/{project}/jobs/{job['id']}")
        tell(refused["reason"] == "refused" and why in refused["summary"], f"{name} keeps jobs from starting", refused)
        _, left = server.ask("GET", f"/api/v1/{project}/files/.codex/result.json")
        tell(project not in refused["summary"] + left["contents"].replace(f'"{project}"', ""), "which is said without a path of the host", refused["summary"])
        status, listed = server.ask("GET", f"/api/v1/{project}/planted")
        tell(status == 200 and [one["path"] for one in listed["planted"]] == [name], "it is listed", listed)
        tell(server.ask("DELETE", f"/api/v1/{project}/planted/.codex")[0] == 404, "nothing else can be removed so")
        tell(server.ask("DELETE", f"/api/v1/{project}/raw/{name}")[0] == 400, "nor is it by other ways")
        status, answer = server.ask("DELETE", f"/api/v1/projects/{project}/planted/{name}")
        tell(status == 204 and server.ask("GET", f"/api/v1/{project}/planted")[1] == {"planted": []}, "it is removed", (status, answer))
        job = add(project, "true" + ANSWER)
        tell(job["status"] == "completed", "and jobs start again", job)
    tell(server.ask("GET", f"/api/v1/{project}/files/sub/file")[1].get("contents") == "mine\n", "what lay beside it stays")
    # What a job before this one has made is listed; what this one makes is not in a record before its end.
    add(project, "git init -q later" + ANSWER)
    slow = add(project, "mkdir .vscode; echo x > .vscode/x; sleep 600", Prefer="respond-async")
    started = time.monotonic()
    while server.ask("GET", f"/api/v1/{project}/files/.vscode/x")[0] != 200 and time.monotonic() - started < 60:
        time.sleep(0.02)
    listed = [one["path"] for one in server.ask("GET", f"/api/v1/{project}/planted")[1]["planted"]]
    tell(listed == ["later/.git"], "what lies there is listed while a job runs", listed)
    status, answer = server.ask("DELETE", f"/api/v1/{project}/planted/later/.git")
    tell(status == 409, "and not removed meanwhile", (status, answer))
    server.ask("POST", f"/api/v1/{project}/jobs/{slow['id']}/cancel")
    listed = [one["path"] for one in server.ask("GET", f"/api/v1/{project}/planted")[1]["planted"]]
    tell(sorted(listed) == [".vscode", "later/.git"], "behind it what it has made is listed, too", listed)
    for path in ("later/.git", ".vscode"):
        tell(server.ask("DELETE", f"/api/v1/{project}/planted/{path}")[0] == 204, f"and {path} is removed")

    # The place and its network.
    project, _ = create("(ls /; cat /etc/passwd; id; ls -a /workspace) > seen; (: < /dev/tcp/127.0.0.1/%d) 2> port" % server.port + ANSWER)
    _, seen = server.ask("GET", f"/api/v1/{project}/files/seen")
    tell("workspace" in seen["contents"] and "home" in seen["contents"], "the workspace is at /workspace", seen)
    _, port = server.ask("GET", f"/api/v1/{project}/files/port")
    tell("refused" in port["contents"].lower(), "the server's port does not exist inside", port)

    # Results that are none.
    for script, reason in [
        ("echo x > .codex/result.json", "result_not_json"),
        ("true", "no_result"),
        ("head -c 2000000 /dev/zero > .codex/result.json", "result_too_large"),
        ("exit 3" + "; :", "no_result"),
        ("kill -9 $$", "signal"),
        (outcome("error", errors=["forced_error"]) + "; exit 1", "forced_error"),
        (outcome("success", job_id="other"), "result_other_job"),
    ]:
        job = add(project, script)
        _, detail = server.ask("GET", f"/api/v1/{project}/jobs/{job['id']}")
        tell(detail["status"] == "error" and detail["reason"] == reason, f"{reason}: {script[:40]}", detail)
        _, result = server.ask("GET", f"/api/v1/{project}/files/.codex/result.json")
        said = json.loads(result["contents"])
        tell(said["status"] == "error", "and who polls the result learns of it", result)
        tell(reason == "forced_error" or said["timestamp"][:2] == "20", "and when, where the server wrote it", result)

    # Much of everything.
    project, _ = create("mkdir many; cd many; seq 3000 | xargs touch; cd .." + ANSWER)
    status, listing = server.ask("GET", f"/api/v1/{project}/files")
    tell(status == 200 and len(listing["files"]) == 3002 and "truncated" not in listing, "3,000 files are listed", len(listing["files"]))
    for _ in range(6):
        add(project, "python3 -c 'import json; print(json.dumps(dict(status=\"success\", summary=\"s\", created_files=[], modified_files=[], "
            "errors=[], logs=[\"x\" * 15000] * 60)))' > .codex/result.json")
    _, jobs = server.ask("GET", f"/api/v1/{project}/jobs")
    tell(all(job["status"] == "completed" for job in jobs["jobs"]), "they are taken", jobs)
    tell(len(jobs["jobs"]) == 7 and jobs["next"] is None, "large results hide no jobs", (len(jobs["jobs"]), jobs["next"]))
    _, page = server.ask("GET", f"/api/v1/{project}/jobs?limit=3")
    tell(len(page["jobs"]) == 3 and page["next"] == page["jobs"][-1]["id"], "a page says that there is more", page["next"])
    project, _ = create("for i in $(seq 300); do mkdir d; cd d; done" + "; cd /workspace" + ANSWER)
    job = add(project, "echo new > newfile" + ANSWER)
    _, changes = server.ask("GET", f"/api/v1/{project}/jobs/{job['id']}/changes")
    tell([change["path"] for change in changes["changes"]] == ["newfile"], "a deep tree hides no change", changes)
    _, listing = server.ask("GET", f"/api/v1/{project}/files")
    tell("newfile" in [file["path"] for file in listing["files"]], "and no file", listing)

    # Pages behind what is not there.
    for path in ["/api/v1/projects/", f"/api/v1/{project}/jobs"]:
        status, answer = server.ask("GET", f"{path}?after={uuid.uuid4()}")
        tell(status == 422, f"a page behind an unknown entry of {path} is 422", (status, answer))

    # A job that is cancelled, and one that waits for it.
    first = add(project, "sleep 60", Prefer="respond-async")
    second = add(project, "sleep 61", Prefer="respond-async")
    started = time.monotonic()
    while server.ask("GET", f"/api/v1/{project}/jobs/{first['id']}")[1]["status"] != "in_progress" and time.monotonic() - started < 30:
        time.sleep(0.02)
    for job in (second, first):
        status, ended = server.ask("POST", f"/api/v1/{project}/jobs/{job['id']}/cancel")
        tell(status == 200 and ended["reason"] == "cancelled" and ended["status"] == "error", "a job is cancelled", (status, ended))
    tell(time.monotonic() - started < 50, "at once", time.monotonic() - started)
    status, again = server.ask("POST", f"/api/v1/{project}/jobs/{first['id']}/cancel")
    tell(status == 409, "an ended job cannot be cancelled", (status, again))
    status, _ = server.ask("DELETE", f"/api/v1/projects/{project}")
    tell(status == 204 and server.ask("GET", f"/api/v1/projects/{project}")[0] == 404, "a project is removed", status)
    return 1 if WRONG else 0


if __name__ == "__main__":
    sys.exit(main())
