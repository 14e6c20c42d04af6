"""Runs a command beside a server of its own, and ends the server with it.

  with_server.py LAUNCHER FOLDER [SERVE OPTION...] -- COMMAND [WORD...]

`{BASE}` in a word is the server's address, `{PID}` its number. Exit status: the command's; 99 if the server does not start, does not end on TERM with 0, or says
anything of a fault of its own; but for lines with the words of EXPECTED_FAULT, where that is set.
"""
import os
import signal
import subprocess
import sys
import time


def main():
    launcher, folder = sys.argv[1:3]
    end = sys.argv.index("--")
    options, command = sys.argv[3:end], sys.argv[end + 1 :]
    log = os.path.join(folder, "server.log")
    with open(log, "wb") as errors:
        server = subprocess.Popen([launcher, "serve", "--listen", "127.0.0.1:0", *options], cwd=folder, stderr=errors,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    base, started = None, time.monotonic()
    while base is None and server.poll() is None and time.monotonic() - started < 60:
        with open(log, encoding="utf-8", errors="replace") as text:
            base = next((line.split("listening on ")[1].split(",")[0].split(" ")[0] for line in text if "listening on " in line), None)
        time.sleep(0.01)
    if base is None:
        print(f"the server does not start: {server.poll()}", open(log, encoding="utf-8", errors="replace").read())
        return 99
    status = subprocess.run([word.replace("{BASE}", base).replace("{PID}", str(server.pid)) for word in command], check=False).returncode
    server.send_signal(signal.SIGTERM)
    try:
        ended = server.wait(60)
    except subprocess.TimeoutExpired:
        server.kill()
        ended = "killed: it does not end on TERM"
    text = open(log, encoding="utf-8", errors="replace").read()
    faults = [line for line in text.splitlines() if " 500 " in line or "could not be stored" in line or "Fatal error" in line]
    expected = os.environ.get("EXPECTED_FAULT")
    if expected:
        faults = [line for line in faults if expected not in line]
    if ended != 0 or faults:
        print(f"the server: {ended}", *faults[:5], text[-600:], sep="\n")
        return 99
    return status


if __name__ == "__main__":
    sys.exit(main())
