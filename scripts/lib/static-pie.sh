# Sourced: is the launcher the static PIE that its start-up time and its independence of the host's libraries need?
# shellcheck shell=bash

# Fails unless $1 is an ELF static position-independent executable without a run path.
require_static_pie() {
    local executable=$1 problems=() elf
    elf=$(readelf -W -h -l -d "$executable") || fail "readelf cannot read $executable" "build again with scripts/build"
    grep -q 'Type:.*DYN' <<<"$elf" || problems+=("it is not position independent")
    grep -q 'FLAGS_1.*PIE' <<<"$elf" || problems+=("its dynamic section does not say PIE")
    ! grep -q 'INTERP' <<<"$elf" || problems+=("it asks for a dynamic loader")
    ! grep -q '(NEEDED)' <<<"$elf" || problems+=("it needs shared libraries")
    # A static PIE with a run path dies before main: SwiftPM adds one unless told --disable-local-rpath.
    ! grep -qE '\((RUNPATH|RPATH)\)' <<<"$elf" || problems+=("it has a run path")
    [ "${#problems[@]}" -eq 0 ] || {
        local all
        all=$(printf '%s; ' "${problems[@]}")
        fail "$executable is no static PIE: ${all%; }" \
            "build it with scripts/build, whose flags belong to the linker settings in Package.swift"
    }
    note "static PIE, $(($(stat -c %s "$executable") / 1024)) KiB: $executable"
}
