#!/bin/bash
# Limits by cgroup v2, tried for real: to be run in a user's own systemd session, in a unit with Delegate=yes.
#
#   systemd-run --user --wait --pipe -p Delegate=yes Tests/Support/vm/limits.sh FOLDER
#
# FOLDER has the release executables. README.md beside this says how to get such a session in a virtual machine. Each line of
# the output is a claim and whether it held; the exit status is 0 only if all did. Every denial stands beside a control that
# shows the same act going through.
set -u
bin=${1:?the folder with codex-sandbox and codex-sandboxd}/codex-sandbox
passed=0 failed=0
work=$(mktemp -d "$HOME/limits.XXXXXX")
mkdir "$work/ws"
cd "$work/ws" || exit 2
own=$(sed -n 's/^0:://p' /proc/self/cgroup)
case $own in */codex-sandbox.callers) own=${own%/*} ;; esac
tree=/sys/fs/cgroup$own

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
run() { # OPTION… -- COMMAND…: status in $status, result in $work/result, words in $work/err
    rm -f "$work/result"
    timeout 240 "$bin" run --result "$work/result" "$@" >"$work/out" 2>"$work/err"
    status=$?
}
result() { python3 -c 'import json,sys
value = json.load(open(sys.argv[1]))
for key in sys.argv[2].split("."):
    value = value.get(key) if isinstance(value, dict) else None
print(value)' "$work/result" "$1"; }
limits() { python3 -c 'import json,subprocess,sys
text = subprocess.run([sys.argv[1], "evidence", "export"], stdout=subprocess.PIPE).stdout.splitlines()[0]
held = json.loads(text)["predicate"]["plan"]["limits"]["held"]
print(" ".join(limit["limit"] + "=" + limit["mechanism"] for limit in held))' "$bin"; }
leaves() { find "$tree" -maxdepth 1 -name 'codex-sandbox.*' ! -name '*.callers' | wc -l; }
leaf() { find "$tree" -maxdepth 1 -name 'codex-sandbox.*' ! -name '*.callers' | head -1; }
has() { grep -qF -- "$2" "$1"; }
# A group that is full of what dies is tried for two seconds, then left to the next launch.
none_left() { for _ in $(seq 300); do [ "$(leaves)" = 0 ] && return 0; sleep 0.1; done; return 1; }
under() { [ "$1" != None ] && [ "$1" -lt "$2" ]; }
over() { [ "$1" != None ] && [ "$1" -gt "$2" ]; }

echo "kernel $(uname -r), $(systemctl --version | head -1), unit $own"

# --- what is said -------------------------------------------------------------------------------------------------------
"$bin" doctor >"$work/doctor" 2>&1
holds "doctor names the subtree and its controllers" has "$work/doctor" "is delegated to us, with memory, pids, cpu"
holds "doctor says that memory is held" has "$work/doctor" "held by the kernel: each job gets a cgroup"
"$bin" explain --memory 64MiB --pids 50 --cpus 0.5 -- true >"$work/plan" 2>&1
for line in 'memory.max        67108864' 'memory.high       max' 'memory.swap.max   0' 'memory.oom.group  1' 'pids.max          50' 'cpu.max           50000 100000'; do
    holds "explain shows $line" has "$work/plan" "$line"
done

# --- membership, record, end --------------------------------------------------------------------------------------------
run -- cat /proc/self/cgroup
holds "a job runs" [ "$status" = 0 ]
holds "its callers were moved aside" [ "$(sed -n 's/^0:://p' /proc/self/cgroup)" = "$own/codex-sandbox.callers" ]
holds "it sees itself in a leaf" grep -q 'codex-sandbox\.[0-9a-f]\{32\}$' "$work/out"
holds "nothing of it is left" [ "$(leaves)" = 0 ]
holds "the record names what holds each limit" [ "$(limits)" = "tasks=cgroup memory=cgroup memory_high=unlimited open_files=rlimit file_size=rlimit cpu=unlimited cpus=unlimited workspace=unlimited output=unlimited wall=timer" ]
"$bin" evidence show >"$work/shown" 2>&1
holds "memory counts as enforced" grep -q '^memory .*enforced' "$work/shown"
holds "membership was compared from outside" grep -q 'cgroup of worker *outside' "$work/shown"
holds "the verdicts can be recomputed" "$bin" evidence verify
run -- sh -c '(setsid sleep 300 &) ; (setsid sleep 300 &)'
holds "children that are left end with the job" [ "$status" = 0 ]
holds "and so does the leaf" [ "$(leaves)" = 0 ]

# --- memory -------------------------------------------------------------------------------------------------------------
eater='import sys
data = bytearray(int(sys.argv[1]) << 20)
for at in range(0, len(data), 4096): data[at] = 1
print("done")'
run --memory 256MiB -- python3 -c "$eater" 100
holds "control: 100 MiB fit into 256 MiB" [ "$status" = 0 ]
holds "and the peak is in the result" over "$(result usage.cgroup.memoryPeakBytes)" 100000000
run --memory 64MiB -- python3 -c "$eater" 200
holds "200 MiB do not fit into 64 MiB" [ "$(result outcome)" = memory-exceeded ]
holds "and the kernel has said so" over "$(result usage.cgroup.memoryKills)" 0
holds "and that it was this limit" over "$(result usage.cgroup.memoryLimitHits)" 0
run --memory 64MiB -- sh -c 'head -c 200M /dev/zero >/tmp/file; echo "$?"; sleep 1'
holds "what lies in /tmp counts" [ "$(result outcome)" = memory-exceeded ]
run --memory 64MiB -- python3 -c 'import os, signal, time
n = 0
while n < 40:
    if os.fork() == 0:
        d = bytearray(8 << 20)
        for at in range(0, len(d), 4096): d[at] = 1
        signal.pause()
    n += 1
time.sleep(30)'
holds "forty small processes count together" [ "$(result outcome)" = memory-exceeded ]
holds "none of them is left" none_left

printf 'version = 1\n[limits]\nmemory = "192MiB"\nmemory_high = "64MiB"\n' >"$work/high.toml"
slowed() { # OPTION… for 130 MiB: in $high the leaf's setting, in $events how often it was slowed down by when that, or all of it, shows
    "$bin" run --result "$work/result" "$@" -- python3 -c "$eater
__import__('time').sleep(600)" 130 >/dev/null 2>"$work/err" &
    local job=$! group used
    high='' events=''
    for _ in $(seq 1200); do
        group=$(leaf)
        used=$(cat "$group/memory.current" 2>/dev/null || echo 0)
        events=$(sed -n 's/^high //p' "$group/memory.events" 2>/dev/null || true)
        [ "${events:-0}" = 0 ] && [ "$used" -lt 136314880 ] || break
        sleep 0.1
    done
    high=$(cat "$group/memory.high")
    kill "$job"
    wait "$job"
}
slowed --memory 192MiB
holds "control: without it nothing is slowed down" [ "$events" = 0 ]
holds "and the leaf says max" [ "$high" = max ]
slowed --policy "$work/high.toml"
holds "what is above it is slowed down ($events times)" over "${events:-None}" 0
holds "by the size that was asked for" [ "$high" = 67108864 ]
holds "and is not killed for memory" [ "$(result outcome)" != memory-exceeded ]
holds "the record names what slows it down" has <(limits) "memory_high=cgroup"
printf 'version = 1\n[limits]\nmemory = "64MiB"\n  memory_high = "65MiB"\n' >"$work/above.toml"
run --policy "$work/above.toml" -- true
holds "above the limit it is refused" [ "$status" = 125 ]
holds "with its place" has "$work/err" "above.toml:4:3: limits.memory_high: 65 MiB, it must not exceed limits.memory, which is 64 MiB"

# --- tasks --------------------------------------------------------------------------------------------------------------
forker='import os, time
made = 0
try:
    while made < 60:
        if os.fork() == 0: time.sleep(20); os._exit(0)
        made += 1
except BlockingIOError: pass
print(made)'
run --pids 100 -- python3 -c "$forker"
holds "control: 60 processes fit into 100" [ "$(cat "$work/out")" = 60 ]
run --pids 20 -- python3 -c "$forker"
holds "60 do not fit into 20" under "$(cat "$work/out")" 20
run --pids 20 -- sh -c 'bomb() { bomb | bomb & }; bomb; sleep 3'
holds "a fork bomb ends" none_left
holds "at most 20 were there at once" under "$(result usage.cgroup.tasksPeak)" 21

# --- processors ---------------------------------------------------------------------------------------------------------
spinner='import time
end = time.monotonic() + 6
while time.monotonic() < end: pass'
run -- python3 -c "$spinner"
free=$(result usage.cgroup.processorMicroseconds)
run --cpus 0.2 -- python3 -c "$spinner"
held=$(result usage.cgroup.processorMicroseconds)
holds "control: six seconds of one processor without a limit ($free us)" over "$free" 3500000
holds "a fifth of a processor is not much more than a fifth ($held us)" under "$held" 2200000
if [ -e /proc/pressure/cpu ]; then
    holds "the result says how long it waited for one" over "$(result usage.cgroup.processorPressureMicroseconds)" 1000000
    holds "and for memory" over "$(result usage.cgroup.memoryPressureMicroseconds)" -1
    holds "and for disks" over "$(result usage.cgroup.ioPressureMicroseconds)" -1
else
    holds "a kernel that measures no pressure: the result says none" [ "$(result usage.cgroup.processorPressureMicroseconds)" = None ]
fi

# --- refusals -----------------------------------------------------------------------------------------------------------
printf 'version = 1\n[limits]\nrequired = "kernel"\n' >"$work/kernel.toml"
run --policy "$work/kernel.toml" -- true
holds "required = \"kernel\" runs where the kernel holds them" [ "$status" = 0 ]
systemd-run --user --scope -q env DBUS_SESSION_BUS_ADDRESS=unix:path=/nowhere "$bin" run --result "$work/result" --policy "$work/kernel.toml" -- touch ran >"$work/out" 2>"$work/err"
holds "and is refused in a scope that is not delegated, where nobody makes another" [ $? = 125 ]
holds "with the unit's name" grep -q 'run-.*\.scope, which systemd has not delegated' "$work/err"
holds "and what to do" has "$work/err" "systemd-run --user --scope -p Delegate=yes"
holds "and why there is no other one" has "$work/err" "no scope could be had from the user's service manager: the user's bus cannot be reached"
holds "nothing ran" [ ! -e ran ]
systemd-run --user --scope -q "$bin" run --result "$work/result" --policy "$work/kernel.toml" -- true >"$work/out" 2>"$work/err"
holds "with the user's bus it gets a scope of its own" [ $? = 0 ]
"$bin" evidence export >"$work/record" 2>&1
holds "in which the job's leaf is" grep -q '"subtree":"[^"]*/codex-sandbox-[0-9a-f]\{32\}\.scope"' "$work/record"
holds "and the record says how" [ "$(limits)" = "tasks=cgroup memory=cgroup memory_high=unlimited open_files=rlimit file_size=rlimit cpu=unlimited cpus=unlimited workspace=unlimited output=unlimited wall=timer" ]
for _ in $(seq 50); do systemctl --user list-units --no-legend 'codex-sandbox-*.scope' | grep -q . || break; sleep 0.2; done
holds "which is gone with it" [ -z "$(systemctl --user list-units --no-legend 'codex-sandbox-*.scope')" ]
systemd-run --user --scope -q "$bin" run --result "$work/result" -- true >"$work/out" 2>"$work/err"
holds "a job whose policy requires nothing gets one, too" [ $? = 0 ]
holds "and the record says how" [ "$(limits)" = "tasks=cgroup memory=cgroup memory_high=unlimited open_files=rlimit file_size=rlimit cpu=unlimited cpus=unlimited workspace=unlimited output=unlimited wall=timer" ]
systemd-run --user --scope -q env -u DBUS_SESSION_BUS_ADDRESS -u XDG_RUNTIME_DIR "$bin" run --result "$work/result" -- touch ran >"$work/out" 2>"$work/err"
holds "without a bus the job runs where it is" [ $? = 0 -a -e ran ]
holds "and the record says how" [ "$(limits)" = "tasks=rlimit memory=watched memory_high=unlimited open_files=rlimit file_size=rlimit cpu=unlimited cpus=unlimited workspace=unlimited output=unlimited wall=timer" ]
systemd-run --user --scope -q -p Delegate=yes "$bin" run --result "$work/result" --policy "$work/kernel.toml" -- true >"$work/out" 2>"$work/err"
holds "a delegated scope of its own works" [ $? = 0 ]

# --- left-overs ---------------------------------------------------------------------------------------------------------
"$bin" run -- sleep 300 >/dev/null 2>&1 &
victim=$!
for _ in $(seq 300); do [ "$(leaves)" = 1 ] && [ -n "$(cat "$(leaf)/cgroup.procs")" ] && break; sleep 0.1; done
sleep 2
holds "a running job has its leaf" [ "$(leaves)" = 1 ]
kill -9 "$victim"
for _ in $(seq 300); do [ -z "$(cat "$(leaf)/cgroup.procs")" ] && break; sleep 0.1; done
holds "killed, its supervisor leaves the leaf" [ "$(leaves)" = 1 ]
holds "without a process" [ -z "$(cat "$(leaf)/cgroup.procs")" ]
run -- true
holds "which the next launch removes" [ "$(leaves)" = 0 ]
mkdir "$tree/codex-sandbox.0123456789abcdef0123456789abcdef"
(flock 9; sleep 20) 9<"$tree/codex-sandbox.0123456789abcdef0123456789abcdef" &
until ! flock -n "$tree/codex-sandbox.0123456789abcdef0123456789abcdef" true; do sleep 0.1; done
run -- true
holds "one that somebody holds stays" [ -d "$tree/codex-sandbox.0123456789abcdef0123456789abcdef" ]
wait $!
run -- true
holds "until it is let go" [ ! -d "$tree/codex-sandbox.0123456789abcdef0123456789abcdef" ]

# --- a way out ----------------------------------------------------------------------------------------------------------
run -- sh -c 'ls /sys/fs/cgroup; echo 1 >/sys/fs/cgroup/cgroup.procs; mount -t cgroup2 none /tmp; find / -xdev -name cgroup.procs 2>/dev/null'
holds "inside there is no file of a cgroup" [ ! -s "$work/out" ]

# --- changed from outside -----------------------------------------------------------------------------------------------
"$bin" run --memory 128MiB --result "$work/result" -- sleep 60 >/dev/null 2>"$work/err" &
changed=$!
for _ in $(seq 300); do [ "$(leaves)" = 1 ] && break; sleep 0.1; done
sleep 3
echo max >"$(leaf)/memory.max"
wait "$changed"
holds "a limit that somebody lifts ends the job" [ "$(result outcome)" = protection-lost ]

# --- status -------------------------------------------------------------------------------------------------------------
"$bin" run --name watched --memory 128MiB -- python3 -c "$eater
__import__('time').sleep(300)" 50 >/dev/null 2>&1 &
named=$!
for _ in $(seq 300); do "$bin" status watched >"$work/status" 2>/dev/null && break; sleep 0.1; done
for _ in $(seq 300); do
    "$bin" status --json >"$work/status.json" 2>&1
    python3 -c 'import json,sys; assert json.load(open(sys.argv[1]))["jobs"][0]["usage"]["memoryBytes"] > 50 << 20' "$work/status.json" 2>/dev/null && break
    sleep 0.1
done
holds "status measures by the cgroup" has "$work/status.json" '"measuredBy":"cgroup"'
holds "and has the memory" python3 -c 'import json,sys; assert json.load(open(sys.argv[1]))["jobs"][0]["usage"]["memoryBytes"] > 50 << 20' "$work/status.json"
run --name watched -- true
holds "the name is taken" [ "$status" = 125 ]
kill -9 "$named"
for _ in $(seq 300); do "$bin" status watched >/dev/null 2>&1 || break; sleep 0.1; done
holds "and free when its job is killed" sh -c '! "$1" status watched 2>/dev/null' - "$bin"
run --name watched -- true
holds "for the next one" [ "$status" = 0 ]

# --- many at once -------------------------------------------------------------------------------------------------------
for i in $(seq 8); do "$bin" run -- sh -c "echo $i >>at-once" 2>>"$work/err" & done
wait
holds "eight at once all run" [ "$(wc -l <at-once)" = 8 ]
holds "and leave nothing" none_left

rm -rf "$work"
echo "$passed held, $failed did not"
[ "$failed" = 0 ]
