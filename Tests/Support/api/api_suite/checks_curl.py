"""The examples of the README, as they stand there, through bash and curl."""

import json
import os
import subprocess
import tempfile

from .client import expect
from .suite import check

CREATE = r'''
RESP=$(curl -sSL -X POST "$BASE/api/v1/projects/" \
  -H "Content-Type: application/json" \
  -d '{"instruction":"Generate a minimal Python CLI project that prints the first 10 Fibonacci numbers and includes a basic test."}')

echo "$RESP" | sed -E 's/.{0}$//'
'''
IDENTIFIER = r'''
PID=$(echo "$RESP" | python3 -c 'import sys,json; print(json.load(sys.stdin)["id"])')
echo "PID=$PID"
'''
FIRST = r'''
curl -X POST http://localhost:8000/api/v1/projects   -H "Content-Type: application/json"   -d '{"instruction": "Generate a minimal Python CLI project that prints the first 10 Fibonacci numbers and includes a basic test."}'
'''
LIST = 'curl -sS "$BASE/api/v1/$PID/files"'
READ = 'curl -sS "$BASE/api/v1/$PID/files/app.py"'
EDIT = r'''
curl -sS -X POST "$BASE/api/v1/$PID/jobs" \
  -H "Content-Type: application/json" \
  -d '{"job_type":"edit","instruction":"Append a comment line to app.py describing the change."}'
'''
DETAIL = 'curl -sS "$BASE/api/v1/projects/$PID"'
SHORT = r'''
  curl -sS -X POST "$BASE/api/v1/projects/" \
    -H "Content-Type: application/json" \
    -d '{"instruction":"abcd"}'
'''
BLANK = r'''
  curl -sS -X POST "$BASE/api/v1/$PID/jobs" \
    -H "Content-Type: application/json" \
    -d '{"job_type":"edit","instruction":"   \t  "}'
'''
BOGUS = r'''
  curl -sS -X POST "$BASE/api/v1/$PID/jobs" \
    -H "Content-Type: application/json" \
    -d '{"job_type":"bogus","instruction":"Do something"}'
'''
VALID = r'''
  curl -sS -X POST "$BASE/api/v1/projects/" \
    -H "Content-Type: application/json" \
    -d '{"instruction":"Generate a minimal Python CLI that prints the first 10 Fibonacci numbers and includes a basic test."}'
'''


class Shell:
    """bash with BASE and PID, and a curl that knows the socket and the token by its settings file."""

    def __init__(self, context, home):
        self.home, self.variables = home, {"BASE": context.base}
        with open(os.path.join(home, ".curlrc"), "w") as file:
            if context.client.unix:
                file.write(f'unix-socket = "{context.client.unix}"\n')
            if context.client.token:
                file.write(f'header = "Authorization: Bearer {context.client.token}"\n')

    def run(self, script):
        environment = {"PATH": os.environ["PATH"], "HOME": self.home, **self.variables}
        run = subprocess.run(["bash", "-c", script], env=environment, capture_output=True, text=True, timeout=120)
        expect(run.returncode == 0, f"exit {run.returncode} of {script.strip()[:80]!r}: {run.stderr}")
        return run.stdout

    def json(self, script):
        output = self.run(script)
        try:
            return json.loads(output)
        except ValueError:
            expect(False, f"not JSON: {output[:300]!r} of {script.strip()[:80]!r}")


def session(context):
    return tempfile.TemporaryDirectory()


@check("README", "the smoke tests, in their order")
def smoke(context):
    with session(context) as home:
        shell = Shell(context, home)
        output = shell.run(CREATE + IDENTIFIER)
        created, line = output.rsplit("PID=", 1)
        expect(json.loads(created)["status"] == "completed", f"{created}")
        shell.variables["PID"] = line.strip()
        paths = {file["path"] for file in shell.json(LIST)["files"]}
        wanted = {".codex/request.json", ".codex/result.json", "README.md", "app.py", "tests/test_cli.py"}
        expect(wanted <= paths, f"missing {wanted - paths}")
        expect(shell.json(READ)["contents"], "app.py is empty")
        expect(shell.json(EDIT)["status"] == "completed", "the edit job")
        expect(shell.json(DETAIL)["workspace_path"], "no workspace_path")
        result = json.loads(shell.json('curl -sS "$BASE/api/v1/$PID/files/.codex/result.json"')["contents"])
        expect(result["status"] == "success", f"{result}")


@check("README", "the first example, and its redirect with -L")
def first_example(context):
    with session(context) as home:
        shell = Shell(context, home)
        script = FIRST.replace("http://localhost:8000", context.base)
        shell.run(script)
        expect(shell.json(script.replace("curl ", "curl -sSL "))["status"] == "completed", "with -L")


@check("README", "the examples of validation")
def validation(context):
    with session(context) as home:
        shell = Shell(context, home)
        shell.variables["PID"] = context.project
        for script in (SHORT, BLANK, BOGUS):
            answer = shell.json(script)
            expect(answer["error"] == "validation_error" and answer["message"] == "Validation failed", f"{answer}")
            expect(answer["code"] == 422, f"{answer}")
        messages = [item["msg"] for item in shell.json(BLANK)["detail"]]
        expect(any("instruction must not be empty" in message for message in messages), f"{messages}")
        expect(shell.json(VALID)["status"] == "completed", "the valid project")


@check("README", "the examples of file access")
def file_access(context):
    with session(context) as home:
        shell = Shell(context, home)
        shell.variables["PID"] = context.project
        # Without --path-as-is curl takes `..` out itself, so that another route is asked: 404.
        for path, codes, options in (
            ("app.py", (200,), ""), ("../secrets.txt", (400, 404), ""), ("../secrets.txt", (400,), "--path-as-is "),
            ("%2e%2e/secrets.txt", (400, 404), ""), ("%2e%2e/secrets.txt", (400,), "--path-as-is "),
            ("%2Fetc%2Fpasswd", (400,), ""), ("does_not_exist.txt", (404,), ""),
        ):
            line = f'curl -sS {options}-o /dev/null -w "%{{http_code}}" "$BASE/api/v1/$PID/files/{path}"'
            code = int(shell.run(line))
            expect(code in codes, f"{options}{path}: {code}")
