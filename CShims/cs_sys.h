/*
 * System calls without libc: no errno, no locks, no cancellation, no allocation. Everything here is
 * async-signal-safe and usable in a child that shares its parent's memory. A call answers >= 0 or -errno.
 *
 * x86_64 only; another architecture needs its own cs_syscall6 and filter tables.
 */
#ifndef CS_SYS_H
#define CS_SYS_H

#include <errno.h>
#include <stdint.h>
#include <sys/syscall.h>

#ifndef __x86_64__
#error "codex-sandbox knows x86_64 only"
#endif

/* Always inline: after a clone that shares the stack (child.c) no frame of a call may be in between. */
static inline __attribute__((always_inline)) long cs_syscall6(long number, long a, long b, long c, long d, long e, long f)
{
    long result;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

#define CS_CALL0(n) cs_syscall6((n), 0, 0, 0, 0, 0, 0)
#define CS_CALL1(n, a) cs_syscall6((n), (long)(a), 0, 0, 0, 0, 0)
#define CS_CALL2(n, a, b) cs_syscall6((n), (long)(a), (long)(b), 0, 0, 0, 0)
#define CS_CALL3(n, a, b, c) cs_syscall6((n), (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define CS_CALL4(n, a, b, c, d) cs_syscall6((n), (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)
#define CS_CALL5(n, a, b, c, d, e) cs_syscall6((n), (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), 0)
/* sendto(2) without an address. */
#define CS_CALL6_SENDTO(fd, data, size, flags) cs_syscall6(SYS_sendto, (fd), (long)(data), (long)(size), (flags), 0, 0)

/* Calls and constants newer than Debian 12's headers, by number: they are the kernel's ABI. */
#define CS_LANDLOCK_CREATE_RULESET 444
#define CS_LANDLOCK_ADD_RULE 445
#define CS_LANDLOCK_RESTRICT_SELF 446

struct cs_landlock_attributes {
    uint64_t handled_filesystem;
    uint64_t handled_network; /* ABI 4 */
    uint64_t scoped;          /* ABI 6 */
};

struct cs_landlock_path_beneath {
    uint64_t access;
    int32_t parent;
} __attribute__((packed));

#endif
