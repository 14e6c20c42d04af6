#!/usr/bin/env python3
"""One session of the Codex CLI with a scripted model, both in the process that calls this.

usage: session.py CODEX MOCK FOLDER

Works in the current folder. The model asks for: a command, a file by apply_patch, a command on a background terminal that is
then written to, a command that runs the project's tests; and says that it is done. FOLDER gets what the model was told
(requests.jsonl). Prints the CLI's output and one line `session: STATUS` at the end.
"""
import json
import os
import subprocess
import sys

codex, mock, folder = sys.argv[1:]
home = os.path.join(os.environ["HOME"], "codex-home")
os.makedirs(home, exist_ok=True)
turns = {
    "turns": [
        {"call": {"name": "exec_command", "args": {"cmd": "echo hello from $(pwd); ls; git status --short"}}},
        {"custom_call": {"name": "apply_patch", "input": "*** Begin Patch\n*** Add File: added.py\n+def double(x):\n+    return 2 * x\n*** End Patch\n"}},
        {"custom_call": {"name": "apply_patch", "input": "*** Begin Patch\n*** Update File: kept.txt\n@@\n-old line\n+new line\n*** End Patch\n"}},
        {"call": {"name": "exec_command", "args": {"cmd": "tty; read x; echo got:$x; sleep 60", "tty": True, "yield_time_ms": 3000}}},
        {"capture": {"SID": "session ID (\\d+)"},
         "call": {"name": "write_stdin", "args": "{\"session_id\": ${SID}, \"chars\": \"abc\\n\", \"yield_time_ms\": 10000}"}},
        {"call": {"name": "exec_command", "args": {"cmd": "python3 -c 'import added; print(\"double:\", added.double(21))' && git add -A && git commit -qm work && echo committed"}}},
        {"text": "All done."},
    ]
}
script = os.path.join(home, "turns.json")
with open(script, "w") as file:
    json.dump(turns, file)
server = subprocess.Popen(
    [sys.executable, mock, "--port", "0", "--script", script, "--log", os.path.join(folder, "requests.jsonl")],
    stdout=subprocess.PIPE, text=True)
port = int(server.stdout.readline())
with open(os.path.join(home, "config.toml"), "w") as file:
    file.write(f"""model = "gpt-5.5"
model_provider = "mock"
[model_providers.mock]
name = "mock"
base_url = "http://127.0.0.1:{port}/v1"
wire_api = "responses"
request_max_retries = 0
stream_max_retries = 0
""")
command = [codex, "exec", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox", "do it"]
done = subprocess.run(command, stdin=subprocess.DEVNULL, env=dict(os.environ, CODEX_HOME=home), timeout=600)
server.terminate()
server.wait()
print("session:", done.returncode, flush=True)
