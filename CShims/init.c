/*
 * pid 1 of a place: sets it up once, then starts processes in it on request and reaps them.
 *
 * Runs in a fresh address space (exec by descriptor, empty environment) inside the new user namespace, so that no
 * secret of the caller is in its memory and its /proc entries stay readable for the supervisor after it turns
 * non-dumpable. Single-threaded, no libc calls, no allocation; every wait also watches the lifeline to the supervisor.
 */
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>

#include "cs_awake.h"
#include "cs_init.h"
#include "cs_sys.h"
#include "cs_text.h"
#include "place.h"
#include "relocate.h"

#define CS_PROCESSES 4096
#define CS_WALL 0x40000000 /* children of any exit signal, clone(2) */

struct process {
    int32_t pid; /* 0: free */
    uint32_t id;
    int ends_place;
    int has_terminal; /* its stops are told of */
    int stop_told;    /* and not again until the supervisor has answered with SIGCONT */
};

struct server {
    struct cs_place place;
    int child_signals; /* signalfd for SIGCHLD */
    int timer;         /* wall limit, then grace; armed by the first spawn */
    int timed_out;
    struct process processes[CS_PROCESSES];
};

static struct server server; /* zero pages until used */

const char *cs_init_memory_end(void) { return (const char *)(&server + 1); }

/* execve(2) does not return, exit_group(2) neither: everything of the place dies with pid 1 (pid_namespaces(7)). */
static _Noreturn void leave(int status)
{
    for (;;)
        CS_CALL1(SYS_exit_group, status);
}

/*
 * The supervisor may be stopped, and its socket full: the wall limit must come all the same. There is nobody left to tell
 * it from anything else, so the place just ends.
 */
static void await_room(int descriptor)
{
    struct pollfd watched[2] = {
        {.fd = descriptor, .events = POLLOUT},
        {.fd = server.timer > 0 ? server.timer : -1, .events = POLLIN},
    };
    const long ready = CS_CALL3(SYS_poll, watched, 2, -1);
    if (ready > 0 && (watched[1].revents & POLLIN))
        leave(124);
}

static long send_message(int descriptor, const struct cs_message *message)
{
    long result;
    for (;;) {
        result = CS_CALL6_SENDTO(descriptor, message, sizeof(*message), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (result == -EAGAIN)
            await_room(descriptor);
        else if (result != -EINTR)
            break;
    }
    if (result >= 0 && result != (long)sizeof(*message))
        return -EIO;
    return result;
}

/*
 * With the place's own list of System V segments, opened here because the kernel shows each opener its own namespace, and
 * the controlling ends of its terminals, which are the supervisor's alone from here on.
 */
static long send_ready(struct cs_place *place)
{
    const struct cs_message *message = &place->report;
    const long list = CS_CALL4(SYS_openat, AT_FDCWD, "/proc/sysvipc/shm", O_RDONLY | O_CLOEXEC, 0);
    if (list < 0)
        return list;
    union {
        char bytes[CMSG_SPACE((1 + CS_TERMINALS_MOST) * sizeof(int))];
        struct cmsghdr align;
    } control;
    const uint32_t terminals = place->terminals.count;
    struct iovec vector = {.iov_base = (void *)(uintptr_t)message, .iov_len = sizeof(*message)};
    struct msghdr header = {.msg_iov = &vector,
                            .msg_iovlen = 1,
                            .msg_control = control.bytes,
                            .msg_controllen = CMSG_SPACE((1 + terminals) * sizeof(int))};
    struct cmsghdr *part = CMSG_FIRSTHDR(&header);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN((1 + terminals) * sizeof(int));
    /* volatile, or the compiler calls memcpy, which is not there (entry.c) */
    volatile int *passed = (void *)CMSG_DATA(part);
    passed[0] = (int)list;
    for (uint32_t i = 0; i < terminals; i++)
        passed[1 + i] = place->terminals.each[i].controlling;
    long result;
    do
        result = CS_CALL3(SYS_sendmsg, CS_FD_CONTROL, &header, MSG_NOSIGNAL);
    while (result == -EINTR);
    long closed = CS_CALL1(SYS_close, list);
    for (uint32_t i = 0; i < terminals && closed == 0; i++)
        closed = CS_CALL1(SYS_close, place->terminals.each[i].controlling);
    if (result >= 0 && result != (long)sizeof(*message))
        return -EIO;
    return result < 0 ? result : closed;
}

/* With one descriptor. */
static long send_descriptor(int socket, const struct cs_message *message, int descriptor)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control;
    struct iovec vector = {.iov_base = (void *)(uintptr_t)message, .iov_len = sizeof(*message)};
    struct msghdr header = {
        .msg_iov = &vector, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control.bytes)};
    struct cmsghdr *part = CMSG_FIRSTHDR(&header);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(sizeof(int));
    *(volatile int *)(void *)CMSG_DATA(part) = descriptor;
    long result;
    do
        result = CS_CALL3(SYS_sendmsg, socket, &header, MSG_NOSIGNAL);
    while (result == -EINTR);
    if (result >= 0 && result != (long)sizeof(*message))
        return -EIO;
    return result;
}

static _Noreturn void fail(int descriptor, uint32_t id, int step, int error)
{
    const struct cs_message message = {.kind = CS_MESSAGE_FAILED, .id = id, .step = step, .error = error};
    send_message(descriptor, &message);
    leave(125);
}

/* The whole of a sealed memfd, read-only. NULL and *error on failure. */
static const void *map_sealed(int descriptor, uint64_t *size, int *error)
{
    struct stat found;
    long result = CS_CALL2(SYS_fstat, descriptor, &found);
    if (result == 0) {
        result = CS_CALL2(SYS_fcntl, descriptor, 1034 /* F_GET_SEALS */);
        if (result >= 0)
            result = result == CS_PLAN_SEALS ? 0 : -EPERM;
    }
    if (result == 0 && (found.st_size <= 0 || found.st_size > (64 << 20)))
        result = -EFBIG;
    if (result == 0)
        result = cs_syscall6(SYS_mmap, 0, found.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, descriptor, 0);
    if (result < 0 && result > -4096) {
        *error = (int)-result;
        return NULL;
    }
    *size = (uint64_t)found.st_size;
    return (const void *)result;
}

/* ---- one process, from fork to execve ------------------------------------------------------------------------- */

struct spawn_request {
    uint32_t id;
    int ends_place;
    int has_terminal;
    int payload, gate, stdio[3];
};

/* 0, 1, 2 by identity, the gate on 3 (close-on-exec), nothing else. The five arrive as 6 and above. */
static int arrange_descriptors(struct spawn_request *request)
{
    for (int i = 0; i < 3; i++) {
        const long result = CS_CALL3(SYS_dup3, request->stdio[i], i, 0);
        if (result < 0)
            return (int)-result;
    }
    long result = CS_CALL3(SYS_dup3, request->gate, 3, O_CLOEXEC);
    if (result < 0)
        return (int)-result;
    request->gate = 3;
    return (int)-CS_CALL3(SYS_close_range, 4, ~0u, 0);
}

static int signals_to_default_mask(void)
{
    const uint64_t none = 0;
    return (int)-CS_CALL4(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, sizeof(none));
}

static void await_release(int gate)
{
    struct cs_message message;
    cs_wait_awake(gate);
    for (;;) {
        const long result = CS_CALL3(SYS_read, gate, &message, sizeof(message));
        if (result == -EINTR)
            continue;
        /* End of file: the supervisor decided against it, or is gone. */
        if (result != (long)sizeof(message) || message.kind != CS_MESSAGE_RELEASE)
            leave(125);
        return;
    }
}

static _Noreturn void execute(const struct cs_spawn *spawn, uint32_t id, int gate)
{
    const char *base = (const char *)spawn;
    /* The tables hold offsets; in this copy of the address space they become the pointers that execve wants. */
    const uint64_t *arguments = (const void *)(base + spawn->arguments);
    const uint64_t *environment = (const void *)(base + spawn->environment);
    const uint64_t *candidates = (const void *)(base + spawn->candidates);
    const uint64_t words = (uint64_t)spawn->argument_count + spawn->environment_count + 2;
    const long table = cs_syscall6(SYS_mmap, 0, (long)(words * sizeof(char *)), PROT_READ | PROT_WRITE,
                                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (table < 0 && table > -4096)
        fail(gate, id, CS_STEP_PROCESS_GATE, (int)-table);
    const char **argv = (const char **)table;
    const char **envp = argv + spawn->argument_count + 1;
    for (uint32_t i = 0; i < spawn->argument_count; i++)
        argv[i] = base + arguments[i];
    for (uint32_t i = 0; i < spawn->environment_count; i++)
        envp[i] = base + environment[i];

    await_release(gate);

    /* As a shell does: a candidate that is not there is passed over, one that may not be run is remembered. */
    struct cs_message message = {.kind = CS_MESSAGE_EXEC_FAILED, .id = id, .error = ENOENT};
    for (uint32_t i = 0; i < spawn->candidate_count; i++) {
        const int error = (int)-CS_CALL3(SYS_execve, base + candidates[i], argv, envp);
        if (error != ENOENT && error != ENOTDIR) {
            if (message.error == ENOENT) {
                message.error = error;
                message.value[0] = i;
            }
            if (error != EACCES)
                break;
        }
    }
    send_message(gate, &message);
    leave(127);
}

static _Noreturn void run_process(struct spawn_request *request)
{
    const uint32_t id = request->id;
    const int early = request->gate;
    long result = CS_CALL5(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (result < 0)
        fail(early, id, CS_STEP_PROCESS_PDEATHSIG, (int)-result);
    /* What it has from pid 1 and keeps is compared while it does the rest. */
    const struct cs_message born = {.kind = CS_MESSAGE_PROCESS_BORN, .id = id};
    if (send_message(early, &born) < 0)
        leave(125);
    uint64_t size;
    int error = 0;
    const struct cs_spawn *spawn = map_sealed(request->payload, &size, &error);
    if (spawn)
        error = cs_check_spawn(spawn, size);
    if (!error && !spawn->terminal != !request->has_terminal)
        error = EINVAL;
    if (error)
        fail(early, id, CS_STEP_INIT_PLAN, error);
    /* A session of its own; with a terminal a group of its own in the session that has it (terminals.c). */
    result = spawn->terminal ? CS_CALL2(SYS_setpgid, 0, 0) : CS_CALL0(SYS_setsid);
    if (result < 0)
        fail(early, id, CS_STEP_PROCESS_SESSION, (int)-result);

    error = arrange_descriptors(request);
    if (error)
        fail(early, id, CS_STEP_PROCESS_DESCRIPTORS, error);
    const int gate = request->gate;

    if (spawn->own_terminal) {
        int controlling = -1;
        error = cs_make_own_terminal(&controlling);
        const struct cs_message made = {.kind = CS_MESSAGE_PROCESS_TERMINAL, .id = id};
        if (!error)
            error = (int)-send_descriptor(gate, &made, controlling);
        if (error <= 0)
            error = (int)-CS_CALL1(SYS_close, controlling);
        if (error)
            fail(gate, id, CS_STEP_PROCESS_TERMINAL, error);
    }
    struct cs_message report = {.kind = CS_MESSAGE_PROCESS_READY, .id = id};
    if (spawn->terminal) {
        const int terminal = (int)spawn->terminal - 1;
        error = cs_take_foreground(terminal);
        if (error)
            fail(gate, id, CS_STEP_PROCESS_TERMINAL, error);
        report.value[CS_PROCESS_FOREGROUND] = cs_has_foreground(terminal);
    }
    const char *directory = (const char *)spawn + spawn->working_directory;
    result = CS_CALL1(SYS_chdir, directory);
    if (result < 0)
        fail(gate, id, CS_STEP_PROCESS_CWD, (int)-result);
    char where[4096];
    result = CS_CALL2(SYS_getcwd, where, sizeof(where));
    if (result < 0)
        fail(gate, id, CS_STEP_PROCESS_CWD, (int)-result);
    report.value[CS_PROCESS_CWD] = cs_same_text(where, directory);

    error = signals_to_default_mask();
    if (error)
        fail(gate, id, CS_STEP_PROCESS_SIGNALS, error);
    const long opened = CS_CALL4(SYS_openat, AT_FDCWD, CS_PROBE_FILE, O_RDONLY | O_CLOEXEC, 0);
    report.value[CS_PROCESS_LANDLOCK_READ] = opened < 0 ? -opened : 0;
    if (opened >= 0)
        CS_CALL1(SYS_close, opened);

    error = cs_install_filter((const char *)spawn + spawn->filter, spawn->filter_count);
    if (error)
        fail(gate, id, CS_STEP_PROCESS_FILTER, error);
    report.value[CS_PROCESS_FILTER_ERRNO] = -CS_CALL2(SYS_clone3, NULL, 0);
    /* Shows that arguments are looked at, too: no file has this number, so nothing else can say EPERM. */
    report.value[CS_PROCESS_SETID_ERRNO] = -CS_CALL2(SYS_fchmod, -1, 04755);
    /*
     * Others run beside it: until here it was as closed to them as pid 1, whose copy it is, because they could have had it
     * install another filter. From here on it can do nothing that they cannot, and the supervisor may look at its descriptors.
     */
    if (!request->ends_place) {
        result = CS_CALL5(SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0);
        if (result < 0)
            fail(gate, id, CS_STEP_PROCESS_PROBE, (int)-result);
    }
    if (send_message(gate, &report) < 0)
        leave(125);
    execute(spawn, id, gate);
}

/* ---- the server ------------------------------------------------------------------------------------------------ */

static void arm_timer(uint64_t milliseconds)
{
    const struct itimerspec when = {
        .it_value = {.tv_sec = (time_t)(milliseconds / 1000), .tv_nsec = (long)(milliseconds % 1000) * 1000000},
    };
    const long result = CS_CALL4(SYS_timerfd_settime, server.timer, 0, &when, NULL);
    if (result < 0)
        fail(CS_FD_CONTROL, 0, CS_STEP_INIT_SERVE, (int)-result);
}

static void started(uint32_t id, int32_t pid)
{
    struct cs_message message = {.kind = CS_MESSAGE_STARTED, .id = id};
    /* prctl(2): from here on only somebody with CAP_SYS_PTRACE over this user namespace reads /proc/1 — the
     * supervisor, never a process of the place. The copy that is the worker stays readable until its exec. */
    const long sealed = CS_CALL5(SYS_prctl, PR_SET_DUMPABLE, 0, 0, 0, 0);
    if (sealed < 0)
        fail(CS_FD_CONTROL, id, CS_STEP_INIT_DUMPABLE, (int)-sealed);
    message.value[0] = pid;
    message.value[1] = CS_CALL5(SYS_prctl, PR_GET_DUMPABLE, 0, 0, 0, 0);
    if (send_message(CS_FD_CONTROL, &message) < 0)
        leave(125);
}

/* A process that cannot be made is nobody's end but its own: pid 1 has the others to look after. */
static void give_up_process(const struct spawn_request *request, int error)
{
    const struct cs_message message = {
        .kind = CS_MESSAGE_NOT_STARTED, .id = request->id, .step = CS_STEP_INIT_FORK, .error = error};
    /* Before its gate closes, which would only say that it is gone. */
    if (send_message(CS_FD_CONTROL, &message) < 0)
        leave(125);
    CS_CALL1(SYS_close, request->payload);
    CS_CALL1(SYS_close, request->gate);
    for (int i = 0; i < 3; i++)
        CS_CALL1(SYS_close, request->stdio[i]);
}

static void spawn_process(struct spawn_request *request)
{
    static int armed;
    struct process *slot = NULL;
    for (uint32_t i = 0; i < CS_PROCESSES && !slot; i++)
        if (!server.processes[i].pid)
            slot = &server.processes[i];
    if (!slot) {
        give_up_process(request, EAGAIN);
        return;
    }
    if (!armed) {
        arm_timer(server.place.plan->wall_ms);
        armed = 1;
    }
    /* Before the first one, where there will be others beside it: it is to be as closed as pid 1 until its filter stands. */
    if (!request->ends_place) {
        const long sealed = CS_CALL5(SYS_prctl, PR_SET_DUMPABLE, 0, 0, 0, 0);
        if (sealed < 0) {
            give_up_process(request, (int)-sealed);
            return;
        }
    }
    /* fork(2) by its bare call: pid 1 is small, and the child gets the request as it is now. */
    const long pid = CS_CALL5(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
    if (pid == 0)
        run_process(request);
    if (pid < 0) {
        give_up_process(request, (int)-pid);
        return;
    }
    slot->pid = (int32_t)pid;
    slot->id = request->id;
    slot->ends_place = request->ends_place;
    slot->has_terminal = request->has_terminal;
    slot->stop_told = 0;
    CS_CALL1(SYS_close, request->payload);
    CS_CALL1(SYS_close, request->gate);
    for (int i = 0; i < 3; i++)
        CS_CALL1(SYS_close, request->stdio[i]);
    started(request->id, (int32_t)pid);
}

/*
 * What the last process left running ends now, and not only when the supervisor has had its turn. 1 when there was nothing
 * else, so that the supervisor need not wait for our own end to say so.
 *
 * Whatever the job has made has one of our children above it, or is one: an orphan becomes ours (pid_namespaces(7)), and a
 * subreaper that adopts one is below us itself (prctl(2)). So without a child there is nothing to look for, in a list that
 * has every process of the machine (kill(2), -1). Whoever entered from outside ends with us.
 */
static int end_all(void)
{
    int status;
    if (CS_CALL4(SYS_wait4, -1, &status, WNOHANG | CS_WALL, NULL) == -ECHILD)
        return 1;
    return CS_CALL2(SYS_kill, -1, SIGKILL) == -ESRCH;
}

/*
 * Whether a process that a signal ended never executed anything, or nobody can say: its end closes the gate as its exec does.
 * Field 9 of /proc/PID/stat has the kernel's PF_FORKNOEXEC (proc(5)), also of one that is not reaped yet. The name in field 2
 * may hold anything, but is in braces.
 */
static int may_not_have_executed(int32_t pid)
{
    char path[32], text[512];
    char *end = path;
    for (const char *start = "/proc/"; *start;)
        *end++ = *start++;
    char digits[12];
    int count = 0;
    for (uint32_t rest = (uint32_t)pid; rest || !count; rest /= 10)
        digits[count++] = (char)('0' + rest % 10);
    while (count)
        *end++ = digits[--count];
    for (const char *rest = "/stat"; *rest;)
        *end++ = *rest++;
    *end = 0;
    const long file = CS_CALL4(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
    if (file < 0)
        return 1;
    const long length = CS_CALL3(SYS_read, file, text, sizeof(text));
    CS_CALL1(SYS_close, file);
    long at = length - 1;
    while (at >= 0 && text[at] != ')')
        at--;
    if (at < 0)
        return 1;
    int field = 2;
    uint64_t flags = 0;
    for (at++; at < length && field <= 9; at++) {
        if (text[at] == ' ')
            field++;
        else if (field == 9)
            flags = flags * 10 + (uint64_t)(text[at] - '0');
    }
    return field <= 9 || (flags & 0x40 /* PF_FORKNOEXEC */);
}

/* Every child that has ended: ours are reported, adopted orphans only reaped. */
static void reap(void)
{
    for (;;) {
        int status;
        struct rusage usage;
        siginfo_t ended;
        ended.si_pid = 0;
        /* Looked at before it is reaped: afterwards nothing is left to be asked. */
        long result = CS_CALL5(SYS_waitid, P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT | CS_WALL, NULL);
        if (result == -EINTR)
            continue;
        if (result < 0 || ended.si_pid <= 0)
            return;
        const int32_t pid = ended.si_pid;
        const int unsure = ended.si_code != CLD_EXITED && may_not_have_executed(pid);
        do
            result = CS_CALL4(SYS_wait4, pid, &status, CS_WALL, &usage);
        while (result == -EINTR);
        if (result != pid)
            return;
        for (uint32_t i = 0; i < CS_PROCESSES; i++) {
            if (server.processes[i].pid != pid)
                continue;
            struct cs_message message = {.kind = CS_MESSAGE_EXITED, .id = server.processes[i].id};
            message.value[0] = status;
            message.value[1] = usage.ru_utime.tv_sec * 1000000 + usage.ru_utime.tv_usec;
            message.value[2] = usage.ru_stime.tv_sec * 1000000 + usage.ru_stime.tv_usec;
            message.value[3] = usage.ru_maxrss;
            message.value[5] = unsure;
            server.processes[i].pid = 0;
            if (server.processes[i].ends_place)
                message.value[4] = end_all();
            if (send_message(CS_FD_CONTROL, &message) < 0)
                leave(125);
            if (server.processes[i].ends_place)
                leave(0);
            break;
        }
    }
}

/* Every process with a terminal that a signal has stopped: whoever has the keyboard goes back to a shell then. */
static void tell_stopped(void)
{
    for (uint32_t i = 0; i < CS_PROCESSES; i++) {
        if (!server.processes[i].pid || !server.processes[i].has_terminal || server.processes[i].stop_told)
            continue;
        siginfo_t stopped;
        stopped.si_pid = 0;
        const long result = CS_CALL5(SYS_waitid, P_PID, server.processes[i].pid, &stopped, WSTOPPED | WNOHANG | CS_WALL, NULL);
        if (result < 0 || stopped.si_pid == 0)
            continue;
        struct cs_message message = {.kind = CS_MESSAGE_STOPPED, .id = server.processes[i].id};
        message.value[0] = stopped.si_status;
        server.processes[i].stop_told = 1;
        if (send_message(CS_FD_CONTROL, &message) < 0)
            leave(125);
    }
}

/* The wall limit: TERM for everything, then, after the grace, the end of the place. */
static void limit_passed(void)
{
    uint64_t ticks;
    CS_CALL3(SYS_read, server.timer, &ticks, sizeof(ticks));
    if (server.timed_out)
        leave(124);
    server.timed_out = 1;
    const struct cs_message message = {.kind = CS_MESSAGE_TIMED_OUT};
    send_message(CS_FD_CONTROL, &message);
    CS_CALL2(SYS_kill, -1, SIGTERM);
    CS_CALL2(SYS_kill, -1, SIGCONT); /* a stopped process would not see TERM */
    arm_timer(server.place.plan->grace_ms ? server.place.plan->grace_ms : 1);
}

static void signal_group(uint32_t id, int number)
{
    for (uint32_t i = 0; i < CS_PROCESSES; i++)
        if (server.processes[i].pid && server.processes[i].id == id) {
            if (number == SIGCONT)
                server.processes[i].stop_told = 0;
            CS_CALL2(SYS_kill, -server.processes[i].pid, number);
        }
    /* One that came while the last was not answered, if it holds. */
    if (number == SIGCONT && server.place.terminals.count)
        tell_stopped();
}

/* One message of the supervisor with at most five descriptors; their number. */
static int receive_message(struct cs_message *message, int descriptors[5])
{
    union {
        char bytes[CMSG_SPACE(5 * sizeof(int))];
        struct cmsghdr align;
    } control;
    struct iovec vector = {.iov_base = message, .iov_len = sizeof(*message)};
    struct msghdr header = {
        .msg_iov = &vector, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control.bytes)};
    long length;
    do
        length = CS_CALL3(SYS_recvmsg, CS_FD_CONTROL, &header, MSG_CMSG_CLOEXEC);
    while (length == -EINTR);
    /* End of file is the supervisor's end: the place ends with it. */
    if (length != (long)sizeof(*message) || (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
        leave(125);

    int count = 0;
    for (struct cmsghdr *part = CMSG_FIRSTHDR(&header); part; part = CMSG_NXTHDR(&header, part)) {
        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
            leave(125);
        const size_t bytes = part->cmsg_len - CMSG_LEN(0);
        for (size_t i = 0; i < bytes / sizeof(int) && count < 5; i++)
            /* volatile, or the compiler calls memcpy, which is not there (entry.c) */
            descriptors[count++] = ((const volatile int *)(const void *)CMSG_DATA(part))[i];
    }
    return count;
}

static void handle_message(void)
{
    struct cs_message message;
    int descriptors[5];
    const int count = receive_message(&message, descriptors);
    if (message.kind == CS_MESSAGE_SPAWN && count == 5) {
        struct spawn_request request = {.id = message.id,
                                        .ends_place = message.value[0] == 1,
                                        .has_terminal = message.value[1] == 1,
                                        .payload = descriptors[0],
                                        .gate = descriptors[1],
                                        .stdio = {descriptors[2], descriptors[3], descriptors[4]}};
        spawn_process(&request);
    } else if (message.kind == CS_MESSAGE_SIGNAL && count == 0 && message.value[0] > 0 && message.value[0] <= 64) {
        signal_group(message.id, (int)message.value[0]);
    } else {
        leave(125);
    }
}

static _Noreturn void serve(void)
{
    for (int failed = 0;;) {
        struct pollfd watched[3] = {
            {.fd = CS_FD_CONTROL, .events = POLLIN},
            {.fd = server.child_signals, .events = POLLIN},
            {.fd = server.timer, .events = POLLIN},
        };
        const long ready = CS_CALL3(SYS_poll, watched, 3, -1);
        if (ready == -EINTR)
            continue;
        /* Once may pass (memory was short); a pid 1 that stays blind ends the place. poll(2). */
        if (ready < 0 && ++failed <= 10)
            continue;
        if (ready < 0)
            leave(125);
        failed = 0;
        if (watched[1].revents) {
            char discarded[128 * 4];
            CS_CALL3(SYS_read, server.child_signals, discarded, sizeof(discarded));
            reap();
            if (server.place.terminals.count)
                tell_stopped();
        }
        if (watched[2].revents)
            limit_passed();
        if (watched[0].revents)
            handle_message();
    }
}

static int open_events(void)
{
    const uint64_t mask = 1ull << (SIGCHLD - 1);
    const uint64_t all = ~0ull;
    long result = CS_CALL4(SYS_rt_sigprocmask, SIG_SETMASK, &all, NULL, sizeof(all));
    if (result < 0)
        return (int)-result;
    result = CS_CALL4(SYS_signalfd4, -1, &mask, sizeof(mask), O_CLOEXEC | O_NONBLOCK);
    if (result < 0)
        return (int)-result;
    server.child_signals = (int)result;
    result = CS_CALL2(SYS_timerfd_create, CLOCK_MONOTONIC, O_CLOEXEC | O_NONBLOCK);
    if (result < 0)
        return (int)-result;
    server.timer = (int)result;
    return 0;
}

/*
 * Gate A: nothing is done before there is a plan. Its sealed memfd is mapped and checked; `done` steps of it are done.
 *
 * The first one may be the beginning of the last launch's plan (early.c). The one that counts comes from the supervisor,
 * which has hold of this process by then, and has compared the two.
 */
static void await_go(struct cs_place *place, uint32_t done)
{
    struct cs_message message;
    int descriptors[5];
    cs_wait_awake(CS_FD_CONTROL);
    const int count = receive_message(&message, descriptors);
    if (count < 1 || count > 2 || message.kind != CS_MESSAGE_GO)
        leave(125);
    place->detached = count == 2 ? descriptors[1] : -1;
    uint64_t size;
    int error = 0;
    place->plan = map_sealed(descriptors[0], &size, &error);
    if (place->plan)
        error = cs_check_plan(place->plan, size);
    if (!error && (message.value[0] != done || (done && place->plan->first_steps) || place->plan->step_count < done))
        error = EINVAL;
    if (!error)
        error = (int)-CS_CALL1(SYS_close, descriptors[0]);
    if (error)
        fail(CS_FD_CONTROL, 0, CS_STEP_INIT_PLAN, error);
}

/* All steps that are not done yet; how many of the plan are done then. */
static uint32_t run_steps(struct cs_place *place, uint32_t done)
{
    const struct cs_step *steps = cs_at(place, place->plan->steps);
    for (; done < place->plan->step_count; done++) {
        const int error = cs_place_step(place, &steps[done]);
        if (error)
            fail(CS_FD_CONTROL, 0, (int)done, error);
        /* The supervisor looks at the mounts while the rest is installed. */
        const struct cs_message mounted = {.kind = CS_MESSAGE_MOUNTED};
        if (steps[done].op == CS_OP_ENTER_ROOT && send_message(CS_FD_CONTROL, &mounted) < 0)
            leave(125);
    }
    return done;
}

_Noreturn void cs_init_main(void)
{
    struct cs_place *place = &server.place;
    const long result = CS_CALL5(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (result < 0)
        fail(CS_FD_CONTROL, 0, CS_STEP_CHILD_PDEATHSIG, (int)-result);
    /* Only pid 1 of its namespace may go on: anything else that borrows the name is just a program that ends here. */
    if (CS_CALL0(SYS_getpid) != 1)
        leave(125);
    await_go(place, 0);
    const int error = open_events();
    if (error)
        fail(CS_FD_CONTROL, 0, CS_STEP_INIT_PLAN, error);
    place->root = -1;
    place->report.kind = CS_MESSAGE_PLACE_READY;
    if (CS_CALL1(SYS_umask, 0) < 0)
        fail(CS_FD_CONTROL, 0, CS_STEP_INIT_PLAN, EPERM);

    uint32_t done = run_steps(place, 0);
    if (place->plan->first_steps) {
        await_go(place, done);
        done = run_steps(place, done);
    }
    const long sent = send_ready(place);
    if (sent < 0)
        fail(CS_FD_CONTROL, 0, CS_STEP_INIT_REPORT, (int)-sent);
    serve();
}

int cs_init_requested(char *const *argv, char *const *environment)
{
    return argv[0] && !argv[1] && cs_same_text(argv[0], CS_INIT_NAME) && !environment[0];
}
