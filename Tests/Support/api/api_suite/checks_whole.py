"""The server as a whole: ORC-17, ORC-18, ORC-27, ORC-28, ORC-35, ORC-39, ORC-40, ORC-43."""

import concurrent.futures
import json
import threading
import time

from .checks_create import FILES
from .client import expect
from .suite import check


def is_minimal(client, project):
    return any("OPENAI_API_KEY=" in line for line in json.loads(client.read(project, ".codex/result.json"))["logs"])


@check("ORC-27", "a forced error is a result, and the server goes on")
def forced_error(context):
    project = context.client.create("force_error: provoke a controlled failure")
    result = json.loads(context.client.read(project["id"], ".codex/result.json"))
    if is_minimal(context.client, project["id"]):
        expect(result["status"] == "error" and "forced_error" in result["errors"], f"result {result}")
        expect(project["status"] == "error", f"project {project['status']!r}")
        expect(project["summary"].startswith("Initial job status: error (forced_error: "), f"{project['summary']!r}")
        # A project's status and summary are of the same job, a later one too.
        for instruction, status in (("force_error: again", "error (forced_error: "), ("Append a comment line.", "completed")):
            context.client.post(f"/{project['id']}/jobs", {"job_type": "edit", "instruction": instruction})
            later = context.client.get(f"/projects/{project['id']}").json()
            expect(later["status"] == status.split(" ")[0], f"project {later['status']!r}")
            expect(later["summary"].startswith(f"Edit job status: {status}"), f"summary {later['summary']!r}")
    else:
        expect(result["status"] == "success" and project["status"] == "completed", f"{project['status']} {result}")
    expect(context.client.create()["status"] == "completed", "the next project")


@check("ORC-28", "a long job ends, and others are served meanwhile")
def long_job(context):
    project = context.project
    found, took = [], []

    def ask():
        start = time.monotonic()
        found.append(context.client.create("long_run: take your time"))
        took.append(time.monotonic() - start)

    thread = threading.Thread(target=ask)
    thread.start()
    slowest = meanwhile = 0
    while thread.is_alive():
        start = time.monotonic()
        expect(context.client.get(f"/projects/{project}").status == 200, "a read beside the long job")
        slowest = max(slowest, time.monotonic() - start)
        meanwhile += thread.is_alive()
        time.sleep(0.02)
    thread.join()
    expect(found and found[0]["status"] in ("completed", "error"), f"{found}")
    expect(slowest < 5, f"a read took {slowest:.1f} s")
    # The dummy sleeps for nobody: beside it nothing can be seen.
    if is_minimal(context.client, found[0]["id"]):
        expect(meanwhile >= 3, f"{meanwhile} reads were answered before the job of {took[0]:.1f} s")
        expect(slowest < took[0] / 2, f"a read took {slowest:.1f} s, beside a job of {took[0]:.1f} s")


@check("ORC-35", "the API lies under /api/v1")
def api_root(context):
    expect(context.client.request("GET", f"/api/v1/projects/{context.project}").status == 200, "not there")
    expect(context.client.request("GET", f"/projects/{context.project}").status == 404, "there without /api/v1, too")


@check("ORC-39", "documentation with examples")
def documentation(context):
    page = context.client.request("GET", "/docs")
    expect(page.status == 200 and (page.header("Content-Type") or "").startswith("text/html"), f"/docs: {page}")
    answer = context.client.request("GET", "/openapi.json")
    expect(answer.status == 200, f"/openapi.json: {answer.status}")
    document = answer.json()
    expect(str(document.get("openapi", "")).startswith("3."), f"openapi {document.get('openapi')!r}")
    for name in ("ProjectCreate", "JobCreate"):
        model = document["components"]["schemas"][name]
        shown = "example" in model or "examples" in model
        shown = shown or any({"example", "examples"} & set(field) for field in model.get("properties", {}).values())
        expect(shown, f"{name} has no example")


@check("ORC-40", "one connection serves several requests")
def keep_alive(context):
    head = f"GET /api/v1/projects/{context.project} HTTP/1.1\r\nHost: {context.client.host}:{context.client.port}\r\n"
    if context.client.token:
        head += f"Authorization: Bearer {context.client.token}\r\n"
    with context.client.connect() as connection:
        connection.sendall((head + "\r\n" + head + "Connection: close\r\n\r\n").encode())
        received = b""
        while piece := connection.recv(65536):
            received += piece
    expect(received.count(b"HTTP/1.1 200") == 2, f"{received[:300]!r}")


@check("ORC-43", "16 creates at once: distinct ids, whole workspaces")
def parallel(context):
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        projects = list(pool.map(lambda n: context.client.create(f"Generate number {n} of 16."), range(16)))
    expect(len({project["id"] for project in projects}) == 16, "an id twice")
    for number, project in enumerate(projects):
        expect(project["instruction"] == f"Generate number {number} of 16.", f"{project}")
        expect(project["status"] == "completed", f"{project}")
        listed = {file["path"] for file in context.client.get(f"/{project['id']}/files").json()["files"]}
        expect(FILES <= listed, f"missing {FILES - listed}")
        request = json.loads(context.client.read(project["id"], ".codex/request.json"))
        expect(request["project_id"] == project["id"], f"{request}")


@check("ORC-18", "success bodies have nothing of the error layer")
def success_bodies(context):
    for path in (f"/projects/{context.project}", f"/{context.project}/files", f"/{context.project}/files/app.py"):
        body = context.client.get(path).json()
        expect(not {"error", "code", "message", "correlation_id"} & set(body), f"{path}: {sorted(body)}")


@check("ORC-17", "no request so far was a fault of the server")
def no_fault(context):
    expect(not context.client.faults, "; ".join(context.client.faults[:5]))
