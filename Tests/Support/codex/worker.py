#!/usr/bin/env python3
"""The Codex CLI with a scripted model beside it, as a worker of projects: takes the CLI's own arguments.

CODEX is where the CLI is: the path in the file `codex-path` beside this one. The model asks for a command and a patch, and says that it is done.
"""
import json
import os
import subprocess
import sys

here = os.path.dirname(os.path.realpath(__file__))
with open(os.path.join(here, "codex-path"), encoding="utf-8") as file:
    codex = file.read().strip()
home = os.path.join(os.environ["HOME"], "codex-home")
os.makedirs(home, exist_ok=True)
turns = [
    {"call": {"name": "exec_command", "args": {"cmd": "pwd; echo made >made.txt; cat .codex/request.json"}}},
    {"custom_call": {"name": "apply_patch", "input": "*** Begin Patch\n*** Add File: added.py\n+def double(x):\n+    return 2 * x\n*** End Patch\n"}},
    {"text": "All done."},
]
with open(os.path.join(home, "turns.json"), "w", encoding="utf-8") as file:
    json.dump({"turns": turns}, file)
model = subprocess.Popen(
    [sys.executable, os.path.join(here, "mock_responses_api.py"), "--port", "0", "--script", os.path.join(home, "turns.json")],
    stdout=subprocess.PIPE, text=True)
port = int(model.stdout.readline())
with open(os.path.join(home, "config.toml"), "w", encoding="utf-8") as file:
    file.write(f"""model = "gpt-5.5"
model_provider = "mock"
[model_providers.mock]
name = "mock"
base_url = "http://127.0.0.1:{port}/v1"
wire_api = "responses"
request_max_retries = 0
stream_max_retries = 0
""")
done = subprocess.run([codex, *sys.argv[1:]], stdin=subprocess.DEVNULL, env=dict(os.environ, CODEX_HOME=home), check=False)
model.terminate()
model.wait()
sys.exit(done.returncode)
