/*
 * Probes of mounts and of the file systems that a place mounts.
 *
 * Runs in the forked child of a probe (probe.c) and is async-signal-safe: system calls on stack buffers, nothing else.
 */
#include "probes.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "probe_calls.h"

/* ST_RDONLY of <sys/statvfs.h>; fstatfs(2) reports the same bit in f_flags. */
#define MOUNT_IS_READ_ONLY 0x0001
#define PIVOT_OLD_ROOT_DETACH 0x00000002 /* MNT_DETACH; <sys/mount.h> cannot be included beside <linux/mount.h> */

/*
 * A copy of the whole tree, as no other path is sure to exist; recursive, because a copy without the mounts below
 * would show what they hide, which the kernel refuses (mount_namespaces(7), locked mounts).
 */
static int clone_tree(struct cs_probe_result *result) {
    int fd = (int)syscall(SYS_open_tree, AT_FDCWD, "/", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
    if (fd < 0) cs_probe_failed(result, CS_TRIED_OPEN_TREE);
    return fd;
}

int cs_probe_open_tree(const struct cs_probe_identity *who, struct cs_probe_result *result) {
    if (cs_probe_enter_mount_namespace(who, result) != 0) return -1;
    return clone_tree(result) < 0 ? -1 : 0;
}

int cs_probe_mount_setattr(const struct cs_probe_identity *who, struct cs_probe_result *result) {
    if (cs_probe_enter_mount_namespace(who, result) != 0) return -1;
    int fd = clone_tree(result);
    if (fd < 0) return -1;
    struct mount_attr attributes;
    memset(&attributes, 0, sizeof attributes);
    attributes.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
    if (syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &attributes, sizeof attributes) != 0)
        return cs_probe_failed(result, CS_TRIED_MOUNT_SETATTR);
    struct statfs state;
    if (fstatfs(fd, &state) != 0) return cs_probe_failed(result, CS_TRIED_FSTATFS);
    if (((unsigned long)state.f_flags & MOUNT_IS_READ_ONLY) == 0)
        return cs_probe_without_effect(result, CS_TRIED_MOUNT_SETATTR);
    return 0;
}

/* A new, unattached mount of a file system; `flag` is an option without a value, or NULL. */
static int make_mount(const char *type, const char *flag, struct cs_probe_result *result) {
    int context = (int)syscall(SYS_fsopen, type, FSOPEN_CLOEXEC);
    if (context < 0) return cs_probe_failed(result, CS_TRIED_FSOPEN);
    if (flag != NULL && syscall(SYS_fsconfig, context, FSCONFIG_SET_FLAG, flag, NULL, 0) != 0)
        return cs_probe_failed(result, CS_TRIED_FSCONFIG);
    if (syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) != 0)
        return cs_probe_failed(result, CS_TRIED_FSCONFIG);
    int fd = (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
    if (fd < 0) return cs_probe_failed(result, CS_TRIED_FSMOUNT);
    close(context);
    return fd;
}

int cs_probe_tmpfs(const struct cs_probe_identity *who, struct cs_probe_result *result) {
    if (cs_probe_enter_mount_namespace(who, result) != 0) return -1;
    return make_mount("tmpfs", NULL, result) < 0 ? -1 : 0;
}

static int cover_root(const struct cs_probe_identity *who, struct cs_probe_result *result) {
    if (cs_probe_enter_mount_namespace(who, result) != 0) return -1;
    int fd = make_mount("tmpfs", NULL, result);
    if (fd < 0) return -1;
    if (syscall(SYS_move_mount, fd, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) != 0)
        return cs_probe_failed(result, CS_TRIED_MOVE_MOUNT);
    return fd;
}

int cs_probe_move_mount(const struct cs_probe_identity *who, struct cs_probe_result *result) {
    return cover_root(who, result) < 0 ? -1 : 0;
}

int cs_probe_pivot_root(const struct cs_probe_identity *who, struct cs_probe_result *result) {
    int fd = cover_root(who, result);
    if (fd < 0) return -1;
    if (fchdir(fd) != 0) return cs_probe_failed(result, CS_TRIED_FCHDIR);
    if (syscall(SYS_pivot_root, ".", ".") != 0) return cs_probe_failed(result, CS_TRIED_PIVOT_ROOT);
    if (syscall(SYS_umount2, ".", PIVOT_OLD_ROOT_DETACH) != 0) return cs_probe_failed(result, CS_TRIED_UMOUNT);
    return 0;
}

/* A procfs of a pid namespace of its own, by descriptor. */
static int make_proc(const struct cs_probe_identity *who, struct cs_probe_result *result) {
    if (cs_probe_enter_mount_namespace(who, result) != 0) return -1;
    if (cs_probe_enter_pid_namespace(result) != 0) return -1;
    return make_mount("proc", NULL, result);
}

int cs_probe_proc(const struct cs_probe_identity *who, struct cs_probe_result *result) {
    int fd = make_proc(who, result);
    if (fd < 0) return -1;
    char target[8];
    ssize_t length = readlinkat(fd, "self", target, sizeof target);
    if (length < 0) return cs_probe_failed(result, CS_TRIED_READ_PROC_SELF);
    if (length != 1 || target[0] != '1') return cs_probe_without_effect(result, CS_TRIED_READ_PROC_SELF);
    return 0;
}

int cs_probe_devpts(const struct cs_probe_identity *who, struct cs_probe_result *result) {
    if (cs_probe_enter_mount_namespace(who, result) != 0) return -1;
    int context = (int)syscall(SYS_fsopen, "devpts", FSOPEN_CLOEXEC);
    if (context < 0) return cs_probe_failed(result, CS_TRIED_FSOPEN);
    if (syscall(SYS_fsconfig, context, FSCONFIG_SET_FLAG, "newinstance", NULL, 0) != 0)
        return cs_probe_failed(result, CS_TRIED_FSCONFIG);
    if (syscall(SYS_fsconfig, context, FSCONFIG_SET_STRING, "ptmxmode", "0666", 0) != 0)
        return cs_probe_failed(result, CS_TRIED_FSCONFIG);
    if (syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) != 0)
        return cs_probe_failed(result, CS_TRIED_FSCONFIG);
    int fd = (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
    if (fd < 0) return cs_probe_failed(result, CS_TRIED_FSMOUNT);
    int terminal = openat(fd, "ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (terminal < 0) return cs_probe_failed(result, CS_TRIED_OPEN_PTMX);
    return 0;
}

int cs_probe_nested_namespaces(const struct cs_probe_identity *who, struct cs_probe_result *result) {
    int proc = make_proc(who, result);
    if (proc < 0) return -1;
    int fd = openat(proc, "sys/user/max_user_namespaces", O_WRONLY | O_CLOEXEC);
    if (fd < 0) return cs_probe_failed(result, CS_TRIED_OPEN_MAX_NAMESPACES);
    if (write(fd, "0", 1) != 1) return cs_probe_failed(result, CS_TRIED_WRITE_MAX_NAMESPACES);
    if (syscall(SYS_unshare, CLONE_NEWUSER) == 0) return cs_probe_without_effect(result, CS_TRIED_UNSHARE_NESTED);
    if (errno != ENOSPC) return cs_probe_failed(result, CS_TRIED_UNSHARE_NESTED);
    return 0;
}
