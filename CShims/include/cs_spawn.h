/* The supervisor's side: starting pid 1, and calls that Swift cannot see. */
#ifndef CS_SPAWN_H
#define CS_SPAWN_H

/* First what Swift knows of libc: else a type of libc belongs to whichever module was read first, which differs between builds. */
#ifdef __swift__
#pragma clang module import SwiftGlibc
#endif
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "cs_processors.h"

struct cs_launch {
    uint64_t namespaces; /* CLONE_NEW… of clone(2) */
    uint32_t uid, gid;   /* mapped to themselves; never 0 */
    int apart;           /* the structure is in shared memory, and the helper works in a copy of the caller's */
    int drop_root;       /* become uid and gid, without groups, before the user namespace is made */
    int control;         /* becomes CS_FD_CONTROL */
    int self;            /* O_PATH descriptor of this executable; becomes CS_FD_SELF */
    int cgroup;          /* folder of the cgroup that the place begins in (CLONE_INTO_CGROUP), 0 for the caller's own */
    /* Out, valid after cs_launch_finish. */
    int pid;
    int pidfd;
    int failed_step; /* enum cs_pseudo_step, 0 when the exec was reached */
    int failed_error;
    /* Ours. */
    int helper;
    int unreaped;  /* the helper has not been waited for */
    int report[2]; /* pipe of the image that gives root up */
    void *stack;
    struct cs_processors processors;
};

/*
 * Starts pid 1 of a new place: clone(2) with every namespace, then exec of this executable in it.
 *
 * The caller runs on meanwhile: the kernel takes a while for the namespaces. Until cs_launch_finish the structure must
 * stay where it is, and its descriptors open. All signals should be blocked.
 * 0, or -1 with failed_step and failed_error set and nothing to finish.
 */
int cs_launch_begin(struct cs_launch *launch);

/* Waits until pid 1 runs. 0, or -1 with failed_step and failed_error set and no process left. */
int cs_launch_finish(struct cs_launch *launch);

/* Waits for the helper, where cs_launch_finish has not: a zombie till then. 0, or -errno of wait4(2). */
int cs_launch_settle(struct cs_launch *launch);

#endif
