#include "cs_unconfined.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cs_sys.h"
#include "process.h"

struct process {
    int pid, parent, group, threads;
    uint64_t since;
    char state;
    enum { NOBODYS, CALLERS, COMMANDS } owner;
};

/* What this process had as descendants before the command: its caller's, that became this program by an exec. */
static struct {
    struct process *each;
    long count; /* -errno where nobody can say */
} before;

/* What the child writes when it comes to no program. */
struct failure {
    int error, is_execve;
};

/*
 * As execvp(3) tries them, but for its last resort: a file that is no program (ENOEXEC) is given to no shell. The errno.
 * `room` is for the longest path; nothing else is needed, so that a child may call it.
 */
static int execute(char *const arguments[], char *const variables[], const char *folders, char *room)
{
    const char *name = arguments[0];
    int error = ENOENT, is_denied = 0;
    if (!*name)
        return ENOENT;
    if (strchr(name, '/')) {
        execve(name, arguments, variables);
        return errno;
    }
    for (;; folders++) {
        const char *start = folders;
        while (*folders && *folders != ':')
            folders++;
        /* An empty one is the current folder. */
        const size_t length = (size_t)(folders - start);
        memcpy(room, start, length);
        room[length] = '/';
        strcpy(room + length + (length > 0), name);
        execve(room, arguments, variables);
        error = errno;
        if (error == EACCES)
            is_denied = 1;
        else if (error != ENOENT && error != ENOTDIR && error != ESTALE && error != ENODEV && error != ETIMEDOUT && error != ENAMETOOLONG)
            return error;
        if (!*folders)
            return is_denied ? EACCES : error;
    }
}

static _Noreturn void become(char *const arguments[], char *const variables[], const char *folders, char *room, pid_t parent,
                             int report)
{
    struct sigaction plain = {.sa_handler = SIG_DFL};
    sigset_t none;
    for (int number = 1; number < NSIG; number++) {
        const int is_passed = number == SIGHUP || number == SIGINT || number == SIGQUIT || number == SIGTERM ||
                              number == SIGUSR1 || number == SIGUSR2 || number == SIGTSTP || number == SIGTTIN ||
                              number == SIGTTOU;
        /* As by nohup(1): in this group it gets what the terminal sends. */
        if (!is_passed || cs_is_ignored(number) != 1)
            sigaction(number, &plain, NULL); /* refused for SIGKILL, SIGSTOP and the libc's own */
    }
    struct failure failure = {0};
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
        failure.error = errno;
    else if (getppid() != parent)
        _exit(125); /* It died before it was asked for. */
    if (!failure.error) {
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        failure.error = execute(arguments, variables, folders, room);
        failure.is_execve = 1;
    }
    /* A pipe takes so few bytes whole, and this is the only writer. */
    if (write(report, &failure, sizeof(failure)) < 0)
        _exit(126);
    _exit(125);
}

static long list(struct process **all);
static void mark(struct process *all, long count);

static void note_what_was_before(void)
{
    free(before.each);
    before.each = NULL;
    before.count = 0;
    struct process *all;
    const long count = list(&all);
    mark(all, count);
    long kept = 0;
    for (long i = 0; i < count; i++)
        if (all[i].owner != NOBODYS)
            all[kept++] = all[i];
    before.each = all;
    before.count = count < 0 ? count : kept;
}

long cs_unconfined_start(char *const arguments[], char *const variables[], struct cs_unconfined *started)
{
    int report[2];
    const char *folders = getenv("PATH");
    if (!folders)
        folders = "/bin:/usr/bin"; /* execvp(3) */
    *started = (struct cs_unconfined){.report = -1, .step = "prctl"};
    if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
        return -errno;
    note_what_was_before();
    started->step = "malloc";
    char *room = malloc(strlen(folders) + strlen(arguments[0]) + 2);
    if (!room)
        return -ENOMEM;
    started->step = "pipe2";
    /* The reading end must not wait: execve(2) may, for as long as somebody else likes (a lease, a file system's server). */
    if (pipe2(report, O_CLOEXEC | O_NONBLOCK) < 0) {
        const int error = errno;
        free(room);
        return -error;
    }
    const pid_t parent = getpid();
    started->step = "fork";
    const pid_t child = fork();
    const int error = errno;
    if (child == 0)
        become(arguments, variables, folders, room, parent, report[1]);
    free(room);
    close(report[1]);
    if (child < 0) {
        close(report[0]);
        return -error;
    }
    *started = (struct cs_unconfined){.pid = child, .report = report[0]};
    return 0;
}

long cs_unconfined_started(struct cs_unconfined *started)
{
    struct failure failure;
    const ssize_t length = read(started->report, &failure, sizeof(failure));
    if (length < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    close(started->report);
    started->report = -1;
    if (length == (ssize_t)sizeof(failure)) {
        started->step = failure.is_execve ? NULL : "prctl";
        /* It is about to end, but somebody may have stopped it before that. */
        kill(started->pid, SIGKILL);
        while (waitpid(started->pid, NULL, 0) < 0 && errno == EINTR)
            continue;
        return -failure.error;
    }
    /* Its death closes the pipe as its exec does. On a /proc of another pid namespace the number is another's. */
    started->may_not_have_executed = before.count < 0 || cs_may_not_have_executed(started->pid);
    return 1;
}

long cs_unconfined_event(int only, int *status, struct cs_usage *usage)
{
    if (only) {
        siginfo_t found = {.si_pid = 0};
        if (waitid(P_PID, (id_t)only, &found, WSTOPPED | WCONTINUED | WNOHANG) < 0)
            return errno == ECHILD ? 0 : -errno;
        *status = found.si_code == CLD_CONTINUED ? 0xFFFF : found.si_status << 8 | 0x7F;
        return found.si_pid;
    }
    struct rusage used;
    const pid_t pid = wait4(-1, status, WNOHANG | WUNTRACED | WCONTINUED, &used);
    if (pid < 0)
        return errno == ECHILD ? 0 : -errno;
    if (pid > 0)
        *usage = (struct cs_usage){
            .user_us = used.ru_utime.tv_sec * 1000000 + used.ru_utime.tv_usec,
            .system_us = used.ru_stime.tv_sec * 1000000 + used.ru_stime.tv_usec,
            .max_rss_kib = used.ru_maxrss,
        };
    return pid;
}

/*
 * proc_pid_stat(5): the name may hold anything, so what follows its last parenthesis counts. 1; 0 for a process that is gone,
 * or another's that is kept closed (hidepid); -errno where nobody can say.
 */
static int look(const char *name, struct process *found)
{
    char path[64], text[1024];
    snprintf(path, sizeof(path), "/proc/%.20s/stat", name);
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    const ssize_t length = file < 0 ? -1 : read(file, text, sizeof(text) - 1);
    const int error = errno;
    if (file >= 0)
        close(file);
    if (length < 0)
        return error == ENOENT || error == ESRCH || error == EPERM || error == EACCES ? 0 : -error;
    text[length] = 0;
    const char *behind = strrchr(text, ')');
    *found = (struct process){.pid = atoi(name)};
    return behind && sscanf(behind + 1, " %c %d %d %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %d %*s %" SCNu64,
                            &found->state, &found->parent, &found->group, &found->threads, &found->since) == 5;
}

/* One whose first thread has ended while others go on is a zombie by its state. */
static int has_ended(const struct process *one) { return one->state == 'X' || (one->state == 'Z' && one->threads <= 1); }

/* All processes that can be seen; the caller frees *all. */
static long list(struct process **all)
{
    char self[16] = {0};
    size_t count = 0, room = 0;
    long error = 0;
    *all = NULL;
    /* On a /proc of another pid namespace the numbers are others'. */
    if (readlink("/proc/self", self, sizeof(self) - 1) < 0)
        return -errno;
    if (atoi(self) != getpid())
        return -ESRCH;
    DIR *folder = opendir("/proc");
    if (!folder)
        return -errno;
    for (struct dirent *entry; !error && (entry = readdir(folder));) {
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
            continue;
        if (count == room) {
            room = room ? room * 2 : 256;
            struct process *larger = realloc(*all, room * sizeof(**all));
            if (!larger) {
                error = -ENOMEM;
                break;
            }
            *all = larger;
        }
        const int seen = look(entry->d_name, &(*all)[count]);
        if (seen < 0)
            error = seen;
        else
            count += (size_t)seen;
    }
    closedir(folder);
    return error ? error : (long)count;
}

/* Whose the descendants of this process are: what was there before the command, and what that has started, is the caller's. */
static void mark(struct process *all, long count)
{
    const int self = getpid();
    for (long i = 0; i < count; i++)
        for (long j = 0; j < before.count && !all[i].owner; j++)
            if (all[i].pid == before.each[j].pid && all[i].since == before.each[j].since)
                all[i].owner = CALLERS;
    for (int grew = 1; grew;) {
        grew = 0;
        for (long i = 0; i < count; i++) {
            if (all[i].owner)
                continue;
            if (all[i].parent == self)
                all[i].owner = COMMANDS;
            for (long j = 0; j < count && !all[i].owner; j++)
                if (all[j].pid == all[i].parent)
                    all[i].owner = all[j].owner;
            grew |= all[i].owner != NOBODYS;
        }
    }
}

long cs_unconfined_reach(int pid, uint64_t since, int number, const char **call)
{
    char name[16];
    struct process now;
    const long file = CS_CALL2(SYS_pidfd_open, pid, 0);
    if (file == -ESRCH)
        return 0;
    snprintf(name, sizeof(name), "%d", pid);
    /* Whoever is looked at now has had the number all the time if it is the one: then it had it when the file was opened. */
    *call = "/proc";
    long result = look(name, &now);
    if (result == 1 && now.since != since)
        result = 0;
    if (result == 1) {
        *call = "kill";
        long sent = file < 0 ? file : CS_CALL4(SYS_pidfd_send_signal, file, number, NULL, 0);
        /* A kernel without these calls, no descriptor left, a filter, which answers what it likes: whose it is, kill(2) says. */
        if (sent < 0 && sent != -ESRCH)
            sent = CS_CALL2(SYS_kill, pid, number);
        result = sent == -ESRCH ? 0 : sent < 0 ? sent : 1;
    }
    if (file >= 0)
        close((int)file);
    return result;
}

void cs_unconfined_signal(int number, int group, int but, struct cs_reached *reached)
{
    struct process *all = NULL;
    const long count = before.count < 0 ? before.count : list(&all);
    *reached = (struct cs_reached){.error = count < 0 ? (int32_t)-count : 0, .call = "/proc"};
    mark(all, count);
    for (long i = 0; i < count; i++)
        if (all[i].owner == COMMANDS && !has_ended(&all[i]) && all[i].pid != but && (!group || all[i].group == group)) {
            const char *call;
            const long result = cs_unconfined_reach(all[i].pid, all[i].since, number, &call);
            if (result == -EPERM) {
                if (reached->others < CS_REACHED_NAMED)
                    reached->other[reached->others] = all[i].pid;
                reached->others++;
            } else if (result < 0) {
                reached->error = (int32_t)-result;
                reached->call = call;
            } else
                reached->count += (int32_t)result;
        }
    free(all);
}

/* Asked beside what a stop leaves behind: the next stop signal takes a pending SIGCONT away (signal(7)). */
long cs_unconfined_orphaned(void)
{
    struct process *all;
    const long count = list(&all);
    const pid_t group = getpgrp(), session = getsid(0);
    long orphaned = 1;
    for (long i = 0; i < count && orphaned; i++)
        if (all[i].group == group && !has_ended(&all[i]) && all[i].parent > 0)
            orphaned = getpgid(all[i].parent) == group || getsid(all[i].parent) != session;
    free(all);
    return count < 0 ? count : orphaned;
}

long cs_unconfined_stop(int number, int command)
{
    const struct timespec now = {0, 0};
    siginfo_t found = {.si_pid = 0};
    sigset_t one, pending;
    sigemptyset(&one);
    sigaddset(&one, number);
    /* It takes a SIGCONT away that was there before (signal(7)): so the command is looked at now, and not before. */
    kill(getpid(), number);
    if (waitid(P_PID, (id_t)command, &found, WCONTINUED | WNOHANG | WNOWAIT) == 0 && found.si_pid == command) {
        sigtimedwait(&one, NULL, &now);
        return 1;
    }
    sigprocmask(SIG_UNBLOCK, &one, NULL);
    sigprocmask(SIG_BLOCK, &one, NULL);
    return sigpending(&pending) == 0 && sigismember(&pending, SIGCONT) == 1;
}

long cs_unconfined_continued(void)
{
    const struct timespec now = {0, 0};
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, SIGCONT);
    return sigtimedwait(&one, NULL, &now) == SIGCONT;
}

static int open_terminal(void) { return open("/dev/tty", O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC); }

long cs_unconfined_terminal(int command)
{
    const int terminal = open_terminal();
    if (terminal < 0)
        return CS_TERMINAL_OTHERS;
    const pid_t group = tcgetpgrp(terminal);
    close(terminal);
    if (group <= 0)
        return CS_TERMINAL_OTHERS;
    return group == getpgrp() ? CS_TERMINAL_OURS : group == getpgid(command) ? CS_TERMINAL_COMMANDS : CS_TERMINAL_OTHERS;
}

long cs_unconfined_is_job(void)
{
    const pid_t parent = getppid();
    return parent > 0 && getsid(parent) == getsid(0) && getpgid(parent) != getpgrp();
}

void cs_unconfined_give_terminal(int command)
{
    const pid_t group = getpgid(command);
    const int terminal = open_terminal();
    if (terminal < 0)
        return;
    /* What the shell has given to somebody else is not ours to give. */
    if (group > 0 && tcgetpgrp(terminal) == getpgrp())
        tcsetpgrp(terminal, group);
    close(terminal);
}
