#!/bin/bash
# Run in the VM as root by scripts/matrix: sets one row up, then looks as an ordinary user what the product says and does.
#
#   matrix-guest.sh SETUP      SETUP: none, no-delegation, apparmor-forbids, apparmor-capabilities, apparmor-profile, container, container-profile
#
# $VMTEST_SHARE has bin/ and libexec/ as the tarball has them. Everything that was seen is left in $VMTEST_RESULTS.
set -u
setup=${1:-none}
out=$VMTEST_RESULTS
place=/opt/codex-sandbox
mkdir -p $place
cp -r "$VMTEST_SHARE/bin" "$VMTEST_SHARE/libexec" $place/
install -m 755 "$VMTEST_SHARE/matrix-user.sh" /opt/matrix-user.sh
chown -R root:root $place

# The user manager, as in vmtest-guest.
as_user=(runuser -u tester -- env HOME=/home/tester USER=tester LOGNAME=tester
    XDG_RUNTIME_DIR=/run/user/1000 DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/1000/bus)
for ((i = 0; i < 1200; i++)); do [ -S /run/user/1000/bus ] && break; sleep 0.1; done
"${as_user[@]}" systemctl --user is-system-running --wait >"$out/user-manager" 2>&1
unit=(systemd-run --user --quiet --wait --collect --pipe -p WorkingDirectory=/home/tester -E "VMTEST_RESULTS=$out" -E HOME=/home/tester)
delegate=(-p Delegate=yes)
command=(bash /opt/matrix-user.sh "$place/bin/codex-sandbox")

{
    uname -r
    systemctl --version | sed -n '1s/systemd \([0-9]*\).*/\1/p'
    cat /sys/kernel/security/lsm 2>/dev/null || echo unknown
} >"$out/host"
python3 - >"$out/landlock" <<'P'
import ctypes, errno
libc = ctypes.CDLL(None, use_errno=True)
abi = libc.syscall(444, None, ctypes.c_size_t(0), 1)
print(abi if abi >= 0 else errno.errorcode[ctypes.get_errno()])
P
sysctl -n kernel.core_pattern >"$out/core-pattern"

forbid() { # RULES: a profile of the product's executables that has them besides all else
    mount -t securityfs securityfs /sys/kernel/security 2>/dev/null
    cat >/etc/apparmor.d/forbids <<P
abi <abi/4.0>,
include <tunables/global>
profile forbids /opt/codex-sandbox/** flags=(attach_disconnected, mediate_deleted) {
  allow all,
  $1
}
P
    apparmor_parser -r /etc/apparmor.d/forbids >"$out/setup" 2>&1 || exit 90
}
case $setup in
none) ;;
no-delegation) delegate=() ;;
apparmor-forbids)
    # What Ubuntu's restriction does to a program without a profile, by a profile that lacks the rule: Debian's kernel has no
    # such sysctl. Loaded for the product's executables only.
    forbid 'audit deny userns,'
    ;;
apparmor-capabilities)
    # The other half of it: the namespace is made, and nothing may be done in it.
    forbid 'userns, audit deny capability,'
    ;;
apparmor-profile)
    # Forbidden as above, and then our own profile, as doctor prints it: its paths are nearer than the other one's pattern.
    forbid 'audit deny userns,'
    "${as_user[@]}" "${unit[@]}" "${delegate[@]}" -- sh -c "mkdir -p control && cd control && exec $place/bin/codex-sandbox run -- /bin/true" >"$out/control" 2>&1
    echo $? >"$out/control.status"
    $place/bin/codex-sandbox doctor --apparmor-profile >/etc/apparmor.d/codex-sandbox
    apparmor_parser -r /etc/apparmor.d/codex-sandbox >>"$out/setup" 2>&1 || exit 90
    ;;
container | container-profile)
    # An engine's own defaults, without root: its seccomp profile, its covers over /proc, its user namespace.
    root=/home/tester/container
    mkdir -p $root/{etc,home/tester,opt,proc,sys,dev,tmp,run,mnt,var/tmp,usr}
    for name in bin sbin lib lib64; do ln -s usr/$name $root/$name; done
    cp -a /etc/{passwd,group,ld.so.cache,ssl,nsswitch.conf} $root/etc/
    chown -R tester:tester $root
    # The second asks for the weaker profile that is made for it.
    policy=
    [ "$setup" = container ] || policy=container
    command=(podman run --rm -e "MATRIX_POLICY=$policy" --network=none --cgroups=disabled --security-opt label=disable
        -v /usr:/usr:ro -v /opt:/opt:ro -v "$out:$out" -e "VMTEST_RESULTS=$out" -e HOME=/home/tester -w /home/tester
        --userns=keep-id --rootfs "$root" "${command[@]}")
    ;;
esac

"${as_user[@]}" "${unit[@]}" "${delegate[@]}" -- "${command[@]}"
status=$?
echo "$status" >"$out/user-status"

# Each kind of core_pattern: a job that crashes leaves nothing on the host, whoever takes cores there, and the same crash
# without the sandbox does. A program takes cores at a hard limit of 0 too, and then the job is refused.
if [ "$setup" = none ] && [ "$(cat "$out/run.status")" = 0 ]; then
    mkdir -m 1777 /var/crash
    printf '#!/bin/sh\ncat >/var/crash/core.piped\n' >/opt/take-core
    chmod 755 /opt/take-core
    cat >/opt/hear-cores <<'P'
import os, socket, sys
server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
server.bind("/run/hear-cores")
server.listen(4)
while True:
    client, _ = server.accept()
    open("/var/crash/core.heard", "wb").write(client.recv(4096) or b"heard")
    client.close()
P
    python3 /opt/hear-cores &
    cores() { find /var/crash /home/tester/crash -type f -name 'core*' -printf '%f ' 2>/dev/null; }
    crash() { # LIMIT MODE: what it left
        rm -rf /var/crash/core* /home/tester/crash
        "${as_user[@]}" "${unit[@]}" "${delegate[@]}" -p "LimitCORE=$1" -- bash /opt/matrix-user.sh $place/bin/codex-sandbox "$2"
        sleep 1
        cores
    }
    : >"$out/core-kinds"
    # core(5): a file in the current folder, by path, into a program, and from Linux 6.16 on into a socket.
    for kind in core /var/crash/core.%p '|/opt/take-core' @/run/hear-cores; do
        { echo "$kind" >/proc/sys/kernel/core_pattern; } 2>/dev/null && [ "$(cat /proc/sys/kernel/core_pattern)" = "$kind" ] ||
            { printf '%s\tunknown\t\t\t\n' "$kind" >>"$out/core-kinds"; continue; }
        case $kind in @*) [ "$(printf '%s\n' 6.16 "$(uname -r)" | sort -V | head -1)" = 6.16 ] ||
            { printf '%s\tunknown\t\t\t\n' "$kind" >>"$out/core-kinds"; continue; } ;;
        esac
        control=$(crash infinity crash-control)
        left=$(crash infinity crash) status=$(cat "$out/crash.status")
        none=$(crash 0 crash) refused=$(cat "$out/crash.status")
        printf '%s\tcontrol:%s\t%s:%s\t%s:%s\n' "$kind" "$control" "$status" "$left" "$refused" "$none" >>"$out/core-kinds"
    done
fi
exit 0
