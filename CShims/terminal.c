#include "cs_terminal.h"

#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "cs_sys.h"

_Static_assert(sizeof(struct termios2) == sizeof(struct cs_terminal_modes), "termios2 is 44 bytes on x86_64");
_Static_assert(sizeof(struct cs_guard_page) <= 4096, "one page");

long cs_terminal_device(int terminal)
{
    uint32_t device = 0;
    const long result = CS_CALL3(SYS_ioctl, terminal, TIOCGDEV, &device);
    return result < 0 ? result : (long)device;
}

long cs_terminal_number(int controlling)
{
    uint32_t number = 0;
    const long result = CS_CALL3(SYS_ioctl, controlling, TIOCGPTN, &number);
    return result < 0 ? result : (long)number;
}

long cs_terminal_peer(int controlling)
{
    return CS_CALL3(SYS_ioctl, controlling, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
}

long cs_terminal_screen(int controlling)
{
    return CS_CALL3(SYS_ioctl, controlling, TIOCGPTPEER, O_WRONLY | O_NOCTTY | O_CLOEXEC);
}

long cs_terminal_modes(int terminal, struct cs_terminal_modes *modes)
{
    return CS_CALL3(SYS_ioctl, terminal, TCGETS2, modes);
}

long cs_terminal_set_modes(int terminal, const struct cs_terminal_modes *modes)
{
    long result;
    do
        result = CS_CALL3(SYS_ioctl, terminal, TCSETS2, modes);
    while (result == -EINTR);
    return result;
}

struct cs_terminal_modes cs_terminal_raw(struct cs_terminal_modes modes)
{
    struct termios2 raw;
    memcpy(&raw, &modes, sizeof(raw));
    raw.c_iflag &= ~(tcflag_t)(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
    raw.c_oflag &= ~(tcflag_t)OPOST;
    raw.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
    raw.c_cflag = (raw.c_cflag & ~(tcflag_t)(CSIZE | PARENB)) | CS8;
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    memcpy(&modes, &raw, sizeof(raw));
    return modes;
}

struct cs_terminal_modes cs_terminal_plain_output(struct cs_terminal_modes modes)
{
    struct termios2 plain;
    memcpy(&plain, &modes, sizeof(plain));
    plain.c_oflag &= ~(tcflag_t)OPOST;
    memcpy(&modes, &plain, sizeof(plain));
    return modes;
}

struct cs_terminal_modes cs_terminal_without_echo(struct cs_terminal_modes modes)
{
    struct termios2 quiet;
    modes = cs_terminal_plain_output(modes);
    memcpy(&quiet, &modes, sizeof(quiet));
    quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
    memcpy(&modes, &quiet, sizeof(quiet));
    return modes;
}

uint8_t cs_terminal_end_of_file(const struct cs_terminal_modes *modes)
{
    struct termios2 known;
    memcpy(&known, modes, sizeof(known));
    return known.c_cc[VEOF];
}

long cs_terminal_is_utf8(int terminal)
{
    struct termios2 modes;
    const long result = CS_CALL3(SYS_ioctl, terminal, TCGETS2, &modes);
    return result < 0 ? result : (modes.c_iflag & IUTF8) != 0;
}

long cs_terminal_size(int terminal, struct cs_terminal_size *size)
{
    return CS_CALL3(SYS_ioctl, terminal, TIOCGWINSZ, size);
}

long cs_terminal_set_size(int terminal, const struct cs_terminal_size *size)
{
    return CS_CALL3(SYS_ioctl, terminal, TIOCSWINSZ, size);
}

long cs_terminal_is_ours(int terminal)
{
    int32_t group = 0;
    const long result = CS_CALL3(SYS_ioctl, terminal, TIOCGPGRP, &group);
    /* Not our controlling terminal: no job control comes between (tcgetpgrp(3), ENOTTY). */
    if (result == -ENOTTY)
        return 1;
    if (result < 0)
        return result;
    return group == (int32_t)CS_CALL1(SYS_getpgid, 0);
}

long cs_terminal_forget_input(int terminal)
{
    return CS_CALL3(SYS_ioctl, terminal, TCFLSH, TCIFLUSH);
}

int cs_terminal_same_modes(const struct cs_terminal_modes *one, const struct cs_terminal_modes *other)
{
    for (int i = 0; i < 11; i++)
        if (one->words[i] != other->words[i])
            return 0;
    return 1;
}

/* The guard: no libc call, because it is a copy of a process that may be anywhere. */
static _Noreturn void guard(const struct cs_guard_page *page, int terminal, int output, int lifeline)
{
    const uint64_t all = ~0ull;
    CS_CALL4(SYS_rt_sigprocmask, SIG_SETMASK, &all, NULL, sizeof(all));
    /* Of another session: no stop for changing a terminal from the background, no signal to the caller's group. */
    CS_CALL0(SYS_setsid);
    /* Whoever kills the launcher by its name must not hit what cleans up behind it. */
    CS_CALL5(SYS_prctl, 15 /* PR_SET_NAME */, "terminal-guard", 0, 0, 0);
    const long first = CS_CALL3(SYS_fcntl, terminal, F_DUPFD, 16);
    const long second = CS_CALL3(SYS_fcntl, output >= 0 ? output : terminal, F_DUPFD, 16);
    const long third = CS_CALL3(SYS_fcntl, lifeline, F_DUPFD, 16);
    if (first >= 0 && second >= 0 && third >= 0 && CS_CALL3(SYS_dup3, first, 0, 0) >= 0 &&
        CS_CALL3(SYS_dup3, second, 1, 0) >= 0 && CS_CALL3(SYS_dup3, third, 2, 0) >= 0 &&
        CS_CALL3(SYS_close_range, 3, ~0u, 0) == 0 && CS_CALL2(SYS_fcntl, first, F_GETFD) == -EBADF) {
        CS_CALL1(SYS_chdir, "/");
        char nothing;
        while (CS_CALL3(SYS_read, 2, &nothing, 1) == -EINTR)
            ;
        if (page->active) {
            const uint32_t chosen = page->chosen & 1;
            const uint32_t length = page->length[chosen];
            struct cs_terminal_modes now;
            /* Somebody else may have set it up for himself meanwhile, a shell for example. */
            const int ours = cs_terminal_modes(0, &now) >= 0 && cs_terminal_same_modes(&now, &page->taken);
            if (ours)
                cs_terminal_set_modes(0, &page->modes);
            if (output >= 0 && length <= CS_GUARD_TEXT)
                CS_CALL3(SYS_write, 1, page->text[chosen], length);
            if (ours)
                cs_terminal_forget_input(0);
        }
    }
    for (;;)
        CS_CALL1(SYS_exit_group, 125);
}

long cs_guard_begin(struct cs_guard *started, int terminal, int output)
{
    started->page = NULL;
    started->lifeline = -1;
    started->pid = -1;
    const long page = cs_syscall6(SYS_mmap, 0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page < 0 && page > -4096)
        return page;
    int pair[2];
    long result = CS_CALL2(SYS_pipe2, pair, O_CLOEXEC);
    if (result < 0) {
        CS_CALL2(SYS_munmap, page, 4096);
        return result;
    }
    const long own = CS_CALL0(SYS_getpid);
    result = CS_CALL5(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
    /* Two processes, or it is the launcher that would close everything. */
    if (result == 0 && CS_CALL0(SYS_getpid) == own)
        result = -ECHILD;
    if (result == 0)
        guard((const void *)page, terminal, output, pair[0]);
    CS_CALL1(SYS_close, pair[0]);
    if (result < 0) {
        CS_CALL1(SYS_close, pair[1]);
        CS_CALL2(SYS_munmap, page, 4096);
        return result;
    }
    started->page = (struct cs_guard_page *)page;
    started->lifeline = pair[1];
    started->pid = (int)result;
    return 0;
}

int cs_guard_lives(struct cs_guard *started)
{
    if (!started->page)
        return 0;
    const long result = CS_CALL4(SYS_wait4, started->pid, NULL, 1 /* WNOHANG */, NULL);
    if (result == 0)
        return 1;
    CS_CALL1(SYS_close, started->lifeline);
    CS_CALL2(SYS_munmap, started->page, 4096);
    started->page = NULL;
    return 0;
}

void cs_guard_end(struct cs_guard *started)
{
    if (!started->page)
        return;
    started->page->active = 0;
    CS_CALL1(SYS_close, started->lifeline);
    long result;
    do
        result = CS_CALL4(SYS_wait4, started->pid, NULL, 0, NULL);
    while (result == -EINTR);
    CS_CALL2(SYS_munmap, started->page, 4096);
    started->page = NULL;
}
