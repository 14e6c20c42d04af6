#!/bin/bash
# The service of one user, tried for real: to be run in a user's own systemd session, in a unit of its own.
#
#   systemd-run --user --wait --pipe Tests/Support/vm/service.sh FOLDER
#
# FOLDER has the release executables. README.md beside this says how to get such a session. Each line of the output is a claim
# and whether it held; the exit status is 0 only if all did. Everything is below a folder of its own but the units themselves,
# which must not be there before and are gone afterwards.
set -u
from=${1:?the folder with the executables}
passed=0 failed=0
work=$(mktemp -d "$HOME/service.XXXXXX")
bin=$work/app/codex-sandbox
data=$HOME/.local/state/codex-sandbox/serve
config=${XDG_CONFIG_HOME:-$HOME/.config}
units=$config/systemd/user
socket=$XDG_RUNTIME_DIR/codex-sandbox/api.sock
settings=$config/codex-sandbox/service.env
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
        sed 's/^/         | /' "$work/condition" "$work/out" 2>/dev/null | tail -30
    fi
}
service() { "$bin" service "$@" >"$work/out" 2>&1; }
says() { grep -qF -- "$1" "$work/out"; }
lacks() { ! grep -qF -- "$1" "$work/out"; }
eventually() { for _ in $(seq 600); do if "$@"; then return 0; fi; sleep 0.1; done; return 1; }
pid() { systemctl --user show codex-sandbox.service -P MainPID; }
property() { systemctl --user show "$1" -P "$2"; }
is() { [ "$(property "$1" "$2")" = "$3" ]; }
ask() { # PATH [CURL OPTION…]
    local path=$1
    shift
    curl -sS -m 120 --unix-socket "$socket" -w '\n%{http_code}' "$@" "http://localhost$path" >"$work/answer" 2>&1
}
answers() { # STATUS PATH [CURL OPTION…]
    local status=$1
    shift
    if ask "$@" && [ "$(tail -n 1 "$work/answer")" = "$status" ]; then return 0; fi
    cat "$work/answer"
    return 1
}
member() { head -n -1 "$work/answer" | python3 -c 'import json,sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }
place() { # FOLDER: puts the executables of it in the place of those that are there, as a package does
    mkdir -p "$work/app"
    for name in codex-sandbox codex-sandboxd codex-sandbox-worker; do
        cp "$1/$name" "$work/app/.$name.new" && mv "$work/app/.$name.new" "$work/app/$name"
    done
}
json='Content-Type: application/json'

# Clients that ask again and again, until $work/over is there; what went wrong goes to standard output.
cat >"$work/load.py" <<'END'
import http.client, os, socket, sys, threading, time
path, over = sys.argv[1], sys.argv[2]
done, faults = [0], []
class Unix(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(300)
        self.sock.connect(path)
def load(number):
    connection, asked, last = None, 0, 0
    while not os.path.exists(over):
        try:
            asked = time.monotonic()
            if connection is None:
                connection = Unix("localhost") if number % 2 else http.client.HTTPConnection("127.0.0.1", 8000, timeout=300)
            connection.request("GET", "/api/v1/projects/?limit=1")
            answer = connection.getresponse()
            answer.read()
            last = time.monotonic()
            if answer.status != 200:
                faults.append(answer.status)
            done[0] += 1
            if number < 2 or answer.getheader("Connection") == "close":
                connection.close()
                connection = None
        except (OSError, http.client.HTTPException) as error:
            # A kept connection that was silent for a while may be closed just as it is used again (RFC 9112, 9.3.1).
            if not (number >= 2 and connection is not None and asked - last > 0.5):
                faults.append(f"{type(error).__name__}: {error}")
            connection = None
threads = [threading.Thread(target=load, args=(n,)) for n in range(4)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(done[0], len(faults), *faults[:5])
END

echo "kernel $(uname -r), $(systemctl --version | head -1)"
if [ -e "$units/codex-sandbox.service" ] || [ -e "$data" ] || [ -e "$settings" ] || [ -L "$settings" ]; then
    echo "$units/codex-sandbox.service, $data or $settings is there already" >&2
    exit 2
fi
place "$from"

# --- install ------------------------------------------------------------------------------------------------------------
service status
holds "before, status says that nothing is installed" says "not installed"
service install --dry-run
holds "a dry run says what would be done" says "would run systemctl --user enable"
holds "and does nothing" [ ! -e "$units/codex-sandbox.service" ]
service install
holds "install says what it has done" says "done: run systemctl --user start"
holds "the service runs" is codex-sandbox.service ActiveState active
holds "and both units are enabled" is codex-sandbox.socket UnitFileState enabled
sed 's,[^ =]*/codex-sandbox serve,/bin/true serve,' "$units/codex-sandbox.service" >"$work/codex-sandbox.service"
cp "$units/codex-sandbox.socket" "$work/"
holds "systemd has nothing to say about the units" sh -c 'said=$(systemd-analyze verify --user "$1/codex-sandbox.service" "$1/codex-sandbox.socket" 2>&1); echo "$said"; [ -z "$said" ]' - "$work"
service install
holds "a second install changes nothing" says "nothing changed"
first=$(pid)

# --- a request ----------------------------------------------------------------------------------------------------------
holds "a project is made over the unix socket" answers 200 /api/v1/projects/ -H "$json" -d '{"instruction":"Generate a minimal Python CLI project."}'
project=$(member id)
holds "its job ran in its sandbox" [ "$(member status)" = completed ]
holds "TCP answers, too" curl -sS -m 60 -o /dev/null -f "http://127.0.0.1:8000/api/v1/projects/$project"
holds "the folder is absolute, below the state folder" answers 200 "/api/v1/projects/$project"
holds "as the API says" [ "$(member workspace_path)" = "$data/workspaces/$project" ]
holds "only its owner may enter it" [ "$(stat -c %a "$data")" = 700 ]
service status
holds "status shows where it listens" says "$socket"
# Its word about itself is a second old at the most.
quiet() { service status; says "0 jobs running"; }
holds "and what it says of itself" eventually quiet
"$bin" service status --json >"$work/status.json" 2>&1
holds "also for programs" python3 -c 'import json,sys; assert json.load(open(sys.argv[1]))["state"] == "running"' "$work/status.json"

# --- restart ------------------------------------------------------------------------------------------------------------
python3 "$work/load.py" "$socket" "$work/over" >"$work/load" 2>&1 &
load=$!
sleep 2
systemctl --user restart codex-sandbox.service
sleep 2
systemctl --user restart codex-sandbox.service
sleep 2
touch "$work/over"
wait "$load"
echo "         load: $(cat "$work/load")"
holds "under load no client is refused by two restarts" sh -c 'set -- $(cat "$1"); [ "$1" -gt 20 ] && [ "$2" = 0 ]' - "$work/load"
holds "another process serves" [ "$(pid)" != "$first" ]
holds "and has the project" answers 200 "/api/v1/projects/$project"

systemctl --user stop codex-sandbox.service
holds "a stopped service ends without a fault" is codex-sandbox.service Result success
service status
holds "status says that it waits for a client" says "waiting for its first client"
holds "the first client starts it" answers 200 "/api/v1/projects/$project"

# --- kill ---------------------------------------------------------------------------------------------------------------
before=$(pid)
kill -9 "$before"
holds "a server that is killed is started again, and answers" answers 200 "/api/v1/projects/$project"
holds "by the manager" [ "$(pid)" != "$before" ]
holds "with nothing left of the one before" sh -c '! kill -0 "$1" 2>/dev/null' - "$before"

# --- watchdog -----------------------------------------------------------------------------------------------------------
mkdir -p "$units/codex-sandbox.service.d"
printf '[Service]\nWatchdogSec=%s\nTimeoutAbortSec=1\n' "${WATCHDOG:-10}" >"$units/codex-sandbox.service.d/watchdog.conf"
systemctl --user daemon-reload
systemctl --user restart codex-sandbox.service
before=$(pid)
sleep $((${WATCHDOG:-10} * 2))
holds "a server that works outlives its watchdog" [ "$(pid)" = "$before" ]
kill -STOP "$before"
other() { [ "$(pid)" != "$before" ] && [ "$(pid)" != 0 ]; }
holds "a server that hangs does not" eventually other
holds "the next one answers" answers 200 "/api/v1/projects/$project"

# --- reload -------------------------------------------------------------------------------------------------------------
before=$(pid)
printf 'APP_NAME=Renamed\nLOG_LEVEL=debug\n' >>"$settings"
systemctl --user reload codex-sandbox.service
title() { ask /openapi.json && [ "$(member info | python3 -c 'import ast,sys; print(ast.literal_eval(sys.stdin.read())["title"])')" = "$1" ]; }
holds "a reload takes the file of settings" eventually title Renamed
echo 'MAX_JOBS=none' >>"$settings"
systemctl --user reload codex-sandbox.service
sleep 1
holds "a bad one is not taken" title Renamed
holds "by the same process" [ "$(pid)" = "$before" ]
sed -i '/MAX_JOBS=none/d' "$settings"

# --- upgrade ------------------------------------------------------------------------------------------------------------
place "$from"
service status
holds "status sees that the program was replaced" says "replaced since"
service install
holds "install then restarts the server" says "restart codex-sandbox.service"
holds "with another process" [ "$(pid)" != "$before" ]
holds "that has the project" answers 200 "/api/v1/projects/$project"
service install
holds "and that is all" says "nothing changed"

# --- jobs at a stop -----------------------------------------------------------------------------------------------------
long() { # NAME: a job of some seconds, and a restart while it runs; its project's answer in $work/NAME
    ask /api/v1/projects/ -H "$json" -H 'Prefer: respond-async' -d '{"instruction":"long_run"}'
    long=$(member id)
    running() { ask "/api/v1/projects/$long/evidence" && [ "$(head -n -1 "$work/answer" | wc -c)" -gt 100 ]; }
    holds "$1: a job runs" eventually running
    "$bin" status >"$work/out" 2>&1
    holds "$1: and status shows it" says "$long"
    systemctl --user restart codex-sandbox.service
    ask "/api/v1/projects/$long"
    cp "$work/answer" "$work/$1"
}
# Longer than the watchdog, which goes on during a stop.
printf 'WORKER=minimal\nSLEEP_SECONDS=%s\n' $((${WATCHDOG:-10} * 2)) >>"$settings"
systemctl --user restart codex-sandbox.service
long end
holds "a restart ends jobs, and says so" grep -q '"status":"error".*interrupted' "$work/end"
holds "with their records" "$bin" evidence verify --workspace "$data/workspaces/$long"
service install --stop-jobs finish --stop-time 5m
holds "the bound stands in the unit" is codex-sandbox.service TimeoutStopUSec "5min 45s"
long finish
holds "or it waits for them" grep -q '"status":"completed"' "$work/finish"
holds "without a fault, or an end by the watchdog" is codex-sandbox.service NRestarts 0

# --- token --------------------------------------------------------------------------------------------------------------
secret=$(od -An -N16 -tx1 /dev/urandom | tr -d " \n")
(umask 077; echo "$secret" >"$work/token")
service install --token-file "$work/token"
holds "with a token nobody is served without" eventually answers 401 "/api/v1/projects/$project"
holds "but with it" answers 200 "/api/v1/projects/$project" -H "Authorization: Bearer $secret"
before=$(pid)
sleep $((${WATCHDOG:-10} * 2))
holds "its own watchdog needs none" [ "$(pid)" = "$before" ]
rm -r "$units/codex-sandbox.service.d"
systemctl --user daemon-reload
service install
holds "install without it takes it away" eventually answers 200 "/api/v1/projects/$project"

# --- journal ------------------------------------------------------------------------------------------------------------
# It takes a journal that this account may read: its own file, or, where the journal is kept in memory, the group systemd-journal.
journal() { journalctl --quiet --user-unit codex-sandbox.service -o json --no-pager; }
fields() { journal | SECRET=$secret PLANTED=$project python3 -c 'import json, os, sys
text = sys.stdin.read()
lines = [json.loads(line) for line in text.splitlines()]
assert any(e.get("CODEX_ACTION") == "createProject" and e.get("CODEX_PROJECT") and e.get("CODEX_PEER") and e.get("CODEX_REQUEST")
    and e.get("CODEX_STATUS") == "200" and e.get("PRIORITY") == "5" and e.get("_SYSTEMD_USER_UNIT") == "codex-sandbox.service" for e in lines), lines[-3:]
assert os.environ["PLANTED"] in text, "the control: what is there is found"
assert os.environ["SECRET"] not in text, "the token"'; }
holds "the journal has what was changed, in fields, and no secret" fields
"$bin" service logs --lines 2000 >"$work/out" 2>"$work/errors"
holds "logs shows it" says "audit createProject project="
holds "and says nothing else" [ ! -s "$work/errors" ]

# --- uninstall ----------------------------------------------------------------------------------------------------------
service uninstall
holds "uninstall says what it keeps" says "kept: $data/"
holds "the units are gone" [ ! -e "$units/codex-sandbox.service" ]
holds "and nothing listens" sh -c '! curl -sS -m 5 -o /dev/null http://127.0.0.1:8000/healthz 2>/dev/null'
service uninstall
holds "a second uninstall changes nothing" says "nothing changed"
service install
holds "installed anew it has the project" answers 200 "/api/v1/projects/$project"

# --- another folder -----------------------------------------------------------------------------------------------------
state="$work/other state"
service install --state-dir "$state"
holds "with another state folder install says where the data stays" says "the service had its data in $data/"
holds "a project is made there" answers 200 /api/v1/projects/ -H "$json" -d '{"instruction":"Generate a minimal Python CLI project."}'
moved=$(member id)
holds "in a folder of that one" [ -d "$state/serve/workspaces/$moved" ]
holds "with its records" "$bin" evidence verify --state-dir "$state" --workspace "$state/serve/workspaces/$moved"
holds "where the first one's project is not" answers 404 "/api/v1/projects/$project"
mkdir "$state/serve/workspaces/my-thesis" && echo text >"$state/serve/workspaces/my-thesis/one"
ln -s "$work/app" "$state/serve/workspaces/11111111-2222-4333-8444-555555555555"
service uninstall
holds "uninstall says what removes it" says "--purge --state-dir '$state'"
service uninstall --purge --state-dir "$state/serve"
ended=$?
holds "a folder that is none of a server's is not there to be purged" says "there is no data"
holds "which is no success, and takes no settings" [ "$ended" = 1 -a -e "$settings" ]
mkdir "$work/none" "$work/none/serve" && echo text >"$work/none/serve/notes"
service uninstall --purge --state-dir "$work/none"
ended=$?
holds "or is refused" [ "$ended" = 1 -a -e "$work/none/serve/notes" ]
holds "with what is in it" says "it has notes, which no server has made"
# Installed: the unit says the folder, also to the call behind one that was killed.
service install --state-dir "$state"
(cd "$state/serve/workspaces/$moved" && seq 20000 | xargs touch)
count() { find "$state/serve/workspaces/$moved" 2>/dev/null | wc -l; }
whole=$(count)
"$bin" service uninstall --purge >"$work/out" 2>&1 &
purge=$!
while kill -0 "$purge" 2>/dev/null && [ "$(count)" = "$whole" ]; do :; done
kill -9 "$purge" 2>/dev/null
wait "$purge" 2>/dev/null
echo "         killed with $? after $((whole - $(count))) of $whole"
holds "a purge that was killed leaves the unit, which says where the data lies" [ -e "$units/codex-sandbox.service" ]
service uninstall --purge
ended=$?
holds "so the same command ends it" [ ! -e "$state/serve/workspaces/$moved" -a ! -e "$state/serve/codex.db" ]
holds "and takes no other server's data" [ -d "$data/workspaces/$project" ]
holds "what no server has made stays" [ "$(cat "$state/serve/workspaces/my-thesis/one")" = text ]
holds "and is named" says "my-thesis\", which no server has made"
holds "with a status that says so" [ "$ended" = 1 ]
holds "a link in a project's place too" says "11111111-2222-4333-8444-555555555555\", which no server has made"
holds "and what it leads to" [ -x "$bin" ]
rm -r "$state/serve/workspaces/my-thesis" "$state/serve/workspaces/11111111-2222-4333-8444-555555555555"
service uninstall --purge --state-dir "$state"
ended=$?
holds "once that is away the rest goes" [ "$ended" = 0 -a ! -e "$state/serve" ]
holds "the records stay, and the first one's data" [ -d "$state/evidence" -a -d "$data/workspaces/$project" ]
service install
holds "installed once more it has its project" answers 200 "/api/v1/projects/$project"
service uninstall --purge
holds "purged, the data is gone" [ ! -e "$data" ]
holds "and the settings" [ ! -e "$settings" ]
holds "the records stay" [ -d "$HOME/.local/state/codex-sandbox/evidence" ]
holds "nothing of it is left running" is codex-sandbox.service ActiveState inactive

cd /
rm -rf "$work"
echo "$passed held, $failed did not"
[ "$failed" = 0 ]
