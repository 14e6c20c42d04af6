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
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>

#include "cs_awake.h"
#include "cs_init.h"
#include "cs_sys.h"
#include "cs_text.h"
#include "messages.h"
#include "place.h"
#include "process.h"
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
    int timed_out;
    int32_t first;    /* a process that was made before our own filter and waits for the first request; 0: none */
    int first_socket; /* where it waits */
    struct process processes[CS_PROCESSES];
};

static struct server server; /* zero pages until used */

const char *cs_init_memory_end(void) { return (const char *)(&server + 1); }

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
    const uint32_t terminals = place->terminals.count;
    int passed[1 + CS_TERMINALS_MOST];
    passed[0] = (int)list;
    for (uint32_t i = 0; i < terminals; i++)
        passed[1 + i] = place->terminals.each[i].controlling;
    const long result = cs_send_descriptors(CS_FD_CONTROL, message, passed, 1 + terminals);
    long closed = CS_CALL1(SYS_close, list);
    for (uint32_t i = 0; i < terminals && closed == 0; i++)
        closed = CS_CALL1(SYS_close, place->terminals.each[i].controlling);
    return result < 0 ? result : closed;
}

static void arm_timer(uint64_t milliseconds)
{
    const struct itimerspec when = {
        .it_value = {.tv_sec = (time_t)(milliseconds / 1000), .tv_nsec = (long)(milliseconds % 1000) * 1000000},
    };
    long result = CS_CALL4(SYS_timerfd_settime, cs_wall_timer, 0, &when, NULL);
    struct itimerspec left = {{0, 0}, {0, 0}};
    if (result == 0)
        result = CS_CALL2(SYS_timerfd_gettime, cs_wall_timer, &left);
    /* What was short may have passed already; then it is in the descriptor, and poll(2) says so. */
    if (result == 0 && milliseconds >= 1000 && !left.it_value.tv_sec && !left.it_value.tv_nsec)
        result = -EIO;
    if (result < 0)
        cs_fail(CS_FD_CONTROL, 0, CS_STEP_INIT_SERVE, (int)-result);
}

static void started(uint32_t id, int32_t pid)
{
    struct cs_message message = {.kind = CS_MESSAGE_STARTED, .id = id};
    /* prctl(2): from here on only somebody with CAP_SYS_PTRACE over this user namespace reads /proc/1 — the
     * supervisor, never a process of the place. The copy that is the worker stays readable until its exec. */
    const long sealed = CS_CALL5(SYS_prctl, PR_SET_DUMPABLE, 0, 0, 0, 0);
    if (sealed < 0)
        cs_fail(CS_FD_CONTROL, id, CS_STEP_INIT_DUMPABLE, (int)-sealed);
    message.value[0] = pid;
    message.value[1] = CS_CALL5(SYS_prctl, PR_GET_DUMPABLE, 0, 0, 0, 0);
    if (cs_send_message(CS_FD_CONTROL, &message) < 0)
        cs_leave(125);
}

/* A process that cannot be made is nobody's end but its own: pid 1 has the others to look after. */
static void give_up_process(const struct cs_spawn_request *request, int error)
{
    const struct cs_message message = {
        .kind = CS_MESSAGE_NOT_STARTED, .id = request->id, .step = CS_STEP_INIT_FORK, .error = error};
    /* Before its gate closes, which would only say that it is gone. */
    if (cs_send_message(CS_FD_CONTROL, &message) < 0)
        cs_leave(125);
    CS_CALL1(SYS_close, request->payload);
    CS_CALL1(SYS_close, request->gate);
    for (int i = 0; i < 3; i++)
        CS_CALL1(SYS_close, request->stdio[i]);
}

/* fork(2) by its bare call: pid 1 is small, and the child gets the request as it is now. */
static long fork_process(struct cs_spawn_request *request)
{
    const long pid = CS_CALL5(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
    if (pid == 0)
        cs_run_process(request);
    return pid;
}

/* To the one that waits: its pid, or -errno. */
static long hand_over(const struct cs_spawn_request *request)
{
    const int32_t pid = server.first;
    struct cs_message message = {.kind = CS_MESSAGE_SPAWN, .id = request->id};
    message.value[0] = request->ends_place;
    message.value[1] = request->has_terminal;
    const int passed[CS_DESCRIPTORS_MOST] = {request->payload, request->gate, request->stdio[0], request->stdio[1],
                                             request->stdio[2]};
    const long result = cs_send_descriptors(server.first_socket, &message, passed, CS_DESCRIPTORS_MOST);
    server.first = 0;
    CS_CALL1(SYS_close, server.first_socket);
    return result < 0 ? result : pid;
}

static struct cs_spawn_request request_of(const struct cs_message *message, const int *descriptors)
{
    const struct cs_spawn_request request = {.id = message->id,
                                             .ends_place = message->value[0] == 1,
                                             .has_terminal = message->value[1] == 1,
                                             .payload = descriptors[0],
                                             .gate = descriptors[1],
                                             .stdio = {descriptors[2], descriptors[3], descriptors[4]}};
    return request;
}

/*
 * The first process, made before pid 1 takes its own filter. A filter is inherited, and what it refuses is refused before
 * any other filter could have somebody told of it (seccomp(2), "the highest precedence"). It waits for its request as
 * everything else: what it runs until it has a filter of its own is this code.
 */
static int make_first(void)
{
    int pair[2];
    long result = CS_CALL4(SYS_socketpair, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair);
    if (result < 0)
        return (int)-result;
    result = CS_CALL5(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
    if (result == 0) {
        struct cs_message message;
        int descriptors[CS_DESCRIPTORS_MOST];
        CS_CALL1(SYS_close, pair[0]);
        if (CS_CALL5(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
            cs_leave(125);
        if (cs_receive_request(pair[1], &message, descriptors) != CS_DESCRIPTORS_MOST)
            cs_leave(125);
        struct cs_spawn_request request = request_of(&message, descriptors);
        cs_run_process(&request);
    }
    CS_CALL1(SYS_close, pair[1]);
    if (result < 0)
        return (int)-result;
    server.first = (int32_t)result;
    server.first_socket = pair[0];
    return 0;
}

static void spawn_process(struct cs_spawn_request *request)
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
    const long pid = server.first ? hand_over(request) : fork_process(request);
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
    /* On a /proc of another pid namespace this number is another process's. */
    if (server.place.foreign_proc)
        return 1;
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
        /*
         * A stop of one that has made pid 1 its tracer (PTRACE_TRACEME): it is told of whatever was asked for, and is no end.
         * Nobody here will ever let it go on.
         */
        if ((status & 0xff) == 0x7f || status == 0xffff) {
            CS_CALL2(SYS_kill, pid, SIGKILL);
            continue;
        }
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
            if (cs_send_message(CS_FD_CONTROL, &message) < 0)
                cs_leave(125);
            if (server.processes[i].ends_place)
                cs_leave(0);
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
        if (stopped.si_code != CLD_STOPPED) {
            CS_CALL2(SYS_kill, stopped.si_pid, SIGKILL); /* traced by us: see reap */
            continue;
        }
        struct cs_message message = {.kind = CS_MESSAGE_STOPPED, .id = server.processes[i].id};
        message.value[0] = stopped.si_status;
        server.processes[i].stop_told = 1;
        if (cs_send_message(CS_FD_CONTROL, &message) < 0)
            cs_leave(125);
    }
}

/* The wall limit: TERM for everything, then, after the grace, the end of the place. */
static void limit_passed(void)
{
    uint64_t ticks;
    CS_CALL3(SYS_read, cs_wall_timer, &ticks, sizeof(ticks));
    if (server.timed_out)
        cs_leave(124);
    server.timed_out = 1;
    const struct cs_message message = {.kind = CS_MESSAGE_TIMED_OUT};
    cs_send_message(CS_FD_CONTROL, &message);
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

static void handle_message(void)
{
    struct cs_message message;
    int descriptors[CS_DESCRIPTORS_MOST];
    const int count = cs_receive_request(CS_FD_CONTROL, &message, descriptors);
    if (message.kind == CS_MESSAGE_SPAWN && count == 5) {
        struct cs_spawn_request request = request_of(&message, descriptors);
        spawn_process(&request);
    } else if (message.kind == CS_MESSAGE_SIGNAL && count == 0 && message.value[0] > 0 && message.value[0] <= 64) {
        signal_group(message.id, (int)message.value[0]);
    } else {
        cs_leave(125);
    }
}

static _Noreturn void serve(void)
{
    for (int failed = 0;;) {
        struct pollfd watched[3] = {
            {.fd = CS_FD_CONTROL, .events = POLLIN},
            {.fd = server.child_signals, .events = POLLIN},
            {.fd = cs_wall_timer, .events = POLLIN},
        };
        const long ready = CS_CALL3(SYS_poll, watched, 3, -1);
        if (ready == -EINTR)
            continue;
        /* Once may pass (memory was short); a pid 1 that stays blind ends the place. poll(2). */
        if (ready < 0 && ++failed <= 10)
            continue;
        if (ready < 0)
            cs_leave(125);
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
    cs_wall_timer = (int)result;
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
    int descriptors[CS_DESCRIPTORS_MOST];
    cs_wait_awake(CS_FD_CONTROL);
    const int count = cs_receive_request(CS_FD_CONTROL, &message, descriptors);
    if (count < 1 || count > 2 || message.kind != CS_MESSAGE_GO)
        cs_leave(125);
    place->detached = count == 2 ? descriptors[1] : -1;
    uint64_t size;
    int error = 0;
    place->plan = cs_map_sealed(descriptors[0], &size, &error);
    if (place->plan)
        error = cs_check_plan(place->plan, size);
    if (!error && (message.value[0] != done || (done && place->plan->first_steps) || place->plan->step_count < done))
        error = EINVAL;
    if (!error)
        error = (int)-CS_CALL1(SYS_close, descriptors[0]);
    if (error)
        cs_fail(CS_FD_CONTROL, 0, CS_STEP_INIT_PLAN, error);
}

/* All steps that are not done yet; how many of the plan are done then. */
static uint32_t run_steps(struct cs_place *place, uint32_t done)
{
    const struct cs_step *steps = cs_at(place, place->plan->steps);
    for (; done < place->plan->step_count; done++) {
        int error = 0;
        if (steps[done].op == CS_OP_PLACE_FILTER && steps[done].a == 1)
            error = make_first();
        if (!error)
            error = cs_place_step(place, &steps[done]);
        if (error)
            cs_fail(CS_FD_CONTROL, 0, (int)done, error);
        /* The supervisor looks at the mounts while the rest is installed. */
        const struct cs_message mounted = {.kind = CS_MESSAGE_MOUNTED};
        if (steps[done].op == CS_OP_ENTER_ROOT && cs_send_message(CS_FD_CONTROL, &mounted) < 0)
            cs_leave(125);
    }
    return done;
}

_Noreturn void cs_init_main(void)
{
    struct cs_place *place = &server.place;
    const long result = CS_CALL5(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (result < 0)
        cs_fail(CS_FD_CONTROL, 0, CS_STEP_CHILD_PDEATHSIG, (int)-result);
    /* Only pid 1 of its namespace may go on: anything else that borrows the name is just a program that ends here. */
    if (CS_CALL0(SYS_getpid) != 1)
        cs_leave(125);
    await_go(place, 0);
    const int error = open_events();
    if (error)
        cs_fail(CS_FD_CONTROL, 0, CS_STEP_INIT_PLAN, error);
    place->root = -1;
    place->report.kind = CS_MESSAGE_PLACE_READY;
    if (CS_CALL1(SYS_umask, 0) < 0)
        cs_fail(CS_FD_CONTROL, 0, CS_STEP_INIT_PLAN, EPERM);

    uint32_t done = run_steps(place, 0);
    if (place->plan->first_steps) {
        await_go(place, done);
        done = run_steps(place, done);
    }
    const long sent = send_ready(place);
    if (sent < 0)
        cs_fail(CS_FD_CONTROL, 0, CS_STEP_INIT_REPORT, (int)-sent);
    serve();
}

int cs_init_requested(char *const *argv, char *const *environment)
{
    return argv[0] && !argv[1] && cs_same_text(argv[0], CS_INIT_NAME) && !environment[0];
}
