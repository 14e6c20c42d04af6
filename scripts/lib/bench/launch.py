"""Times `codex-sandbox run` against bubblewrap and against the bare command.

Whole-process wall time of a command that does nothing, default policy, verification and record included. All launchers
run once in each round, which begins with another one each time, 5 ms apart, so that none pays for what the kernel still
does for the one before; a ratio is the median of the rounds' own ratios, so that a drift of the machine falls on both
sides. Compare ratios, not milliseconds. First row: /bin/true. Second row: an executable of 100 MB in a workspace of
10,000 files with a .git. This is a measurement: its exit status says only whether it could be made.
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile

import project

BWRAP = ["/usr/bin/bwrap", "--unshare-all", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp"]
# Shown when they are installed; bubblewrap is always there (the script installs it).
OTHERS = {
    "unshare": ["/usr/bin/unshare", "-Urmpfn", "--mount-proc"],
    "nsjail": ["/usr/bin/nsjail", "-Mo", "-Q", "--chroot", "/", "--tmpfsmount", "/tmp", "--"],
    "firejail": ["/usr/bin/firejail", "--quiet", "--noprofile"],
}
SEPARATOR = "::next::"
OURS = "codex-sandbox"
# What --also names: another build of it, in the same rounds.
ALSO = "also"


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/bench launch", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=100, help="at least 60 (default 100)")
    parser.add_argument("--warm-ups", type=int, default=5, help="rounds that are not counted (default 5)")
    parser.add_argument("--as", dest="legs", choices=["user", "root", "both"],
                        help="who launches (default: both when root, else user)")
    parser.add_argument("--also", metavar="FOLDER", help="executables of another build of this project (such as a copy of "
                        "an earlier .build/release), in the same rounds: two builds compare only so")
    parser.add_argument("--json", metavar="FILE", help="write every round and the table as JSON; - is standard output")
    options = parser.parse_args()
    if options.rounds < 60:
        parser.error("fewer than 60 rounds say nothing about a launch of a millisecond")
    if options.legs is None:
        options.legs = "both" if os.getuid() == 0 else "user"
    if options.legs != "user" and os.getuid() != 0:
        parser.error("--as root and --as both need root")
    return options


def small_workspace(base):
    folder = os.path.join(base, "small")
    os.mkdir(folder)
    return folder, "/bin/true"


def large_workspace(base):
    """10,000 files in a repository, and a static program padded to 100 MB with bytes that no file system can skip."""
    folder = os.path.join(base, "large")
    os.mkdir(folder)
    for index in range(100):
        part = os.path.join(folder, f"part{index:02}")
        os.mkdir(part)
        for number in range(100):
            with open(os.path.join(part, f"file{number:02}.txt"), "w", encoding="utf-8") as file:
                file.write(f"{index} {number}\n")
    git = ["git", "-C", folder, "-c", "user.name=bench", "-c", "user.email=bench@example.invalid", "-c", "gc.auto=0"]
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "10,000 files"]):
        subprocess.run([*git, *command], check=True)
    program = os.path.join(folder, "large-true")
    subprocess.run([*project.STRICT_C, "-static", "-x", "c", "-o", program, "-"], check=True, text=True,
                   input="int main(void) { return 0; }\n")
    with open(program, "ab") as file:
        file.write(os.urandom(100 * 1024 * 1024 - file.tell()))
    return folder, program


def commands(executable, also, program):
    """Launcher to command line, in the workspace; the first two are what the ratios are made with.

    `also` is an executable and a HOME: two builds that shared theirs would undo what the other has left for its next launch.
    """
    table = {OURS: [executable, "run", "--", program], "bwrap": [*BWRAP, program],
             "bare": [program]}
    if also:
        table[ALSO] = [f"HOME={also[1]}", also[0], "run", "--", program]
    table.update({name: [*prefix, program] for name, prefix in OTHERS.items() if os.path.exists(prefix[0])})
    return table


def works(command, **how):
    return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                          check=False, **how).returncode == 0


def prove(table, program, how):
    """A launcher that returns 0 without running anything would be the fastest of all: each must show its command's output."""
    for name, command in table.items():
        if command[0].startswith("HOME="):
            command = ["/usr/bin/env", *command]
        shown = subprocess.run([*command[:-1], "/bin/echo", "it runs"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True, check=False, **how)
        if command[-1] != program or shown.returncode != 0 or shown.stdout != "it runs\n":
            sys.exit(f"scripts/bench: {name} does not run a command here (exit status {shown.returncode}): "
                     f"{shown.stderr.strip()}\nremedy: codex-sandbox doctor, or a host where both launchers work")


def measure(timer, table, workspace, program, uid, home, options):
    """Milliseconds of every round, by launcher. What is not ours, bubblewrap or bare is left out where it cannot run."""
    how = {"env": {"PATH": "/usr/bin:/bin", "HOME": home, "LANG": "C.UTF-8"}, "cwd": workspace}
    if os.getuid() == 0 and uid:
        how.update(user=uid, group=uid, extra_groups=[])
    table = {name: command for name, command in table.items() if name not in OTHERS or works(command, **how)}
    prove(table, program, how)
    words = [word for command in table.values() for word in (SEPARATOR, *command)]
    finished = subprocess.run([timer, str(options.warm_ups), str(options.rounds), *words], stdout=subprocess.PIPE,
                              text=True, check=False, **how)
    if finished.returncode != 0:
        sys.exit("scripts/bench: the measurement failed (its message is above)\n"
                 f"remedy: run it by hand: {' '.join(table[OURS])}")
    rows = [[int(word) / 1e6 for word in line.split()] for line in finished.stdout.splitlines()]
    return {name: [row[index] for row in rows] for index, name in enumerate(table)}


def ratio(times, name, other):
    return statistics.median(a / b for a, b in zip(times[name], times[other]))


def describe(leg, title, times, out):
    """One block of the table on `out`, and the same as data."""
    print(f"\n{title}, as {leg} ({len(times[OURS])} rounds)", file=out)
    print(f"  {'':16}{'median ms':>10}{'p10':>8}{'p90':>8}{'/ bwrap':>9}{'/ bare':>8}{'/ also' if ALSO in times else '':>8}",
          file=out)
    rows = {}
    for name, values in times.items():
        tenths = statistics.quantiles(values, n=10)
        rows[name] = {"median_ms": statistics.median(values), "p10_ms": tenths[0], "p90_ms": tenths[-1],
                      "to_bwrap": ratio(times, name, "bwrap"), "to_bare": ratio(times, name, "bare")}
        row = rows[name]
        last = ""
        if ALSO in times:
            row["to_also"] = ratio(times, name, ALSO)
            last = f"{row['to_also']:8.3f}"
        print(f"  {name:16}{row['median_ms']:10.2f}{row['p10_ms']:8.2f}{row['p90_ms']:8.2f}"
              f"{row['to_bwrap']:9.2f}{row['to_bare']:8.1f}{last}", file=out, flush=True)
    return {"leg": leg, "row": title, "launchers": rows, "rounds_ms": times}


def main():
    options = arguments()
    out = sys.stderr if options.json == "-" else sys.stdout
    # Not below /tmp: bubblewrap's own tmpfs would hide the second row's program.
    base = tempfile.mkdtemp(prefix="codex-sandbox-bench.", dir="/var/tmp")
    os.chmod(base, 0o755)
    try:
        executable = project.copy_executables(base)
        also = None
        if options.also:
            # Copied as ours is: how a file lies in the page cache counts.
            folder = os.path.join(base, ALSO)
            os.mkdir(folder)
            also = project.copy_executables(folder, project.caller_path(options.also))
        timer = os.path.join(base, "time-launch")
        subprocess.run([*project.STRICT_C, "-o", timer, os.path.join(project.ROOT, "scripts/lib/time-launch.c")],
                       check=True)
        owner = project.unprivileged_id() if os.getuid() == 0 else os.getuid()
        results = []
        for title, make in (("/bin/true", small_workspace),
                            ("100 MB executable, workspace of 10,000 files with .git", large_workspace)):
            workspace, program = make(base)
            if os.getuid() == 0:
                project.give(workspace, owner)
            for leg in ["user", "root"] if options.legs == "both" else [options.legs]:
                uid = 0 if leg == "root" else owner
                homes = [os.path.join(base, f"home-{leg}{end}") for end in ("", "-also")]
                for home in homes:
                    os.makedirs(home, 0o700, exist_ok=True)
                    os.chown(home, uid, uid)
                table = commands(executable, (also, homes[1]) if also else None, program)
                times = measure(timer, table, workspace, program, uid, homes[0], options)
                results.append(describe(leg, title, times, out))
        if options.json == "-":
            json.dump(results, sys.stdout, indent=1)
        elif options.json:
            with open(project.caller_path(options.json), "w", encoding="utf-8") as file:
                json.dump(results, file, indent=1)
    finally:
        shutil.rmtree(base)


if __name__ == "__main__":
    main()
