#!/bin/bash
# A worker that does what the request says: the instruction is a script.
cd "${WORKSPACE_DIR:-/workspace}" || exit 9
instruction=$(python3 -c 'import json; print(json.load(open(".codex/request.json"))["instruction"])') || exit 9
eval "$instruction"
