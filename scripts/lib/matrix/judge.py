#!/usr/bin/env python3
"""Judges what a row of scripts/matrix has left, and writes the table.

  judge.py row FOLDER NAME runs|runs-container|refuses WORDS      exit status 1 unless everything agrees
  judge.py table ROWS RESULTS DOCUMENT             rewrites DOCUMENT between its markers
"""
import json
import os
import sys

BEGIN, END = "<!-- matrix: begin -->", "<!-- matrix: end -->"
SCREEN = 50


class Row:
    def __init__(self, folder):
        self.folder = os.path.join(folder, "out")

    def text(self, name):
        try:
            with open(os.path.join(self.folder, name), encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def status(self, name):
        text = self.text(name + ".status").strip()
        return int(text) if text else None

    def json(self, name):
        text = self.text(name)
        try:
            return json.loads(text) if text.strip() else None
        except ValueError:
            return None

    def cores(self):
        return [line.split("\t") for line in self.text("core-kinds").splitlines()]


def problems(row, expected, words):
    """What does not agree with a row that `expected` says; empty when all does."""
    found = []

    def holds(words, condition):
        if not condition:
            found.append(words)

    doctor = row.text("doctor")
    holds("doctor is not longer than a screen", 0 < len(doctor.splitlines()) <= SCREEN)
    holds(f"doctor says: {words}", words == "-" or words in doctor)
    report, run, required = row.json("doctor.json"), row.json("run.json"), row.json("required.json")
    verify, job = row.json("verify"), row.json("job")
    holds("doctor --json, run --result, verify --json and the job's answer can be read", report and run and verify and job)
    if not (report and run and verify and job):
        return found
    project = job["project"]
    outcome = str(project.get("status"))
    holds("the records verify", row.status("evidence-verify") == 0)
    why = json.dumps(job["why"])
    if expected == "refuses":
        holds("the server says that it is not ready, and why", job["ready"] == 503 and "every job would be refused" in why)
    else:
        holds("the server says that it is ready", job["ready"] == 200)
    policies = {policy["name"]: policy for policy in job["policies"]["policies"]}
    own = [policy for policy in policies.values() if policy["default"]]
    holds("the API lists one policy as the server's own", len(own) == 1)
    holds("the API says what the profiles landlock-only and container do not hold",
          policies["container"]["not_held"] and policies["danger-full-access"]["not_held"] == ["everything"])
    holds("serve ends with status 0", row.status("serve") == 0)
    if expected != "refuses":
        if expected == "runs":
            holds("doctor says yes", row.status("doctor") == 0 and doctor.startswith("run works here: yes") and report["works"])
            given = ()
        else:
            holds("doctor says no", row.status("doctor") == 1 and doctor.startswith("run works here: no") and not report["works"])
            promises = not_held(run)
            holds("plan, result, warning, record, server and API say what is not held",
                  bool(promises) and own[0]["not_held"] == promises and
                  all(word in row.text(text) for word in promises for text in ("explain", "run.err", "evidence", "serve")))
            given = ("not held",)
        holds("run runs", row.status("run") == 0 and row.text("run") == "inside\n" and row.text("ran") == "yes\n")
        holds("every layer is enforced, or degraded by name",
              set(run["enforcement"].values()) <= {"enforced", "degraded", "watched"} and
              all(run["missing"].get(layer) or layer == "memory" for layer, state in run["enforcement"].items() if state != "enforced"))
        holds("verify holds", row.status("verify") == 0 and verify["holds"])
        holds("verify tries every act", all(act["verdict"] in ("held", "no control", *given) for act in verify["acts"]))
        holds("the job of the API is completed", outcome == "completed")
        memory = next(check for check in report["checks"] if check["name"] == "memory")
        kernel = memory["detail"].startswith("held by the kernel")
        # Where the caller's group is not its to divide, `run` asks the user's manager for a scope: then the kernel holds it, too.
        cgroups = next(check for check in report["checks"] if check["name"] == "cgroups")["detail"]
        can = kernel or ("systemd has not delegated" in cgroups and row.text("user-manager").strip() != "")
        held = bool(required) and required.get("enforcement", {}).get("memory") == "enforced" and "cgroup" in required.get("usage", {})
        holds("required = \"kernel\" runs where the kernel can hold memory, and then it does",
              row.status("required") == 0 and held if can else row.status("required") == 125 and required["outcome"] == "refused")
    else:
        holds("doctor says no", row.status("doctor") == 1 and doctor.startswith("run works here: no") and not report["works"])
        holds("something is missing, with its remedy", any(check["state"] == "missing" and check["remedy"] for check in report["checks"]))
        holds("run refuses with 125", row.status("run") == 125 and row.text("run") == "")
        holds("nothing ran", row.text("ran") == "")
        refusal = run.get("refusal") or {}
        holds("the result names the step", run["outcome"] == "refused" and bool(refusal.get("stage")) and bool(refusal.get("remedy")))
        holds("so does the record", row.status("evidence") == 0 and "refused" in row.text("evidence") and refusal.get("stage", "?") in row.text("evidence"))
        holds("standard error names it", "remedy" in row.text("run.err"))
        holds("verify does not hold", row.status("verify") == 1 and not verify["holds"])
        holds("no act of verify came to be tried inside", all(act["verdict"] in ("not tried", "no control") for act in verify["acts"]))
        holds("the job of the API is refused", outcome == "error" and "refused" in str(project.get("summary")))
        holds("and wrote nothing", not project.get("files"))
        holds("required = \"kernel\" is refused too", row.status("required") == 125)
    if os.path.exists(os.path.join(row.folder, "control.status")):
        holds("the control: without our profile AppArmor's refuses", row.status("control") == 125 and "new namespaces (clone)" in row.text("control"))
        holds("jobs run under our profile", row.text("apparmor").startswith("codex-sandbox "))
    found += weaker_problems(row, report)
    for kind, control, crashed, limited in (line for line in row.cores() if line[1] != "unknown"):
        holds(f"core_pattern {kind}: the control leaves a core", control != "control:")
        # A limit of 1 stops a program, 0 does not, and nothing stops a socket: then the job is refused.
        holds(f"core_pattern {kind}: a job that crashes ends as it should, or is refused, and leaves none",
              crashed == ("125:" if kind.startswith("@") else "139:"))
        holds(f"core_pattern {kind}: the same with a hard limit of 0",
              limited == ("125:" if kind.startswith(("|", "@")) else "139:"))
    # The guest writes it wherever such a job was refused.
    if os.path.exists(os.path.join(row.folder, "crash.doctor")):
        said = row.text("crash.doctor")
        holds("doctor says why that job is refused", "hard core limit is 0" in said or "core dumps to a socket" in said)
    return found


def weaker_problems(row, report):
    """What does not agree where the profile landlock-only was asked for: it runs, and says what it does not hold, wherever Landlock is."""
    if row.status("weaker") is None:
        return ["landlock-only was not tried"]
    found, seen = [], row.json("weaker.json") or {}
    if any(check["name"] == "landlock" and check["state"] == "missing" for check in report["checks"]):
        if row.status("weaker") != 125 or row.text("weaker") or row.text("weaker-ran"):
            found.append("landlock-only refuses with 125 without Landlock, and nothing ran")
        if seen.get("outcome") != "refused" or "refused" not in row.text("weaker-evidence"):
            found.append("landlock-only: result and record name the refusal")
        return found
    if row.status("weaker") != 0 or row.text("weaker") != "inside\n" or row.text("weaker-ran") != "yes\n":
        found.append(f"landlock-only runs: status {row.status('weaker')}, {row.text('weaker.err')[-200:]!r}")
    promises = not_held(seen)
    if not promises or not all(word in row.text("weaker.err") and word in row.text("weaker-evidence") for word in promises):
        found.append("landlock-only: result, warning and record say what is not held")
    return found


def not_held(result):
    """The promises that a result says are not held; the list stands where the plan's words are."""
    if isinstance(result, dict):
        if isinstance(result.get("notHeld"), list):
            return [entry["promise"] for entry in result["notHeld"]]
        result = list(result.values())
    return next((words for words in map(not_held, result) if words), []) if isinstance(result, list) else []


def weaker_cell(row):
    if row.status("weaker") is None:
        return "not looked at"
    if row.status("weaker") == 125:
        return "refused (125)"
    return f"runs, {len(not_held(row.json('weaker.json') or {}))} promises not held"


def cell(row):
    report, run, verify, job = (row.json(name) for name in ("doctor.json", "run.json", "verify", "job"))
    if not (report and run and verify and job):
        return None
    host = row.text("host").splitlines()
    missing = [check["name"] for check in report["checks"] if check["state"] == "missing"]
    remedy = next((check["remedy"] for check in report["checks"] if check["state"] == "missing"), "")
    if run["outcome"] == "refused":
        refusal = run["refusal"]
        step = " ".join(part for part in (refusal["stage"], refusal["step"], refusal["subject"]) if part)
        ran = f"refused (125) at `{step}`"
    else:
        degraded = [layer for layer, state in sorted(run["enforcement"].items()) if state != "enforced"]
        ran = ("runs, weaker" if not_held(run) else "runs") + (f"; {', '.join(degraded)} {'/'.join(sorted({run['enforcement'][x] for x in degraded}))}" if degraded else "")
    acts = verify["acts"]
    held = sum(act["verdict"] == "held" for act in acts)
    checked = f"holds, {held} of {len(acts)} acts" if verify["holds"] else f"does not hold: {sum(a['verdict'] == 'not tried' for a in acts)} not tried"
    memory = next(check["detail"] for check in report["checks"] if check["name"] == "memory").split(":")[0]
    kernel = "runs" if row.status("required") == 0 else "refused"
    said = "yes" if report["works"] else f"no: {', '.join(missing)}. `{remedy}`".replace("|", "\\|")
    job_said = str(job["project"]["status"]) + (" (refused)" if "refused" in str(job["project"].get("summary")) else "")
    return [host[0], host[1], row.text("landlock").strip().replace("ENOTSUP", "EOPNOTSUPP"), said, ran, job_said, checked, f"{memory}; {kernel}",
            weaker_cell(row)]


def table(rows, results, document):
    lines = ["| row | kernel | systemd | Landlock | `doctor` | `run` | job of `serve` | `verify` | memory; `required = \"kernel\"` | `--policy landlock-only` |",
             "|---|---|---|---|---|---|---|---|---|---|"]
    cores = []
    with open(rows, encoding="utf-8") as file:
        for line in file:
            if line.startswith("#"):
                continue
            name, _, _, _, expected, words = line.rstrip("\n").split("\t")
            row = Row(os.path.join(results, name))
            cells = cell(row)
            bad = problems(row, expected, words)
            lines.append(f"| {name} | " + (" | ".join(cells) if cells else "not run" + " |" * 8) + " |" + (" **does not agree**" if cells and bad else ""))
            for kind, *seen in row.cores():
                if seen[0] != "unknown":
                    cores.append((kind, name, seen))
    lines += ["", "| `core_pattern` | the same crash outside | the job's crash | with a hard limit of 0 | rows |", "|---|---|---|---|---|"]
    grouped = {}
    for kind, name, (control, crashed, limited) in cores:
        def words(seen):
            status, left = seen.split(":", 1)
            return ("refused (125)" if status == "125" else f"status {status}") + (f", leaves {left}" if left else ", nothing left")
        key = (kind.replace("|", "\\|"), "leaves a core" if control != "control:" else "leaves nothing", words(crashed), words(limited))
        grouped.setdefault(key, []).append(name)
    for key, names in grouped.items():
        lines.append("| `" + key[0] + "` | " + " | ".join(key[1:]) + f" | {len(names)} |")
    with open(document, encoding="utf-8") as file:
        text = file.read()
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    with open(document, "w", encoding="utf-8") as file:
        file.write(before + BEGIN + "\n" + "\n".join(lines) + "\n" + END + after)


def main():
    if sys.argv[1] == "table":
        table(*sys.argv[2:5])
        return 0
    folder, name, expected, words = sys.argv[2:6]
    found = problems(Row(folder), expected, words)
    print(f"   {'NOT OK' if found else 'ok':8}{name}: {expected}")
    for problem in found:
        print(f"            does not hold: {problem}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
