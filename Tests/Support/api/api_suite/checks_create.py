"""Projects and jobs: ORC-01 to ORC-03, ORC-06 to ORC-09, ORC-38, ORC-41."""

import json
import os
import re
import time
import uuid

from .client import expect, expect_error
from .suite import check

SUMMARY = {"id", "instruction", "status", "summary", "created_at", "updated_at"}
JOB = {"id", "project_id", "job_type", "instruction", "status", "created_at", "updated_at"}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?")
FILES = {"README.md", "app.py", "tests/test_cli.py", ".codex/request.json", ".codex/result.json"}


def is_uuid(text):
    try:
        return str(uuid.UUID(text)) == text
    except (ValueError, TypeError, AttributeError):
        return False


def expect_job(job, project, job_type, instruction):
    expect(JOB <= set(job), f"a job has {sorted(JOB)}: {job}")
    expect(is_uuid(job["id"]) and job["project_id"] == project, f"ids of {job}")
    expect(job["job_type"] == job_type and job["instruction"] == instruction, f"echo of {job}")
    expect(job["status"] == "completed", f"status of {job}")
    for name in ("created_at", "updated_at"):
        expect(TIME.fullmatch(job[name]), f"{name} of {job}")


@check("ORC-01", "create answers the project, completed")
def create(context):
    project = context.client.create("Generate a small program.")
    expect(set(project) == SUMMARY, f"keys {sorted(project)}")
    expect(is_uuid(project["id"]), f"id {project['id']!r}")
    expect(project["instruction"] == "Generate a small program.", f"instruction {project['instruction']!r}")
    expect(project["status"] == "completed", f"status {project['status']!r}")
    expect(project["summary"] == "Initial job status: completed", f"summary {project['summary']!r}")
    for name in ("created_at", "updated_at"):
        expect(TIME.fullmatch(project[name]), f"{name} is no naive ISO 8601 time: {project[name]!r}")


@check("ORC-02", "without the slash 307 to it, before validation")
def redirect(context):
    for body in ({"instruction": "Generate it"}, {}):
        answer = context.client.post("/projects", body)
        expect(answer.status == 307, f"wanted 307, came {answer}")
        place = answer.header("Location") or ""
        host = f"{context.client.host}:{context.client.port}"
        path = "/api/v1/projects/"
        expect(place in (path, f"http://{host}{path}"), f"Location {place!r}")


@check("ORC-03", "project detail with workspace_path and jobs")
def detail(context):
    answer = context.client.get(f"/projects/{context.project}")
    expect(answer.status == 200, f"{answer}")
    body = answer.json()
    expect(SUMMARY | {"workspace_path", "jobs"} <= set(body), f"keys {sorted(body)}")
    # As `pathlib` writes the default root, or a root that was given from / on.
    roots = {"workspaces"} | ({context.workspace_root.rstrip("/")} if context.workspace_root else set())
    wanted = {f"{root}/{context.project}" for root in roots}
    expect(body["workspace_path"] in wanted, f"workspace_path {body['workspace_path']!r}, not one of {sorted(wanted)}")
    first = [job for job in body["jobs"] if job["instruction"] == body["instruction"]]
    expect(len(first) == 1, f"no first job in {body['jobs']}")
    expect_job(first[0], context.project, "initial_project", body["instruction"])


@check("ORC-03", "unknown project is 404")
def unknown_project(context):
    for name in (str(uuid.uuid4()), "x", "%20"):
        expect_error(context.client.get(f"/projects/{name}"), 404, "Project not found")


@check("ORC-06", "add a job, in both spellings")
def add_job(context):
    for prefix in ("", "/projects"):
        body = {"job_type": "edit", "instruction": "Append a comment line."}
        answer = context.client.post(f"{prefix}/{context.project}/jobs", body)
        expect(answer.status == 200, f"{answer}")
        expect_job(answer.json(), context.project, "edit", "Append a comment line.")


@check("ORC-06", "unknown project: body first, then 404")
def job_of_unknown_project(context):
    good = {"job_type": "edit", "instruction": "x"}
    for prefix in ("", "/projects"):
        path = f"{prefix}/{uuid.uuid4()}/jobs"
        expect_error(context.client.post(path, good), 404, "Project not found")
        expect_error(context.client.post(path, {"job_type": "edit"}), 422)


@check("ORC-07", "job detail, and 404 for unknown and foreign jobs")
def job_detail(context):
    client = context.client
    job = client.post(f"/{context.project}/jobs", {"job_type": "edit", "instruction": "x"}).json()
    for prefix in ("", "/projects"):
        answer = client.get(f"{prefix}/{context.project}/jobs/{job['id']}")
        expect(answer.status == 200, f"{answer}")
        expect_job(answer.json(), context.project, "edit", "x")
        expect({"result_path", "logs_path"} <= set(answer.json()), f"{answer}")
        expect_error(client.get(f"{prefix}/{context.project}/jobs/{uuid.uuid4()}"), 404, "Job not found")
    other = client.create()["id"]
    expect_error(client.get(f"/{other}/jobs/{job['id']}"), 404, "Job not found")


@check("ORC-08", "status words agree with the result")
def status_words(context):
    project = context.client.create("force_error: or not, as the worker has it")
    result = json.loads(context.client.read(project["id"], ".codex/result.json"))
    expect(result["status"] in ("success", "error"), f"result status {result['status']!r}")
    wanted = "completed" if result["status"] == "success" else "error"
    expect(project["status"] == wanted, f"result {result['status']!r}, project {project['status']!r}")
    job = context.client.get(f"/projects/{project['id']}").json()["jobs"][0]
    expect(job["status"] == wanted, f"result {result['status']!r}, job {job['status']!r}")


@check("ORC-09", "exchange files belong to the last job")
def exchange(context):
    client = context.client
    project = client.create("Generate one of its own.")["id"]
    job = client.post(f"/{project}/jobs", {"job_type": "edit", "instruction": "Append é 😀."}).json()
    request = json.loads(client.read(project, ".codex/request.json"))
    wanted = {"project_id": project, "job_id": job["id"], "job_type": "edit", "instruction": "Append é 😀."}
    expect(request == wanted, f"request {request}")
    result = json.loads(client.read(project, ".codex/result.json"))
    for name in ("created_files", "modified_files", "errors", "logs"):
        values = result.get(name)
        expect(isinstance(values, list) and all(isinstance(v, str) for v in values), f"{name} {values!r}")
    expect(result["status"] == "success" and isinstance(result["summary"], str), f"result {result}")
    expect(result.get("job_id", job["id"]) == job["id"], f"result of {result.get('job_id')}")


@check("ORC-19", "the first files are there, and named as created")
def first_files(context):
    client = context.client
    project = client.create()["id"]
    listed = {file["path"] for file in client.get(f"/{project}/files").json()["files"]}
    expect(FILES <= listed, f"missing {FILES - listed}")
    created = json.loads(client.read(project, ".codex/result.json"))["created_files"]
    expect({"README.md", "app.py", "tests/test_cli.py"} <= set(created), f"created_files {created}")


@check("ORC-38", "updated_at moves with a job")
def updated(context):
    client = context.client
    project = client.create()
    time.sleep(0.01)
    expect(client.post(f"/{project['id']}/jobs", {"job_type": "edit", "instruction": "x"}).status == 200, "no job")
    after = client.get(f"/projects/{project['id']}").json()
    expect(after["updated_at"] > project["updated_at"], f"{project['updated_at']} then {after['updated_at']}")
    expect(after["created_at"] == project["created_at"], "created_at moved")


@check("ORC-41", "the workspace lies under the root, and nothing stray", "workspaces")
def workspace(context):
    project = context.client.create()["id"]
    expect(os.path.isdir(os.path.join(context.workspace(project), ".codex")), "no .codex in the workspace")
    stray = [name for name in os.listdir(context.workspace_root) if name in ("temp", "tmp")]
    expect(not stray, f"stray folders {stray}")
