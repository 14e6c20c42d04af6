"""A process of a sandbox that others may try to act through: `narrow-target.py FOLDER`.

Lets itself be traced, listens on a socket in FOLDER, on an abstract one, on TCP and UDP, shares files and System V memory,
prints `ready PID TCP UDP SHMID` and stays until standard input ends.
"""
import ctypes
import os
import signal
import socket
import sys

libc = ctypes.CDLL(None, use_errno=True)
folder = sys.argv[1]
libc.prctl(0x59616D61, ctypes.c_ulong(-1), 0, 0, 0)  # PR_SET_PTRACER_ANY
signal.signal(signal.SIGUSR1, lambda *_: None)

named = socket.socket(socket.AF_UNIX)
named.bind(folder + "/socket")
named.listen(8)
abstract = socket.socket(socket.AF_UNIX)
abstract.bind("\0narrow-target")
abstract.listen(8)
tcp = socket.create_server(("127.0.0.1", 0))
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind(("127.0.0.1", 0))
for path in ["/tmp/shared", "/dev/shm/shared", "/var/tmp/shared", "/run/shared", "/home/sandbox/shared"]:
    with open(path, "w") as file:
        file.write("shared")
master, terminal = os.openpty()
libc.shmget.restype = ctypes.c_int
memory = libc.shmget(4711, 4096, 0o1600)
print("ready", os.getpid(), tcp.getsockname()[1], udp.getsockname()[1], memory, os.ttyname(terminal), flush=True)
sys.stdin.read()
