"""hostile-trust: attempts of threat list B (what the host later trusts). Usage: hostile-trust.py NAME ARG…

The working folder is the workspace. Names are tried in every way that could put something of the job's own there."""
import ctypes
import os
import shutil
import socket
import subprocess
import sys

from attempt import act, main, say

libc = ctypes.CDLL(None, use_errno=True)


def check(result):
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def exchange(a, b):
    check(libc.renameat2(-100, a.encode(), -100, b.encode(), 2))


def prepared(beside="x"):
    """A file of the job's own, as the source of renames and links, in the folder of another."""
    folder = os.path.dirname(beside) or "."
    path = "%s/prepared-%d" % (folder, len(os.listdir(folder)))
    with open(path, "w") as file:
        file.write("by the job\n")
    return path


def put(path):
    with open(path, "w") as file:
        file.write("by the job\n")


def append(path):
    with open(path, "a") as file:
        file.write("by the job\n")


def rewrite_in_place(path):
    with open(path, "r+") as file:
        file.write("by the job\n")


def remove(path):
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)


def as_file(path):
    """Outside the acts succeed: each finds the name as the first one did. Inside there is never anything to do."""
    if not os.path.isfile(path) or os.path.islink(path):
        remove(path)
        put(path)


def as_folder(path):
    if not os.path.isdir(path) or os.path.islink(path):
        remove(path)
        os.mkdir(path)


def as_nothing(path, covered):
    if not covered:
        remove(path)


def folder(beside="x"):
    parent = os.path.dirname(beside) or "."
    path = "%s/folder-%d" % (parent, len(os.listdir(parent)))
    os.mkdir(path)
    return path


def files(*paths):
    """Files that are there and must stay as they are."""
    for path in paths:
        for name, function in (
                ("append", lambda: append(path)),
                ("put", lambda: put(path)),
                ("in_place", lambda: rewrite_in_place(path)),
                ("truncate", lambda: os.truncate(path, 0)),
                ("chmod", lambda: os.chmod(path, 0o777)),
                ("utime", lambda: os.utime(path, (1, 1))),
                ("xattr", lambda: os.setxattr(path, "user.job", b"x")),
                ("replace", lambda: os.replace(prepared(path), path)),
                ("exchange", lambda: exchange(prepared(path), path)),
                ("move_away", lambda: os.rename(path, path + "-moved")),
                ("unlink", lambda: os.unlink(path)),
                ("link_from", lambda: os.link(path, "linked-%d" % len(os.listdir("."))))):
            as_file(path)
            act(name, function)


def folders(*paths):
    """Folders that are there and must stay as they are. Each holds a file "kept"."""
    for path in paths:
        for name, function in (
                ("create", lambda: put(path + "/pre-commit")),
                ("mkdir", lambda: os.mkdir(path + "/new-folder")),
                ("symlink", lambda: os.symlink("/bin/sh", path + "/post-commit")),
                ("move_in", lambda: os.rename(prepared(), path + "/moved")),
                ("link_in", lambda: os.link(prepared(), path + "/linked")),
                ("chmod", lambda: os.chmod(path, 0o755)),
                ("utime", lambda: os.utime(path, (1, 1))),
                ("unlink_below", lambda: os.unlink(path + "/kept")),
                ("move_away", lambda: os.rename(path, path + "-moved")),
                ("exchange", lambda: exchange(folder(path), path)),
                ("replace", lambda: os.rename(folder(path), path)),
                ("rmdir", lambda: os.rmdir(path))):
            as_folder(path)
            act(name, function)


def moves(*paths):
    """Folders that may be written but not moved or replaced."""
    for path in paths:
        for name, function in (
                ("move_away", lambda: os.rename(path, path + "-moved")),
                ("exchange", lambda: exchange(folder(path), path)),
                ("replace", lambda: os.rename(folder(path), path)),
                ("rmdir", lambda: os.rmdir(path))):
            as_folder(path)
            act(name, function)


def missing(covered, *paths):
    """Names that are not there and must not be made; "covered" leaves alone what stands in their place."""
    covered = covered == "covered"
    for path in paths:
        for name, function in (
                ("create", lambda: put(path)),
                ("exclusive", lambda: os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))),
                ("mkdir", lambda: os.mkdir(path)),
                ("symlink", lambda: os.symlink("elsewhere", path)),
                ("link", lambda: os.link(prepared(), path)),
                ("rename", lambda: os.rename(prepared(), path)),
                ("rename_folder", lambda: os.rename(folder(path), path)),
                ("mkfifo", lambda: os.mkfifo(path)),
                ("bind", lambda: socket.socket(socket.AF_UNIX).bind(path))):
            as_nothing(path, covered)
            act(name, function)
        for name, function in (
                ("below", lambda: put(path + "/config.toml")),
                ("exchange", lambda: exchange(folder(path), path)),
                ("move_away", lambda: os.rename(path, path + "-moved")),
                ("rmdir", lambda: os.rmdir(path))):
            if not covered:
                remove(path)
                os.mkdir(path)
            act(name, function)
        as_nothing(path, covered)


def workspace(path):
    """The workspace itself."""
    put("something")
    act("rmdir", os.rmdir, path)
    act("beside", put, path + "-beside")
    act("above", put, os.path.dirname(path) + "/above")
    act("move", os.rename, path, path + "-moved")


def git_config():
    """git's own way of writing its settings."""
    for words in (["core.fsmonitor", "./evil"], ["core.hooksPath", "evil"], ["core.sshCommand", "./evil"]):
        result = subprocess.run(["git", "config"] + words, capture_output=True, text=True)
        say("git_config=%s" % ("ok" if result.returncode == 0 else "refused"))
        sys.stderr.write(result.stderr)


def settings(*paths):
    """The user's own settings and records, wherever the caller keeps them."""
    for path in paths:
        act("read", lambda: open(path).close())
        act("write", append, path)


main({"files": files, "folders": folders, "moves": moves, "missing": missing, "workspace": workspace,
      "git-config": git_config, "settings": settings})
