#include "cs_probe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/keyctl.h>
#include <linux/mount.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/*
 * Everything from run_probe() down to the table runs in a forked child and is async-signal-safe: system calls on
 * stack buffers, nothing else. glibc's set*id wrappers are not (they look for threads), so those are raw calls.
 */

/* ST_RDONLY of <sys/statvfs.h>; fstatfs(2) reports the same bit in f_flags. */
#define MOUNT_IS_READ_ONLY 0x0001
#define PIVOT_OLD_ROOT_DETACH 0x00000002 /* MNT_DETACH; <sys/mount.h> cannot be included beside <linux/mount.h> */

enum call {
    CALL_NONE = 0,
    CALL_SETGROUPS,
    CALL_SETRESGID,
    CALL_SETRESUID,
    CALL_DUMPABLE,
    CALL_UNSHARE_USER,
    CALL_WRITE_SETGROUPS,
    CALL_WRITE_UID_MAP,
    CALL_WRITE_GID_MAP,
    CALL_UNSHARE_MOUNT,
    CALL_MOUNT_PRIVATE,
    CALL_UNSHARE_PID,
    CALL_FORK,
    CALL_GETPID,
    CALL_UNSHARE_NETWORK,
    CALL_SOCKET,
    CALL_INTERFACE_FLAGS,
    CALL_UNSHARE_IPC,
    CALL_UNSHARE_UTS,
    CALL_SETHOSTNAME,
    CALL_UNSHARE_CGROUP,
    CALL_OPEN_TREE,
    CALL_MOUNT_SETATTR,
    CALL_FSTATFS,
    CALL_FSOPEN,
    CALL_FSCONFIG,
    CALL_FSMOUNT,
    CALL_MOVE_MOUNT,
    CALL_FCHDIR,
    CALL_PIVOT_ROOT,
    CALL_UMOUNT,
    CALL_READ_PROC_SELF,
    CALL_OPEN_PTMX,
    CALL_OPEN_MAX_NAMESPACES,
    CALL_WRITE_MAX_NAMESPACES,
    CALL_UNSHARE_NESTED,
    CALL_CAPBSET_DROP,
    CALL_CAP_AMBIENT,
    CALL_SECUREBITS,
    CALL_CAPSET,
    CALL_CAPGET,
    CALL_SETRLIMIT,
    CALL_NO_NEW_PRIVS,
    CALL_SECCOMP,
    CALL_FILTERED_GETPPID,
    CALL_LANDLOCK_VERSION,
    CALL_LANDLOCK_RULESET,
    CALL_LANDLOCK_RESTRICT,
    CALL_LANDLOCK_REFUSED_OPEN,
    CALL_PIDFD_OPEN,
    CALL_PIDFD_SIGNAL,
    CALL_OPEN_ROOT,
    CALL_CLOSE_RANGE,
    CALL_CLOSE_RANGE_EFFECT,
    CALL_KEYCTL,
    CALL_KEYCTL_EFFECT,
    CALL_COUNT
};

static const char *const call_names[CALL_COUNT] = {
    [CALL_NONE] = NULL,
    [CALL_SETGROUPS] = "setgroups",
    [CALL_SETRESGID] = "setresgid",
    [CALL_SETRESUID] = "setresuid",
    [CALL_DUMPABLE] = "prctl(PR_SET_DUMPABLE)",
    [CALL_UNSHARE_USER] = "unshare(CLONE_NEWUSER)",
    [CALL_WRITE_SETGROUPS] = "write /proc/self/setgroups",
    [CALL_WRITE_UID_MAP] = "write /proc/self/uid_map",
    [CALL_WRITE_GID_MAP] = "write /proc/self/gid_map",
    [CALL_UNSHARE_MOUNT] = "unshare(CLONE_NEWNS)",
    [CALL_MOUNT_PRIVATE] = "mount(MS_REC|MS_PRIVATE)",
    [CALL_UNSHARE_PID] = "unshare(CLONE_NEWPID)",
    [CALL_FORK] = "clone",
    [CALL_GETPID] = "getpid",
    [CALL_UNSHARE_NETWORK] = "unshare(CLONE_NEWNET)",
    [CALL_SOCKET] = "socket",
    [CALL_INTERFACE_FLAGS] = "ioctl(SIOCSIFFLAGS)",
    [CALL_UNSHARE_IPC] = "unshare(CLONE_NEWIPC)",
    [CALL_UNSHARE_UTS] = "unshare(CLONE_NEWUTS)",
    [CALL_SETHOSTNAME] = "sethostname",
    [CALL_UNSHARE_CGROUP] = "unshare(CLONE_NEWCGROUP)",
    [CALL_OPEN_TREE] = "open_tree",
    [CALL_MOUNT_SETATTR] = "mount_setattr",
    [CALL_FSTATFS] = "fstatfs",
    [CALL_FSOPEN] = "fsopen",
    [CALL_FSCONFIG] = "fsconfig",
    [CALL_FSMOUNT] = "fsmount",
    [CALL_MOVE_MOUNT] = "move_mount",
    [CALL_FCHDIR] = "fchdir",
    [CALL_PIVOT_ROOT] = "pivot_root",
    [CALL_UMOUNT] = "umount2(MNT_DETACH)",
    [CALL_READ_PROC_SELF] = "readlink self",
    [CALL_OPEN_PTMX] = "open ptmx",
    [CALL_OPEN_MAX_NAMESPACES] = "open sys/user/max_user_namespaces",
    [CALL_WRITE_MAX_NAMESPACES] = "write sys/user/max_user_namespaces",
    [CALL_UNSHARE_NESTED] = "unshare(CLONE_NEWUSER) below it",
    [CALL_CAPBSET_DROP] = "prctl(PR_CAPBSET_DROP)",
    [CALL_CAP_AMBIENT] = "prctl(PR_CAP_AMBIENT)",
    [CALL_SECUREBITS] = "prctl(PR_SET_SECUREBITS)",
    [CALL_CAPSET] = "capset",
    [CALL_CAPGET] = "capget",
    [CALL_SETRLIMIT] = "setrlimit(RLIMIT_NPROC)",
    [CALL_NO_NEW_PRIVS] = "prctl(PR_SET_NO_NEW_PRIVS)",
    [CALL_SECCOMP] = "seccomp(SECCOMP_SET_MODE_FILTER)",
    [CALL_FILTERED_GETPPID] = "getppid under the filter",
    [CALL_LANDLOCK_VERSION] = "landlock_create_ruleset(version)",
    [CALL_LANDLOCK_RULESET] = "landlock_create_ruleset",
    [CALL_LANDLOCK_RESTRICT] = "landlock_restrict_self",
    [CALL_LANDLOCK_REFUSED_OPEN] = "open / under the domain",
    [CALL_PIDFD_OPEN] = "pidfd_open",
    [CALL_PIDFD_SIGNAL] = "pidfd_send_signal",
    [CALL_OPEN_ROOT] = "open /",
    [CALL_CLOSE_RANGE] = "close_range(CLOSE_RANGE_CLOEXEC)",
    [CALL_CLOSE_RANGE_EFFECT] = "fcntl(F_GETFD) after close_range",
    [CALL_KEYCTL] = "keyctl(KEYCTL_JOIN_SESSION_KEYRING)",
    [CALL_KEYCTL_EFFECT] = "keyctl(KEYCTL_GET_KEYRING_ID)",
};

/* Calls that Debian 12's headers may lack a wrapper or an argument's type for. */
struct landlock_attr {
    uint64_t handled_access_fs;
};

#define LANDLOCK_READ_DIR (1ULL << 3)
#define LANDLOCK_VERSION_FLAG 1U

/* Notes the call that just failed. Async-signal-safe, as everything below. */
static int failed(struct cs_probe_result *result, enum call call) {
    result->error = errno;
    result->call = (int32_t)call;
    return -1;
}

/* The call succeeded, and nothing came of it. */
static int without_effect(struct cs_probe_result *result, enum call call) {
    result->error = 0;
    result->call = (int32_t)call;
    return -1;
}

static int write_text(const char *path, const char *text, size_t length) {
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return -1;
    ssize_t written = write(fd, text, length);
    int error = errno;
    close(fd);
    errno = error;
    if (written == (ssize_t)length) return 0;
    if (written >= 0) errno = EIO;
    return -1;
}

static size_t append_number(char *buffer, size_t at, uint32_t number) {
    char digits[10];
    size_t count = 0;
    do {
        digits[count++] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    while (count > 0) buffer[at++] = digits[--count];
    return at;
}

/* `ID ID 1`: the same number inside and outside. */
static int write_map(const char *path, uint32_t id) {
    char line[32];
    size_t length = append_number(line, 0, id);
    line[length++] = ' ';
    length = append_number(line, length, id);
    line[length++] = ' ';
    line[length++] = '1';
    return write_text(path, line, length);
}

static int become(const struct cs_probe_identity *who, struct cs_probe_result *result) {
    if (!who->drop) return 0;
    if (syscall(SYS_setgroups, 0, NULL) != 0) return failed(result, CALL_SETGROUPS);
    if (syscall(SYS_setresgid, who->gid, who->gid, who->gid) != 0) return failed(result, CALL_SETRESGID);
    if (syscall(SYS_setresuid, who->uid, who->uid, who->uid) != 0) return failed(result, CALL_SETRESUID);
    /* A change of ids makes /proc/self root's (proc(5)); the map files have to be written there. */
    if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) != 0) return failed(result, CALL_DUMPABLE);
    return 0;
}

static int enter_user_namespace(const struct cs_probe_identity *who, struct cs_probe_result *result) {
    if (become(who, result) != 0) return -1;
    if (syscall(SYS_unshare, CLONE_NEWUSER) != 0) return failed(result, CALL_UNSHARE_USER);
    if (write_text("/proc/self/setgroups", "deny", 4) != 0) return failed(result, CALL_WRITE_SETGROUPS);
    if (write_map("/proc/self/uid_map", who->uid) != 0) return failed(result, CALL_WRITE_UID_MAP);
    if (write_map("/proc/self/gid_map", who->gid) != 0) return failed(result, CALL_WRITE_GID_MAP);
    return 0;
}

static int enter_mount_namespace(const struct cs_probe_identity *who, struct cs_probe_result *result) {
    if (enter_user_namespace(who, result) != 0) return -1;
    if (syscall(SYS_unshare, CLONE_NEWNS) != 0) return failed(result, CALL_UNSHARE_MOUNT);
    if (syscall(SYS_mount, NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
        return failed(result, CALL_MOUNT_PRIVATE);
    return 0;
}

/*
 * Goes on as pid 1 of a new pid namespace. The process that called waits for it and ends without a report: the one
 * inside makes it. It dies with its parent, so that a killed probe leaves nobody.
 */
static int enter_pid_namespace(struct cs_probe_result *result) {
    if (syscall(SYS_unshare, CLONE_NEWPID) != 0) return failed(result, CALL_UNSHARE_PID);
    long child = syscall(SYS_clone, (unsigned long)SIGCHLD, NULL, NULL, NULL, NULL);
    if (child < 0) return failed(result, CALL_FORK);
    if (child > 0) {
        int status = 0;
        while (syscall(SYS_wait4, child, &status, 0, NULL) < 0 && errno == EINTR) {
        }
        _exit(0);
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (syscall(SYS_getpid) != 1) return without_effect(result, CALL_GETPID);
    return 0;
}

static int probe_pid_namespace(const struct cs_probe_identity *who, struct cs_probe_result *result) {
    if (enter_user_namespace(who, result) != 0) return -1;
    return enter_pid_namespace(result);
}

static int probe_network_namespace(const struct cs_probe_identity *who, struct cs_probe_result *result) {
    if (enter_user_namespace(who, result) != 0) return -1;
    if (syscall(SYS_unshare, CLONE_NEWNET) != 0) return failed(result, CALL_UNSHARE_NETWORK);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return failed(result, CALL_SOCKET);
    struct ifreq request;
    memset(&request, 0, sizeof request);
    memcpy(request.ifr_name, "lo", 3);
    if (ioctl(fd, SIOCGIFFLAGS, &request) != 0) return failed(result, CALL_INTERFACE_FLAGS);
    request.ifr_flags = (short)(request.ifr_flags | IFF_UP);
    if (ioctl(fd, SIOCSIFFLAGS, &request) != 0) return failed(result, CALL_INTERFACE_FLAGS);
    if (ioctl(fd, SIOCGIFFLAGS, &request) != 0) return failed(result, CALL_INTERFACE_FLAGS);
    if ((request.ifr_flags & IFF_UP) == 0) return without_effect(result, CALL_INTERFACE_FLAGS);
    return 0;
}

static int probe_ipc_namespace(const struct cs_probe_identity *who, struct cs_probe_result *result) {
    if (enter_user_namespace(who, result) != 0) return -1;
    if (syscall(SYS_unshare, CLONE_NEWIPC) != 0) return failed(result, CALL_UNSHARE_IPC);
    return 0;
}

static int probe_uts_namespace(const struct cs_probe_identity *who, struct cs_probe_result *result) {
    if (enter_user_namespace(who, result) != 0) return -1;
    if (syscall(SYS_unshare, CLONE_NEWUTS) != 0) return failed(result, CALL_UNSHARE_UTS);
    if (syscall(SYS_sethostname, "probe", 5) != 0) return failed(result, CALL_SETHOSTNAME);
    return 0;
}

static int probe_cgroup_namespace(const struct cs_probe_identity *who, struct cs_probe_result *result) {
    if (enter_user_namespace(who, result) != 0) return -1;
    if (syscall(SYS_unshare, CLONE_NEWCGROUP) != 0) return failed(result, CALL_UNSHARE_CGROUP);
    return 0;
}

/*
 * A copy of the whole tree, as no other path is sure to exist; recursive, because a copy without the mounts below
 * would show what they hide, which the kernel refuses (mount_namespaces(7), locked mounts).
 */
static int clone_tree(struct cs_probe_result *result) {
    int fd = (int)syscall(SYS_open_tree, AT_FDCWD, "/", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
    if (fd < 0) failed(result, CALL_OPEN_TREE);
    return fd;
}

static int probe_open_tree(const struct cs_probe_identity *who, struct cs_probe_result *result) {
    if (enter_mount_namespace(who, result) != 0) return -1;
    return clone_tree(result) < 0 ? -1 : 0;
}

static int probe_mount_setattr(const struct cs_probe_identity *who, struct cs_probe_result *result) {
    if (enter_mount_namespace(who, result) != 0) return -1;
    int fd = clone_tree(result);
    if (fd < 0) return -1;
    struct mount_attr attributes;
    memset(&attributes, 0, sizeof attributes);
    attributes.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
    if (syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &attributes, sizeof attributes) != 0)
        return failed(result, CALL_MOUNT_SETATTR);
    struct statfs state;
    if (fstatfs(fd, &state) != 0) return failed(result, CALL_FSTATFS);
    if (((unsigned long)state.f_flags & MOUNT_IS_READ_ONLY) == 0) return without_effect(result, CALL_MOUNT_SETATTR);
    return 0;
}

/* A new, unattached mount of a file system; `flag` is an option without a value, or NULL. */
static int make_mount(const char *type, const char *flag, struct cs_probe_result *result) {
    int context = (int)syscall(SYS_fsopen, type, FSOPEN_CLOEXEC);
    if (context < 0) return failed(result, CALL_FSOPEN);
    if (flag != NULL && syscall(SYS_fsconfig, context, FSCONFIG_SET_FLAG, flag, NULL, 0) != 0)
        return failed(result, CALL_FSCONFIG);
    if (syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) != 0)
        return failed(result, CALL_FSCONFIG);
    int fd = (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
    if (fd < 0) return failed(result, CALL_FSMOUNT);
    close(context);
    return fd;
}

static int probe_tmpfs(const struct cs_probe_identity *who, struct cs_probe_result *result) {
    if (enter_mount_namespace(who, result) != 0) return -1;
    return make_mount("tmpfs", NULL, result) < 0 ? -1 : 0;
}

static int cover_root(const struct cs_probe_identity *who, struct cs_probe_result *result) {
    if (enter_mount_namespace(who, result) != 0) return -1;
    int fd = make_mount("tmpfs", NULL, result);
    if (fd < 0) return -1;
    if (syscall(SYS_move_mount, fd, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) != 0)
        return failed(result, CALL_MOVE_MOUNT);
    return fd;
}

static int probe_move_mount(const struct cs_probe_identity *who, struct cs_probe_result *result) {
    return cover_root(who, result) < 0 ? -1 : 0;
}

static int probe_pivot_root(const struct cs_probe_identity *who, struct cs_probe_result *result) {
    int fd = cover_root(who, result);
    if (fd < 0) return -1;
    if (fchdir(fd) != 0) return failed(result, CALL_FCHDIR);
    if (syscall(SYS_pivot_root, ".", ".") != 0) return failed(result, CALL_PIVOT_ROOT);
    if (syscall(SYS_umount2, ".", PIVOT_OLD_ROOT_DETACH) != 0) return failed(result, CALL_UMOUNT);
    return 0;
}

/* A procfs of a pid namespace of its own, by descriptor. */
static int make_proc(const struct cs_probe_identity *who, struct cs_probe_result *result) {
    if (enter_mount_namespace(who, result) != 0) return -1;
    if (enter_pid_namespace(result) != 0) return -1;
    return make_mount("proc", NULL, result);
}

static int probe_proc(const struct cs_probe_identity *who, struct cs_probe_result *result) {
    int fd = make_proc(who, result);
    if (fd < 0) return -1;
    char target[8];
    ssize_t length = readlinkat(fd, "self", target, sizeof target);
    if (length < 0) return failed(result, CALL_READ_PROC_SELF);
    if (length != 1 || target[0] != '1') return without_effect(result, CALL_READ_PROC_SELF);
    return 0;
}

static int probe_devpts(const struct cs_probe_identity *who, struct cs_probe_result *result) {
    if (enter_mount_namespace(who, result) != 0) return -1;
    int context = (int)syscall(SYS_fsopen, "devpts", FSOPEN_CLOEXEC);
    if (context < 0) return failed(result, CALL_FSOPEN);
    if (syscall(SYS_fsconfig, context, FSCONFIG_SET_FLAG, "newinstance", NULL, 0) != 0)
        return failed(result, CALL_FSCONFIG);
    if (syscall(SYS_fsconfig, context, FSCONFIG_SET_STRING, "ptmxmode", "0666", 0) != 0)
        return failed(result, CALL_FSCONFIG);
    if (syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) != 0)
        return failed(result, CALL_FSCONFIG);
    int fd = (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
    if (fd < 0) return failed(result, CALL_FSMOUNT);
    int terminal = openat(fd, "ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (terminal < 0) return failed(result, CALL_OPEN_PTMX);
    return 0;
}

static int probe_nested_namespaces(const struct cs_probe_identity *who, struct cs_probe_result *result) {
    int proc = make_proc(who, result);
    if (proc < 0) return -1;
    int fd = openat(proc, "sys/user/max_user_namespaces", O_WRONLY | O_CLOEXEC);
    if (fd < 0) return failed(result, CALL_OPEN_MAX_NAMESPACES);
    if (write(fd, "0", 1) != 1) return failed(result, CALL_WRITE_MAX_NAMESPACES);
    if (syscall(SYS_unshare, CLONE_NEWUSER) == 0) return without_effect(result, CALL_UNSHARE_NESTED);
    if (errno != ENOSPC) return failed(result, CALL_UNSHARE_NESTED);
    return 0;
}

static int probe_capabilities(const struct cs_probe_identity *who, struct cs_probe_result *result) {
    if (enter_user_namespace(who, result) != 0) return -1;
    /* All but KEEP_CAPS, which is locked at 0. */
    const unsigned long bits_set = (SECURE_ALL_BITS & ~issecure_mask(SECURE_KEEP_CAPS)) | SECURE_ALL_LOCKS;
    if (prctl(PR_SET_SECUREBITS, bits_set, 0, 0, 0) != 0)
        return failed(result, CALL_SECUREBITS);
    int last = 0;
    while (prctl(PR_CAPBSET_READ, last, 0, 0, 0) >= 0) {
        if (prctl(PR_CAPBSET_DROP, last, 0, 0, 0) != 0) return failed(result, CALL_CAPBSET_DROP);
        if (prctl(PR_CAPBSET_READ, last, 0, 0, 0) != 0) return without_effect(result, CALL_CAPBSET_DROP);
        last++;
    }
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) return failed(result, CALL_CAP_AMBIENT);
    struct __user_cap_header_struct header;
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
    memset(&header, 0, sizeof header);
    memset(data, 0, sizeof data);
    header.version = _LINUX_CAPABILITY_VERSION_3;
    if (syscall(SYS_capset, &header, data) != 0) return failed(result, CALL_CAPSET);
    memset(data, 0xFF, sizeof data);
    if (syscall(SYS_capget, &header, data) != 0) return failed(result, CALL_CAPGET);
    for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
        if ((data[i].effective | data[i].permitted | data[i].inheritable) != 0)
            return without_effect(result, CALL_CAPSET);
    int bits = prctl(PR_GET_SECUREBITS, 0, 0, 0, 0);
    if (bits < 0) return failed(result, CALL_SECUREBITS);
    if ((unsigned long)bits != bits_set) return without_effect(result, CALL_SECUREBITS);
    result->value = last;
    return 0;
}

/*
 * Three tasks are allowed, this one is the first. The kernel counts them per user namespace since 5.14; before, it
 * counted every process of the user, and the first child would be refused already.
 */
static int probe_rlimit_nproc(const struct cs_probe_identity *who, struct cs_probe_result *result) {
    if (enter_user_namespace(who, result) != 0) return -1;
    struct rlimit limit = {.rlim_cur = 3, .rlim_max = 3};
    if (setrlimit(RLIMIT_NPROC, &limit) != 0) return failed(result, CALL_SETRLIMIT);
    long children[4] = {0};
    int started = 0;
    int error = 0;
    while (started < 4) {
        long child = syscall(SYS_clone, (unsigned long)SIGCHLD, NULL, NULL, NULL, NULL);
        if (child == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
            for (;;) pause();
        }
        if (child < 0) {
            error = errno;
            break;
        }
        children[started++] = child;
    }
    for (int i = 0; i < started; i++) {
        kill((pid_t)children[i], SIGKILL);
        syscall(SYS_wait4, children[i], NULL, 0, NULL);
    }
    result->value = started;
    if (started == 2 && error == EAGAIN) return 0;
    errno = error;
    return started > 2 ? without_effect(result, CALL_SETRLIMIT) : failed(result, CALL_FORK);
}

static int forbid_new_privileges(struct cs_probe_result *result) {
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return failed(result, CALL_NO_NEW_PRIVS);
    int set = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
    if (set < 0) return failed(result, CALL_NO_NEW_PRIVS);
    return set == 1 ? 0 : without_effect(result, CALL_NO_NEW_PRIVS);
}

static int probe_no_new_privs(const struct cs_probe_identity *who, struct cs_probe_result *result) {
    (void)who;
    return forbid_new_privileges(result);
}

static int probe_seccomp(const struct cs_probe_identity *who, struct cs_probe_result *result) {
    (void)who;
    if (forbid_new_privileges(result) != 0) return -1;
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EXDEV),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof code / sizeof code[0], .filter = code};
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0) return failed(result, CALL_SECCOMP);
    if (syscall(SYS_getppid) >= 0) return without_effect(result, CALL_FILTERED_GETPPID);
    if (errno != EXDEV) return failed(result, CALL_FILTERED_GETPPID);
    return 0;
}

static int probe_landlock(const struct cs_probe_identity *who, struct cs_probe_result *result) {
    (void)who;
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_VERSION_FLAG);
    if (abi < 0) return failed(result, CALL_LANDLOCK_VERSION);
    result->value = abi;
    if (forbid_new_privileges(result) != 0) return -1;
    struct landlock_attr attributes = {.handled_access_fs = LANDLOCK_READ_DIR};
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0);
    if (ruleset < 0) return failed(result, CALL_LANDLOCK_RULESET);
    /* The positive control: without the domain the same act works. */
    int before = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (before < 0) return failed(result, CALL_LANDLOCK_REFUSED_OPEN);
    if (syscall(SYS_landlock_restrict_self, ruleset, 0) != 0) return failed(result, CALL_LANDLOCK_RESTRICT);
    if (open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC) >= 0)
        return without_effect(result, CALL_LANDLOCK_REFUSED_OPEN);
    if (errno != EACCES) return failed(result, CALL_LANDLOCK_REFUSED_OPEN);
    return 0;
}

static int probe_pidfd(const struct cs_probe_identity *who, struct cs_probe_result *result) {
    (void)who;
    int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
    if (fd < 0) return failed(result, CALL_PIDFD_OPEN);
    if (syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0) != 0) return failed(result, CALL_PIDFD_SIGNAL);
    return 0;
}

static int probe_close_range(const struct cs_probe_identity *who, struct cs_probe_result *result) {
    (void)who;
    int fd = open("/", O_RDONLY | O_DIRECTORY);
    if (fd < 0) return failed(result, CALL_OPEN_ROOT);
    const unsigned int cloexec = 1U << 2; /* CLOSE_RANGE_CLOEXEC, Linux 5.11 */
    if (syscall(SYS_close_range, (unsigned int)fd, (unsigned int)fd, cloexec) != 0)
        return failed(result, CALL_CLOSE_RANGE);
    int flags = fcntl(fd, F_GETFD);
    if (flags < 0) return failed(result, CALL_CLOSE_RANGE_EFFECT);
    if ((flags & FD_CLOEXEC) == 0) return without_effect(result, CALL_CLOSE_RANGE_EFFECT);
    return 0;
}

static int probe_keyring(const struct cs_probe_identity *who, struct cs_probe_result *result) {
    (void)who;
    /* The caller's own may not exist yet (ENOKEY): then any fresh one differs. */
    long before = syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0);
    long fresh = syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);
    if (fresh < 0) return failed(result, CALL_KEYCTL);
    long after = syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0);
    if (after < 0) return failed(result, CALL_KEYCTL_EFFECT);
    if (after != fresh || after == before) return without_effect(result, CALL_KEYCTL_EFFECT);
    result->value = fresh;
    return 0;
}

static int (*const probes[CS_PROBE_COUNT])(const struct cs_probe_identity *, struct cs_probe_result *) = {
    [CS_PROBE_USER_NAMESPACE] = enter_user_namespace,
    [CS_PROBE_MOUNT_NAMESPACE] = enter_mount_namespace,
    [CS_PROBE_PID_NAMESPACE] = probe_pid_namespace,
    [CS_PROBE_NETWORK_NAMESPACE] = probe_network_namespace,
    [CS_PROBE_IPC_NAMESPACE] = probe_ipc_namespace,
    [CS_PROBE_UTS_NAMESPACE] = probe_uts_namespace,
    [CS_PROBE_CGROUP_NAMESPACE] = probe_cgroup_namespace,
    [CS_PROBE_OPEN_TREE] = probe_open_tree,
    [CS_PROBE_MOUNT_SETATTR] = probe_mount_setattr,
    [CS_PROBE_TMPFS] = probe_tmpfs,
    [CS_PROBE_MOVE_MOUNT] = probe_move_mount,
    [CS_PROBE_PIVOT_ROOT] = probe_pivot_root,
    [CS_PROBE_PROC] = probe_proc,
    [CS_PROBE_DEVPTS] = probe_devpts,
    [CS_PROBE_NESTED_NAMESPACES] = probe_nested_namespaces,
    [CS_PROBE_CAPABILITIES] = probe_capabilities,
    [CS_PROBE_RLIMIT_NPROC] = probe_rlimit_nproc,
    [CS_PROBE_NO_NEW_PRIVS] = probe_no_new_privs,
    [CS_PROBE_SECCOMP] = probe_seccomp,
    [CS_PROBE_LANDLOCK] = probe_landlock,
    [CS_PROBE_PIDFD] = probe_pidfd,
    [CS_PROBE_CLOSE_RANGE] = probe_close_range,
    [CS_PROBE_KEYRING] = probe_keyring,
};

/* The child: one probe, one report, written whole (smaller than PIPE_BUF), and out. */
static _Noreturn void run_probe(enum cs_probe which, const struct cs_probe_identity *who, int fd) {
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    struct cs_probe_result result;
    memset(&result, 0, sizeof result);
    if (probes[which](who, &result) == 0) {
        result.call = CALL_NONE;
        result.error = 0;
    }
    result.ending = CS_PROBE_REPORTED;
    ssize_t written = write(fd, &result, sizeof result);
    _exit(written == (ssize_t)sizeof result ? 0 : 1);
}

static int64_t milliseconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Reads one report. Returns its size, 0 at the end without one, -1 with errno (ETIMEDOUT included). */
static ssize_t read_report(int fd, int64_t deadline, struct cs_probe_result *report) {
    for (;;) {
        int64_t left = deadline - milliseconds_now();
        if (left <= 0) {
            errno = ETIMEDOUT;
            return -1;
        }
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        int ready = poll(&wait, 1, (int)left);
        if (ready < 0 && errno != EINTR) return -1;
        if (ready <= 0) continue;
        ssize_t size = read(fd, report, sizeof *report);
        if (size >= 0 || errno != EINTR) return size;
    }
}

/* A killed child may sit in a call that cannot be interrupted; then it is left to init after a second. */
static int reap(pid_t child, int *status) {
    for (int i = 0; i < 1000; i++) {
        pid_t done = waitpid(child, status, WNOHANG);
        if (done == child) return 0;
        if (done < 0 && errno != EINTR) return -1;
        struct timespec pause_time = {.tv_nsec = 1000000};
        nanosleep(&pause_time, NULL);
    }
    return -1;
}

void cs_probe_run(enum cs_probe which, const struct cs_probe_identity *who, int timeout_ms,
                  struct cs_probe_result *result) {
    memset(result, 0, sizeof *result);
    int ends[2];
    if ((unsigned int)which >= CS_PROBE_COUNT || pipe2(ends, O_CLOEXEC) != 0) {
        result->error = (unsigned int)which >= CS_PROBE_COUNT ? EINVAL : errno;
        result->ending = CS_PROBE_NOT_STARTED;
        return;
    }
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        run_probe(which, who, ends[1]);
    }
    int error = errno;
    close(ends[1]);
    if (child < 0) {
        close(ends[0]);
        result->error = error;
        result->ending = CS_PROBE_NOT_STARTED;
        return;
    }
    struct cs_probe_result report;
    ssize_t size = read_report(ends[0], milliseconds_now() + timeout_ms, &report);
    error = errno;
    close(ends[0]);
    int status = 0;
    if (size == (ssize_t)sizeof report) {
        *result = report;
        reap(child, &status);
        return;
    }
    kill(child, SIGKILL);
    reap(child, &status);
    result->ending = size < 0 && error == ETIMEDOUT ? CS_PROBE_TIMED_OUT : CS_PROBE_SILENT;
    result->error = size < 0 ? error : 0;
    result->value = status;
}

const char *cs_probe_call_name(int32_t call) {
    return call > 0 && call < CALL_COUNT ? call_names[call] : NULL;
}

int cs_probe_uname(char *release, char *machine, size_t size) {
    struct utsname name;
    if (size == 0) return EINVAL;
    if (uname(&name) != 0) return errno;
    strncpy(release, name.release, size - 1);
    strncpy(machine, name.machine, size - 1);
    release[size - 1] = '\0';
    machine[size - 1] = '\0';
    return 0;
}
