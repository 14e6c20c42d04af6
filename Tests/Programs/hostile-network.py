"""hostile-network: attempts of threat list E (IPC and network). Usage: hostile-network.py NAME ARG…"""
import ctypes
import os
import socket
import stat
import struct
import sys

from attempt import act, main, say, word

MESSAGE = b"sent by the job"
libc = ctypes.CDLL(None, use_errno=True)


def check(result):
    if result < 0 or result == ctypes.c_void_p(-1).value:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def send_stream(family, address, protocol=0, kind=socket.SOCK_STREAM):
    with socket.socket(family, kind, protocol) as s:
        s.settimeout(2)
        s.connect(address)
        s.sendall(MESSAGE)


def send_datagram(family, address, protocol=0):
    with socket.socket(family, socket.SOCK_DGRAM, protocol) as s:
        s.settimeout(2)
        s.sendto(MESSAGE, address)


def tcp(port):
    """A listener on the host's loopback, under each name it has."""
    act("ipv4", send_stream, socket.AF_INET, ("127.0.0.1", int(port)))
    act("ipv4_zero", send_stream, socket.AF_INET, ("0.0.0.0", int(port)))
    act("ipv4_other", send_stream, socket.AF_INET, ("127.1.2.3", int(port)))
    act("ipv6_mapped", send_stream, socket.AF_INET6, ("::ffff:127.0.0.1", int(port)))


def tcp6(port):
    act("ipv6", send_stream, socket.AF_INET6, ("::1", int(port)))


def host_address(port, address):
    """The host by its own address in a network."""
    act("tcp", send_stream, socket.AF_INET, (address, int(port)))


def udp(port):
    """Sending succeeds on the job's own loopback too: only the listener knows."""
    act("udp", send_datagram, socket.AF_INET, ("127.0.0.1", int(port)))
    act("udp_zero", send_datagram, socket.AF_INET, ("0.0.0.0", int(port)))


def routes():
    """connect(2) on UDP sends nothing: it says whether there is a way to go."""
    def route(family, address):
        with socket.socket(family, socket.SOCK_DGRAM) as s:
            s.connect((address, 9))
    act("documentation", route, socket.AF_INET, "192.0.2.1")
    act("private", route, socket.AF_INET, "10.1.2.3")


def metadata():
    """The address at which clouds answer; UDP connect again, so nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        act("metadata", s.connect, ("169.254.169.254", 80))


def others(port):
    """What Landlock's TCP rules do not see."""
    def fast_open():
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as s:
            s.sendto(MESSAGE, 0x20000000, ("127.0.0.1", int(port)))  # MSG_FASTOPEN
    act("fast_open", fast_open)
    act("mptcp", send_stream, socket.AF_INET, ("127.0.0.1", int(port)), 262)


def ping():
    def echo():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP) as s:
            s.settimeout(2)
            s.sendto(struct.pack("!BBHHH", 8, 0, 0, 0, 0), ("127.0.0.1", 0))
    act("icmp", echo)


def abstract(stream, datagram, sequence):
    act("stream", send_stream, socket.AF_UNIX, "\0" + stream)
    act("datagram", send_datagram, socket.AF_UNIX, "\0" + datagram)
    act("sequence", send_stream, socket.AF_UNIX, "\0" + sequence, 0, socket.SOCK_SEQPACKET)


def pathname(path):
    act("connect", send_stream, socket.AF_UNIX, path)


def listed():
    """Abstract names of others can be listed where the network namespace is shared."""
    with open("/proc/net/unix") as file:
        names = [line.split()[-1] for line in file][1:]
    say("names=%s" % ("ok" if names else "none"))


def sockets(*roots):
    """Every socket file that can be seen."""
    count = 0
    for root in roots:
        for folder, names, files in os.walk(root):
            if folder.startswith("/proc"):
                names[:] = []
                continue
            for name in files:
                try:
                    if stat.S_ISSOCK(os.lstat(os.path.join(folder, name)).st_mode):
                        count += 1
                        say("socket " + os.path.join(folder, name))
                except OSError:
                    pass
    say("sockets=%s" % ("ok" if count else "none"))
    for name in ("SSH_AUTH_SOCK", "DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR", "DISPLAY", "WAYLAND_DISPLAY",
                 "GPG_AGENT_INFO", "NOTIFY_SOCKET", "DOCKER_HOST"):
        if name in os.environ:
            say("named=ok")
            say("name " + name)


def sysv(shm, queue, semaphore):
    """The identifiers are those of the host."""
    libc.shmat.restype = ctypes.c_void_p

    def attach():
        address = check(libc.shmat(int(shm), None, 0))
        say("seen " + ctypes.string_at(address, 64).split(b"\0")[0].decode("ascii", "replace"))
        ctypes.memmove(address, b"overwritten", 11)
    act("shm", attach)
    act("queue", lambda: check(libc.msgsnd(int(queue), struct.pack("l", 1) + b"job", 3, 0o4000)))
    act("semaphore", lambda: check(libc.semctl(int(semaphore), 0, 16, 7)))  # SETVAL


def message_queue(name):
    libc.syscall.restype = ctypes.c_long
    act("open", lambda: check(libc.syscall(240, name.lstrip("/").encode(), os.O_RDWR, 0, None)))  # mq_open


def posix_shm(name):
    def read():
        with open("/dev/shm/" + name.lstrip("/")) as file:
            say("seen " + file.read())
    act("open", read)


def families():
    """Each address family but UNIX, INET, INET6 and NETLINK; each netlink protocol but ROUTE."""
    allowed = {1: 1, 2: 1, 10: 1, 16: 1}
    for family in range(3, 47):
        if family in allowed:
            continue
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW, socket.SOCK_SEQPACKET):
            try:
                libc_socket(family, kind, 0)
                say("family=ok")
                say("opened %d" % family)
            except OSError as error:
                say("family=%s" % word(error))
    for protocol in range(1, 23):
        try:
            libc_socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol)
            say("netlink=ok")
        except OSError as error:
            say("netlink=%s" % word(error))


def libc_socket(family, kind, protocol):
    os.close(check(libc.socket(family, kind, protocol)))


def raw_sockets():
    """The control is a root of its own namespaces."""
    act("packet", libc_socket, 17, socket.SOCK_RAW, 0)
    act("icmp_raw", libc_socket, socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)


def pairs():
    pair = (ctypes.c_int * 2)()
    act("unix", lambda: check(libc.socketpair(1, 1, 0, pair)))
    act("tipc", lambda: check(libc.socketpair(30, 1, 0, pair)))


def high_bits():
    """The kernel looks at 32 bits of the family; a filter that compares 64 lets this through."""
    libc.syscall.restype = ctypes.c_long
    act("vsock", lambda: os.close(check(libc.syscall(41, ctypes.c_long(40 | 1 << 32), ctypes.c_long(1), 0))))
    act("netlink_audit", lambda: os.close(check(libc.syscall(
        41, ctypes.c_long(16 | 1 << 32), ctypes.c_long(3), ctypes.c_long(9)))))


def listen(kind):
    """Waits for the host to knock; says the port, ends when its input ends."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as s:
        s.bind(("0.0.0.0" if kind == "any" else "127.0.0.1", 0))
        s.listen()
        say("port %d" % s.getsockname()[1])
        sys.stdin.buffer.read()
        s.settimeout(0)
        try:
            s.accept()
            say("inbound=ok")
        except OSError as error:
            say("inbound=%s" % word(error))


def environment(reversed_token, *names):
    """What the environment says that it should not; the token comes backwards, because arguments are recorded."""
    token = reversed_token[::-1]
    found = [name for name, value in os.environ.items() if token in value or token in name]
    say("found=%s" % ("ok" if found else "nothing"))
    for name in found:
        say("carried " + name)
    for name in names:
        say("%s=%s" % (name, "ok" if name in os.environ else "absent"))


main({function.__name__.replace("_", "-"): function for function in (
    tcp, tcp6, host_address, udp, routes, metadata, others, ping, abstract, pathname, listed, sockets, sysv,
    message_queue, posix_shm, families, raw_sockets, pairs, high_bits, listen, environment)})
