#!/usr/bin/env python3
"""Of a test run's thousands of lines those that say what went wrong, and how far it is.

    swift test 2>&1 | scripts/lib/test-output.py LOG

Everything is in the file LOG; standard output gets failures with their details, skipped tests, what a program says that ends by
a signal, a line for every 200 tests, and the end. Where nothing says why (LOG ends without the run's own last line), the last
40 lines of LOG follow.

Swift Testing begins a line with a sign of what it is about, and writes arguments and comments over several lines behind it: a
line without a sign belongs to the sign before it.
"""

import re
import sys

COLOUR = re.compile(rb"\x1b\[[0-9;]*m")
SIGN = re.compile(rb"(\xe2\x9c\x94|\xe2\x9c\x98|\xe2\x97\x87|\xe2\x9e\x9c|\xe2\x86\xb3|\xe2\x9a\xa0\xef\xb8\x8e) +")  # ✔ ✘ ◇ ➜ ↳ ⚠︎
PASSED, FAILED, SKIPPED, DETAIL = b"\xe2\x9c\x94", b"\xe2\x9c\x98", b"\xe2\x9e\x9c", b"\xe2\x86\xb3"
ENDS = re.compile(rb"error: |\*\*\* |Fatal error|.*: Fatal error: |.*Sanitizer|Segmentation|Illegal|Aborted")
LONGEST = 2000  # bytes of a line that are shown


def main(log_path: str) -> int:
    """Reads standard input to its end."""
    out = sys.stdout.buffer
    passed, shows, ended, last = 0, False, False, []
    with open(log_path, "wb", buffering=0) as log:
        for raw in sys.stdin.buffer:
            log.write(raw)
            line = COLOUR.sub(b"", raw.rstrip(b"\n"))
            last = (last + [line])[-40:]
            sign = match.group(1) if (match := SIGN.match(line)) else None
            if sign in (FAILED, SKIPPED) or line.startswith(PASSED + b" Test run with "):
                shows = True
                ended = ended or b" Test run with " in line
            elif sign == PASSED and b" Test " in line and b" passed after " in line:
                shows = False
                passed += 1
                if passed % 200 == 0:
                    out.write(b"   %d tests passed\n" % passed)
                    out.flush()
            elif sign is not None and sign != DETAIL:
                shows = False
            if shows or ENDS.match(line):
                out.write(line[:LONGEST] + (b" [cut]" if len(line) > LONGEST else b"") + b"\n")
                out.flush()
    if not ended:
        out.write(b"the run has not come to its end; its last lines:\n" + b"\n".join(line[:LONGEST] for line in last) + b"\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]) if len(sys.argv) == 2 else f"usage: {sys.argv[0]} LOG")
