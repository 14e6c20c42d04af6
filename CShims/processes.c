/*
 * The processes of a place, as pid 1 has them: made on request, signalled, reaped.
 *
 * A part of pid 1 (init.c) that runs before libc: bare calls only, no allocation.
 */
#include "processes.h"

#include <linux/sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "cs_sys.h"
#include "messages.h"
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

static struct {
    int32_t first;    /* a process that was made before our own filter and waits for the first request; 0: none */
    int first_socket; /* where it waits */
    struct process each[CS_PROCESSES];
} processes; /* zero pages until used */

const char *cs_init_memory_end(void) { return (const char *)(&processes + 1); }

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
    const int32_t pid = processes.first;
    struct cs_message message = {.kind = CS_MESSAGE_SPAWN, .id = request->id};
    message.value[0] = request->ends_place;
    message.value[1] = request->has_terminal;
    const int passed[CS_DESCRIPTORS_MOST] = {request->payload, request->gate, request->stdio[0], request->stdio[1],
                                             request->stdio[2]};
    const long result = cs_send_descriptors(processes.first_socket, &message, passed, CS_DESCRIPTORS_MOST);
    processes.first = 0;
    CS_CALL1(SYS_close, processes.first_socket);
    return result < 0 ? result : pid;
}

struct cs_spawn_request cs_request_of(const struct cs_message *message, const int *descriptors)
{
    const struct cs_spawn_request request = {.id = message->id,
                                             .ends_place = message->value[0] == 1,
                                             .has_terminal = message->value[1] == 1,
                                             .payload = descriptors[0],
                                             .gate = descriptors[1],
                                             .stdio = {descriptors[2], descriptors[3], descriptors[4]}};
    return request;
}

int cs_make_first_process(void)
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
        struct cs_spawn_request request = cs_request_of(&message, descriptors);
        cs_run_process(&request);
    }
    CS_CALL1(SYS_close, pair[1]);
    if (result < 0)
        return (int)-result;
    processes.first = (int32_t)result;
    processes.first_socket = pair[0];
    return 0;
}

void cs_spawn_process(struct cs_spawn_request *request)
{
    struct process *slot = NULL;
    for (uint32_t i = 0; i < CS_PROCESSES && !slot; i++)
        if (!processes.each[i].pid)
            slot = &processes.each[i];
    if (!slot) {
        give_up_process(request, EAGAIN);
        return;
    }
    /* Before the first one, where there will be others beside it: it is to be as closed as pid 1 until its filter stands. */
    if (!request->ends_place) {
        const long sealed = CS_CALL5(SYS_prctl, PR_SET_DUMPABLE, 0, 0, 0, 0);
        if (sealed < 0) {
            give_up_process(request, (int)-sealed);
            return;
        }
    }
    const long pid = processes.first ? hand_over(request) : fork_process(request);
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

void cs_reap_processes(const struct cs_place *place)
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
        /* On a /proc of another pid namespace this number is another process's. */
        const int unsure = ended.si_code != CLD_EXITED && (place->foreign_proc || cs_may_not_have_executed(pid));
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
            if (processes.each[i].pid != pid)
                continue;
            struct cs_message message = {.kind = CS_MESSAGE_EXITED, .id = processes.each[i].id};
            message.value[0] = status;
            message.value[1] = usage.ru_utime.tv_sec * 1000000 + usage.ru_utime.tv_usec;
            message.value[2] = usage.ru_stime.tv_sec * 1000000 + usage.ru_stime.tv_usec;
            message.value[3] = usage.ru_maxrss;
            message.value[5] = unsure;
            processes.each[i].pid = 0;
            if (processes.each[i].ends_place)
                message.value[4] = end_all();
            if (cs_send_message(CS_FD_CONTROL, &message) < 0)
                cs_leave(125);
            if (processes.each[i].ends_place)
                cs_leave(0);
            break;
        }
    }
}

void cs_tell_stopped(const struct cs_place *place)
{
    if (!place->terminals.count)
        return;
    for (uint32_t i = 0; i < CS_PROCESSES; i++) {
        if (!processes.each[i].pid || !processes.each[i].has_terminal || processes.each[i].stop_told)
            continue;
        siginfo_t stopped;
        stopped.si_pid = 0;
        const long result = CS_CALL5(SYS_waitid, P_PID, processes.each[i].pid, &stopped, WSTOPPED | WNOHANG | CS_WALL, NULL);
        if (result < 0 || stopped.si_pid == 0)
            continue;
        if (stopped.si_code != CLD_STOPPED) {
            CS_CALL2(SYS_kill, stopped.si_pid, SIGKILL); /* traced by us: see cs_reap_processes */
            continue;
        }
        struct cs_message message = {.kind = CS_MESSAGE_STOPPED, .id = processes.each[i].id};
        message.value[0] = stopped.si_status;
        processes.each[i].stop_told = 1;
        if (cs_send_message(CS_FD_CONTROL, &message) < 0)
            cs_leave(125);
    }
}

void cs_signal_process(const struct cs_place *place, uint32_t id, int number)
{
    for (uint32_t i = 0; i < CS_PROCESSES; i++)
        if (processes.each[i].pid && processes.each[i].id == id) {
            if (number == SIGCONT)
                processes.each[i].stop_told = 0;
            CS_CALL2(SYS_kill, -processes.each[i].pid, number);
        }
    /* One that came while the last was not answered, if it holds. */
    if (number == SIGCONT)
        cs_tell_stopped(place);
}
