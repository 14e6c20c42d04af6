/*
 * The executable's real entry point in release builds (linker flag -e cs_start, Package.swift).
 *
 * pid 1 of a place needs neither libc nor Swift, but as the same executable it would pay for both at every launch:
 * some 10,000 relocations, glibc's CPU probing (cpuid traps in a virtual machine) and the Swift runtime's constructors,
 * about a millisecond together. So the entry looks at argv[0] first. Nothing of the C library is initialised then and no
 * relocation is applied: what is reachable from cs_init_main may use neither libc nor pointers in constant data
 * (scripts/build checks the object files for both).
 */
#include <elf.h>
#include <stddef.h>
#include <sys/resource.h>

#include "cs_early.h"
#include "cs_init.h"
#include "cs_landlock_only.h"
#include "cs_sys.h"
#include "relocate.h"

/*
 * What must be left of the stack beside arguments and environment, which lie on it (execve(2)). Four times what a launch was seen
 * to use: with less it would end by SIGSEGV, in whatever frame happens to be the deepest, and say nothing.
 */
#define CS_STACK_LEAST (512 * 1024ull)

static const char stack_is_small[] =
    "codex-sandbox: refused: the stack may not grow to 512 KiB beside arguments and environment (RLIMIT_STACK)\n"
    "codex-sandbox:   step: start on this process\n"
    "codex-sandbox:   remedy: raise the limit: ulimit -s 8192 (the hard one, ulimit -H -s, has to allow it); or hand over a "
    "smaller environment\n";

/*
 * Twice what a launch was seen to need with a policy that is not compiled yet: its compiler's code alone takes half of the
 * address space. With less the Swift runtime ends by SIGABRT in whatever allocation is the first to fail.
 */
#define CS_ADDRESSES_LEAST (96 * 1024 * 1024ull)
#define CS_DATA_LEAST (18 * 1024 * 1024ull)

static const char addresses_are_few[] =
    "codex-sandbox: refused: the address space may not grow to 96 MiB (RLIMIT_AS)\n"
    "codex-sandbox:   step: start on this process\n"
    "codex-sandbox:   remedy: raise the limit: ulimit -v unlimited (the hard one, ulimit -H -v, has to allow it); the job's "
    "memory is limited by --memory\n";
static const char data_is_small[] =
    "codex-sandbox: refused: the data segment may not grow to 18 MiB (RLIMIT_DATA)\n"
    "codex-sandbox:   step: start on this process\n"
    "codex-sandbox:   remedy: raise the limit: ulimit -d unlimited (the hard one, ulimit -H -d, has to allow it); the job's "
    "memory is limited by --memory\n";

static void check_memory(int resource, unsigned long long least, const char *words, size_t length)
{
    struct rlimit limit;
    if (CS_CALL4(SYS_prlimit64, 0, resource, NULL, &limit) < 0 || limit.rlim_cur >= least)
        return;
    CS_CALL3(SYS_write, 2, words, length);
    for (;;)
        CS_CALL1(SYS_exit_group, 125);
}

static void check_stack(const char *lowest, char *const *environment)
{
    struct rlimit stack;
    if (CS_CALL4(SYS_prlimit64, 0, RLIMIT_STACK, NULL, &stack) < 0)
        return; /* The supervisor asks again, and refuses. */
    while (*environment)
        environment++;
    /* The auxiliary vector follows. The path of the executable, which it names, lies above all other strings. */
    const char *top = lowest;
    for (const Elf64_auxv_t *entry = (const void *)(environment + 1); entry->a_type != AT_NULL; entry++)
        if (entry->a_type == AT_EXECFN)
            top = (const char *)entry->a_un.a_val;
    if (stack.rlim_cur >= CS_STACK_LEAST + (uint64_t)(top - lowest))
        return;
    CS_CALL3(SYS_write, 2, stack_is_small, sizeof(stack_is_small) - 1);
    for (;;)
        CS_CALL1(SYS_exit_group, 125);
}

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
    check_stack((const char *)stack, arguments + count + 1);
    check_memory(RLIMIT_AS, CS_ADDRESSES_LEAST, addresses_are_few, sizeof(addresses_are_few) - 1);
    check_memory(RLIMIT_DATA, CS_DATA_LEAST, data_is_small, sizeof(data_is_small) - 1);
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
