/*
 * One process of a place, from fork to execve: streams, folder, signals, filter, and the wait at gate B.
 *
 * A copy of pid 1 (init.c) that runs before libc: bare calls only.
 */
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>

#include "cs_awake.h"
#include "cs_init.h"
#include "cs_sys.h"
#include "cs_text.h"
#include "messages.h"
#include "place.h"
#include "process.h"

/* 0, 1, 2 by identity, the gate on 3 (close-on-exec), nothing else. They arrive above 3. */
static int arrange_descriptors(struct cs_spawn_request *request)
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

/* The supervisor has the listener before the first call is refused: whoever makes one waits for its answer. */
static int install_listening(const char *filter, uint32_t count, int gate, uint32_t id)
{
    const long listener = cs_install_listening_filter(filter, count);
    if (listener < 0)
        return (int)-listener;
    const int passed = (int)listener;
    const struct cs_message message = {.kind = CS_MESSAGE_PROCESS_LISTENER, .id = id};
    const long result = cs_send_descriptors(gate, &message, &passed, 1);
    if (result < 0)
        return (int)-result;
    return (int)-CS_CALL1(SYS_close, passed);
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
            cs_leave(125);
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
        cs_fail(gate, id, CS_STEP_PROCESS_GATE, (int)-table);
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
    cs_send_message(gate, &message);
    cs_leave(127);
}

_Noreturn void cs_run_process(struct cs_spawn_request *request)
{
    const uint32_t id = request->id;
    const int early = request->gate;
    /* Streams take 0 to 2 and the gate 3, one after the other: none of them may stand there already. */
    if (early <= 3 || request->stdio[0] <= 3 || request->stdio[1] <= 3 || request->stdio[2] <= 3)
        cs_fail(early, id, CS_STEP_PROCESS_DESCRIPTORS, EBADF);
    long result = CS_CALL5(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    int death_signal = 0;
    if (result == 0)
        result = CS_CALL5(SYS_prctl, PR_GET_PDEATHSIG, &death_signal, 0, 0, 0);
    if (result == 0 && death_signal != SIGKILL)
        result = -EIO;
    if (result < 0)
        cs_fail(early, id, CS_STEP_PROCESS_PDEATHSIG, (int)-result);
    /* What it has from pid 1 and keeps is compared while it does the rest. */
    const struct cs_message born = {.kind = CS_MESSAGE_PROCESS_BORN, .id = id};
    if (cs_send_message(early, &born) < 0)
        cs_leave(125);
    uint64_t size;
    int error = 0;
    const struct cs_spawn *spawn = cs_map_sealed(request->payload, &size, &error);
    if (spawn)
        error = cs_check_spawn(spawn, size);
    if (!error && !spawn->terminal != !request->has_terminal)
        error = EINVAL;
    if (error)
        cs_fail(early, id, CS_STEP_INIT_PLAN, error);
    /* A session of its own; with a terminal a group of its own in the session that has it (terminals.c). */
    result = spawn->terminal ? CS_CALL2(SYS_setpgid, 0, 0) : CS_CALL0(SYS_setsid);
    if (result < 0)
        cs_fail(early, id, CS_STEP_PROCESS_SESSION, (int)-result);

    error = arrange_descriptors(request);
    if (error)
        cs_fail(early, id, CS_STEP_PROCESS_DESCRIPTORS, error);
    const int gate = request->gate;

    if (spawn->own_terminal) {
        int controlling = -1;
        error = cs_make_own_terminal(&controlling);
        const struct cs_message made = {.kind = CS_MESSAGE_PROCESS_TERMINAL, .id = id};
        if (!error)
            error = (int)-cs_send_descriptors(gate, &made, &controlling, 1);
        if (error <= 0)
            error = (int)-CS_CALL1(SYS_close, controlling);
        if (error)
            cs_fail(gate, id, CS_STEP_PROCESS_TERMINAL, error);
    }
    struct cs_message report = {.kind = CS_MESSAGE_PROCESS_READY, .id = id};
    for (int i = 0; request->before && i < CS_PROCESS_VALUES; i++)
        report.value[i] = ((const volatile int64_t *)request->before)[i];
    if (spawn->terminal) {
        const int terminal = (int)spawn->terminal - 1;
        error = cs_take_foreground(terminal);
        if (error)
            cs_fail(gate, id, CS_STEP_PROCESS_TERMINAL, error);
        report.value[CS_PROCESS_FOREGROUND] = cs_has_foreground(terminal);
    }
    const char *directory = (const char *)spawn + spawn->working_directory;
    result = CS_CALL1(SYS_chdir, directory);
    if (result < 0)
        cs_fail(gate, id, CS_STEP_PROCESS_CWD, (int)-result);
    char where[4096];
    result = CS_CALL2(SYS_getcwd, where, sizeof(where));
    if (result < 0)
        cs_fail(gate, id, CS_STEP_PROCESS_CWD, (int)-result);
    report.value[CS_PROCESS_CWD] = cs_same_text(where, directory);

    error = signals_to_default_mask();
    if (error)
        cs_fail(gate, id, CS_STEP_PROCESS_SIGNALS, error);
    /* access(2) asks for modes alone: were they in the way, the refusal would not be Landlock's. Others of the place may change
     * them, at any time. */
    const char *probe = request->probe ? request->probe : CS_PROBE_FILE;
    result = CS_CALL3(SYS_faccessat, AT_FDCWD, probe, 4 /* R_OK */);
    if (result < 0)
        cs_fail(gate, id, CS_STEP_PROCESS_PROBE, (int)-result);
    const long opened = CS_CALL4(SYS_openat, AT_FDCWD, probe, O_RDONLY | O_CLOEXEC, 0);
    report.value[CS_PROCESS_LANDLOCK_READ] = opened < 0 ? -opened : 0;
    if (opened >= 0)
        CS_CALL1(SYS_close, opened);
    result = CS_CALL3(SYS_faccessat, AT_FDCWD, probe, 4 /* R_OK */);
    if (result < 0)
        cs_fail(gate, id, CS_STEP_PROCESS_PROBE, (int)-result);

    if (spawn->narrow) {
        error = cs_narrow(spawn, report.value);
        if (error)
            cs_fail(gate, id, CS_STEP_PROCESS_NARROW, error);
    }
    const char *filter = (const char *)spawn + spawn->filter;
    error = spawn->listens ? install_listening(filter, spawn->filter_count, gate, id)
                           : cs_install_filter(filter, spawn->filter_count);
    if (error)
        cs_fail(gate, id, CS_STEP_PROCESS_FILTER, error);
    report.value[CS_PROCESS_FILTER_ERRNO] = -CS_CALL2(SYS_clone3, NULL, 0);
    /* Shows that arguments are looked at, too: no file has this number, so nothing else can say EPERM. */
    report.value[CS_PROCESS_SETID_ERRNO] = -CS_CALL2(SYS_fchmod, -1, 04755);
    if (spawn->narrow || request->before) {
        const long made = CS_CALL3(SYS_socket, 1 /* AF_UNIX */, 1 /* SOCK_STREAM */, 0);
        report.value[CS_PROCESS_NARROW_SOCKET] = made < 0 ? -made : 0;
        if (made >= 0)
            CS_CALL1(SYS_close, made);
        int pair[2];
        const long paired = CS_CALL4(SYS_socketpair, 1, 2 /* SOCK_DGRAM */, 0, pair);
        report.value[CS_PROCESS_NARROW_DATAGRAM] = paired < 0 ? -paired : 0;
        if (paired == 0) {
            CS_CALL1(SYS_close, pair[0]);
            CS_CALL1(SYS_close, pair[1]);
        }
        report.value[CS_PROCESS_NARROW_MODE] = -CS_CALL2(SYS_chmod, NULL, 0);
    }
    /*
     * Others run beside it: until here it was as closed to them as pid 1, whose copy it is, because they could have had it
     * install another filter. From here on it can do nothing that they cannot, and the supervisor may look at its descriptors.
     */
    if (!request->ends_place) {
        result = CS_CALL5(SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0);
        if (result < 0)
            cs_fail(gate, id, CS_STEP_PROCESS_PROBE, (int)-result);
    }
    if (cs_send_message(gate, &report) < 0)
        cs_leave(125);
    execute(spawn, id, gate);
}
