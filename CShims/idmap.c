/* ID-mapped mounts: only for a workspace of root that the caller wants used all the same. */
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/prctl.h>

#include "cs_kernel.h"
#include "cs_sys.h"

#define CS_AT_EMPTY_PATH 0x1000

static long write_map(int pid, const char *name, uint32_t id)
{
    char path[64], text[32];
    snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
    const int length = snprintf(text, sizeof(text), "0 %u 1\n", id);
    const long file = CS_CALL4(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CLOEXEC, 0);
    if (file < 0)
        return file;
    const long result = CS_CALL3(SYS_write, file, text, length);
    CS_CALL1(SYS_close, file);
    return result < 0 ? result : 0;
}

/* A user namespace that maps 0 inside to `id`, kept by its descriptor alone. */
static long mapped_namespace(uint32_t id)
{
    /* A copy of this process that only waits: a namespace needs somebody in it while its maps are written. */
    const long pid = CS_CALL5(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL);
    if (pid == 0) {
        CS_CALL5(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        for (;;)
            CS_CALL3(SYS_poll, NULL, 0, -1);
    }
    if (pid < 0)
        return pid;
    long result = write_map((int)pid, "uid_map", id);
    if (result == 0)
        result = write_map((int)pid, "gid_map", id);
    if (result == 0) {
        char path[64];
        snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
        result = CS_CALL4(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
    }
    CS_CALL2(SYS_kill, pid, SIGKILL);
    int status;
    long reaped;
    do
        reaped = CS_CALL4(SYS_wait4, pid, &status, 0, NULL);
    while (reaped == -EINTR);
    return result;
}

long cs_idmapped_tree(const char *path, uint32_t id)
{
    const long space = mapped_namespace(id);
    if (space < 0)
        return space;
    const long tree =
        CS_CALL3(SYS_open_tree, AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | 0x100 /* NOFOLLOW */);
    if (tree < 0) {
        CS_CALL1(SYS_close, space);
        return tree;
    }
    struct mount_attr change = {
        .attr_set = MOUNT_ATTR_IDMAP | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
        .userns_fd = (uint64_t)space,
    };
    const long result = CS_CALL5(SYS_mount_setattr, tree, "", CS_AT_EMPTY_PATH, &change, sizeof(change));
    CS_CALL1(SYS_close, space);
    if (result < 0) {
        CS_CALL1(SYS_close, tree);
        return result;
    }
    return tree;
}
