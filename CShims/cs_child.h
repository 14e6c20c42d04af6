/* Between child.c and drop.c. Private to CShims. */
#ifndef CS_CHILD_H
#define CS_CHILD_H

#include <stdint.h>

/* Descriptor of a dropping image on which it reports; close-on-exec in pid 1. */
#define CS_FD_REPORT 5

struct cs_drop_report {
    int step; /* enum cs_pseudo_step, 0 with a pid */
    int error;
    int pid; /* of pid 1, in the supervisor's namespace */
};

/*
 * In the new namespaces: session, maps, capabilities, exec as pid 1. Descriptors stand in their places already.
 * Returns -errno only on failure, with *step set.
 */
long cs_enter_place(uint32_t uid, uint32_t gid, int *step);

#endif
