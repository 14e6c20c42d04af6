#!/usr/bin/env bash
# The Debian package on a machine that has nothing: lintian, then installed, used, upgraded, removed and purged.
#
#   Tests/Support/package/check.sh [--suite SUITE]... PACKAGE.deb
#
# SUITE: bookworm, trixie (default: both). Needs root (private mounts), the host's package sources, lintian and mmdebstrap.
# Each suite is a root of its own (../fresh-machine/run.sh) on the host's kernel, without systemd and without AppArmor.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
suites=()
while [ $# -gt 0 ]; do
    case $1 in
    --suite) suites+=("${2:?}"); shift 2 ;;
    -h | --help) sed -n '2,7s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) break ;;
    esac
done
package=$(readlink -f -- "${1:?the package}")
[ ${#suites[@]} -gt 0 ] || suites=(bookworm trixie)

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
failed=0

printf '\n== lintian\n'
lintian --version
# The distribution of the changelog has no meaning outside of an archive.
lintian --fail-on error --tag-display-limit 0 "$package" || failed=1

# The fresh machine gets what a repository has: both packages and what is to be done with them.
mkdir "$work/project"
cp -- "$package" "$work/project/new.deb"
cp -- "$here/use.sh" "$work/project/use.sh"
dpkg-deb -R "$package" "$work/old"
sed -i 's/^Version: .*/Version: 0.0.1/' "$work/old/DEBIAN/control"
# A file that the next version does not have any more.
echo old >"$work/old/usr/share/doc/codex-sandbox/old"
dpkg-deb --root-owner-group -Zgzip --build "$work/old" "$work/project/old.deb" >/dev/null
git -C "$work/project" init -q
git -C "$work/project" add -A
git -C "$work/project" -c user.name=check -c user.email=check@localhost commit -qm packages

for suite in "${suites[@]}"; do
    printf '\n== %s\n' "$suite"
    "$here/../fresh-machine/run.sh" -r "$work/project" -S none -b -s "$suite" -i apt-utils,man-db,python3,curl -o "$work/out-$suite" \
        'bash use.sh' || failed=1
done
[ $failed -eq 0 ] || { printf '\npackage: FAILED\n'; exit 1; }
printf '\npackage: every check held\n'
