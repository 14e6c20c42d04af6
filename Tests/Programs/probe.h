/* What the probe's files share: options, and the table of lines. */
#ifndef PROBE_H
#define PROBE_H

#include "attempt.h"

struct options {
    const char *host_namespaces; /* as --print-namespaces printed it outside; NULL: not compared */
    const char *descriptors;     /* as --print-descriptors printed it outside; NULL: not compared */
    const char *secret;          /* a host file that must not be readable */
    const char *tcp_port;        /* a listener on the host's 127.0.0.1 */
    const char *abstract_name;   /* a listener on the host's abstract socket, without the leading NUL */
    const char *landlock_read;   /* an object that only Landlock keeps from being read */
    const char *landlock_write;  /* an object that only Landlock keeps from being written */
};

extern struct options options;

/* Adds one line; name and value are copied, bytes that would break a line are escaped as \ooo. */
void property(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));

void probe_identity(void);
void probe_attributes(void);
void probe_limits(void);
void probe_descriptors(void);
void probe_namespaces(void);
void probe_mounts(void);
void probe_listings(void);
void probe_network(void);
void probe_file_acts(void);
void probe_process_acts(void);
void probe_kernel_acts(void);
void probe_workspace_acts(void);

/* "cgroup:4026531835,ipc:…": the calling process's namespaces. */
void namespaces_text(char *buffer, size_t size);
/* "0=TYPE/DEV/INO,1=…": descriptors 0, 1 and 2. */
void descriptors_text(char *buffer, size_t size);

/* One act in a child; the line is act.NAME=WORD. */
#define ACT(name, expression) \
    do { \
        struct act_word act_word_; \
        CHILD_ACT(act_word_, expression); \
        property("act." name, "%s", act_word_.text); \
    } while (0)

#endif
