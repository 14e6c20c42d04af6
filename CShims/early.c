/*
 * The beginning of a place before libc and Swift begin.
 *
 * To start both takes about as long as the kernel needs for the namespaces (in a virtual machine each of some forty cpuid
 * instructions of the C library is a trap), so the two are done at once. Nothing is decided here: pid 1 gets the
 * namespaces that nearly every policy asks for, and the steps that the last launch's plan began with. When the plan is
 * known, the supervisor compares both with it (EarlyStart, Launch); what does not agree is killed and begun again.
 *
 * Runs before libc: no libc calls, no pointers in constant data (entry.c).
 */
#include "cs_early.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/memfd.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "cs_sys.h"
#include "cs_text.h"
#include "cs_wire.h"

static struct cs_early *shared; /* with the helper; NULL until begun, and once taken */
static int usual;

static int starts_with(const char *text, const char *start)
{
    while (*start)
        if (*text++ != *start++)
            return 0;
    return 1;
}

static void close_quietly(int descriptor)
{
    if (descriptor >= 0)
        CS_CALL1(SYS_close, descriptor);
}

/* Options as far as they matter here. A word that only looks like one costs a later start, nothing else. */
static int looks_ordinary(char *const *arguments, const char **workspace)
{
    int is_usual = 1;
    for (int i = 2; arguments[i] && !cs_same_text(arguments[i], "--"); i++) {
        const char *word = arguments[i];
        /* No sandbox, other namespaces, other ids, no launch at all, or a descriptor number that must not become ours. */
        if (starts_with(word, "--danger") || starts_with(word, "--network") || starts_with(word, "--allow-root") ||
            starts_with(word, "--help") || cs_same_text(word, "-h") || starts_with(word, "--result"))
            return 0;
        if (starts_with(word, "--policy") || starts_with(word, "--tmp-size"))
            is_usual = 0;
        if (cs_same_text(word, "--workspace") && arguments[i + 1])
            *workspace = arguments[i + 1];
        if (starts_with(word, "--workspace="))
            *workspace = word + sizeof("--workspace=") - 1;
    }
    usual = is_usual;
    return 1;
}

static const char *variable(char *const *environment, const char *name)
{
    for (int i = 0; environment[i]; i++)
        if (starts_with(environment[i], name))
            return environment[i] + __builtin_strlen(name);
    return NULL;
}

/* The caller's own ids; as root those of the workspace's owner, as LaunchPlanner.identity has it. */
static int identify(struct cs_launch *launch, const char *workspace)
{
    launch->uid = (uint32_t)CS_CALL0(SYS_geteuid);
    launch->gid = (uint32_t)CS_CALL0(SYS_getegid);
    /* A set-id executable is refused (Program). */
    if (launch->uid != (uint32_t)CS_CALL0(SYS_getuid) || launch->gid != (uint32_t)CS_CALL0(SYS_getgid))
        return 0;
    if (launch->uid != 0)
        return 1;
    struct stat found;
    if (CS_CALL4(SYS_newfstatat, AT_FDCWD, workspace, &found, 0x100 /* AT_SYMLINK_NOFOLLOW */) < 0 ||
        !S_ISDIR(found.st_mode) || found.st_uid == 0)
        return 0;
    launch->uid = found.st_uid;
    launch->gid = found.st_gid == 0 ? 65534 : found.st_gid;
    launch->drop_root = 1;
    return 1;
}

/* What must hold before anything is opened or cloned: the same that the supervisor sees to again (Program, Launch). */
static int prepare(void)
{
    for (int i = 0; i < 3; i++)
        if (CS_CALL2(SYS_fcntl, i, F_GETFD) < 0)
            return 0;
    const uint64_t action[4] = {0};
    if (CS_CALL4(SYS_rt_sigaction, SIGCHLD, action, NULL, 8) < 0)
        return 0;
    const uint64_t all = ~0ull;
    if (CS_CALL4(SYS_rt_sigprocmask, SIG_SETMASK, &all, NULL, sizeof(all)) < 0)
        return 0;
    struct rlimit core;
    if (CS_CALL4(SYS_prlimit64, 0, RLIMIT_CORE, NULL, &core) < 0)
        return 0;
    core.rlim_cur = 0;
    return CS_CALL4(SYS_prlimit64, 0, RLIMIT_CORE, &core, NULL) == 0;
}

/* Text behind `end`; NULL when there is no room, or there was none before. */
static char *append(char *end, const char *limit, const char *text)
{
    while (end && *text) {
        if (end + 1 >= limit)
            return NULL;
        *end++ = *text++;
    }
    if (end)
        *end = 0;
    return end;
}

/* Whether the last line of /proc/self/cgroup ends with the group that callers are moved to: then a subtree is ours already. */
static int is_among_callers(void)
{
    static const char name[] = "/codex-sandbox.callers\n";
    char text[4096];
    const long file = CS_CALL4(SYS_openat, AT_FDCWD, "/proc/self/cgroup", O_RDONLY | O_CLOEXEC, 0);
    if (file < 0)
        return 0;
    const long count = CS_CALL3(SYS_read, file, text, sizeof(text));
    close_quietly((int)file);
    const long length = sizeof(name) - 1;
    if (count < length)
        return 0;
    for (long i = 0; i < length; i++)
        if (text[count - length + i] != name[i])
            return 0;
    return 1;
}

/*
 * Whether the supervisor may move itself to a scope of the user's manager first (UserBus, CgroupHost): what is begun here stays
 * where it is. One that is not begun for nothing costs a later start, nothing else.
 */
static int may_move(char *const *environment)
{
    if (CS_CALL0(SYS_geteuid) == 0)
        return 0;
    const char *bus = variable(environment, "DBUS_SESSION_BUS_ADDRESS=");
    const char *folder = variable(environment, "XDG_RUNTIME_DIR=");
    if (bus) {
        if (!starts_with(bus, "unix:"))
            return 0;
    } else {
        char path[4096];
        struct stat found;
        if (!folder || *folder != '/' ||
            !append(append(path, path + sizeof(path), folder), path + sizeof(path), "/bus") ||
            CS_CALL4(SYS_newfstatat, AT_FDCWD, path, &found, 0) < 0 || !S_ISSOCK(found.st_mode))
            return 0;
    }
    struct statfs mounted;
    if (CS_CALL2(SYS_statfs, "/sys/fs/cgroup", &mounted) < 0 || mounted.f_type != CGROUP2_SUPER_MAGIC)
        return 0;
    return !is_among_callers();
}

static char *append_number(char *end, const char *limit, uint32_t number)
{
    char digits[12];
    char *first = digits + sizeof(digits) - 1;
    *first = 0;
    do {
        *--first = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    return append(end, limit, first);
}

/* Where FirstSteps (SandboxRuntime) keeps them: OwnFolders.cache. */
static int first_steps_path(char *const *environment, const struct cs_launch *launch, char *path, const char *limit)
{
    const char *folder = variable(environment, "CODEX_SANDBOX_CACHE_DIR=");
    char *end = path;
    if (folder && *folder == '/') {
        end = append(end, limit, folder);
    } else if ((folder = variable(environment, "XDG_CACHE_HOME=")) && *folder == '/') {
        end = append(append(end, limit, folder), limit, "/codex-sandbox");
    } else if ((folder = variable(environment, "HOME=")) && *folder == '/') {
        end = append(append(end, limit, folder), limit, "/.cache/codex-sandbox");
    } else {
        return 0;
    }
    end = append_number(append(end, limit, "/first-steps/"), limit, launch->uid);
    end = append_number(append(end, limit, "-"), limit, launch->gid);
    return end != NULL;
}

/* The steps of the last launch as a sealed memfd, or -1. Ours alone, or not used; compared with the plan all the same. */
static int first_steps(char *const *environment, const struct cs_launch *launch)
{
    char path[4096];
    if (!first_steps_path(environment, launch, path, path + sizeof(path)))
        return -1;
    const long file = CS_CALL4(SYS_openat, AT_FDCWD, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0);
    if (file < 0)
        return -1;
    struct stat found;
    long result = CS_CALL2(SYS_fstat, file, &found);
    if (result == 0 && (!S_ISREG(found.st_mode) || found.st_uid != (uint32_t)CS_CALL0(SYS_geteuid) ||
                        (found.st_mode & 077) || found.st_nlink != 1 || found.st_size <= 0 ||
                        found.st_size > CS_FIRST_STEPS_MOST))
        result = -EPERM;
    long copy = -1;
    if (result == 0)
        result = copy = CS_CALL2(SYS_memfd_create, "codex-sandbox first steps", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (copy >= 0) {
        result = CS_CALL4(SYS_sendfile, copy, file, NULL, found.st_size);
        if (result == found.st_size)
            result = CS_CALL3(SYS_fcntl, copy, 1033 /* F_ADD_SEALS */, CS_PLAN_SEALS);
        else
            result = -EIO;
    }
    close_quietly((int)file);
    if (result == 0)
        return (int)copy;
    close_quietly((int)copy);
    return -1;
}

/* As cs_send does it, which needs libc. */
static long send_go(int control_socket, int plan)
{
    struct cs_message message = {.kind = CS_MESSAGE_GO};
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = {{0}};
    struct iovec vector = {.iov_base = &message, .iov_len = sizeof(message)};
    struct msghdr header = {
        .msg_iov = &vector, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control.bytes)};
    struct cmsghdr *part = CMSG_FIRSTHDR(&header);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(sizeof(int));
    *(volatile int *)(void *)CMSG_DATA(part) = plan;
    return CS_CALL3(SYS_sendmsg, control_socket, &header, MSG_NOSIGNAL);
}

/* Socket and own executable, then the helper. */
static int begin(struct cs_early *early)
{
    int pair[2];
    if (CS_CALL4(SYS_socketpair, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return 0;
    const long own = CS_CALL4(SYS_openat, AT_FDCWD, "/proc/self/exe", O_PATH | O_CLOEXEC, 0);
    early->control = pair[0];
    early->first_steps = -1;
    early->launch.namespaces = CS_EARLY_NAMESPACES;
    early->launch.apart = 1;
    early->launch.control = pair[1];
    early->launch.self = (int)own;
    if (own >= 0 && cs_launch_begin(&early->launch) == 0)
        return 1;
    close_quietly((int)own);
    close_quietly(pair[0]);
    close_quietly(pair[1]);
    return 0;
}

void cs_early_begin(char *const *arguments, char *const *environment)
{
    const char *workspace = ".";
    if (!arguments[0] || !arguments[1] || !cs_same_text(arguments[1], "run") || !looks_ordinary(arguments, &workspace))
        return;
    if (variable(environment, "CODEX_SANDBOX_POLICY="))
        usual = 0;
    if (may_move(environment)) {
        usual = 0;
        return;
    }
    const long memory = cs_syscall6(SYS_mmap, 0, sizeof(struct cs_early), PROT_READ | PROT_WRITE,
                                    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory < 0 && memory > -4096)
        return;
    struct cs_early *early = (void *)memory;
    if (!identify(&early->launch, workspace) || !prepare() || !begin(early)) {
        CS_CALL2(SYS_munmap, memory, sizeof(struct cs_early));
        return;
    }
    shared = early;
    if (!usual)
        return;
    early->first_steps = first_steps(environment, &early->launch);
    if (early->first_steps >= 0 && send_go(early->control, early->first_steps) < 0) {
        close_quietly(early->first_steps);
        early->first_steps = -1;
    }
}

struct cs_early *cs_early_take(void)
{
    struct cs_early *taken = shared;
    shared = NULL;
    return taken;
}

int cs_early_usual(void) { return usual; }

void cs_early_end(void)
{
    struct cs_early *begun = cs_early_take();
    if (!begun)
        return;
    close_quietly(begun->first_steps);
    const int running = cs_launch_finish(&begun->launch) == 0;
    close_quietly(begun->launch.control);
    close_quietly(begun->launch.self);
    close_quietly(begun->control);
    if (!running)
        return;
    cs_launch_settle(&begun->launch);
    CS_CALL2(SYS_kill, begun->launch.pid, SIGKILL);
    int status;
    long reaped;
    do
        reaped = CS_CALL4(SYS_wait4, begun->launch.pid, &status, 0, NULL);
    while (reaped == -EINTR);
    close_quietly(begun->launch.pidfd);
}
