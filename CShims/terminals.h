/* Terminals of a place. Private to CShims. */
#ifndef CS_TERMINALS_H
#define CS_TERMINALS_H

#include <stdint.h>

#include "cs_wire.h"

struct cs_terminal {
    int controlling; /* the end that the supervisor gets */
    int kept;        /* the job's end, kept open: a terminal that nobody has open loses its session */
};

struct cs_terminals {
    uint32_t count;
    struct cs_terminal each[CS_TERMINALS_MOST];
};

/*
 * Opens so many. The first becomes the controlling terminal of the calling session leader; it can be read where has_keyboard
 * is not 0. The others are for output alone (CS_SCREEN_MODE). 0 or a positive errno.
 */
int cs_open_terminals(struct cs_terminals *terminals, uint64_t count, int has_keyboard);

/*
 * A new terminal for the calling session leader, as its controlling one and as 0, 1 and 2; the end that controls it in
 * *controlling, which is the caller's to close. 0 or a positive errno.
 */
int cs_make_own_terminal(int *controlling);

/* Makes the caller's process group the foreground of the terminal; signals must be blocked. 0 or a positive errno. */
int cs_take_foreground(int terminal);

/* Whether the caller's is its foreground group. */
int cs_has_foreground(int terminal);

#endif
