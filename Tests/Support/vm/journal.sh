#!/bin/bash
# `service logs` where the journal is kept in memory and where it is kept on the disk: to be run as root in a machine that is thrown away, with an
# account `tester` (1000) that lingers.
#
#   journal.sh FOLDER
#
# FOLDER has the release executables. Each line of the output is a claim and whether it held; the exit status is 0 only if all did.
set -u
from=${1:?the folder with the executables}
passed=0 failed=0
work=$(mktemp -d /var/tmp/journal.XXXXXX)
chmod 755 "$work"
cp "$from"/codex-sandbox{,d,-worker} "$work/"
bin=$work/codex-sandbox
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
        tail -n 5 "$work/condition" "$work/out" "$work/errors" 2>/dev/null | cut -c1-600 | sed 's/^/         | /'
    fi
}
as_user() { runuser -u tester -- env -C / HOME=/home/tester USER=tester LOGNAME=tester XDG_RUNTIME_DIR=/run/user/1000 DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/1000/bus "$@"; }
logs() { as_user "$bin" service logs "$@" >"$work/out" 2>"$work/errors"; }
ends() { # STATUS WORDS…: of service logs
    local status=$1 ended=0
    shift
    logs "$@" || ended=$?
    [ "$ended" = "$status" ]
}
shows() { logs --lines 2000 && grep -qF "audit createProject project=$1" "$work/out" && [ ! -s "$work/errors" ]; }
hides() { ! grep -q . "$work/out"; }
says() { grep -qF -- "$1" "$work/errors"; }
eventually() { for _ in $(seq 600); do if "$@"; then return 0; fi; sleep 0.1; done; return 1; }
create() {
    as_user curl -sS -m 120 --unix-socket /run/user/1000/codex-sandbox/api.sock -H 'Content-Type: application/json' \
        -d '{"instruction":"Generate a minimal Python CLI project."}' http://localhost/api/v1/projects/ | python3 -c 'import json,sys; print(json.load(sys.stdin)["id"])'
}

eventually [ -S /run/user/1000/bus ]
gpasswd -d tester systemd-journal >/dev/null 2>&1
holds "the journal is kept in memory" sh -c "ls /run/log/journal/*/system.journal && ! ls /var/log/journal/*/system.journal"
holds "without a service there is none to tell of" ends 1
holds "which is said" says "it is not installed; codex-sandbox service install"
as_user "$bin" service install >"$work/out" 2>"$work/errors"
first=$(create)
holds "a project is made" [ -n "$first" ]
holds "an account that may not read the journal is refused" ends 1
holds "with what to do" says "have root add you to the group systemd-journal"
holds "and shown nothing" hides
gpasswd -a tester systemd-journal >/dev/null
holds "once it is done the log is there" eventually shows "$first"
holds "of this unit alone" sh -c '! grep -qv codex-sandbox "$1"' sh "$work/out"
logs --lines 2
holds "--lines bounds it" [ "$(wc -l <"$work/out")" = 2 ]
as_user timeout 250 "$bin" service logs --follow --lines 1 >"$work/followed" 2>&1 &
follower=$!
eventually [ -s "$work/followed" ]
second=$(create)
holds "--follow goes on with what comes" eventually grep -qF "audit createProject project=$second" "$work/followed"
kill "$follower"
wait "$follower" 2>/dev/null
journalctl --quiet --rotate --vacuum-time=1us
# What was logged since is of root's own doing.
holds "where nothing of it is left" ends 0
holds "that is said" says "has logged nothing yet that is still kept"
holds "and nothing shown" hides

gpasswd -d tester systemd-journal >/dev/null
mkdir -p /etc/systemd/journald.conf.d /var/log/journal
printf '[Journal]\nStorage=persistent\n' >/etc/systemd/journald.conf.d/zz-journal.conf
systemd-tmpfiles --create --prefix /var/log/journal >/dev/null 2>&1
systemctl restart systemd-journald
journalctl --flush
third=$(create)
holds "on the disk the account has a file of its own, and needs no group" eventually shows "$third"
holds "it is the account's" ls /var/log/journal/*/user-1000.journal
as_user "$bin" service uninstall >"$work/out" 2>"$work/errors"
holds "a service that is gone left its log" shows "$third"

echo "$passed held, $failed did not"
[ "$failed" = 0 ]
