"""A slot: everything one launch at a time touches, so that what it leaves behind can be seen."""
import fcntl
import json
import os
import re
import time
import select
import shutil
import signal
import socket
import struct
import subprocess
import termios
import threading

SECRET = "fault-suite-canary-7f3a"

# A project that narrows: fewer processes, a file that nobody inside may read, a further name that nobody may write.
PROJECT = """version = 1
[limits]
tasks = 77
[filesystem]
deny_globs = ["**/closed"]
protect = ["guarded"]
"""


class Slot:
    """Folders, host-side canaries and the unchanging standard descriptors of one line of launches."""

    FOLDERS = "folders of launches in /tmp"

    def __init__(self, base, number, uid, owner, tools, kind="plain", cold=False):
        """`uid`: who launches; `owner`: whose workspace it is; `tools`: the compiled injector and probe.

        `kind`: plain; terminal: standard input and output are a terminal; project: the workspace has a policy of its own;
        landlock-only: the profile of that name.
        `cold`: every launch starts without a compiled policy.
        """
        self.uid, self.owner, self.tools, self.kind, self.cold = uid, owner, tools, kind, cold
        self.shown = ""
        self.folder = os.path.join(base, f"slot{number}")
        os.mkdir(self.folder, 0o755)
        # No umask of the caller decides who can get here.
        os.chmod(self.folder, 0o755)
        self.home, self.tmp = self._folder("home", uid), self._folder("tmp", uid)
        self.state = self._folder("state", uid)
        self.cache = os.path.join(self.state, "cache")
        self.workspace = os.path.join(self.folder, "workspace")
        self.secret = os.path.join(self.home, "secret")
        self._write(self.secret, SECRET, uid)
        self.out, self.err = self._file("out"), self._file("err")
        self.report, self.trace, self.strace = self._file("report"), self._file("trace"), self._file("strace")
        self.make_workspace()
        self.tcp = socket.create_server(("127.0.0.1", 0))
        self.abstract_name = f"codex-sandbox-fault-suite-{os.getpid()}-{number}"
        self.abstract = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.abstract.bind("\0" + self.abstract_name)
        self.abstract.listen()
        # Descriptors that a launcher must not hand on: a folder, a secret open for reading, a listener.
        self.given = [os.open("/", os.O_RDONLY | os.O_DIRECTORY), os.open(self.secret, os.O_RDWR), self.tcp.fileno()]

    def _folder(self, name, uid):
        path = os.path.join(self.folder, name)
        os.mkdir(path, 0o700)
        os.chown(path, uid, uid)
        return path

    def _file(self, name):
        path = os.path.join(self.folder, name)
        self._write(path, "", self.uid)
        return path

    @staticmethod
    def _write(path, text, uid):
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chown(path, uid, uid)

    def make_workspace(self):
        """A repository with protected names, some there and some missing; the worker's executable beside them."""
        shutil.rmtree(self.workspace, ignore_errors=True)
        os.mkdir(self.workspace)
        shutil.copy2(self.tools.probe, os.path.join(self.workspace, "probe"))
        git = ["git", "-c", "init.defaultBranch=main", "-c", "user.name=a", "-c", "user.email=a@example.invalid",
               "-C", self.workspace]
        # Fixed dates: a workspace made again has the same objects.
        date = "2000-01-01T00:00:00Z"
        quiet = {"check": True, "stdout": subprocess.DEVNULL,
                 "env": {"PATH": os.environ["PATH"], "HOME": self.home, "GIT_CONFIG_NOSYSTEM": "1",
                         "GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}}
        subprocess.run([*git, "init", "-q", "--template="], **quiet)
        os.mkdir(os.path.join(self.workspace, ".git", "hooks"))
        os.mkdir(os.path.join(self.workspace, ".vscode"))
        with open(os.path.join(self.workspace, "file"), "w", encoding="utf-8") as file:
            file.write("text\n")
        if self.kind == "project":
            with open(os.path.join(self.workspace, ".codex-sandbox.toml"), "w", encoding="utf-8") as file:
                file.write(PROJECT)
            with open(os.path.join(self.workspace, "closed"), "w", encoding="utf-8") as file:
                file.write(SECRET + "\n")
        subprocess.run([*git, "add", "file"], **quiet)
        subprocess.run([*git, "commit", "-qm", "first"], **quiet)
        for folder, _, files in os.walk(self.workspace):
            for path in [folder, *(os.path.join(folder, name) for name in files)]:
                os.chown(path, self.owner, self.owner, follow_symlinks=False)

    def options(self):
        """Of `run`, for this kind of launch."""
        return ["--policy", self.kind] if self.kind == "landlock-only" else []

    @property
    def worker(self):
        return os.path.join(self.workspace, "probe")

    def environment(self):
        """Small, with values that no process inside may be able to read."""
        return {"PATH": "/usr/bin:/bin", "HOME": self.home, "TMPDIR": self.tmp, "LANG": "C.UTF-8",
                "XDG_STATE_HOME": self.state, "XDG_CACHE_HOME": self.cache,
                "XDG_CONFIG_HOME": os.path.join(self.state, "config"), "TERM": "xterm",
                "CANARY_TOKEN": SECRET, "SSH_AUTH_SOCK": os.path.join(self.home, "agent")}

    def run(self, command, limit):
        """Runs `command` as this slot's user with its standard descriptors; returns its exit status, None if it hung.

        Output goes to the same two files every time: a pipe would have another identity in each launch.
        """
        if self.cold:
            self.forget_cache()
        identity = {"user": self.uid, "group": self.uid, "extra_groups": []} if os.getuid() == 0 and self.uid else {}
        if self.kind == "terminal":
            return self._run_at_terminal(command, limit, identity)
        with open(self.out, "r+b", buffering=0) as out, open(self.err, "r+b", buffering=0) as err:
            out.truncate(0)
            err.truncate(0)
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, cwd=self.workspace,
                                       env=self.environment(), pass_fds=self.given, start_new_session=True, **identity)
            try:
                return process.wait(limit)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                return None

    def _run_at_terminal(self, command, limit, identity):
        """The same with a terminal as standard input and output, which is the command's controlling one."""
        ours, theirs = os.openpty()
        os.fchown(theirs, self.uid, -1)
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        ended, pieces = threading.Event(), []

        def read():
            while True:
                ready = select.select([ours], [], [], 0.05)[0]
                if not ready and ended.is_set():
                    return
                try:
                    piece = os.read(ours, 65536) if ready else b"-"
                except OSError:
                    return  # EIO: the last process with the other end has gone
                if ready:
                    pieces.append(piece)

        reader = threading.Thread(target=read)
        try:
            with open(self.err, "r+b", buffering=0) as err:
                err.truncate(0)
                process = subprocess.Popen(
                    command, stdin=theirs, stdout=theirs, stderr=err, cwd=self.workspace, env=self.environment(),
                    pass_fds=self.given, start_new_session=True,
                    preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0), **identity)
                os.close(theirs)
                reader.start()
                try:
                    return process.wait(limit)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
                    return None
        finally:
            ended.set()
            reader.join()
            os.close(ours)
            self.shown = b"".join(pieces).decode("utf-8", "surrogateescape").replace("\r\n", "\n")

    def output(self):
        if self.kind == "terminal":
            return self.shown
        with open(self.out, encoding="utf-8", errors="surrogateescape") as file:
            return file.read()

    def errors(self):
        with open(self.err, encoding="utf-8", errors="backslashreplace") as file:
            return file.read()

    def read_report(self):
        with open(self.report, encoding="utf-8") as file:
            return json.load(file)

    def worker_command(self):
        """The probe with what it has to compare; asked outside, as this user, with these descriptors."""
        answers = []
        for question in ("--print-namespaces", "--print-descriptors"):
            if self.run([self.worker, question], 60) != 0:
                raise RuntimeError(f"the probe cannot run outside: {self.errors()}")
            answers.append(self.output().strip())
        # A terminal inside is another in each launch; whether it is the place's, the properties of descriptors say.
        identity = [] if self.kind == "terminal" else ["--descriptors", answers[1]]
        return [self.worker, "--host-namespaces", answers[0], *identity, "--secret", self.secret,
                "--tcp", str(self.tcp.getsockname()[1]), "--abstract", self.abstract_name]

    def snapshot(self):
        """What a launch may not change: workspace, home and temp folder by name, type and mode; mounts of the host."""
        seen = {}
        for top in (self.workspace, self.home, self.tmp):
            for folder, folders, files in os.walk(top):
                for name in [*folders, *files]:
                    path = os.path.join(folder, name)
                    state = os.lstat(path)
                    seen[path] = f"{state.st_mode:o} {state.st_uid} {0 if name in folders else state.st_size}"
        # The folder of a launch without namespaces; its name is another each time.
        if self.kind == "landlock-only":
            seen[self.FOLDERS] = str([sorted(os.listdir(path)) for path in self.launch_folders()])
        with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as table:
            for line in table:
                if self.folder in line or "codex-sandbox" in line.split()[4]:
                    seen["mount " + line.split()[4]] = "mounted"
        return seen

    def launch_folders(self):
        """Folders of launches in the profile landlock-only, of this slot's user and without a launcher that holds their lock."""
        found = []
        for name in os.listdir("/tmp"):
            path = os.path.join("/tmp", name)
            if not re.fullmatch("codex-sandbox-......", name):
                continue
            try:
                status = os.lstat(path)
                if status.st_uid != self.uid or status.st_mode & 0o7777 != 0o1700:
                    continue
                folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            except OSError:
                continue  # it is gone, or none
            try:
                fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
                # One that was just made has no mark yet: a launch leaves it for two seconds, and then takes it away.
                if os.listdir(folder) or time.time() - os.fstat(folder).st_mtime > 120:
                    found.append(path)
            except BlockingIOError:
                pass
            finally:
                os.close(folder)
        return found

    def remove_core(self):
        """The soil allows core dumps, and the C runtime may crash before the launcher can forbid them."""
        path = os.path.join(self.workspace, "core")
        if os.path.exists(path):
            os.unlink(path)

    def forget_cache(self):
        """The next launch finds no compiled policy."""
        shutil.rmtree(self.cache, ignore_errors=True)

    def close(self):
        self.tcp.close()
        self.abstract.close()
        for fd in self.given[:2]:
            os.close(fd)
        if self.kind == "landlock-only" and os.getuid() == 0:
            # The user is this slot's own (see __main__.make_slot).
            for path in self.launch_folders():
                shutil.rmtree(path, ignore_errors=True)
