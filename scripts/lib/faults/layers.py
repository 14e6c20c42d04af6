"""Which calls install a layer: the tables of docs/faults.md, and the words by which they name a traced call."""
import functools
import os
import re

import project

PAGE = os.path.join(project.ROOT, "docs/faults.md")
SOME_HOSTS = "Calls of some hosts or launches only"
OBSERVERS = ("outside", "self-read", "negative probe", "not observable")
NAMESPACES = {"NEWNS": 0x00020000, "NEWCGROUP": 0x02000000, "NEWUTS": 0x04000000, "NEWIPC": 0x08000000,
              "NEWUSER": 0x10000000, "NEWPID": 0x20000000, "NEWNET": 0x40000000}

# Calls that are many: told apart by the argument at this place.
BY_ARGUMENT = {"prctl": 0, "keyctl": 0, "seccomp": 0, "landlock_add_rule": 1, "ioctl": 1, "fcntl": 1}
# Calls that are told apart by what their descriptor leads to.
BY_FILE = {"write", "writev", "pwrite64"}
# Files outside that are told apart from those of a place.
OWN_FILES = {"records.jsonl", "placeholders"}


def _kind_of_file(text):
    """What the first argument of `write(5</proc/7/uid_map>, …` leads to."""
    match = re.match(r"\w+\(\d+<([^>]*)>", text)
    path = match.group(1) if match else "?"
    if path.startswith("/sys/fs/cgroup/"):
        return "cgroup"
    if path.startswith(("/proc/", "/sys/")) or os.path.basename(path) in OWN_FILES:
        return os.path.basename(path)
    if path.startswith(("/memfd:", "anon_inode:", "socket:", "pipe:", "UNIX", "/dev/")):
        return re.split(r"[:\[]", path.lstrip("/"))[0]
    return "file"


def word(text):
    """The name under which the tables have a traced call: `prctl PR_SET_PDEATHSIG`, `write uid_map`, `mount`."""
    name, _, rest = text.partition("(")
    arguments = [part.strip() for part in rest.split(",")]
    if name in BY_ARGUMENT:
        index = BY_ARGUMENT[name]
        argument = arguments[index] if index < len(arguments) else "?"
        argument = re.match(r"[A-Z_a-z0-9]*", argument.rstrip(")")).group()
        if (name, argument) == ("prctl", "PR_CAP_AMBIENT"):
            argument = arguments[1].rstrip(")")
        return f"{name} {argument}"
    if name in BY_FILE:
        return f"{name} {_kind_of_file(text)}"
    if name == "prlimit64":
        return f"{name} {'read' if arguments[2] == 'NULL' else 'set'}"
    if name == "rt_sigprocmask":
        return f"{name} {'read' if len(arguments) > 1 and arguments[1] == 'NULL' else 'set'}"
    if name == "rt_sigaction":
        return f"{name} {'read' if len(arguments) > 1 and arguments[1] == 'NULL' else 'set'}"
    if name in ("clone", "clone3", "unshare"):
        return f"{name} {'namespaces' if namespaces(text) else 'process' if name != 'unshare' else 'nothing'}"
    return name


def namespaces(text):
    """Flags by name of a traced clone(2) that ask for namespaces."""
    return [name for name in NAMESPACES if re.search(rf"CLONE_{name}\b", text)]


def _rows(title):
    """The cells of the table below a heading of the page."""
    with open(PAGE, encoding="utf-8") as page:
        text = page.read()
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    if found is None:
        raise RuntimeError(f"{PAGE} has no part \"{title}\"")
    lines = [line for line in found.group(1).splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


@functools.lru_cache
def installing():
    """Word to observer, from the page."""
    table = {}
    for row in _rows("Calls that install a layer") + _rows(SOME_HOSTS):
        observer = row[2]
        if observer not in OBSERVERS:
            raise RuntimeError(f"{PAGE}: {row[0]}: \"{observer}\" is none of {OBSERVERS}")
        for name in re.findall(r"`([^`]+)`", row[0]):
            if name in table:
                raise RuntimeError(f"{PAGE} has {name} twice")
            table[name] = observer
    return table


def other():
    """Words of calls that install nothing, from the page."""
    return {name for row in _rows("Calls that install nothing") for name in re.findall(r"`([^`]+)`", row[0])}


def disagreements(words):
    """What page and launches say differently; `words`: of every call of every kind of launch that was traced."""
    layers, rest = installing(), other()
    twice = sorted(set(layers) & rest)
    unknown = sorted(words - set(layers) - rest)
    some = {name for row in _rows(SOME_HOSTS) for name in re.findall(r"`([^`]+)`", row[0])}
    gone = sorted((set(layers) | rest) - words - some)
    return ([f"{name} is in both tables" for name in twice]
            + [f"{name} is made by a launch, and in no table" for name in unknown]
            + [f"{name} is in a table, and no launch makes it" for name in gone])
