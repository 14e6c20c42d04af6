/*
 * On which processor pid 1 begins.
 *
 * The kernel's scheduler may leave a new process on its parent's processor although another one sleeps: in a virtual
 * machine a halted processor counts as taken away by the host (vcpu_is_preempted). The namespaces would then be made only
 * when the supervisor has nothing left to do. So the process that makes them is moved off the supervisor's processor while
 * it waits for its turn, and the place is built there. At the gate pid 1 and the worker get the caller's own set back, and
 * the supervisor compares.
 */
#include "cs_processors.h"

#include <stddef.h>

#include "cs_sys.h"

/* The caller's own set, from before anything was moved: for who starts something else than a place after all. */
static struct cs_processors first;

static void note_first(const struct cs_processors *own)
{
    if (first.moved)
        return;
    for (int i = 0; i < CS_PROCESSOR_WORDS; i++)
        /* volatile, or the compiler calls memcpy, which is not there (entry.c) */
        ((volatile uint64_t *)first.mask)[i] = own->mask[i];
    first.size = own->size;
    first.moved = 1;
}

void cs_processors_move(struct cs_processors *own, int pid)
{
    own->moved = 0;
    own->size = CS_CALL3(SYS_sched_getaffinity, 0, sizeof(own->mask), own->mask);
    unsigned here = 0;
    if (own->size <= 0 || CS_CALL3(SYS_getcpu, &here, NULL, NULL) < 0 || here >= sizeof(own->mask) * 8)
        return; /* more processors than there is room for, or not known: the kernel decides alone */
    uint64_t others[CS_PROCESSOR_WORDS], only[CS_PROCESSOR_WORDS], any = 0;
    for (int i = 0; i < CS_PROCESSOR_WORDS; i++) {
        only[i] = (unsigned)i == here / 64 ? 1ull << (here % 64) : 0;
        others[i] = ((long)(i * sizeof(uint64_t)) < own->size ? own->mask[i] : 0) & ~only[i];
        any |= others[i];
    }
    if (!any || CS_CALL3(SYS_sched_setaffinity, pid, own->size, others) < 0)
        return;
    own->moved = 1;
    note_first(own);
    /* Else a message of pid 1 would wake this process there, and the worker behind it would wait. */
    CS_CALL3(SYS_sched_setaffinity, 0, own->size, only);
}

long cs_processors_restore(const struct cs_processors *own, int pid)
{
    return own->moved ? CS_CALL3(SYS_sched_setaffinity, pid, own->size, own->mask) : 0;
}

long cs_processors_own_again(void)
{
    uint64_t found[CS_PROCESSOR_WORDS];
    if (!first.moved)
        return 0;
    const long result = cs_processors_restore(&first, 0);
    if (result < 0)
        return result;
    const long size = CS_CALL3(SYS_sched_getaffinity, 0, sizeof(found), found);
    if (size != first.size)
        return size < 0 ? size : -EIO;
    for (long i = 0; i < size / (long)sizeof(found[0]); i++)
        if (found[i] != first.mask[i])
            return -EIO;
    return 0;
}

int cs_processors_same(int pid)
{
    /* Not cleared beforehand: that would be a call of libc, and this file is also used before it is there (entry.c). */
    uint64_t own[CS_PROCESSOR_WORDS], found[CS_PROCESSOR_WORDS];
    const long size = CS_CALL3(SYS_sched_getaffinity, 0, sizeof(own), own);
    if (size <= 0 || CS_CALL3(SYS_sched_getaffinity, pid, sizeof(found), found) != size)
        return 0;
    for (long i = 0; i < size / (long)sizeof(own[0]); i++)
        if (own[i] != found[i])
            return 0;
    return 1;
}
