#!/bin/bash
# Run by check.sh as an ordinary user with sudo, in a fresh machine: what the package must do there.
set -u
failed=0
holds() { # WORDS COMMAND…
    local words=$1 said
    shift
    if said=$("$@" 2>&1); then echo "ok       $words"; else
        failed=$((failed + 1))
        echo "NOT OK   $words   ($*)"
        sed 's/^/         | /' <<<"$said" | tail -n 30
    fi
}
apt() { sudo env DEBIAN_FRONTEND=noninteractive apt-get -qy -o Dpkg::Use-Pty=0 -o APT::Install-Recommends=false "$@"; }
version() { dpkg-query -W -f '${Version}' codex-sandbox; }
same() { [ "$1" = "$2" ] || { printf '%s\n' "$1" "$2"; return 1; }; }
lacks() { ! grep -q "$@"; }
gone() { for path in "$@"; do [ ! -e "$path" ] && [ ! -L "$path" ] || { echo "$path"; return 1; }; done; }
# minbase images leave manual pages and documents out.
sudo rm -f /etc/dpkg/dpkg.cfg.d/*

apt update >/dev/null 2>&1
holds "the older version is installed with what it needs" apt install ./old.deb
holds "its version is known" same "$(version)" 0.0.1
mapfile -t owned < <(dpkg -L codex-sandbox | while read -r path; do [ -d "$path" ] || echo "$path"; done)
holds "it owns files below /usr only" lacks -v '^/usr/' <(printf '%s\n' "${owned[@]}")
for unit in codex-sandbox.service codex-sandbox.socket; do
    holds "it has $unit" grep -qx "/usr/lib/systemd/user/$unit" <(printf '%s\n' "${owned[@]}")
done
holds "the service starts what is installed" grep -q '^ExecStart=/usr/bin/codex-sandbox serve ' /usr/lib/systemd/user/codex-sandbox.service
holds "no user unit is switched on by it" gone /etc/systemd/user/default.target.wants /etc/systemd/user/sockets.target.wants

mkdir -p ~/ws && cd ~/ws
holds "codex-sandbox says its version" codex-sandbox --version
holds "run runs" same "$(codex-sandbox run -- /bin/echo held)" held
holds "doctor says yes" codex-sandbox doctor
holds "doctor finds codex-sandboxd" grep -q 'codex-sandboxd .*/usr/libexec/codex-sandbox/codex-sandboxd' <(codex-sandbox doctor)
holds "the AppArmor profile is what doctor prints" diff /usr/share/codex-sandbox/apparmor/codex-sandbox <(codex-sandbox doctor --apparmor-profile)
holds "verify holds" codex-sandbox verify
holds "a policy of the examples is read" codex-sandbox policy check /usr/share/doc/codex-sandbox/examples/policies/strict.toml
holds "man finds the pages" man -w codex-sandbox codex-sandbox-run codex-sandbox-serve
holds "completions are those of this executable" diff /usr/share/bash-completion/completions/codex-sandbox <(codex-sandbox completions bash)
# serve_one WORKER [OPTION]: the live suite with this option against a server with this worker, whose every gate has to pass.
serve_one() {
    local status=0 server worker=$1 gates
    shift
    mkdir -p ~/"$worker"
    cd ~/"$worker" || return 1
    codex-sandbox serve --worker "$worker" --listen "unix:$PWD/api.sock" >log 2>&1 &
    server=$!
    for _ in $(seq 300); do
        ! curl -sf --unix-socket api.sock http://localhost/healthz >/dev/null || break
        sleep 0.1
    done
    codex-sandbox live-suite "$@" --workspace-root workspaces --base-url "unix:$PWD/api.sock" --out out >said 2>&1 || status=$?
    kill "$server" && wait "$server" || status=$?
    # Ten each: M01 to M09, or L01 to L09, and the records of all jobs.
    gates=$(grep -c '^\[gate\] PASS ' said)
    [ "$status" -eq 0 ] && [ "$gates" -eq 10 ] || { tail -n 5 log; cat said; return 1; }
}
holds "serve passes the smoke set with its built-in worker, and ends on TERM" serve_one dummy --mocked
holds "and L01 to L09 with the live worker" serve_one minimal

cd ~/project
holds "the newer version takes its place" apt install ./new.deb
holds "the version is the new one" same "$(version)" "$(dpkg-deb -f new.deb Version)"
holds "the older one's file is gone" gone /usr/share/doc/codex-sandbox/old
holds "its files are as packed" sudo dpkg --verify codex-sandbox
holds "run runs" same "$(cd ~/ws && codex-sandbox run -- /bin/echo held)" held
holds "records of before the upgrade verify" sh -c 'cd ~/ws && codex-sandbox evidence verify'

link=/etc/apparmor.d/codex-sandbox
holds "without AppArmor 4.0 there is no profile in /etc" gone $link
holds "AppArmor is installed beside it" apt install apparmor
if [ -e /etc/apparmor.d/abi/4.0 ]; then
    holds "with AppArmor 4.0 the profile is linked by the trigger" same "$(readlink $link)" /usr/share/codex-sandbox/apparmor/codex-sandbox
    holds "and its parser takes it" sudo apparmor_parser -Q -K $link
    mkdir -p ~/'odd [x] {a,b} *' && cp /usr/bin/codex-sandbox ~/'odd [x] {a,b} *'/
    ~/'odd [x] {a,b} *'/codex-sandbox doctor --apparmor-profile >~/odd.profile
    holds "and one for an odd path" sudo apparmor_parser -Q -K ~/odd.profile
    sudo rm $link
    echo '# mine' | sudo tee $link >/dev/null
    holds "what the administrator has put there" sudo dpkg-reconfigure -f noninteractive codex-sandbox
    holds "stays" same "$(cat $link)" '# mine'
    sudo rm $link
    sudo dpkg-reconfigure -f noninteractive codex-sandbox
else
    holds "an AppArmor before 4.0, which cannot read it, gets none" gone $link
fi

sudo mkdir -p /etc/codex-sandbox
echo 'version = 1' | sudo tee /etc/codex-sandbox/policy.toml >/dev/null
holds "it is removed" apt remove codex-sandbox
holds "with every file" gone "${owned[@]}"
holds "and the profile's link" gone $link
holds "it is purged" apt purge codex-sandbox
holds "dpkg knows nothing of it" sh -c '! dpkg-query -W codex-sandbox'
holds "records stay" test -d ~/.local/state/codex-sandbox/evidence
holds "the administrator's policy stays" test -f /etc/codex-sandbox/policy.toml
holds "nothing else of it is left" same "$(sudo find /usr /etc /var -xdev -name '*codex-sandbox*' ! -path '/etc/codex-sandbox' ! -path '/usr/share/doc/*' 2>/dev/null)" ""

cd ~/project
holds "installed anew" apt install ./new.deb
holds "and purged at once" apt purge codex-sandbox
[ $failed -eq 0 ] || { echo "$failed did not hold"; exit 1; }
