/*
 * From clone to the exec of pid 1. The children share the memory of the supervisor, which runs on, and have a stack of
 * their own, so nothing here may touch anything but its own frame and `struct cs_launch`: no libc, no Swift.
 *
 * Order, each with its reason:
 *   parent-death signal  first, so that no later failure can leave a child behind a dead supervisor
 *   drop root            before the user namespace: inside it setgroups(2) is refused for good (user_namespaces(7));
 *                        in an image of its own (drop.c)
 *   session              the caller's terminal must not be the job's
 *   maps                 by the child itself: no privilege and no helper is needed for one's own single id
 *   descriptors          before the exec: what is not given is gone
 *   ambient capabilities they carry across the exec of a process that is not uid 0 inside; the plan clears them
 */
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "cs_child.h"
#include "cs_init.h"
#include "cs_spawn.h"
#include "cs_sys.h"
#include "cs_wire.h"

#define CS_STACK_SIZE (64 * 1024)
/* What the kernel needs for the namespaces is some milliseconds; a machine that swaps may need seconds. */
#define CS_REPORT_PATIENCE_MS 20000

/*
 * clone(2) of a child that runs `function` on a stack of its own and ends. Not the C library's: this also runs before that
 * one is there (early.c).
 *
 * The child's exit status, which nobody asks for, says that nothing ran: the supervisor itself, told by a kernel that it is
 * the child, must not end with 0.
 */
static long clone_to(uint64_t flags, void *top, int (*function)(void *), struct cs_launch *argument)
{
    void **stack = top;
    *--stack = argument;
    *--stack = (void *)function;
    long result;
    register long r10 __asm__("r10") = 0;
    register long r8 __asm__("r8") = 0;
    __asm__ volatile("syscall\n\t"
                     "test %%rax, %%rax\n\t"
                     "jnz 1f\n\t"
                     "xor %%ebp, %%ebp\n\t"
                     "pop %%rax\n\t"
                     "pop %%rdi\n\t"
                     "call *%%rax\n\t"
                     "mov $125, %%edi\n\t"
                     "mov %[exit], %%eax\n\t"
                     "syscall\n\t"
                     "hlt\n"
                     "1:"
                     : "=a"(result)
                     : "a"(SYS_clone), "D"(flags), "S"(stack), "d"(0), "r"(r10), "r"(r8), [exit] "i"(SYS_exit)
                     : "rcx", "r11", "memory");
    return result;
}

/* The same with clone3(2), for the one thing that clone(2) has no flag for: a child that is born in another cgroup. */
static long clone_into(uint64_t flags, void *stack, int (*function)(void *), struct cs_launch *argument)
{
    void **top = (void **)((char *)stack + CS_STACK_SIZE);
    *--top = argument;
    *--top = (void *)function;
    const struct clone_args arguments = {
        .flags = flags | CLONE_INTO_CGROUP,
        .exit_signal = SIGCHLD,
        .stack = (uint64_t)(uintptr_t)stack,
        .stack_size = CS_STACK_SIZE - 2 * sizeof(void *),
        .cgroup = (uint64_t)argument->cgroup,
    };
    long result;
    __asm__ volatile("syscall\n\t"
                     "test %%rax, %%rax\n\t"
                     "jnz 1f\n\t"
                     "xor %%ebp, %%ebp\n\t"
                     "pop %%rax\n\t"
                     "pop %%rdi\n\t"
                     "call *%%rax\n\t"
                     "mov $125, %%edi\n\t"
                     "mov %[exit], %%eax\n\t"
                     "syscall\n\t"
                     "hlt\n"
                     "1:"
                     : "=a"(result)
                     : "a"(SYS_clone3), "D"(&arguments), "S"(sizeof(arguments)), [exit] "i"(SYS_exit)
                     : "rcx", "r11", "memory");
    return result;
}

/*
 * In the cgroup that was named, if one was. Where clone3 is refused (a filter of a container's answers ENOSYS), in the
 * caller's own: the supervisor looks where pid 1 is, and moves it.
 */
static long clone_helper(uint64_t flags, int (*function)(void *), struct cs_launch *launch)
{
    if (launch->cgroup > 0) {
        const long result = clone_into(flags, launch->stack, function, launch);
        if (result >= 0)
            return result;
    }
    return clone_to(flags | SIGCHLD, (char *)launch->stack + CS_STACK_SIZE, function, launch);
}

static int fail(struct cs_launch *launch, int step, long result)
{
    launch->failed_step = step;
    launch->failed_error = (int)-result;
    return -1;
}

static long write_text(const char *path, const char *text, long length)
{
    const long file = CS_CALL4(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0);
    if (file < 0)
        return file;
    long result = CS_CALL3(SYS_write, file, text, length);
    if (result >= 0 && result != length)
        result = -EIO;
    CS_CALL1(SYS_close, file);
    return result < 0 ? result : 0;
}

/* "ID ID 1\n" */
static long write_map(const char *path, uint32_t id)
{
    char digits[12], text[32];
    int count = 0, length = 0;
    do {
        digits[count++] = (char)('0' + id % 10);
        id /= 10;
    } while (id);
    for (int copy = 0; copy < 2; copy++) {
        for (int i = count - 1; i >= 0; i--)
            text[length++] = digits[i];
        text[length++] = ' ';
    }
    text[length++] = '1';
    text[length++] = '\n';
    return write_text(path, text, length);
}

/* What setting the place up needs: mounts and host name, lo, securebits and bounding set, the sysctl. */
static long raise_ambient(void)
{
    static const int needed[] = {CAP_SYS_ADMIN, CAP_NET_ADMIN, CAP_SETPCAP, CAP_SYS_RESOURCE};
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    struct __user_cap_data_struct data[2] = {{0}, {0}};
    uint32_t mask = 0;
    for (unsigned i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
        mask |= 1u << needed[i];
    data[0].effective = data[0].permitted = data[0].inheritable = mask;
    long result = CS_CALL2(SYS_capset, &header, data);
    for (unsigned i = 0; result == 0 && i < sizeof(needed) / sizeof(needed[0]); i++)
        result = CS_CALL5(SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, needed[i], 0, 0);
    return result;
}

/* close_range(2) of the numbers around `known`, which is open: afterwards it is not. A yes alone would not do. */
static long close_range_with(long known, uint64_t first, uint64_t last)
{
    const long result = CS_CALL3(SYS_close_range, first, last, 0);
    if (result < 0)
        return result;
    return CS_CALL2(SYS_fcntl, known, F_GETFD) == -EBADF ? 0 : -EIO;
}

/* The numbers may overlap, so all are first moved out of the way. `report` is -1 when there is none. */
static long arrange_descriptors(const struct cs_launch *launch, int report, int self_flags)
{
    const long control = CS_CALL3(SYS_fcntl, launch->control, F_DUPFD_CLOEXEC, 8);
    if (control < 0)
        return control;
    const long self = CS_CALL3(SYS_fcntl, launch->self, F_DUPFD_CLOEXEC, 8);
    if (self < 0)
        return self;
    long moved = -1;
    if (report >= 0) {
        moved = CS_CALL3(SYS_fcntl, report, F_DUPFD_CLOEXEC, 8);
        if (moved < 0)
            return moved;
    }
    long result = CS_CALL3(SYS_dup3, control, CS_FD_CONTROL, 0);
    if (result >= 0)
        result = CS_CALL3(SYS_dup3, self, CS_FD_SELF, self_flags);
    if (result >= 0 && report >= 0)
        result = CS_CALL3(SYS_dup3, moved, CS_FD_REPORT, 0);
    /* 0, 1 and 2 are open (cs_ensure_stdio, early.c), and so is the copy that was moved. */
    if (result >= 0)
        result = close_range_with(0, 0, CS_FD_CONTROL - 1);
    if (result == 0)
        result = close_range_with(control, report >= 0 ? CS_FD_REPORT + 1 : CS_FD_SELF + 1, ~0u);
    return result;
}

/* execveat(2) of this executable by descriptor, under a name and with an empty environment. */
static long execute_self(const char *name, const char *first, const char *second, const char *third)
{
    const char *arguments[6]; /* filled at run time: constant data must not hold pointers (entry.c) */
    arguments[0] = name;
    arguments[1] = first;
    arguments[2] = second;
    arguments[3] = third;
    arguments[4] = NULL;
    arguments[5] = NULL;
    __asm__ volatile("" ::"r"(arguments) : "memory");
    return CS_CALL5(SYS_execveat, CS_FD_SELF, "", arguments, arguments + 5, 0x1000 /* AT_EMPTY_PATH */);
}

long cs_enter_place(uint32_t uid, uint32_t gid, int *step)
{
    *step = CS_STEP_CHILD_PDEATHSIG;
    long result = CS_CALL5(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (result < 0)
        return result;
    *step = CS_STEP_CHILD_SESSION;
    result = CS_CALL0(SYS_setsid);
    if (result < 0)
        return result;
    *step = CS_STEP_CHILD_SETGROUPS;
    result = write_text("/proc/self/setgroups", "deny", 4);
    if (result < 0)
        return result;
    *step = CS_STEP_CHILD_UID_MAP;
    result = write_map("/proc/self/uid_map", uid);
    if (result < 0)
        return result;
    *step = CS_STEP_CHILD_GID_MAP;
    result = write_map("/proc/self/gid_map", gid);
    if (result < 0)
        return result;
    *step = CS_STEP_CHILD_DESCRIPTORS;
    result = CS_CALL3(SYS_close_range, CS_FD_SELF, ~0u, 4 /* CLOSE_RANGE_CLOEXEC */);
    if (result == 0 && !(CS_CALL2(SYS_fcntl, CS_FD_SELF, F_GETFD) & FD_CLOEXEC))
        result = -EIO;
    if (result < 0)
        return result;
    *step = CS_STEP_CHILD_CAPABILITIES;
    result = raise_ambient();
    if (result < 0)
        return result;
    *step = CS_STEP_CHILD_EXEC;
    return execute_self(CS_INIT_NAME, NULL, NULL, NULL);
}

static __attribute__((noinline)) int become_init(struct cs_launch *launch)
{
    long result = arrange_descriptors(launch, -1, O_CLOEXEC);
    if (result < 0)
        return fail(launch, CS_STEP_CHILD_DESCRIPTORS, result);
    int step = 0;
    result = cs_enter_place(launch->uid, launch->gid, &step);
    return fail(launch, step, result);
}

static void hexadecimal(char *text, uint64_t value)
{
    char digits[16];
    int count = 0;
    do {
        digits[count++] = (char)(value % 16 < 10 ? '0' + value % 16 : 'a' + value % 16 - 10);
        value /= 16;
    } while (value);
    while (count)
        *text++ = digits[--count];
    *text = 0;
}

/* As root, still with root's memory: straight on to the image that gives root up (drop.c). */
static int become_drop(void *argument)
{
    struct cs_launch *launch = argument;
    long result = CS_CALL5(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (result < 0)
        return fail(launch, CS_STEP_CHILD_PDEATHSIG, result);
    result = arrange_descriptors(launch, launch->report[1], 0);
    if (result < 0)
        return fail(launch, CS_STEP_CHILD_DESCRIPTORS, result);
    char uid[17], gid[17], namespaces[17];
    hexadecimal(uid, launch->uid);
    hexadecimal(gid, launch->gid);
    hexadecimal(namespaces, launch->namespaces);
    result = execute_self(CS_DROP_NAME, uid, gid, namespaces);
    return fail(launch, CS_STEP_CHILD_EXEC, result);
}

/*
 * The helper: makes pid 1 as its sibling (CLONE_PARENT), so that pid 1 is the supervisor's own child although the
 * supervisor neither stands still while the kernel makes the namespaces nor gives up root itself.
 *
 * It shares the supervisor's memory while the supervisor runs on, so no libc call here, not even for errno. (Before libc
 * starts it has a copy instead: nearly nothing is there to be copied yet, and to start in memory that is used on another
 * processor costs an interrupt there for every page that is relocated.)
 */
static int help(void *argument)
{
    struct cs_launch *launch = argument;
    long result = CS_CALL5(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (result < 0)
        return fail(launch, CS_STEP_CHILD_PDEATHSIG, result);
    /* clone(2) as vfork(2): pid 1 runs deeper on this very stack, and this frame waits for its exec or exit. */
    const uint64_t flags = launch->namespaces | CLONE_PARENT | CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD;
    /*
     * The number counts only if the clone succeeds: the kernel names it before the last things that can fail (a limit of the
     * cgroup's, a signal), and gives it back then, when somebody else may have it already.
     */
    int pidfd = -1;
    const long pid = CS_CALL5(SYS_clone, flags, 0, &pidfd, 0, 0);
    /* Its descriptors are the supervisor's until then: it must not be the helper that closes them. */
    if (pid == 0 && CS_CALL0(SYS_getpid) != 1)
        return fail(launch, CS_STEP_CHILD_CLONE, -ECHILD);
    if (pid == 0) {
        become_init(launch);
        for (;;)
            CS_CALL1(SYS_exit_group, 125);
    }
    if (pid < 0)
        return fail(launch, CS_STEP_CHILD_CLONE, pid);
    launch->pidfd = pidfd;
    /* Last of what the supervisor needs to know: it looks for this without waiting for our end (cs_launch_finish). */
    __atomic_store_n(&launch->pid, (int)pid, __ATOMIC_RELEASE);
    return 0;
}

/* One child gone, whatever it was. */
static int reap(int pid)
{
    int status = -1;
    long result;
    do
        result = CS_CALL4(SYS_wait4, pid, &status, 0, NULL);
    while (result == -EINTR);
    if (result >= 0)
        return 0;
    /* The launch fails; but what it has begun must be gone before anything of it is taken away. */
    long waited;
    do
        waited = CS_CALL5(SYS_waitid, P_PID, pid, NULL, WEXITED, NULL);
    while (waited == -EINTR);
    return (int)result;
}

int cs_launch_begin(struct cs_launch *launch)
{
    launch->pid = launch->pidfd = launch->helper = launch->report[0] = launch->report[1] = -1;
    launch->failed_step = launch->failed_error = launch->unreaped = 0;
    const long stack = cs_syscall6(SYS_mmap, 0, CS_STACK_SIZE, PROT_READ | PROT_WRITE,
                                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (stack < 0 && stack > -4096)
        return fail(launch, CS_STEP_CHILD_CLONE, stack);
    launch->stack = (void *)stack;
    long result = 0;
    if (launch->drop_root) {
        result = CS_CALL2(SYS_pipe2, launch->report, O_CLOEXEC);
        /* CLONE_VFORK: the memory is shared only until the exec, by root alone. */
        if (result == 0)
            result = clone_helper(CLONE_VM | CLONE_VFORK, become_drop, launch);
        /*
         * Twice if need be: a copy that stays open here would keep the end of file from us. That it is gone is asked where there
         * is no other thread yet, which could have opened something at this number.
         */
        if (launch->report[1] >= 0 &&
            (CS_CALL1(SYS_close, launch->report[1]) < 0 ||
             (launch->apart && CS_CALL2(SYS_fcntl, launch->report[1], F_GETFD) != -EBADF)))
            CS_CALL1(SYS_close, launch->report[1]);
    } else {
        /* CLONE_FILES: the pidfd of pid 1 must appear in the supervisor's table, not in the helper's copy. */
        result = clone_helper(CLONE_FILES | (launch->apart ? 0 : CLONE_VM), help, launch);
    }
    if (result > 0) {
        launch->helper = (int)result;
        cs_processors_move(&launch->processors, launch->helper);
        return 0;
    }
    if (launch->report[0] >= 0)
        CS_CALL1(SYS_close, launch->report[0]);
    CS_CALL2(SYS_munmap, launch->stack, CS_STACK_SIZE);
    return fail(launch, CS_STEP_CHILD_CLONE, result);
}

/*
 * What the dropping image and pid 1 report until both have let go of the pipe: one ends, the other executes. The image
 * belongs to the workspace's owner, so its word for a number is taken only if that is a child of ours, and not waited for
 * for ever: its owner can stop it, and no signal but KILL ends us here.
 */
static void read_reports(struct cs_launch *launch)
{
    for (;;) {
        struct cs_drop_report message;
        struct pollfd waiting = {.fd = launch->report[0], .events = POLLIN};
        const long ready = CS_CALL3(SYS_poll, &waiting, 1, CS_REPORT_PATIENCE_MS);
        if (ready == -EINTR)
            continue;
        if (ready <= 0) {
            fail(launch, CS_STEP_CHILD_DROP_ROOT, ready < 0 ? ready : -ETIMEDOUT);
            CS_CALL2(SYS_kill, launch->helper, SIGKILL);
            break;
        }
        const long result = CS_CALL3(SYS_read, launch->report[0], &message, sizeof(message));
        if (result == -EINTR)
            continue;
        if (result == 0)
            break;
        if (result != (long)sizeof(message)) {
            fail(launch, CS_STEP_CHILD_DROP_ROOT, result < 0 ? result : -EIO);
            break;
        }
        if (message.step != CS_STEP_NONE) {
            fail(launch, message.step, -message.error);
        } else if (launch->pid < 0 && message.pid > 1 && message.pid != launch->helper) {
            int status;
            const long waited = CS_CALL4(SYS_wait4, message.pid, &status, WNOHANG, NULL);
            if (waited == 0)
                launch->pid = message.pid;
        }
    }
    CS_CALL1(SYS_close, launch->report[0]);
    if (launch->pid <= 0)
        return;
    const long pidfd = CS_CALL2(SYS_pidfd_open, launch->pid, 0);
    if (pidfd < 0)
        fail(launch, CS_STEP_CHILD_CLONE, pidfd);
    else
        launch->pidfd = (int)pidfd;
}

int cs_launch_finish(struct cs_launch *launch)
{
    if (launch->drop_root)
        read_reports(launch);
    /*
     * A helper with memory and stack of its own is not waited for once it has named pid 1: it has only its end left, on the
     * processor where pid 1 works, and the kernel takes as long to take a child away as for ten other calls.
     */
    launch->unreaped = launch->apart && !launch->drop_root && __atomic_load_n(&launch->pid, __ATOMIC_ACQUIRE) > 0;
    if (!launch->unreaped && reap(launch->helper) < 0 && !launch->failed_step)
        fail(launch, CS_STEP_CHILD_CLONE, -ECHILD);
    /* What was begun before libc happens once: there its few pages stay, which costs less than every processor's notice. */
    const long unmapped = launch->apart ? 0 : CS_CALL2(SYS_munmap, launch->stack, CS_STACK_SIZE);
    if (unmapped < 0 && !launch->failed_step)
        fail(launch, CS_STEP_CHILD_CLONE, unmapped);
    if (launch->pid <= 0 && !launch->failed_step)
        fail(launch, CS_STEP_CHILD_CLONE, -ESRCH); /* somebody killed the helper */
    if (!launch->failed_step)
        return 0;
    cs_launch_settle(launch);
    if (launch->pid > 0) {
        CS_CALL2(SYS_kill, launch->pid, SIGKILL);
        reap(launch->pid);
    }
    if (launch->pidfd >= 0)
        CS_CALL1(SYS_close, launch->pidfd);
    launch->pid = launch->pidfd = -1;
    return -1;
}

int cs_launch_settle(struct cs_launch *launch)
{
    if (!launch->unreaped)
        return 0;
    launch->unreaped = 0;
    return reap(launch->helper);
}
