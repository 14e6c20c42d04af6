#!/usr/bin/env python3
"""Scenes at a terminal: a person at the keyboard, played on a pty.

usage: scenes.py SCENE LAUNCHER FOLDER

FOLDER holds what a scene leaves. Each line of output is `ok WHAT` or `no WHAT: what was seen`; the status is 0 when a
scene came to its end, whatever its lines say.
"""
import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time

LAUNCHER, FOLDER = sys.argv[2], sys.argv[3]
PROMPT = b"HOST$ "
# What the launcher asks a terminal at the end (ECMA-48, DSR), so that an answer that is on its way is not left to the shell.
QUESTION = b"\x1b[5n"
# What comes before it where the job may have left something unfinished.
CLOSING = b"\x18\x1b\\"


def tell(holds, what, seen=b""):
    print(f"ok {what}" if holds else f"no {what}: {seen!r}", flush=True)


class Person:
    """A terminal, and a program that has it as controlling terminal and as the streams named."""

    def __init__(self, command, rows=30, columns=100, streams=(0, 1, 2), others=None):
        self.controlling, peer = os.openpty()
        self.resize(rows, columns)
        self.before = termios.tcgetattr(self.controlling)
        self.seen = b""
        # When it was last asked for more: what came then came later than that.
        self.asked = time.monotonic()
        environment = dict(os.environ, TERM="xterm", PS1=PROMPT.decode(), LC_ALL="C.UTF-8")
        self.pid = os.fork()
        if self.pid == 0:
            os.setsid()
            fcntl.ioctl(peer, termios.TIOCSCTTY, 0)
            for stream in range(3):
                source = peer if stream in streams else os.open(
                    (others or {}).get(stream, "/dev/null"), os.O_RDWR | os.O_CREAT, 0o644)
                os.dup2(source, stream)
            os.closerange(3, 256)
            os.execvpe(command[0], command, environment)
        os.close(peer)

    def resize(self, rows, columns):
        fcntl.ioctl(self.controlling, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text):
        os.write(self.controlling, text if isinstance(text, bytes) else text.encode())

    def wait(self, pattern, seconds=60):
        """Reads until the pattern is in what came since the last call; what came, or None."""
        if isinstance(pattern, str):
            pattern = pattern.encode()
        end = time.monotonic() + seconds
        while True:
            found = re.search(pattern, self.seen, re.S)
            if found:
                taken, self.seen = self.seen[: found.end()], self.seen[found.end() :]
                return taken
            self.asked = time.monotonic()
            ready, _, _ = select.select([self.controlling], [], [], max(0, end - self.asked))
            try:
                piece = os.read(self.controlling, 65536) if ready else b""
            except OSError:
                piece = b""
            if not piece:
                return None
            self.seen += piece

    def expect(self, pattern, what, seconds=60):
        found = self.wait(pattern, seconds)
        tell(found is not None, what, self.seen[-400:])
        return found

    def rest(self, seconds=0.4):
        self.wait(rb"\Z\A.", seconds)
        taken, self.seen = self.seen, b""
        return taken

    def is_raw(self):
        return termios.tcgetattr(self.controlling)[3] & (termios.ECHO | termios.ICANON | termios.ISIG) == 0

    def is_as_before(self):
        return termios.tcgetattr(self.controlling) == self.before

    def until(self, condition, seconds=60):
        end = time.monotonic() + seconds
        while not condition() and time.monotonic() < end:
            time.sleep(0.01)
        return condition()

    def end(self):
        """The status as a shell tells it, or None for a program that does not end."""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            done, status = os.waitpid(self.pid, os.WNOHANG)
            if done:
                code = os.waitstatus_to_exitcode(status)
                return code if code >= 0 else 128 - code
            self.wait(rb"\Z\A.", 0.05)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        return None


def run(*command, options=()):
    return [LAUNCHER, "run", *options, "--", *command]


def shell():
    person = Person(["bash", "--norc", "--noprofile", "--noediting", "-i"])
    person.expect(rb"HOST\$ ", "the host's shell is there")
    person.before = termios.tcgetattr(person.controlling)
    return person


def plain():
    """All three are one new terminal, of the same size; the job is its foreground."""
    person = Person(run("sh", "-c", "tty; tty <&1; tty <&2; stty size; [ -w /dev/tty ] && echo tt""y; "
                        "ps -o tpgid= -o pgid= -p $$; echo ready; read x; echo got $x; exit 7"))
    person.expect(rb"/dev/pts/0\r\n/dev/pts/0\r\n/dev/pts/0\r\n30 100\r\ntty\r\n\s*2\s+2\r\nready\r\n", "one terminal of the place")
    tell(person.until(person.is_raw), "the caller's passes every byte")
    person.type("abc\r")
    person.expect(rb"abc\r\ngot abc\r\n", "what is typed arrives once, and is echoed once")
    tell(person.end() == 7, "the job's status")
    tell(person.is_as_before(), "the caller's terminal is as it was")


def piped():
    """Streams that are no terminals stay what they are."""
    look = "test -t 0; a=$?; test -t 1; b=$?; test -t 2; c=$?; echo streams $a$b$c >&2"
    person = Person(run("sh", "-c", look), streams=(2,))
    person.expect(rb"streams 110", "only stderr is a terminal")
    tell(person.end() == 0, "ended")
    out = f"{FOLDER}/out"
    person = Person(run("sh", "-c", "for i in 0 1 2; do test -t $i && echo t$i || echo p$i; done; echo typed here >/dev/tty; read x; echo $x"),
                    streams=(0, 2), others={1: out})
    person.expect(rb"typed here\r\n", "the terminal is there by its name")
    person.type("word\r")
    tell(person.end() == 0, "ended")
    text = open(out, "rb").read()
    tell(text == b"t0\np1\nt2\nword\n", "a file gets what is written to it, and no more", text)
    person = Person(run("sh", "-c", "printf 'one\\ntwo\\n'; test -t 1 && echo t1"), streams=(1, 2))
    found = person.expect(rb"one.*two.*t1", "output goes to a terminal although the input is none")
    tell(found is not None and b"\r\r" not in found and b"\n" in found, "lines end once", found)
    tell(not person.is_raw(), "the keyboard stays the caller's")
    tell(person.end() == 0, "ended")


def choice():
    """--no-tty and --tty."""
    person = Person(run("sh", "-c", "for i in 0 1 2; do test -t $i && echo t$i || echo p$i; done; ls /dev/tty; read x; echo got $x", options=["--no-tty"]))
    person.expect(rb"p0\r\np1\r\np2\r\n", "pipes")
    person.type("abc\r")
    person.expect(rb"got abc", "what is typed arrives by the pipe")
    tell(person.end() == 0, "ended")
    job = run("sh", "-c", "for i in 0 1 2; do test -t $i && echo t$i || echo p$i; done; stty size; cat; echo end", options=["--tty"])
    for text in [b"line\n", b"no newline", b""]:
        done = subprocess.run(job, input=text, capture_output=True, timeout=60)
        # What is sent is echoed when it comes, be that between two lines of the job's.
        lines = re.search(rb"t0.*\r\n.*t1.*\r\n.*t2.*\r\n.*24 80.*\r\n", done.stdout, re.S)
        tell(done.returncode == 0 and lines and done.stdout.endswith(b"end\r\n"),
             f"a terminal for {text!r} from a pipe, and its end", done)
        tell(text.rstrip() in done.stdout, "what was sent arrived", done)


def stops():
    """Job control of the caller's shell: stop, background, foreground, interrupt."""
    person = shell()
    person.type(f"{LAUNCHER} run -- sh -c 'echo sta''rted; exec cat'\n")
    person.expect(rb"started\r\n", "started")
    person.type("one\r")
    person.expect(rb"one\r\none\r\n", "echo and answer")
    person.type(b"\x1a")
    person.expect(rb"Stopped.*HOST\$ ", "stopped by the keyboard")
    person.rest()
    tell(person.is_as_before(), "the shell has its terminal back")
    found = subprocess.run(["ps", "-eo", "stat,args"], capture_output=True).stdout
    tell(re.search(rb"(?m)^T\S* +cat$", found) is not None, "the job is stopped, too", b"")
    person.type("fg\n")
    person.expect(rb"exec cat'?\"?\r\n", "in the foreground again")
    tell(person.until(person.is_raw), "the keyboard is the job's again")
    person.type("two\r")
    person.expect(rb"two\r\ntwo\r\n", "goes on")
    person.type(b"\x1a")
    person.expect(rb"Stopped.*HOST\$ ", "stopped again")
    person.type("bg; echo ba''ck\n")
    person.expect(rb"back\r\n", "goes on in the background")
    person.rest()
    tell(not person.is_raw(), "the background does not take the keyboard")
    person.type("echo mi''ne\n")
    person.expect(rb"mine\r\n", "what is typed is the shell's")
    person.type("fg\n")
    tell(person.until(person.is_raw), "and back in the foreground")
    person.type("three\r")
    person.expect(rb"three\r\nthree\r\n", "nothing was lost")
    person.type(b"\x03")
    person.expect(rb"HOST\$ ", "interrupted")
    person.type("echo status $?\n")
    person.expect(rb"status 130\r\n", "its status is SIGINT's")
    person.rest()
    tell(person.is_as_before(), "sane at the end")
    person.type(f"{LAUNCHER} run -- sh -c 'echo sta''rted; exec cat' &\n")
    person.expect(rb"started\r?\r\n", "begun in the background")
    person.type("kill %1; wait; echo go''ne\n")
    person.expect(rb"gone\r\n", "ended there")
    person.type("exit\n")
    person.end()


def unconfined():
    """Job control of the caller's shell over a command that has no sandbox."""
    person = shell()
    person.type(f"{LAUNCHER} run --danger-full-access -- sh -c 'echo sta''rted; exec cat'\n")
    person.expect(rb"started\r\n", "started")
    for word in ["one", "two"]:
        person.type(f"{word}\r")
        person.expect(rb"%s\r\n%s\r\n" % (word.encode(), word.encode()), "echo and answer")
        person.type(b"\x1a")
        person.expect(rb"Stopped.*HOST\$ ", "stopped by the keyboard")
        person.type("fg\n")
        person.expect(rb"exec cat'?\"?\r\n", "in the foreground again")
    person.type("three\r")
    person.expect(rb"three\r\nthree\r\n", "goes on")
    # Stopped again before the launcher gets to see that it was continued.
    launcher = int(subprocess.run(["pgrep", "-x", "codex-sandbox", "-P", str(person.pid)], capture_output=True, text=True).stdout)
    both = [launcher] + [int(pid) for pid in subprocess.run(["pgrep", "-P", str(launcher)], capture_output=True, text=True).stdout.split()]
    person.type(b"\x1a")
    person.expect(rb"Stopped.*HOST\$ ", "stopped by the keyboard")
    stay = 0
    for _ in range(20):
        os.killpg(launcher, signal.SIGCONT)
        os.killpg(launcher, signal.SIGTSTP)
        stay += person.until(lambda: all(state(pid) == "T" for pid in both), 60)
        time.sleep(0.03)
        stay += all(state(pid) == "T" for pid in both)
    tell(len(both) == 2 and stay == 40, "and stays so, however fast", [stay] + [state(pid) for pid in both])
    person.type("fg\n")
    person.expect(rb"exec cat'?\"?\r\n", "in the foreground again")
    # The shell says so before it is: until the command answers, a key may be the shell's.
    person.type("there\r")
    person.expect(rb"there\r\nthere\r\n", "and answers")
    person.type(b"\x1a")
    person.expect(rb"Stopped.*HOST\$ ", "stopped again")
    person.type("bg; echo ba''ck\n")
    # It reads the keyboard, which is not its in the background.
    person.expect(rb"back\r\n", "goes on in the background")
    person.type("wait; echo ag''ain; jobs\n")
    person.expect(rb"again\r\n.*Stopped.*HOST\$ ", "stopped by its reading there")
    person.type("fg\n")
    person.expect(rb"exec cat'?\"?\r\n", "in the foreground again")
    person.type("four\r")
    person.expect(rb"four\r\nfour\r\n", "nothing was lost")
    person.type(b"\x03")
    person.expect(rb"HOST\$ ", "interrupted")
    person.type("echo status $?\n")
    person.expect(rb"status 130\r\n", "its status is SIGINT's")
    # Nobody looks after this one: it would not be stopped by the keyboard without us either.
    alone = Person(run("sh", "-c", "echo sta''rted; exec cat", options=["--danger-full-access"]))
    alone.expect(rb"started\r\n", "started without a shell")
    alone.type(b"\x1a")
    alone.type("five\r")
    alone.expect(rb"five\r\nfive\r\n", "goes on where nobody could wake it")
    alone.type(b"\x04")
    tell(alone.end() == 0, "ended")
    counts = ("import signal,time\nseen=[]\nsignal.signal(signal.SIGINT,lambda *_: seen.append(1))\nprint('rea'+'dy',flush=True)\n"
              "while not seen: time.sleep(0.05)\ntime.sleep(1)\nprint('times',len(seen))")
    alone = Person(run("python3", "-c", counts, options=["--danger-full-access"]))
    alone.expect(rb"ready\r\n", "it counts")
    alone.type(b"\x03")
    alone.expect(rb"times 1\r\n", "a key reaches it once")
    tell(alone.end() == 0, "ended")
    alone = Person(run("python3", "-c", counts, options=["--danger-full-access"]))
    alone.expect(rb"ready\r\n", "it counts")
    os.kill(alone.pid, signal.SIGINT)
    alone.expect(rb"times 1\r\n", "and what is sent to the launcher alone, too")
    tell(alone.end() == 0, "ended")
    # The terminal's end is told to the leader of the session: it says it to the command.
    alone = Person(run("sh", "-c", "echo $$ here; sleep 1000", options=["--danger-full-access"]))
    job = alone.expect(rb"(\d+) here\r\n", "it is there")
    os.close(alone.controlling)
    alone.controlling = os.open("/dev/null", os.O_RDWR)
    tell(alone.end() == 129, "a terminal that is gone ends the launcher")
    tell(alone.until(lambda: has_ended(int(job.split()[-2]))), "and the command before it")
    # A launcher that ignores the key does not stop: then nor does the command, or it goes on.
    with open(f"{FOLDER}/key.py", "w") as file:
        file.write("import signal,sys\nif sys.argv[1]=='heeds': signal.signal(signal.SIGTSTP,signal.SIG_DFL)\nprint('up',flush=True)\n"
                   "for line in sys.stdin: print('got',line,end='',flush=True)\n")
    for way in ["ignores", "heeds"]:
        person.type(f"sh -c \"trap '' TSTP; exec {LAUNCHER} run --danger-full-access -- python3 {FOLDER}/key.py {way}\"\n")
        person.expect(rb"up\r\n", f"it is there and {way} the key")
        person.type(b"\x1a")
        person.type("six\r")
        person.expect(rb"got six\r\n", f"ignored by the launcher: one that {way} the key has the terminal still")
        person.type(b"\x04")
        person.expect(rb"HOST\$ ", "ended")
    # TERM's grace goes on although the command stops.
    with open(f"{FOLDER}/stubborn.sh", "w") as file:
        file.write("trap 'kill -TSTP $$' TERM; echo up; while :; do sleep 0.1; done\n")
    person.type(f"{LAUNCHER} run --danger-full-access --grace 1s -- sh {FOLDER}/stubborn.sh\n")
    person.expect(rb"up\r\n", "it is there")
    launcher = int(subprocess.run(["pgrep", "-x", "codex-sandbox", "-P", str(person.pid)], capture_output=True, text=True).stdout)
    os.kill(launcher, signal.SIGTERM)
    person.expect(rb"HOST\$ ", "one that stops at TERM does not stop the launcher")
    person.type("echo status $?\n")
    person.expect(rb"status 137\r\n", "and is killed after the grace")
    person.type("exit\n")
    person.end()


def suspended():
    """A command that has no sandbox stops itself where no key does it (SIGSTOP)."""
    person = shell()
    whole = f"{LAUNCHER} run --danger-full-access --timeout 3s --grace 300ms -- sh -c 'kill -STOP $$'"
    for way in ["", "in the launcher's own group "]:
        person.type(f"PS1='INNE''R$ ' {LAUNCHER} run --danger-full-access -- " + (
            "sh -c 'kill -STOP $$; echo go''es on; exec cat'\n" if way else "bash --norc --noprofile --noediting -i\n"))
        for word in ["one", "two"]:
            if not way:
                person.expect(rb"INNER\$ ", "a shell in a group of its own")
                person.type("suspend -f\n")
            if word == "one" or not way:
                person.expect(rb"Stopped.*HOST\$ ", f"stopped {way}it leaves the terminal to the caller's shell")
                person.type("fg\n")
                person.expect(rb"exec cat'?\"?\r\n.*goes on\r\n" if way else rb"noediting -i\r\n", "in the foreground again")
            person.type(f"{'' if way else 'echo '}{word}\n")
            person.expect(rb"%s\r\n.*%s\r\n" % (word.encode(), word.encode()), "it has the keyboard")
        if way:
            person.type(b"\x04")
        else:
            person.expect(rb"INNER\$ ", "a prompt")
            person.type("suspend -f\n")
            person.expect(rb"Stopped.*HOST\$ ", "stopped again")
            person.type("bg; echo ba''ck\n")
            person.expect(rb"back\r\n.*HOST\$ ", "in the background it takes no terminal away")
            person.type("kill -HUP %1; fg\n")
        person.expect(rb"HOST\$ ", "ended")
    # Nobody would wake the launcher: the wall limit holds.
    person.type(f"{whole} & wait $!; echo sta''tus $?\n")
    person.expect(rb"status 124\r\n", "in the background it is not stopped")
    with open(f"{FOLDER}/script.sh", "w") as file:
        file.write(f"{whole}\necho status $?\n")
    person.type(f"sh {FOLDER}/script.sh\n")
    person.expect(rb"status 124\r\n", "nor by a command of a script")
    alone = Person(["sh", "-c", f"exec {whole}"])
    tell(alone.end() == 124, "nor where nobody looks after it")
    with open(f"{FOLDER}/stops.sh", "w") as file:
        file.write("trap 'kill -STOP $$' TERM; echo up; while :; do sleep 0.1; done\n")
    person.type(f"{LAUNCHER} run --danger-full-access --grace 1s -- sh {FOLDER}/stops.sh\n")
    person.expect(rb"up\r\n", "it is there")
    launcher = int(subprocess.run(["pgrep", "-x", "codex-sandbox", "-P", str(person.pid)], capture_output=True, text=True).stdout)
    os.kill(launcher, signal.SIGTERM)
    person.expect(rb"HOST\$ ", "one that stops at TERM does not stop the launcher")
    person.type("echo sta''tus $?\n")
    person.expect(rb"status 137\r\n", "and is killed after the grace")
    person.type("exit\n")
    person.end()


def inner():
    """A shell in the place has job control of its own."""
    person = Person(run("bash", "--norc", "--noprofile", "--noediting", "-i"))
    found = person.expect(rb"bash-[0-9.]+\$ ", "a prompt")
    tell(found is not None and b"job control" not in found, "and no word about missing job control before it", found)
    nap = f"sleep 1{os.getpid()}"
    person.type(f"{nap}\r")
    # Before that the key would be the shell's.
    person.until(lambda: subprocess.run(["pgrep", "-f", f"^{nap}$"], capture_output=True).returncode == 0)
    person.type(b"\x1a")
    person.expect(rb"Stopped +%s" % nap.encode(), "its job is stopped, not the launcher")
    person.type("jobs; kill %1; wait; echo do''ne\r")
    person.expect(rb"done\r\n.*\$ ", "and it goes on")
    # bash asks again where it still takes the job for a stopped one.
    person.type(b"\x04")
    if person.wait(rb"stopped jobs", 30):
        person.type(b"\x04")
    tell(person.end() is not None, "the end of input ends it", person.seen)
    tell(person.is_as_before(), "sane")


def size():
    person = Person(run("sh", "-c", 'trap "stty size" WINCH; echo rea""dy; while :; do sleep 0.05; done'))
    person.expect(rb"ready\r\n", "ready")
    for rows, columns in [(11, 44), (50, 200)]:
        person.resize(rows, columns)
        person.expect(rb"%d %d\r\n" % (rows, columns), f"is told of {rows} by {columns}")
    person.type(b"\x03")
    tell(person.end() == 130, "ended")


def programs():
    """An editor, top, a pager, tmux."""
    person = Person(run("vim", "-u", "NONE", "note.txt"))
    tell(person.until(person.is_raw) and person.expect(rb"note\.txt", "the editor is there"), "has the keyboard")
    person.type("ihello\x1b:wq\r")
    tell(person.end() == 0, "editor ended")
    text = open("note.txt", "rb").read()
    tell(text == b"hello\n", "what was typed is in the file", text)
    person = Person(run("top"))
    person.expect(rb"Tasks:.*codex-sandbox-i|PID USER", "top shows the place's processes")
    person.type("q")
    tell(person.end() == 0, "top ended")
    person = Person(run("sh", "-c", "seq 1 500 | less"))
    person.expect(rb"29", "the pager shows its first page")
    person.type("G")
    person.expect(rb"500", "and its last")
    person.type("q")
    tell(person.end() == 0, "pager ended")
    person = Person(run("tmux", "-f", "/dev/null", "new-session"))
    person.expect(rb"sandbox", "tmux draws its line")
    person.type("echo $((40+2)) in''side\r")
    person.expect(rb"42 inside", "a shell in tmux")
    person.type("exit\r")
    person.expect(rb"\[exited\]", "tmux ended")
    tell(person.end() == 0, "with 0")
    tell(person.is_as_before(), "sane")


NOISE = r"printf '\033[?1049h\033[?25l\033[?1003;1006h\033[?2004h\033=\033(0\033[31m\033[5;10r\016re''ady'; exec sleep 100"
UNDONE = [b"\x1b[?1049l", b"\x1b[?25h", b"\x1b[?1003l", b"\x1b[?1006l", b"\x1b[?2004l", b"\x1b>", b"\x1b(B", b"\x1b[0m", b"\x1b[r", b"\x0f"]


def endings():
    """However the job ends, the terminal is sane: modes, and what the job has switched on in it."""
    def start(*options):
        person = Person(run("sh", "-c", NOISE, options=options))
        person.expect(rb"ready", "the job has spoiled the terminal")
        tell(person.until(person.is_raw), "and has the keyboard")
        return person

    def check(person, what, status):
        ended = person.end()
        tell(ended == status, f"{what}: status {status}", str(ended).encode())
        tell(person.until(person.is_as_before), f"{what}: modes are back")
        # The modes come first.
        seen, limit = person.rest(), time.monotonic() + 60
        while any(word not in person.all + seen for word in UNDONE) and time.monotonic() < limit:
            seen += person.rest()
        missing = [word for word in UNDONE if word not in person.all + seen]
        tell(not missing, f"{what}: nothing stays switched on", missing)

    def end(what, status, *options, act):
        person = start(*options)
        person.all = b""
        act(person)
        end = time.monotonic() + 60
        while time.monotonic() < end and not person.is_as_before():
            person.all += person.rest(0.05)
        person.all += person.rest(0.2)
        check(person, what, status)

    end("interrupt", 130, act=lambda p: p.type(b"\x03"))
    end("TERM", 143, act=lambda p: os.kill(p.pid, signal.SIGTERM))
    end("KILL of the launcher", 137, act=lambda p: os.kill(p.pid, signal.SIGKILL))
    end("KILL of its whole group", 137, act=lambda p: os.killpg(p.pid, signal.SIGKILL))
    end("wall limit", 124, "--timeout", "8s", act=lambda p: None)
    # SEGV of the launcher stands for a fault of its own.
    end("a fault of the launcher", 139, act=lambda p: os.kill(p.pid, signal.SIGSEGV))
    person = start()
    person.all = b""
    os.close(person.controlling)
    person.controlling = os.open("/dev/null", os.O_RDWR)
    tell(person.end() is not None, "a terminal that is gone ends the job")

    def processes():
        return subprocess.run(["pgrep", "-P", str(os.getpid()), "-af", "codex-sandbox"], capture_output=True).stdout

    person.until(lambda: processes() == b"")
    left = processes()
    tell(left == b"", "no process is left", left)


def answers():
    """What the terminal says to the job does not reach the shell behind it."""
    person = shell()
    person.type(f"{LAUNCHER} run -- sh -c 'echo as''king; until test -e typed; do sleep 0.1; done; rm typed'\n")
    person.expect(rb"asking\r\n", "asking")
    # The terminal's answer, as if it were a command; what was typed is shown where the job's terminal has it.
    person.type("echo inj''ected\n")
    person.expect(rb"inj''ected", "it has come to the job")
    with open("typed", "wb"):
        pass
    person.expect(rb"HOST\$ ", "the job has ended")
    seen = person.rest(0.7)
    tell(b"injected\r\n" not in seen, "what was sent to the job is not carried out", seen)
    # Control: the same without the sandbox.
    person.type("sh -c 'echo as''king; sleep 2'\n")
    person.expect(rb"asking\r\n", "asking")
    person.type("echo inj''ected\n")
    person.expect(rb"injected\r\n", "control: a shell carries out what nobody has read")
    person.type("exit\n")
    person.end()


def binary():
    """Every byte passes in both directions through a terminal in raw mode."""
    job = ("import os,sys,tty\ntty.setraw(0)\nos.write(1,b'go')\nn=0\nd=b''\n"
           "while len(d)<65536: d+=os.read(0,65536)\nos.write(1,bytes([255])+d)\n"
           # What a slow terminal has not taken when the job ends goes through the filter: it ends when all has been read.
           "os.read(0,1)\n")
    person = Person(run("python3", "-c", job))
    person.expect(rb"go", "raw")
    data = bytes(range(256)) * 256
    out, sent, answer = b"", 0, b""
    end = time.monotonic() + 60
    os.set_blocking(person.controlling, False)
    while time.monotonic() < end and len(answer) < 65537:
        readable, writable, _ = select.select([person.controlling], [person.controlling] if sent < len(data) else [], [], 1)
        if writable:
            sent += os.write(person.controlling, data[sent : sent + 512])
        if readable:
            try:
                answer += os.read(person.controlling, 65536)
            except OSError:
                break
    os.set_blocking(person.controlling, True)
    os.write(person.controlling, b"x")
    wanted = b"\xff" + data
    first = next((i for i in range(min(len(answer), len(wanted))) if answer[i] != wanted[i]), None)
    # The launcher's own question to the terminal, at the end, may come with the last piece.
    is_exact = answer[: len(wanted)] == wanted and (CLOSING + QUESTION).startswith(answer[len(wanted) :])
    tell(is_exact, "65,536 bytes of all values went in and came back", (sent, len(answer), first, answer[first or 0 :][:40], answer[len(wanted) :][:40]))
    person.end()


def stopped_and_watched():
    """A job that stops itself, and with it the launcher, is watched all the same."""
    hungry = ("import os,signal,time\nif os.fork() == 0:\n os.setsid(); time.sleep(0.5); d = bytearray(200 << 20); time.sleep(90)\n"
              "os.kill(os.getpid(), signal.SIGSTOP)\n")
    planter = ("import os,signal,time\nif os.fork() == 0:\n os.setsid(); time.sleep(0.5)\n open('HEAD','w').write('ref: refs/heads/main\\n')\n"
               " os.makedirs('objects'); os.makedirs('refs'); time.sleep(90)\nos.kill(os.getpid(), signal.SIGSTOP)\n")
    for what, code, status in [("memory", hungry, b"memory"), ("plants", planter, b"planted")]:
        person = shell()
        mark = f"#{what}-{os.getpid()}"
        person.type(f"{LAUNCHER} run --memory 64MiB -- python3 -c \"{mark}\n{code}\"\n")
        person.expect(rb"Stopped.*HOST\$ ", f"{what}: the launcher stops with its job")

        def found_inside():
            return subprocess.run(["pgrep", "-f", f"^python3 -c {mark}"], capture_output=True).stdout

        # It passes the limit half a second later, and would go on for a minute and a half.
        person.until(lambda: found_inside() == b"", 40)
        inside = found_inside()
        tell(inside == b"", f"{what}: what passed the limit meanwhile is gone", inside)
        person.type("fg\n")
        found = person.expect(rb"HOST\$ ", f"{what}: and the launcher ends")
        tell(found is not None and status in found, f"{what}: it says why", found)
        person.rest()
        tell(person.is_as_before(), f"{what}: sane")
        person.type("exit\n")
        person.end()
        subprocess.run(["rm", "-rf", "HEAD", "objects", "refs"])


def flood():
    """A storm of stops does not keep pid 1 from the wall limit, nor the person from the job."""
    code = ("import os,signal,time\nw=os.getpid()\nif os.fork() == 0:\n os.setsid()\n"
            " for i in range(3000): os.kill(w, signal.SIGCONT); os.kill(w, signal.SIGSTOP)\n time.sleep(60)\n"
            "os.kill(w, signal.SIGSTOP)\ntime.sleep(60)\n")
    person = shell()
    mark = f"#flood-{os.getpid()}"
    person.type(f"{LAUNCHER} run --timeout 8s --grace 1s -- python3 -c \"{mark}\n{code}\"\n")
    person.expect(rb"Stopped.*HOST\$ ", "stopped")

    def found_inside():
        return subprocess.run(["pgrep", "-f", f"^python3 -c {mark}"], capture_output=True).stdout

    # By itself it would be there for a minute.
    person.until(lambda: found_inside() == b"", 40)
    found = found_inside()
    tell(found == b"", "the wall limit has ended the place", found)
    person.type("fg\n")
    person.expect(rb"HOST\$ ", "the launcher ends")
    person.type("exit\n")
    person.end()


def pipelines():
    """In a pipeline the terminal is everybody's."""
    person = shell()
    person.type(f"{LAUNCHER} run -- sh -c 'echo li''ne1; sleep 0.3; echo li''ne2' | cat; echo do''ne\n")
    found = person.expect(rb"done\r\n", "ended")
    tell(found is not None and b"line1\r\nline2\r\n" in found, "lines are whole", found)
    for _ in range(3):
        person.type(f"{LAUNCHER} run -- yes | less\n")
        person.expect(rb"y\r\ny", "the pager shows it")
        person.rest()
        person.type("q")
        person.expect(rb"HOST\$ ", "the pager ended")
        person.rest(0.6)
        tell(person.is_as_before(), "sane behind a pager")
    person.type(f"sh -c '{LAUNCHER} run -- sleep 0.7 </dev/tty & sleep 0.3; {LAUNCHER} run -- sleep 1; wait'; stty -a | grep -o '.icanon'\n")
    person.expect(rb" icanon", "two launchers leave the terminal as it was")
    person.type("cat | " + f"{LAUNCHER} run -- cat | cat\n")
    person.type("piped\n")
    person.expect(rb"piped\r\n.*piped\r\n", "lines come through on both sides")
    person.type("\x04")
    person.expect(rb"HOST\$ ", "and end")
    person.type(f"{LAUNCHER} run -- cat | cat; echo en''ded\n")
    time.sleep(1)
    person.type("edi\x7fited\n")
    person.expect(rb"\r\nedited\r\n", "a line that the caller's terminal has edited")
    person.type("\x04")
    person.expect(rb"ended\r\n", "its end of a file is the job's")
    person.type("exit\n")
    person.end()


def apart():
    """The keyboard stops, goes on with and interrupts a job whose input is no terminal, as it does any other program."""
    nap = f"sleep 1{os.getpid()}"
    job = f"sh -c 'echo sta''rted >&2; exec {nap}'"

    def is_stopped():
        found = subprocess.run(["ps", "-eo", "stat,args"], capture_output=True).stdout
        return re.search(rb"(?m)^T\S* +%s$" % nap.encode(), found) is not None

    for what in [f"{job} </dev/null", f"{LAUNCHER} run -- {job} </dev/null", f"echo x | {LAUNCHER} run -- {job}",
                 f"echo x | {LAUNCHER} run -- {job} | cat", f"{LAUNCHER} run -- {job} </dev/null 2>&1 | cat",
                 f"{LAUNCHER} run -- {job} </dev/null >/dev/null", f"{LAUNCHER} run --tty -- {job} </dev/null"]:
        name = what.replace(LAUNCHER, "LAUNCHER").replace(job, "JOB")
        person = shell()
        person.type(what + "\n")
        person.expect(rb"started\r+\n", f"{name}: started")
        person.until(lambda: subprocess.run(["pgrep", "-f", f"^{nap}$"], capture_output=True).returncode == 0)
        person.type(b"\x1a")
        person.expect(rb"Stopped.*HOST\$ ", f"{name}: stopped by the keyboard")
        # Without any terminal the launcher stops alone, as with --no-tty.
        if "2>&1" not in what:
            tell(person.until(is_stopped), f"{name}: the job is stopped, too")
        person.rest()
        tell(person.is_as_before(), f"{name}: the shell has its terminal")
        person.type("fg\n")
        tell(person.until(lambda: not is_stopped()), f"{name}: it goes on")
        person.rest()
        person.type(b"\x03")
        person.expect(rb"HOST\$ ", f"{name}: interrupted")
        tell(subprocess.run(["pgrep", "-f", f"^{nap}$"], capture_output=True).returncode == 1, f"{name}: nothing is left")
        person.type("exit\n")
        person.end()


def pagers():
    """Behind a pipe the keyboard is the caller's: whoever wants keys is told at once, and does not wait for them."""
    def ends(what, command, wanted, seconds=60):
        person = shell()
        person.type(f"{command}; echo en''ded $?\n")
        found = person.wait(rb"ended \d+\r\n", seconds)
        tell(found is not None and re.search(wanted, found, re.S) is not None, what, found or person.seen[-400:])
        person.rest()
        tell(person.is_as_before(), f"{what}: sane")
        person.type("exit\n")
        person.end()

    opened = "for f in /dev/tty /dev/pts/0 /proc/self/fd/1 /proc/self/fd/2; do (read x <$f) 2>/dev/null || echo fai''led $f; done"
    everywhere = rb"failed /dev/tty.*failed /dev/pts/0.*failed /proc/self/fd/1"
    ends("no name of the terminal can be read", f"echo x | {LAUNCHER} run -- sh -c '{opened}'", everywhere)
    ends("it can be written", f"echo x | {LAUNCHER} run -- sh -c 'echo sh''own >/dev/pts/0'", rb"shown\r\n.*ended 0")
    for program in ["less", "vim -u NONE -"]:
        ends(f"{program} does not wait", f"seq 500 | {LAUNCHER} run -- {program}", rb"ended \d+")
    # It waits for a key whatever reading says; the person is not locked in.
    person = shell()
    person.type(f"seq 500 | {LAUNCHER} run -- more\n")
    person.expect(rb"--More--", "more shows its first page")
    person.type(b"\x03")
    person.expect(rb"HOST\$ ", "and ends by ^C")
    person.type("exit\n")
    person.end()
    # The control, and what is told to those who want a pager: its input by another way, or one terminal for all.
    person = shell()
    person.type(f"{LAUNCHER} run -- sh -c 'seq 500 | less'\n")
    person.expect(rb"29", "control: with the keyboard the pager shows its first page")
    person.type("q")
    person.expect(rb"HOST\$ ", "and ends by its key")
    person.type("exit\n")
    person.end()


def unread():
    """What is no keyboard cannot be waited for, and a password is not shown."""
    person = Person(run("sh", "-c", "echo here >/dev/tty; test -t 1 && echo t1; cat <&1; echo after"), streams=(1, 2))
    person.expect(rb"t1.*after", "without a keyboard there is no /dev/tty, and nothing waits for it")
    tell(person.end() == 0, "ended")
    peer_only = Person(["sh", "-c", f"exec {LAUNCHER} run -- sh -c 'read x; echo got-$?' 0>/dev/tty"])
    peer_only.expect(rb"got-1", "a keyboard that can only be written is the end of the input")
    peer_only.end()


def unowned():
    """A terminal that controls nobody."""
    controlling, peer = os.openpty()
    job = subprocess.Popen(run("sh", "-c", "cat; echo after-eof; exit 5"), stdin=peer, stdout=peer, stderr=peer)
    os.close(peer)
    # Before it has the keyboard the caller's terminal would echo it once more.
    end = time.monotonic() + 60
    while time.monotonic() < end and termios.tcgetattr(controlling)[3] & (termios.ECHO | termios.ICANON):
        time.sleep(0.01)
    os.write(controlling, b"word\r")
    time.sleep(0.5)
    os.write(controlling, b"\x04")
    seen = b""
    end = time.monotonic() + 60
    while time.monotonic() < end and b"after-eof" not in seen:
        ready, _, _ = select.select([controlling], [], [], 0.2)
        if ready:
            try:
                seen += os.read(controlling, 4096)
            except OSError:
                break
    tell(job.wait(60) == 5, "ends by itself", seen)
    tell(seen.count(b"word") == 2 and b"after-eof\r\n" in seen and b"\r\r" not in seen, "echo and answer once", seen)


def late():
    """The terminal's answer to a job's last words does not reach the shell; a slow terminal is brought back, too."""
    def answers(delay):
        """What the shell shows of it, and how long the answer took."""
        person = shell()
        person.type(f"{LAUNCHER} run -- printf 'ask\\033[c'\n")
        person.expect(rb"ask\x1b\[c", "the job asks as its last act")
        asked = person.asked
        time.sleep(delay)
        person.type("echo inj''ected\n")
        took = time.monotonic() - asked
        person.wait(rb"\x1b\[5n", 15)
        person.type(b"\x1b[0n")
        person.expect(rb"HOST\$ ", "the job has ended")
        seen = person.rest(0.7)
        person.type("exit\n")
        person.end()
        return seen, took

    def answers_much():
        """The same of a terminal that has much to answer, and how many it was; the launcher waits 0.3 s for each, five for all."""
        person = shell()
        person.type(f"{LAUNCHER} run -- sh -c 'printf \"\\033[6n%.0s\" $(seq 1500)'\n")
        seen, answered, longest, last = b"", 0, 0, None
        end = time.monotonic() + 60
        while time.monotonic() < end and not seen.endswith(PROMPT):
            seen += person.rest(0.03)
            questions = re.findall(rb"\x1b\[([56])n", seen)
            for question in questions[answered : answered + 100]:
                person.type(b"\x1b[0n" if question == b"5" else b"\x1b[7;9R")
            answered = min(answered + 100, len(questions))
            if answered:
                longest, last = max(longest, time.monotonic() - (last or time.monotonic())), time.monotonic()
        seen += person.rest(1)
        person.type("exit\n")
        person.end()
        return seen, answered, longest

    # A machine that stops for a second between question and answer shows nothing: once more then.
    for delay in (0.02, 0.1, 0.2):
        for _ in range(5):
            seen, took = answers(delay)
            if b"injected\r\n" not in seen or took < 1:
                break
        tell(b"injected\r\n" not in seen, f"an answer after {delay} s is nobody's command", seen)
    # It has much to answer, and takes its time, as long as it goes on.
    for _ in range(5):
        seen, answered, longest = answers_much()
        if answered == 1501 and b"7;9R" not in seen or longest < 0.2:
            break
    tell(answered == 1501, "all questions are answered, the launcher's behind the job's", str(answered).encode())
    tell(b"7;9R" not in seen and seen.endswith(PROMPT), "a terminal that answers for 1.5 s types nothing to the shell", (longest, seen[-200:]))
    person = Person(run("sh", "-c", "head -c 60000 /dev/zero | tr '\\0' x; printf '\\033[?1049h\\033[?25l'"))
    time.sleep(3)
    seen = b""
    end = time.monotonic() + 60
    while time.monotonic() < end and b"\x1b[?25h" not in seen:
        seen += person.rest(0.1)
    tell(seen.find(b"\x1b[?25l") < seen.find(b"\x1b[?1049l") != -1, "undone behind everything that was shown", seen[-100:])
    tell(seen.count(b"x") == 60000, "and all of it was shown", str(seen.count(b"x")).encode())
    tell(person.end() == 0 and person.is_as_before(), "and sane")
    person = Person(run("printf", "\\033[?1049h\\033[?1003h\\033[?25lx"), streams=(1, 2))
    seen = person.wait(rb"\x1b\[\?25h", 60)
    tell(seen is not None and b"\x1b[?1049l" in seen, "output alone is undone, too", seen)
    tell(b"\x1b[?1003h" not in (seen or b"\x1b[?1003h"), "the mouse types nothing where the keyboard is not the job's", seen)
    person.end()
    # Half a question for one terminal, a whole one for another: it is asked whether anything is on its way.
    person = Person(run("printf", "ask\\033]4;1;\\234;2;?\\007"))
    seen = person.wait(re.escape(QUESTION), 60)
    tell(seen is not None and seen.endswith(CLOSING + QUESTION), "what is not understood counts as asking", seen)
    tell(person.end() == 0 and person.is_as_before(), "and the terminal need not answer")


def unanswered():
    """Where an answer cannot reach the job, the terminal is asked nothing; at a stop answers are awaited as at the end."""
    questions = "printf '\\033[6n\\033[c\\033]10;?\\007\\033[1mbo''ld' >&2"
    asked = [b"\x1b[6n", b"\x1b[c", b"\x1b]10;?\x07"]
    person = shell()
    for shape, wrap in (("no keyboard", "{} </dev/null"), ("in a pipeline", "{} | cat"), ("typed by a file", "{} </dev/null")):
        options = "--tty" if shape == "typed by a file" else ""
        person.type("stty -echo; clear\n")
        person.rest()
        person.type(wrap.format(f'{LAUNCHER} run {options} -- sh -c "{questions}"') + "\n")
        seen = person.expect(rb"bold", f"{shape}: the rest is shown") or b""
        seen += person.rest(1)
        tell(not any(question in seen for question in asked), f"{shape}: the terminal is asked nothing", seen)
        tell(b"\x1b[1m" in seen, f"{shape}: what asks nothing stays", seen)
    person.type(f'sh -c "{questions}" </dev/null\n')
    seen = person.expect(rb"bold", "control: without the sandbox") or b""
    tell(all(question in seen for question in asked), "control: the terminal is asked", seen)
    person.type("stty echo\n")
    person.rest()
    for _ in range(5):
        person.type(f"{LAUNCHER} run -- sh -c \"printf 'ask\\033[c'; kill -TSTP 0; echo goes-on\"\n")
        person.expect(rb"ask\x1b\[c", "the job asks and stops")
        began = person.asked
        person.type("echo inj''ected\n")
        took = time.monotonic() - began
        tell(person.wait(rb"\x1b\[5n", 15) is not None, "its answer is awaited", person.seen[-200:])
        person.type(b"\x1b[0n")
        person.expect(rb"Stopped", "the job is stopped")
        seen = person.rest(0.7)
        if b"injected\r\n" not in seen or took < 1:
            break
        person.type("fg\n")
        person.expect(rb"goes-on\r\n.*HOST\$ ", "it goes on")
    tell(b"injected\r\n" not in seen, "the answer is nobody's command", seen)
    person.type("fg\n")
    person.expect(rb"goes-on\r\n.*HOST\$ ", "it goes on")
    person.type("exit\n")
    person.end()


def background():
    """A job that has not the keyboard asks the terminal nothing, whichever way it came into the background."""
    asks = "printf '\\033[6n\\033[21t\\033[?1003hsho''wn'"
    asked = [b"\x1b[6n", b"\x1b[21t", b"\x1b[?1003h"]
    # A job that waits for it asks only when it is where it is to be, however slow the machine is.
    go = "until test -e go; do sleep 0.1; done"

    def let_go():
        with open("go", "wb"):
            pass

    person = shell()

    def look(what, is_asked, seconds=60):
        seen = person.expect(rb"shown", f"{what}: the rest is shown", seconds) or b""
        told = [question in seen for question in asked]
        tell(all(told) if is_asked else not any(told), f"{what}: the terminal is asked {'all' if is_asked else 'nothing'}", seen)
        # Where it was asked, the launcher waits for the answers.
        person.expect(rb"HOST\$ ", f"{what}: the shell is back")
        person.rest()

    person.type("stty -echo; clear\n")
    person.rest()
    person.type(f"{LAUNCHER} run -- {asks} & wait\n")
    look("begun in the background", False)
    person.type(f'sh -c "timeout 60 {LAUNCHER} run -- {asks}; :"\n')
    look("in a group of its own", False)
    person.type(f'{LAUNCHER} run -- sh -c "echo u""p; kill -TSTP 0; {asks}"\n')
    person.expect(rb"up\r\n.*Stopped.*HOST\$ ", "it stops")
    person.type("bg; wait\n")
    look("continued in the background", False)
    person.type(f'{LAUNCHER} run -- sh -c "echo u""p; {go}; {asks}; sleep 1"\n')
    person.expect(rb"up\r\n", "it is there")
    tell(person.until(person.is_raw), "with the keyboard")
    launcher = subprocess.run(["pgrep", "-x", "codex-sandbox", "-P", str(person.pid)], capture_output=True, text=True).stdout.split()[0]
    os.kill(int(launcher), signal.SIGSTOP)
    person.expect(rb"Stopped.*HOST\$ ", "stopped from outside")
    person.type("bg; wait\n")
    let_go()
    look("stopped from outside and continued in the background", False)
    os.unlink("go")
    # Controls: in the foreground, at once and again, and without the sandbox.
    person.type(f"{LAUNCHER} run -- {asks}\n")
    look("control: in the foreground", True)
    person.type(f'{LAUNCHER} run -- sh -c "echo u""p; kill -TSTP 0; {asks}"\n')
    person.expect(rb"up\r\n.*Stopped.*HOST\$ ", "it stops")
    person.type("fg\n")
    look("control: in the foreground again", True)
    person.type(f"{asks} & wait\n")
    look("control: in the background without the sandbox", True)
    # A stop that the launcher has not known of: the keyboard is taken again.
    person.type(f'{LAUNCHER} run -- sh -c "echo u""p; {go}; {asks}"\n')
    person.expect(rb"up\r\n", "it is there")
    tell(person.until(person.is_raw), "with the keyboard")
    launcher = subprocess.run(["pgrep", "-x", "codex-sandbox", "-P", str(person.pid)], capture_output=True, text=True).stdout.split()[0]
    os.kill(int(launcher), signal.SIGSTOP)
    person.expect(rb"Stopped.*HOST\$ ", "stopped from outside")
    person.type("stty sane -echo; fg\n")
    person.until(person.is_raw)
    let_go()
    look("control: stopped from outside and in the foreground again", True)
    os.unlink("go")
    person.type("exit\n")
    person.end()
    # Somebody has set the terminal up for himself: what is typed comes to us no more, or not as it is typed.
    for what, changes in (("control: left alone", False), ("with modes of somebody else", True)):
        person = Person(run("sh", "-c", f"echo u''p; {go}; {asks}"))
        person.expect(rb"up\r\n", f"{what}: it is there")
        tell(person.until(person.is_raw), f"{what}: with the keyboard")
        if changes:
            termios.tcsetattr(person.controlling, termios.TCSANOW, person.before)
        let_go()
        seen = person.expect(rb"shown", f"{what}: the rest is shown") or b""
        told = [question in seen for question in asked]
        tell(not any(told) if changes else all(told), f"{what}: the terminal is asked {'nothing' if changes else 'all'}", seen)
        os.unlink("go")
        person.end()
    # With --tty one terminal may be typed at, and another one shown, whose answers are typed there.
    controlling, peer = os.openpty()
    person = Person(run("sh", "-c", asks, options=["--tty"]), others={1: os.ttyname(peer), 2: os.ttyname(peer)}, streams=(0,))
    os.close(peer)
    seen = b""
    while b"shown" not in seen and select.select([controlling], [], [], 60)[0]:
        seen += os.read(controlling, 1000)
    tell(b"shown" in seen and not any(question in seen for question in asked), "two terminals: the one that is shown is asked nothing", seen)
    person.end()


def silenced():
    """Pipes that lead to the caller's terminals: each is read by itself, none comes between, and what stays on is undone."""
    spoil = "\\033[?1003h\\033[?1049h\\033[>1u\\033[?25lspo" + "iled\\033]10;?\\007"
    person = Person(run("printf", spoil, options=["--no-tty"]))
    seen = person.expect(rb"spoiled.*\x1b\[\?25h", "pipes: the terminal is brought back") or b""
    tell(b"\x1b[?1049h" in seen and b"\x1b[?1049l" in seen, "pipes: from the other screen, too", seen)
    tell(not re.search(rb"\x1b\[\?1003h|\x1b\[>1u|\?\x07", seen), "pipes: what makes it type is not shown", seen)
    tell(person.end() == 0, "ended")
    person = shell()
    person.type(f"{LAUNCHER} run --no-tty -- printf '\\033[?25lspo''iled' </dev/null & wait; echo en''ded\n")
    seen = person.expect(rb"spoiled.*ended\r\n", "pipes in the background") or b""
    seen += person.rest()
    tell(b"\x1b[?25h" not in seen, "a terminal that somebody else has in the foreground is left to him", seen)
    person.type("exit\n")
    person.end()
    # stdout and stderr are one terminal by two descriptions, and it is slow.
    job = ("(head -c 60000 /dev/zero | tr '\\0' c) & for i in 1 2 3 4 5 6 7 8 9; do printf '\\033[' >&2; sleep 0.05; printf '1;31m' >&2; "
           "printf '\\033[' >&2; sleep 0.05; done; wait")
    person = Person(["sh", "-c", f'exec {LAUNCHER} run --no-tty -- sh -c "{job}" </dev/null 2>/dev/tty'])
    time.sleep(1.5)
    seen = b""
    end = time.monotonic() + 120
    while time.monotonic() < end:
        ready, _, _ = select.select([person.controlling], [], [], 60)
        try:
            piece = os.read(person.controlling, 300) if ready else b""
        except OSError:
            piece = b""
        if not piece:
            break
        seen += piece
        time.sleep(0.001)
    tell(seen.count(b"c") == 60000, "one terminal twice: nothing is lost", str(seen.count(b"c")).encode())
    begun = re.findall(rb"\x1b\[.{0,5}", seen)
    tell(begun == [b"\x1b[1;31m"] * 9 + [b"\x1b[0m"], "one terminal twice: nothing comes between a sequence and its end", begun)
    tell(person.end() == 0, "ended")
    # stdout and stderr are two.
    controlling, peer = os.openpty()
    job = "printf 'one\\033['; sleep 0.3; printf m >&2; sleep 0.3; printf 'c'; printf '\\033[1m' >&2; sleep 0.3; printf two"
    person = Person(run("sh", "-c", job, options=["--no-tty", "--quiet"]), others={2: os.ttyname(peer)}, streams=(0, 1))
    os.close(peer)
    person.expect(rb"^onetwo", "two terminals: a sequence of one does not end on the other")
    ready, _, _ = select.select([controlling], [], [], 60)
    seen = os.read(controlling, 1000) if ready else b""
    tell(seen.startswith(b"m"), "two terminals: nor does the other's begin there", seen)
    tell(person.end() == 0, "ended")


def has_ended(pid):
    """Whether a process of anybody's is gone, or is one only its parent still hears of. It may go between the two calls of a read."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] in (b"Z", b"X")
    except (FileNotFoundError, ProcessLookupError):
        return True


def state(pid):
    """proc_pid_stat(5): a letter."""
    with open(f"/proc/{pid}/stat", "rb") as file:
        return file.read().rpartition(b")")[2].split()[0].decode()


def guarded():
    """The guard: killed, missed by the launcher's name, and no trouble for others."""
    def named(name, parent):
        return subprocess.run(["pgrep", "-x", name, "-P", str(parent)], capture_output=True, text=True).stdout.split()

    person = Person(run("sleep", "100"))

    def guards():
        return named("terminal-guard", person.pid)

    tell(person.until(person.is_raw) and person.until(lambda: len(guards()) == 1), "there is one", guards())
    first = guards()
    os.kill(int(first[0]), signal.SIGKILL)
    tell(person.until(lambda: guards() not in ([], first)), "a killed one is replaced", guards())
    last = person.until(guards)
    # As `pkill -9 -x codex-sandbox` does, but for other tests' launchers.
    for victim in [str(person.pid)] + named("codex-sandbox", person.pid):
        try:
            os.kill(int(victim), signal.SIGKILL)
        except ProcessLookupError:
            pass  # gone with the first one
    tell(person.end() == 137, "killed by name")
    tell(person.until(person.is_as_before), "and sane")
    tell(person.until(lambda: has_ended(last[0])), "no guard is left", last)
    # Others' modes are others'.
    person = shell()
    person.type(f"{LAUNCHER} run -- sleep 100\n")
    tell(person.until(person.is_raw), "a job has the keyboard")
    launcher = person.until(lambda: named("codex-sandbox", person.pid))[0]
    os.kill(int(launcher), signal.SIGSTOP)
    person.expect(rb"Stopped.*HOST\$ ", "stopped from outside")
    person.type("vim -n -u NONE other.txt\n")
    person.expect(rb"other\.txt", "the shell runs an editor")
    # The name was there when it was typed.
    person.until(lambda: termios.tcgetattr(person.controlling)[3] & termios.ICANON == 0)
    person.rest()
    theirs = termios.tcgetattr(person.controlling)
    os.kill(int(launcher), signal.SIGKILL)
    time.sleep(0.5)
    tell(termios.tcgetattr(person.controlling) == theirs, "the editor's modes stay")
    person.type("\x1b:q!\r")
    person.expect(rb"HOST\$ ", "the editor ended")
    person.type("exit\n")
    person.end()


def doors():
    """Files of the kernel's are refused with --tty, too; what undoes a screen goes to screens only."""
    out = f"{FOLDER}/seen"
    for path, options in [("/proc/self/oom_score_adj", []), ("/proc/self/oom_score_adj", ["--tty"])]:
        done = subprocess.run(run("printf", "77", options=options), stdin=subprocess.DEVNULL, stdout=open(path, "w"), stderr=subprocess.PIPE)
        tell(done.returncode == 125, f"{options} {path} is refused", done.stderr)
    with open(out, "wb") as file:
        done = subprocess.run(run("printf", "\\033[?1003hx", options=["--tty"]), stdin=subprocess.DEVNULL, stdout=file)
    text = open(out, "rb").read()
    tell(text == b"\x1b[?1003hx", "a file gets the job's bytes and no others", text)


def told():
    """The record says which terminal the job had."""
    state = f"{FOLDER}/state"
    person = Person(run("stat", "-c", "%d:%i", "/dev/pts/0", options=["--state-dir", state]))
    found = person.expect(rb"(\d+:\d+)\r\n", "the job sees its own")
    person.end()
    wanted = re.search(rb"(\d+):(\d+)", found or b"0:0")
    lines = subprocess.run(f"cat {state}/evidence/*/*.jsonl", shell=True, capture_output=True).stdout
    streams = re.search(rb'"standardStreams":(\[.*?\])', lines)
    device, inode = wanted.group(1), wanted.group(2)
    text = streams.group(1) if streams else b""
    tell(text.count(b'"inode":"%s"' % inode) == 3 and text.count(b'"device":"%s"' % device) == 3 and text.count(b'"relayed":true') == 3,
         "and so does the record", (text, wanted.group()))


def two():
    """Streams on two terminals become two."""
    controlling, peer = os.openpty()
    person = Person(run("sh", "-c", "echo on $(tty <&2) >&2; tty; echo last"), others={2: os.ttyname(peer)}, streams=(0, 1))
    os.close(peer)
    person.expect(rb"/dev/pts/0\r\nlast\r\n", "stdin and stdout are the first")
    ready, _, _ = select.select([controlling], [], [], 60)
    seen = b""
    while ready and not seen.endswith(b"\n"):
        seen += os.read(controlling, 1000)
        ready, _, _ = select.select([controlling], [], [], 60)
    tell(seen == b"on /dev/pts/1\r\n", "stderr is the second", seen)
    tell(person.end() == 0, "ended")


CAPTIVE = """
import errno, fcntl, os, sys, termios
def act(name, number, argument, fd=0):
    try:
        fcntl.ioctl(fd, number, argument)
        print(name, "done")
    except OSError as error:
        print(name, errno.errorcode[error.errno])
act("TIOCSTI", termios.TIOCSTI, b"x")
act("TIOCLINUX", termios.TIOCLINUX, b"\\x02")
act("TIOCCONS", termios.TIOCCONS, 0)
act("TIOCSETD", termios.TIOCSETD, b"\\x00\\x00\\x00\\x00")
act("TIOCSCTTY", termios.TIOCSCTTY, 1)
act("TIOCSTI by name", termios.TIOCSTI, b"x", os.open("/dev/tty", os.O_RDWR))
try:
    os.close(os.open(sys.argv[1], os.O_RDWR | os.O_NOCTTY))
    print("host's", "done")
except OSError as error:
    print("host's", errno.errorcode[error.errno])
print("pts", sorted(os.listdir("/dev/pts")))
print("tty", os.ttyname(0), os.stat(0).st_dev != int(sys.argv[2]))
"""


def captive():
    """The caller's terminal stays outside, and the place's own takes no typing from the job."""
    def outcome(wrap):
        spare = os.openpty()
        # Another number than the one that the job's own has.
        controlling, peer = os.openpty()
        name, device = os.ttyname(peer), str(os.fstat(peer).st_dev)
        actor = Person(wrap("python3", "-c", CAPTIVE, name, device))
        found = actor.wait(rb"tty /dev/pts/\d+ (True|False)")
        actor.end()
        for descriptor in (peer, controlling, *spare):
            os.close(descriptor)
        return (found or actor.seen).decode()

    inside = outcome(run)
    for name in ["TIOCSTI", "TIOCLINUX", "TIOCCONS", "TIOCSETD", "TIOCSTI by name"]:
        tell(f"{name} EPERM\r\n" in inside, f"{name} is refused", inside)
    tell("TIOCSCTTY EPERM\r\n" in inside, "a terminal cannot be stolen", inside)
    tell("host's ENOENT\r\n" in inside, "the host's terminals have no name", inside)
    tell("pts ['0', 'ptmx']\r\n" in inside, "its own is the only one", inside)
    tell("tty /dev/pts/0 True" in inside, "on a file system of its own", inside)
    outside = outcome(lambda *command: list(command))
    tell("host's done\r\n" in outside and "tty /dev/pts/0 True" not in outside, "control: outside they have", outside)
    tell("TIOCSETD done\r\n" in outside, "control: a line discipline can be set outside", outside)
    legacy = open("/proc/sys/dev/tty/legacy_tiocsti").read().strip() if os.path.exists("/proc/sys/dev/tty/legacy_tiocsti") else "1"
    wanted = "TIOCSTI done" if legacy == "1" else "TIOCSTI EIO"
    tell(wanted + "\r\n" in outside, f"control: outside the host answers with {wanted}", outside)


if __name__ == "__main__":
    {name: act for name, act in globals().items() if callable(act)}[sys.argv[1]]()
