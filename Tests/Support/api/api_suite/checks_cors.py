"""CORS with the default settings: ORC-32 to ORC-34."""

from .client import expect, expect_error
from .suite import check

LISTED = ("http://localhost:3000", "http://127.0.0.1:3000")
UNLISTED = (
    "http://evil.example", "null", "https://localhost:3000", "http://localhost:3001", "http://localhost",
    "http://localhost:3000.evil.example", "http://evil.example:3000", "http://localhost:30000", "HTTP://LOCALHOST:3000x",
)
ALLOW = "Access-Control-Allow-Origin"


def words(text):
    return {word.strip().lower() for word in (text or "").split(",") if word.strip()}


@check("ORC-33", "a listed origin is echoed, on errors too; an unlisted one is served without")
def simple(context):
    for path, status in ((f"/projects/{context.project}", 200), ("/projects/none", 404)):
        for origin in LISTED:
            answer = context.client.get(path, {"Origin": origin})
            expect(answer.status == status, f"{origin}: {answer}")
            expect(answer.header(ALLOW) == origin, f"{origin}: {ALLOW} {answer.header(ALLOW)!r} with {answer.status}")
            expect("origin" in words(answer.header("Vary")), f"Vary {answer.header('Vary')!r}")
            expect(answer.header("Access-Control-Allow-Credentials") != "true", "credentials are allowed")
        for origin in UNLISTED:
            answer = context.client.get(path, {"Origin": origin})
            expect(answer.status == status, f"{origin}: {answer}")
            expect(answer.header(ALLOW) is None, f"{origin}: {ALLOW} {answer.header(ALLOW)!r}")
    answer = context.client.get(f"/projects/{context.project}")
    expect(answer.header(ALLOW) is None, f"without Origin: {answer.header(ALLOW)!r}")


@check("ORC-33", "a state change from an unlisted origin is refused")
def state_change(context):
    body = {"job_type": "edit", "instruction": "from elsewhere"}
    for origin in UNLISTED:
        for path, value in (("/projects/", {"instruction": "from elsewhere"}), (f"/{context.project}/jobs", body)):
            answer = context.client.post(path, value, {"Origin": origin})
            expect_error(answer, 403)
            expect(answer.header(ALLOW) is None, f"{origin}: {ALLOW} {answer.header(ALLOW)!r}")
    answer = context.client.post(f"/{context.project}/jobs", body | {"instruction": "x"}, {"Origin": LISTED[0]})
    expect(answer.status == 200 and answer.header(ALLOW) == LISTED[0], f"a listed one: {answer}")
    jobs = context.client.get(f"/projects/{context.project}").json()["jobs"]
    expect(not any(job["instruction"] == "from elsewhere" for job in jobs), "a refused job was made")


def preflight(context, origin, method="POST", headers=None, path="/projects/"):
    fields = {"Origin": origin, "Access-Control-Request-Method": method}
    if headers:
        fields["Access-Control-Request-Headers"] = headers
    return context.client.request("OPTIONS", context.client.target(path), headers=fields)


@check("ORC-32", "the default methods and headers are allowed, and no others")
def defaults(context):
    for method in ("GET", "POST", "PUT", "DELETE", "OPTIONS"):
        answer = preflight(context, LISTED[0], method)
        expect(answer.status == 200, f"{method}: {answer}")
        allowed = words(answer.header("Access-Control-Allow-Methods"))
        expect(allowed == {"get", "post", "put", "delete", "options"}, f"methods {allowed}")
    for headers in ("Authorization", "content-type", "Content-Type, authorization"):
        answer = preflight(context, LISTED[0], headers=headers)
        expect(answer.status == 200, f"{headers}: {answer}")
        allowed = words(answer.header("Access-Control-Allow-Headers"))
        expect({"authorization", "content-type"} <= allowed, f"headers {allowed}")


@check("ORC-34", "preflight: 200 for what is listed, 400 for the rest")
def preflights(context):
    for path in ("/projects/", f"/{context.project}/jobs", f"/{context.project}/files"):
        answer = preflight(context, LISTED[1], path=path)
        expect(answer.status == 200 and answer.header(ALLOW) == LISTED[1], f"{path}: {answer}")
        expect(answer.header("Access-Control-Max-Age") == "600", f"max age {answer.header('Access-Control-Max-Age')!r}")
    for origin in UNLISTED:
        answer = preflight(context, origin)
        expect(answer.status == 400 and answer.header(ALLOW) is None, f"{origin}: {answer} {answer.header(ALLOW)!r}")
    for method, headers in (("PATCH", None), ("TRACE", None), ("POST", "X-Other"), ("POST", "Content-Type, X-Other")):
        answer = preflight(context, LISTED[0], method, headers)
        expect(answer.status == 400, f"{method} {headers}: {answer}")
        expect(answer.header(ALLOW) is None, f"{method} {headers}: {ALLOW} {answer.header(ALLOW)!r}")
