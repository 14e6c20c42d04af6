"""The page at /docs, used by the keyboard: steps of `check_page.py`."""

import json

from chromium import Failure

ANSWER = "document.querySelector('details[open] pre[aria-label=Answer]')"

# Answers come byte by byte, so that every character of more than one lies across pieces; the last piece is half a character, and waits.
IN_BYTES = """
    (whole => {
        window.fetch = async (target, options) => {
            const answer = await whole(target, options);
            const bytes = new Uint8Array(await answer.arrayBuffer());
            const ended = new Promise(end => { window.letEnd = end; });
            const body = new ReadableStream({ async start(pieces) {
                bytes.forEach((one, at) => pieces.enqueue(bytes.slice(at, at + 1)));
                await ended;
                pieces.enqueue(new Uint8Array([0xE2]));
                pieces.close();
            } });
            return new Response(body, { status: answer.status, headers: answer.headers });
        };
    })(window.fetch); true
"""


def expect(condition, what):
    if not condition:
        raise Failure(what)


class DocsChecks:
    """Steps beside those of the page at `/`; `Check` has what they use."""

    def route(self, method, path):
        """The page from its beginning, with one route sought, found and opened."""
        page = self.page
        page.send("Page.navigate", url="about:blank")
        page.send("Page.navigate", url=self.base + "/docs")
        page.until("document.querySelectorAll('#routes details').length > 20", "the routes")
        page.run("document.querySelector('#search').focus()")
        page.type(f"{method} {path}")
        page.tab_to(f"e.matches('summary') && e.querySelector('.method').textContent === '{method}' && "
                    f"e.querySelector('code').textContent === {json.dumps(path)}", path)
        page.key("Enter")
        page.until("document.querySelector('details[open] form')", "the form")

    def fill(self, **fields):
        for name, text in fields.items():
            self.page.tab_to(f"e.closest('label')?.textContent.startsWith('{name} (')", name)
            self.page.run("document.activeElement.select()")
            self.page.type(text)

    def send(self):
        self.page.tab_to("e.textContent === 'Send'", "Send")
        self.page.key("Enter")

    def answered(self, status):
        """The body of an answer that is shown whole, which is JSON."""
        self.page.until(f"{ANSWER}.textContent.startsWith('{status} ') && {ANSWER}.textContent.includes('\\n}}')", str(status))
        return json.loads(self.page.run(ANSWER + ".textContent").split("\n\n", 1)[1])

    def leave(self):
        found = self.page.run("violations")
        expect(not found, f"the content policy was violated: {found}")
        self.open()

    def tries(self):
        page = self.page
        self.route("POST", self.api + "/projects/")
        page.tab_to("e.matches('textarea')", "the body")
        expect(len(json.loads(page.run("document.activeElement.value"))["instruction"]) >= 5, "an example to send")
        self.send()
        made = self.answered(200)
        expect(made["status"] == "completed", str(made))
        self.narrow("the description with an answer")
        found = json.loads(self.call("GET", f"{self.api}/projects/{made['id']}"))
        expect(found["instruction"] == made["instruction"] and found["status"] == "completed", str(found))
        self.call("DELETE", f"{self.api}/projects/{made['id']}")
        self.leave()
        self.done("/docs shows the routes, and a project is made there by the keyboard: 200 and completed")

    def watches(self):
        page = self.page
        self.route("POST", self.api + "/projects/")
        self.fill(Prefer="respond-async", Body=json.dumps({"instruction": "long_run: to be watched"}))
        self.send()
        project = self.answered(202)["id"]
        job = json.loads(self.call("GET", f"{self.api}/{project}/jobs"))["jobs"][0]["id"]
        self.route("GET", self.api + "/{project_id}/jobs/{job_id}/events")
        self.fill(project_id=project, job_id=job)
        self.send()
        page.until(f"{ANSWER}.textContent.startsWith('200 ') && {ANSWER}.textContent.includes('long_run: 0 of 60 s')", "output")
        shown = page.run(ANSWER + ".textContent.length")
        page.until(f"{ANSWER}.textContent.length > {shown}", "more of it")
        expect(json.loads(self.call("GET", f"{self.api}/projects/{project}"))["status"] == "in_progress", "shown while it runs")
        page.tab_to("e.textContent === 'Stop'", "Stop")
        page.key("Enter")
        page.until(f"{ANSWER}.textContent.includes('AbortError') && "
                   "document.querySelector('details[open] button[type=button]').disabled", "the end of the stream")
        self.call("POST", f"{self.api}/{project}/jobs/{job}/cancel")
        self.send()
        page.until(f"/event: end[^]*\\n$/.test({ANSWER}.textContent)", "a stream that ends by itself")
        expect("cancelled" in page.run(ANSWER + ".textContent"), "how the job ended")
        self.call("DELETE", f"{self.api}/projects/{project}")
        self.leave()
        self.done("/docs shows a job's events as they come, stops, and shows them to their end")

    def decodes(self):
        page = self.page
        text = "aé€😀" * 20
        self.call("PUT", f"{self.api}/{self.project}/raw/wide.txt", text.encode())
        self.route("GET", self.api + "/{project_id}/raw/{path}")
        page.run(IN_BYTES)
        self.fill(project_id=self.project, path="wide.txt")
        self.send()
        for end in ("", "\ufffd"):
            page.until(f"{ANSWER}.textContent.endsWith({json.dumps(chr(10) + text + end)})", "each character, once")
            page.run("letEnd()")
        self.leave()
        self.done("/docs shows characters whole that come in pieces, and half a one as such")
