/* The messages of pid 1 and of the processes it makes. Private to CShims; nothing here uses libc. */
#ifndef CS_MESSAGES_H
#define CS_MESSAGES_H

#include <stdint.h>

#include "cs_wire.h"

/* Of one message: a request's memory, gate and three streams. */
#define CS_DESCRIPTORS_MOST 5

/* timerfd of the wall limit, 0 before there is one: a wait for the supervisor must not outlast it. */
extern int cs_wall_timer;

/* execve(2) does not return, exit_group(2) neither: everything of the place dies with pid 1 (pid_namespaces(7)). */
_Noreturn void cs_leave(int status);

/* One message: its size, or -errno. Waits for room, but not beyond the wall limit. */
long cs_send_message(int descriptor, const struct cs_message *message);
/* The same with 1 to CS_DESCRIPTORS_MOST descriptors; waits for room as long as it takes. */
long cs_send_descriptors(int socket, const struct cs_message *message, const int *descriptors, uint32_t count);
/* Says which step failed with which errno, and ends this process. */
_Noreturn void cs_fail(int descriptor, uint32_t id, int step, int error);

/* One message with at most CS_DESCRIPTORS_MOST descriptors; their number. The end of whoever sends is ours. */
int cs_receive_request(int socket, struct cs_message *message, int descriptors[CS_DESCRIPTORS_MOST]);
/* The whole of a sealed memfd, read-only. NULL and *error on failure. */
const void *cs_map_sealed(int descriptor, uint64_t *size, int *error);

#endif
