"""The description of the API and the API itself, as openapi-spec-validator and schemathesis see them.

    check.py --base-url http://127.0.0.1:8000 [--examples N] [--seed N]

Makes one project. One line for each check, `ok …` or `no …`; status 1 if one failed. `--examples` is for each operation and phase.
"""
import argparse
import copy
import json
import os
import re
import subprocess
import sys
import tempfile
import urllib.request

import openapi_spec_validator

HERE = os.path.dirname(os.path.abspath(__file__))
failed = False


def say(is_good, what, story=""):
    global failed
    failed = failed or not is_good
    print(("ok " if is_good else "no ") + what + ("" if is_good else f"\n{story}"), flush=True)


def ask(url, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def errors(description):
    return [str(error) for error in openapi_spec_validator.OpenAPIV31SpecValidator(description).iter_errors()]


def operations(description):
    return [one for methods in description["paths"].values() for one in methods.values()]


def known(description, project, job, policies):
    """What a client knows besides the shapes: the names of policies, and ids that are there."""
    changed = copy.deepcopy(description)
    body = changed["components"]["schemas"]["ProjectCreate"]["properties"]["policy"]
    body.pop("type")
    body["enum"] = policies + [None]
    for operation in operations(changed):
        is_jobs = operation["operationId"].startswith("listJobs")
        for parameter in operation.get("parameters", []):
            if (parameter["in"], parameter["name"]) == ("query", "after") and "pattern" in parameter["schema"]:
                parameter["schema"] = {"type": "string", "enum": [job if is_jobs else project]}
    return changed


def without_pages(description):
    """A job is the last of a page of its own project only."""
    changed = copy.deepcopy(description)
    for operation in operations(changed):
        if operation["operationId"].startswith("listJobs"):
            operation["parameters"] = [one for one in operation["parameters"] if one["name"] != "after"]
    return changed


def with_ids(description, project, job):
    """The same for the things of one project."""
    changed = copy.deepcopy(description)
    for path in list(changed["paths"]):
        if "{project_id}" not in path:
            del changed["paths"][path]
    for operation in operations(changed):
        for parameter in operation.get("parameters", []):
            if parameter["in"] == "path" and parameter["name"] in ("project_id", "job_id"):
                parameter["schema"] = {"enum": [project if parameter["name"] == "project_id" else job]}
    return changed


def explore(folder, name, description, base, arguments, options=()):
    """Runs schemathesis; what it says, and how many cases it has tried."""
    path = os.path.join(folder, name + ".json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(description, file)
    words = [
        os.path.join(os.path.dirname(sys.executable), "schemathesis"),
        "--config-file", os.path.join(HERE, "schemathesis.toml"), "run", path, "--url", base, "--no-color",
        "--phases", "examples,coverage,fuzzing", "--max-examples", str(arguments.examples), "--seed", str(arguments.seed),
        "--suppress-health-check", "all", "--warnings", "off", *options,
    ]
    result = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=900, check=False)
    story = result.stdout[-12000:] + result.stderr[-2000:]
    count = re.search(r"(\d+) generated", result.stdout)
    return result.returncode, int(count.group(1)) if count else 0, story


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--base-url", required=True)
    parser.add_argument("--examples", type=int, default=int(os.environ.get("API_EXAMPLES", "5")))
    parser.add_argument("--seed", type=int, default=int(os.environ.get("FUZZ_SEED", "1")))
    arguments = parser.parse_args()
    base = arguments.base_url
    print(f"seed {arguments.seed}, {arguments.examples} examples")
    description = ask(base + "/openapi.json")

    found = errors(description)
    say(found == [], "openapi-spec-validator finds nothing", "\n".join(found))
    broken = copy.deepcopy(description)
    del broken["info"]["title"]
    say(len(errors(broken)) == 1, "it finds a title that is missing", str(errors(broken)))

    project = ask(base + "/api/v1/projects/", {"instruction": "Generate a small project"})["id"]
    job = ask(f"{base}/api/v1/{project}/jobs")["jobs"][0]["id"]
    policies = [one["name"] for one in ask(base + "/api/v1/policies")["policies"] if one["default"]]
    whole = known(description, project, job, policies)
    with tempfile.TemporaryDirectory() as folder:
        status, count, story = explore(folder, "whole", without_pages(whole), base, arguments)
        say(status == 0 and count > 500, f"schemathesis finds nothing: {count} cases", story)
        # The project stays.
        stays = ["--exclude-operation-id", "removeProject"]
        status, count, story = explore(folder, "project", with_ids(whole, project, job), base, arguments, stays)
        say(status == 0 and count > 300, f"it finds nothing in a project that is there: {count} cases", story)
        wrong = copy.deepcopy(whole)
        wrong["components"]["schemas"]["Health"]["properties"]["status"] = {"type": "integer"}
        status, count, story = explore(folder, "wrong", wrong, base, arguments, ["--include-operation-id", "health"])
        say(status == 1 and "schema" in story, "it finds an answer of another shape", story)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
