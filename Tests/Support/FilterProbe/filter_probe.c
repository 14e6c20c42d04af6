#include "filter_probe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Raw, so that no libc function changes arguments or results. Async-signal-safe, as all below that the child calls. */
static long call_x86_64(const struct filter_probe_call *call)
{
    long result;
    register unsigned long r10 __asm__("r10") = call->arguments[3];
    register unsigned long r8 __asm__("r8") = call->arguments[4];
    register unsigned long r9 __asm__("r9") = call->arguments[5];
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(call->number), "D"(call->arguments[0]), "S"(call->arguments[1]), "d"(call->arguments[2]),
                       "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

static long call_i386(const struct filter_probe_call *call)
{
    long result;
    __asm__ volatile("int $0x80"
                     : "=a"(result)
                     : "a"(call->number), "b"(call->arguments[0]), "c"(call->arguments[1]), "d"(call->arguments[2])
                     : "memory", "r8", "r9", "r10", "r11");
    return (int)result;
}

/* 0 or errno. */
static int install(const struct filter_probe_program *programs, size_t count)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return errno;
    for (size_t i = 0; i < count; i++) {
        struct sock_fprog program;
        memset(&program, 0, sizeof program);
        program.len = (unsigned short)programs[i].count;
        /* The words have the layout of struct sock_filter; the kernel only reads them. */
        program.filter = (struct sock_filter *)(uintptr_t)programs[i].instructions;
        if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0)
            return errno;
    }
    return 0;
}

struct report {
    int broken;
    long value;
};

/* Waits for the child; what it wrote, if it wrote anything. */
static struct filter_probe_result collect(pid_t child, int from)
{
    struct filter_probe_result result = {0, 0, 0};
    struct report report = {ENODATA, 0};
    ssize_t got;
    do {
        got = read(from, &report, sizeof report);
    } while (got == -1 && errno == EINTR);
    close(from);
    int status = 0;
    pid_t waited;
    do {
        waited = waitpid(child, &status, 0);
    } while (waited == -1 && errno == EINTR);
    if (waited != child) {
        result.broken = errno;
    } else if (WIFSIGNALED(status)) {
        result.signal = WTERMSIG(status);
    } else if (got != (ssize_t)sizeof report) {
        result.broken = ENODATA;
        result.value = WEXITSTATUS(status);
    } else {
        result.broken = report.broken;
        result.value = report.value;
    }
    return result;
}

static void no_core(void)
{
    const struct rlimit limit = {1, 1};
    (void)setrlimit(RLIMIT_CORE, &limit);
}

struct filter_probe_result filter_probe_call(const struct filter_probe_program *programs, size_t count,
                                             const struct filter_probe_call *call)
{
    struct filter_probe_result failed = {0, 0, 0};
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        failed.broken = errno;
        return failed;
    }
    const pid_t child = fork();
    if (child == -1) {
        failed.broken = errno;
        close(ends[0]);
        close(ends[1]);
        return failed;
    }
    if (child == 0) {
        struct report report = {0, 0};
        no_core();
        report.broken = install(programs, count);
        if (report.broken == 0)
            report.value = call->abi == FILTER_PROBE_I386 ? call_i386(call) : call_x86_64(call);
        _exit(write(ends[1], &report, sizeof report) == (ssize_t)sizeof report ? 0 : 1);
    }
    close(ends[1]);
    return collect(child, ends[0]);
}

struct filter_probe_result filter_probe_run(const struct filter_probe_program *programs, size_t count,
                                            char *const arguments[])
{
    struct filter_probe_result result = {0, 0, 0};
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        result.broken = errno;
        return result;
    }
    const pid_t child = fork();
    if (child == -1) {
        result.broken = errno;
        close(ends[0]);
        close(ends[1]);
        return result;
    }
    if (child == 0) {
        const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
        struct report report = {0, 0};
        no_core();
        if (null == -1 || dup2(null, 0) == -1 || dup2(null, 1) == -1 || dup2(null, 2) == -1)
            report.broken = errno;
        if (report.broken == 0)
            report.broken = install(programs, count);
        if (report.broken == 0) {
            execve(arguments[0], arguments, environ);
            report.broken = errno;
        }
        _exit(write(ends[1], &report, sizeof report) == (ssize_t)sizeof report ? 0 : 1);
    }
    close(ends[1]);
    result = collect(child, ends[0]);
    /* The pipe closed on exec without a report: the program ran, its status is the answer. */
    if (result.broken == ENODATA)
        result.broken = 0;
    return result;
}
