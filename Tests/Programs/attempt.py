"""Shared by the hostile Python programs: how an attempt is told. The same lines as attempt.h."""
import errno
import os
import sys


def say(text):
    os.write(1, text.encode("utf-8", "surrogateescape") + b"\n")


def word(error):
    """The name of an OSError's errno, or "timeout"."""
    if isinstance(error, TimeoutError) and error.errno is None:
        return "timeout"
    if error.errno is None:
        return type(error).__name__
    return errno.errorcode.get(error.errno, "errno-without-name")


def act(name, function, *arguments):
    """Makes one act and tells how it ended; its value, or None where it was refused."""
    try:
        value = function(*arguments)
    except OSError as error:
        say("%s=%s" % (name, word(error)))
        return None
    say("%s=ok" % name)
    return value


def main(table):
    """Runs the attempt named by the first argument. Every function of the table takes the other arguments."""
    if len(sys.argv) < 2 or sys.argv[1] not in table:
        sys.stderr.write("%s: no such attempt\n" % sys.argv[0])
        sys.exit(2)
    say("begin " + sys.argv[1])
    sys.exit(table[sys.argv[1]](*sys.argv[2:]))
