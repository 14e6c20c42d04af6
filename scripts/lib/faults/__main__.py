"""Lets every system call of a launch fail, one at a time, and looks at what happens.

Each call that the launcher makes between its start and the worker's execve, in each process, each time it is made, fails
once with EPERM, ENOSYS, ENOMEM and EINTR. Each call that installs a layer (docs/faults.md has the list, which has to agree
with what launches do) succeeds once without effect: it is not made, and answers as if it had been; a clone(2) with
namespaces makes each of them once not. Right is: the worker never runs and the status says so, or it runs with not one
property weaker (Tests/Programs/probe says what it has). Wrong is anything else: a weaker worker, a hang, status 0 without
a run, something left behind, a terminal with other modes. Exit status: 0 if nothing is wrong, 1 if something is, 2 for a
wrong argument.

Four kinds of launches: plain, one at a terminal, one of a project with a policy of its own, and, of an ordinary user, one in the
weaker profile landlock-only, whose properties are those of its own clean launches.
The calls of a clean launch are traced twice, by strace -f and by scripts/lib/inject-fault.c, and must agree.
"""
import argparse
import collections
import concurrent.futures
import dataclasses
import errno
import json
import os
import queue
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

import project

from . import judge, launchers, layers, points, slot, tools

KINDS = ("plain", "terminal", "project", "landlock-only")
NOT_FOR_ROOT = ("landlock-only",)
SUCCESS = "SUCCESS"  # not an errno: the call answers as if it had been made


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/fault-suite", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--launcher", choices=["codex-sandbox", "bwrap"], default="codex-sandbox")
    parser.add_argument("--as", dest="legs", choices=["user", "root", "both"],
                        help="who launches (default: both when root, else user)")
    parser.add_argument("--errors", default="EPERM,ENOSYS,ENOMEM,EINTR,SUCCESS",
                        help="comma-separated errno names, and SUCCESS for success without effect (default: %(default)s)")
    parser.add_argument("--kinds", default=None, help=f"comma-separated kinds of launches (default: {','.join(KINDS)})")
    parser.add_argument("--cold", action="store_true", help="launches that find no compiled policy and have to make it")
    parser.add_argument("--sample", type=int, metavar="N", help="only N cases of each leg, chosen at random")
    parser.add_argument("--seed", type=int, help="of the choice; one is made up, and said, if none is given")
    parser.add_argument("--table", action="store_true",
                        help="no faults: only whether docs/faults.md has every call of these launches, and no other")
    parser.add_argument("--only", metavar="REGEX", help="only points whose PROCESS:CALL:N matches")
    parser.add_argument("--jobs", type=int, default=2, help="launches at a time (default 2)")
    parser.add_argument("--limit", type=float, default=60, metavar="SECONDS", help="a launch still there then hangs")
    parser.add_argument("--json", metavar="FILE", help="write every case and the totals as JSON")
    parser.add_argument("--resume", metavar="FILE", help="keep results here and take up an interrupted run")
    parser.add_argument("--control", action="store_true",
                        help="show that the suite can fail: bubblewrap must give weaker workers and a hang under EPERM, and "
                             "weaker workers where a call succeeds without effect; exit status 0 if it does")
    options = parser.parse_args()
    if options.control:
        options.launcher, options.errors, options.legs = "bwrap", "EPERM,SUCCESS", "user"
        options.limit = min(options.limit, 6)
    options.errors = options.errors.split(",")
    unknown = [name for name in options.errors if name != SUCCESS and not hasattr(errno, name)]
    if unknown:
        parser.error(f"not the name of an errno: {', '.join(unknown)}")
    options.kinds = (options.kinds or (",".join(KINDS) if options.launcher == "codex-sandbox" else "plain")).split(",")
    if not set(options.kinds) <= set(KINDS):
        parser.error(f"kinds of launches are {', '.join(KINDS)}")
    if options.sample is not None and options.seed is None:
        options.seed = random.randrange(1 << 32)
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


def make_slot(base, number, leg, kind, owner, built, options):
    """A slot whose launcher is root or the ordinary user; the workspace always belongs to the latter."""
    if kind in NOT_FOR_ROOT and os.getuid() == 0:
        # What it leaves in /tmp is known by its owner: one of its own, whom nobody else's launches have.
        owner += 1 + number
    uid = 0 if leg == "root" else owner
    return slot.Slot(base, f"-{leg}-{kind}-{number}", uid, owner, built, kind, options.cold)


def clean_launches(launcher, place, options):
    """The probe's properties in a clean launch, three times the same, and what is there afterwards."""
    seen = []
    # A limit that is to find hangs soon is not for these: a busy machine is slow.
    limit = max(options.limit, 60)
    for _ in range(3):
        command = [place.tools.injector, "--worker", place.worker, "--report", place.report, "--soil", "--limit",
                   str(limit), "--", *launcher.command(place, place.worker_command())]
        status = place.run(command, limit + 40)
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


@dataclasses.dataclass(frozen=True)
class Case:
    """One fault at one point of one kind of launch."""

    kind: str
    point: points.Point
    fault: str  # as people read it
    argument: str  # as inject-fault reads it

    @property
    def key(self):
        return f"{self.kind} {self.point.key} {self.fault}"


def faults_at(kind, point, errors):
    """The cases of one point."""
    cases = [Case(kind, point, name, str(getattr(errno, name))) for name in errors if name != SUCCESS]
    if SUCCESS in errors and point.word in layers.installing():
        wanted = layers.namespaces(point.text) if point.name in ("clone", "clone3", "unshare") else []
        cases += [Case(kind, point, f"{SUCCESS}-but-{name}", f"~{layers.NAMESPACES[name]:x}") for name in wanted]
        cases.append(Case(kind, point, SUCCESS, "yes"))
    return cases


def one_case(launcher, place, clean, case, options):
    point = case.point
    command = [place.tools.injector, "--worker", place.worker, "--report", place.report, "--soil", "--limit",
               str(options.limit), "--at", f"{point.process}:{point.number}:{point.occurrence}:{case.argument}", "--",
               *launcher.command(place, place.worker_command())]
    for _ in range(10):
        status = place.run(command, options.limit + 40)
        verdict = judge.judge(launcher, point, clean[0], clean[1], place, status, case.fault.startswith(SUCCESS))
        if verdict.word != "not reached":
            break
    return verdict


class Leg:
    """All launches of one kind of user: the places of each kind, and what a clean launch in each of them is like."""

    def __init__(self, leg, launcher, base, owner, built, options):
        self.leg, self.launcher, self.options = leg, launcher, options
        self.places, self.clean, self.found = {}, {}, {}
        try:
            for kind in options.kinds:
                if leg == "root" and kind in NOT_FOR_ROOT:
                    continue
                self.places[kind] = [make_slot(base, number, leg, kind, owner, built, options)
                                     for number in range(1 if options.table else options.jobs)]
                self.found[kind] = self._trace(kind)
        except BaseException:
            self.close()
            raise

    def close(self):
        for place in [place for places in self.places.values() for place in places]:
            place.close()

    def _trace(self, kind):
        found = points.trace(self.places[kind][0], self.launcher)
        if not self.options.table:
            self.clean.update({place: clean_launches(self.launcher, place, self.options) for place in self.places[kind]})
        processes = collections.Counter(point.process for point in found)
        print(f"{self.leg}, {kind}: {len(found)} calls before the worker, by process {dict(processes)}, "
              f"{sum(point.before_main for point in found)} of them before main"
              + ("" if self.options.table else f"; {len(self.clean[self.places[kind][0]][0])} properties"), flush=True)
        return found

    def words(self):
        """How the page names the calls that were seen; those that only one of the two observers saw have no text."""
        return {point.word for found in self.found.values() for point in found if not point.text.endswith("(…)")}

    def cases(self):
        """All of them and none to spare, or a sample and what can take a place in it; those of one kind together, so that the launches of a kind stay warm."""
        everything = [case for kind, found in self.found.items() for point in found
                      for case in faults_at(kind, point, self.options.errors)
                      if self.options.only is None or re.search(self.options.only, case.key)]
        if self.options.sample is None or self.options.sample >= len(everything):
            return everything, []
        order = random.Random(self.options.seed).sample(range(len(everything)), len(everything))
        chosen, spare = order[:self.options.sample], order[self.options.sample:]
        return [everything[index] for index in sorted(chosen)], [everything[index] for index in spare]

    def run(self, journal):
        """The results of all cases."""
        cases, spare = self.cases()
        results = self._run(cases, journal)
        # On a busy machine the traced launch has waited more often than the others: such points take no place from those that can be
        # shown. More than a fifth of them would be another fault.
        replaced = 0
        while spare:
            missed = [result for result in results if result["verdict"] == "not reached"]
            if not missed or replaced + len(missed) > len(cases) // 5:
                break
            replaced += len(missed)
            more, spare = spare[:len(missed)], spare[len(missed):]
            results = [result for result in results if result["verdict"] != "not reached"] + self._run(more, journal)
        if replaced:
            print(f"{self.leg}: {replaced} points were not reached by ten launches, others took their places")
        return results

    def _run(self, cases, journal):
        results = []
        free = {kind: queue.Queue() for kind in self.places}
        for kind, places in self.places.items():
            for place in places:
                free[kind].put(place)

        def work(case):
            key = f"{self.leg} {case.key}"
            if key in journal.known:
                return journal.known[key]
            place = free[case.kind].get()
            try:
                verdict = one_case(self.launcher, place, self.clean[place], case, self.options)
            finally:
                free[case.kind].put(place)
            result = {"case": key, "verdict": verdict.word, "good": verdict.good, "status": verdict.status,
                      "detail": verdict.detail, "message": verdict.message, "call": case.point.text,
                      "word": case.point.word, "before_main": case.point.before_main}
            journal.add(result)
            return result

        with concurrent.futures.ThreadPoolExecutor(self.options.jobs) as pool:
            for result in pool.map(work, cases):
                results.append(result)
                if len(results) % 250 == 0:
                    print(f"  {len(results)} of {len(cases)}", flush=True)
                if not result["good"] and not self.options.control:
                    print(f"  {result['case']}: {result['verdict'].upper()}: {result['detail']}\n"
                          f"      {result['call']}", flush=True)
        return results


def summary(results):
    """Counts by leg, errno and verdict."""
    totals = collections.defaultdict(collections.Counter)
    for result in results:
        leg, kind, _, name = result["case"].split(" ")
        totals[leg, kind, name.partition("-")[0]][result["verdict"]] += 1
    print(f"\n{'leg':6}{'kind':15}{'fault':9}{'cases':>7}  verdicts")
    for (leg, kind, name), counts in sorted(totals.items()):
        words = ", ".join(f"{count} {word}" for word, count in counts.most_common())
        print(f"{leg:6}{kind:15}{name:9}{sum(counts.values()):7}  {words}")
    return {" ".join(key): dict(counts) for key, counts in totals.items()}


def conclusion(options, results):
    """The exit status, with the last line said."""
    bad = [result for result in results if not result["good"]]
    missed = [result for result in results if result["verdict"] == "not reached"]
    if options.control:
        words = {name: {result["verdict"] for result in bad if (SUCCESS in result["case"]) == (name == SUCCESS)}
                 for name in options.errors}
        shown = {"weaker", "hang"} <= words["EPERM"] and "weaker" in words[SUCCESS]
        print(f"control: {'the suite finds' if shown else 'the suite does NOT find'} weaker workers under both, and hangs, "
              f"in {options.launcher}: " + "; ".join(f"{name} {sorted(found)}" for name, found in words.items()))
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


def compare_with_page(words):
    """The exit status: whether docs/faults.md says of every call that was seen what it installs, and of no other."""
    wrong = layers.disagreements(words)
    for line in wrong:
        print(f"docs/faults.md: {line}")
    print(f"{len(words)} different calls, {len(layers.installing())} of them install a layer: "
          f"{'the page agrees' if not wrong else f'{len(wrong)} disagreements'}")
    return 1 if wrong else 0


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
        results, words = [], set()
        if options.sample is not None:
            print(f"--seed {options.seed}", flush=True)
        for name in ["user", "root"] if options.legs == "both" else [options.legs]:
            leg = Leg(name, launcher, base, owner, built, options)
            try:
                words |= leg.words()
                results += [] if options.table else leg.run(journal)
            finally:
                leg.close()
        if options.table:
            return compare_with_page(words)
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
