/*
 * What this host's kernel does when asked, one feature at a time.
 *
 * Every probe runs in a child of its own: it makes the call, looks at the effect, and reports which call failed with
 * which errno. Nothing of a probe stays: no mount, process, key or changed attribute in the caller.
 */
#ifndef CS_PROBE_H
#define CS_PROBE_H

#include <stddef.h>
#include <stdint.h>

enum cs_probe {
    CS_PROBE_USER_NAMESPACE = 0, /* unshare(CLONE_NEWUSER), one id mapped */
    CS_PROBE_MOUNT_NAMESPACE,    /* inside it, as all that follow down to RLIMIT_NPROC; propagation private */
    CS_PROBE_PID_NAMESPACE,      /* a child of it is pid 1 */
    CS_PROBE_NETWORK_NAMESPACE,  /* `lo` is raised in it */
    CS_PROBE_IPC_NAMESPACE,
    CS_PROBE_UTS_NAMESPACE,    /* the host name is changed in it */
    CS_PROBE_CGROUP_NAMESPACE,
    CS_PROBE_OPEN_TREE,        /* open_tree(2) with OPEN_TREE_CLONE */
    CS_PROBE_MOUNT_SETATTR,    /* read-only, read back by fstatfs(2) */
    CS_PROBE_TMPFS,            /* fsopen, fsconfig, fsmount */
    CS_PROBE_MOVE_MOUNT,       /* a tmpfs attached over the root */
    CS_PROBE_PIVOT_ROOT,       /* and entered, the old root detached */
    CS_PROBE_PROC,             /* a procfs of a new pid namespace */
    CS_PROBE_DEVPTS,           /* an instance of its own; `ptmx` opens */
    CS_PROBE_NESTED_NAMESPACES, /* max_user_namespaces = 0 holds: the next unshare is refused with ENOSPC */
    CS_PROBE_CAPABILITIES,     /* every set emptied, securebits locked, both read back */
    CS_PROBE_RLIMIT_NPROC,     /* value: children that started under a limit of 3; 2 when counted per namespace */
    CS_PROBE_NO_NEW_PRIVS,     /* set and read back */
    CS_PROBE_SECCOMP,          /* a filter that refuses getppid(2), tried */
    CS_PROBE_LANDLOCK,         /* value: ABI; a domain that refuses to list `/`, tried */
    CS_PROBE_PIDFD,            /* pidfd_open, pidfd_send_signal */
    CS_PROBE_CLOSE_RANGE,      /* with CLOSE_RANGE_CLOEXEC, read back by fcntl(2) */
    CS_PROBE_KEYRING,          /* value: serial of a fresh session keyring, in another than the caller's */
    CS_PROBE_COUNT
};

/* Who the probes are. A launch by root drops to the workspace's owner before it makes the user namespace. */
struct cs_probe_identity {
    uint32_t uid;
    uint32_t gid;
    int32_t drop; /* 1: root becomes uid and gid, without groups, first */
};

enum cs_probe_ending {
    CS_PROBE_REPORTED = 0, /* `call`, `error` and `value` hold */
    CS_PROBE_SILENT,       /* the child ended without a report; `value`: its wait status */
    CS_PROBE_TIMED_OUT,    /* it was killed after the time given */
    CS_PROBE_NOT_STARTED   /* no pipe or no child; `error` says why */
};

struct cs_probe_result {
    int32_t ending; /* enum cs_probe_ending */
    int32_t call;   /* the call that failed, for cs_probe_call_name(); 0: none, the feature is there */
    int32_t error;  /* its errno; 0 with a `call`: it succeeded without the effect */
    int32_t reserved; /* 0 */
    int64_t value;
};

/*
 * Runs one probe in a child and waits for it, `timeout_ms` at most. The result is always filled in.
 * Call it from a process with one thread: the child is a copy of it.
 */
void cs_probe_run(enum cs_probe which, const struct cs_probe_identity *who, int timeout_ms,
                  struct cs_probe_result *result);

/* The name of a call in a result, `unshare(CLONE_NEWUSER)`; NULL for a number that is none. Lives for ever. */
const char *cs_probe_call_name(int32_t call);

/* uname(2): kernel release and machine, NUL-terminated, cut at `size`. Returns 0, or an errno. */
int cs_probe_uname(char *release, char *machine, size_t size);

#endif
