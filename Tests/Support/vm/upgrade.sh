#!/bin/bash
# A user's service before and after an upgrade of the system, tried for real: systemd 252 and 257 lay a unit's StateDirectory= in
# different folders, and nothing of the service may depend on that.
#
#   systemd-run --user --wait --pipe Tests/Support/vm/upgrade.sh before FOLDER ARCHIVE    on the older system
#   systemd-run --user --wait --pipe Tests/Support/vm/upgrade.sh after FOLDER ARCHIVE     on the newer one, same account name
#
# FOLDER has the release executables. `before` installs the service, makes a project, ends the service while a job runs, and packs what an
# account's home has of it into ARCHIVE (a tar); `after` unpacks that, as an upgraded system finds it, and starts the user's units. Each line is a claim and
# whether it held; the exit status is 0 only if all did.
set -u
phase=${1:?before or after} from=${2:?the folder with the executables} archive=${3:?the archive}
passed=0 failed=0
work=$(mktemp -d "$HOME/upgrade.XXXXXX")
bin=$HOME/.local/lib/codex-sandbox/codex-sandbox
socket=$XDG_RUNTIME_DIR/codex-sandbox/api.sock
state=.local/state/codex-sandbox
cd "$work" || exit 2

holds() { # WORDS CONDITION…
    local words=$1
    shift
    if "$@" >"$work/condition" 2>&1; then
        passed=$((passed + 1))
        echo "ok       $words"
    else
        failed=$((failed + 1))
        echo "NOT OK   $words   ($*)"
        tail -n 30 "$work/condition" | sed 's/^/         | /'
    fi
}
eventually() { for _ in $(seq 600); do if "$@"; then return 0; fi; sleep 0.1; done; return 1; }
ask() { # PATH [CURL OPTION…]
    local path=$1
    shift
    curl -sS -f -m 120 --unix-socket "$socket" "$@" "http://localhost$path"
}
answers() { ask "$@" >"$work/answer"; }
member() { python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$work/answer" "$1"; }
json='Content-Type: application/json'
echo "kernel $(uname -r), $(systemctl --version | head -1)"

case $phase in
before)
    mkdir -p "$(dirname "$bin")"
    cp "$from"/codex-sandbox "$from"/codex-sandboxd "$from"/codex-sandbox-worker "$(dirname "$bin")/"
    holds "the service is installed" "$bin" service install
    holds "a project is made" answers /api/v1/projects/ -H "$json" -d '{"instruction":"Generate a minimal Python CLI project."}'
    member id >"$HOME/$state/upgrade-project"
    holds "its files are there" answers "/api/v1/projects/$(cat "$HOME/$state/upgrade-project")/files"
    cp "$work/answer" "$HOME/$state/upgrade-files"
    printf 'WORKER=minimal\nSLEEP_SECONDS=600\n' >"$HOME/.config/codex-sandbox/service.env"
    systemctl --user restart codex-sandbox.service
    holds "a long job is begun" answers /api/v1/projects/ -H "$json" -H 'Prefer: respond-async' -d '{"instruction":"long_run"}'
    member id >"$HOME/$state/upgrade-running"
    is_running() { answers "/api/v1/projects/$(cat "$HOME/$state/upgrade-running")/evidence" && [ "$(wc -c <"$work/answer")" -gt 100 ]; }
    holds "and runs" eventually is_running
    systemctl --user stop codex-sandbox.service codex-sandbox.socket
    : >"$HOME/.config/codex-sandbox/service.env"
    holds "the account's files are packed" tar -C "$HOME" -cf "$archive" .local .config
    ;;
after)
    holds "the account's files are unpacked" tar -C "$HOME" -xf "$archive"
    project=$(cat "$HOME/$state/upgrade-project")
    systemctl --user daemon-reload
    holds "the units of before are known" systemctl --user is-enabled codex-sandbox.socket
    systemctl --user start codex-sandbox.socket codex-sandbox.service
    holds "the service runs" eventually systemctl --user is-active -q codex-sandbox.service
    holds "the project is there" answers "/api/v1/projects/$project"
    holds "with its state" [ "$(member status)" = completed ]
    holds "and its files" answers "/api/v1/projects/$project/files"
    holds "which are the same" cmp "$work/answer" "$HOME/$state/upgrade-files"
    holds "the job that the stop ended is there" answers "/api/v1/projects/$(cat "$HOME/$state/upgrade-running")"
    holds "with its end" [ "$(member status)" = error ]
    holds "and the reason" grep -q interrupted "$work/answer"
    holds "and its records" "$bin" evidence verify --workspace "$(member workspace_path)"
    holds "it takes another instruction" answers "/api/v1/projects/$project/jobs" -X POST -H "$json" -d '{"job_type":"edit","instruction":"Append a comment line to app.py describing the change."}'
    holds "whose job completes" [ "$(member status)" = completed ]
    holds "the records of both are one unbroken chain" "$bin" evidence verify --workspace "$(ask "/api/v1/projects/$project" |
        python3 -c 'import json,sys; print(json.load(sys.stdin)["workspace_path"])')"
    holds "installed again, the units stay as they are" sh -c '"$1" service install | grep -F "nothing changed"' - "$bin"
    ;;
*) echo "before or after" >&2; exit 2 ;;
esac
echo "$passed held, $failed did not"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
