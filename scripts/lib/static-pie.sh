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

# What runs before libc and before the relocation (CShims/entry.c) may use neither: $1 is the folder of CShims' objects.
require_no_libc_before_start() {
    local folder=$1 objects=() name undefined pointers
    for name in entry early relocate init processes executed landlock_only messages process narrow place terminals mount \
        landlock seccomp drop child processors; do
        objects+=("$folder/$name.c.o")
    done
    # The linker's own names, and where libc begins afterwards.
    undefined=$(comm -23 <(nm -u "${objects[@]}" | awk '$1 == "U" {print $2}' | sort -u) \
        <({ nm --defined-only "${objects[@]}" | awk 'NF == 3 {print $3}'; printf '%s\n' _DYNAMIC __bss_start __ehdr_start _end _start; } | sort -u)) ||
        fail "nm cannot read $folder" "build again with scripts/build"
    [ -z "$undefined" ] || fail "code that runs before libc calls it: ${undefined//$'\n'/, }" \
        "use CS_CALL (CShims/cs_sys.h), and no initialiser so large that the compiler calls memset for it"
    pointers=$(readelf -rW "${objects[@]}" | awk '
        /^Relocation section/ {skip = $3 ~ /debug|eh_frame/}
        !skip && /R_X86_64_(64|32|32S) / {print $5}') || fail "readelf cannot read $folder" "build again with scripts/build"
    [ -z "$pointers" ] || fail "constant data that is used before the relocation holds pointers: ${pointers//$'\n'/, }" \
        "fill such tables at run time (CShims/entry.c)"
    note "nothing of libc before its start, and no pointer that would need relocation"
}
