#!/bin/bash
# `run` in an ordinary login session, whose cgroup is nobody's to divide: it asks the user's service manager for a scope.
#
#   Tests/Support/vm/login.sh FOLDER [BOMBS]
#
# For a machine that is thrown away, as root, with an account `tester` (run-in-vm.sh -u root). FOLDER has the release executables; BOMBS
# is bombs.sh, if it is not beside this script. The user's manager gets the controller io, which no distribution hands on. Each line of
# the output is a claim and whether it held; the exit status is 0 only if all did.
set -u
if [ "$1" != --inside ]; then
    bin=$1 bombs=${2:-$(dirname "$0")/bombs.sh}
    install -m 755 "$0" /opt/login.sh
    install -m 755 "$bombs" /opt/bombs.sh
    drop=/etc/systemd/system/user@.service.d
    mkdir -p $drop
    printf '[Service]\nDelegate=cpu io memory pids\n' >$drop/io.conf
    uid=$(id -u tester)
    systemctl daemon-reload
    systemctl restart "user@$uid"
    for _ in $(seq 600); do [ -S "/run/user/$uid/bus" ] && break; sleep 0.1; done
    su -l tester -c "bash /opt/login.sh --inside $bin"
    status=$?
    su -l tester -c "bash /opt/bombs.sh $bin left-overs" || status=1
    exit $status
fi
bin=$2/codex-sandbox
passed=0 failed=0
work=$(mktemp -d "$HOME/login.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir "$work/ws"
cd "$work/ws" || exit 2
holds() { # WORDS CONDITION…
    local words=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
        echo "ok       $words"
    else
        failed=$((failed + 1))
        echo "NOT OK   $words   ($*)"
        [ ! -e "$work/err" ] || sed 's/^/         | /' "$work/err"
    fi
}
has() { grep -qF -- "$2" "$1"; }
run() { # OPTION… -- COMMAND…: status in $status, milliseconds in $took
    rm -f "$work/result"
    local began=${EPOCHREALTIME/./}
    timeout 240 ${hidden-} "$bin" run --result "$work/result" "$@" >"$work/out" 2>"$work/err"
    status=$?
    took=$(((${EPOCHREALTIME/./} - began) / 1000))
}
last() { # EXPRESSION of the last launch's record, as `limits` of its plan
    "$bin" evidence export | python3 -c 'import json,sys
starts = [r for r in map(json.loads, sys.stdin) if "plan" in r["predicate"]]
limits = starts[-1]["predicate"]["plan"]["limits"]
print(eval(sys.argv[1]))' "$1"; }
held() { last '{h["limit"]: h["mechanism"] for h in limits["held"]}["'"$1"'"]'; }
outcome() { python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))["outcome"])' "$work/result"; }
scopes() { systemctl --user list-units --all --no-legend 'codex-sandbox-*.scope'; }
none_left() { for _ in $(seq 300); do [ -z "$(scopes)" ] && return 0; sleep 0.1; done; scopes; return 1; }
own=$(sed -n 's/^0:://p' /proc/self/cgroup)
eater='import sys
data = bytearray(200 << 20)
for at in range(0, len(data), 4096): data[at] = 1'

echo "kernel $(uname -r), $(systemctl --version | head -1), $own, bus ${DBUS_SESSION_BUS_ADDRESS-none}, runtime ${XDG_RUNTIME_DIR-none}"
case $own in */session-*.scope) isLogin=0 ;; *) isLogin=1 ;; esac
holds "this is a login session" [ $isLogin = 0 ]
"$bin" doctor >"$work/doctor" 2>&1
holds "doctor says what run will do" has "$work/doctor" 'asks the user'"'"'s service manager for a scope'
holds "and what holds memory" has "$work/doctor" "watched, or held by the kernel"
"$bin" explain -- true >"$work/plan" 2>&1
holds "explain, too" has "$work/plan" "run asks the user's service manager for a scope of its own first"
printf 'version = 1\n[limits]\nrequired = "kernel"\n' >"$work/kernel.toml"
"$bin" explain --policy "$work/kernel.toml" -- true >"$work/plan" 2>&1
holds "explain refuses nothing that run does not" [ $? = 0 ]
holds "nobody was asked for that" [ -z "$(scopes)" ]

run -- sh -c 'cat /proc/self/cgroup'
holds "a job runs" [ "$status" = 0 ]
"$bin" run -- true 2>"$work/err"
holds "and one that would be begun before main" [ $? = 0 ]
holds "is in a scope, too" [ "$(held memory) $(last 'limits["scope"]["state"]')" = "cgroup entered" ]
run -- true
holds "without a word about it" [ ! -s "$work/err" ]
holds "the record says cgroup of memory and tasks" [ "$(held memory) $(held tasks)" = "cgroup cgroup" ]
holds "and names the scope" [ "$(last 'limits["scope"]["state"]')" = entered ]
holds "below which the leaf was" [ "$(last 'limits["cgroup"]["subtree"].split("/")[-1] == limits["scope"]["unit"]')" = True ]
"$bin" evidence show >"$work/shown" 2>&1
holds "evidence show has it" grep -q '^ *scope *entered: codex-sandbox-[0-9a-f]*\.scope' "$work/shown"
holds "the scope is gone with the job" none_left
holds "and the shell is where it was" [ "$(sed -n 's/^0:://p' /proc/self/cgroup)" = "$own" ]
run --policy "$work/kernel.toml" -- true
holds "what requires the kernel runs" [ "$status" = 0 ]
run --memory 64MiB -- python3 -c "$eater"
holds "a memory bomb ends with the verdict memory" [ "$(outcome)" = memory-exceeded ]
holds "by the kernel" [ "$(python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))["usage"]["cgroup"]["memoryKills"] > 0)' "$work/result")" = True ]
run --policy landlock-only -- true
holds "the weaker profile gets one, too" [ "$status $(held memory) $(last 'limits["scope"]["state"]')" = "0 cgroup entered" ]
run --danger-full-access -- cat /proc/self/cgroup
holds "full access asks for none" has "$work/out" "$own"

# --- controls -----------------------------------------------------------------------------------------------------------
hidden="env -u DBUS_SESSION_BUS_ADDRESS -u XDG_RUNTIME_DIR"
run -- true
holds "control: with the bus hidden it runs" [ "$status" = 0 ]
holds "control: and is watched" [ "$(held memory) $(held tasks)" = "watched rlimit" ]
holds "the record says why" [ "$(last 'limits["scope"]["state"] + ": " + limits["scope"]["why"]')" = "kept: the environment names no bus of this user's" ]
holds "and what is missing" [ "$(last 'limits["withoutCgroup"]')" = "the caller's cgroup is not its own (EACCES)" ]
run --policy "$work/kernel.toml" -- touch ran
holds "what requires the kernel is refused" [ "$status" = 125 -a ! -e ran ]
hidden="env DBUS_SESSION_BUS_ADDRESS=unix:path=/nowhere"
run -- true
holds "with a bus that is not there it runs" [ "$status" = 0 ]
holds "with a note" has "$work/err" "no scope could be had from the user's service manager: the user's bus cannot be reached"
holds "and the reason in the record" grep -q "^failed the user's bus cannot be reached" <(last 'limits["scope"]["state"] + " " + limits["scope"]["why"]')
hidden="env DBUS_SESSION_BUS_ADDRESS=tcp:host=127.0.0.1,port=1"
run -- true
holds "a bus of another machine is not asked" [ "$status $(last 'limits["scope"]["state"]') $(held memory)" = "0 kept watched" ]
python3 -c 'import socket,sys,time
s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(8); time.sleep(3600)' "$work/silent" &
silent=$!
for _ in $(seq 300); do [ -S "$work/silent" ] && break; sleep 0.1; done
hidden="env DBUS_SESSION_BUS_ADDRESS=unix:path=$work/silent"
run -- true
holds "a bus that nobody answers on is not waited for ($took ms)" [ "$status" = 0 -a "$took" -ge 5000 -a "$took" -lt 15000 ]
holds "with a note" has "$work/err" "no answer from the user's bus in 5 seconds"
holds "and is watched, with the reason" [ "$(held memory) $(last 'limits["scope"]["why"]')" = "watched no answer from the user's bus in 5 seconds" ]
kill $silent
hidden=

# --- where the launch belongs -------------------------------------------------------------------------------------------
systemd-run --user -q --wait --pipe -p WorkingDirectory="$PWD" "$bin" run -- true >"$work/out" 2>"$work/err"
holds "a service's job stays in the service" [ "$? $(held memory) $(last 'limits["scope"]["state"]')" = "0 watched kept" ]
systemd-run --user -q --scope -p MemoryMax=1G "$bin" run -- true >"$work/out" 2>"$work/err"
holds "a job stays within its caller's own limit" [ "$? $(held memory) $(last 'limits["scope"]["state"]')" = "0 watched kept" ]
holds "which the record names" grep -q 'memory.max is 1073741824' <(last 'limits["scope"]["why"]')
systemd-run --user -q --scope "$bin" run -- true >"$work/out" 2>"$work/err"
holds "control: from a scope without one it gets its own" [ "$? $(held memory) $(last 'limits["scope"]["state"]')" = "0 cgroup entered" ]

# --- ends ---------------------------------------------------------------------------------------------------------------
"$bin" run -- sleep 300 >/dev/null 2>&1 &
victim=$!
for _ in $(seq 300); do [ -n "$(scopes)" ] && [ "$(find /sys/fs/cgroup/user.slice -path '*codex-sandbox-*.scope/codex-sandbox.*' -name cgroup.procs ! -path '*callers*' -exec cat {} + 2>/dev/null | wc -l)" -gt 1 ] && break; sleep 0.1; done
holds "a running job has its scope" [ -n "$(scopes)" ]
kill -9 $victim
holds "a killed launcher leaves none" none_left
"$bin" run -- sleep 300 >/dev/null 2>"$work/err" &
for _ in $(seq 300); do [ -n "$(scopes)" ] && break; sleep 0.1; done
sleep 2
systemctl --user stop "$(scopes | awk '{print $1}' | head -1)"
wait $!
holds "who stops the scope stops the job" none_left
for i in $(seq 6); do "$bin" run -- sh -c "echo $i >>at-once" 2>>"$work/err" & done
wait
holds "six at once all run" [ "$(wc -l <at-once)" = 6 ]
holds "and leave nothing" none_left

# --- what it costs: only said, since a machine that is emulated says little ----------------------------------------------
cost() { # WORDS COMMAND…: milliseconds of one launch, the middle of eleven
    local words=$1 times=() began
    shift
    for _ in $(seq 11); do
        began=${EPOCHREALTIME/./}
        "$@" >/dev/null 2>&1
        times+=($(((${EPOCHREALTIME/./} - began) / 100)))
    done
    printf '%s\n' "${times[@]}" | sort -n | awk -v w="$words" 'NR == 6 { printf "cost     %s: %.1f ms\n", w, $1 / 10 }'
}
cost "with a scope of its own" "$bin" run -- true
cost "with the bus hidden" env -u DBUS_SESSION_BUS_ADDRESS -u XDG_RUNTIME_DIR "$bin" run -- true
systemd-run --user --scope -q -p Delegate=yes bash -c "$(declare -f cost); cost 'in one scope for all' $bin run -- true"
echo "$passed held, $failed did not"
[ "$failed" = 0 ]
