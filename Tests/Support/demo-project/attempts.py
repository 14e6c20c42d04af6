"""Three things that a worker must not be able to do: read a secret, write outside, reach the network.

attempts.py SECRET-FILE NEW-FILE PORT: one line each, "done" or "refused" with the reason. The exit status is the number
of attempts that were refused, so that the same program shows both sides.
"""
import socket
import sys


def read_secret(path):
    with open(path, encoding="utf-8") as file:
        return f"read {len(file.read())} characters"


def write_outside(path):
    with open(path, "w", encoding="utf-8") as file:
        return f"wrote {file.write('from the worker')} characters"


def connect(port):
    with socket.create_connection(("127.0.0.1", int(port)), timeout=5) as connection:
        return f"connected to {connection.getpeername()[1]}"


def main():
    refused = 0
    for title, act, subject in (("read the secret", read_secret, sys.argv[1]),
                                ("write outside", write_outside, sys.argv[2]),
                                ("connect to the host", connect, sys.argv[3])):
        try:
            print(f"{title} ({subject}): done: {act(subject)}")
        except OSError as error:
            refused += 1
            print(f"{title} ({subject}): refused: {error.strerror or error}")
    return refused


if __name__ == "__main__":
    sys.exit(main())
