/* Shared by the hostile programs and the probe: how an attempt is made and how its end is told.
 *
 * A program prints "begin NAME" first, so that a launch that never started cannot pass for a denial, then one
 * "name=value" line per act. The value is "ok", an errno by name ("EPERM"), a signal ("SIGSYS") or a word that the
 * program's comment explains. Lines are written with write(2) at once: a killed attempt keeps what it said. */
#ifndef ATTEMPT_H
#define ATTEMPT_H

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#define UNUSED __attribute__((unused))

static UNUSED const char *errno_word(int code)
{
    if (code == 0)
        return "ok";
    const char *word = strerrorname_np(code);
    return word != NULL ? word : "errno-without-name";
}

static UNUSED void write_all(int fd, const void *bytes, size_t count)
{
    const char *next = bytes;
    while (count > 0) {
        ssize_t n = write(fd, next, count);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            _exit(99);
        next += n;
        count -= (size_t)n;
    }
}

static UNUSED __attribute__((format(printf, 1, 2))) void say(const char *format, ...)
{
    char line[8192];
    va_list list;
    va_start(list, format);
    int length = vsnprintf(line, sizeof line - 1, format, list);
    va_end(list);
    if (length < 0)
        _exit(98);
    if ((size_t)length > sizeof line - 2)
        length = (int)sizeof line - 2;
    line[length] = '\n';
    write_all(1, line, (size_t)length + 1);
}

/* Reports a call's result; call it on the line of the call, before errno can change. */
static UNUSED int tell(const char *name, long result)
{
    int code = errno;
    say("%s=%s", name, result < 0 ? errno_word(code) : "ok");
    return result < 0 ? -1 : 0;
}

/* The end of a child as a word: an errno it left with (0 is "ok"), or the signal that ended it. */
static UNUSED const char *ending_word(int status, char *buffer, size_t size)
{
    if (WIFSIGNALED(status)) {
        const char *name = sigabbrev_np(WTERMSIG(status));
        snprintf(buffer, size, "SIG%s", name != NULL ? name : "?");
    } else {
        snprintf(buffer, size, "%s", errno_word(WEXITSTATUS(status)));
    }
    return buffer;
}

/* An act is made in a child of its own, because it may be killed for it or may change the process:
 *     CHILD_ACT(word, expression) leaves "ok", an errno or a signal by name in WORD.
 * The child has a minute; SIGALRM as the answer means that the act blocked. */
struct act_word {
    char text[64];
};

static UNUSED pid_t act_start(void)
{
    pid_t child = fork();
    if (child == 0) {
        signal(SIGALRM, SIG_DFL);
        alarm(60);
        errno = 0;
    }
    return child;
}

static UNUSED __attribute__((noreturn)) void act_leave(long result)
{
    int code = errno;
    _exit(result < 0 ? (code > 0 && code < 255 ? code : 255) : 0);
}

static UNUSED void act_end(pid_t child, struct act_word *word)
{
    if (child < 0) {
        snprintf(word->text, sizeof word->text, "fork-%s", errno_word(errno));
        return;
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0) {
        if (errno != EINTR) {
            snprintf(word->text, sizeof word->text, "wait-%s", errno_word(errno));
            return;
        }
    }
    ending_word(status, word->text, sizeof word->text);
}

#define CHILD_ACT(word, expression) \
    do { \
        pid_t act_child_ = act_start(); \
        if (act_child_ == 0) \
            act_leave((long)(expression)); \
        act_end(act_child_, &(word)); \
    } while (0)

/* The same, told as a line at once. */
#define TELL_CHILD_ACT(name, expression) \
    do { \
        struct act_word act_word_; \
        CHILD_ACT(act_word_, expression); \
        say("%s=%s", name, act_word_.text); \
    } while (0)

/* Numbers that Debian 12's headers (Linux 6.1) do not name yet. */
#define NR_cachestat 451
#define NR_fchmodat2 452
#define NR_map_shadow_stack 453
#define NR_futex_wake 454
#define NR_futex_wait 455
#define NR_futex_requeue 456
#define NR_statmount 457
#define NR_listmount 458
#define NR_lsm_get_self_attr 459
#define NR_lsm_set_self_attr 460
#define NR_lsm_list_modules 461
#define NR_mseal 462
#define NR_setxattrat 463
#define NR_getxattrat 464
#define NR_listxattrat 465
#define NR_removexattrat 466
#define NR_open_tree_attr 467
#define NR_file_getattr 468
#define NR_file_setattr 469

#endif
