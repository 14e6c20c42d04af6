/*
 * Terminals of a place, opened by pid 1 while it sets up: in the place's own devpts, before Landlock, whose rights on
 * devices are those of the time of the open (landlock(7)).
 */
#include "terminals.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "cs_sys.h"

#define GET_PEER 0x5441 /* TIOCGPTPEER, since Linux 4.13; ioctl_tty(2) */

static int open_terminal(struct cs_terminal *terminal)
{
    const long controlling = CS_CALL4(SYS_openat, AT_FDCWD, "/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC, 0);
    if (controlling < 0)
        return (int)-controlling;
    terminal->controlling = (int)controlling;
    const int unlocked = 0;
    long result = CS_CALL3(SYS_ioctl, controlling, TIOCSPTLCK, &unlocked);
    if (result < 0)
        return (int)-result;
    /* By the other end and not by a path: it is this very terminal, wherever devpts stands. */
    result = CS_CALL3(SYS_ioctl, controlling, GET_PEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (result < 0)
        return (int)-result;
    terminal->kept = (int)result;
    return 0;
}

int cs_open_terminals(struct cs_terminals *terminals, uint64_t count, int has_keyboard)
{
    if (count == 0 || count > CS_TERMINALS_MOST || terminals->count)
        return EINVAL;
    for (uint64_t i = 0; i < count; i++) {
        const int error = open_terminal(&terminals->each[i]);
        if (error)
            return error;
        terminals->count++;
        if (i == 0 && has_keyboard)
            continue;
        /*
         * Nothing is typed for it. Programs find their terminal by its name, too (ttyname(3), /proc/self/fd), and would wait for
         * keys for ever: they get EACCES.
         */
        const long closed = CS_CALL2(SYS_fchmod, terminals->each[i].kept, CS_SCREEN_MODE);
        if (closed < 0)
            return (int)-closed;
    }
    /*
     * Of the session of pid 1, which its worker stays in: then the worker's process group has a parent outside of it in the
     * session, and may be stopped from the keyboard (setpgid(2), orphaned process groups).
     */
    return (int)-CS_CALL3(SYS_ioctl, terminals->each[0].kept, TIOCSCTTY, 0);
}

int cs_make_own_terminal(int *controlling)
{
    struct cs_terminal terminal = {.controlling = -1, .kept = -1};
    const int error = open_terminal(&terminal);
    if (error)
        return error;
    long result = CS_CALL3(SYS_ioctl, terminal.kept, TIOCSCTTY, 0);
    for (int i = 0; i < 3 && result >= 0; i++)
        result = CS_CALL3(SYS_dup3, terminal.kept, i, 0);
    if (result >= 0)
        result = CS_CALL1(SYS_close, terminal.kept);
    *controlling = terminal.controlling;
    return result < 0 ? (int)-result : 0;
}

int cs_take_foreground(int terminal)
{
    const int32_t group = (int32_t)CS_CALL0(SYS_getpid);
    /* From the background without SIGTTOU, because every signal is blocked; tcsetpgrp(3). */
    return (int)-CS_CALL3(SYS_ioctl, terminal, TIOCSPGRP, &group);
}

int cs_has_foreground(int terminal)
{
    int32_t group = 0;
    return CS_CALL3(SYS_ioctl, terminal, TIOCGPGRP, &group) == 0 && group == (int32_t)CS_CALL0(SYS_getpid);
}
