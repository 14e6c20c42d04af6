"""What is put to the test: this project's launcher, and bubblewrap as the control that the suite can fail."""
import subprocess


class CodexSandbox:
    """The release executable under the default policy, or the one that the slot's kind has."""

    name = "codex-sandbox"

    def __init__(self, executable):
        self.executable = executable

    def command(self, slot, worker):
        return [self.executable, "run", *slot.options(), "--workspace", slot.workspace, "--", *worker]

    def main_offset(self):
        """The value of the symbol `main`: what is called before it is entered is the C runtime's and Swift's."""
        table = subprocess.run(["readelf", "-sW", self.executable], check=True, text=True, stdout=subprocess.PIPE).stdout
        return next(int(line.split()[1], 16) for line in table.splitlines() if line.endswith(" main"))

    def status_is_refusal(self, status, before_main, point):
        """Did the launcher say "nothing ran" in the words of its contract?

        125 once `main` runs; before it the runtime dies as it can; 126 and 127 belong to the worker's own execve.
        """
        if before_main:
            return status not in (0, -1)
        if point.is_worker_exec:
            return status in (125, 126, 127)
        return status == 125


class Bubblewrap:
    """bubblewrap as packaged by Debian, with the arguments of the launch benchmark."""

    name = "bwrap"

    def __init__(self, executable):
        self.executable = executable

    def command(self, slot, worker):
        return [self.executable, "--unshare-all", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc",
                "--tmpfs", "/tmp", "--chdir", slot.workspace, *worker]

    def main_offset(self):
        """0: its symbols are stripped, and its exit status is the same everywhere."""
        return 0

    def status_is_refusal(self, status, before_main, point):
        """bubblewrap has no exit status of its own for a refusal: any other than 0 counts."""
        return status not in (0, -1)

