#include "cs_unconfined.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static _Noreturn void become(char *const arguments[], char *const variables[], pid_t parent, int report)
{
    struct sigaction plain = {.sa_handler = SIG_DFL};
    sigset_t none;
    for (int number = 1; number < NSIG; number++) {
        const int is_passed = number == SIGHUP || number == SIGINT || number == SIGQUIT || number == SIGTERM ||
                              number == SIGUSR1 || number == SIGUSR2;
        /* As by nohup(1): in this group it gets what the terminal sends. */
        if (!is_passed || cs_is_ignored(number) != 1)
            sigaction(number, &plain, NULL); /* refused for SIGKILL, SIGSTOP and the libc's own */
    }
    int error = 0;
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
        error = errno;
    else if (getppid() != parent)
        _exit(125); /* It died before it was asked for. */
    if (!error) {
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        execvpe(arguments[0], arguments, variables);
        error = errno;
    }
    /* A pipe takes so few bytes whole, and this is the only writer. */
    if (write(report, &error, sizeof(error)) < 0)
        _exit(126);
    _exit(125);
}

long cs_unconfined_start(char *const arguments[], char *const variables[], int *pid)
{
    int report[2];
    int error = 0;
    if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0 || pipe2(report, O_CLOEXEC) < 0)
        return -errno;
    const pid_t parent = getpid();
    const pid_t child = fork();
    if (child == 0)
        become(arguments, variables, parent, report[1]);
    if (child < 0)
        error = errno;
    close(report[1]);
    if (child > 0) {
        ssize_t length;
        do
            length = read(report[0], &error, sizeof(error));
        while (length < 0 && errno == EINTR);
        if (length != (ssize_t)sizeof(error))
            error = 0;
        if (error)
            while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
                continue;
    }
    close(report[0]);
    *pid = child;
    return -error;
}

long cs_unconfined_event(int *status, struct cs_usage *usage)
{
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

struct process {
    int pid, parent, group;
    char state;
    char is_ours;
};

/* proc_pid_stat(5): the name may hold anything, so what follows its last parenthesis counts. */
static int look(const char *name, struct process *found)
{
    char path[64], text[512];
    snprintf(path, sizeof(path), "/proc/%.20s/stat", name);
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return 0;
    const ssize_t length = read(file, text, sizeof(text) - 1);
    close(file);
    if (length <= 0)
        return 0;
    text[length] = 0;
    const char *behind = strrchr(text, ')');
    *found = (struct process){.pid = atoi(name)};
    return behind && sscanf(behind + 1, " %c %d %d", &found->state, &found->parent, &found->group) == 3;
}

/* All processes that can be seen; the caller frees *all. */
static long list(struct process **all)
{
    DIR *folder = opendir("/proc");
    size_t count = 0, room = 0;
    *all = NULL;
    if (!folder)
        return -errno;
    for (struct dirent *entry; (entry = readdir(folder));) {
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
            continue;
        if (count == room) {
            room = room ? room * 2 : 256;
            struct process *larger = realloc(*all, room * sizeof(**all));
            if (!larger) {
                closedir(folder);
                return -ENOMEM;
            }
            *all = larger;
        }
        if (look(entry->d_name, &(*all)[count]))
            count++;
    }
    closedir(folder);
    return (long)count;
}

long cs_unconfined_signal(int number, int group, int but)
{
    struct process *all;
    const long count = list(&all);
    const int self = getpid();
    long reached = 0;
    for (int grew = 1; grew;) {
        grew = 0;
        for (long i = 0; i < count; i++) {
            if (all[i].is_ours)
                continue;
            int is_ours = all[i].parent == self;
            for (long j = 0; j < count && !is_ours; j++)
                is_ours = all[j].is_ours && all[j].pid == all[i].parent;
            grew |= is_ours;
            all[i].is_ours = (char)is_ours;
        }
    }
    for (long i = 0; i < count; i++)
        if (all[i].is_ours && all[i].state != 'Z' && all[i].pid != but && (!group || all[i].group == group))
            reached += kill(all[i].pid, number) == 0;
    free(all);
    return count < 0 ? count : reached;
}

/* Asked beside what a stop leaves behind: the next stop signal takes a pending SIGCONT away (signal(7)). */
long cs_unconfined_orphaned(void)
{
    struct process *all;
    const long count = list(&all);
    const pid_t group = getpgrp(), session = getsid(0);
    long orphaned = 1;
    for (long i = 0; i < count && orphaned; i++)
        if (all[i].group == group && all[i].state != 'Z' && all[i].state != 'X' && all[i].parent > 0)
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
