/* Makes system calls under seccomp filters, in a child process. For tests only. */
#ifndef FILTER_PROBE_H
#define FILTER_PROBE_H

#include <stddef.h>
#include <stdint.h>

/* A classic BPF program: `struct sock_filter` as one word each. */
struct filter_probe_program {
    const uint64_t *instructions;
    size_t count;
};

enum filter_probe_abi {
    FILTER_PROBE_X86_64 = 0,
    /* int 0x80: the number is i386's. */
    FILTER_PROBE_I386 = 1,
};

struct filter_probe_call {
    enum filter_probe_abi abi;
    long number;
    unsigned long arguments[6];
};

/* What became of the child. */
struct filter_probe_result {
    /* errno of what went wrong in the probe itself, or 0: then the other fields hold. */
    int broken;
    /* Signal that ended the child, or 0. */
    int signal;
    /* What the kernel returned: a value, or -errno. */
    long value;
};

/* Forks, sets no_new_privs, installs `count` programs in order, makes the call and reports. */
struct filter_probe_result filter_probe_call(const struct filter_probe_program *programs, size_t count,
                                             const struct filter_probe_call *call);

/* The same with an execve of `arguments[0]` in place of the call: its output is dropped. `value` is the exit status. */
struct filter_probe_result filter_probe_run(const struct filter_probe_program *programs, size_t count,
                                            char *const arguments[]);

#endif
