"""Validation and errors: ORC-10 to ORC-16."""

from .client import expect, expect_error
from .suite import check

EMPTY = "instruction must not be empty"


def items(answer):
    body = expect_error(answer, 422)
    detail = body.get("detail")
    expect(isinstance(detail, list) and detail, f"detail is a list: {answer}")
    for item in detail:
        expect({"loc", "msg", "type"} <= set(item), f"an item has loc, msg and type: {item}")
    return detail


def expect_item(answer, loc, kind=None, message=None):
    found = [item for item in items(answer) if item["loc"] == loc]
    expect(len(found) == 1, f"one item at {loc}: {answer}")
    kinds = kind if isinstance(kind, tuple) else (kind,)
    expect(kind is None or found[0]["type"] in kinds, f"type {kind}: {found[0]}")
    expect(message is None or message in found[0]["msg"], f"msg with {message!r}: {found[0]}")


def create(context, value):
    return context.client.post("/projects/", {"instruction": value})


@check("ORC-10", "instruction of a project: 5 to 2000 characters")
def project_instruction(context):
    loc = ["body", "instruction"]
    for text in ("12345", "x" * 2000):
        expect(create(context, text).status == 200, f"{len(text)} characters are refused")
    expect_item(create(context, "abcd"), loc, "string_too_short", "at least 5 characters")
    expect_item(create(context, "x" * 2001), loc, "string_too_long", "at most 2000 characters")
    for blank in ("", " \t\n ", "\u2003" * 9):
        answer = create(context, blank)
        expect_item(answer, loc)
        expect(not blank or EMPTY.encode() in answer.body, f"message {EMPTY!r}: {answer}")
    expect_item(context.client.post("/projects/", {}), loc, "missing", "Field required")
    for value in (None, 7, True, ["abcde"], {"a": "b"}):
        expect_item(create(context, value), loc, "string_type")


@check("ORC-11", "trimmed, and counted in code points")
def trimming(context):
    answer = create(context, " \t\u2003\u00a0 abcde \u3000\n")
    expect(answer.status == 200 and answer.json()["instruction"] == "abcde", f"{answer}")
    stored = context.client.get(f"/projects/{answer.json()['id']}").json()["instruction"]
    expect(stored == "abcde", f"stored {stored!r}")
    expect(create(context, "  " + "x" * 2000 + "  ").status == 200, "2000 with blanks around")
    expect(create(context, "😀" * 2000).status == 200, "2000 characters outside the BMP")
    expect(create(context, "e\u0301" * 1000).status == 200, "2000 code points in 1000 letters")
    expect_item(create(context, "😀" * 2001), ["body", "instruction"], "string_too_long")
    expect_item(create(context, "e\u0301" * 1000 + "e"), ["body", "instruction"], "string_too_long")
    expect_item(create(context, "  abcd  "), ["body", "instruction"], "string_too_short")


def job(context, **body):
    return context.client.post(f"/{context.project}/jobs", body)


@check("ORC-12", "instruction of a job: 1 to 2000 characters")
def job_instruction(context):
    loc = ["body", "instruction"]
    for text in ("x", " x ", "x" * 2000):
        answer = job(context, job_type="edit", instruction=text)
        expect(answer.status == 200 and answer.json()["instruction"] == text.strip(), f"{len(text)}: {answer}")
    expect_item(job(context, job_type="edit", instruction="x" * 2001), loc, "string_too_long")
    answer = job(context, job_type="edit", instruction="   \t  ")
    expect_item(answer, loc, None, EMPTY)
    expect_item(job(context, job_type="edit", instruction=""), loc)
    expect_item(job(context, job_type="edit", instruction=None), loc, "string_type")
    expect_item(job(context, job_type="edit"), loc, "missing", "Field required")


@check("ORC-13", "job_type is one of two words")
def job_type(context):
    loc = ["body", "job_type"]
    expect(job(context, job_type="initial_project", instruction="x").status == 200, "initial_project is refused")
    for value in ("bogus", "Edit", "EDIT", " edit", "", None, 1, ["edit"]):
        expect_item(job(context, job_type=value, instruction="x"), loc, "enum")
    expect_item(job(context, instruction="x"), loc, "missing", "Field required")


@check("ORC-14", "every fault of a body is in the list")
def body_faults(context):
    found = sorted(item["loc"][-1] for item in items(job(context)))
    expect(found == ["instruction", "job_type"], f"two faults, found {found}")
    found = sorted(item["loc"][-1] for item in items(job(context, job_type="x", instruction="")))
    expect(found == ["instruction", "job_type"], f"two faults, found {found}")
    for text, kinds in (
        (b"{", "json_invalid"), (b"nonsense", "json_invalid"), (b'{"instruction": "a', "json_invalid"),
        (b"", ("missing", "json_invalid")), (b"[]", "model_attributes_type"), (b'"text"', "model_attributes_type"),
        (b"null", ("missing", "model_attributes_type")),
    ):
        kinds = kinds if isinstance(kinds, tuple) else (kinds,)
        for path in ("/projects/", f"/{context.project}/jobs"):
            answer = context.client.post(path, text)
            item = items(answer)[0]
            expect(item["loc"][0] == "body" and item["type"] in kinds, f"{text!r} must be {kinds}: {answer}")


@check("ORC-15", "unknown keys are ignored")
def unknown_keys(context):
    answer = context.client.post("/projects/", {"instruction": "Generate it", "x": 1, "y": {"z": []}})
    expect(answer.status == 200, f"{answer}")
    expect(job(context, job_type="edit", instruction="x", more=None).status == 200, "a job with another key")


@check("ORC-16", "one shape for unknown routes and methods")
def routes(context):
    for target in ("/nowhere", "/api/v1/", "/api/v1/projects/a/b/c", "/api/v2/projects/", "/api/v1projects/"):
        expect_error(context.client.request("GET", target), 404, "Not Found")
    for method, path in (("PUT", "/projects/"), ("DELETE", f"/{context.project}/files"), ("PATCH", "/projects/")):
        expect_error(context.client.request(method, context.client.target(path)), 405)
    expect_error(context.client.request("BREW", "/api/v1/projects/"), 405)
    expect_error(context.client.request("GET", "/api/v1/projects/", version="2.0"), 505)
