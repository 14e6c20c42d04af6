#!/bin/bash
# The directives of systemd.exec(5) that docs/operations.md names, tried in a user's manager with a job below each: what the unit has works, alone and
# together, and what it leaves out breaks or does not hold, as is said there. To be run in a user's own systemd session, as an ordinary user.
#
#   Tests/Support/vm/hardening.sh FOLDER
#
# FOLDER has the release executables. README.md beside this says how to get such a session in a virtual machine; it knows systemd 252 and 257, and
# there must be no service of ours yet. Each line of the output is a claim and whether it held; the exit status is 0 only if all did.
set -u
from=${1:?the folder with the executables}
passed=0 failed=0
# What `systemd-analyze security` says of the unit, in the user's manager.
exposure=7.8
work=$(mktemp -d "$HOME/hardening.XXXXXX")
bin=$work/app/codex-sandbox
units=${XDG_CONFIG_HOME:-$HOME/.config}/systemd/user
installed=$units/codex-sandbox.service
data=${XDG_STATE_HOME:-$HOME/.local/state}/codex-sandbox/serve
settings=${XDG_CONFIG_HOME:-$HOME/.config}/codex-sandbox/service.env
cd "$work" || exit 2
trap 'cd /; rm -rf "$work"' EXIT

holds() { # WORDS CONDITION…
    local words=$1
    shift
    if "$@" >"$work/condition" 2>&1; then
        passed=$((passed + 1))
        echo "ok       $words"
    else
        failed=$((failed + 1))
        echo "NOT OK   $words   ($*)"
        tail -n 5 "$work/condition" "$work/out" "$work/errors" 2>/dev/null | cut -c1-300 | sed 's/^/         | /'
    fi
}
says() { grep -qF -- "$2" "$1"; }
silent() { "$@" >"$work/said" 2>&1 && [ ! -s "$work/said" ] || { cat "$work/said"; return 1; }; }
eventually() { for _ in $(seq 600); do if "$@"; then return 0; fi; sleep 0.1; done; return 1; }
unit() { # COMMAND…: in a unit with the directives of ${directives[@]}; status in $status
    local options=() directive
    for directive in "${directives[@]}"; do options+=(-p "$directive"); done
    status=0
    timeout 300 systemd-run --user --wait --pipe --quiet -p Delegate=yes -p WorkingDirectory="$work/ws" "${options[@]}" -- "$@" \
        >"$work/out" 2>"$work/errors" || status=$?
}
attempt() { # DIRECTIVE…: a job whose limits the kernel has to hold
    directives=("$@")
    unit /bin/sh -c 'cd /proc/self/ns && readlink user mnt net uts; cd - >/dev/null; exec "$@"' sh "$bin" run --policy "$work/policy.toml" -- /bin/echo ran
}
namespace() { sed -n "s/^$1:\\[\\([0-9]*\\)\\]\$/\\1/p" "$work/out"; }
is_there() { [ "$(namespace "$1")" = "$(readlink "/proc/self/ns/$1" | tr -dc 0-9)" ]; }
all_there() { is_there user && is_there mnt && is_there net && is_there uts; }
is_own() { [ -n "$(namespace "$1")" ] && ! is_there "$1"; }
ran() { [ "$status" = 0 ] && grep -qx ran "$work/out"; }
refused() { [ "$status" = "$1" ] && ! grep -qx ran "$work/out"; }
ended() { [ "$status" != 0 ] && ! grep -qx ran "$work/out"; }
works() {
    attempt "$@"
    holds "$1: a job runs" ran
}
breaks() { # STATUS DIRECTIVE WORDS…: that are said
    local expected=$1
    attempt "$2"
    holds "$2: no job runs ($expected)" refused "$expected"
    [ $# -lt 3 ] || holds "$2: and it is said why: $3" says "$work/errors" "$3"
}
# A filter that kills may meet any process of a launch first.
kills() {
    attempt "$1"
    holds "$1: no job runs" ended
}
skipped() {
    attempt "$1"
    holds "$1: is skipped, and a job runs" ran
    holds "$1: in the namespaces of the manager" all_there
}
separates() {
    attempt "$1"
    holds "$1: a job runs" ran
    holds "$1: in a user namespace that is not the manager's" is_own user
}

mkdir "$work/ws" "$work/app"
cp "$from"/codex-sandbox{,d,-worker} "$work/app/"
printf 'version = 1\nextends = "workspace-write"\n[limits]\nmemory = "256MiB"\nrequired = "kernel"\n' >"$work/policy.toml"
version=$(systemctl --version | sed -n '1s/^systemd \([0-9]*\).*/\1/p')
echo "kernel $(uname -r), systemd $version"
case $version in 252 | 257) ;; *)
    echo "nothing is known of systemd $version: see what it does, and write it here and into docs/operations.md" >&2
    exit 2
    ;;
esac
# All three are gone at the end: what somebody has there is not for a test to purge.
if [ -e "$installed" ] || [ -e "$data" ] || [ -e "$settings" ] || [ -L "$settings" ]; then
    echo "$installed, $data or $settings is there already" >&2
    exit 2
fi

# --- what the unit has --------------------------------------------------------------------------------------------------
"$bin" service install >"$work/out" 2>"$work/errors"
holds "the service is installed" [ -e "$installed" ]
holds "and runs" systemctl --user is-active codex-sandbox.service
holds "systemd has nothing to say about the units" silent systemd-analyze --user verify "$installed" "$units/codex-sandbox.socket"
systemd-analyze --user security codex-sandbox.service >"$work/out" 2>"$work/errors"
sed -n '/exposure level/s/^/         /p' "$work/out"
holds "its exposure level is $exposure" says "$work/out" "level for codex-sandbox.service: $exposure "
attempt
holds "without a directive a job runs" ran
holds "in the namespaces of the manager" all_there
mapfile -t shipped < <(grep -E '^(NoNewPrivileges|KeyringMode|RestrictRealtime|RestrictAddressFamilies|SystemCall[A-Za-z]*|UMask|LimitCORE)=' "$installed")
for expected in NoNewPrivileges=yes KeyringMode=private RestrictRealtime=yes "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK" \
    SystemCallArchitectures=native "SystemCallFilter=~@clock @cpu-emulation @module @obsolete @raw-io @reboot @swap" SystemCallErrorNumber=EPERM \
    UMask=0077 LimitCORE=1; do
    holds "the unit has $expected" grep -qxF "$expected" "$installed"
    works "$expected"
done
attempt "${shipped[@]}"
holds "all of them together: a job runs" ran
holds "they are nine" [ "${#shipped[@]}" = 9 ]
"$bin" service uninstall --purge >"$work/out" 2>"$work/errors"
holds "the service is gone" [ ! -e "$installed" ]

# --- what it leaves out -------------------------------------------------------------------------------------------------
breaks 125 LockPersonality=yes "personality"
breaks 125 RestrictSUIDSGID=yes "openat2"
breaks 125 RestrictNamespaces=yes "new namespaces"
kills SystemCallFilter=~@mount
kills SystemCallFilter=@system-service
for directive in UMask=0022 MemoryDenyWriteExecute=yes; do
    directives=("$directive")
    unit "$bin" run -- /usr/bin/python3 -c 'import mmap; mmap.mmap(-1, 4096, prot=7); print("ran")'
    case $directive in
    UMask*) holds "a job can make code at run time" ran ;;
    *) holds "$directive: no job can" says "$work/errors" PermissionError ;;
    esac
done

case $version in
252)
    for directive in ProtectSystem=strict ProtectHome=read-only PrivateTmp=yes ProtectControlGroups=yes ProtectKernelTunables=yes ProtectHostname=yes \
        PrivateNetwork=yes; do
        skipped "$directive"
    done
    separates PrivateUsers=yes
    for directive in PrivateDevices=yes ProtectClock=yes ProtectKernelLogs=yes ProtectKernelModules=yes CapabilityBoundingSet=; do
        breaks 218 "$directive"
    done
    ;;
257)
    for directive in ProtectSystem=strict PrivateTmp=yes PrivateUsers=yes PrivateDevices=yes ProtectClock=yes ProtectKernelModules=yes; do
        separates "$directive"
    done
    breaks 125 ProtectHome=read-only EROFS
    breaks 125 ProtectControlGroups=yes limits.require_kernel
    breaks 125 ProtectKernelTunables=yes "on /proc: EPERM"
    breaks 125 ProtectKernelLogs=yes "on /proc: EPERM"
    breaks 125 ProtectHostname=yes "host name"
    breaks 218 CapabilityBoundingSet=
    separates PrivateNetwork=yes
    holds "PrivateNetwork=yes: in a network that is not the manager's" is_own net
    ;;
esac
skipped ProtectProc=invisible

# Who is in another user namespace is no process that `status` could look at.
visible() { # DIRECTIVE: whether a job below it is listed, in $status
    rm -f "$work/ws/begun"
    systemd-run --user --quiet --collect --unit=codex-sandbox-hardening -p Delegate=yes -p WorkingDirectory="$work/ws" -p "$1" -- \
        "$bin" run --name hardening -- /bin/sh -c ': >begun; exec sleep 600' >"$work/out" 2>"$work/errors"
    holds "$1: a job goes on" eventually [ -e "$work/ws/begun" ]
    status=0
    "$bin" status hardening >"$work/out" 2>"$work/errors" || status=$?
    systemctl --user stop codex-sandbox-hardening
}
visible UMask=0022
holds "which status lists" [ "$status" = 0 ]
visible PrivateUsers=yes
holds "which status does not list" [ "$status" = 1 ]

# They want a filter of BPF, which only a privileged manager loads.
printf 'held on tmpfs\n' >"$XDG_RUNTIME_DIR/hardening"
holds "$XDG_RUNTIME_DIR is a tmpfs" [ "$(stat -f -c %T "$XDG_RUNTIME_DIR")" = tmpfs ]
directives=("RestrictFileSystems=~tmpfs")
unit cat "$XDG_RUNTIME_DIR/hardening"
holds "${directives[0]}: is not held" says "$work/out" "held on tmpfs"
rm -f "$XDG_RUNTIME_DIR/hardening"
directives=(DevicePolicy=strict DeviceAllow=/dev/null)
unit head -c 4 /dev/zero
holds "${directives[*]}: is not held" [ "$status" = 0 ]
directives=(IPAddressDeny=any)
unit python3 -c 'import socket
server = socket.create_server(("127.0.0.1", 0))
socket.create_connection(server.getsockname(), 10).sendall(b"ran")
print(server.accept()[0].recv(3).decode())'
holds "${directives[0]}: is not held" ran

echo "$passed held, $failed did not"
[ "$failed" = 0 ]
