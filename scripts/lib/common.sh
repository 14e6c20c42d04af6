# Sourced by the scripts beside this folder: steps with their times, failures in one message, packages, toolchain.
# shellcheck shell=bash
set -Eeuo pipefail
export LC_ALL=C.UTF-8

project=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
readonly project
# shellcheck disable=SC2034  # used by the scripts that source this
readonly release=$project/.build/release/codex-sandbox
readonly swift_needed_major=6 swift_needed_minor=2
script_name=${0##*/}
script_started=$SECONDS

readonly status_said=79 # exit status inside a step: the message is out, nothing is to be added
in_step=0

# One message, cause and remedy, exit 1: $1 what went wrong, $2 what to do about it.
fail() {
    printf '%s: %s\n%s: %s\n' "scripts/$script_name" "$1" "remedy" "$2" >&2
    [ $in_step -eq 1 ] || exit 1
    exit $status_said
}

note() { printf '   %s\n' "$*"; }

step_number=0
# Runs "$@" as one step: a headline before, the time after. A failing step ends the script with its name.
step() {
    local title=$1 started status=0
    shift
    step_number=$((step_number + 1))
    printf '\n== %d. %s\n' "$step_number" "$title"
    started=$(date +%s%N)
    # Not `if "$@"`: inside a condition bash switches errexit off for the whole function that it calls.
    set +e
    (set -e; in_step=1; "$@")
    status=$?
    set -e
    [ $status -ne $status_said ] || exit 1
    local ms=$((($(date +%s%N) - started) / 1000000))
    if [ "$status" -ne 0 ]; then
        printf -- '-- %s: FAILED with exit status %d after %d.%03d s\n' "$title" "$status" $((ms / 1000)) $((ms % 1000))
        exit "$status"
    fi
    printf -- '-- %s: %d.%03d s\n' "$title" $((ms / 1000)) $((ms % 1000))
}

finished() { printf '\n%s: done in %d s\n' "scripts/$script_name" $((SECONDS - script_started)); }

# The packages of the groups "$@" that this machine lacks, one a line.
missing_packages() {
    local group package status
    for group in "$@"; do
        while read -r _ package; do
            status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) || status=absent
            [ "$status" = installed ] || printf '%s\n' "$package"
        done < <(grep -E "^$group " "$project/scripts/lib/packages.txt")
    done | sort -u
}

# Installs what is missing for the groups "$@"; asks for nothing when all is there.
install_packages() {
    local missing=() as_root=()
    { command -v dpkg-query && command -v apt-get; } >/dev/null ||
        fail "this is not a Debian system: dpkg-query or apt-get is not on PATH" \
            "use Debian 12 or newer, or install the packages of scripts/lib/packages.txt by hand and build with swift build"
    mapfile -t missing < <(missing_packages "$@")
    if [ "${#missing[@]}" -eq 0 ]; then
        note "every package is there"
        return 0
    fi
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null ||
            fail "packages are missing (${missing[*]}) and only root may install them" \
                "as root: apt-get install --no-install-recommends ${missing[*]}"
        as_root=(sudo)
    fi
    note "installing ${missing[*]}"
    local log
    log=$(mktemp)
    local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300)
    if ! { "${apt[@]}" update && "${apt[@]}" install --no-install-recommends "${missing[@]}"; } >"$log" 2>&1 </dev/null; then
        tail -n 15 "$log" >&2
        rm -f "$log"
        fail "apt-get could not install ${missing[*]} (its last lines are above)" \
            "mend the package sources or the network, or install them by hand, and run this again"
    fi
    rm -f "$log"
    mapfile -t missing < <(missing_packages "$@")
    [ "${#missing[@]}" -eq 0 ] || fail "still missing after apt-get: ${missing[*]}" "install them by hand and run this again"
}

# `swift` must be on PATH before anything is installed for it.
require_swift_on_path() {
    command -v swift >/dev/null && return 0
    local how="install Swift $swift_needed_major.$swift_needed_minor or newer (swift.org), put its usr/bin on PATH, and run this again"
    [ -z "${SUDO_USER:-}" ] || how="sudo starts with a PATH of its own; run: sudo env \"PATH=\$PATH\" scripts/$script_name (or $how)"
    fail "no Swift toolchain: there is no \`swift\` on PATH" "$how"
}

# The toolchain runs and is new enough; its libraries come with the group `build`.
require_swift_version() {
    local text version
    text=$(swift --version 2>&1) ||
        fail "\`swift --version\` fails: $(head -n 3 <<<"$text" | tr '\n' ' ')" \
            "install a Swift toolchain made for this Debian release (swift.org), and run this again"
    version=$(sed -n 's/.*Swift version \([0-9][0-9]*\.[0-9][0-9]*\).*/\1/p' <<<"$text" | head -n 1)
    [ -n "$version" ] ||
        fail "$(command -v swift) does not say its version (it says: $(head -n 1 <<<"$text"))" \
            "put the usr/bin of a Swift toolchain first on PATH"
    if [ "${version%%.*}" -lt $swift_needed_major ] ||
        { [ "${version%%.*}" -eq $swift_needed_major ] && [ "${version#*.}" -lt $swift_needed_minor ]; }; then
        fail "Swift $version at $(command -v swift) is too old" \
            "install Swift $swift_needed_major.$swift_needed_minor or newer (swift.org), put its usr/bin first on PATH, and run this again"
    fi
    note "Swift $version at $(command -v swift)"
}

# Toolchain and packages of the groups "$@", in the order in which they need each other.
prepare() {
    [ "$(uname -s)-$(uname -m)" = Linux-x86_64 ] ||
        fail "this is $(uname -s) on $(uname -m)" "use Linux on x86_64: no other is supported yet"
    require_swift_on_path
    if swift --version >/dev/null 2>&1; then
        require_swift_version
        install_packages "$@"
    else # it may only lack its libraries
        install_packages "$@"
        require_swift_version
    fi
}

# This user may make the namespaces that a sandbox needs; if not, says which switch forbids it.
require_user_namespaces() {
    local error cause how
    error=$(unshare --user --map-root-user --mount --pid --fork --net --ipc --uts true 2>&1) && return 0
    setting() { cat "/proc/sys/$1" 2>/dev/null || true; }
    if [ "$(setting user/max_user_namespaces)" = 0 ]; then
        cause="user.max_user_namespaces is 0"
        how="as root: sysctl -w user.max_user_namespaces=15000"
    elif [ "$(setting kernel/unprivileged_userns_clone)" = 0 ]; then
        cause="kernel.unprivileged_userns_clone is 0"
        how="as root: sysctl -w kernel.unprivileged_userns_clone=1"
    elif [ "$(setting kernel/apparmor_restrict_unprivileged_userns)" = 1 ]; then
        cause="AppArmor restricts them (kernel.apparmor_restrict_unprivileged_userns is 1)"
        how="as root: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or load a profile for the executable with the rule \"userns,\""
    elif grep -q '^Seccomp:[[:space:]]*2' /proc/self/status; then
        cause="a seccomp filter of the container or service around this shell refuses them"
        how="run on the host itself, or let the container make user namespaces (for Docker: --security-opt seccomp=FILE with clone, unshare and mount allowed)"
    else
        cause="the kernel refuses them for a reason no setting shows (a chroot, or a kernel without them)"
        how="run on a host where \`unshare --user --map-root-user true\` works"
    fi
    fail "this host forbids user namespaces: $cause (unshare says: ${error//$'\n'/; })" "$how"
}

# A user id for work that root hands to an ordinary user: the caller's behind sudo, else one that no account has.
unprivileged_id() {
    local id=60600
    if [ "${SUDO_UID:-0}" -ne 0 ]; then
        printf '%s\n' "$SUDO_UID"
        return 0
    fi
    while getent passwd "$id" >/dev/null || getent group "$id" >/dev/null; do id=$((id + 1)); done
    printf '%s\n' "$id"
}
