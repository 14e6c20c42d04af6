/*
 * Waiting awake for what is nearly there.
 *
 * To wake a process that sleeps on a processor that sleeps takes 30 to 70 us in a virtual machine, and its waker a part of
 * that; a launch passes the ball six times. So whoever waits for the other side looks again and again for a moment before
 * it sleeps. Looks that take long mean that somebody else wants this processor (or that we are traced): after a few of them
 * it sleeps at once.
 */
#ifndef CS_AWAKE_H
#define CS_AWAKE_H

#include <poll.h>
#include <stdint.h>

#include "cs_sys.h"

/* In ticks of the time stamp counter, which runs at 1 to 4 GHz: about 1 to 5 ms, and 10 to 40 us. */
#define CS_AWAKE_TICKS 5000000u
#define CS_AWAKE_LOOK_TICKS 40000u
#define CS_AWAKE_LONG_LOOKS 12
#define CS_AWAKE_PAUSES 64 /* about a microsecond */

/* Returns when `descriptor` has something, or when it is time to sleep; the caller waits as if this had not been. */
static inline void cs_wait_awake(int descriptor)
{
    const uint64_t begin = __builtin_ia32_rdtsc();
    uint64_t last = begin;
    int patience = CS_AWAKE_LONG_LOOKS;
    int tired = 0;
    for (;;) {
        struct pollfd watched = {.fd = descriptor, .events = POLLIN};
        /* The last look comes after the last pause: so each wait is pairs of both, and one look (the fault suite counts). */
        if (CS_CALL3(SYS_poll, &watched, 1, 0) != 0 || tired)
            return;
        /* What shares the core with this processor gets it meanwhile. */
        for (int i = 0; i < CS_AWAKE_PAUSES; i++)
            __builtin_ia32_pause();
        CS_CALL0(SYS_sched_yield); /* on one processor nothing would ever come otherwise */
        const uint64_t now = __builtin_ia32_rdtsc();
        if (now - last > CS_AWAKE_LOOK_TICKS)
            patience--;
        tired = !patience || now - begin > CS_AWAKE_TICKS;
        last = now;
    }
}

#endif
