/* One probe in a child of its own, from the fork to its report. */
#include "cs_probe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "probe_calls.h"
#include "probes.h"

static int (*const probes[CS_PROBE_COUNT])(const struct cs_probe_identity *, struct cs_probe_result *) = {
    [CS_PROBE_USER_NAMESPACE] = cs_probe_enter_user_namespace,
    [CS_PROBE_MOUNT_NAMESPACE] = cs_probe_enter_mount_namespace,
    [CS_PROBE_PID_NAMESPACE] = cs_probe_pid_namespace,
    [CS_PROBE_NETWORK_NAMESPACE] = cs_probe_network_namespace,
    [CS_PROBE_IPC_NAMESPACE] = cs_probe_ipc_namespace,
    [CS_PROBE_UTS_NAMESPACE] = cs_probe_uts_namespace,
    [CS_PROBE_CGROUP_NAMESPACE] = cs_probe_cgroup_namespace,
    [CS_PROBE_OPEN_TREE] = cs_probe_open_tree,
    [CS_PROBE_MOUNT_SETATTR] = cs_probe_mount_setattr,
    [CS_PROBE_TMPFS] = cs_probe_tmpfs,
    [CS_PROBE_MOVE_MOUNT] = cs_probe_move_mount,
    [CS_PROBE_PIVOT_ROOT] = cs_probe_pivot_root,
    [CS_PROBE_PROC] = cs_probe_proc,
    [CS_PROBE_DEVPTS] = cs_probe_devpts,
    [CS_PROBE_NESTED_NAMESPACES] = cs_probe_nested_namespaces,
    [CS_PROBE_CAPABILITIES] = cs_probe_capabilities,
    [CS_PROBE_RLIMIT_NPROC] = cs_probe_rlimit_nproc,
    [CS_PROBE_NO_NEW_PRIVS] = cs_probe_no_new_privs,
    [CS_PROBE_SECCOMP] = cs_probe_seccomp,
    [CS_PROBE_LANDLOCK] = cs_probe_landlock,
    [CS_PROBE_PIDFD] = cs_probe_pidfd,
    [CS_PROBE_CLOSE_RANGE] = cs_probe_close_range,
    [CS_PROBE_KEYRING] = cs_probe_keyring,
};

/* The child: one probe, one report, written whole (smaller than PIPE_BUF), and out. */
static _Noreturn void run_probe(enum cs_probe which, const struct cs_probe_identity *who, int fd) {
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    struct cs_probe_result result;
    memset(&result, 0, sizeof result);
    if (probes[which](who, &result) == 0) {
        result.call = CS_TRIED_NONE;
        result.error = 0;
    }
    result.ending = CS_PROBE_REPORTED;
    ssize_t written = write(fd, &result, sizeof result);
    _exit(written == (ssize_t)sizeof result ? 0 : 1);
}

static int64_t milliseconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Reads one report. Returns its size, 0 at the end without one, -1 with errno (ETIMEDOUT included). */
static ssize_t read_report(int fd, int64_t deadline, struct cs_probe_result *report) {
    for (;;) {
        int64_t left = deadline - milliseconds_now();
        if (left <= 0) {
            errno = ETIMEDOUT;
            return -1;
        }
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        int ready = poll(&wait, 1, (int)left);
        if (ready < 0 && errno != EINTR) return -1;
        if (ready <= 0) continue;
        ssize_t size = read(fd, report, sizeof *report);
        if (size >= 0 || errno != EINTR) return size;
    }
}

/* A killed child may sit in a call that cannot be interrupted; then it is left to init after a second. */
static int reap(pid_t child, int *status) {
    for (int i = 0; i < 1000; i++) {
        pid_t done = waitpid(child, status, WNOHANG);
        if (done == child) return 0;
        if (done < 0 && errno != EINTR) return -1;
        struct timespec pause_time = {.tv_nsec = 1000000};
        nanosleep(&pause_time, NULL);
    }
    return -1;
}

void cs_probe_run(enum cs_probe which, const struct cs_probe_identity *who, int timeout_ms,
                  struct cs_probe_result *result) {
    memset(result, 0, sizeof *result);
    int ends[2];
    if ((unsigned int)which >= CS_PROBE_COUNT || pipe2(ends, O_CLOEXEC) != 0) {
        result->error = (unsigned int)which >= CS_PROBE_COUNT ? EINVAL : errno;
        result->ending = CS_PROBE_NOT_STARTED;
        return;
    }
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        run_probe(which, who, ends[1]);
    }
    int error = errno;
    close(ends[1]);
    if (child < 0) {
        close(ends[0]);
        result->error = error;
        result->ending = CS_PROBE_NOT_STARTED;
        return;
    }
    struct cs_probe_result report;
    ssize_t size = read_report(ends[0], milliseconds_now() + timeout_ms, &report);
    error = errno;
    close(ends[0]);
    int status = 0;
    if (size == (ssize_t)sizeof report) {
        *result = report;
        reap(child, &status);
        return;
    }
    kill(child, SIGKILL);
    reap(child, &status);
    result->ending = size < 0 && error == ETIMEDOUT ? CS_PROBE_TIMED_OUT : CS_PROBE_SILENT;
    result->error = size < 0 ? error : 0;
    result->value = status;
}

int cs_probe_uname(char *release, char *machine, size_t size) {
    struct utsname name;
    if (size == 0) return EINVAL;
    if (uname(&name) != 0) return errno;
    strncpy(release, name.release, size - 1);
    strncpy(machine, name.machine, size - 1);
    release[size - 1] = '\0';
    machine[size - 1] = '\0';
    return 0;
}
