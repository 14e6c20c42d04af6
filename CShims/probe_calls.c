/* The calls of probes: their names, and which of them a report blames. */
#include "probe_calls.h"

#include <errno.h>

static const char *const call_names[CS_TRIED_COUNT] = {
    [CS_TRIED_NONE] = NULL,
    [CS_TRIED_SETGROUPS] = "setgroups",
    [CS_TRIED_SETRESGID] = "setresgid",
    [CS_TRIED_SETRESUID] = "setresuid",
    [CS_TRIED_DUMPABLE] = "prctl(PR_SET_DUMPABLE)",
    [CS_TRIED_UNSHARE_USER] = "unshare(CLONE_NEWUSER)",
    [CS_TRIED_WRITE_SETGROUPS] = "write /proc/self/setgroups",
    [CS_TRIED_WRITE_UID_MAP] = "write /proc/self/uid_map",
    [CS_TRIED_WRITE_GID_MAP] = "write /proc/self/gid_map",
    [CS_TRIED_UNSHARE_MOUNT] = "unshare(CLONE_NEWNS)",
    [CS_TRIED_MOUNT_PRIVATE] = "mount(MS_REC|MS_PRIVATE)",
    [CS_TRIED_UNSHARE_PID] = "unshare(CLONE_NEWPID)",
    [CS_TRIED_FORK] = "clone",
    [CS_TRIED_GETPID] = "getpid",
    [CS_TRIED_UNSHARE_NETWORK] = "unshare(CLONE_NEWNET)",
    [CS_TRIED_SOCKET] = "socket",
    [CS_TRIED_INTERFACE_FLAGS] = "ioctl(SIOCSIFFLAGS)",
    [CS_TRIED_UNSHARE_IPC] = "unshare(CLONE_NEWIPC)",
    [CS_TRIED_UNSHARE_UTS] = "unshare(CLONE_NEWUTS)",
    [CS_TRIED_SETHOSTNAME] = "sethostname",
    [CS_TRIED_UNSHARE_CGROUP] = "unshare(CLONE_NEWCGROUP)",
    [CS_TRIED_OPEN_TREE] = "open_tree",
    [CS_TRIED_MOUNT_SETATTR] = "mount_setattr",
    [CS_TRIED_FSTATFS] = "fstatfs",
    [CS_TRIED_FSOPEN] = "fsopen",
    [CS_TRIED_FSCONFIG] = "fsconfig",
    [CS_TRIED_FSMOUNT] = "fsmount",
    [CS_TRIED_MOVE_MOUNT] = "move_mount",
    [CS_TRIED_FCHDIR] = "fchdir",
    [CS_TRIED_PIVOT_ROOT] = "pivot_root",
    [CS_TRIED_UMOUNT] = "umount2(MNT_DETACH)",
    [CS_TRIED_READ_PROC_SELF] = "readlink self",
    [CS_TRIED_OPEN_PTMX] = "open ptmx",
    [CS_TRIED_OPEN_MAX_NAMESPACES] = "open sys/user/max_user_namespaces",
    [CS_TRIED_WRITE_MAX_NAMESPACES] = "write sys/user/max_user_namespaces",
    [CS_TRIED_UNSHARE_NESTED] = "unshare(CLONE_NEWUSER) below it",
    [CS_TRIED_CAPBSET_DROP] = "prctl(PR_CAPBSET_DROP)",
    [CS_TRIED_CAP_AMBIENT] = "prctl(PR_CAP_AMBIENT)",
    [CS_TRIED_SECUREBITS] = "prctl(PR_SET_SECUREBITS)",
    [CS_TRIED_CAPSET] = "capset",
    [CS_TRIED_CAPGET] = "capget",
    [CS_TRIED_SETRLIMIT] = "setrlimit(RLIMIT_NPROC)",
    [CS_TRIED_NO_NEW_PRIVS] = "prctl(PR_SET_NO_NEW_PRIVS)",
    [CS_TRIED_SECCOMP] = "seccomp(SECCOMP_SET_MODE_FILTER)",
    [CS_TRIED_FILTERED_GETPPID] = "getppid under the filter",
    [CS_TRIED_LANDLOCK_VERSION] = "landlock_create_ruleset(version)",
    [CS_TRIED_LANDLOCK_RULESET] = "landlock_create_ruleset",
    [CS_TRIED_LANDLOCK_RESTRICT] = "landlock_restrict_self",
    [CS_TRIED_LANDLOCK_REFUSED_OPEN] = "open / under the domain",
    [CS_TRIED_PIDFD_OPEN] = "pidfd_open",
    [CS_TRIED_PIDFD_SIGNAL] = "pidfd_send_signal",
    [CS_TRIED_OPEN_ROOT] = "open /",
    [CS_TRIED_CLOSE_RANGE] = "close_range(CLOSE_RANGE_CLOEXEC)",
    [CS_TRIED_CLOSE_RANGE_EFFECT] = "fcntl(F_GETFD) after close_range",
    [CS_TRIED_KEYCTL] = "keyctl(KEYCTL_JOIN_SESSION_KEYRING)",
    [CS_TRIED_KEYCTL_EFFECT] = "keyctl(KEYCTL_GET_KEYRING_ID)",
};

int cs_probe_failed(struct cs_probe_result *result, enum cs_tried call) {
    result->error = errno;
    result->call = (int32_t)call;
    return -1;
}

int cs_probe_without_effect(struct cs_probe_result *result, enum cs_tried call) {
    result->error = 0;
    result->call = (int32_t)call;
    return -1;
}

const char *cs_probe_call_name(int32_t call) {
    return call > 0 && call < CS_TRIED_COUNT ? call_names[call] : NULL;
}
