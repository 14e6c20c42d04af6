/* One process of a place, between fork and execve, and of its end whether it came so far. Private to CShims. */
#ifndef CS_PROCESS_H
#define CS_PROCESS_H

#include <stdint.h>

#include "cs_wire.h"

struct cs_spawn_request {
    uint32_t id;
    int ends_place;
    int has_terminal;
    int payload, gate, stdio[3];
    /* Of a job without namespaces (landlock_only.c): the file that only Landlock keeps from it, and what was tried before. */
    const char *probe; /* NULL: CS_PROBE_FILE */
    const int64_t *before; /* CS_PROCESS_VALUES of them; NULL: nothing */
};

/* In the copy of pid 1 that becomes the process: installs what is its own, reports, waits to be released, executes. */
_Noreturn void cs_run_process(struct cs_spawn_request *request);

/* Lets this process do less than its place: 0, or a positive errno; what it tried goes into value[]. */
int cs_narrow(const struct cs_spawn *spawn, int64_t *value);

/*
 * Whether a process that a signal ended never executed anything, or nobody can say: its end closes the gate as its exec does.
 * Field 9 of /proc/PID/stat has the kernel's PF_FORKNOEXEC (proc(5)), also of one that is not reaped yet. The name in field 2
 * may hold anything, but is in braces.
 */
int cs_may_not_have_executed(int32_t pid);

#endif
