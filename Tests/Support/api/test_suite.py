"""The suite against a stub: nothing to say of the right one, and each chosen fault is noticed by the row it breaks."""

import tempfile
import threading
import unittest

from api_suite import __main__ as suite
from stub import Stub

FAULTS = {
    "dotted path": "ORC-03", "HTML for long paths": "ORC-05", "other message": "ORC-33",
    "505 is a fault": "ORC-16",
    "more keys": "ORC-01", "zoned times": "ORC-01", "redirect after validation": "ORC-02", "hidden files missing": "ORC-04",
    "one spelling": "ORC-05", "raw path echoed": "ORC-05", "empty contents": "ORC-05", "project before body": "ORC-06",
    "foreign jobs": "ORC-07", "error is completed": "ORC-08", "stale request": "ORC-09", "not trimmed": "ORC-11",
    "counts UTF-16": "ORC-11", "first fault only": "ORC-14", "other error shape": "ORC-16", "NUL is a fault": "ORC-17",
    "file missing": "ORC-19", "drive is missing": "ORC-25", "absolute is relative": "ORC-25", "decodes twice": "ORC-25",
    "links are followed": "ORC-29", "FIFO blocks": "ORC-30", "listing follows links": "ORC-31", "any origin": "ORC-33",
    "no CORS on errors": "ORC-33", "takes foreign changes": "ORC-33", "preflight takes all": "ORC-34", "allows what it refuses": "ORC-34", "summary stays": "ORC-27", "updated_at stays": "ORC-38", "no examples": "ORC-39",
    "stray folder": "ORC-41", "long job blocks": "ORC-28", "same id": "ORC-43",
}
# These are seen only after another row has made the request, or break the checks that read before.
FIRST = {"NUL is a fault": ["ORC-25"]}


class SuiteTest(unittest.TestCase):
    def run_suite(self, fault=None, rows=()):
        with tempfile.TemporaryDirectory() as root, Stub(root, fault) as stub:
            threading.Thread(target=stub.serve_forever, args=(0.02,), daemon=True).start()
            arguments = ["--base-url", f"http://127.0.0.1:{stub.server_port}", "--workspace-root", root]
            for row in rows:
                arguments += ["--only", row]
            lines = []
            status = suite.main(arguments, lines.append)
            stub.shutdown()
        return status, lines

    def test_right_server_passes(self):
        status, lines = self.run_suite()
        self.assertEqual([line for line in lines if not line.startswith("ok ")], ["all held"])
        self.assertEqual(status, 0)

    def test_each_fault_is_noticed(self):
        for fault, row in FAULTS.items():
            with self.subTest(fault=fault):
                status, lines = self.run_suite(fault, FIRST.get(fault, []) + [row])
                self.assertEqual(status, 1, lines)
                self.assertTrue(any(line.startswith(f"no {row} ") for line in lines), lines)


if __name__ == "__main__":
    unittest.main()
