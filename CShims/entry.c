/*
 * The executable's real entry point in release builds (linker flag -e cs_start, Package.swift).
 *
 * pid 1 of a place needs neither libc nor Swift, but as the same executable it would pay for both at every launch:
 * some 10,000 relocations, glibc's CPU probing (cpuid traps in a virtual machine) and the Swift runtime's constructors,
 * about a millisecond together. So the entry looks at argv[0] first. Nothing of the C library is initialised then and no
 * relocation is applied: what is reachable from cs_init_main may use neither libc nor pointers in constant data
 * (scripts/build checks the object files for both).
 */
#include "cs_early.h"
#include "cs_init.h"
#include "cs_landlock_only.h"
#include "cs_sys.h"
#include "relocate.h"

/* argc, argv…, NULL, environment…, NULL: what the kernel puts on a new stack (x86-64 psABI, process initialization). */
__attribute__((used, visibility("hidden"))) void cs_entry(long *stack)
{
    const long count = stack[0];
    char *const *arguments = (char *const *)(stack + 1);
    if (cs_init_requested(arguments, arguments + count + 1))
        cs_init_main();
    if (cs_drop_requested(arguments, arguments + count + 1))
        cs_drop_main(arguments);
    if (cs_keeper_requested(arguments, arguments + count + 1))
        cs_keeper_main();
    cs_early_begin(arguments, arguments + count + 1);
    cs_fetch_relocated();
}

__asm__(".text\n"
        ".globl cs_start\n"
        ".hidden cs_start\n"
        ".type cs_start,@function\n"
        "cs_start:\n"
        "    xor %ebp, %ebp\n"
        "    push %rdx\n" /* the loader's exit hook, for _start */
        "    lea 8(%rsp), %rdi\n"
        "    mov %rsp, %rbx\n"
        "    and $-16, %rsp\n"
        "    call cs_entry\n"
        "    mov %rbx, %rsp\n"
        "    pop %rdx\n"
        "    jmp _start\n");
