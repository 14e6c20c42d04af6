/* The processes of a place, as pid 1 has them. Private to CShims. */
#ifndef CS_PROCESSES_H
#define CS_PROCESSES_H

#include <stdint.h>

#include "cs_wire.h"
#include "place.h"
#include "process.h"

/* What a message asks for that came with CS_DESCRIPTORS_MOST descriptors. */
struct cs_spawn_request cs_request_of(const struct cs_message *message, const int *descriptors);

/*
 * The first process, made before pid 1 takes its own filter. A filter is inherited, and what it refuses is refused before
 * any other filter could have somebody told of it (seccomp(2), "the highest precedence"). It waits for its request as
 * everything else: what it runs until it has a filter of its own is this code. 0, or a positive errno.
 */
int cs_make_first_process(void);

/* Makes one, or has the first one go on, and says so; or that it cannot be made. Its descriptors are closed here. */
void cs_spawn_process(struct cs_spawn_request *request);

/* Every child that has ended: ours are reported, adopted orphans only reaped. */
void cs_reap_processes(const struct cs_place *place);

/* Every process with a terminal that a signal has stopped: whoever has the keyboard goes back to a shell then. */
void cs_tell_stopped(const struct cs_place *place);

/* To the process with its group. */
void cs_signal_process(const struct cs_place *place, uint32_t id, int number);

#endif
