"""The host's side of tests about standard streams: gives a command something as a stream, and says what became of it.

    stream-host.py memory COMMAND…    a memory file, open for reading only, as standard input
    stream-host.py deleted COMMAND…   the same with a file that has no name any more, in the current folder
    stream-host.py socket COMMAND…    one end of a socket pair as input, output and errors; nobody reads the other
    stream-host.py terminal COMMAND…  a terminal that nobody reads, with room for a part of a line, for errors
"""

import fcntl
import os
import pty
import socket
import subprocess
import sys
import time

KEPT = b"kept by the host\n"


def file_without_a_name(kind):
    if kind == "memory":
        return os.memfd_create("stream-host", os.MFD_CLOEXEC)
    number = os.open("deleted", os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    os.unlink("deleted")
    return number


def give_file(kind, command):
    number = file_without_a_name(kind)
    os.fchmod(number, 0o666)
    os.write(number, KEPT)
    reading = os.open(f"/proc/self/fd/{number}", os.O_RDONLY | os.O_CLOEXEC)
    status = subprocess.run(command, stdin=reading).returncode
    content = os.pread(number, 4096, 0)
    print("status=%d" % status)
    print("content=" + ("kept" if content == KEPT else "changed"), flush=True)


def give_socket(command):
    ours, theirs = socket.socketpair()
    before = fcntl.fcntl(theirs, fcntl.F_GETFL)
    job = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs)
    while not os.path.exists("go-on") and job.poll() is None:
        pass
    print("flags=" + ("same" if fcntl.fcntl(theirs, fcntl.F_GETFL) == before else "changed"))
    theirs.close()
    ours.shutdown(socket.SHUT_WR)
    received = b""
    while piece := ours.recv(65536):
        received += piece
    print("status=%d" % job.wait())
    print("received=%d" % len(received), flush=True)


def terminal(most):
    ours, theirs = pty.openpty()
    os.set_blocking(theirs, False)
    count, full = 0, 0
    while count < most and full < 10:
        try:
            count += os.write(theirs, b"x" * min(64, most - count))
            full = 0
        except BlockingIOError:
            # The other end takes some by itself, as soon as the kernel gets to it.
            full += 1
            time.sleep(0.1)
    os.set_blocking(theirs, True)
    return ours, theirs, count


def become_with_terminal(command):
    size = terminal(1 << 30)[2]
    ours, theirs, _ = terminal(size - 160)
    os.set_inheritable(ours, True)
    os.dup2(theirs, 2)
    os.execv(command[0], command)


if sys.argv[1] == "socket":
    give_socket(sys.argv[2:])
elif sys.argv[1] == "terminal":
    become_with_terminal(sys.argv[2:])
else:
    give_file(sys.argv[1], sys.argv[2:])
