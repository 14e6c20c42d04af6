"""The points at which a launch can fail: every system call of every process before the worker's execve."""
import re
from collections import Counter
from dataclasses import dataclass

from . import layers

LINE = re.compile(r"^(\d+) +(\w+)\((.*)$")
NUMBERS = "/usr/include/x86_64-linux-gnu/asm/unistd_64.h"


@dataclass(frozen=True)
class Point:
    """One call: `process` by order of birth, `occurrence` of that call in that process from 1."""

    process: int
    number: int
    name: str
    occurrence: int
    before_main: bool
    is_worker_exec: bool
    text: str

    @property
    def key(self):
        return f"{self.process}:{self.name}:{self.occurrence}"

    @property
    def word(self):
        """How docs/faults.md calls it."""
        return layers.word(self.text)


def call_names():
    """Number to name, from the kernel's own header."""
    with open(NUMBERS, encoding="utf-8") as header:
        found = re.findall(r"^#define __NR_(\w+) (\d+)$", header.read(), re.MULTILINE)
    return {int(number): name for name, number in found}


def _strace_calls(path, worker):
    """(process, name, text) of each call in strace's order, up to and with the worker's execve."""
    births, calls, last = {}, [], {}
    with open(path, encoding="utf-8", errors="backslashreplace") as log:
        for line in log:
            match = LINE.match(line)
            if match is None:
                continue  # a resumed call, a signal or an exit
            pid, name, rest = match.groups()
            # A wait that stays awake polls and yields as often as time allows: such a pair is no call (inject-fault.c).
            previous, last[pid] = last.get(pid), name
            if name == "sched_yield" and previous == "poll":
                at = max(index for index, call in enumerate(calls) if call[0] == births[pid])
                del calls[at]
                continue
            calls.append((births.setdefault(pid, len(births)), name, f"{name}({rest.strip()}"[:300]))
            if name.startswith("exec") and worker in rest:
                return calls[1:]  # the first is strace's own execve of the launcher
    raise RuntimeError(f"strace saw no execve of {worker}")



def trace(slot, launcher, limit=60):
    """The points of a clean launch, from the injector's own count; strace gives the words and a second opinion.

    The two must see the same calls in the same order in every process, or the suite would aim at something else than it
    says. Only how far the others have come when the worker starts may differ: they run beside it. A launch that waits may
    poll once more or less, so there are a few tries.
    """
    names = call_names()
    command = launcher.command(slot, slot.worker_command())
    for _ in range(10):
        inject = [slot.tools.injector, "--worker", slot.worker, "--report", slot.report, "--trace", slot.trace,
                  "--main", f"{launcher.main_offset():x}", "--soil", "--", *command]
        if slot.run(inject, limit) != 0 or not slot.read_report()["released"]:
            raise RuntimeError(f"a clean launch fails: {slot.read_report()} {slot.errors()}")
        with open(slot.trace, encoding="utf-8") as file:
            lines = file.read().splitlines()
        entered = lines.index("main") if launcher.main_offset() else 0
        own = [tuple(map(int, line.split())) for line in lines if line != "main"]
        strace = ["/usr/bin/strace", "-f", "-y", "-s", "64", "-o", slot.strace]
        if slot.run([slot.tools.injector, "--soil-only", *strace, *command], limit) != 0:
            raise RuntimeError(f"a clean launch fails under strace: {slot.errors()}")
        calls = _strace_calls(slot.strace, slot.worker)
        difference = _difference([(process, names[number]) for process, number in own],
                                 [(process, name) for process, name, _ in calls])
        if difference is None:
            return _points(own, calls, names, entered)
    raise RuntimeError(f"strace and the injector see different calls, ten times; the last time: {difference}")


def _difference(mine, theirs):
    """What the two saw differently, or None. The worker's process, the last to call, must agree to its end."""
    worker = theirs[-1][0]
    for process in sorted({process for process, _ in mine + theirs}):
        left = [name for number, name in mine if number == process]
        right = [name for number, name in theirs if number == process]
        common = min(len(left), len(right))
        if left[:common] != right[:common] or (process == worker and len(left) != len(right)):
            at = next((index for index in range(common) if left[index] != right[index]), common)
            return f"process {process}, call {at}: injector {left[at:at + 4]}, strace {right[at:at + 4]}"
    return None


def _points(own, calls, names, entered):
    """`entered`: how many calls were made before the launcher's `main`."""
    texts, seen = {}, Counter()
    for process, name, text in calls:
        seen[process, name] += 1
        texts[process, name, seen[process, name]] = text
    last = max(index for index, (process, _) in enumerate(own) if process == calls[-1][0])
    points, seen = [], Counter()
    for index, (process, number) in enumerate(own):
        name = names[number]
        seen[process, name] += 1
        points.append(Point(process, number, name, seen[process, name], index < entered, index == last,
                            texts.get((process, name, seen[process, name]), f"{name}(…)")))
    return points
