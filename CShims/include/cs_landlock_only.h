/* The keeper of a job in the weaker profile landlock-only (landlock_only.c): what pid 1 is in a place. */
#ifndef CS_LANDLOCK_ONLY_H
#define CS_LANDLOCK_ONLY_H

#include "cs_wire.h"

/* argv[0] that makes this executable a keeper. */
#define CS_KEEPER_NAME "codex-sandbox-keeper"

/* Places in CS_MESSAGE_PLACE_READY for what a place never says; the others are as enum cs_place_value has them. */
enum cs_keeper_value {
    /* 1: before its domain it could signal the supervisor */
    CS_KEEPER_SIGNAL_CONTROL = CS_PLACE_LOOPBACK,
    /* errno of the same in its domain; 0 = it worked */
    CS_KEEPER_SIGNAL = CS_PLACE_HOSTNAME,
    /* 1: orphans of the job become its children */
    CS_KEEPER_SUBREAPER = CS_PLACE_SECUREBITS,
};

/* Whether this process was started to be a keeper: argv[0] is CS_KEEPER_NAME and the environment is empty. */
int cs_keeper_requested(char *const *argv, char *const *environment);

/* Never returns. Async-signal-safe throughout. */
_Noreturn void cs_keeper_main(void);

/*
 * The supervisor's side: forks the keeper, in a session of its own, with nothing open but its control socket and this
 * executable. Every signal must be blocked. Its pid, or -errno; *pidfd is close-on-exec.
 */
long cs_keeper_start(int control, int self, int *pidfd);

/* Becomes the one that orphans below it are given to, and opens the list of its children: the descriptor, or -errno. */
long cs_adopt_orphans(void);

/*
 * Kills and reaps every child, and what becomes one by that, until there is none (wait4(2) says ECHILD).
 * `children` is the descriptor of cs_adopt_orphans. 0, or -ETIMEDOUT when some were left after so many milliseconds.
 */
long cs_end_children(int children, uint32_t milliseconds);

#endif
