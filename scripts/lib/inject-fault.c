/*
 * Runs a command and lets exactly one of its system calls fail.
 *
 *   inject-fault --worker FILE --report FILE [--trace FILE] [--main OFFSET] [--at PROCESS:NUMBER:N:FAULT]
 *                [--limit SECONDS] [--soil] -- COMMAND [ARG...]
 *
 * PROCESS is the order of birth (0 is the command itself), NUMBER the system call's number, N counts that call in that
 * process from 1. strace --inject counts per process too, but lets the N-th call fail in *every* process, so that an
 * early process hides a later one; that is why this program exists. FAULT is one of
 *   ERRNO   a number: the call is replaced by getpid(2) and its result by -ERRNO, as strace does it; 0 answers 0
 *   yes     success without effect: the call is replaced, and answers what it would if it had been made (see success_of)
 *   ~HEX    these bits are taken out of the first argument and the call is made: of clone(2), a namespace less
 *
 * Calls count from the command's execve until the worker (the first process whose executable is --worker) runs; what
 * comes after that is not the launcher's. --trace writes one line "PROCESS NUMBER" for each of them, and with --main (the
 * value of the symbol in a position-independent executable) the line "main" where the command's main is entered.
 *
 * The report is one JSON object: injected, released (the worker ran), status (as a shell has it, or -1), timed_out,
 * left (processes alive three seconds after the command's end; they are then killed), processes (how many), and terminal
 * (the modes of the terminal that is standard input: "none", "same" as before, "changed"). For that the session must be
 * this program's: a terminal whose session ends is set back by the kernel.
 * --soil: start the command with every inheritable attribute set to something that a launcher has to undo.
 * --soil-only: do that and become the command, without tracing; no other option.
 *
 * Exit status: 0 if there is a report, 2 for a wrong argument, 1 for a failure of this program.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum { max_processes = 4096, max_number = 1024, settle_ms = 30000 };

struct tracee {
    pid_t pid;
    bool alive;
    bool answer_pending; /* the call was replaced; its result is still to be set */
    bool answer_kept;    /* getpid's own answer is the right one */
    long answer;
    bool looked;         /* its last call was a poll, which is not in the trace yet */
    unsigned calls[max_number];
};

static struct tracee *tracees[max_processes];
static int tracee_count;

static const char *worker, *report_path, *trace_path;
static int at_process = -1, at_number, at_occurrence, at_errno;
static bool at_success;
static unsigned long at_without; /* bits of the first argument */
static double limit_s = 60;
static bool soil;

static bool counting, injected, released, timed_out;
static struct stat worker_stat;
static FILE *trace_file;
static unsigned long main_offset, main_address;
static long main_word; /* what stood there before the breakpoint */

static void die(const char *what) {
    fprintf(stderr, "inject-fault: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void usage(const char *what) {
    fprintf(stderr, "inject-fault: %s (see the head of inject-fault.c)\n", what);
    exit(2);
}

static double now(void) {
    struct timespec t;
    if (clock_gettime(CLOCK_MONOTONIC, &t) != 0) die("clock_gettime");
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int known_index(pid_t pid) {
    for (int i = 0; i < tracee_count; i++)
        if (tracees[i]->pid == pid && tracees[i]->alive) return i;
    return -1;
}

/* The tracee with this pid; a new one gets the next number. */
static int index_of(pid_t pid) {
    int known = known_index(pid);
    if (known >= 0) return known;
    if (tracee_count == max_processes) {
        errno = EOVERFLOW;
        die("too many processes");
    }
    struct tracee *t = calloc(1, sizeof *t);
    if (t == NULL) die("calloc");
    t->pid = pid;
    t->alive = true;
    tracees[tracee_count] = t;
    return tracee_count++;
}

static int alive_count(void) {
    int n = 0;
    for (int i = 0; i < tracee_count; i++) n += tracees[i]->alive;
    return n;
}

/* A process may have been killed between its stop and our request: ESRCH is its end, not an error of ours. */
static void resume(pid_t pid, bool see_calls, int signal) {
    if (ptrace(see_calls ? PTRACE_SYSCALL : PTRACE_CONT, pid, 0, (long)signal) != 0 && errno != ESRCH) die("resume");
}

static bool runs_worker(pid_t pid) {
    char path[64];
    struct stat s;
    snprintf(path, sizeof path, "/proc/%d/exe", (int)pid);
    return stat(path, &s) == 0 && s.st_dev == worker_stat.st_dev && s.st_ino == worker_stat.st_ino;
}

/* The bytes that a writev(2) of a stopped process would write. */
static long bytes_of(pid_t pid, unsigned long vector, unsigned long count) {
    long sum = 0;
    for (unsigned long i = 0; i < count; i++) {
        errno = 0;
        sum += ptrace(PTRACE_PEEKDATA, pid, vector + 16 * i + 8, 0);
        if (errno != 0) die("read an iovec");
    }
    return sum;
}

/* What a call answers that did what it was asked for; most answer 0. */
static void success_of(struct tracee *t, const struct __ptrace_syscall_info *info) {
    t->answer_kept = false;
    switch (info->entry.nr) {
    case SYS_dup2:
    case SYS_dup3: t->answer = (long)info->entry.args[1]; break;
    case SYS_write:
    case SYS_pwrite64:
    case SYS_sendto: t->answer = (long)info->entry.args[2]; break;
    case SYS_writev: t->answer = bytes_of(t->pid, info->entry.args[1], info->entry.args[2]); break;
    case SYS_setsid: t->answer_kept = true; break; /* the new session has the process's own number */
    case SYS_keyctl: t->answer = 0x1badcafe; break; /* the serial of a keyring */
    default: t->answer = 0;
    }
}

static void at_entry(int index, const struct __ptrace_syscall_info *info) {
    const unsigned long number = info->entry.nr;
    struct tracee *t = tracees[index];
    if (number >= max_number) return;
    /* A wait that stays awake (CShims/cs_awake.h) polls and yields as often as time allows: such a pair is no call. */
    const bool looked = t->looked;
    t->looked = false;
    if (number == SYS_sched_yield && looked) {
        t->calls[SYS_poll]--;
        return;
    }
    if (looked && trace_file != NULL) fprintf(trace_file, "%d %d\n", index, SYS_poll);
    t->calls[number]++;
    t->looked = number == SYS_poll;
    if (trace_file != NULL && !t->looked) fprintf(trace_file, "%d %lu\n", index, number);
    if (index != at_process || injected || number != (unsigned long)at_number || t->calls[number] != (unsigned)at_occurrence)
        return;
    injected = true;
    if (at_without != 0) {
        const unsigned long left = info->entry.args[0] & ~at_without;
        if (ptrace(PTRACE_POKEUSER, t->pid, offsetof(struct user_regs_struct, rdi), (long)left) != 0) die("change the call");
        return;
    }
    if (ptrace(PTRACE_POKEUSER, t->pid, offsetof(struct user_regs_struct, orig_rax), (long)SYS_getpid) != 0)
        die("replace the call");
    t->answer = -(long)at_errno;
    if (at_success) success_of(t, info);
    t->answer_pending = true;
}

static void on_call_stop(int index) {
    struct tracee *t = tracees[index];
    struct __ptrace_syscall_info info;
    if (ptrace(PTRACE_GET_SYSCALL_INFO, t->pid, sizeof info, &info) <= 0) {
        if (errno == ESRCH) return;
        die("PTRACE_GET_SYSCALL_INFO");
    }
    if (info.op == PTRACE_SYSCALL_INFO_ENTRY && counting) at_entry(index, &info);
    if (info.op == PTRACE_SYSCALL_INFO_EXIT && t->answer_pending) {
        if (!t->answer_kept && ptrace(PTRACE_POKEUSER, t->pid, offsetof(struct user_regs_struct, rax), t->answer) != 0)
            die("set the result");
        t->answer_pending = false;
    }
}

/* Where the executable itself begins: the first line that has a file. The kernel's own pages may lie below it. proc(5). */
static unsigned long load_address(pid_t pid) {
    char path[64], line[512];
    unsigned long start = 0, inode = 0;
    snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
    FILE *maps = fopen(path, "re");
    if (maps == NULL) die(path);
    while (inode == 0 && fgets(line, sizeof line, maps) != NULL)
        if (sscanf(line, "%lx-%*x %*s %*x %*s %lu", &start, &inode) != 2) die(path);
    fclose(maps);
    if (inode == 0) die(path);
    return start;
}

static void set_breakpoint(pid_t pid) {
    main_address = load_address(pid) + main_offset;
    errno = 0;
    main_word = ptrace(PTRACE_PEEKTEXT, pid, main_address, 0);
    if (errno != 0 || ptrace(PTRACE_POKETEXT, pid, main_address, (main_word & ~0xffL) | 0xcc) != 0) die("set a breakpoint");
}

/* Whether this trap is the breakpoint's; then it is taken out, and the instruction is done as if it had never been. */
static bool at_breakpoint(pid_t pid) {
    const size_t rip = offsetof(struct user_regs_struct, rip);
    if (main_address == 0 || (unsigned long)ptrace(PTRACE_PEEKUSER, pid, rip, 0) != main_address + 1) return false;
    if (ptrace(PTRACE_POKETEXT, pid, main_address, main_word) != 0 || ptrace(PTRACE_POKEUSER, pid, rip, main_address) != 0)
        die("remove the breakpoint");
    main_address = 0;
    fputs("main\n", trace_file);
    return true;
}

static bool see_calls(int index) {
    return tracees[index]->answer_pending || (counting && !(injected && trace_file == NULL));
}

/* One stop of one process. */
static void on_stop(pid_t pid, int status) {
    int index = index_of(pid), signal = WSTOPSIG(status), event = status >> 16;
    if (signal == (SIGTRAP | 0x80)) {
        on_call_stop(index);
        resume(pid, see_calls(index), 0);
    } else if (event == PTRACE_EVENT_EXEC) {
        if (index == 0 && !released) {
            counting = true;
            if (main_offset != 0 && trace_file != NULL) set_breakpoint(pid);
        }
        if (runs_worker(pid)) {
            released = true;
            counting = false;
            /* From here on it is alone: a worker that is traced cannot show what it may do with ptrace(2). */
            if (ptrace(PTRACE_DETACH, pid, 0, 0) != 0 && errno != ESRCH) die("PTRACE_DETACH");
            tracees[index]->alive = false;
            return;
        }
        resume(pid, see_calls(index), 0);
    } else if (event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK || event == PTRACE_EVENT_CLONE) {
        unsigned long child = 0;
        if (ptrace(PTRACE_GETEVENTMSG, pid, 0, &child) == 0 && child != 0) index_of((pid_t)child);
        resume(pid, see_calls(index), 0);
    } else if (event == PTRACE_EVENT_STOP && signal != SIGTRAP) {
        if (ptrace(PTRACE_LISTEN, pid, 0, 0) != 0 && errno != ESRCH) die("PTRACE_LISTEN");
    } else if (signal == SIGTRAP && event == 0 && at_breakpoint(pid)) {
        resume(pid, see_calls(index), 0);
    } else {
        resume(pid, see_calls(index), event == 0 ? signal : 0);
    }
}

/* Kills what is traced, and what came to this process, as its subreaper, when its parent ended. */
static void kill_all(void) {
    char path[64];
    int child;
    for (int i = 0; i < tracee_count; i++)
        if (tracees[i]->alive) kill(tracees[i]->pid, SIGKILL);
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    FILE *children = fopen(path, "re");
    if (children == NULL) die(path);
    while (fscanf(children, "%d", &child) == 1) kill(child, SIGKILL);
    fclose(children);
}

/* What a launcher inherits and has to undo. Failures are fatal: a soil that is not there would test nothing. */
static void spread_soil(void) {
    sigset_t blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    sigaddset(&blocked, SIGALRM);
    if (sigprocmask(SIG_BLOCK, &blocked, NULL) != 0) die("sigprocmask");
    if (signal(SIGUSR2, SIG_IGN) == SIG_ERR || signal(SIGPIPE, SIG_IGN) == SIG_ERR) die("signal");
    umask(0);
    errno = 0;
    const int nice_value = getpriority(PRIO_PROCESS, 0); /* never lowered: that needs a right */
    if (errno != 0 || setpriority(PRIO_PROCESS, 0, nice_value + 3) != 0) die("setpriority");
    struct sched_param zero = {0};
    if (sched_setscheduler(0, SCHED_BATCH, &zero) != 0) die("sched_setscheduler");
    if (syscall(SYS_ioprio_set, 1, 0, 2 << 13 | 7) != 0) die("ioprio_set"); /* best effort, the last */
    if (personality(ADDR_NO_RANDOMIZE) == -1) die("personality");
    if (prctl(PR_SET_TIMERSLACK, 12345UL, 0UL, 0UL, 0UL) != 0) die("PR_SET_TIMERSLACK");
    struct rlimit core;
    if (getrlimit(RLIMIT_CORE, &core) != 0) die("getrlimit");
    core.rlim_cur = core.rlim_max;
    if (setrlimit(RLIMIT_CORE, &core) != 0) die("setrlimit");
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, "321", 3) != 3) die("oom_score_adj");
    close(fd);
    if (syscall(SYS_keyctl, 1L /* KEYCTL_JOIN_SESSION_KEYRING */, NULL, 0L, 0L, 0L) < 0) die("keyctl");
    if (syscall(SYS_add_key, "user", "fault-suite-canary", "secret", (size_t)6, -3L /* session keyring */) < 0)
        die("add_key");
}

static pid_t start(char **command) {
    int gate[2];
    if (pipe2(gate, O_CLOEXEC) != 0) die("pipe2");
    pid_t child = fork();
    if (child < 0) die("fork");
    if (child == 0) {
        char byte;
        close(gate[1]);
        if (read(gate[0], &byte, 1) != 1) _exit(1);
        if (soil) spread_soil();
        execv(command[0], command);
        die(command[0]);
    }
    close(gate[0]);
    long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
                   PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
    if (ptrace(PTRACE_SEIZE, child, 0, options) != 0) die("PTRACE_SEIZE");
    index_of(child);
    if (write(gate[1], "x", 1) != 1) die("start the command");
    close(gate[1]);
    return child;
}

/* Field by field: the structure has gaps. */
static bool same_modes(const struct termios *a, const struct termios *b) {
    return a->c_iflag == b->c_iflag && a->c_oflag == b->c_oflag && a->c_cflag == b->c_cflag && a->c_lflag == b->c_lflag &&
           memcmp(a->c_cc, b->c_cc, sizeof a->c_cc) == 0;
}

static int shell_status(int status) {
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Follows every process to its end; returns the command's status, -1 if it had to be killed. Sets *left. */
static int follow(pid_t root, int *left) {
    int result = -1;
    double deadline = now() + limit_s, settled = 0;
    *left = 0;
    for (;;) {
        int status;
        pid_t pid = waitpid(-1, &status, __WALL | WNOHANG);
        if (pid < 0 && errno == ECHILD) break; /* neither a tracee nor an orphan is left */
        if (pid < 0 && errno != EINTR) die("waitpid");
        /* Looked at after every stop, and killed again and again: something may be born while we kill. */
        double t = now();
        if (settled == 0 && t > deadline) timed_out = true;
        if (settled != 0 && t > settled && *left == 0) *left = alive_count() > 0 ? alive_count() : 1;
        if (timed_out || *left != 0) kill_all();
        if (pid <= 0) {
            /* Sleeps until a child stops: SIGCHLD is blocked, and waited for here. */
            sigset_t child_set;
            sigemptyset(&child_set);
            sigaddset(&child_set, SIGCHLD);
            struct timespec slice = {.tv_nsec = 50 * 1000 * 1000};
            sigtimedwait(&child_set, NULL, &slice);
            continue;
        }
        if (WIFSTOPPED(status)) {
            on_stop(pid, status);
            continue;
        }
        int index = known_index(pid);
        if (index >= 0) tracees[index]->alive = false;
        if (pid == root) {
            if (!timed_out) result = shell_status(status);
            settled = now() + settle_ms / 1000.0;
        }
    }
    return result;
}

static void read_point(const char *text) {
    int used = 0, more = 0;
    if (sscanf(text, "%d:%d:%d:%n", &at_process, &at_number, &at_occurrence, &used) != 3 || used == 0 || at_process < 0 ||
        at_number < 0 || at_number >= max_number || at_occurrence < 1)
        usage("--at needs PROCESS:NUMBER:N:FAULT");
    const char *fault = text + used;
    at_success = strcmp(fault, "yes") == 0;
    const int known = at_success ? 1 : fault[0] == '~' ? sscanf(fault, "~%lx%n", &at_without, &more)
                                                       : sscanf(fault, "%d%n", &at_errno, &more);
    if (known != 1 || (!at_success && fault[more] != '\0') || at_errno < 0 || at_errno > 4095 ||
        (fault[0] == '~' && at_without == 0))
        usage("--at: FAULT is an errno, \"yes\", or \"~\" with bits in hexadecimal");
}

int main(int argc, char **argv) {
    if (argc > 2 && strcmp(argv[1], "--soil-only") == 0) {
        spread_soil();
        execv(argv[2], argv + 2);
        die(argv[2]);
    }
    int i = 1;
    for (; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--soil") == 0) {
            soil = true;
            continue;
        }
        if (i + 1 >= argc) usage("an option lacks its value");
        const char *name = argv[i], *value = argv[++i];
        if (strcmp(name, "--worker") == 0) worker = value;
        else if (strcmp(name, "--report") == 0) report_path = value;
        else if (strcmp(name, "--trace") == 0) trace_path = value;
        else if (strcmp(name, "--main") == 0) main_offset = strtoul(value, NULL, 16);
        else if (strcmp(name, "--at") == 0) read_point(value);
        else if (strcmp(name, "--limit") == 0) limit_s = atof(value);
        else usage(name);
    }
    if (i + 1 >= argc || worker == NULL || report_path == NULL || limit_s <= 0) usage("something is missing");
    if (stat(worker, &worker_stat) != 0) die(worker);
    if (trace_path != NULL && (trace_file = fopen(trace_path, "we")) == NULL) die(trace_path);
    FILE *report = fopen(report_path, "we");
    if (report == NULL) die(report_path);

    sigset_t child_set;
    sigemptyset(&child_set);
    sigaddset(&child_set, SIGCHLD);
    if (prctl(PR_SET_CHILD_SUBREAPER, 1UL, 0UL, 0UL, 0UL) != 0) die("PR_SET_CHILD_SUBREAPER");
    struct termios before, after;
    const bool has_terminal = tcgetattr(STDIN_FILENO, &before) == 0;
    pid_t root = start(argv + i + 1);
    if (sigprocmask(SIG_BLOCK, &child_set, NULL) != 0) die("sigprocmask");

    int left, status = follow(root, &left);
    const char *modes = !has_terminal ? "none" : tcgetattr(STDIN_FILENO, &after) == 0 && same_modes(&before, &after) ? "same" : "changed";
    fprintf(report,
            "{\"injected\": %s, \"released\": %s, \"status\": %d, \"timed_out\": %s, \"left\": %d, \"processes\": %d, "
            "\"terminal\": \"%s\"}\n",
            injected ? "true" : "false", released ? "true" : "false", status, timed_out ? "true" : "false", left,
            tracee_count, modes);
    if (fclose(report) != 0) die(report_path);
    if (trace_file != NULL && fclose(trace_file) != 0) die(trace_path);
    return 0;
}
