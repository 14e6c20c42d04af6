"""A headless Chromium, driven by the DevTools protocol over its pipe; standard library only."""

import base64
import fcntl
import json
import os
import queue
import shutil
import subprocess
import tempfile
import threading
import time

KEYS = {
    "Tab": (9, ""),
    "Enter": (13, "\r"),
    "Escape": (27, ""),
    "Space": (32, " "),
    "ArrowDown": (40, ""),
}


class Failure(Exception):
    """What was expected did not happen."""


class Page:
    """One browser with one page. Everything that the page asks for or complains of is kept."""

    def __init__(self, executable="chromium"):
        self.folder = tempfile.mkdtemp(prefix="page-test-")
        to_browser, commands = os.pipe()
        answers, from_browser = os.pipe()
        # Above the two numbers that the browser takes them by, so that one cannot overwrite the other.
        to_browser = fcntl.fcntl(to_browser, fcntl.F_DUPFD, 10)
        from_browser = fcntl.fcntl(from_browser, fcntl.F_DUPFD, 10)

        def place():
            os.dup2(to_browser, 3)
            os.dup2(from_browser, 4)

        arguments = [
            executable, "--headless=new", "--remote-debugging-pipe", f"--user-data-dir={self.folder}", "--no-first-run",
            "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--disable-extensions", "--disable-dev-shm-usage", "--lang=en-US",
        ]
        if os.geteuid() == 0:
            arguments.append("--no-sandbox")  # Chromium's own does not work for root.
        self.process = subprocess.Popen(
            arguments + ["about:blank"], preexec_fn=place, pass_fds=(3, 4), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=open(os.path.join(self.folder, "stderr"), "wb"),
        )
        os.close(to_browser)
        os.close(from_browser)
        self.commands = os.fdopen(commands, "wb", buffering=0)
        self.answers = os.fdopen(answers, "rb", buffering=0)
        self.last = 0
        self.session = None
        self.waiting = {}
        self.lock = threading.Lock()
        self.requests = []
        self.complaints = []
        self.intercept = None
        threading.Thread(target=self._read, daemon=True).start()
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log", "Accessibility"):
            self.send(domain + ".enable")

    def _read(self):
        rest = b""
        while True:
            piece = self.answers.read(1 << 16)
            if not piece:
                return
            *messages, rest = (rest + piece).split(b"\0")
            for message in messages:
                self._take(json.loads(message))

    def _take(self, message):
        if "id" in message:
            self.waiting.pop(message["id"]).put(message)
            return
        method, params = message["method"], message.get("params", {})
        if method == "Network.requestWillBeSent":
            self.requests.append({"headers": {}, **params["request"], "id": params["requestId"]})
        elif method == "Network.requestWillBeSentExtraInfo":
            for request in self.requests:
                if request["id"] == params["requestId"]:
                    request["headers"] = {**request["headers"], **params["headers"]}
        elif method == "Runtime.exceptionThrown":
            self.complaints.append("exception: " + json.dumps(params["exceptionDetails"])[:600])
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
            self.complaints.append("console: " + json.dumps(params["args"])[:600])
        elif method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            entry = params["entry"]
            # An answer that is no success is named here too; which are expected is the test's business.
            kind = "status" if "responded with a status" in entry["text"] else "log"
            self.complaints.append(f"{kind}: {entry['text'][:300]} {entry.get('url', '')}")
        elif method == "Fetch.requestPaused":
            threading.Thread(target=self._paused, args=(params,), daemon=True).start()

    def _paused(self, params):
        answer = self.intercept(params["request"]) if self.intercept else None
        if answer is None:
            self.send("Fetch.continueRequest", requestId=params["requestId"])
            return
        status, kind, body = answer
        self.send(
            "Fetch.fulfillRequest", requestId=params["requestId"], responseCode=status,
            responseHeaders=[{"name": "Content-Type", "value": kind}, {"name": "X-Request-ID", "value": "made-up-id"}],
            body=base64.b64encode(body).decode(),
        )

    def send(self, method, **params):
        with self.lock:
            self.last += 1
            number = self.last
            answer = self.waiting[number] = queue.Queue()
            message = {"id": number, "method": method, "params": params}
            if self.session:
                message["sessionId"] = self.session
            self.commands.write(json.dumps(message).encode() + b"\0")
        found = answer.get(timeout=180)
        if "error" in found:
            raise Failure(f"{method}: {found['error']}")
        return found["result"]

    def run(self, script):
        """The value of an expression in the page."""
        found = self.send("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in found:
            raise Failure(f"{script}: {json.dumps(found['exceptionDetails'])[:500]}")
        return found["result"].get("value")

    def until(self, script, what, seconds=60):
        """Waits for an expression to be true; one that throws is not."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            # While the page is loaded anew, what is looked for may not even be there to be asked.
            if self.run(f"(() => {{ try {{ return Boolean({script}); }} catch (fault) {{ return false; }} }})()"):
                return
            time.sleep(0.05)
        raise Failure(f"not within {seconds} s: {what}; the page says: {self.run('document.body.innerText')[:1500]}")

    def key(self, name, shift=False):
        code, text = KEYS[name]
        key = " " if name == "Space" else name
        shared = {"key": key, "code": name, "windowsVirtualKeyCode": code, "modifiers": 8 if shift else 0}
        self.send("Input.dispatchKeyEvent", type="keyDown", text=text, **shared)
        self.send("Input.dispatchKeyEvent", type="keyUp", **shared)

    def type(self, text):
        self.send("Input.insertText", text=text)

    def tab_to(self, test, what, most=400):
        """Presses Tab until `test`, an expression of `e`, is true of the element that has the focus."""
        for _ in range(most):
            self.key("Tab")
            if self.run(f"(e => Boolean({test}))(document.activeElement)"):
                return
        raise Failure(f"{most} times Tab, and never at {what}")

    def media(self, **features):
        self.send("Emulation.setEmulatedMedia", features=[
            {"name": name.replace("_", "-"), "value": value} for name, value in features.items()
        ])

    def size(self, width, height):
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def picture(self, path):
        data = self.send("Page.captureScreenshot", format="webp", quality=85)["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))

    def close(self):
        try:
            self.session = None
            self.send("Browser.close")
            self.process.wait(timeout=120)
        except (Failure, OSError, queue.Empty, subprocess.TimeoutExpired):
            pass  # what it was asked to show, it has shown
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()
            shutil.rmtree(self.folder, ignore_errors=True)
