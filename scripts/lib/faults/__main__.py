"""Lets every system call of a launch fail, one at a time, and looks at what happens.

Each call that the launcher makes between its start and the worker's execve, in each process, each time it is made, fails
once with EPERM and once with ENOSYS. Right is: the worker never runs and the status says so, or it runs with not one
property weaker (Tests/Programs/probe says what it has). Wrong is anything else: a weaker worker, a hang, status 0 without
a run, something left behind. Exit status: 0 if nothing is wrong, 1 if something is, 2 for a wrong argument.

The calls of a clean launch are traced twice, by strace -f and by scripts/lib/inject-fault.c, and must agree.
"""
import argparse
import collections
import concurrent.futures
import errno
import json
import os
import queue
import re
import shutil
import subprocess
import sys
import tempfile
import time

import project

from . import judge, launchers, points, slot, tools


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/fault-suite", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--launcher", choices=["codex-sandbox", "bwrap"], default="codex-sandbox")
    parser.add_argument("--as", dest="legs", choices=["user", "root", "both"],
                        help="who launches (default: both when root, else user)")
    parser.add_argument("--errors", default="EPERM,ENOSYS", help="comma-separated errno names")
    parser.add_argument("--cold", action="store_true", help="launches that find no compiled policy and have to make it")
    parser.add_argument("--sample", type=int, metavar="N", help="only N cases of each leg, evenly spread")
    parser.add_argument("--only", metavar="REGEX", help="only points whose PROCESS:CALL:N matches")
    parser.add_argument("--jobs", type=int, default=2, help="launches at a time (default 2)")
    parser.add_argument("--limit", type=float, default=20, metavar="SECONDS", help="a launch still there then hangs")
    parser.add_argument("--json", metavar="FILE", help="write every case and the totals as JSON")
    parser.add_argument("--resume", metavar="FILE", help="keep results here and take up an interrupted run")
    parser.add_argument("--control", action="store_true",
                        help="show that the suite can fail: bubblewrap under EPERM must give weaker workers and a hang; "
                             "exit status 0 if it does")
    options = parser.parse_args()
    if options.control:
        options.launcher, options.errors, options.legs = "bwrap", "EPERM", "user"
        options.limit = min(options.limit, 3)
    unknown = [name for name in options.errors.split(",") if not hasattr(errno, name)]
    if unknown:
        parser.error(f"not the name of an errno: {', '.join(unknown)}")
    if options.legs is None:
        options.legs = "both" if os.getuid() == 0 else "user"
    if options.legs != "user" and os.getuid() != 0:
        parser.error("--as root and --as both need root")
    return options


class Journal:
    """Results by case, kept in a file if one is given; another build or another launch invalidates it."""

    def __init__(self, path):
        self.path, self.known = path, {}

    def open(self, identity):
        if self.path is None:
            return
        lines = []
        if os.path.exists(self.path):
            with open(self.path, encoding="utf-8") as file:
                lines = [json.loads(line) for line in file if line.endswith("\n")]
        if lines and lines[0] == identity:
            self.known = {line["case"]: line for line in lines[1:]}
        else:
            with open(self.path, "w", encoding="utf-8") as file:
                file.write(json.dumps(identity) + "\n")

    def add(self, result):
        if self.path is not None:
            with open(self.path, "a", encoding="utf-8") as file:
                file.write(json.dumps(result) + "\n")


def make_slot(base, number, leg, owner, built, options):
    """A slot whose launcher is root or the ordinary user; the workspace always belongs to the latter."""
    uid = 0 if leg == "root" else owner
    return slot.Slot(base, f"-{leg}-{number}", uid, owner, built, options.cold)


def clean_launches(launcher, place, options):
    """The probe's properties in a clean launch, three times the same, and what is there afterwards."""
    seen = []
    for _ in range(3):
        command = [place.tools.injector, "--worker", place.worker, "--report", place.report, "--soil", "--limit",
                   str(options.limit), "--", *launcher.command(place, place.worker_command())]
        status = place.run(command, options.limit + 10)
        report = place.read_report() if status == 0 else None
        found = judge.properties(place.output())
        if report is None or report["status"] != 0 or not report["released"] or report["left"] or found is None:
            raise RuntimeError(f"a clean launch fails: {report} {place.errors()}")
        seen.append(found)
    for other in seen[1:]:
        bad, _ = judge.differences(seen[0], other)
        if bad:
            raise RuntimeError(f"clean launches differ, so nothing can be compared: {bad[:5]}")
    return seen[0], place.snapshot()


def one_case(launcher, place, clean, point, error, options):
    command = [place.tools.injector, "--worker", place.worker, "--report", place.report, "--soil", "--limit",
               str(options.limit), "--at", f"{point.process}:{point.number}:{point.occurrence}:{error}", "--",
               *launcher.command(place, place.worker_command())]
    for _ in range(3):
        status = place.run(command, options.limit + 10)
        verdict = judge.judge(launcher, point, clean[0], clean[1], place, status)
        if verdict.word != "not reached":
            break
    return verdict


def run_leg(leg, launcher, base, owner, built, options, journal, identity):
    """All cases of one leg; returns their results."""
    places = [make_slot(base, number, leg, owner, built, options) for number in range(options.jobs)]
    try:
        found = points.trace(places[0], launcher)
        clean = {place: clean_launches(launcher, place, options) for place in places}
        processes = collections.Counter(point.process for point in found)
        print(f"{leg}: {len(found)} calls before the worker, by process {dict(processes)}, "
              f"{sum(point.before_main for point in found)} of them before main; "
              f"{len(clean[places[0]][0])} properties", flush=True)
        if not journal.known:
            journal.open(identity)
        cases = [(point, name) for point in found for name in options.errors.split(",")
                 if options.only is None or re.search(options.only, point.key)]
        if options.sample is not None and options.sample < len(cases):
            cases = [cases[index * len(cases) // options.sample] for index in range(options.sample)]
        free = queue.Queue()
        for place in places:
            free.put(place)

        def work(case):
            point, name = case
            key = f"{leg} {point.key} {name}"
            if key in journal.known:
                return journal.known[key]
            place = free.get()
            try:
                verdict = one_case(launcher, place, clean[place], point, getattr(errno, name), options)
            finally:
                free.put(place)
            result = {"case": key, "verdict": verdict.word, "good": verdict.good, "status": verdict.status,
                      "detail": verdict.detail, "message": verdict.message, "call": point.text,
                      "before_main": point.before_main}
            journal.add(result)
            return result

        results = []
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            for result in pool.map(work, cases):
                results.append(result)
                if len(results) % 250 == 0:
                    print(f"  {len(results)} of {len(cases)}", flush=True)
                if not result["good"] and not options.control:
                    print(f"  {result['case']}: {result['verdict'].upper()}: {result['detail']}\n"
                          f"      {result['call']}", flush=True)
        return results
    finally:
        for place in places:
            place.close()


def summary(results):
    """Counts by leg, errno and verdict."""
    totals = collections.defaultdict(collections.Counter)
    for result in results:
        leg, _, name = result["case"].split(" ")
        totals[leg, name][result["verdict"]] += 1
    print(f"\n{'leg':6}{'errno':9}{'cases':>7}  verdicts")
    for (leg, name), counts in sorted(totals.items()):
        words = ", ".join(f"{count} {word}" for word, count in counts.most_common())
        print(f"{leg:6}{name:9}{sum(counts.values()):7}  {words}")
    return {f"{leg} {name}": dict(counts) for (leg, name), counts in totals.items()}


def conclusion(options, results):
    """The exit status, with the last line said."""
    bad = [result for result in results if not result["good"]]
    missed = [result for result in results if result["verdict"] == "not reached"]
    if options.control:
        words = {result["verdict"] for result in bad}
        shown = {"weaker", "hang"} <= words
        print(f"control: {'the suite finds' if shown else 'the suite does NOT find'} weaker workers and hangs "
              f"in {options.launcher}: {sorted(words)}")
        return 0 if shown else 1
    if not results:
        print("no case was selected: nothing is shown")
        return 1
    # A point that three launches did not reach is a launch that varies; a few are poll(2) and the like.
    if len(missed) * 50 > len(results):
        print(f"{len(missed)} of {len(results)} points were not reached: this run shows too little")
        return 1
    print(f"{len(results) - len(bad)} passed, {len(bad)} failed")
    return 1 if bad else 0


def main():
    options = arguments()
    started = time.monotonic()
    # Not below /tmp: bubblewrap's own tmpfs would hide it there.
    base = tempfile.mkdtemp(prefix="codex-sandbox-fault-suite.", dir="/var/tmp")
    os.chmod(base, 0o755)
    try:
        built = tools.build(base)
        if options.launcher == "bwrap":
            launcher = launchers.Bubblewrap("/usr/bin/bwrap")
        else:
            launcher = launchers.CodexSandbox(project.copy_executables(base))
        owner = project.unprivileged_id() if os.getuid() == 0 else os.getuid()
        digest = subprocess.run(["sha256sum", launcher.executable, built.probe, built.injector], check=True, text=True,
                                stdout=subprocess.PIPE).stdout.split()[::2]
        identity = {"executables": digest, "limit": options.limit, "cold": options.cold}
        journal = Journal(options.resume and project.caller_path(options.resume))
        journal.open(identity)
        results = []
        for leg in ["user", "root"] if options.legs == "both" else [options.legs]:
            results += run_leg(leg, launcher, base, owner, built, options, journal, identity)
        totals = summary(results)
        if options.json:
            with open(project.caller_path(options.json), "w", encoding="utf-8") as file:
                json.dump({"launcher": options.launcher, "totals": totals, "cases": results}, file, indent=1)
        print(f"{time.monotonic() - started:.0f} s")
        return conclusion(options, results)
    finally:
        shutil.rmtree(base)


if __name__ == "__main__":
    sys.exit(main())
