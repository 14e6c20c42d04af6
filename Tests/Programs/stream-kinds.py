"""The host's side of the test about kinds of standard streams: gives a command one stream of a kind.

    stream-kinds.py KIND NUMBER COMMAND…

What it makes it makes in the folder `../outside`, which no job sees.

Lines: identity=DEVICE:INODE of what is given, during=same|changed for its status flags while the command waits (it makes
a file `up` in the current folder, and goes on when there is a file `go`), after=same|changed, status=N, received=TEXT for
what came out of the other end, content=TEXT for what is in a file afterwards. A kind that this host cannot make is an
error, exit status 3, never left out.
"""

import ctypes
import fcntl
import os
import select
import socket
import subprocess
import sys
import time

KEPT = b"kept by the host\n"
# Character devices that are neither terminals nor harmless; one of them is on every host.
DEVICES = ["/dev/fuse", "/dev/net/tun", "/dev/kvm", "/dev/kmsg", "/dev/loop-control", "/dev/autofs", "/dev/vsock",
           "/dev/mem", "/dev/hpet", "/dev/cpu_dma_latency", "/dev/userfaultfd", "/dev/vhost-net", "/dev/uinput"]
OUTSIDE = "../outside/"
libc = ctypes.CDLL(None, use_errno=True)


class Given:
    """`number`: what the command gets; `other`: a socket or descriptor at its other end; `content`: of a file."""

    def __init__(self, number, other=None, content=None):
        self.number, self.other, self.content = number, other, content


def called(result, what):
    if result < 0:
        raise OSError(ctypes.get_errno(), what)
    return result


def file(flags, name="kept", text=KEPT):
    with open(OUTSIDE + name, "wb") as created:
        created.write(text)
    os.chmod(OUTSIDE + name, 0o666)
    return Given(os.open(OUTSIDE + name, flags), content=os.open(OUTSIDE + name, os.O_RDONLY))


def unnamed(flags, kind):
    if kind == "memory":
        holder = os.memfd_create("stream-kinds")
    elif kind == "unlinked":
        holder = os.open(OUTSIDE + "unlinked", os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        os.unlink(OUTSIDE + "unlinked")
    else:
        holder = os.open(OUTSIDE, os.O_RDWR | os.O_TMPFILE, 0o666)
    os.fchmod(holder, 0o666)
    os.write(holder, KEPT)
    return Given(os.open(f"/proc/self/fd/{holder}", flags), content=holder)


def pair(family, kind):
    if family == socket.AF_UNIX:
        ours, theirs = socket.socketpair(family, kind)
    elif kind == socket.SOCK_STREAM:
        listener = socket.create_server(("127.0.0.1", 0))
        theirs = socket.create_connection(listener.getsockname())
        ours = listener.accept()[0]
    else:
        ours, theirs = socket.socket(family, kind), socket.socket(family, kind)
        ours.bind(("127.0.0.1", 0))
        theirs.bind(("127.0.0.1", 0))
        ours.connect(theirs.getsockname())
        theirs.connect(ours.getsockname())
    ours.send(KEPT)
    return Given(theirs.detach(), other=ours.detach())


def pipe(end, flags=0):
    reading, writing = os.pipe2(flags)
    os.write(writing, KEPT)
    return Given(reading if end == "read" else writing, other=writing if end == "read" else reading)


def fifo():
    os.mkfifo(OUTSIDE + "fifo", 0o666)
    number = os.open(OUTSIDE + "fifo", os.O_RDWR)
    os.write(number, KEPT)
    return Given(number)


def device():
    for path in DEVICES:
        for flags in (os.O_RDWR, os.O_RDONLY, os.O_WRONLY):
            try:
                return Given(os.open(path, flags | os.O_NONBLOCK))
            except OSError:
                pass
    raise OSError(2, f"none of these devices can be opened here: {DEVICES}")


def block_device():
    for name in sorted(os.listdir("/sys/class/block")):
        with open(f"/sys/class/block/{name}/dev", encoding="ascii") as numbers:
            major, minor = map(int, numbers.read().split(":"))
        try:
            os.mknod(OUTSIDE + name, 0o060666, os.makedev(major, minor))
            return Given(os.open(OUTSIDE + name, os.O_RDONLY))
        except OSError:
            pass
    raise OSError(2, "no block device can be opened here")


def message_queue():
    queue = f"/stream-kinds-{os.getpid()}".encode()
    number = called(libc.mq_open(queue, os.O_RDWR | os.O_CREAT, 0o666, None), "mq_open")
    libc.mq_unlink(queue)
    return Given(number)


def terminal_side(which):
    ours, theirs = os.openpty()
    return Given(ours if which == "master" else theirs, other=theirs if which == "master" else ours)


def listener():
    listening = socket.create_server(("127.0.0.1", 0))
    return Given(listening.detach())


KINDS = {
    "folder": lambda: Given(os.open(OUTSIDE, os.O_RDONLY | os.O_DIRECTORY)),
    "path-file": lambda: Given(os.open("/etc/passwd", os.O_PATH)),
    "path-folder": lambda: Given(os.open("/", os.O_PATH | os.O_DIRECTORY)),
    "unix-stream": lambda: pair(socket.AF_UNIX, socket.SOCK_STREAM),
    "unix-datagram": lambda: pair(socket.AF_UNIX, socket.SOCK_DGRAM),
    "unix-packets": lambda: pair(socket.AF_UNIX, socket.SOCK_SEQPACKET),
    "tcp": lambda: pair(socket.AF_INET, socket.SOCK_STREAM),
    "udp": lambda: pair(socket.AF_INET, socket.SOCK_DGRAM),
    "listener": listener,
    "pipe-read": lambda: pipe("read"),
    "pipe-write": lambda: pipe("write"),
    "pipe-packets": lambda: pipe("read", os.O_DIRECT),
    "fifo-both": fifo,
    "file-read": lambda: file(os.O_RDONLY),
    "file-write": lambda: file(os.O_WRONLY),
    "file-both": lambda: file(os.O_RDWR),
    "file-append": lambda: file(os.O_WRONLY | os.O_APPEND),
    "unlinked-read": lambda: unnamed(os.O_RDONLY, "unlinked"),
    "unlinked-both": lambda: unnamed(os.O_RDWR, "unlinked"),
    "memory-read": lambda: unnamed(os.O_RDONLY, "memory"),
    "memory-both": lambda: unnamed(os.O_RDWR, "memory"),
    "temporary-both": lambda: unnamed(os.O_RDWR, "temporary"),
    "eventfd": lambda: Given(called(libc.eventfd(1, 0), "eventfd")),
    "timerfd": lambda: Given(called(libc.timerfd_create(1, 0), "timerfd_create")),
    "inotify": lambda: Given(called(libc.inotify_init1(0), "inotify_init1")),
    "epoll": lambda: Given(called(libc.epoll_create1(0), "epoll_create1")),
    "pidfd": lambda: Given(os.pidfd_open(os.getpid())),
    "landlock": lambda: Given(called(libc.syscall(444, ctypes.byref(ctypes.c_uint64(1)), 8, 0), "landlock")),
    "queue": message_queue,
    "namespace": lambda: Given(os.open("/proc/self/ns/net", os.O_RDONLY)),
    "proc-read": lambda: Given(os.open("/proc/version", os.O_RDONLY)),
    "proc-both": lambda: Given(os.open("/proc/self/oom_score_adj", os.O_RDWR)),
    "sys": lambda: Given(os.open("/sys/kernel/uevent_seqnum", os.O_RDONLY)),
    "null": lambda: Given(os.open("/dev/null", os.O_RDWR)),
    "zero": lambda: Given(os.open("/dev/zero", os.O_RDWR)),
    "device": device,
    "block": block_device,
    "terminal": lambda: terminal_side("slave"),
    "terminal-master": lambda: terminal_side("master"),
    "closed": lambda: None,
}


def flags_of(given):
    return fcntl.fcntl(given.number, fcntl.F_GETFL)


def received(given):
    """What is at the other end, or in the file; empty where there is nothing to be read."""
    if given.content is not None:
        return "content=" + repr(os.pread(given.content, 4096, 0))
    if given.other is None:
        return "received="
    text = b""
    os.set_blocking(given.other, False)
    try:
        while select.select([given.other], [], [], 0.05)[0]:
            piece = os.read(given.other, 4096)
            if not piece:
                break
            text += piece
    except OSError:
        pass  # the other direction only, or gone
    return "received=" + repr(text)


def main():
    kind, number, command = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
    try:
        given = KINDS[kind]()
    except OSError as error:
        print(f"stream-kinds: {kind}: {error}", file=sys.stderr)
        sys.exit(3)

    def arrange():
        if given is None:
            os.close(number)
        else:
            os.dup2(given.number, number)

    if given is not None:
        found = os.fstat(given.number)
        print(f"identity={found.st_dev}:{found.st_ino}", flush=True)
        before = flags_of(given)
    job = subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=arrange)
    while job.poll() is None and not os.path.exists("up"):
        time.sleep(0.01)
    if given is not None:
        print("during=" + ("same" if flags_of(given) == before else "changed"))
    with open("go", "w", encoding="ascii"):
        pass
    print("status=%d" % job.wait())
    if given is not None:
        print("after=" + ("same" if flags_of(given) == before else "changed"))
        os.set_blocking(given.number, True)
        print(received(given), flush=True)


main()
