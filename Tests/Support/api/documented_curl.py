"""The curl sessions of the documents, as they stand there, against a running server.

  documented_curl.py --base-url URL PAGE…

Of each page every fenced block with curl is run by bash; but for `codex-sandbox serve &`, since a server runs, and with URL in the place of
the usual address. Every page has one such session: a project is made, listed, read, edited and shown. Prints `ok …` or `no …`; exit status 1 if one is no.
"""
import argparse
import json
import os
import re
import subprocess
import sys
import tempfile

SERVE, USUAL = "codex-sandbox serve &\n", "http://127.0.0.1:8000"
# Each call tells its method and status beside its answer, and a status of 400 or more ends the session.
CURLRC = 'fail-with-body\nmax-time = 120\nwrite-out = "%{stderr}called %{method} %{http_code}\\n"\n'
CALLS = ["POST 200", "GET 200", "GET 200", "POST 200", "GET 200"]
WRONG = []


def tell(holds, what, found=None):
    print(("ok " if holds else "no ") + what + ("" if holds else f": {str(found)[:800]}"), flush=True)
    if not holds:
        WRONG.append(what)


def values(text):
    """The JSON values that stand in a text one after the other."""
    decoder, found, rest = json.JSONDecoder(), [], text.strip()
    while rest:
        value, end = decoder.raw_decode(rest)
        found.append(value)
        rest = rest[end:].strip()
    return found


def play(page, block, base):
    tell(block.count(SERVE) == 1 and USUAL in block, f"{page}: the session begins with a server at the usual address", block)
    script = block.replace(SERVE, "").replace(USUAL, base)
    with tempfile.TemporaryDirectory() as home:
        with open(os.path.join(home, ".curlrc"), "w", encoding="utf-8") as file:
            file.write(CURLRC)
        run = subprocess.run(["bash", "-eu", "-o", "pipefail", "-c", script], env={"PATH": os.environ["PATH"], "HOME": home}, cwd=home,
                             stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600, check=False)
    calls = re.findall(r"^called (.*)$", run.stderr, re.M)
    tell(run.returncode == 0 and calls == CALLS, f"{page}: its five calls are answered", (run.returncode, run.stderr, run.stdout))
    try:
        answers = values(run.stdout)
        listing, file, job, project = answers[-4:]
    except ValueError as error:
        return tell(False, f"{page}: answers are shown", (error, run.stdout))
    paths = {one["path"] for one in listing.get("files", [])}
    tell({"README.md", "app.py", "tests/test_cli.py"} <= paths, f"{page}: the files are listed", listing)
    tell(file.get("path") == "app.py" and file.get("contents"), f"{page}: one is read", file)
    tell(job.get("job_type") == "edit" and job.get("status") == "completed", f"{page}: the project is edited", job)
    jobs = [(one["job_type"], one["status"]) for one in project.get("jobs", [])]
    tell(sorted(jobs) == [("edit", "completed"), ("initial_project", "completed")], f"{page}: both jobs are shown", project)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--base-url", required=True)
    parser.add_argument("pages", nargs="+")
    options = parser.parse_args()
    for path in options.pages:
        with open(path, encoding="utf-8") as file:
            blocks = re.findall(r"^```[a-z]*\n(.*?)^```$", file.read(), re.M | re.S)
        sessions = [block for block in blocks if re.search(r"\bcurl\b", block)]
        page = os.path.basename(path)
        tell(len(sessions) == 1, f"{page}: there is one session", len(sessions))
        for block in sessions:
            play(page, block, options.base_url)
    return 1 if WRONG else 0


if __name__ == "__main__":
    sys.exit(main())
