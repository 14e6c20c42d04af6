#!/usr/bin/env python3
"""Uses the page of a running server, and the one at /docs, as people do, with the keyboard, in a headless Chromium.

    check_page.py --base-url http://127.0.0.1:8000 [--screenshots DIR] [--chromium PATH]

The server has to run with `--worker minimal`, without a token, and with SLEEP_SECONDS=60 in its environment, so that
a long job is long. Projects are made there, and removed again. Needs Python 3.9, Debian's `chromium`, and a sans-serif
and a monospace font (`fonts-dejavu-core`). Each check is printed; the first that fails ends it with the status 1.
"""

import argparse
import hashlib
import json
import os
import re
import sys
import time
import traceback
import urllib.parse
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from chromium import Failure, Page  # noqa: E402
from docs_checks import DocsChecks, expect  # noqa: E402

INSTRUCTION = "Generate a minimal Python CLI project that prints the first 10 Fibonacci numbers and includes a basic test."
HOSTILE = "<script>window.taken = 1</script><img src=x onerror=window.taken=1> a\u202eb\u2066c\x1b[31md\u200be\x00f"
FOCUSABLE = "a[href], button, input, select, textarea, summary, [tabindex='0']"

# What the page did that it must not: kept in the page from its very beginning.
WATCH = """
    window.violations = [];
    window.shift = 0;
    window.lastKey = -Infinity;
    document.addEventListener('keydown', () => { lastKey = performance.now(); }, true);
    document.addEventListener('securitypolicyviolation', e => violations.push(e.violatedDirective + ' ' + e.blockedURI));
    new PerformanceObserver(found => found.getEntries().forEach(one => { if (!one.hadRecentInput && one.startTime - lastKey > 10000) shift += one.value; }))
        .observe({ type: 'layout-shift', buffered: true });
"""


class Check(DocsChecks):
    def __init__(self, base, pictures, executable):
        self.base = base.rstrip("/")
        self.pictures = pictures
        self.page = Page(executable)
        self.api = None
        self.project = None
        self.expected = []

    # Steps

    def done(self, what):
        print("ok - " + what, flush=True)

    def call(self, method, path, body=None, kind="application/octet-stream"):
        request = urllib.request.Request(self.base + path, method=method, data=body, headers={"Content-Type": kind})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.read()

    def open(self, address=""):
        """The page from its beginning, at one of its addresses."""
        self.page.send("Page.navigate", url="about:blank")
        self.page.send("Page.navigate", url=self.base + "/" + address)
        self.page.until("document.readyState === 'complete' && document.querySelector('#main').children.length > 0 "
                        "&& document.querySelector('#main').ariaBusy !== 'true' "
                        "&& /Ready|[45]\\d\\d/.test(document.querySelector('#ready').textContent)", "the page")

    def part(self, name, ready):
        """Follows one of a project's four links by the keyboard."""
        self.page.run("document.querySelector('#top').focus()")
        self.page.tab_to(f"e.closest('.tabs') && e.textContent === '{name}'", name)
        self.page.key("Enter")
        self.page.until(ready, name)

    def state(self, selector="#main dl .state"):
        return self.page.run(f"document.querySelector('{selector}')?.textContent")

    def create(self, instruction, state):
        """A project, by the form and the keyboard; returns its id."""
        page = self.page
        before = page.run("location.hash")
        page.run("document.querySelector('#skip').focus()")
        page.tab_to("e.id === 'text'", "the instruction")
        page.type(instruction)
        page.tab_to("e.textContent === 'Create the project'", "the button")
        page.key("Enter")
        page.until(f"location.hash !== {json.dumps(before)} && location.hash.startsWith('#/p/') && "
                   f"document.querySelector('#log')", "the new project")
        project = page.run("decodeURIComponent(location.hash.split('/')[2])")
        page.until(f"document.querySelector('#main dl .state')?.textContent === {json.dumps(state)}", state)
        return project

    def narrow(self, what):
        page = self.page
        page.size(390, 844)
        time.sleep(0.2)
        widest = page.run(
            "[document.documentElement.scrollWidth, document.documentElement.clientWidth, "
            "[...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > innerWidth + 1 && "
            "e.getBoundingClientRect().width && !e.closest('.out')).slice(0, 3).map(e => e.outerHTML.slice(0, 200))]")
        expect(widest[0] <= widest[1] and not widest[2], f"{what} is wider than 390 px: {widest}")
        page.size(1280, 900)

    def picture(self, name, width, height, scheme):
        if not self.pictures:
            return
        page = self.page
        page.media(prefers_color_scheme=scheme)
        page.size(width, height)
        time.sleep(0.3)
        path = os.path.join(self.pictures, name + ".webp")
        page.picture(path)
        expect(os.path.getsize(path) <= 150 << 10, f"{path} is larger than 150 KiB")
        page.media(prefers_color_scheme="light")
        page.size(1280, 900)

    # Checks

    def begin(self):
        page = self.page
        page.send("Page.addScriptToEvaluateOnNewDocument", source=WATCH)
        page.send("Network.setCacheDisabled", cacheDisabled=True)
        page.size(1280, 900)
        page.media(prefers_color_scheme="light")
        self.open()
        self.api = page.run("document.querySelector('meta[name=api-prefix]').content")
        # The server compiles each policy once.
        page.until("document.querySelector('#policy').options.length >= 2", "policies to choose from")
        answer = urllib.request.urlopen(self.base + "/", timeout=30)
        size = len(answer.read())
        expect(size <= 40 << 10, f"the page has {size} bytes")
        policy = answer.headers["Content-Security-Policy"]
        expect("default-src 'none'" in policy and "unsafe" not in policy, policy)
        self.done(f"the page opens: {size} bytes, {policy.split(';')[0]}")

    def creates(self):
        page = self.page
        self.project = self.create(INSTRUCTION, "completed")
        streams = [one for one in page.requests if one["url"].endswith("/events")]
        expect(streams and streams[-1]["headers"].get("Accept") == "text/event-stream", "an event stream")
        page.until("document.querySelector('#log').textContent.includes('created app.py')", "the output")
        page.until("document.querySelector('#list a[aria-current] .state').textContent === 'completed'", "the list's state")
        page.until("/completed/.test(document.querySelector('#live').textContent)", "the live region")
        expect(page.run("document.activeElement.id") in ("top", "focus"), "the focus on what has come")
        self.done("a project is made by the keyboard, and followed to its end by server-sent events")

    def files(self):
        page = self.page
        self.part("Files", "document.querySelector('.files li')")
        page.tab_to("e.textContent === 'app.py'", "app.py")
        page.key("Enter")
        page.until("document.querySelector('pre[aria-label=\"Contents of the file\"]')?.textContent.includes('def ')", "app.py")
        expect(page.run("document.activeElement.textContent") == "app.py", "the focus on the file's name")
        self.narrow("a file")
        self.picture("file-1280-light", 1280, 800, "light")
        self.done("a file is listed, opened and shown")

    def plan(self):
        self.part("Plan", "/landlock: /.test(document.querySelector('pre[aria-label=\"The plan\"]')?.textContent)")
        self.narrow("the plan")
        self.done("the plan of the next launch is there in words")

    def evidence(self):
        page = self.page
        self.part("Evidence", "document.querySelectorAll('.launch').length === 1")
        layers = page.run("[...document.querySelectorAll('.launch details')].map(e => [e.querySelector('b').textContent, "
                          "e.querySelector('.state').textContent])")
        words = dict(layers)
        expect(len(layers) == 20 and words["seccomp"] == words["landlock"] == words["mounts"] == "verified", str(layers))
        expect(set(words.values()) <= {"verified", "enforced", "watched"}, str(layers))
        page.tab_to("e.matches('.launch summary')", "a layer")
        page.key("Space")
        page.until("document.querySelector('.launch details[open] table')", "its observations")
        expect("from outside" in page.run("document.querySelector('.launch details[open]').innerText"), "the observer")
        page.key("Enter")
        page.until("!document.querySelector('.launch details[open]')", "the layer to be closed")
        self.narrow("the evidence")
        page.run("document.querySelectorAll('.launch details').forEach(e => { e.open = true; })")
        self.narrow("all observations")
        page.run("document.querySelectorAll('.launch details').forEach((e, i) => { e.open = i === 0; }); scrollTo(0, 0)")
        self.picture("evidence-1280-dark", 1280, 720, "dark")
        page.run("document.querySelector('.launch').scrollIntoView()")
        self.picture("evidence-390-light", 390, 844, "light")
        self.done("each layer's evidence is shown: " + page.run(
            "[...document.querySelectorAll('.launch dd')].find(e => /verified/.test(e.textContent)).textContent"))

    def edits(self):
        page = self.page
        self.part("Jobs", "document.querySelector('#edit')")
        page.tab_to("e.id === 'edit'", "the edit form")
        page.type("Change the program to print 15 numbers.")
        page.key("Tab")
        page.key("Enter")
        page.until("location.hash.includes('/j/') && document.querySelector('#main h3#focus')?.textContent === 'Edit job'", "the job")
        page.until("document.querySelector('#main dl .state').textContent === 'completed'", "its end")
        page.until("document.querySelector('#changes .add') && document.querySelector('#changes .del')", "the difference")
        expect("15" in page.run("document.querySelector('#changes .add').textContent"), "the added line")
        page.until("document.querySelectorAll('#jobs tr').length === 2", "both jobs")
        self.narrow("a job")
        page.run("document.querySelector('#focus').scrollIntoView()")
        self.picture("job-390-dark", 390, 844, "dark")
        page.run("[...document.querySelectorAll('h4')].find(e => e.textContent === 'What it changed').scrollIntoView()")
        self.picture("changes-1280-light", 1280, 800, "light")
        self.done("an edit job is added, and its difference shown")

    def cancels(self):
        page = self.page
        project = self.create("long_run: wait a while", "in progress")
        page.until("/long_run/.test(document.querySelector('#log').textContent)", "live output")
        before = page.run("document.querySelector('#log').textContent.length")
        page.until(f"document.querySelector('#log').textContent.length > {before}", "more of it")
        # The list is asked for again by itself where the page and the stream agree already.
        page.until("document.querySelector('#list a[aria-current] .state')?.textContent === 'in progress'", "the list's state")
        expect(page.run("document.getAnimations().length") > 0, "a badge that moves")
        page.media(prefers_reduced_motion="reduce")
        expect(page.run("document.getAnimations().length") == 0, "nothing moves for those who want that")
        page.media(prefers_color_scheme="light")
        page.run("document.querySelector('#jobTable').scrollIntoView()")
        self.picture("running-1280-light", 1280, 900, "light")
        page.run("document.querySelector('#focus').focus()")
        page.tab_to("e.textContent === 'Cancel'", "Cancel")
        page.key("Enter")
        page.until("document.querySelector('#main dl .state').textContent === 'error' && "
                   "/cancelled/.test(document.querySelector('#main dl').textContent)", "the end")
        page.until("document.querySelector('#list a[aria-current] .state').textContent === 'error'", "the list's state")
        expect(page.run("document.activeElement.id") == "focus", "the focus where Cancel was")
        page.tab_to("e.textContent === 'Run again'", "Run again")
        first = page.run("location.hash")
        page.key("Enter")
        page.until(f"location.hash.includes('/j/') && location.hash !== {json.dumps(first)} && "
                   "document.querySelector('#main dl .state')?.textContent === 'in progress'", "the second run")
        # Another view, and the list goes on to show what that job does.
        page.run(f"location.hash = '#/p/{self.project}'")
        page.until("[...document.querySelectorAll('#list .state')].some(e => e.textContent === 'in progress')", "a job elsewhere")
        job = json.loads(self.call("GET", f"{self.api}/{project}/jobs"))["jobs"][-1]["id"]
        time.sleep(0.5)
        self.call("POST", f"{self.api}/{project}/jobs/{job}/cancel")
        page.until("![...document.querySelectorAll('#list .state')].some(e => e.textContent === 'in progress')",
                   "its end")
        expect(any(one["url"].endswith(f"/jobs/{job}/events") for one in page.requests), "a stream of it")
        self.call("DELETE", f"{self.api}/projects/{project}")
        self.done("a long job's output comes live; it is cancelled, run again, and followed from elsewhere")

    def fails(self):
        page = self.page
        project = self.create("force_error: so that it is seen", "error")
        page.until("/forced_error/.test(document.querySelector('#main dl').textContent)", "the reason")
        self.call("DELETE", f"{self.api}/projects/{project}")
        self.open()
        page.run("document.querySelector('#skip').focus()")
        page.tab_to("e.id === 'text'", "the instruction")
        page.type("x")
        page.tab_to("e.textContent === 'Create the project'", "the button")
        page.key("Enter")
        page.until("/422 .*at least 5 characters/.test(document.querySelector('#createFault')?.innerText)", "the error")
        shown = page.run("document.querySelector('#createFault code').textContent")
        expect(len(shown) >= 8, "the request's id")
        self.expected.append("422")
        expect(page.run("document.querySelector('#text').value") == "x", "what was typed is kept")
        self.open("#/p/" + self.project[:-4] + "0000")
        page.until("/404 /.test(document.querySelector('#main .fault')?.innerText)", "what is not there")
        self.expected.append("404")
        self.done("a forced error and refusals of the API are shown, with the request's id")

    def hostile(self):
        page = self.page
        name = "<img src=x onerror=window.taken=1>\u202etxt.py"
        self.call("PUT", f"{self.api}/{self.project}/raw/{urllib.parse.quote(name)}", HOSTILE.encode())
        self.open("#/p/" + self.project + "/files")
        page.until("document.querySelector('.files li')", "the files")
        listed = page.run("[...document.querySelectorAll('.files a')].map(e => e.textContent)")
        expect("<img src=x onerror=window.taken=1>\\u{202E}txt.py" in listed, str(listed))
        page.run("[...document.querySelectorAll('.files a')].find(e => e.textContent.startsWith('<img')).click()")
        pane = "document.querySelector('pre[aria-label=\"Contents of the file\"]')"
        page.until(pane, "its contents")
        shown = page.run(pane + ".textContent")
        expect(shown == "<script>window.taken = 1</script><img src=x onerror=window.taken=1> "
               "a\\u{202E}b\\u{2066}c\\e[31md\\u{200B}e\\0f", repr(shown))
        expect(page.run("document.querySelectorAll('#main img, #main script').length") == 0, "no element of it")
        expect(page.run("[...document.querySelectorAll('.esc')].length") >= 6, "marks where characters were escaped")
        self.narrow("a hostile file")
        made = json.loads(self.call("POST", self.api + "/projects/", json.dumps(
            {"instruction": "force_error " + HOSTILE.replace("\0", "")}).encode(), "application/json"))
        self.open("#/p/" + made["id"])
        page.until("document.querySelector('#log')", "a hostile project")
        expect("\\u{202E}" in page.run("document.querySelector('#main h2').textContent"), "its instruction escaped")
        self.narrow("a hostile project")
        expect(page.run("window.taken") is None, "nothing of it was run")
        self.call("DELETE", f"{self.api}/projects/{made['id']}")
        self.done("markup and hidden characters of files, names and instructions are shown as text")

    def refused(self):
        """A launch that was refused, as no sound host has one: the server's answer is replaced by a record."""
        page = self.page
        lines = self.call("GET", f"{self.api}/{self.project}/evidence").decode().splitlines()
        record = json.loads(lines[0])
        record["predicateType"] = "urn:codex-sandbox:launch-refused:v1"
        inner = record["predicate"]
        for layer in inner["layers"]:
            if layer["layer"] == "landlock":
                layer.update(enforcement="failed", verifiedBy=[])
                layer["observations"][0].update(agrees=False, expected="EACCES", found="opened <b>")
            if layer["layer"] == "seccomp":
                layer.update(installed=False, verifiedBy=[], observations=[])
                del layer["enforcement"]
        inner["times"]["ended"] = inner["times"].pop("recorded")
        inner["execveReached"] = False
        inner["outcome"] = {"word": "refused", "refusal": {
            "stage": "verification", "step": "landlock probe", "subject": "/workspace", "layer": "landlock",
            "errno": {"name": "EOPNOTSUPP", "number": 95}, "message": "Landlock does not hold.", "remedy": "Use a newer kernel.",
        }}
        body = (json.dumps(record) + "\n").encode()
        page.intercept = lambda request: (200, "application/jsonl", body) if request["url"].endswith("/evidence") else None
        page.send("Fetch.enable", patterns=[{"urlPattern": "*/evidence"}])
        self.open(f"#/p/{self.project}/evidence")
        page.until("document.querySelector('.launch details[open] table')", "the refusal")
        shown = page.run("document.querySelector('.launch').innerText")
        for words in ("Refused: Landlock does not hold.", "EOPNOTSUPP (95)", "Use a newer kernel.", "expected: EACCES",
                      "opened <b>", "not reached", "not one instruction"):
            expect(words in shown, f"no “{words}” in {shown[:900]}")
        self.narrow("a refusal")
        page.run("document.querySelector('.launch .fault').scrollIntoView()")
        self.picture("refused-390-light", 390, 844, "light")
        page.size(1280, 900)
        page.send("Fetch.disable")
        self.done("a refused launch names layer, step, errno and remedy")

    def torn(self):
        """Half a line between two records, as a killed launcher leaves it, and the same changed: by replaced answers."""
        page = self.page
        lines = self.call("GET", f"{self.api}/{self.project}/evidence").decode().splitlines()
        link = re.compile('("chain":{"previous":")[0-9a-f]{64}')

        def shown(half, behind, linked):
            digest = hashlib.sha256(linked.encode()).hexdigest()
            second = link.sub(lambda found: found[1] + digest, lines[1], count=1)
            body = "\n".join([lines[0], half] + ([second] if behind else []) + [""]).encode()
            page.intercept = lambda request: (200, "application/jsonl", body) if request["url"].endswith("/evidence") else None
            page.send("Fetch.enable", patterns=[{"urlPattern": "*/evidence"}])
            self.open("")
            self.open(f"#/p/{self.project}/evidence")
            page.until("document.querySelector('.launch')", "the records")
            words = page.run("document.querySelector('main').innerText")
            page.send("Fetch.disable")
            return words

        short, long = lines[1][:20], lines[1][: link.search(lines[1]).end() + 40]
        for half, linked in ((short, lines[0] + "\n" + short), (long, long)):
            for behind in (True, False):
                words = shown(half, behind, linked)
                expect("each record with the digest" in words and "does not name the digest" not in words, words[:600])
                expect("1 line(s) not written whole, because a launcher was killed" in words, words[-600:])
        for half in (short[:-1], short + "x"):
            words = shown(half, True, lines[0] + "\n" + short)
            expect("does not name the digest" in words, words[:600])
        self.done("half a line that the next record is linked to is told in the words of evidence verify, and a change is found")

    def tokens(self):
        """The form for a token, by answers as a server with one gives them."""
        page = self.page
        denied = json.dumps({"error": "unauthorized", "message": "Unauthorized", "code": 401}).encode()

        def answer(request):
            sent = request["headers"].get("Authorization")
            return None if sent == "Bearer right" else (401, "application/json", denied)

        page.intercept = answer
        page.send("Fetch.enable", patterns=[{"urlPattern": f"*{self.api}/*"}, {"urlPattern": "*/readyz"}])
        self.expected.append("401")
        self.open()
        page.until("!document.querySelector('#login').hidden && document.activeElement.id === 'token'", "the form")
        self.narrow("the form for the token")
        page.type("wrong")
        page.key("Enter")
        page.until("!document.querySelector('#refused').hidden", "the refusal")
        page.run("document.querySelector('#token').focus()")
        page.type("right")
        page.key("Enter")
        page.until("document.querySelector('#login').hidden && document.querySelectorAll('#list a').length > 0 && "
                   "/Ready/.test(document.querySelector('#ready').textContent)", "the projects")
        kept = page.run("[sessionStorage.length, Object.values(sessionStorage).join(), localStorage.length, document.cookie]")
        expect(kept == [1, "right", 0, ""], str(kept))
        self.open(f"#/p/{self.project}")
        page.until("document.querySelector('#log')?.textContent.includes('completed')", "the stream with the token")
        page.run("document.querySelector('#skip').focus()")
        page.tab_to("e.id === 'forget'", "Forget")
        page.key("Enter")
        page.until("!document.querySelector('#login').hidden", "the form again")
        expect(page.run("sessionStorage.length") == 0, "the token is forgotten")
        page.send("Fetch.disable")
        self.done("a token is asked for, kept in the tab's storage only, sent with streams too, and forgotten")

    def resumes(self):
        """A stream that breaks off is taken up behind its last event."""
        page = self.page
        seen = []

        def answer(request):
            seen.append(request["headers"].get("Last-Event-ID"))
            if len(seen) > 1:
                return None
            first = {"number": 1, "at": "2026-01-01T00:00:00.000000", "text": "made up: 1\n"}
            return 200, "text/event-stream", f":\n\nid: 1\nevent: stdout\ndata: {json.dumps(first)}\n\nid: 7\nda".encode()

        page.intercept = answer
        page.send("Fetch.enable", patterns=[{"urlPattern": "*/events"}])
        self.open(f"#/p/{self.project}")
        page.until("/made up: 1[^]*completed/.test(document.querySelector('#log')?.textContent)", "both connections' events")
        expect(seen == [None, "1"], str(seen))
        page.send("Fetch.disable")
        self.done("a broken stream is resumed with Last-Event-ID, and half an event counts for nothing")

    def keyboard(self):
        """Everything that can be used is reached by Tab, in order, is seen to have the focus, and has a name."""
        page = self.page
        for address in ("", f"#/p/{self.project}", f"#/p/{self.project}/files", f"#/p/{self.project}/evidence"):
            self.open(address)
            page.until("document.querySelector('#list a')", "the list")
            page.run("document.querySelectorAll('.launch ~ .launch').forEach(e => e.remove()); document.body.tabIndex = -1;"
                     "document.body.focus(); document.body.removeAttribute('tabindex')")
            wanted = page.run(
                f"window.wanted = [...document.querySelectorAll(\"{FOCUSABLE}\")].filter(e => e.checkVisibility() && !e.disabled "
                "&& e.tabIndex >= 0 && (!e.closest('details:not([open])') || e.matches('summary'))); wanted.length")
            reached = []
            for _ in range(wanted + 3):
                page.key("Tab")
                found = page.run(
                    "(e => { const s = getComputedStyle(e); return [wanted.indexOf(e), s.outlineStyle !== 'none' && "
                    "parseFloat(s.outlineWidth) >= 2]; })(document.activeElement)")
                if found[0] in reached or found[0] < 0:
                    break
                reached.append(found[0])
                expect(found[1], "no visible focus on " + page.run("document.activeElement.outerHTML.slice(0, 200)"))
            expect(reached == list(range(wanted)), f"{address}: of {wanted} elements these were reached: {reached}")
            roles = ("button", "link", "textbox", "searchbox", "combobox", "DisclosureTriangle", "log", "region", "navigation")
            for node in page.send("Accessibility.getFullAXTree")["nodes"]:
                if not node.get("ignored") and node["role"]["value"] in roles:
                    expect(node.get("name", {}).get("value", "").strip(), f"{address}: a {node['role']['value']} without a name")
        self.open(f"#/p/{self.project}")
        page.run("document.querySelector('#skip').focus()")
        page.key("Enter")
        expect(page.run("document.activeElement.id") == "main" and self.project in page.run("location.hash"), "the skip link")
        self.done("every control is reached by Tab, in order, with a visible focus and a name")

    def empty(self):
        """A server without projects, by its answer."""
        page = self.page
        page.intercept = lambda request: (200, "application/json", b'{"projects":[],"total":0,"next":null}')
        page.send("Fetch.enable", patterns=[{"urlPattern": "*/projects/?*"}])
        self.open()
        page.until("/curl -X POST http.*instruction/.test(document.querySelector('#list').innerText)", "what to do")
        self.narrow("no projects")
        self.picture("empty-390-dark", 390, 844, "dark")
        page.size(1280, 900)
        page.send("Fetch.disable")
        self.done("without projects the page says what to do")

    def removes(self):
        page = self.page
        self.open(f"#/p/{self.project}")
        page.until("document.querySelector('#log')", "the project")
        for last in ("Escape", "Keep it", "Delete it for good"):
            page.run("document.querySelector('#top').focus()")
            page.tab_to("e.textContent === 'Delete'", "Delete")
            page.key("Enter")
            page.until("document.querySelector('#ask').open && document.activeElement.id === 'askNo'", "the question")
            if last == "Escape":
                self.narrow("the question")
                page.key("Escape")
            else:
                if last != "Keep it":
                    page.tab_to(f"e.textContent === '{last}'", last)
                page.key("Enter")
            page.until("!document.querySelector('#ask').open", "its end")
            if last != "Delete it for good":
                self.call("GET", f"{self.api}/projects/{self.project}")
                expect(page.run("document.activeElement.textContent") == "Delete", "the focus comes back")
        page.until(f"location.hash === '#/' && ![...document.querySelectorAll('#list a')].some(e => e.href.includes('{self.project}'))",
                   "the project is gone")
        found = json.loads(self.call("GET", self.api + "/projects/?limit=1000"))["projects"]
        expect(all(one["id"] != self.project for one in found), "the server still has it")
        self.done("a project is deleted after a question, which Escape and “Keep it” answer with no")

    def nothing_else(self):
        page = self.page
        hosts = {urllib.parse.urlsplit(one["url"]).netloc for one in page.requests
                 if one["url"].startswith(("http:", "https:", "ws:", "wss:"))}
        expect(hosts == {urllib.parse.urlsplit(self.base).netloc}, f"requests to {hosts}")
        bad = [one for one in page.complaints
               if not (one.startswith("status") and any(f"status of {code}" in one for code in self.expected))]
        expect(not bad, "the console says: " + "\n".join(bad))
        self.done(f"{len(page.requests)} requests, all to this server; nothing in the console")

    def run(self):
        steps = [self.begin, self.creates, self.files, self.plan, self.evidence, self.edits, self.cancels, self.fails,
                 self.hostile, self.refused, self.torn, self.tokens, self.resumes, self.keyboard, self.empty,
                 self.tries, self.watches, self.decodes, self.removes]
        for step in steps:
            step()
            found = self.page.run("[violations, shift]")
            expect(not found[0], f"{step.__name__}: the content policy was violated: {found[0]}")
            expect(found[1] < 0.1, f"{step.__name__}: what was on show moved by {found[1]}")
        self.nothing_else()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base-url", required=True)
    parser.add_argument("--screenshots", help="folder for the pictures of docs/screenshots")
    parser.add_argument("--chromium", default="chromium")
    arguments = parser.parse_args()
    check = Check(arguments.base_url, arguments.screenshots, arguments.chromium)
    try:
        check.run()
    except Exception as fault:  # noqa: BLE001 -- whatever it was, the browser is ended and the check has failed
        if not isinstance(fault, Failure):
            traceback.print_exc()
        print("not ok - " + str(fault), flush=True)
        return 1
    finally:
        check.page.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
