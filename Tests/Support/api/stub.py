"""A small server of the API for trying the suite: right in everything, or wrong in one chosen way.

Keeps its projects in a folder; runs no worker but a few lines of its own. Not a model for a server.
"""

import datetime
import http.server
import json
import os
import re
import threading
import time
import urllib.parse
import uuid

ORIGINS = ("http://localhost:3000", "http://127.0.0.1:3000")
METHODS = ("GET", "POST", "PUT", "DELETE", "OPTIONS")
KINDS = {400: ("bad_request", "Bad request"), 403: ("forbidden", "Forbidden"), 404: ("not_found", "Not found"),
         422: ("validation_error", "Validation failed")}


class Refusal(Exception):
    def __init__(self, status, detail):
        self.status, self.detail = status, detail


def now():
    return datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None).isoformat()


class Stub(http.server.ThreadingHTTPServer):
    request_queue_size = 64
    daemon_threads = True

    def __init__(self, root, fault=None):
        super().__init__(("127.0.0.1", 0), Handler)
        self.root, self.fault, self.projects, self.jobs, self.lock = root, fault, {}, {}, threading.Lock()

    def work(self, project, job):
        folder = os.path.join(self.root, project["id"])
        os.makedirs(folder + "/tests", exist_ok=True)
        os.makedirs(folder + "/.codex", exist_ok=True)
        if self.fault == "stray folder":
            os.makedirs(self.root + "/temp", exist_ok=True)
        if "long_run" in job["instruction"]:
            with self.lock if self.fault == "long job blocks" else threading.Lock():
                time.sleep(6 if self.fault == "long job blocks" else 2)
        failed = "force_error" in job["instruction"]
        if not failed:
            for name in ("README.md", "app.py", "tests/test_cli.py"):
                if not (self.fault == "file missing" and name == "README.md"):
                    with open(f"{folder}/{name}", "w") as file:
                        file.write("# fibonacci\n")
        request = {key: job[key] for key in ("project_id", "job_type", "instruction")} | {"job_id": job["id"]}
        if not (self.fault == "stale request" and job["job_type"] == "edit"):
            with open(folder + "/.codex/request.json", "w") as file:
                json.dump(request, file)
        result = {"status": "error" if failed else "success", "summary": "done", "modified_files": [],
                  "created_files": ["README.md", "app.py", "tests/test_cli.py"], "job_id": job["id"],
                  "errors": ["forced_error"] if failed else [], "logs": ["OPENAI_API_KEY=absent"]}
        with open(folder + "/.codex/result.json", "w") as file:
            json.dump(result, file)
        return "error" if failed and self.fault != "error is completed" else "completed"

    def add_job(self, project, job_type, instruction):
        job = {"id": str(uuid.uuid4()), "project_id": project["id"], "job_type": job_type, "instruction": instruction,
               "status": "in_progress", "created_at": now(), "updated_at": now()}
        job["status"] = project["status"] = self.work(project, job)
        if job_type == "initial_project" or self.fault != "summary stays":
            kind = "Initial" if job_type == "initial_project" else "Edit"
            why = " (forced_error: done)" if job["status"] == "error" else ""
            project["summary"] = f"{kind} job status: {job['status']}{why}"
        if self.fault != "updated_at stays":
            project["updated_at"] = job["updated_at"] = now()
        self.jobs.setdefault(project["id"], {})[job["id"]] = job
        return job


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def __getattr__(self, name):
        if name.startswith("do_"):
            return self.handle_any
        raise AttributeError(name)

    def is_wrong(self, fault):
        return self.server.fault == fault

    def send_error(self, code, *_):
        """What http.server refuses itself, in the same shape; the request is read to its end, so that the answer is not lost."""
        while self.rfile.readline(65536) not in (b"\r\n", b""):
            pass
        error, message = KINDS.get(code, ("http_error", "HTTP error"))
        data = json.dumps({"error": error, "message": message, "code": code, "detail": "refused"}).encode()
        if self.is_wrong("505 is a fault") and code == 505:
            data = data.replace(b"http_error", b"internal_error")
        if self.is_wrong("HTML for long paths"):
            data = b"<html>refused</html>"
        self.close_connection = True
        self.request_version = self.protocol_version
        self.send_response(code)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(data)), "Connection": "close"}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def handle_any(self):
        try:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, answer, fields = self.answer(body)
        except Refusal as refusal:
            error, message = KINDS.get(refusal.status, ("http_error", "HTTP error"))
            status, fields = refusal.status, {}
            answer = {"error": error, "message": message, "code": status, "detail": refusal.detail}
            if self.is_wrong("other message") and status == 403:
                answer["message"] = "Not you"
            if self.is_wrong("other error shape"):
                answer = {"detail": refusal.detail}
        data = answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
        self.send_response(status)
        fields.setdefault("Content-Type", "text/html" if isinstance(answer, str) else "application/json")
        origin = self.headers.get("Origin")
        refused = self.command == "OPTIONS" and status == 400 and not self.is_wrong("allows what it refuses")
        if origin and not refused and (origin in ORIGINS or self.is_wrong("any origin")) and not (status >= 400 and self.is_wrong("no CORS on errors")):
            fields |= {"Access-Control-Allow-Origin": origin, "Vary": "Origin"}
        for name, value in (fields | {"Content-Length": str(len(data))}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def answer(self, body):
        origin = self.headers.get("Origin")
        wanted = self.headers.get("Access-Control-Request-Method")
        if self.command == "OPTIONS" and origin and wanted:
            headers = (self.headers.get("Access-Control-Request-Headers") or "content-type").lower().split(",")
            listed = {"authorization", "content-type"} >= {header.strip() for header in headers}
            if not self.is_wrong("preflight takes all") and (origin not in ORIGINS or wanted not in METHODS or not listed):
                return 400, "refused", {}
            return 200, "OK", {"Access-Control-Allow-Methods": ", ".join(METHODS), "Access-Control-Max-Age": "600",
                               "Access-Control-Allow-Headers": "Authorization, Content-Type"}
        if origin and origin not in ORIGINS and self.command != "GET" and not self.is_wrong("takes foreign changes"):
            raise Refusal(403, "origin")
        path = self.requestline.split(" ")[1]
        if path == "/docs":
            return 200, "<title>docs</title>", {}
        if path == "/openapi.json":
            model = {} if self.is_wrong("no examples") else {"example": {}}
            return 200, {"openapi": "3.1.0", "components": {"schemas": {"ProjectCreate": model, "JobCreate": model}}}, {}
        if not path.startswith("/api/v1/"):
            raise Refusal(404, "Not Found")
        return self.route(path.removeprefix("/api/v1"), body)

    def route(self, path, body):
        files = re.fullmatch(r"(?:/projects)?/([^/]+)/files(?:/(.*))?", path, re.S)
        if files and not (self.is_wrong("one spelling") and path.startswith("/projects/")):
            self.only("GET")
            project = self.project(files[1])
            return 200, self.listing(project) if files[2] is None else self.file(project, files[2]), {}
        if path == "/projects":
            self.only("POST")
            if self.is_wrong("redirect after validation"):
                self.instruction(self.object(body), 5)
            return 307, "", {"Location": "/api/v1/projects/"}
        if path == "/projects/":
            self.only("POST")
            return 200, self.create(self.object(body)), {}
        found = re.fullmatch(r"/projects/([^/]+)", path)
        if found:
            self.only("GET")
            project = self.project(found[1])
            with self.server.lock:
                jobs = list(self.server.jobs[project["id"]].values())
            return 200, project | {"workspace_path": self.place(project["id"]), "jobs": jobs}, {}
        found = re.fullmatch(r"(?:/projects)?/([^/]+)/jobs(?:/([^/]+))?", path)
        if not found:
            raise Refusal(404, "Not Found")
        if found[2]:
            self.only("GET")
            jobs = self.server.jobs[self.project(found[1])["id"]]
            if self.is_wrong("foreign jobs"):
                jobs = {key: job for all in self.server.jobs.values() for key, job in all.items()}
            if found[2] not in jobs:
                raise Refusal(404, "Job not found")
            return 200, jobs[found[2]] | {"result_path": None, "logs_path": None}, {}
        self.only("POST")
        if self.is_wrong("project before body"):
            self.project(found[1])
        values = self.object(body)
        faults = []
        if values.get("job_type") not in ("initial_project", "edit"):
            missing = "job_type" not in values
            faults.append(self.fault_item("job_type", "missing" if missing else "enum", "Field required" if missing else "x"))
        instruction = self.instruction(values, 1, faults)
        return 200, self.server.add_job(self.project(found[1]), values["job_type"], instruction), {}

    def place(self, name):
        return ("./" if self.is_wrong("dotted path") else "") + "workspaces/" + name

    def only(self, method):
        if self.command != method:
            raise Refusal(405, "Method Not Allowed")

    def project(self, name):
        if name not in self.server.projects:
            raise Refusal(404, "Project not found")
        return self.server.projects[name]

    # Bodies

    def object(self, body):
        try:
            value = json.loads(body)
        except ValueError:
            raise Refusal(422, [{"loc": ["body", 0], "msg": "JSON", "type": "json_invalid"}]) from None
        if not isinstance(value, dict):
            raise Refusal(422, [{"loc": ["body"], "msg": "object", "type": "model_attributes_type"}])
        return value

    def fault_item(self, name, kind, message):
        return {"loc": ["body", name], "msg": message, "type": kind}

    def instruction(self, values, least, faults=None):
        faults = [] if faults is None else faults
        text = values.get("instruction")
        if "instruction" not in values:
            faults.append(self.fault_item("instruction", "missing", "Field required"))
        elif not isinstance(text, str):
            faults.append(self.fault_item("instruction", "string_type", "string"))
        else:
            text = text if self.is_wrong("not trimmed") else text.strip()
            count = len(text.encode("utf-16-le")) // 2 if self.is_wrong("counts UTF-16") else len(text)
            if not text.strip():
                faults.append(self.fault_item("instruction", "value_error", "instruction must not be empty"))
            elif count < least:
                faults.append(self.fault_item("instruction", "string_too_short", f"at least {least} characters"))
            elif count > 2000:
                faults.append(self.fault_item("instruction", "string_too_long", "at most 2000 characters"))
        if faults:
            raise Refusal(422, faults[:1] if self.is_wrong("first fault only") else faults)
        return text

    def create(self, values):
        instruction = self.instruction(values, 5)
        project = {"id": str(uuid.uuid4()), "instruction": instruction, "status": "in_progress", "created_at": now(),
                   "updated_at": now()}
        if self.is_wrong("same id"):
            project["id"] = "11111111-1111-4111-8111-111111111111"
        self.server.projects[project["id"]] = project
        self.server.add_job(project, "initial_project", instruction)
        if self.is_wrong("zoned times"):
            project["created_at"] += "Z"
        if self.is_wrong("more keys"):
            project["policy"] = "default"
        return dict(project)

    # Files

    def listing(self, project):
        root = os.path.realpath(os.path.join(self.server.root, project["id"]))
        files = []
        for folder, _, names in os.walk(root, followlinks=self.is_wrong("listing follows links")):
            for name in names:
                path = os.path.join(folder, name)
                inside = os.path.realpath(path).startswith(root + "/") or self.is_wrong("listing follows links")
                if inside and os.path.isfile(path):
                    files.append({"path": os.path.relpath(path, root), "size": os.path.getsize(path)})
        if self.is_wrong("hidden files missing"):
            files = [file for file in files if not file["path"].startswith(".")]
        return {"files": files}

    def file(self, project, raw):
        data = urllib.parse.unquote_to_bytes(raw)
        if self.is_wrong("decodes twice"):
            data = urllib.parse.unquote_to_bytes(data)
        root = os.path.realpath(os.path.join(self.server.root, project["id"]))
        if b"\0" in data:
            if self.is_wrong("NUL is a fault"):
                raise Refusal(500, "NUL")
            raise Refusal(400, "Invalid path")
        try:
            path = data.decode()
        except UnicodeDecodeError:
            raise Refusal(400, "Invalid path") from None
        if path.startswith("/") and self.is_wrong("absolute is relative"):
            path = path.lstrip("/")
        if path.startswith(("/", "\\\\")) or re.match(r"[A-Za-z]:[\\/]", path):
            raise Refusal(404 if self.is_wrong("drive is missing") else 400, "Invalid path")
        if len(path) > 4000 or any(len(part.encode()) > 255 for part in path.split("/")):
            raise Refusal(404, "File not found")
        try:
            full = os.path.realpath(os.path.join(root, path), strict=False)
            if not (full + "/").startswith(root + "/") and not self.is_wrong("links are followed"):
                raise Refusal(400, "Invalid path")
            # Opened without a further look at links: what was swapped in between is refused.
            descriptor = os.open(full, os.O_RDONLY | os.O_NOFOLLOW | (0 if self.is_wrong("FIFO blocks") else os.O_NONBLOCK))
        except OSError:
            raise Refusal(404, "File not found") from None
        with open(descriptor, "rb") if os.path.isfile(full) else NoFile(descriptor) as file:
            contents = file.read().decode(errors="replace")
        if self.is_wrong("raw path echoed"):
            path = raw
        return {"path": path, "contents": "" if self.is_wrong("empty contents") else contents}


class NoFile:
    def __init__(self, descriptor):
        os.close(descriptor)

    def __enter__(self):
        raise Refusal(404, "File not found")

    def __exit__(self, *_):
        pass
