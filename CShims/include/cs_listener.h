/* The supervisor's end of a filter that asks: seccomp_unotify(2). */
#ifndef CS_LISTENER_H
#define CS_LISTENER_H

#include <stdint.h>

/* One call that waits for its answer, as the filter saw it (seccomp(2), struct seccomp_data). */
struct cs_call {
    uint64_t id;
    uint64_t instruction_pointer;
    uint64_t arguments[6];
    int32_t number;
    uint32_t architecture;
};

/* Whether this kernel's notifications are of a size that fits here: 0, or -errno (ENOTSUP when they are not). */
long cs_listener_check(void);

/*
 * The next call that waits: 0; -ENOENT when it is gone already, -EINTR. Only after poll(2) has said that there is one: it
 * waits else.
 */
long cs_listener_receive(int listener, struct cs_call *call);

/* Answers it with an error, 1 to 4095: 0; -ENOENT when it is gone already. Never lets a call go on. */
long cs_listener_refuse(int listener, uint64_t id, int error);

#endif
