/*
 * The keeper of a job without namespaces: the weaker profile landlock-only.
 *
 * It does to itself what the plan says, forks the worker, and ends everything that the worker leaves. It speaks with the
 * supervisor as pid 1 of a place does (cs_wire.h), and shares the steps and the worker's way to its gate with it; but nothing
 * of pid 1 knows of it: a place cannot come to be without its namespaces by any switch here.
 *
 * What takes the place of the pid namespace:
 *   subreaper      whatever the job makes has one of our children above it, or becomes one (prctl(2))
 *   two domains    ours, and in it the worker's: from ABI 6 the worker cannot signal us, and our kill(-1) reaches the
 *                  job and nobody else, all of it under one lock of the kernel's (kill(2), landlock(7))
 *   lifeline       the end of the control socket: we outlive the supervisor just long enough to end the job
 *
 * Runs before libc (entry.c): bare calls only.
 */
#include "cs_landlock_only.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>

#include "cs_init.h"
#include "cs_sys.h"
#include "cs_text.h"
#include "messages.h"
#include "place.h"
#include "process.h"

#define CS_WALL 0x40000000 /* children of any exit signal, clone(2) */
/* Killed processes end in milliseconds; one that hangs in a file system of the network may not. */
#define CS_SWEEP_PATIENCE_MS 10000
#define CS_CHILDREN_TEXT 4096

struct keeper {
    struct cs_place place;
    int children; /* /proc/thread-self/children, opened before the domain */
    int child_signals;
    int timer;
    int ruleset;    /* for the worker's own domain */
    int is_bounded; /* it was seen that our signals do not leave the domain */
    int timed_out;
    const char *probe; /* path of the file that only Landlock keeps from us */
    int32_t supervisor, self, worker;
    uint32_t id;
};

static struct keeper keeper; /* zero pages until used */

/* MARK: - Ending a job */

static int64_t now_ms(void)
{
    struct timespec now;
    if (CS_CALL2(SYS_clock_gettime, CLOCK_MONOTONIC, &now) < 0)
        return -1;
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Signals each child in the list: numbers with a space behind each (proc(5)). A part of a number at the end is left. */
static void signal_children(int children, int number)
{
    char text[CS_CHILDREN_TEXT];
    const long length = CS_CALL4(SYS_pread64, children, text, sizeof(text), 0);
    int64_t pid = 0;
    for (long i = 0; i < length; i++) {
        if (text[i] >= '0' && text[i] <= '9') {
            pid = pid * 10 + (text[i] - '0');
            continue;
        }
        /* A child of ours that is not reaped: the number is nobody else's. */
        if (pid > 1)
            CS_CALL2(SYS_kill, pid, number);
        pid = 0;
    }
}

static void pause_a_moment(void)
{
    const struct timespec moment = {.tv_nsec = 1000000};
    CS_CALL2(SYS_nanosleep, &moment, NULL);
}

/* `bounded`: kill(-1) ends all at once, and reaches the job alone. The worker's end goes into *status and *usage, if it is among them. */
static long end_all(int children, int bounded, int32_t worker, int *status, struct rusage *usage, uint32_t milliseconds)
{
    const int64_t until = now_ms() + milliseconds;
    for (;;) {
        if (bounded)
            CS_CALL2(SYS_kill, -1, SIGKILL);
        else
            signal_children(children, SIGKILL);
        for (;;) {
            int found;
            struct rusage used;
            const long pid = CS_CALL4(SYS_wait4, -1, &found, WNOHANG | CS_WALL, &used);
            if (pid == -ECHILD)
                return 0;
            if (pid > 0 && pid == worker && status) {
                *status = found;
                *usage = used;
            }
            if (pid == -EINTR || pid > 0)
                continue;
            break;
        }
        const int64_t now = now_ms();
        if (now < 0 || now >= until)
            return -ETIMEDOUT;
        pause_a_moment();
    }
}

long cs_end_children(int children, uint32_t milliseconds)
{
    return end_all(children, 0, 0, NULL, NULL, milliseconds);
}

long cs_adopt_orphans(void)
{
    long result = CS_CALL5(SYS_prctl, PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    int is_set = 0;
    if (result == 0)
        result = CS_CALL5(SYS_prctl, PR_GET_CHILD_SUBREAPER, &is_set, 0, 0, 0);
    if (result == 0 && is_set != 1)
        result = -EIO;
    if (result < 0)
        return result;
    return CS_CALL4(SYS_openat, AT_FDCWD, "/proc/thread-self/children", O_RDONLY | O_CLOEXEC, 0);
}

/* Nothing of the job is left behind, whatever ends us; that something was, nobody may be there to be told. */
static _Noreturn void leave(int status)
{
    end_all(keeper.children, keeper.is_bounded, 0, NULL, NULL, CS_SWEEP_PATIENCE_MS);
    cs_leave(status);
}

static void signal_all(int number)
{
    if (keeper.is_bounded) {
        CS_CALL2(SYS_kill, -1, number);
        return;
    }
    if (keeper.worker)
        CS_CALL2(SYS_kill, -keeper.worker, number);
    signal_children(keeper.children, number);
}

/* MARK: - The worker */

static _Noreturn void run_worker(struct cs_spawn_request *request)
{
    int64_t before[CS_PROCESS_VALUES];
    for (int i = 0; i < CS_PROCESS_VALUES; i++)
        ((volatile int64_t *)before)[i] = 0; /* volatile, or the compiler calls memset, which is not there (entry.c) */
    /* Its parent-death signal comes next; whose end that was before is seen here. */
    if (CS_CALL0(SYS_getppid) != keeper.self)
        cs_leave(125);
    before[CS_PROCESS_NARROW_CONTROL] = CS_CALL2(SYS_kill, keeper.self, 0) == 0;
    const long restricted = CS_CALL2(CS_LANDLOCK_RESTRICT_SELF, keeper.ruleset, 0);
    if (restricted < 0)
        cs_fail(request->gate, request->id, CS_STEP_PROCESS_NARROW, (int)-restricted);
    before[CS_PROCESS_NARROW_SIGNAL] = -CS_CALL2(SYS_kill, keeper.self, 0);
    request->probe = keeper.probe;
    request->before = before;
    cs_run_process(request);
}

static void tell(const struct cs_message *message)
{
    if (cs_send_message(CS_FD_CONTROL, message) < 0)
        leave(125);
}

static void arm_timer(uint64_t milliseconds)
{
    const struct itimerspec when = {
        .it_value = {.tv_sec = (time_t)(milliseconds / 1000), .tv_nsec = (long)(milliseconds % 1000) * 1000000},
    };
    struct itimerspec left = {{0, 0}, {0, 0}};
    long result = CS_CALL4(SYS_timerfd_settime, keeper.timer, 0, &when, NULL);
    if (result == 0)
        result = CS_CALL2(SYS_timerfd_gettime, keeper.timer, &left);
    if (result == 0 && milliseconds >= 1000 && !left.it_value.tv_sec && !left.it_value.tv_nsec)
        result = -EIO;
    if (result < 0) {
        const struct cs_message message = {
            .kind = CS_MESSAGE_FAILED, .step = CS_STEP_INIT_SERVE, .error = (int)-result};
        cs_send_message(CS_FD_CONTROL, &message);
        leave(125);
    }
}

static void spawn(struct cs_spawn_request *request)
{
    if (keeper.worker)
        leave(125); /* there is one, and no other */
    arm_timer(keeper.place.plan->wall_ms);
    const long pid = CS_CALL5(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
    if (pid == 0)
        run_worker(request);
    struct cs_message message = {.kind = CS_MESSAGE_STARTED, .id = request->id};
    if (pid < 0) {
        message.kind = CS_MESSAGE_NOT_STARTED;
        message.step = CS_STEP_INIT_FORK;
        message.error = (int)-pid;
    } else {
        keeper.worker = (int32_t)pid;
        keeper.id = request->id;
        /* From here on nobody of the same user reads our memory; the worker is another process, and stays readable. */
        const long sealed = CS_CALL5(SYS_prctl, PR_SET_DUMPABLE, 0, 0, 0, 0);
        if (sealed < 0)
            leave(125);
        message.value[0] = pid;
        message.value[1] = CS_CALL5(SYS_prctl, PR_GET_DUMPABLE, 0, 0, 0, 0);
    }
    tell(&message);
    CS_CALL1(SYS_close, request->payload);
    CS_CALL1(SYS_close, request->gate);
    for (int i = 0; i < 3; i++)
        CS_CALL1(SYS_close, request->stdio[i]);
}

/* The worker has ended: so does everything else of the job, and we with it. */
static _Noreturn void worker_ended(int status, struct rusage *usage)
{
    struct cs_message message = {.kind = CS_MESSAGE_EXITED, .id = keeper.id};
    message.value[4] = end_all(keeper.children, keeper.is_bounded, 0, NULL, NULL, CS_SWEEP_PATIENCE_MS) == 0;
    message.value[0] = status;
    message.value[1] = usage->ru_utime.tv_sec * 1000000 + usage->ru_utime.tv_usec;
    message.value[2] = usage->ru_stime.tv_sec * 1000000 + usage->ru_stime.tv_usec;
    message.value[3] = usage->ru_maxrss;
    message.value[5] = (status & 0x7f) != 0;
    cs_send_message(CS_FD_CONTROL, &message);
    cs_leave(message.value[4] ? 0 : 125);
}

static void reap(void)
{
    for (;;) {
        int status;
        struct rusage usage;
        const long pid = CS_CALL4(SYS_wait4, -1, &status, WNOHANG | CS_WALL, &usage);
        if (pid == -EINTR)
            continue;
        if (pid <= 0)
            return;
        /* A stop of one that has made us its tracer (PTRACE_TRACEME): nobody here will ever let it go on. */
        if ((status & 0xff) == 0x7f || status == 0xffff) {
            CS_CALL2(SYS_kill, pid, SIGKILL);
            continue;
        }
        if (pid == keeper.worker)
            worker_ended(status, &usage);
    }
}

/* The wall limit: TERM for everything, then, after the grace, the end. */
static void limit_passed(void)
{
    uint64_t ticks;
    CS_CALL3(SYS_read, keeper.timer, &ticks, sizeof(ticks));
    if (keeper.timed_out)
        leave(124);
    keeper.timed_out = 1;
    const struct cs_message message = {.kind = CS_MESSAGE_TIMED_OUT};
    tell(&message);
    signal_all(SIGTERM);
    signal_all(SIGCONT);
    arm_timer(keeper.place.plan->grace_ms ? keeper.place.plan->grace_ms : 1);
}

static void handle_message(void)
{
    struct cs_message message;
    int descriptors[CS_DESCRIPTORS_MOST];
    /* The supervisor's end is the job's; looked at first, because the receiver ends us without a sweep. */
    long length;
    do
        length = cs_syscall6(SYS_recvfrom, CS_FD_CONTROL, (long)&message, sizeof(message), MSG_PEEK, 0, 0);
    while (length == -EINTR);
    if (length != (long)sizeof(message))
        leave(125);
    const int count = cs_receive_request(CS_FD_CONTROL, &message, descriptors);
    if (message.kind == CS_MESSAGE_SPAWN && count == 5 && message.value[0] == 1 && message.value[1] == 0) {
        struct cs_spawn_request request = {
            .id = message.id,
            .ends_place = 1,
            .payload = descriptors[0],
            .gate = descriptors[1],
            .stdio = {descriptors[2], descriptors[3], descriptors[4]},
        };
        spawn(&request);
    } else if (message.kind == CS_MESSAGE_SIGNAL && count == 0 && message.value[0] > 0 && message.value[0] <= 64) {
        if (keeper.worker && message.id == keeper.id)
            CS_CALL2(SYS_kill, -keeper.worker, message.value[0]);
    } else {
        leave(125);
    }
}

static _Noreturn void serve(void)
{
    for (int failed = 0;;) {
        struct pollfd watched[3] = {
            {.fd = CS_FD_CONTROL, .events = POLLIN},
            {.fd = keeper.child_signals, .events = POLLIN},
            {.fd = keeper.timer, .events = POLLIN},
        };
        const long ready = CS_CALL3(SYS_poll, watched, 3, -1);
        if (ready == -EINTR)
            continue;
        /* Once may pass (memory was short); a keeper that stays blind ends the job. poll(2). */
        if (ready < 0 && ++failed <= 10)
            continue;
        if (ready < 0)
            leave(125);
        failed = 0;
        if (watched[1].revents) {
            char discarded[128 * 4];
            CS_CALL3(SYS_read, keeper.child_signals, discarded, sizeof(discarded));
            reap();
        }
        if (watched[2].revents)
            limit_passed();
        if (watched[0].revents)
            handle_message();
    }
}

/* MARK: - Setting up */

static void require(long result, int step)
{
    if (result < 0)
        cs_fail(CS_FD_CONTROL, 0, step, (int)-result);
}

/* capabilities(7): an ordinary user has none; one who was given some hands none on. */
static long drop_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    const struct __user_cap_data_struct none[2] = {{0}, {0}};
    const long result = CS_CALL5(SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    return result < 0 ? result : CS_CALL2(SYS_capset, &header, none);
}

static void open_events(void)
{
    const uint64_t mask = 1ull << (SIGCHLD - 1);
    const uint64_t all = ~0ull;
    require(CS_CALL4(SYS_rt_sigprocmask, SIG_SETMASK, &all, NULL, sizeof(all)), CS_STEP_INIT_SERVE);
    long result = CS_CALL4(SYS_signalfd4, -1, &mask, sizeof(mask), O_CLOEXEC | O_NONBLOCK);
    require(result, CS_STEP_INIT_SERVE);
    keeper.child_signals = (int)result;
    result = CS_CALL2(SYS_timerfd_create, CLOCK_MONOTONIC, O_CLOEXEC | O_NONBLOCK);
    require(result, CS_STEP_INIT_SERVE);
    keeper.timer = (int)result;
}

static void await_plan(void)
{
    struct cs_message message;
    int descriptors[CS_DESCRIPTORS_MOST];
    const int count = cs_receive_request(CS_FD_CONTROL, &message, descriptors);
    if (count != 1 || message.kind != CS_MESSAGE_GO || message.value[0] != 0)
        cs_leave(125);
    uint64_t size;
    int error = 0;
    keeper.place.plan = cs_map_sealed(descriptors[0], &size, &error);
    if (keeper.place.plan)
        error = cs_check_plan(keeper.place.plan, size);
    if (!error && keeper.place.plan->first_steps)
        error = EINVAL;
    require(-error, CS_STEP_INIT_PLAN);
    require(CS_CALL1(SYS_close, descriptors[0]), CS_STEP_INIT_PLAN);
    const long root = CS_CALL4(SYS_openat, AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
    require(root, CS_STEP_INIT_PLAN);
    keeper.place.root = (int)root;
}

/* Our own domain with its acts, and before it what the worker's will be made from. */
static int restrict_self(const struct cs_step *step)
{
    struct cs_place *place = &keeper.place;
    const long ruleset = cs_place_ruleset(place);
    if (ruleset < 0)
        return (int)-ruleset;
    keeper.ruleset = (int)ruleset;
    const int could = CS_CALL2(SYS_kill, keeper.supervisor, 0) == 0;
    const int error = cs_place_landlock(place, step);
    if (error)
        return error;
    const long answer = CS_CALL2(SYS_kill, keeper.supervisor, 0);
    place->report.value[CS_KEEPER_SIGNAL_CONTROL] = could;
    place->report.value[CS_KEEPER_SIGNAL] = -answer;
    keeper.is_bounded = could && answer == -EPERM && (place->plan->scoped & 2);
    return 0;
}

/* Only what acts on a process itself: a mount here would be the host's. */
static int step_of_keeper(const struct cs_step *step)
{
    switch (step->op) {
    case CS_OP_FRESH_KEYRING:
    case CS_OP_RLIMIT:
    case CS_OP_ATTRIBUTES:
    case CS_OP_NO_NEW_PRIVILEGES:
    case CS_OP_PLACE_FILTER:
        return cs_place_step(&keeper.place, step);
    case CS_OP_LANDLOCK:
        return restrict_self(step);
    default:
        return EINVAL;
    }
}

static void run_steps(void)
{
    struct cs_place *place = &keeper.place;
    const struct cs_step *steps = cs_at(place, place->plan->steps);
    for (uint32_t i = 0; i < place->plan->step_count; i++) {
        const int error = step_of_keeper(&steps[i]);
        if (error)
            cs_fail(CS_FD_CONTROL, 0, (int)i, error);
        if (steps[i].op == CS_OP_LANDLOCK)
            keeper.probe = cs_text(place, steps[i].text);
    }
    if (!keeper.probe || !*keeper.probe)
        cs_fail(CS_FD_CONTROL, 0, CS_STEP_INIT_PLAN, EINVAL);
    place->report.value[CS_PLACE_USERNS_ERRNO] = -CS_CALL1(SYS_unshare, CLONE_NEWUSER);
}

_Noreturn void cs_keeper_main(void)
{
    keeper.self = (int32_t)CS_CALL0(SYS_getpid);
    keeper.supervisor = (int32_t)CS_CALL0(SYS_getppid);
    /* Somebody who only borrows the name has no supervisor with a plan; one whose supervisor is gone has nothing to do. */
    if (keeper.supervisor <= 1)
        cs_leave(125);
    /* execveat(2) of a descriptor leaves its number as the name: whoever looks at a list of processes sees what this is. */
    require(CS_CALL5(SYS_prctl, PR_SET_NAME, "codex-keeper", 0, 0, 0), CS_STEP_INIT_SERVE);
    const long children = cs_adopt_orphans();
    require(children, CS_STEP_INIT_SERVE);
    keeper.children = (int)children;
    keeper.place.detached = -1;
    keeper.place.report.kind = CS_MESSAGE_PLACE_READY;
    keeper.place.report.value[CS_KEEPER_SUBREAPER] = 1;
    open_events();
    require(drop_capabilities(), CS_STEP_CHILD_CAPABILITIES);
    await_plan();
    run_steps();
    require(cs_send_message(CS_FD_CONTROL, &keeper.place.report), CS_STEP_INIT_REPORT);
    serve();
}

int cs_keeper_requested(char *const *argv, char *const *environment)
{
    return argv[0] && !argv[1] && cs_same_text(argv[0], CS_KEEPER_NAME) && !environment[0];
}

/* MARK: - The supervisor's side */

/* In the copy: 3 and 4, and nothing else that stays open; then this executable as a keeper. */
static _Noreturn void become_keeper(int control, int self)
{
    long result = CS_CALL3(SYS_fcntl, control, F_DUPFD_CLOEXEC, 8);
    const long moved = result;
    if (result >= 0)
        result = CS_CALL3(SYS_fcntl, self, F_DUPFD_CLOEXEC, 8);
    const long executable = result;
    if (result >= 0)
        result = CS_CALL3(SYS_dup3, moved, CS_FD_CONTROL, 0);
    if (result < 0)
        cs_leave(125);
    result = CS_CALL3(SYS_dup3, executable, CS_FD_SELF, O_CLOEXEC);
    if (result >= 0)
        result = CS_CALL3(SYS_close_range, 0, CS_FD_CONTROL - 1, 0);
    if (result >= 0)
        result = CS_CALL3(SYS_close_range, CS_FD_SELF + 1, ~0u, 0);
    if (result == 0 && CS_CALL2(SYS_fcntl, moved, F_GETFD) != -EBADF)
        result = -EIO;
    require(result, CS_STEP_CHILD_DESCRIPTORS);
    require(CS_CALL0(SYS_setsid), CS_STEP_CHILD_SESSION);
    const char *arguments[3]; /* filled at run time: constant data must not hold pointers (entry.c) */
    arguments[0] = CS_KEEPER_NAME;
    arguments[1] = NULL;
    arguments[2] = NULL;
    __asm__ volatile("" ::"r"(arguments) : "memory");
    require(CS_CALL5(SYS_execveat, CS_FD_SELF, "", arguments, arguments + 2, 0x1000 /* AT_EMPTY_PATH */),
            CS_STEP_CHILD_EXEC);
    cs_leave(125);
}

long cs_keeper_start(int control, int self, int *pidfd)
{
    *pidfd = -1;
    const long pid = CS_CALL5(SYS_clone, CLONE_PIDFD | SIGCHLD, NULL, pidfd, NULL, NULL);
    if (pid == 0)
        become_keeper(control, self);
    return pid;
}
