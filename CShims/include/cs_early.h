/* A place that was begun before the C library and Swift were there (CShims/early.c). */
#ifndef CS_EARLY_H
#define CS_EARLY_H

#include "cs_spawn.h"

/* All but the time namespace: clone(2) CLONE_NEWUSER, NEWNS, NEWPID, NEWIPC, NEWUTS, NEWCGROUP, NEWNET. */
#define CS_EARLY_NAMESPACES 0x7e020000ull

struct cs_early {
    struct cs_launch launch;
    int control;     /* the supervisor's end of the control socket */
    int first_steps; /* sealed memfd that pid 1 was given already, or -1 */
};

/* Begins if the command line looks like an ordinary `run`. Runs before libc; nothing is left when it does not begin. */
void cs_early_begin(char *const *arguments, char *const *environment);
/* What was begun, or NULL; from then on the caller's to finish. */
struct cs_early *cs_early_take(void);
/* 1: nothing on the command line or in the environment names another policy, so first steps are looked for. */
int cs_early_usual(void);
/* Takes away what was begun and nobody has taken. */
void cs_early_end(void);

#endif
