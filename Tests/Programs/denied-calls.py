"""Makes system calls by number and prints what each answered: `NUMBER ERRNO`, or 0.

    denied-calls.py list               a list of calls that filters of codex-sandbox refuse, and some that they do not
    denied-calls.py flood N THREADS    mount(2) N times in each of THREADS threads
    denied-calls.py kinds N            N numbers that no call has
"""
import ctypes
import errno
import sys
import threading

libc = ctypes.CDLL(None, use_errno=True)

MOUNT, PTRACE, GETPID, SOCKET, PRCTL, IOCTL, FCHMOD, UNSHARE, CLONE3 = 165, 101, 39, 41, 157, 16, 91, 272, 435
CALLS = [
    (MOUNT, 0, 0, 0, 0, 0),
    (UNSHARE, 0),
    (CLONE3, 0, 0),
    (FCHMOD, -1, 0o4755),
    (SOCKET, 17, 3, 0),  # AF_PACKET
    (SOCKET, 2, 1, 262),  # MPTCP
    (PRCTL, 9999, 0, 0, 0, 0),
    (IOCTL, 0, 0x5412, 0),  # TIOCSTI
    (PTRACE, 0, 0, 0, 0),  # TRACEME
    (9999,),
    (GETPID,),
    (FCHMOD, -1, 0o755),
]


def call(number, *arguments):
    ctypes.set_errno(0)
    result = libc.syscall(ctypes.c_long(number), *(ctypes.c_long(argument) for argument in arguments))
    return errno.errorcode.get(ctypes.get_errno(), "0") if result < 0 else "0"


def main():
    if sys.argv[1] == "list":
        for number, *arguments in CALLS:
            print(number, *arguments, call(number, *arguments))
    elif sys.argv[1] == "flood":
        count, threads = int(sys.argv[2]), int(sys.argv[3])
        wrong = []

        def work():
            for _ in range(count):
                answer = call(MOUNT, 0, 0, 0, 0, 0)
                if answer != "EPERM":
                    wrong.append(answer)

        workers = [threading.Thread(target=work) for _ in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        print("wrong", len(wrong))
    elif sys.argv[1] == "kinds":
        print(sorted({call(20000 + number) for number in range(int(sys.argv[2]))}))
    else:
        sys.exit(__doc__)


main()
