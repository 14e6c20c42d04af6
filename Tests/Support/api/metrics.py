"""What /metrics counts, against jobs that were run: launches, open sandboxes, refusals by their step, jobs by status, answers.

  metrics.py --base-url URL

The server is new, and its worker is that of hostile_worker.py. Prints `ok …` or `no …`; exit status 1 if one is no.
"""
import argparse
import json
import re
import sys
import time

from hostile_worker import ANSWER, WRONG, Server, tell

LINE = re.compile(r'codex_sandbox_(?P<name>[a-z_]+)(?:\{(?P<labels>.*)\})? (?P<value>[0-9.e+-]+)')


def scrape(server):
    """The samples by name and labels, as they stand there; every line that is none is an error."""
    status, text = server.ask("GET", "/metrics")
    if status != 200:
        raise RuntimeError(f"/metrics: {status} {text}")
    found = {}
    for line in text.decode().splitlines():
        if line.startswith("# "):
            continue
        match = LINE.fullmatch(line)
        if match is None:
            raise RuntimeError(f"no sample: {line!r}")
        key = match["name"] + ("{" + match["labels"] + "}" if match["labels"] else "")
        if key in found:
            raise RuntimeError(f"twice: {line!r}")
        found[key] = float(match["value"])
    return found


def becomes(server, wanted, seconds=120):
    """Waits until each of `wanted` says so, and returns the last look; what a job ends with comes behind its answer."""
    end = time.monotonic() + seconds
    while True:
        found = scrape(server)
        if all(found.get(name) == value for name, value in wanted.items()) or time.monotonic() > end:
            return found
        time.sleep(0.05)


def shows(server, wanted, what):
    found = becomes(server, wanted)
    seen = {name: found.get(name) for name in wanted}
    tell(seen == wanted, what, f"{seen}, not {wanted}")
    return found


def refusals(found):
    return {name: value for name, value in found.items() if name.startswith("refusals_total")}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--base-url", required=True)
    server = Server(parser.parse_args().base_url)

    def create(script):
        status, project = server.ask("POST", "/api/v1/projects/", {"instruction": script})
        if status != 200:
            raise RuntimeError(f"{status} {project}")
        return project["id"]

    def add(project, script, **headers):
        status, job = server.ask("POST", f"/api/v1/{project}/jobs", {"job_type": "edit", "instruction": script}, **headers)
        if status not in (200, 202):
            raise RuntimeError(f"{status} {job}")
        return job["id"]

    found = scrape(server)
    tell(found["launch_seconds_count"] == 0 and found["sandboxes_open"] == 0 and not refusals(found), "a new server has counted nothing", found)

    # Launches.
    project = create("true" + ANSWER)
    for _ in range(2):
        add(project, "true" + ANSWER)
    found = shows(server, {"launch_seconds_count": 3, "sandboxes_open": 0, 'jobs{status="completed"}': 3, 'jobs{status="error"}': 0},
                  "each of three jobs is one launch")
    buckets = [value for name, value in found.items() if name.startswith("launch_seconds_bucket")]
    tell(len(buckets) > 2 and buckets == sorted(buckets) and found['launch_seconds_bucket{le="+Inf"}'] == 3, "its buckets add up", buckets)
    tell(0 < found["launch_seconds_sum"] < 3 * 600, "and their time", found["launch_seconds_sum"])
    made = 'http_requests_total{method="POST",route="/api/v1/projects/",status="200"}'
    tell(found.get(made) == 1, "the answered requests are counted", {name: value for name, value in found.items() if "requests_total" in name})

    # One that runs, and one that waits for it.
    slow = add(project, "until [ -e go ]; do sleep 0.05; done" + ANSWER, Prefer="respond-async")
    later = add(project, "true" + ANSWER, Prefer="respond-async")
    shows(server, {"sandboxes_open": 1, "launch_seconds_count": 4, "jobs_waiting": 1, 'jobs{status="in_progress"}': 1,
                   'jobs{status="queued"}': 1}, "a job that runs is an open sandbox, and one waits")
    status, _ = server.ask("PUT", f"/api/v1/{project}/raw/go", "now")
    tell(status in (200, 201, 204), "it is told to go on", status)
    shows(server, {"sandboxes_open": 0, "launch_seconds_count": 5, "jobs_waiting": 0, 'jobs{status="in_progress"}': 0,
                   'jobs{status="queued"}': 0, 'jobs{status="completed"}': 5}, "and behind them none is open")
    for job in (slow, later):
        _, ended = server.ask("GET", f"/api/v1/{project}/jobs/{job}")
        tell(ended["status"] == "completed", "both have ended well", ended)

    # One that is refused: what its first job has planted leads git elsewhere.
    project = create("mkdir .git; echo ../x > .git/commondir" + ANSWER)
    for count in (1, 2):
        job = add(project, "true" + ANSWER)
        _, ended = server.ask("GET", f"/api/v1/{project}/jobs/{job}")
        tell(ended["reason"] == "refused", "a launch is refused", ended)
        _, records = server.ask("GET", f"/api/v1/{project}/evidence")
        refusal = json.loads(records.splitlines()[-1])["predicate"]["outcome"]["refusal"]
        step = refusal["step"] or refusal["stage"]
        wanted = {f'refusals_total{{step="{step}"}}': count, "launch_seconds_count": 6, "sandboxes_open": 0, 'jobs{status="error"}': count}
        found = shows(server, wanted, "a refusal is counted with the step of its record, and as no launch")
        tell(sum(refusals(found).values()) == count, "and with no other", refusals(found))
    return 1 if WRONG else 0


if __name__ == "__main__":
    sys.exit(main())
