"""What one faulted launch was worth."""
import re
from dataclasses import dataclass, field

# Differences from a clean launch that are not weaker: (property, what it may become, reason). Nothing else may differ.
EXPLAINED = []

GOOD = ("refused", "same", "explained", "not reached")


@dataclass
class Verdict:
    """`word` is one of GOOD, or: weaker, hang, ran but failed, wrong status, left behind, lost."""

    word: str
    detail: str = ""
    status: int = -1
    message: str = ""
    explained: list = field(default_factory=list)

    @property
    def good(self):
        return self.word in GOOD


def properties(text):
    """The probe's lines as a dictionary; None if it did not finish."""
    lines = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    # Without a pid namespace of its own the parent, the keeper, has another number each time; init's is not the keeper's.
    parent = lines.get("attribute.parent", "")
    if parent.isdigit() and int(parent) > 1:
        lines["attribute.parent"] = "a process"
    return lines if lines.get("probe.complete") == "yes" else None


def differences(clean, seen, without_effect=False):
    """(unexplained, explained): each a list of "property: clean -> seen"."""
    bad, fine = [], []
    for name in sorted(set(clean) | set(seen)):
        before, after = clean.get(name, "(absent)"), seen.get(name, "(absent)")
        if before == after:
            continue
        text = f"{name}: {before[:80]} -> {after[:80]}"
        reason = next((why for pattern, value, why in EXPLAINED
                       if re.fullmatch(pattern, name) and re.fullmatch(value, after)), None)
        if reason is None and without_effect and is_stricter(name, before, after):
            reason = "stricter"
        if reason is None:
            bad.append(text)
        else:
            fine.append(f"{text} ({reason})")
    return bad, fine


def _numbers(words):
    return [int(word) if word.isdigit() else 1 << 64 for word in words]


def is_stricter(name, before, after):
    """Whether the worker has less than in a clean launch: a refusal is another one, a limit is lower, a name is missing.

    Only for calls that succeeded without effect; a call that fails has to end in a refusal or in the very same worker.
    """
    if name.startswith("act."):
        return after.startswith("E") or after == "SIGSYS"
    if name.startswith("limit."):
        return all(here <= there for here, there in zip(_numbers(after.split()[:2]), _numbers(before.split()[:2])))
    if name.startswith("list."):
        entries = [set(text.partition(": ")[2].split(",")) for text in (before, after)]
        return after.startswith("[E") or entries[1] <= entries[0]
    if name.startswith("namespace.sysctl_"):
        return after.startswith("[E")
    return False


def judge(launcher, point, clean, after_clean, slot, suite_status, without_effect=False):
    """The verdict on the launch that `slot` just made. `suite_status`: of the injector, None if even that hung."""
    if suite_status is None:
        return Verdict("hang", "the injector itself had to be killed")
    if suite_status != 0:
        return Verdict("lost", f"the injector failed: {slot.errors()[-200:]}")
    report, output = slot.read_report(), slot.output()
    status, message = report["status"], slot.errors().strip()[-300:]

    def verdict(word, detail="", explained=()):
        return Verdict(word, detail, status, message, list(explained))

    if not report["injected"]:
        return verdict("not reached")
    if report["timed_out"]:
        return verdict("hang", f"still there after the limit; the worker {'ran' if report['released'] else 'never ran'}")
    if report["terminal"] == "changed":
        return verdict("left behind", "other modes of the terminal")
    seen = properties(output)
    if output and not report["released"]:
        return verdict("lost", "there is output of a worker that the injector never saw")
    if report["left"]:
        return verdict("left behind", f"{report['left']} processes")
    if point.before_main:
        slot.remove_core()
    now = slot.snapshot()
    if now != after_clean:
        changed = sorted(path for path in set(now) | set(after_clean) if now.get(path) != after_clean.get(path))
        if changed == [slot.FOLDERS] and without_effect and point.name == "clone" and not report["released"] and status == 125:
            # Who is told that it is the child ends at once, as if it had been killed; the next case shows that its launch removes it.
            return verdict("refused", "the folder of the launch stays for the next one to remove")
        slot.make_workspace()
        return verdict("left behind", f"{len(changed)} changed: {changed[:3]}")
    if not report["released"]:
        if launcher.status_is_refusal(status, point.before_main, point):
            return verdict("refused")
        if without_effect and point.name == "landlock_add_rule" and status == 126:
            # The rule by which the worker's file may be executed: it exists, and cannot be.
            return verdict("explained", "stricter: the worker's own execve was denied (126)")
        return verdict("wrong status", f"nothing ran, and the status is {status}")
    if seen is None:
        return verdict("weaker", f"the worker ran and did not finish; status {status}")
    bad, fine = differences(clean, seen, without_effect)
    if bad:
        return verdict("weaker", "; ".join(bad[:6]) + (f"; and {len(bad) - 6} more" if len(bad) > 6 else ""), fine)
    if status != 0:
        return verdict("ran but failed", f"the worker ran and returned 0, the status is {status}")
    return verdict("explained" if fine else "same", "; ".join(fine), fine)
