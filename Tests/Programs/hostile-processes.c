/* hostile-processes: attempts of threat list C (processes and signals). The table is at the end. */
#include "attempt.h"

#include <ctype.h>
#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>

static void tell_file(const char *key, const char *pid, const char *name, int flags)
{
    char path[256];
    snprintf(path, sizeof path, "/proc/%s/%s", pid, name);
    int fd = open(path, flags | O_NONBLOCK | O_CLOEXEC);
    tell(key, fd);
    if (fd >= 0)
        close(fd);
}

static long attach(pid_t pid)
{
    if (ptrace(PTRACE_ATTACH, pid, NULL, NULL) < 0)
        return -1;
    /* Signals that were sent before come first. The stop of the attaching itself must not be left to the other process. */
    int status;
    while (waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status) && WSTOPSIG(status) != SIGSTOP)
        ptrace(PTRACE_CONT, pid, NULL, (long)WSTOPSIG(status));
    return ptrace(PTRACE_DETACH, pid, NULL, NULL);
}

static long seize(pid_t pid)
{
    if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) < 0)
        return -1;
    ptrace(PTRACE_DETACH, pid, NULL, NULL);
    return 0;
}

static long take_descriptor(pid_t pid)
{
    int process = (int)syscall(SYS_pidfd_open, pid, 0);
    return process < 0 ? -1 : syscall(SYS_pidfd_getfd, process, 0, 0);
}

static long signal_by_pidfd(pid_t pid)
{
    int process = (int)syscall(SYS_pidfd_open, pid, 0);
    return process < 0 ? -1 : syscall(SYS_pidfd_send_signal, process, SIGUSR2, NULL, 0);
}

/* A signal by way of a descriptor's owner: F_SETOWN, then something to read. */
static long signal_by_owner(pid_t pid)
{
    int ends[2];
    if (pipe(ends) < 0 || fcntl(ends[0], F_SETOWN, pid) < 0 || fcntl(ends[0], F_SETFL, O_ASYNC | O_NONBLOCK) < 0)
        return -1;
    return write(ends[1], "x", 1);
}

/* attack PID ADDRESS(hex): everything one process can do to another of the same user. */
static int hostile_attack(char **a)
{
    pid_t pid = atoi(a[0]);
    char *address = (char *)strtoul(a[1], NULL, 16);
    char text[64] = "";
    struct iovec here = {text, sizeof text - 1}, there = {address, sizeof text - 1};
    TELL_CHILD_ACT("signal_0", kill(pid, 0));
    TELL_CHILD_ACT("signal_usr1", kill(pid, SIGUSR1));
    TELL_CHILD_ACT("signal_group", kill(-pid, SIGCONT));
    TELL_CHILD_ACT("signal_thread", syscall(SYS_tgkill, pid, pid, SIGUSR1));
    TELL_CHILD_ACT("signal_queue", syscall(SYS_rt_sigqueueinfo, pid, SIGUSR1, &(siginfo_t){.si_code = SI_QUEUE}));
    TELL_CHILD_ACT("signal_pidfd", signal_by_pidfd(pid));
    TELL_CHILD_ACT("signal_owner", signal_by_owner(pid));
    TELL_CHILD_ACT("ptrace_attach", attach(pid));
    TELL_CHILD_ACT("ptrace_seize", seize(pid));
    TELL_CHILD_ACT("nice", setpriority(PRIO_PROCESS, (id_t)pid, 7));
    TELL_CHILD_ACT("affinity", sched_setaffinity(pid, sizeof(cpu_set_t), &(cpu_set_t){{1}}));
    TELL_CHILD_ACT("scheduler", sched_setscheduler(pid, SCHED_BATCH, &(struct sched_param){0}));
    TELL_CHILD_ACT("limit_read", prlimit(pid, RLIMIT_FSIZE, NULL, &(struct rlimit){0}));
    TELL_CHILD_ACT("limit_write", prlimit(pid, RLIMIT_FSIZE, &(struct rlimit){4096, 4096}, NULL));
    TELL_CHILD_ACT("session", getsid(pid));
    TELL_CHILD_ACT("descriptor", take_descriptor(pid));
    TELL_CHILD_ACT("kcmp", syscall(SYS_kcmp, getpid(), pid, 0, 0, 0));
    TELL_CHILD_ACT("move_pages", syscall(SYS_move_pages, pid, 0, NULL, NULL, NULL, 0));
    tell_file("environ", a[0], "environ", O_RDONLY);
    tell_file("maps", a[0], "maps", O_RDONLY);
    tell_file("mem", a[0], "mem", O_RDWR);
    tell_file("root", a[0], "root", O_RDONLY);
    tell_file("exe", a[0], "exe", O_RDONLY);
    tell_file("descriptors", a[0], "fd", O_RDONLY);
    tell_file("cmdline", a[0], "cmdline", O_RDONLY);
    tell_file("oom_score_adj", a[0], "oom_score_adj", O_WRONLY);
    ssize_t n = process_vm_readv(pid, &here, 1, &there, 1, 0);
    tell("memory_read", n);
    if (n > 0)
        say("seen %s", text);
    here = (struct iovec){"overwritten", 12};
    there.iov_len = 12;
    tell("memory_write", process_vm_writev(pid, &here, 1, &there, 1, 0));
    return 0;
}

/* scan TOKEN: what the processes that can be seen hold: environment, command line, memory. */
static void scan_memory(const char *pid, const char *token, int *found)
{
    char path[300], line[512];
    snprintf(path, sizeof path, "/proc/%s/maps", pid);
    FILE *maps = fopen(path, "re");
    snprintf(path, sizeof path, "/proc/%s/mem", pid);
    int memory = open(path, O_RDONLY | O_CLOEXEC);
    char *block = malloc(1 << 20);
    while (maps != NULL && memory >= 0 && block != NULL && fgets(line, sizeof line, maps) != NULL) {
        unsigned long from, to;
        char rights[8];
        if (sscanf(line, "%lx-%lx %7s", &from, &to, rights) != 3 || rights[0] != 'r' || strstr(line, "[v") != NULL)
            continue;
        for (unsigned long at = from; at < to; at += 1 << 20) {
            size_t size = to - at < 1 << 20 ? to - at : 1 << 20;
            ssize_t n = pread(memory, block, size, (off_t)at);
            if (n > 0 && memmem(block, (size_t)n, token, strlen(token)) != NULL) {
                say("seen memory of %s", pid);
                *found = 1;
            }
        }
    }
    free(block);
    if (maps != NULL)
        fclose(maps);
    if (memory >= 0)
        close(memory);
}

static int hostile_scan(char **a)
{
    static const char *const names[] = {"environ", "cmdline", "comm", "status", "cgroup", "mountinfo", "stack"};
    char token[256];
    snprintf(token, sizeof token, "%s", a[0]);
    memset(a[0], 'x', strlen(a[0]));
    int found = 0, own = 0;
    DIR *folder = opendir("/proc");
    struct dirent *entry;
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        if (!isdigit((unsigned char)entry->d_name[0]))
            continue;
        if (atoi(entry->d_name) == getpid()) {
            own = 1;
            continue;
        }
        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
            static char text[1 << 18];
            char path[300];
            snprintf(path, sizeof path, "/proc/%s/%s", entry->d_name, names[i]);
            int fd = open(path, O_RDONLY | O_CLOEXEC);
            ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text);
            if (fd >= 0)
                close(fd);
            if (n > 0 && memmem(text, (size_t)n, token, strlen(token)) != NULL) {
                say("seen %s", path);
                found = 1;
            }
        }
        scan_memory(entry->d_name, token, &found);
    }
    say("own=%s", own ? "yes" : "no");
    say("found=%s", found ? "ok" : "nothing");
    return 0;
}

/* init: what the job can do to its pid 1 (or PID, for the control). */
static int hostile_init(char **a)
{
    const char *name = a[0] != NULL ? a[0] : "1";
    pid_t pid = atoi(name);
    static const char *const read_only[] = {"environ", "mem", "maps", "smaps", "root", "cwd", "exe", "fd", "fdinfo",
                                            "map_files", "stack", "syscall", "auxv", "io", "ns/mnt", "ns/user"};
    for (size_t i = 0; i < sizeof read_only / sizeof read_only[0]; i++) {
        char key[64], path[64];
        snprintf(key, sizeof key, "%s", read_only[i]);
        if (strcmp(key, "ns/mnt") == 0 || strcmp(key, "ns/user") == 0)
            key[2] = '_';
        snprintf(path, sizeof path, "/proc/%s/%s", name, read_only[i]);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        char byte;
        long n = fd;
        if (fd >= 0 && (strcmp(key, "environ") == 0 || strcmp(key, "auxv") == 0 || strcmp(key, "syscall") == 0))
            n = read(fd, &byte, 1);
        tell(key, n);
        if (fd >= 0)
            close(fd);
    }
    tell_file("exe_write", name, "exe", O_WRONLY);
    tell_file("mem_write", name, "mem", O_RDWR);
    TELL_CHILD_ACT("ptrace_attach", attach(pid));
    TELL_CHILD_ACT("ptrace_seize", seize(pid));
    TELL_CHILD_ACT("descriptor", take_descriptor(pid));
    TELL_CHILD_ACT("limit_write", prlimit(pid, RLIMIT_NOFILE, &(struct rlimit){1, 1}, NULL));
    /* A bad address where it is allowed: EFAULT; not allowed: EPERM. */
    TELL_CHILD_ACT("process_vm_readv", process_vm_readv(pid, &(struct iovec){&(char){0}, 1}, 1,
                                                        &(struct iovec){(void *)4096, 1}, 1, 0));
    return 0;
}

/* What would harm a host is done only where the pid namespace is not the host's, whose inode the test gives. */
static void only_inside(const char *host_namespace)
{
    struct stat status;
    if (stat("/proc/self/ns/pid", &status) < 0 || (unsigned long long)status.st_ino == strtoull(host_namespace, NULL, 10)) {
        say("refused=this is the host's pid namespace");
        _exit(3);
    }
}

/* stop-init HOST-NAMESPACE: every signal to pid 1 and to everything else; the job goes on and ends with 7. */
static int hostile_stop_init(char **a)
{
    only_inside(a[0]);
    for (int number = 1; number <= 64; number++)
        if (number != SIGCHLD && number != 32 && number != 33)
            kill(1, number);
    for (int i = 0; i < 5; i++) {
        if (fork() == 0) {
            signal(SIGTERM, SIG_IGN);
            for (;;)
                pause();
        }
    }
    kill(-1, SIGSTOP);
    kill(-1, SIGCONT);
    kill(-1, SIGTERM);
    kill(-1, SIGKILL);
    say("survived=ok");
    return 7;
}

/* starve-init HOST-NAMESPACE: takes pid 1's limits and processor time away, then sleeps: the wall limit must end it all the same. */
static __attribute__((noreturn)) int hostile_starve_init(char **a)
{
    only_inside(a[0]);
    static const int resources[] = {RLIMIT_NOFILE, RLIMIT_CPU, RLIMIT_AS, RLIMIT_FSIZE, RLIMIT_SIGPENDING, RLIMIT_NPROC};
    for (size_t i = 0; i < sizeof resources / sizeof resources[0]; i++)
        tell("limit", prlimit(1, (enum __rlimit_resource)resources[i], &(struct rlimit){0, 0}, NULL));
    tell("nice", setpriority(PRIO_PROCESS, 1, 19));
    tell("nice", setpriority(PRIO_PGRP, 1, 19));
    tell("nice", setpriority(PRIO_USER, 0, 19));
    tell("nice", setpriority(PRIO_USER, getuid(), 19));
    /* Processes, groups and users have the numbers 1 to 3 here (ioprio_set(2)); idle, best effort's last. */
    for (int which = 1; which <= 3; which++) {
        tell("ioprio", syscall(SYS_ioprio_set, which, which == 3 ? (int)getuid() : 1, 3 << 13));
        tell("ioprio", syscall(SYS_ioprio_set, which, which == 3 ? (int)getuid() : 1, 2 << 13 | 7));
    }
    tell("ioprio", syscall(SYS_ioprio_set, 3, 0, 3 << 13));
    /* In the group of pid 1 it would be the caller's own. */
    TELL_CHILD_ACT("group", setpgid(0, 1));
    /* Of one's own all of it goes on. */
    TELL_CHILD_ACT("own_nice", setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + 1));
    TELL_CHILD_ACT("own_nice", setpriority(PRIO_PROCESS, (id_t)getpid(), 19));
    TELL_CHILD_ACT("own_group", setpgid(0, 0));
    TELL_CHILD_ACT("own_group_nice", setpgid(0, 0) < 0 ? -1 : setpriority(PRIO_PGRP, 0, 19));
    TELL_CHILD_ACT("own_group_nice", setpgid(0, 0) < 0 ? -1 : setpriority(PRIO_PGRP, (id_t)getpid(), 19));
    TELL_CHILD_ACT("own_ioprio", syscall(SYS_ioprio_set, 1, 0, 3 << 13));
    TELL_CHILD_ACT("own_ioprio", syscall(SYS_ioprio_set, 1, getpid(), 2 << 13 | 7));
    TELL_CHILD_ACT("own_ioprio", setpgid(0, 0) < 0 ? -1 : syscall(SYS_ioprio_set, 2, 0, 3 << 13));
    tell("idle", sched_setscheduler(1, SCHED_IDLE, &(struct sched_param){0}));
    kill(getppid(), SIGSTOP);
    say("waiting=ok");
    for (;;)
        pause();
}

static __attribute__((noreturn)) int hostile_stop_self(char **a)
{
    (void)a;
    say("stopping=ok");
    kill(0, SIGSTOP);
    for (;;)
        pause();
}

/* daemon MARK [open]: leaves a process behind that ignores what asks it to end; MARK stands in its command line, where
 * the test looks for it. With "open" it keeps standard output. */
static int hostile_daemon(char **a)
{
    int ready[2];
    if (pipe(ready) < 0)
        return tell("pipe", -1), 1;
    if (fork() == 0) {
        setsid();
        if (fork() != 0)
            _exit(0);
        setsid();
        for (int number = 1; number < 32; number++)
            signal(number, SIG_IGN);
        prctl(PR_SET_PDEATHSIG, 0);
        if (a[1] == NULL)
            for (int fd = 0; fd < 3; fd++)
                close(fd);
        write_all(ready[1], "r", 1);
        close(ready[0]);
        close(ready[1]);
        for (;;)
            pause();
    }
    close(ready[1]);
    char byte;
    ssize_t n = read(ready[0], &byte, 1);
    say("daemon=%s", n == 1 ? "ok" : "none");
    say("mark %s", a[0]);
    return 5;
}

/* orphans COUNT: children of children, left to pid 1; waits until none is a zombie, and ends with 9. */
static int zombies_of_init(void)
{
    int count = 0;
    DIR *folder = opendir("/proc");
    struct dirent *entry;
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        char path[300], text[512];
        if (!isdigit((unsigned char)entry->d_name[0]))
            continue;
        snprintf(path, sizeof path, "/proc/%s/stat", entry->d_name);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
        if (fd >= 0)
            close(fd);
        if (n <= 0)
            continue;
        text[n] = 0;
        char *after = strrchr(text, ')');
        count += after != NULL && after[2] == 'Z';
    }
    if (folder != NULL)
        closedir(folder);
    return count;
}

static int hostile_orphans(char **a)
{
    int count = atoi(a[0]), made = 0;
    /* The counter must be able to see one. */
    pid_t unwaited = fork();
    if (unwaited == 0)
        _exit(0);
    siginfo_t information;
    waitid(P_PID, (id_t)unwaited, &information, WEXITED | WNOWAIT);
    say("counter=%s", zombies_of_init() > 0 ? "ok" : "blind");
    waitpid(unwaited, NULL, 0);
    for (int i = 0; i < count; i++) {
        pid_t child = fork();
        if (child == 0) {
            if (fork() == 0)
                _exit(3);
            _exit(4);
        }
        if (child > 0 && waitpid(child, NULL, 0) == child)
            made++;
    }
    struct timespec start, time;
    clock_gettime(CLOCK_MONOTONIC, &start);
    int zombies;
    do {
        zombies = zombies_of_init();
        clock_gettime(CLOCK_MONOTONIC, &time);
        sched_yield();
    } while (zombies > 0 && time.tv_sec - start.tv_sec < 60);
    say("made %d", made);
    say("zombies=%s", zombies == 0 && made == count ? "none" : "ok");
    return 9;
}

/* zombies COUNT: children nobody waits for; ends with 6 and leaves them. */
static int hostile_zombies(char **a)
{
    for (int i = atoi(a[0]); i > 0; i--)
        if (fork() == 0)
            _exit(0);
    say("left=ok");
    return 6;
}

/* forks MAXIMUM: as many children as it gets; keeps them until its input ends. */
static int hostile_forks(char **a)
{
    int maximum = atoi(a[0]), made = 0, code = 0;
    while (made < maximum) {
        pid_t child = fork();
        if (child < 0) {
            code = errno;
            break;
        }
        if (child == 0)
            for (;;)
                pause();
        made++;
    }
    say("forks=%s", made == maximum ? "ok" : errno_word(code));
    say("made %d", made);
    char byte;
    while (read(0, &byte, 1) == 1)
        ;
    /* In its own group: the control runs on the host. */
    signal(SIGTERM, SIG_IGN);
    kill(0, SIGTERM);
    return 0;
}

static void *sleep_for_ever(void *nothing)
{
    for (;;)
        pause();
    return nothing;
}

static int hostile_threads(char **a)
{
    int maximum = atoi(a[0]), made = 0, code = 0;
    pthread_attr_t attribute;
    pthread_attr_init(&attribute);
    pthread_attr_setstacksize(&attribute, 65536);
    while (made < maximum) {
        pthread_t thread;
        code = pthread_create(&thread, &attribute, sleep_for_ever, NULL);
        if (code != 0)
            break;
        made++;
    }
    say("threads=%s", made == maximum ? "ok" : errno_word(code));
    say("made %d", made);
    char byte;
    while (read(0, &byte, 1) == 1)
        ;
    return 0;
}

/* fork-bomb HOST-NAMESPACE. */
static __attribute__((noreturn)) int hostile_fork_bomb(char **a)
{
    only_inside(a[0]);
    say("bomb=ok");
    signal(SIGCHLD, SIG_IGN);
    for (;;)
        if (fork() < 0)
            sched_yield();
}

static int segments[4096];

static int hostile_memory(char **a);

static void *go_on(void *a)
{
    exit(hostile_memory(a));
}

/* The rest is done by a second thread, and the first one, whose number the process has, ends. */
static __attribute__((noreturn)) void without_leader(char **a)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, go_on, a) != 0)
        exit(1);
    syscall(SYS_exit, 0);
    abort();
}

/* memory MIB HOW: takes so much, in steps of a MiB, and touches it. HOW after "leaderless-" is done without the first thread. */
static int hostile_memory(char **a)
{
    static const char leaderless[] = "leaderless-";
    if (strncmp(a[1], leaderless, sizeof leaderless - 1) == 0) {
        a[1] += sizeof leaderless - 1;
        without_leader(a);
    }
    int mebibytes = atoi(a[0]), processes = strcmp(a[1], "children") == 0 ? 8 : 1;
    for (int i = 1; i < processes; i++)
        if (fork() == 0)
            break;
    int fd = -1;
    if (strcmp(a[1], "tmp") == 0)
        fd = open("/tmp/memory", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    else if (strcmp(a[1], "memfd") == 0)
        fd = memfd_create("memory", MFD_CLOEXEC);
    static char block[1 << 20];
    memset(block, 'm', sizeof block);
    /* Segments that nobody has attached. */
    for (int i = 0; strcmp(a[1], "segments") == 0 && i < mebibytes; i++) {
        int segment = shmget(IPC_PRIVATE, sizeof block, 0600 | IPC_CREAT);
        char *memory = segment < 0 ? (void *)-1 : shmat(segment, NULL, 0);
        if (memory == (void *)-1)
            return tell("memory", -1), 1;
        memcpy(memory, block, sizeof block);
        shmdt(memory);
        segments[i % 4096] = segment;
    }
    for (int i = 0; strcmp(a[1], "segments") != 0 && i < mebibytes / processes; i++) {
        if (fd >= 0) {
            if (write(fd, block, sizeof block) != (ssize_t)sizeof block)
                return tell("memory", -1), 1;
            continue;
        }
        int flags = (strcmp(a[1], "shared") == 0 ? MAP_SHARED : MAP_PRIVATE) | MAP_ANONYMOUS;
        char *page = mmap(NULL, sizeof block, PROT_READ | PROT_WRITE, flags, -1, 0);
        if (page == MAP_FAILED)
            return tell("memory", -1), 1;
        memcpy(page, block, sizeof block);
    }
    say("memory=ok");
    char byte;
    while (read(0, &byte, 1) == 1)
        ;
    for (int i = 0; strcmp(a[1], "segments") == 0 && i < mebibytes; i++)
        shmctl(segments[i % 4096], IPC_RMID, NULL);
    return 0;
}

static int hostile_crash(char **a)
{
    (void)a;
    struct rlimit limit;
    getrlimit(RLIMIT_CORE, &limit);
    say("core_limit=%lld/%lld", (long long)limit.rlim_cur, (long long)limit.rlim_max);
    limit.rlim_cur = limit.rlim_max = RLIM_INFINITY;
    tell("raise", setrlimit(RLIMIT_CORE, &limit));
    signal(SIGSEGV, SIG_DFL);
    raise(SIGSEGV);
    return 1;
}

static int hostile_open_files(char **a)
{
    int maximum = atoi(a[0]), opened = 0;
    while (opened < maximum && open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0)
        opened++;
    int code = errno;
    say("opened=%s", opened == maximum ? "ok" : errno_word(code));
    say("count %d", opened);
    return 0;
}

/* signals: tells each signal that comes, and ends with 40 + number at the first; "signals stubborn" ends never. */
static volatile sig_atomic_t last_signal, signal_count;

static void note_signal(int number)
{
    last_signal = number;
    signal_count++;
}

static int hostile_signals(char **a)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    sigset_t set, old;
    sigemptyset(&set);
    for (size_t i = 0; i < 4; i++) {
        sigaddset(&set, numbers[i]);
        signal(numbers[i], note_signal);
    }
    sigprocmask(SIG_BLOCK, &set, &old);
    sigemptyset(&old);
    int stubborn = a[0] != NULL;
    say("ready=ok");
    for (;;) {
        while (last_signal == 0)
            sigsuspend(&old);
        say("got=SIG%s", sigabbrev_np(last_signal));
        if (!stubborn)
            return 40 + last_signal;
        last_signal = 0;
    }
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(char **);
        int arguments;
    } table[] = {
        {"attack", hostile_attack, 2},
        {"scan", hostile_scan, 1},
        {"init", hostile_init, 0},
        {"stop-init", hostile_stop_init, 1},
        {"starve-init", hostile_starve_init, 1},
        {"stop-self", hostile_stop_self, 0},
        {"daemon", hostile_daemon, 1},
        {"orphans", hostile_orphans, 1},
        {"zombies", hostile_zombies, 1},
        {"forks", hostile_forks, 1},
        {"threads", hostile_threads, 1},
        {"fork-bomb", hostile_fork_bomb, 1},
        {"memory", hostile_memory, 2},
        {"crash", hostile_crash, 0},
        {"open-files", hostile_open_files, 1},
        {"signals", hostile_signals, 0},
    };
    for (size_t i = 0; argc > 1 && i < sizeof table / sizeof table[0]; i++) {
        if (strcmp(table[i].name, argv[1]) == 0 && argc - 2 >= table[i].arguments) {
            say("begin %s", argv[1]);
            return table[i].run(argv + 2);
        }
    }
    fprintf(stderr, "hostile-processes: no such attempt, or too few arguments\n");
    return 2;
}
