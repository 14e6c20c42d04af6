/*
 * pid 1 of a place: sets it up once, then serves: requests, ends of processes (processes.c), the wall limit.
 *
 * Runs in a fresh address space (exec by descriptor, empty environment) inside the new user namespace, so that no
 * secret of the caller is in its memory and its /proc entries stay readable for the supervisor after it turns
 * non-dumpable. Single-threaded, no libc calls, no allocation; every wait also watches the lifeline to the supervisor.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/timerfd.h>
#include <time.h>

#include "cs_awake.h"
#include "cs_init.h"
#include "cs_sys.h"
#include "cs_text.h"
#include "messages.h"
#include "place.h"
#include "processes.h"

struct server {
    struct cs_place place;
    int child_signals; /* signalfd for SIGCHLD */
    int armed;         /* the wall limit counts from the first request */
    int timed_out;
};

static struct server server;

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

static void handle_message(void)
{
    struct cs_message message;
    int descriptors[CS_DESCRIPTORS_MOST];
    const int count = cs_receive_request(CS_FD_CONTROL, &message, descriptors);
    if (message.kind == CS_MESSAGE_SPAWN && count == 5) {
        struct cs_spawn_request request = cs_request_of(&message, descriptors);
        if (!server.armed) {
            arm_timer(server.place.plan->wall_ms);
            server.armed = 1;
        }
        cs_spawn_process(&request);
    } else if (message.kind == CS_MESSAGE_SIGNAL && count == 0 && message.value[0] > 0 && message.value[0] <= 64) {
        cs_signal_process(&server.place, message.id, (int)message.value[0]);
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
            cs_reap_processes(&server.place);
            cs_tell_stopped(&server.place);
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
            error = cs_make_first_process();
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
