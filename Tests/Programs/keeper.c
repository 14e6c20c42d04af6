/* keeper: runs one command the way a test wants it, and says from outside how it and all its descendants ended.
 *
 *     keeper [OPTIONS] -- COMMAND [ARG…]
 *
 * It is a child subreaper (prctl(2)): what outlives the command becomes its child, so "no child left" means that not one
 * process of the command's whole tree is left. Every descriptor but 0–3 is closed first. Lines on descriptor 3:
 *     started PID            the command's process
 *     ended exited N | ended signalled N
 *     left N                 processes that were still alive when the command's end was known
 *     zombies N              dead ones that nobody had waited for
 *     gone MICROSECONDS      from the command's end until the last descendant was gone
 *     stuck COMMAND-LINE     still there after the patience; killed
 *     deadline               the command itself took too long; everything was killed
 *     injected N             bytes waiting in the terminal's input queue
 *     waited …               why the command could not be started: the keeper's own exit status is 70 then
 *
 * OPTIONS, in the order in which they take effect
 *     --deadline MS          default 100000
 *     --patience MS          for descendants, default 60000
 *     --capable              in new user, mount, IPC and UTS namespaces, as their root
 *     --mounts               in new user and mount namespaces with the same ids (as root: a mount namespace only)
 *     --tmpfs PATH SIZE      with --mounts or --capable
 *     --bind FROM TO         with --mounts or --capable
 *     --chroot PATH          with --capable
 *     --uid N --gid N        needs root; supplementary groups are those given with --group N
 *     --session-key NAME=TEXT --user-key NAME=TEXT
 *     --pty WHICH            a terminal of its own as controlling terminal and as the descriptors named ("0", "012")
 *     --close N              one of the descriptors 0, 1, 2
 *     --plant N=PATH         opens PATH (O_RDONLY, a folder too) as descriptor N, kept across execve
 *     --stdin-from PATH      opens PATH as descriptor 0
 *     --limit NAME=N         soft and hard resource limit: nofile, as, nproc, fsize, core, stack
 *     --ignore SIGNAL --block SIGNAL --umask OCTAL --nice N --cwd PATH
 *     --signal-after MICROSECONDS SIGNAL   to the command, from its start */
#include "attempt.h"

#include <dirent.h>
#include <grp.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

static char **arguments;
static int command_at;
static int terminal = -1, terminal_slave = -1;
/* The command's standard input; the keeper has none, so that it does not share it. */
static int input_of_command = -1;

static void report(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void report(const char *format, ...)
{
    char line[4096];
    va_list list;
    va_start(list, format);
    int length = vsnprintf(line, sizeof line - 1, format, list);
    va_end(list);
    if (length > (int)sizeof line - 2)
        length = (int)sizeof line - 2;
    line[length] = '\n';
    write_all(3, line, (size_t)length + 1);
}

static __attribute__((noreturn)) void give_up(const char *what, const char *subject)
{
    report("waited %s %s: %s", what, subject != NULL ? subject : "", strerror(errno));
    _exit(70);
}

static long long now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (long long)time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

/* The number of values that an option takes; -1 for what is not an option. */
static int values_of(const char *name)
{
    static const char *const none[] = {"--capable", "--mounts"};
    static const char *const two[] = {"--tmpfs", "--bind", "--signal-after"};
    static const char *const one[] = {"--deadline", "--patience", "--chroot", "--uid", "--gid", "--group",
                                      "--session-key", "--user-key", "--pty", "--plant", "--stdin-from", "--limit",
                                      "--close", "--ignore", "--block", "--umask", "--nice", "--cwd"};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        if (strcmp(name, none[i]) == 0)
            return 0;
    for (size_t i = 0; i < sizeof one / sizeof one[0]; i++)
        if (strcmp(name, one[i]) == 0)
            return 1;
    for (size_t i = 0; i < sizeof two / sizeof two[0]; i++)
        if (strcmp(name, two[i]) == 0)
            return 2;
    return -1;
}

/* Goes over the options; each call with the same NAME continues after the last one found. */
static char **option(const char *name, int *at)
{
    for (int i = *at; i < command_at - 1; i += 1 + values_of(arguments[i])) {
        if (strcmp(arguments[i], name) == 0) {
            *at = i + 1 + values_of(name);
            return &arguments[i + 1];
        }
    }
    return NULL;
}

static const char *single(const char *name)
{
    int at = 1;
    char **value = option(name, &at);
    return value != NULL ? (values_of(name) == 0 ? name : value[0]) : NULL;
}

#define EACH(name, value) for (int at_ = 1, more_ = 1; more_; more_ = 0) for (char **value; (value = option(name, &at_)) != NULL;)

static int split_number(const char *text, const char **rest)
{
    char *end;
    long number = strtol(text, &end, 10);
    if (end == text || *end != '=') {
        errno = EINVAL;
        give_up("not NUMBER=VALUE", text);
    }
    *rest = end + 1;
    return (int)number;
}

static void write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
        give_up("write", path);
    close(fd);
}

static void enter_namespaces(uid_t uid, gid_t gid)
{
    int capable = single("--capable") != NULL, mounts = single("--mounts") != NULL;
    if (!capable && !mounts)
        return;
    if (mounts && geteuid() == 0) {
        if (unshare(CLONE_NEWNS) < 0)
            give_up("unshare", "mount namespace");
    } else {
        /* Become the user first: the namespace then belongs to it, as one of its own would. */
        if (geteuid() == 0 && (setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0))
            give_up("set ids", "");
        prctl(PR_SET_DUMPABLE, 1);
        if (unshare(CLONE_NEWUSER | CLONE_NEWNS | (capable ? CLONE_NEWIPC | CLONE_NEWUTS : 0)) < 0)
            give_up("unshare", "user and mount namespaces");
        char map[64];
        write_file("/proc/self/setgroups", "deny");
        snprintf(map, sizeof map, "%u %u 1", capable ? 0 : uid, uid);
        write_file("/proc/self/uid_map", map);
        snprintf(map, sizeof map, "%u %u 1", capable ? 0 : gid, gid);
        write_file("/proc/self/gid_map", map);
    }
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        give_up("private propagation", "/");
    EACH ("--tmpfs", value) {
        char size[64];
        snprintf(size, sizeof size, "size=%s,mode=0777", value[1]);
        if (mount("tmpfs", value[0], "tmpfs", 0, size) < 0)
            give_up("tmpfs", value[0]);
    }
    EACH ("--bind", value)
        if (mount(value[0], value[1], NULL, MS_BIND, NULL) < 0)
            give_up("bind", value[1]);
    const char *root = single("--chroot");
    if (root != NULL && (chroot(root) < 0 || chdir("/") < 0))
        give_up("chroot", root);
}

static void add_key(const char *text, int keyring)
{
    char copy[512];
    snprintf(copy, sizeof copy, "%s", text);
    char *value = strchr(copy, '=');
    if (value == NULL) {
        errno = EINVAL;
        give_up("not NAME=TEXT", text);
    }
    *value++ = 0;
    long key = syscall(SYS_add_key, "user", copy, value, strlen(value), keyring);
    if (key < 0)
        give_up("add_key", copy);
    if (syscall(SYS_keyctl, KEYCTL_SET_TIMEOUT, key, 3600) < 0)
        give_up("key timeout", copy);
}

static void set_limits(void)
{
    static const struct {
        const char *name;
        int resource;
    } known[] = {{"nofile", RLIMIT_NOFILE}, {"as", RLIMIT_AS},     {"nproc", RLIMIT_NPROC},
                 {"fsize", RLIMIT_FSIZE},   {"core", RLIMIT_CORE}, {"stack", RLIMIT_STACK}};
    EACH ("--limit", value) {
        const char *number = strchr(value[0], '=');
        size_t i = 0;
        while (number != NULL && i < sizeof known / sizeof known[0] &&
               strncmp(known[i].name, value[0], (size_t)(number - value[0])) != 0)
            i++;
        if (number == NULL || i == sizeof known / sizeof known[0]) {
            errno = EINVAL;
            give_up("no such limit", value[0]);
        }
        rlim_t amount = strcmp(number + 1, "unlimited") == 0 ? RLIM_INFINITY : strtoull(number + 1, NULL, 10);
        struct rlimit limit = {amount, amount};
        if (setrlimit((__rlimit_resource_t)known[i].resource, &limit) < 0)
            give_up("limit", value[0]);
    }
}

static void take_terminal(const char *which)
{
    if (setsid() < 0 || ioctl(terminal_slave, TIOCSCTTY, 0) < 0)
        give_up("controlling terminal", "");
    for (const char *digit = which; *digit != 0; digit++)
        if (dup2(terminal_slave, *digit - '0') < 0)
            give_up("terminal as descriptor", which);
}

static __attribute__((noreturn)) void become_command(void)
{
    if (dup2(input_of_command, 0) < 0)
        give_up("standard input", "");
    close(input_of_command);
    uid_t uid = single("--uid") != NULL ? (uid_t)atoi(single("--uid")) : getuid();
    gid_t gid = single("--gid") != NULL ? (gid_t)atoi(single("--gid")) : getgid();
    enter_namespaces(uid, gid);
    if (single("--uid") != NULL && single("--capable") == NULL && geteuid() == 0) {
        gid_t groups[32];
        size_t count = 0;
        EACH ("--group", value)
            if (count < 32)
                groups[count++] = (gid_t)atoi(value[0]);
        if (setgroups(count, groups) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
            give_up("set ids", single("--uid"));
        /* Cleared by the change of ids; a process started by an ordinary user is dumpable. */
        prctl(PR_SET_DUMPABLE, 1);
    }
    const char *session_key = single("--session-key"), *user_key = single("--user-key");
    if (session_key != NULL || user_key != NULL) {
        /* As a login does it: a session keyring that leads to the user's. */
        if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 ||
            syscall(SYS_keyctl, KEYCTL_LINK, KEY_SPEC_USER_KEYRING, KEY_SPEC_SESSION_KEYRING) < 0)
            give_up("session keyring", "");
    }
    if (session_key != NULL)
        add_key(session_key, KEY_SPEC_SESSION_KEYRING);
    if (user_key != NULL)
        add_key(user_key, KEY_SPEC_USER_KEYRING);
    if (single("--pty") != NULL)
        take_terminal(single("--pty"));
    else if (setsid() < 0) /* What signals its group or hangs up its terminal must not reach the test's. */
        give_up("setsid", "");
    if (terminal >= 0) {
        close(terminal);
        close(terminal_slave);
    }
    const char *folder = single("--cwd");
    if (folder != NULL && chdir(folder) < 0)
        give_up("chdir", folder);
    if (single("--umask") != NULL)
        umask((mode_t)strtoul(single("--umask"), NULL, 8));
    if (single("--nice") != NULL && setpriority(PRIO_PROCESS, 0, atoi(single("--nice"))) < 0)
        give_up("nice", single("--nice"));
    EACH ("--ignore", value)
        signal(atoi(value[0]), SIG_IGN);
    sigset_t blocked;
    sigemptyset(&blocked);
    EACH ("--block", value)
        sigaddset(&blocked, atoi(value[0]));
    sigprocmask(SIG_SETMASK, &blocked, NULL);
    const char *input = single("--stdin-from");
    if (input != NULL) {
        int fd = open(input, O_RDONLY);
        if (fd < 0 || dup2(fd, 0) < 0)
            give_up("open", input);
        if (fd != 0)
            close(fd);
    }
    EACH ("--close", value)
        close(atoi(value[0]));
    EACH ("--plant", value) {
        const char *path;
        int number = split_number(value[0], &path);
        int fd = open(path, O_RDONLY);
        if (fd < 0 || (fd != number && dup2(fd, number) < 0))
            give_up("plant", path);
        if (fd != number)
            close(fd);
    }
    set_limits();
    /* The report is the keeper's alone; a planted descriptor may have the number. */
    if (single("--plant") == NULL || strncmp(single("--plant"), "3=", 2) != 0)
        fcntl(3, F_SETFD, FD_CLOEXEC);
    execvp(arguments[command_at], &arguments[command_at]);
    fprintf(stderr, "keeper: execve %s: %s\n", arguments[command_at], strerror(errno));
    _exit(71);
}

/* Kills every child the keeper has, and says which they were. */
static void kill_children(int say_which)
{
    DIR *folder = opendir("/proc");
    struct dirent *entry;
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        int pid = atoi(entry->d_name);
        char path[64], text[512];
        if (pid <= 0)
            continue;
        snprintf(path, sizeof path, "/proc/%d/stat", pid);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
        if (fd >= 0)
            close(fd);
        if (n <= 0)
            continue;
        text[n] = 0;
        char *after = strrchr(text, ')');
        if (after == NULL || atoi(after + 4) != getpid() || after[2] == 'Z')
            continue;
        if (say_which)
            report("stuck %d %.*s", pid, (int)(after - text) + 1, text);
        kill(pid, SIGKILL);
    }
    if (folder != NULL)
        closedir(folder);
}

/* Waits for one more child until UNTIL (microseconds, monotonic). Its pid, 0: time is over, -1: no child is left. */
static pid_t wait_child(int *status, long long until)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    for (;;) {
        pid_t pid = waitpid(-1, status, WNOHANG);
        if (pid != 0)
            return pid > 0 ? pid : -1;
        long long left = until - now();
        if (left <= 0)
            return 0;
        struct timespec time = {left / 1000000, left % 1000000 * 1000};
        sigtimedwait(&set, NULL, &time);
    }
}

static void keep(pid_t command, long long started)
{
    long long deadline = started + 1000LL * (single("--deadline") != NULL ? atoll(single("--deadline")) : 900000);
    long long patience = 1000LL * (single("--patience") != NULL ? atoll(single("--patience")) : 60000);
    int at = 1;
    char **timed = option("--signal-after", &at);
    int status = 0, zombies = 0;
    for (;;) {
        long long until = timed != NULL ? started + atoll(timed[0]) : deadline;
        pid_t pid = wait_child(&status, until);
        if (pid == command)
            break;
        if (pid == 0 && timed != NULL) {
            kill(command, atoi(timed[1]));
            timed = NULL;
        } else if (pid == 0) {
            report("deadline");
            kill(command, SIGKILL);
            deadline = now() + 5000000;
        } else if (pid < 0) {
            give_up("wait", "the command");
        }
    }
    long long ended = now();
    report(WIFEXITED(status) ? "ended exited %d" : "ended signalled %d",
           WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
    int other;
    pid_t pid;
    while ((pid = waitpid(-1, &other, WNOHANG)) > 0)
        zombies++;
    int left = 0;
    long long until = ended + patience;
    while (pid >= 0) {
        pid = wait_child(&other, until);
        if (pid > 0) {
            left++;
        } else if (pid == 0) {
            /* Killing a parent makes its children ours: again, until there is none. */
            kill_children(1);
            until = now() + 20000;
        }
    }
    report("left %d", left);
    report("zombies %d", zombies);
    report("gone %lld", now() - ended);
}

int main(int argc, char **argv)
{
    arguments = argv;
    for (command_at = 1; command_at < argc && strcmp(argv[command_at], "--") != 0; command_at++) {
        int values = values_of(argv[command_at]);
        if (values < 0 || command_at + values >= argc) {
            fprintf(stderr, "keeper: %s: see the head of Tests/Programs/keeper.c\n", argv[command_at]);
            return 70;
        }
        command_at += values;
    }
    command_at++;
    if (command_at >= argc || fcntl(3, F_GETFD) < 0) {
        fprintf(stderr, "keeper: no command, or no descriptor 3\n");
        return 70;
    }
    syscall(SYS_close_range, 4, ~0U, 0);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_SETMASK, &set, NULL);
    if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
        give_up("subreaper", "");
    if (single("--pty") != NULL) {
        terminal = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
        int unlock = 0;
        if (terminal < 0 || ioctl(terminal, TIOCSPTLCK, &unlock) < 0)
            give_up("open", "/dev/ptmx");
        terminal_slave = ioctl(terminal, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
        if (terminal_slave < 0)
            give_up("open", "the terminal's other end");
    }
    input_of_command = fcntl(0, F_DUPFD_CLOEXEC, 4);
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (input_of_command < 0 || nothing < 0 || dup2(nothing, 0) < 0)
        give_up("standard input", "");
    close(nothing);
    long long started = now();
    pid_t command = fork();
    if (command < 0)
        give_up("fork", "");
    if (command == 0)
        become_command();
    close(input_of_command);
    report("started %d", command);
    keep(command, started);
    if (terminal_slave >= 0) {
        int waiting = 0;
        ioctl(terminal_slave, FIONREAD, &waiting);
        report("injected %d", waiting);
    }
    return 0;
}
