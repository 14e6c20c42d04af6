// First what Swift knows of libc: else a type of libc belongs to whichever module was read first, which differs between builds.
#pragma clang module import SwiftGlibc
#include <seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What Swift cannot see: macros with arguments, and memfd_create(2), which needs _GNU_SOURCE. */

static inline uint32_t cseccomp_errno(uint16_t number)
{
    return SCMP_ACT_ERRNO(number);
}

static inline uint32_t cseccomp_kill_process(void)
{
    return SCMP_ACT_KILL_PROCESS;
}

static inline uint32_t cseccomp_allow(void)
{
    return SCMP_ACT_ALLOW;
}

static inline uint32_t cseccomp_x86_64(void)
{
    return SCMP_ARCH_X86_64;
}

/* -1 and errno on failure; close-on-exec. */
static inline int cseccomp_memory_file(void)
{
    return (int)syscall(SYS_memfd_create, "filter", 1u);
}
