/* Processor sets of the supervisor and of pid 1 (sched_setaffinity(2)). */
#ifndef CS_PROCESSORS_H
#define CS_PROCESSORS_H

#include <stdint.h>

#define CS_PROCESSOR_WORDS 128 /* 8,192 processors: the most that Linux is built for on x86-64 */

struct cs_processors {
    uint64_t mask[CS_PROCESSOR_WORDS]; /* the caller's own set */
    long size;                         /* bytes of it that the kernel knows */
    int moved;
};

/* Moves a process that has not run yet off this processor, if there is another one, and keeps the caller on it. */
void cs_processors_move(struct cs_processors *own, int pid);
/* Gives a process, or the calling one (0), the caller's own set back: 0 or -errno. */
long cs_processors_restore(const struct cs_processors *own, int pid);
/* Gives the calling process the set that it had before anything was moved, and looks: 0 or -errno. */
long cs_processors_own_again(void);
/* 1 when a process may use exactly the processors that the calling one may. */
int cs_processors_same(int pid);

#endif
