#!/usr/bin/env bash
# Package and tarball, made of executables that are there already and looked through on this machine: nothing is installed, and no network is asked.
#
#   Tests/Support/package/light.sh [DIR]
#
# DIR: what scripts/package has made (default: they are made here, by scripts/package --quick). Each line of the output is a claim and whether it held;
# the exit status is 0 only if all did. check.sh beside this installs the package on fresh machines.
# shellcheck source-path=SCRIPTDIR source=../../../scripts/lib/common.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/../../../scripts/lib/common.sh"
set +e
work=$(mktemp -d /var/tmp/codex-sandbox-package.XXXXXX)
chmod 755 "$work"
trap 'rm -rf -- "$work"' EXIT
trap 'exit 130' INT TERM
passed=0 failed=0

holds() { # WORDS CONDITION…
    local words=$1
    shift
    if "$@" >"$work/condition" 2>&1; then
        passed=$((passed + 1))
        echo "ok       $words"
    else
        failed=$((failed + 1))
        echo "NOT OK   $words   ($*)"
        tail -n 15 "$work/condition" | cut -c1-300 | sed 's/^/         | /'
    fi
}
same() { [ "$1" = "$2" ] || { printf '%s\n' "is:       $1" "expected: $2"; return 1; }; }
quiet() { local said; said=$("$@" 2>&1) && [ -z "$said" ] || { echo "$said"; return 1; }; }

made=${1:-}
if [ -z "$made" ]; then
    made=$work/made
    "$project/scripts/package" --quick --output "$made" || exit 1
fi
made=$(cd -- "$made" && pwd) || exit 1
shopt -s nullglob
packages=("$made"/*.deb) tarballs=("$made"/*.tar.gz)
holds "there is one package and one tarball" [ "${#packages[@]} ${#tarballs[@]}" = "1 1" ]
package=${packages[0]} tarball=${tarballs[0]}
holds "the checksums are theirs" sh -c 'cd "$1" && sha256sum --quiet --strict -c SHA256SUMS && [ "$(wc -l <SHA256SUMS)" = 2 ]' sh "$made"

# --- the package's control ----------------------------------------------------------------------------------------------
root=$work/root
mkdir "$root" "$work/control" "$work/tree"
dpkg-deb -x "$package" "$root" && dpkg-deb -e "$package" "$work/control" && tar -C "$work/tree" -xzf "$tarball" || exit 1
field() { dpkg-deb -f "$package" "$1"; }
said=$("$root/usr/bin/codex-sandbox" --version)
version=$(field Version)
holds "its name" same "$(field Package) $(field Architecture)" "codex-sandbox amd64"
holds "its version is that of the executable, or sorts before it" dpkg --compare-versions "$version" le "${said#codex-sandbox }"
holds "and begins with it" same "${version%%~*}" "${said#codex-sandbox }"
holds "its file is called by it" same "$(basename "$package")" "codex-sandbox_${version}_amd64.deb"
holds "and so is the tarball, and its folder" same "$(basename "$tarball") $(ls "$work/tree")" "codex-sandbox-$version-linux-x86_64.tar.gz codex-sandbox-$version-linux-x86_64"
for library in libc6 libmicrohttpd12 libseccomp2 libsqlite3-0 libssl3 libsystemd0; do
    holds "it depends on $library" grep -qE "(^|, )$library( |,|\$)" <(field Depends)
done
for name in Section Priority Maintainer Recommends Suggests; do
    holds "$name is that of packaging/debian/control" same "$(field $name)" "$(sed -n "s/^$name: //p" "$project/packaging/debian/control")"
done
holds "and so is the description" same "$(field Description)" "$(sed -n '/^Description: /,$p' "$project/packaging/debian/control" | sed '1s/^Description: //')"
holds "the control has these files, with these modes" same "$(cd "$work/control" && stat -c '%a %n' * | tr '\n' ' ')" \
    "644 control 644 md5sums 755 postinst 755 postrm 755 prerm 644 triggers "
for name in postinst postrm prerm triggers; do
    holds "$name is that of the tree" cmp "$work/control/$name" "$project/packaging/debian/$name"
done
holds "the digests are those of the files" sh -c 'cd "$1" && md5sum --quiet --strict -c "$2"' sh "$root" "$work/control/md5sums"
holds "of all files" same "$(wc -l <"$work/control/md5sums")" "$(find "$root" -type f | wc -l)"
size=$(du -sk --apparent-size "$root" | cut -f1)
holds "the installed size is right within a tenth" [ "$(field Installed-Size)" -ge $((size * 9 / 10)) -a "$(field Installed-Size)" -le $((size * 11 / 10)) ]

# --- what lies in both --------------------------------------------------------------------------------------------------
# The files of a share folder, as the tree has them.
share_files() {
    local path
    for path in "$project"/docs/man/*.1; do echo "man/man1/${path##*/}.gz"; done
    for path in "$project"/policies/*.toml; do echo "doc/codex-sandbox/examples/policies/${path##*/}"; done
    for path in "$project"/docs/*.md; do echo "doc/codex-sandbox/${path##*/}"; done
    printf '%s\n' doc/codex-sandbox/README.md doc/codex-sandbox/CHANGELOG.md.gz doc/codex-sandbox/copyright \
        bash-completion/completions/codex-sandbox zsh/vendor-completions/_codex-sandbox fish/vendor_completions.d/codex-sandbox.fish
}
programs="bin/codex-sandbox libexec/codex-sandbox/codex-sandboxd libexec/codex-sandbox/codex-sandbox-worker"
expected_package() {
    local path
    for path in $programs; do echo "-rwxr-xr-x root/root ./usr/$path"; done
    {
        share_files | sed 's,^,share/,'
        printf '%s\n' share/codex-sandbox/apparmor/codex-sandbox share/lintian/overrides/codex-sandbox share/doc/codex-sandbox/changelog.gz \
            lib/systemd/user/codex-sandbox.service lib/systemd/user/codex-sandbox.socket
    } | sed 's,^,-rw-r--r-- root/root ./usr/,'
}
expected_tarball() {
    local path
    for path in $programs; do echo "-rwxr-xr-x 0/0 $path"; done
    { share_files | sed 's,^,share/,'; echo share/doc/codex-sandbox/LICENSE; echo SHA256SUMS; } | sed 's,^,-rw-r--r-- 0/0 ,'
}
in_package() { dpkg-deb -c "$package" | awk '{ print $1, $2, $6, $7 $8 }' | sed 's/ $//'; }
in_tarball() { tar --numeric-owner -tvzf "$tarball" | awk '{ print $1, $2, $6, $7 $8 }' | sed 's/ $//; s, codex-sandbox-[^/]*/, ,'; }
holds "the package has these files with these modes, of root, and no others" diff <(in_package | grep -v '^d' | sort) <(expected_package | sort)
holds "its folders are everybody's to read and root's to write" same "$(in_package | grep '^d' | grep -vc '^drwxr-xr-x root/root ')" 0
holds "the tarball has these files with these modes, and no others" diff <(in_tarball | grep -v '^d' | sort) <(expected_tarball | sort)
tree=$work/tree/codex-sandbox-$version-linux-x86_64
holds "its digests are those of its files" sh -c 'cd "$1" && sha256sum --quiet --strict -c SHA256SUMS && [ "$(wc -l <SHA256SUMS)" = "$(($(find . -type f | wc -l) - 1))" ]' sh "$tree"
for path in $programs; do
    holds "${path##*/} is the same file in both" cmp "$root/usr/$path" "$tree/$path"
done
like_tree() { # SHARE
    local path
    for path in "$project"/docs/man/*.1; do cmp <(gzip -dc "$1/man/man1/${path##*/}.gz") "$path" || return 1; done
    for path in "$project"/policies/*.toml; do cmp "$1/doc/codex-sandbox/examples/policies/${path##*/}" "$path" || return 1; done
    for path in "$project"/docs/*.md "$project/README.md"; do cmp "$1/doc/codex-sandbox/${path##*/}" "$path" || return 1; done
    cmp <(gzip -dc "$1/doc/codex-sandbox/CHANGELOG.md.gz") "$project/CHANGELOG.md" && cmp "$1/doc/codex-sandbox/copyright" "$project/packaging/debian/copyright"
}
completions_like_tree() { # SHARE: those that CompletionsTests compares with the parser
    local goldens=$project/Tests/SandboxCLITests/Fixtures
    cmp "$1/bash-completion/completions/codex-sandbox" "$goldens/completions-bash.txt" &&
        cmp "$1/zsh/vendor-completions/_codex-sandbox" "$goldens/completions-zsh.txt" &&
        cmp "$1/fish/vendor_completions.d/codex-sandbox.fish" "$goldens/completions-fish.txt"
}
for share in "$root/usr/share" "$tree/share"; do
    holds "manual pages, policies and documents are those of the tree (${share#"$work"/})" like_tree "$share"
    holds "and so are the completions" completions_like_tree "$share"
done

# --- the service --------------------------------------------------------------------------------------------------------
for unit in codex-sandbox.service codex-sandbox.socket; do
    holds "$unit is that of packaging/systemd" cmp "$root/usr/lib/systemd/user/$unit" "$project/packaging/systemd/$unit"
done
holds "the service starts what is installed" grep -q '^ExecStart=/usr/bin/codex-sandbox serve ' "$root/usr/lib/systemd/user/codex-sandbox.service"
# ServiceUnitsTests says the same of the tree's units; here the program is there, too.
if command -v systemd-analyze >/dev/null; then
    mkdir -p "$work/units" "$work/runtime"
    for unit in codex-sandbox.service codex-sandbox.socket; do
        sed "s,=/usr/bin/codex-sandbox ,=$root/usr/bin/codex-sandbox ," "$root/usr/lib/systemd/user/$unit" >"$work/units/$unit"
    done
    holds "systemd has nothing to say about the units" quiet env XDG_RUNTIME_DIR="$work/runtime" HOME="$work/runtime" \
        systemd-analyze verify --user "$work/units/codex-sandbox.service" "$work/units/codex-sandbox.socket"
fi
profile=$root/usr/share/codex-sandbox/apparmor/codex-sandbox
holds "the AppArmor profile names the installed launcher" grep -q '^profile codex-sandbox "/usr/bin/codex-sandbox" ' "$profile"
holds "and the server, and no folder of this machine" sh -c 'grep -q "^profile codex-sandboxd \"/usr/libexec/codex-sandbox/codex-sandboxd\" " "$1" && ! grep -qF "$2" "$1"' sh "$profile" "$root"

# --- the executables, from where they were unpacked ---------------------------------------------------------------------
mkdir "$work/home" "$work/workspace"
as_user=()
if [ "$(id -u)" -eq 0 ]; then
    id=$(unprivileged_id)
    chown "$id:$id" "$work/home" "$work/workspace"
    as_user=(setpriv --reuid "$id" --regid "$id" --clear-groups)
fi
as_user+=(env -i -C "$work/workspace" HOME="$work/home" PATH=/usr/bin:/bin)
for bin in "$root/usr/bin" "$tree/bin"; do
    holds "a job runs (${bin#"$work"/})" same "$("${as_user[@]}" "$bin/codex-sandbox" run -- /bin/echo held 2>&1)" held
    holds "its records verify" "${as_user[@]}" "$bin/codex-sandbox" evidence verify
done
holds "doctor finds the server beside it" grep -qF "$root/usr/libexec/codex-sandbox/codex-sandboxd" <("${as_user[@]}" "$root/usr/bin/codex-sandbox" doctor)

echo "$passed held, $failed did not"
[ "$failed" = 0 ]
