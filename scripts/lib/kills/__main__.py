"""Kills the launcher, or pid 1 of the place, at random moments of a launch, and looks at what is left.

For each moment: a launch of a worker that does not end by itself, plain, at a terminal, or, of an ordinary user, in the weaker profile
landlock-only; SIGKILL after some microseconds (from none to about what a launch needs to start its worker, which is found as it goes)
to the launcher, or to pid 1 (the keeper in the weaker profile) as soon as it is there by then. Right is, each time:
  no process of the launch is there a second later (one that is only late gets the same moment again, twice at most: a machine that
  stands still shows nothing; more than a tenth of the moments is wrong); where pid 1 was killed, the launcher has ended, and not with 0;
  the host's mount table is as before; the terminal has the modes that it had;
  the next launch in that workspace runs and says nothing (but what is not held), and afterwards nothing is in the workspace that
  was not before, and of the weaker profile no folder of a launch in /tmp;
  `evidence verify` holds: half a line of a launcher that was killed while it wrote it is told, and is no problem.
The suite is first shown to see a process that stays, a mount, a terminal in other modes, and a file that stays.
Exit status: 0 if nothing is wrong, 1 if something is, 2 for a wrong argument.
"""
import argparse
import collections
import ctypes
import fcntl
import json
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time

import project

from faults import slot, tools

PR_SET_CHILD_SUBREAPER = 36
VICTIMS = ("launcher", "pid 1")
KINDS = ("plain", "terminal", "landlock-only")
NOT_FOR_ROOT = ("landlock-only",)
KEEPER = "codex-keeper"
WARNING = "codex-sandbox: WARNING: weaker profile landlock-only: "
PATIENCE = 1.0  # seconds until the last process must be gone
WAIT = 20.0  # how long one that is late is waited for
TRIES = 3  # of a moment at which it was late


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/kill-suite", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("moments", type=int, nargs="?", default=40, help="for each kind of user (default 40)")
    parser.add_argument("--as", dest="legs", choices=["user", "root", "both"], help="who launches (default: both when root)")
    parser.add_argument("--seed", type=int, help="of the moments; one is made up, and said, if none is given")
    options = parser.parse_args()
    if options.legs is None:
        options.legs = "both" if os.getuid() == 0 else "user"
    if options.legs != "user" and os.getuid() != 0:
        parser.error("--as root and --as both need root")
    if options.moments < 1:
        parser.error("at least one moment")
    if options.seed is None:
        options.seed = random.randrange(1 << 32)
    return options


def descendants(pid):
    """Numbers of all processes below `pid`, in no order."""
    found, todo = [], [pid]
    while todo:
        parent = todo.pop()
        try:
            with open(f"/proc/{parent}/task/{parent}/children", encoding="ascii") as file:
                children = [int(word) for word in file.read().split()]
        except OSError:
            continue  # it has gone
        found += children
        todo += children
    return found


def first_process(pid, kind):
    """pid 1 of a place below `pid`, by its number outside, or the keeper; None while there is none."""
    for child in descendants(pid):
        try:
            with open(f"/proc/{child}/status", encoding="utf-8", errors="replace") as file:
                fields = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
        except OSError:
            continue
        words = fields.get("NSpid", "").split()
        # A place that is begun before the profile is known is not this launch's.
        if fields.get("Name") == KEEPER if kind in NOT_FOR_ROOT else len(words) > 1 and words[-1] == "1":
            return child
    return None


def command_line(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().replace(b"\0", b" ").decode("utf-8", "replace").strip() or f"process {pid}"
    except OSError:
        return f"process {pid}"


class Stage:
    """One launch in a process of its own: the leader of its session, with a terminal if it has one, and its subreaper.

    A terminal whose session ends is set back by the kernel; so the leader has to be somebody who stays and looks.
    """

    def __init__(self, place, command, wait=WAIT):
        self.place, self.command, self.wait = place, command, wait

    def run(self, act):
        """What `act(process, stage)` answers, called in the other process; that one's failure is one here."""
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            status = 1
            try:
                os.close(reading)
                answer = self._play(act)
                os.write(writing, json.dumps(answer).encode())
                status = 0
            except BaseException as error:  # the process is a copy of the suite, and must not go on as one
                os.write(writing, json.dumps({"failed": f"{type(error).__name__}: {error}"}).encode())
            finally:
                os._exit(status)
        os.close(writing)
        with os.fdopen(reading, "rb") as answers:
            text = answers.read()
        os.waitpid(child, 0)
        answer = json.loads(text) if text else {"failed": "the stage ended without a word"}
        if "failed" in answer:
            raise RuntimeError(answer["failed"])
        return answer

    def _play(self, act):
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "PR_SET_CHILD_SUBREAPER")
        os.setsid()
        place, before, ours = self.place, None, None
        streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
        if place.kind == "terminal":
            ours, theirs = os.openpty()
            os.fchown(theirs, place.uid, -1)
            fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)
            fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
            before = termios.tcgetattr(theirs)
            streams = {"stdin": theirs, "stdout": theirs}
        identity = {"user": place.uid, "group": place.uid, "extra_groups": []} if os.getuid() == 0 and place.uid else {}
        with open(place.err, "w+b", buffering=0) as errors:
            process = subprocess.Popen(self.command, **streams, stderr=errors, cwd=place.workspace,
                                       env=place.environment(), **identity)
            answer = act(process)
        started = time.monotonic()
        while (left := self._alive()) and time.monotonic() - started < self.wait:
            time.sleep(0.002)
        answer["gone after"] = time.monotonic() - started
        answer["left"] = [command_line(pid) for pid in left]
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass  # gone since the look
        if before is not None:
            answer["terminal"] = "same" if termios.tcgetattr(theirs) == before else "changed"
        return answer

    @staticmethod
    def _alive():
        """What is still there below the stage, once everything that has ended is reaped."""
        try:
            while os.waitpid(-1, os.WNOHANG)[0] != 0:
                pass
        except ChildProcessError:
            pass
        return descendants(os.getpid())


class Suite:
    """The launches of one kind of user."""

    def __init__(self, leg, base, owner, built, executable, generator):
        self.leg, self.executable, self.generator = leg, executable, generator
        self.places = {}
        for kind in KINDS:
            if kind in NOT_FOR_ROOT and leg == "root":
                continue
            # What it leaves in /tmp is known by its owner: one of its own, whom nobody else's launches have.
            whose = owner + 100 if kind in NOT_FOR_ROOT and os.getuid() == 0 else owner
            self.places[kind] = slot.Slot(base, f"-{leg}-{kind}", 0 if leg == "root" else whose, whose, built, kind)
        self.marker = "started"

    def close(self):
        for place in self.places.values():
            place.close()

    def command(self, place):
        worker = f": > {self.marker}; exec sleep 1000"
        return [self.executable, "run", *place.options(), "--workspace", place.workspace, "--", "/bin/sh", "-c", worker]

    def _has_started(self, place):
        return os.path.exists(os.path.join(place.workspace, self.marker))

    def _forget_marker(self, place):
        path = os.path.join(place.workspace, self.marker)
        if os.path.exists(path):
            os.unlink(path)

    def after(self, place):
        """The next launch: it runs, says nothing, and takes away what is left. Answers what is wrong."""
        wrong = []
        self._forget_marker(place)
        status, output = self._plain(place, ["run", *place.options(), "--workspace", place.workspace, "--", "/bin/true"])
        said = [line for line in place.errors().splitlines() if place.kind not in NOT_FOR_ROOT or not line.startswith(WARNING)]
        if status != 0 or said:
            wrong.append(f"the next launch: status {status}: {said[-3:]}")
        status, output = self._plain(place, ["evidence", "verify", "--workspace", place.workspace])
        if status != 0:
            wrong.append(f"evidence verify: status {status}: {output[:600]} {place.errors()[-200:]}")
        return wrong

    def _plain(self, place, words):
        """Exit status and standard output."""
        kind, place.kind = place.kind, "plain"
        try:
            return place.run([self.executable, *words], 60), place.output()
        finally:
            place.kind = kind

    def measure(self, place):
        """Seconds from the launch to the worker's first act, the shortest of three; the launcher is ended by TERM."""
        def act(process):
            started = time.monotonic()
            while not self._has_started(place) and process.poll() is None and time.monotonic() - started < 20:
                time.sleep(0.0005)
            needed = time.monotonic() - started
            process.send_signal(signal.SIGTERM)
            return {"needed": needed, "status": process.wait(60)}

        shortest = 20.0
        for _ in range(3):
            answer = Stage(place, self.command(place)).run(act)
            if not self._has_started(place):
                raise RuntimeError(f"a launch that nobody kills does not start: {answer} {place.errors()}")
            shortest = min(shortest, answer["needed"])
            wrong = self.after(place)
            if wrong or answer["left"] or answer.get("terminal") == "changed":
                raise RuntimeError(f"a launch that nobody kills leaves something: {answer} {wrong}")
        return shortest

    def kill(self, place, victim, moment):
        """One case; answers what is wrong, and whether the worker had started by then."""
        def act(process):
            target = process.pid
            time.sleep(moment)
            if victim == "pid 1":
                while (target := first_process(process.pid, place.kind)) is None:
                    if process.poll() is not None:
                        return {"status": process.returncode, "late": True}
            started = self._has_started(place)
            try:
                os.kill(target, signal.SIGKILL)
            except ProcessLookupError:
                return {"status": process.wait(60), "late": True}
            try:
                status = process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                status = "still there after a minute"
            return {"status": status, "started": started}

        before = mounts()
        answer = Stage(place, self.command(place)).run(act)
        wrong = []
        if answer["status"] == 0 or not isinstance(answer["status"], int):
            wrong.append(f"the launcher's status is {answer['status']}")
        if answer["left"]:
            wrong.append(f"still there after {WAIT} s: {answer['left']}")
        if answer.get("terminal") == "changed":
            wrong.append("the terminal has other modes")
        if mounts() != before:
            wrong.append(f"mounts of the host: {sorted(mounts() ^ before)[:3]}")
        return wrong + self.after(place), answer


def mounts():
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as table:
        return {" ".join(line.split()[3:6]) for line in table}


def control(suite):
    """Each look sees what it is there for; answers what it does not see."""
    place, wrong = suite.places["terminal"], []

    def disturb(process):
        process.wait(60)
        return {"status": process.returncode}

    # A daemon in another session, and a terminal that nobody sets back.
    script = "stty -echo; setsid sleep 300 & sleep 0.2"
    answer = Stage(place, ["/bin/sh", "-c", script], PATIENCE).run(disturb)
    if not answer["left"]:
        wrong.append("a process that stays is not seen")
    if answer.get("terminal") != "changed":
        wrong.append("a terminal in other modes is not seen")
    clean = place.snapshot()
    path = os.path.join(place.workspace, ".envrc")
    os.mkdir(path)
    if place.snapshot() == clean:
        wrong.append("a folder that stays in the workspace is not seen")
    os.rmdir(path)
    # A record that somebody has changed.
    records = [os.path.join(folder, name) for folder, _, files in os.walk(place.state) for name in files
               if name == "records.jsonl"]
    with open(records[0], "r+b") as file:
        text = file.read()
        file.seek(text.index(b"/bin/true"))
        file.write(b"/bin/tr\xc3\xbc")
    if not any("evidence verify" in line for line in suite.after(place)):
        wrong.append("a changed record is not seen")
    with open(records[0], "wb") as file:
        file.write(text)
    return wrong


def run_leg(leg, base, owner, built, executable, options):
    """The number of moments at which something was wrong."""
    generator = random.Random(f"{options.seed} {leg}")
    suite = Suite(leg, base, owner, built, executable, generator)
    try:
        needed = {kind: suite.measure(place) for kind, place in suite.places.items()}
        clean = {kind: place.snapshot() for kind, place in suite.places.items()}
        blind = control(suite)
        for line in blind:
            print(f"  {leg}: NO CONTROL: {line}", flush=True)
        print(f"{leg}: a launch starts its worker within "
              + ", ".join(f"{needed[kind] * 1000:.0f} ms ({kind})" for kind in suite.places), flush=True)
        bad, seen, kinds = 0, collections.Counter(), list(suite.places)
        # How long a launch takes changes with what else the machine does, so the moments follow it: later after one that
        # came before the worker, earlier after one that came behind it.
        reach = dict(needed)
        number, late = 0, 0
        # All of them at the end of set-up would be no moments of set-up: where many came there, some more.
        while number < options.moments or (
                options.moments >= 20 and number < 4 * options.moments and seen["before the worker"] * 4 < number):
            kind, victim = kinds[number % len(kinds)], VICTIMS[number // len(kinds) % 2]
            number += 1
            place, moment = suite.places[kind], generator.uniform(0, reach[kind])
            wrong, answer = suite.kill(place, victim, moment)
            for _ in range(TRIES - 1):
                if wrong or answer["gone after"] < PATIENCE:
                    break
                late += 1
                wrong, answer = suite.kill(place, victim, moment)
            if not wrong and answer["gone after"] >= PATIENCE:
                wrong.append(f"gone only after {answer['gone after']:.1f} s, {TRIES} times")
            now = place.snapshot()
            if now != clean[kind]:
                changed = sorted(path for path in set(now) | set(clean[kind]) if now.get(path) != clean[kind].get(path))
                wrong.append(f"left in the workspace or elsewhere: {[(path, now.get(path)) for path in changed[:3]]}")
                place.make_workspace()
            came = "late" if answer.get("late") else "the worker ran" if answer.get("started") else "before the worker"
            seen[came] += 1
            reach[kind] = min(max(reach[kind] * (1.15 if came == "before the worker" else 0.8), needed[kind] / 50), needed[kind] * 3)
            if wrong:
                bad += 1
                print(f"  {leg}, {kind}, {victim} after {moment * 1e6:.0f} µs: {'; '.join(wrong)}", flush=True)
        print(f"{leg}: {number} moments: {dict(seen)}; {bad} wrong", flush=True)
        if options.moments >= 20 and seen["before the worker"] * 4 < number:
            print(f"  {leg}: fewer than a quarter of the moments lie in set-up: this run shows too little")
            bad += 1
        if late * 10 > number:
            print(f"  {leg}: {late} late ones: no chance of the machine's")
            bad += 1
        return bad + len(blind)
    finally:
        suite.close()


def main():
    options = arguments()
    print(f"--seed {options.seed}", flush=True)
    base = tempfile.mkdtemp(prefix="codex-sandbox-kill-suite.", dir="/var/tmp")
    os.chmod(base, 0o755)
    try:
        built = tools.build(base)
        executable = project.copy_executables(base)
        owner = project.unprivileged_id() if os.getuid() == 0 else os.getuid()
        legs = ["user", "root"] if options.legs == "both" else [options.legs]
        bad = sum(run_leg(leg, base, owner, built, executable, options) for leg in legs)
        print(f"{options.moments * len(legs) - bad} passed, {bad} failed")
        return 1 if bad else 0
    finally:
        shutil.rmtree(base)


if __name__ == "__main__":
    sys.exit(main())
