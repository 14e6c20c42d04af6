#!/bin/bash
# token_canary.sh BASE: uses a server whose token is API_TOKEN in every way that could leave it somewhere. The worker is carry_out.sh.
# Prints one line for each answer. The token stands in no command line: curl(1) reads it.
base=$1
ask() { # HEADER ARGUMENT...: the status of the answer
    local header=$1
    shift
    curl -sS -m 120 -o answer -w '%{http_code}\n' -H @<(printf '%s\n' "$header") "$@"
}
create() { # HEADER
    ask "$1" -H 'Content-Type: application/json' --data @body "$base/api/v1/projects/"
}
# The job writes all that its environment has into its output and its files.
cat >body <<'END'
{"instruction": "env; env >all.txt; cat /proc/self/environ | tr '\\0' '\\n'; printf '%s' '{\"status\":\"success\",\"summary\":\"done\",\"created_files\":[],\"modified_files\":[],\"errors\":[],\"logs\":[]}' >.codex/result.json"}
END
create "Authorization: Bearer wrong-$API_TOKEN"
create "Authorization: Basic $API_TOKEN"
create "X-Token: $API_TOKEN"
create "Authorization: Bearer $API_TOKEN"
grep -o '"status":"[a-z]*"' answer
ask "Authorization: Bearer $API_TOKEN" "$base/api/v1/projects/"
ask "Authorization: Bearer $API_TOKEN" "$base/api/v1/nothing"
ask "Authorization: Bearer $API_TOKEN" -X POST -H 'Content-Type: application/json' --data '{' "$base/api/v1/projects/"
rm answer
