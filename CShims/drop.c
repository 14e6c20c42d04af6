/*
 * Started by root: the way from root to pid 1 of a place.
 *
 * No process of another uid may ever share, or have a copy of, root's memory: its owner could trace it and read or
 * write what root's process holds (ptrace(2)). So the id change happens in a fresh image of this very executable, which
 * root executes with an empty environment and three descriptors; it gives up root, makes pid 1 as its sibling
 * (CLONE_PARENT, so that pid 1 is the supervisor's own child), reports its number and ends.
 *
 * Runs before libc (entry.c): no libc calls, no pointers in constant data.
 */
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>

#include "cs_child.h"
#include "cs_init.h"
#include "cs_sys.h"
#include "cs_wire.h"

static _Noreturn void leave(int status)
{
    for (;;)
        CS_CALL1(SYS_exit_group, status);
}

static void report(int step, long result, int pid)
{
    const struct cs_drop_report message = {.step = step, .error = (int)-result, .pid = pid};
    CS_CALL3(SYS_write, CS_FD_REPORT, &message, sizeof(message));
}

static uint64_t hexadecimal(const char *text)
{
    uint64_t value = 0;
    for (; *text; text++)
        value = value << 4 | (uint64_t)(*text <= '9' ? *text - '0' : *text - 'a' + 10);
    return value;
}

int cs_drop_requested(char *const *argv, char *const *environment)
{
    const char *name = argv[0], *wanted = CS_DROP_NAME;
    if (!name || environment[0])
        return 0;
    while (*name && *name == *wanted)
        name++, wanted++;
    return *name == *wanted && argv[1] && argv[2] && argv[3] && !argv[4];
}

_Noreturn void cs_drop_main(char *const *argv)
{
    const uint32_t uid = (uint32_t)hexadecimal(argv[1]), gid = (uint32_t)hexadecimal(argv[2]);
    const uint64_t namespaces = hexadecimal(argv[3]);
    long result = CS_CALL2(SYS_setgroups, 0, NULL);
    if (result == 0)
        result = CS_CALL3(SYS_setresgid, gid, gid, gid);
    if (result == 0)
        result = CS_CALL3(SYS_setresuid, uid, uid, uid);
    /* The uid change took the parent-death signal away, and made /proc/self root's, where the maps are written. */
    if (result == 0)
        result = CS_CALL5(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (result == 0)
        result = CS_CALL5(SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0);
    if (result < 0) {
        report(CS_STEP_CHILD_DROP_ROOT, result, 0);
        leave(125);
    }
    const long pid = CS_CALL5(SYS_clone, namespaces | CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);
    if (pid == 0) {
        int step = 0;
        result = cs_enter_place(uid, gid, &step);
        report(step, result, 0);
        leave(125);
    }
    report(pid < 0 ? CS_STEP_CHILD_CLONE : CS_STEP_NONE, pid < 0 ? pid : 0, (int)(pid < 0 ? 0 : pid));
    /* Nobody asks; but should this be the supervisor (child.c, clone_to), it has run nothing. */
    leave(125);
}
