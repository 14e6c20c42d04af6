/* What the process can do: files, processes, the workspace's protected names. */
#include "probe.h"

#include <sched.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/xattr.h>

#define NAME ".codex-sandbox-probe"

/* Makes and removes a file; ok only if it could be made. */
static long make_in(const char *folder)
{
    int at = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (at < 0)
        return -1;
    int fd = openat(at, NAME, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return -1;
    return unlinkat(at, NAME, 0);
}

static long open_for(const char *path, int flags)
{
    return open(path, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

/* Reading at least one byte; an empty file, as a cover is, answers ENODATA. */
static long read_byte(const char *path)
{
    char byte;
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t n = read(fd, &byte, 1);
    if (n == 0)
        errno = ENODATA;
    return n == 1 ? 0 : -1;
}

/* Writes back what is there already. */
static long rewrite(const char *path)
{
    char text[256];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text);
    if (n < 0)
        return -1;
    int out = open(path, O_WRONLY | O_CLOEXEC);
    return out < 0 ? -1 : write(out, text, (size_t)n);
}

static void word_list(const char *name, const char *const *paths, size_t count, long (*act)(const char *))
{
    for (size_t i = 0; i < count; i++) {
        char key[256];
        struct act_word word;
        CHILD_ACT(word, act(paths[i]));
        snprintf(key, sizeof key, "act.%s.%s", name, paths[i]);
        property(key, "%s", word.text);
    }
}
#define WORD_LIST(name, act, ...) \
    do { \
        static const char *const list_[] = {__VA_ARGS__}; \
        word_list(name, list_, sizeof list_ / sizeof list_[0], act); \
    } while (0)

/* A set-id mode by each way that can set one; what was made is removed. */
enum set_id_way { BY_CHMOD, BY_FCHMOD, BY_FCHMODAT, BY_FCHMODAT2, BY_OPEN, BY_CREAT, BY_MKDIR, BY_MKNOD, BY_TMPFILE };

static long set_id(enum set_id_way way, mode_t mode)
{
    char folder[] = "/tmp/probe-XXXXXX";
    if (mkdtemp(folder) == NULL || chdir(folder) < 0)
        return -1;
    umask(0);
    int fd = way <= BY_FCHMODAT2 ? open(NAME, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1;
    long result = -1;
    switch (way) {
    case BY_CHMOD: result = syscall(SYS_chmod, NAME, mode); break;
    case BY_FCHMOD: result = syscall(SYS_fchmod, fd, mode); break;
    case BY_FCHMODAT: result = syscall(SYS_fchmodat, AT_FDCWD, NAME, mode); break;
    case BY_FCHMODAT2: result = syscall(NR_fchmodat2, AT_FDCWD, NAME, mode, 0); break;
    case BY_OPEN: result = syscall(SYS_open, NAME, O_WRONLY | O_CREAT, mode); break;
    case BY_CREAT: result = syscall(SYS_creat, NAME, mode); break;
    case BY_MKDIR: result = syscall(SYS_mkdir, NAME, mode); break;
    case BY_MKNOD: result = syscall(SYS_mknod, NAME, S_IFREG | mode, 0); break;
    case BY_TMPFILE: result = syscall(SYS_open, ".", O_WRONLY | O_TMPFILE, mode); break;
    }
    int code = errno;
    if (unlink(NAME) < 0)
        rmdir(NAME);
    if (chdir("/") == 0)
        rmdir(folder);
    errno = code;
    return result;
}

static long make_node(mode_t mode, dev_t device)
{
    char folder[] = "/tmp/probe-XXXXXX";
    if (mkdtemp(folder) == NULL || chdir(folder) < 0)
        return -1;
    long result = syscall(SYS_mknod, NAME, mode, device);
    int code = errno;
    unlink(NAME);
    if (chdir("/") == 0)
        rmdir(folder);
    errno = code;
    return result;
}

void probe_file_acts(void)
{
    WORD_LIST("make_in", make_in, "/", "/usr", "/usr/bin", "/etc", "/bin", "/opt", "/var", "/home", "/dev", "/dev/pts",
              "/proc", "/sys", "/root", "/home/sandbox", "/tmp", "/var/tmp", "/run", "/dev/shm", ".", "..");
    WORD_LIST("write", (long (*)(const char *))rewrite, "/proc/sys/kernel/hostname",
              "/proc/sys/user/max_user_namespaces", "/proc/sys/kernel/core_pattern", "/proc/self/oom_score_adj",
              "/proc/self/uid_map", "/proc/self/setgroups", "/proc/self/coredump_filter");
    WORD_LIST("read", read_byte, "/proc/kcore", "/proc/kmsg", "/proc/keys", "/proc/key-users", "/proc/timer_list",
              "/proc/interrupts", "/proc/iomem", "/proc/ioports", "/proc/kallsyms", "/proc/kpagecount",
              "/proc/kpageflags", "/proc/kpagecgroup", "/proc/sched_debug", "/proc/latency_stats", "/proc/slabinfo",
              "/proc/vmallocinfo", "/proc/modules", "/proc/cmdline", "/proc/config.gz", "/proc/mtrr",
              "/proc/sys/kernel/random/boot_id", "/etc/machine-id", "/etc/shadow", "/etc/passwd", "/etc/hostname",
              "/sys/class/net/lo/address", "/dev/kmsg", "/dev/mem", "/dev/null", "/dev/zero", "/dev/urandom");
    if (options.secret != NULL)
        ACT("secret", read_byte(options.secret));
    ACT("open.sysrq_trigger", open_for("/proc/sysrq-trigger", O_WRONLY));
    ACT("open.tty", open_for("/dev/tty", O_RDWR));
    ACT("open.ptmx", open_for("/dev/ptmx", O_RDWR));
    ACT("open.fuse", open_for("/dev/fuse", O_RDWR));
    ACT("open.kvm", open_for("/dev/kvm", O_RDWR));
    ACT("open.stdin_again", open_for("/proc/self/fd/0", O_RDWR));
    ACT("open.stdout_again", open_for("/proc/self/fd/1", O_RDWR));
    ACT("set_id.chmod", set_id(BY_CHMOD, 04755));
    ACT("set_id.chmod_group", set_id(BY_CHMOD, 02755));
    ACT("set_id.fchmod", set_id(BY_FCHMOD, 04755));
    ACT("set_id.fchmodat", set_id(BY_FCHMODAT, 04755));
    ACT("set_id.fchmodat2", set_id(BY_FCHMODAT2, 04755));
    ACT("set_id.open", set_id(BY_OPEN, 04755));
    ACT("set_id.creat", set_id(BY_CREAT, 04755));
    ACT("set_id.mkdir", set_id(BY_MKDIR, 02755));
    ACT("set_id.mknod", set_id(BY_MKNOD, 04755));
    ACT("set_id.tmpfile", set_id(BY_TMPFILE, 04755));
    ACT("set_id.plain_chmod_works", set_id(BY_CHMOD, 0755));
    ACT("mknod.char", make_node(S_IFCHR | 0600, makedev(1, 3)));
    ACT("mknod.block", make_node(S_IFBLK | 0600, makedev(7, 0)));
    /* A whiteout needs no capability (mknod(2), Linux 5.8): where seccomp lets it through, only Landlock denies it. */
    ACT("mknod.whiteout", make_node(S_IFCHR | 0600, makedev(0, 0)));
    ACT("mknod.fifo", make_node(S_IFIFO | 0600, 0));
    ACT("xattr.capability", setxattr(".", "security.capability", "", 0, 0));
    if (options.landlock_read != NULL) {
        ACT("landlock.read", read_byte(options.landlock_read));
        ACT("landlock.list", open_for(options.landlock_read, O_RDONLY | O_DIRECTORY));
    }
    if (options.landlock_write != NULL)
        ACT("landlock.write", open_for(options.landlock_write, O_WRONLY));
}

static long read_memory_of_init(void)
{
    char byte;
    struct iovec here = {&byte, 1}, there = {(void *)0x400000, 1};
    return process_vm_readv(1, &here, 1, &there, 1, 0);
}

/* Where it succeeds, pid 1 stops, and stays so unless it is let go in order. */
static long attach_to_init(void)
{
    if (ptrace(PTRACE_ATTACH, 1, NULL, NULL) < 0)
        return -1;
    int status;
    waitpid(1, &status, __WALL);
    return ptrace(PTRACE_DETACH, 1, NULL, NULL);
}

static long read_below_root_of_init(void)
{
    char path[4096];
    snprintf(path, sizeof path, "/proc/1/root%s", options.secret != NULL ? options.secret : "/etc/passwd");
    return read_byte(path);
}

static long limit_of_init(int change)
{
    struct rlimit limit;
    if (prlimit(1, RLIMIT_NOFILE, NULL, &limit) < 0)
        return -1;
    return change ? prlimit(1, RLIMIT_NOFILE, &limit, NULL) : 0;
}

void probe_process_acts(void)
{
    WORD_LIST("read_init", read_byte, "/proc/1/environ", "/proc/1/mem", "/proc/1/maps", "/proc/1/cmdline",
              "/proc/1/status", "/proc/1/stack", "/proc/1/syscall", "/proc/1/auxv", "/proc/1/io");
    ACT("init.root", open_for("/proc/1/root", O_RDONLY));
    ACT("init.cwd", open_for("/proc/1/cwd", O_RDONLY));
    ACT("init.exe", open_for("/proc/1/exe", O_RDONLY));
    ACT("init.exe_write", open_for("/proc/1/exe", O_WRONLY));
    ACT("init.descriptors", open_for("/proc/1/fd", O_RDONLY | O_DIRECTORY));
    ACT("init.user_namespace", open_for("/proc/1/ns/user", O_RDONLY));
    ACT("init.root_secret", read_below_root_of_init());
    ACT("init.ptrace_attach", attach_to_init());
    ACT("init.ptrace_seize", ptrace(PTRACE_SEIZE, 1, NULL, NULL));
    ACT("init.signal_0", kill(1, 0));
    ACT("init.process_vm_readv", read_memory_of_init());
    ACT("init.limit_read", limit_of_init(0));
    ACT("init.limit_write", limit_of_init(1));
    ACT("init.pidfd", syscall(SYS_pidfd_open, 1, 0));
    ACT("parent_of_init", kill(0, 0));
    ACT("signal_everything", kill(-1, 0));
    ACT("nice_lower", setpriority(PRIO_PROCESS, 0, -5));
    struct sched_param parameter = {.sched_priority = 1};
    ACT("realtime", sched_setscheduler(0, SCHED_FIFO, &parameter));
    ACT("own_child_traceable", ptrace(PTRACE_TRACEME, 0, NULL, NULL));
    ACT("dumpable_off_and_on", prctl(PR_SET_DUMPABLE, 0) < 0 ? -1 : prctl(PR_SET_DUMPABLE, 1));
}

/* Opening what is there for writing, or making what is not (and removing it). */
static long change_name(const char *name)
{
    int fd = open(name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd >= 0 || (errno != ENOENT && errno != EISDIR))
        return fd;
    if (errno == EISDIR) {
        int at = open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (at < 0 || openat(at, NAME, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) < 0)
            return -1;
        return unlinkat(at, NAME, 0);
    }
    fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    return fd < 0 ? -1 : unlink(name);
}

static long move_away(const char *name)
{
    char to[256];
    snprintf(to, sizeof to, "%s-probe", name);
    if (rename(name, to) < 0)
        return -1;
    return rename(to, name);
}

/* rmdir(2) of what is not empty, unlink(2) of what does not matter: only names that were not there before are safe to
 * lose, so removal is tried on the folder that a cover is, and made again where it succeeded. */
static long remove_folder(const char *name)
{
    if (rmdir(name) < 0)
        return -1;
    return mkdir(name, 0755);
}

void probe_workspace_acts(void)
{
    WORD_LIST("protected.change", change_name, ".git/config", ".git/hooks", ".git/hooks/pre-commit", ".gitmodules",
              ".codex", ".codex/config.toml", ".codex-sandbox.toml", ".mcp.json", ".claude", ".vscode", ".idea",
              ".envrc");
    WORD_LIST("protected.move", move_away, ".git", ".git/config", ".git/hooks", ".gitmodules", ".codex",
              ".codex-sandbox.toml", ".mcp.json", ".claude", ".vscode", ".idea", ".envrc");
    WORD_LIST("protected.remove", remove_folder, ".codex", ".codex-sandbox.toml", ".mcp.json", ".envrc", ".git/hooks");
    WORD_LIST("workspace.change", change_name, "probe-file", ".git/probe-file");
}
