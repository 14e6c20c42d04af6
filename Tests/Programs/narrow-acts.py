"""What a process could do to another one of its sandbox: `narrow-acts.py FOLDER PID TCP UDP SHMID TTY`.

Prints `ACT ERRNO` for each, 0 where it was let through.
"""
import ctypes
import errno
import fcntl
import os
import signal
import socket
import sys
import termios

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
libc.shmat.restype = ctypes.c_void_p
folder, pid, tcp, udp, memory, terminal = sys.argv[1], *map(int, sys.argv[2:6]), sys.argv[6]


def call(number, *arguments):
    ctypes.set_errno(0)
    result = libc.syscall(ctypes.c_long(number), *(ctypes.c_long(argument) for argument in arguments))
    if result < 0:
        raise OSError(ctypes.get_errno(), "")
    return result


def attach():
    call(101, 16, pid, 0, 0)
    os.waitpid(pid, 0x40000000)
    call(101, 17, pid, 0, 0)


def read_memory():
    buffer = ctypes.create_string_buffer(8)
    with open(f"/proc/{pid}/maps") as maps:
        start = int(maps.readline().split("-")[0], 16)

    class Vector(ctypes.Structure):
        _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]

    local, remote = Vector(ctypes.addressof(buffer), 8), Vector(start, 8)
    call(310, pid, ctypes.addressof(local), 1, ctypes.addressof(remote), 1, 0)


def vector_alone():
    """process_vm_readv without /proc: EFAULT means that it was allowed."""
    class Vector(ctypes.Structure):
        _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]

    buffer = ctypes.create_string_buffer(8)
    local, remote = Vector(ctypes.addressof(buffer), 8), Vector(1, 8)
    try:
        call(310, pid, ctypes.addressof(local), 1, ctypes.addressof(remote), 1, 0)
    except OSError as error:
        if error.errno != errno.EFAULT:
            raise


def steal_descriptor():
    call(438, os.pidfd_open(pid), 0, 0)


def pidfd_signal():
    signal.pidfd_send_signal(os.pidfd_open(pid), 0)


def connect(family, address):
    with socket.socket(family) as client:
        client.connect(address)


def send():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.sendto(b"x", ("127.0.0.1", udp))


def read(path):
    with open(path, "rb") as file:
        file.read(1)


def write(path):
    with open(path, "ab") as file:
        file.write(b"x")


def attach_memory():
    ctypes.set_errno(0)
    if libc.shmat(memory, None, 0) == ctypes.c_void_p(-1).value:
        raise OSError(ctypes.get_errno(), "")


def new_queue():
    call(68, 0, 0o1600)


def limit_other():
    limits = (ctypes.c_uint64 * 2)(4000, 4000)
    call(302, pid, 7, ctypes.addressof(limits), 0)


def own_limit():
    limits = (ctypes.c_uint64 * 2)()
    call(302, 0, 7, 0, ctypes.addressof(limits))


def pair():
    left, right = socket.socketpair()
    left.send(b"x")
    right.recv(1)


def datagram():
    """Half of a pair can send to any path."""
    left, right = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    left.close()
    right.close()


def own_touch():
    descriptor = os.open(os.environ["TMPDIR"] + "/touched", os.O_WRONLY | os.O_CREAT, 0o644)
    os.utime(descriptor)
    os.close(descriptor)


def own_size():
    reader, writer = os.pipe()
    fcntl.ioctl(reader, termios.FIONREAD, b"    ")


def watch():
    descriptor = libc.inotify_init1(0)
    ctypes.set_errno(0)
    if descriptor < 0 or libc.inotify_add_watch(descriptor, b"/tmp", 0x100) < 0:
        raise OSError(ctypes.get_errno() or errno.EPERM, "")


def lease():
    descriptor = os.open(folder + "/lease", os.O_RDONLY)
    fcntl.fcntl(descriptor, 1024, fcntl.F_RDLCK)
    fcntl.fcntl(descriptor, 1024, fcntl.F_UNLCK)


word = ctypes.c_uint32(0)


def child():
    process = os.fork()
    if process == 0:
        signal.pause()
    os.kill(process, signal.SIGTERM)
    os.waitpid(process, 0)


ACTS = {
    "signal": lambda: os.kill(pid, signal.SIGUSR1),
    "signal-0": lambda: os.kill(pid, 0),
    "tgkill": lambda: call(234, pid, pid, 0),
    "pidfd-signal": pidfd_signal,
    "ptrace": attach,
    "proc-mem": lambda: os.close(os.open(f"/proc/{pid}/mem", os.O_RDONLY)),
    "proc-environ": lambda: read(f"/proc/{pid}/environ"),
    "proc-maps": lambda: read(f"/proc/{pid}/maps"),
    "proc-root": lambda: os.stat(f"/proc/{pid}/root/"),
    "proc-cwd": lambda: os.readlink(f"/proc/{pid}/cwd"),
    "proc-fd": lambda: os.readlink(f"/proc/{pid}/fd/0"),
    "proc-write": lambda: os.close(os.open(f"/proc/{pid}/coredump_filter", os.O_WRONLY)),
    "read-memory": read_memory,
    "read-vector": vector_alone,
    "steal-descriptor": steal_descriptor,
    "unix-path": lambda: connect(socket.AF_UNIX, folder + "/socket"),
    "unix-abstract": lambda: connect(socket.AF_UNIX, "\0narrow-target"),
    "tcp": lambda: connect(socket.AF_INET, ("127.0.0.1", tcp)),
    "udp": send,
    "tmp-read": lambda: read("/tmp/shared"),
    "tmp-write": lambda: write("/tmp/shared"),
    "tmp-new": lambda: write(f"/tmp/new-{os.getpid()}"),
    "tmp-list": lambda: os.listdir("/tmp"),
    "shm-write": lambda: write("/dev/shm/shared"),
    "var-tmp-write": lambda: write("/var/tmp/shared"),
    "run-write": lambda: write("/run/shared"),
    "home-read": lambda: read("/home/sandbox/shared"),
    "terminal": lambda: os.close(os.open(terminal, os.O_RDWR | os.O_NOCTTY)),
    "sysv-memory": attach_memory,
    "sysv-queue": new_queue,
    "limit-other": limit_other,
    "affinity-other": lambda: os.sched_setaffinity(pid, os.sched_getaffinity(pid)),
    "nice-other": lambda: os.setpriority(os.PRIO_PROCESS, pid, 5),
    "workspace-read": lambda: read(folder + "/file"),
    "workspace-write": lambda: write(folder + "/file"),
    "workspace-link": lambda: os.symlink("file", f"{folder}/link-{os.getpid()}"),
    "out-write": lambda: write(folder + "/out/file"),
    "own-tmp": lambda: write(os.environ["TMPDIR"] + "/mine"),
    "own-home": lambda: write(os.environ["HOME"] + "/mine"),
    "own-limit": own_limit,
    "own-pair": pair,
    "own-child": child,
    "own-proc": lambda: read("/proc/self/status"),
    "own-touch": own_touch,
    "own-terminal-size": own_size,
    "datagram-pair": datagram,
    "mode": lambda: os.chmod(folder + "/file", 0o600),
    "mode-open": lambda: os.fchmod(os.open(folder + "/file", os.O_RDONLY), 0o644),
    "mode-tmp": lambda: os.chmod("/tmp", 0o1777),
    "times": lambda: os.utime(folder + "/file"),
    "owner": lambda: os.chown(folder + "/file", -1, -1),
    "attribute": lambda: os.setxattr(folder + "/file", "user.narrow", b"x"),
    "watch": watch,
    "lease": lease,
    "notify": lambda: fcntl.fcntl(os.open(folder, os.O_RDONLY), 1026, 0x2),
    "requeue": lambda: call(202, ctypes.addressof(word), 3, 0, 0, ctypes.addressof(word), 0),
    "own-requeue": lambda: call(202, ctypes.addressof(word), 3 | 128, 0, 0, ctypes.addressof(word), 0),
    "null": lambda: write("/dev/null"),
    "random": lambda: read("/dev/urandom"),
}

for name, act in ACTS.items():
    try:
        act()
        print(name, 0)
    except OSError as error:
        print(name, errno.errorcode.get(error.errno, error.errno))
