/* hostile-kernel: attempts of threat lists D (kernel surface and privilege), E7 (keyrings) and E14 (terminals).
 * Arguments are such that a call that is let through does no harm. The table is at the end. */
#include "attempt.h"

#include <dirent.h>
#include <grp.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/io_uring.h>
#include <linux/keyctl.h>
#include <linux/perf_event.h>
#include <linux/sched.h>
#include <linux/tiocl.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/user.h>
#include <sys/utsname.h>

static long clone_with(unsigned long flags)
{
    long child = syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
    if (child == 0)
        _exit(0);
    return child;
}

static long clone3_with(uint64_t flags)
{
    struct clone_args arguments = {.flags = flags, .exit_signal = SIGCHLD};
    long child = syscall(SYS_clone3, &arguments, sizeof arguments);
    if (child == 0)
        _exit(0);
    return child;
}

static long enter(const char *name)
{
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? -1 : syscall(SYS_setns, fd, 0);
}

static int hostile_user_namespaces(char **a)
{
    (void)a;
    TELL_CHILD_ACT("unshare_user", unshare(CLONE_NEWUSER));
    TELL_CHILD_ACT("unshare_user_mount", unshare(CLONE_NEWUSER | CLONE_NEWNS));
    TELL_CHILD_ACT("unshare_user_network", unshare(CLONE_NEWUSER | CLONE_NEWNET));
    /* The upper half of the argument is not looked at by the kernel's old calls. */
    TELL_CHILD_ACT("unshare_high_bits", syscall(SYS_unshare, (long)CLONE_NEWUSER | (1L << 40)));
    TELL_CHILD_ACT("clone_user", clone_with(CLONE_NEWUSER));
    TELL_CHILD_ACT("clone_user_all", clone_with(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET));
    TELL_CHILD_ACT("clone_high_bits", clone_with((long)CLONE_NEWUSER | (1L << 40)));
    return 0;
}

static int hostile_clone3(char **a)
{
    (void)a;
    TELL_CHILD_ACT("clone3_plain", clone3_with(0));
    TELL_CHILD_ACT("clone3_user", clone3_with(CLONE_NEWUSER));
    return 0;
}

/* The other namespaces need a capability, which a root of its own namespace has: the control is one. */
static int hostile_namespaces(char **a)
{
    (void)a;
    TELL_CHILD_ACT("mount", unshare(CLONE_NEWNS));
    TELL_CHILD_ACT("pid", unshare(CLONE_NEWPID));
    TELL_CHILD_ACT("network", unshare(CLONE_NEWNET));
    TELL_CHILD_ACT("ipc", unshare(CLONE_NEWIPC));
    TELL_CHILD_ACT("uts", unshare(CLONE_NEWUTS));
    TELL_CHILD_ACT("cgroup", unshare(CLONE_NEWCGROUP));
    TELL_CHILD_ACT("time", unshare(CLONE_NEWTIME));
    TELL_CHILD_ACT("clone_mount", clone_with(CLONE_NEWNS));
    TELL_CHILD_ACT("clone_network", clone_with(CLONE_NEWNET));
    TELL_CHILD_ACT("setns_mount", enter("/proc/self/ns/mnt"));
    TELL_CHILD_ACT("setns_uts", enter("/proc/self/ns/uts"));
    return 0;
}

static void *thread_body(void *result)
{
    *(int *)result = 1;
    return NULL;
}

static int hostile_libc(char **a)
{
    (void)a;
    int ran = 0;
    pthread_t thread;
    int code = pthread_create(&thread, NULL, thread_body, &ran);
    if (code == 0)
        pthread_join(thread, NULL);
    say("thread=%s", code == 0 && ran ? "ok" : errno_word(code));
    TELL_CHILD_ACT("fork", 0);
    return 0;
}

static long own_io_uring(void)
{
    struct io_uring_params parameters = {0};
    return syscall(SYS_io_uring_setup, 1, &parameters);
}

static int hostile_io_uring(char **a)
{
    (void)a;
    TELL_CHILD_ACT("setup", own_io_uring());
    TELL_CHILD_ACT("enter", syscall(SYS_io_uring_enter, -1, 0, 0, 0, NULL, 0));
    TELL_CHILD_ACT("register", syscall(SYS_io_uring_register, -1, 0, NULL, 0));
    return 0;
}

static long open_perf_event(void)
{
    struct perf_event_attr attribute = {.type = PERF_TYPE_SOFTWARE, .size = sizeof attribute,
                                        .config = PERF_COUNT_SW_TASK_CLOCK, .exclude_kernel = 1};
    return syscall(SYS_perf_event_open, &attribute, 0, -1, -1, 0);
}

/* Calls that answer something else than EPERM to an ordinary user who has no filter. */
static int hostile_refused(char **a)
{
    (void)a;
    TELL_CHILD_ACT("keyctl", syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0));
    TELL_CHILD_ACT("add_key", syscall(SYS_add_key, NULL, NULL, NULL, 0, 0));
    TELL_CHILD_ACT("request_key", syscall(SYS_request_key, NULL, NULL, NULL, 0));
    TELL_CHILD_ACT("userfaultfd", syscall(SYS_userfaultfd, 1));
    TELL_CHILD_ACT("perf_event_open", open_perf_event());
    TELL_CHILD_ACT("fanotify_init", syscall(SYS_fanotify_init, 0x200, 0));
    TELL_CHILD_ACT("open_by_handle_at", syscall(SYS_open_by_handle_at, -1, NULL, 0));
    TELL_CHILD_ACT("move_pages", syscall(SYS_move_pages, 0, 0, NULL, NULL, NULL, 0));
    TELL_CHILD_ACT("migrate_pages", syscall(SYS_migrate_pages, 0, 0, NULL, NULL));
    TELL_CHILD_ACT("personality", syscall(SYS_personality, 0x0400000));
    TELL_CHILD_ACT("quotactl", syscall(SYS_quotactl, 0, NULL, 0, NULL));
    TELL_CHILD_ACT("mount", syscall(SYS_mount, NULL, "/nowhere", NULL, 0, NULL));
    TELL_CHILD_ACT("umount2", syscall(SYS_umount2, "/nowhere", 0));
    TELL_CHILD_ACT("chroot", syscall(SYS_chroot, "/nowhere"));
    TELL_CHILD_ACT("setns", syscall(SYS_setns, -1, 0));
    TELL_CHILD_ACT("open_tree", syscall(SYS_open_tree, AT_FDCWD, "/nowhere", 0));
    TELL_CHILD_ACT("mount_setattr", syscall(SYS_mount_setattr, AT_FDCWD, "/nowhere", 0, NULL, 0));
    TELL_CHILD_ACT("open_tree_attr", syscall(NR_open_tree_attr, AT_FDCWD, "/nowhere", 0, NULL, 0));
    TELL_CHILD_ACT("fsconfig", syscall(SYS_fsconfig, -1, 0, NULL, NULL, 0));
    return 0;
}

/* Calls that answer something else than EPERM only to root. */
static int hostile_refused_root(char **a)
{
    (void)a;
    TELL_CHILD_ACT("reboot", syscall(SYS_reboot, 0, 0, 0, NULL));
    TELL_CHILD_ACT("swapon", syscall(SYS_swapon, "/nowhere", 0));
    TELL_CHILD_ACT("swapoff", syscall(SYS_swapoff, "/nowhere"));
    TELL_CHILD_ACT("acct", syscall(SYS_acct, "/nowhere"));
    TELL_CHILD_ACT("settimeofday", syscall(SYS_settimeofday, NULL, NULL));
    TELL_CHILD_ACT("clock_settime", syscall(SYS_clock_settime, 0, NULL));
    TELL_CHILD_ACT("sethostname", syscall(SYS_sethostname, "x", 999));
    TELL_CHILD_ACT("setdomainname", syscall(SYS_setdomainname, "x", 999));
    TELL_CHILD_ACT("syslog", syscall(SYS_syslog, 10, NULL, 0));
    TELL_CHILD_ACT("vhangup", syscall(SYS_vhangup));
    TELL_CHILD_ACT("pivot_root", syscall(SYS_pivot_root, "/nowhere", "/nowhere"));
    TELL_CHILD_ACT("fsopen", syscall(SYS_fsopen, "no-such-type", 0));
    TELL_CHILD_ACT("fsmount", syscall(SYS_fsmount, -1, 0, 0));
    TELL_CHILD_ACT("fspick", syscall(SYS_fspick, AT_FDCWD, "/nowhere", 0));
    TELL_CHILD_ACT("move_mount", syscall(SYS_move_mount, -1, "/nowhere", -1, "/nowhere", 0));
    TELL_CHILD_ACT("nice", setpriority(PRIO_PROCESS, 0, -1));
    TELL_CHILD_ACT("setgroups", syscall(SYS_setgroups, 0, NULL));
    return 0;
}

static int hostile_ports(char **a)
{
    (void)a;
    TELL_CHILD_ACT("iopl", syscall(SYS_iopl, 3));
    TELL_CHILD_ACT("ioperm", syscall(SYS_ioperm, 0x80, 1, 1));
    return 0;
}

static int hostile_killed(char **a)
{
    (void)a;
    TELL_CHILD_ACT("bpf", syscall(SYS_bpf, BPF_MAP_CREATE, NULL, 0));
    TELL_CHILD_ACT("kexec_load", syscall(SYS_kexec_load, 0, 4096, NULL, 0));
    TELL_CHILD_ACT("kexec_file_load", syscall(SYS_kexec_file_load, -1, -1, 0, NULL, 0));
    TELL_CHILD_ACT("init_module", syscall(SYS_init_module, NULL, 0, NULL));
    TELL_CHILD_ACT("finit_module", syscall(SYS_finit_module, -1, NULL, 0));
    TELL_CHILD_ACT("delete_module", syscall(SYS_delete_module, NULL, 0));
    return 0;
}

static long call_i386(long number, long first, long second)
{
    long result;
    __asm__ volatile("int $0x80"
                     : "=a"(result)
                     : "a"(number), "b"(first), "c"(second)
                     : "memory", "r8", "r9", "r10", "r11");
    if (result < 0) {
        errno = (int)-result;
        return -1;
    }
    return result;
}

static int hostile_i386(char **a)
{
    (void)a;
    TELL_CHILD_ACT("getpid", call_i386(20, 0, 0));
    /* unshare(2) and keyctl(2) by their i386 numbers. */
    TELL_CHILD_ACT("unshare_user", call_i386(310, CLONE_NEWUSER, 0));
    TELL_CHILD_ACT("keyctl", call_i386(288, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING));
    return 0;
}

static int hostile_x32(char **a)
{
    (void)a;
    TELL_CHILD_ACT("getpid", syscall(0x40000000L | SYS_getpid));
    TELL_CHILD_ACT("unshare_user", syscall(0x40000000L | SYS_unshare, CLONE_NEWUSER));
    return 0;
}

/* Numbers that a filter written for an older kernel does not know: ENOSYS, as the older kernel said. */
static int hostile_new_calls(char **a)
{
    (void)a;
    TELL_CHILD_ACT("statmount", syscall(NR_statmount, NULL, NULL, 0, 0));
    TELL_CHILD_ACT("listmount", syscall(NR_listmount, NULL, NULL, 0, 0));
    TELL_CHILD_ACT("lsm_set_self_attr", syscall(NR_lsm_set_self_attr, 0, NULL, 0, 0));
    TELL_CHILD_ACT("file_setattr", syscall(NR_file_setattr, AT_FDCWD, "/nowhere", NULL, 0, 0));
    TELL_CHILD_ACT("setxattrat", syscall(NR_setxattrat, AT_FDCWD, "/nowhere", 0, "user.x", NULL, 0));
    TELL_CHILD_ACT("map_shadow_stack", syscall(NR_map_shadow_stack, 1, 0, 0));
    return 0;
}

static int hostile_unknown_calls(char **a)
{
    (void)a;
    int others = 0;
    static const long numbers[] = {400, 423, 480, 500, 511, 512, 547, 600, 1000, 4095, 65535, 0x3FFFFFFF};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        struct act_word word;
        CHILD_ACT(word, syscall(numbers[i], 0, 0, 0, 0, 0, 0));
        if (strcmp(word.text, "ENOSYS") != 0) {
            others++;
            say("number %ld: %s", numbers[i], word.text);
        }
    }
    say("unknown=%s", others == 0 ? "ENOSYS" : "other");
    return 0;
}

static int hostile_openat2(char **a)
{
    (void)a;
    unsigned long long how[3] = {O_RDONLY, 0, 0};
    TELL_CHILD_ACT("openat2", syscall(SYS_openat2, AT_FDCWD, "/", how, sizeof how));
    return 0;
}

static void terminal_acts(int fd)
{
    char byte = '\n';
    int line = 0;
    TELL_CHILD_ACT("TIOCSTI", syscall(SYS_ioctl, fd, (unsigned long)TIOCSTI, &byte));
    TELL_CHILD_ACT("TIOCSTI_high_bits", syscall(SYS_ioctl, fd, TIOCSTI | (1UL << 32), &byte));
    TELL_CHILD_ACT("TIOCSTI_sign_bits", syscall(SYS_ioctl, fd, TIOCSTI | (0xFFFFFFFFUL << 32), &byte));
    TELL_CHILD_ACT("TIOCLINUX", syscall(SYS_ioctl, fd, (unsigned long)TIOCLINUX, &byte));
    TELL_CHILD_ACT("TIOCLINUX_high_bits", syscall(SYS_ioctl, fd, TIOCLINUX | (1UL << 32), &byte));
    TELL_CHILD_ACT("TIOCSETD", syscall(SYS_ioctl, fd, (unsigned long)TIOCSETD, &line));
}

/* ioctls: on a descriptor that is no terminal, so that only a filter can say EPERM. */
static int hostile_ioctls(char **a)
{
    (void)a;
    terminal_acts(open("/dev/null", O_RDWR | O_CLOEXEC));
    return 0;
}

/* terminal: on whatever terminal can be had. The test looks at the terminal's input queue. */
static int hostile_terminal(char **a)
{
    (void)a;
    say("stdin=%s", isatty(0) ? "ok" : errno_word(errno));
    TELL_CHILD_ACT("open_dev_tty", open("/dev/tty", O_RDWR | O_CLOEXEC));
    for (int fd = 0; fd < 3; fd++)
        terminal_acts(fd);
    return 0;
}

/* tracer: a tracer changes the traced child's call after its entry; the filter must look at the new one. */
static int hostile_tracer(char **a)
{
    (void)a;
    pid_t child = fork();
    if (child == 0) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
            _exit(errno);
        raise(SIGSTOP);
        long result = syscall(SYS_getppid);
        _exit(result == 0 ? 0 : result < 0 ? errno : 200);
    }
    int status;
    waitpid(child, &status, 0);
    if (!WIFSTOPPED(status)) {
        char word[64];
        say("ptrace=%s", ending_word(status, word, sizeof word));
        return 0;
    }
    say("ptrace=ok");
    int changed = 0;
    while (ptrace(PTRACE_SYSCALL, child, NULL, NULL) == 0 && waitpid(child, &status, 0) == child && WIFSTOPPED(status)) {
        struct user_regs_struct registers;
        if (WSTOPSIG(status) == SIGTRAP && ptrace(PTRACE_GETREGS, child, NULL, &registers) == 0 && !changed &&
            registers.orig_rax == SYS_getppid && (long)registers.rax == -ENOSYS) {
            registers.orig_rax = SYS_unshare;
            registers.rdi = CLONE_NEWUSER;
            changed = ptrace(PTRACE_SETREGS, child, NULL, &registers) == 0;
        }
    }
    char word[64];
    say("changed=%s", changed ? "ok" : "no");
    say("call=%s", ending_word(status, word, sizeof word));
    return 0;
}

static long raise_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{~0u, ~0u, ~0u}, {0x1FF, 0x1FF, 0x1FF}};
    return syscall(SYS_capset, &header, data);
}

/* privilege: ids, groups, capabilities. The control is a root of its own namespace. */
static int hostile_privilege(char **a)
{
    (void)a;
    gid_t group = 0;
    TELL_CHILD_ACT("setuid", syscall(SYS_setuid, 0));
    TELL_CHILD_ACT("setresuid", syscall(SYS_setresuid, 0, 0, 0));
    TELL_CHILD_ACT("setgid", syscall(SYS_setgid, 0));
    TELL_CHILD_ACT("securebits", prctl(PR_SET_SECUREBITS, 0, 0, 0, 0));
    TELL_CHILD_ACT("bounding_drop", prctl(PR_CAPBSET_DROP, 0, 0, 0, 0));
    TELL_CHILD_ACT("chroot", chroot("/"));
    TELL_CHILD_ACT("setgroups", syscall(SYS_setgroups, 1, &group) < 0 && errno == EPERM ? -1 : 0);
    return 0;
}

static int hostile_capabilities(char **a)
{
    (void)a;
    char line[256];
    FILE *status = fopen("/proc/self/status", "re");
    while (status != NULL && fgets(line, sizeof line, status) != NULL) {
        char *value = strchr(line, ':');
        if (strncmp(line, "Cap", 3) != 0 || value == NULL)
            continue;
        say("%.6s=%s", line, strtoull(value + 1, NULL, 16) == 0 ? "empty" : "ok");
    }
    if (status != NULL)
        fclose(status);
    int bounding = 0;
    for (int capability = 0; capability < 64; capability++)
        bounding += prctl(PR_CAPBSET_READ, capability, 0, 0, 0) == 1;
    say("bounding=%s", bounding == 0 ? "empty" : "ok");
    TELL_CHILD_ACT("raise", raise_capabilities());
    gid_t groups[64];
    say("groups %d", getgroups(64, groups));
    say("no_new_privs=%d", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    return 0;
}

/* proc: files of /proc and /sys that must not be readable (or hold nothing) and not writable. */
static void tell_readable(const char *path)
{
    char byte;
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    struct stat status;
    if (fd < 0) {
        say("read %s: %s", path, errno_word(errno));
        return;
    }
    if (fstat(fd, &status) == 0 && S_ISDIR(status.st_mode)) {
        DIR *folder = fdopendir(fd);
        int count = 0;
        while (folder != NULL && readdir(folder) != NULL)
            count++;
        say(count > 2 ? "readable=ok" : "readable=nothing");
        say("read %s: %d entries", path, count);
        return;
    }
    ssize_t n = read(fd, &byte, 1);
    say(n == 1 ? "readable=ok" : "readable=nothing");
    say("read %s: %zd", path, n);
    close(fd);
}

static int hostile_proc_read(char **a)
{
    say("readable=nothing");
    for (; *a != NULL; a++)
        tell_readable(*a);
    return 0;
}

static int hostile_proc_write(char **a)
{
    for (; *a != NULL; a++) {
        int fd = open(*a, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
        say("write %s", *a);
        tell("open_write", fd);
        if (fd >= 0)
            close(fd);
    }
    return 0;
}

/* cgroup: a tree that can be seen or written anywhere. */
static int hostile_cgroup(char **a)
{
    (void)a;
    char line[4096];
    int mounts = 0;
    FILE *file = fopen("/proc/self/mountinfo", "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        mounts += strstr(line, " - cgroup") != NULL;
    if (file != NULL)
        fclose(file);
    say("mounted=%s", mounts > 0 ? "ok" : "none");
    say("folder=%s", access("/sys/fs/cgroup", F_OK) == 0 ? "ok" : errno_word(errno));
    return 0;
}

/* leaks HOSTNAME: what tells one machine from another. */
static int hostile_leaks(char **a)
{
    struct utsname names;
    uname(&names);
    say("hostname=%s", strcmp(names.nodename, a[0]) == 0 ? "ok" : "another");
    char line[512];
    int others = 0, number = 0;
    FILE *file = fopen("/proc/net/dev", "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (number++ >= 2 && strncmp(line + strspn(line, " "), "lo:", 3) != 0)
            others++;
    if (file != NULL)
        fclose(file);
    say("interfaces=%s", others > 0 ? "ok" : "lo only");
    say("sys=%s", access("/sys/class/net", F_OK) == 0 ? "ok" : errno_word(errno));
    say("machine_id=%s", access("/etc/machine-id", F_OK) == 0 ? "ok" : errno_word(errno));
    return 0;
}

/* keyring NAME: a key of the user's that was there before. */
static void tell_key(const char *key, long serial)
{
    char text[512];
    if (serial < 0) {
        tell(key, -1);
        return;
    }
    long n = syscall(SYS_keyctl, KEYCTL_READ, serial, text, sizeof text - 1);
    if (tell(key, n) == 0) {
        text[n < (long)sizeof text ? n : (long)sizeof text - 1] = 0;
        say("seen %s", text);
    }
}

static int hostile_keyring(char **a)
{
    tell_key("search_session",
             syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, "user", a[0], 0));
    tell_key("search_user", syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_USER_KEYRING, "user", a[0], 0));
    tell_key("request", syscall(SYS_request_key, "user", a[0], NULL, 0));
    tell("add", syscall(SYS_add_key, "user", "left-by-job", "x", 1, KEY_SPEC_PROCESS_KEYRING));
    tell("join", syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL));
    char line[512];
    int listed = 0;
    FILE *file = fopen("/proc/keys", "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        listed += strstr(line, a[0]) != NULL;
    if (file != NULL)
        fclose(file);
    say("listed=%s", listed > 0 ? "ok" : "nothing");
    return 0;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(char **);
        int arguments;
    } table[] = {
        {"user-namespaces", hostile_user_namespaces, 0},
        {"clone3", hostile_clone3, 0},
        {"namespaces", hostile_namespaces, 0},
        {"libc", hostile_libc, 0},
        {"io-uring", hostile_io_uring, 0},
        {"refused", hostile_refused, 0},
        {"refused-root", hostile_refused_root, 0},
        {"ports", hostile_ports, 0},
        {"killed", hostile_killed, 0},
        {"i386", hostile_i386, 0},
        {"x32", hostile_x32, 0},
        {"new-calls", hostile_new_calls, 0},
        {"unknown-calls", hostile_unknown_calls, 0},
        {"openat2", hostile_openat2, 0},
        {"ioctls", hostile_ioctls, 0},
        {"terminal", hostile_terminal, 0},
        {"tracer", hostile_tracer, 0},
        {"privilege", hostile_privilege, 0},
        {"capabilities", hostile_capabilities, 0},
        {"proc-read", hostile_proc_read, 1},
        {"proc-write", hostile_proc_write, 1},
        {"cgroup", hostile_cgroup, 0},
        {"leaks", hostile_leaks, 1},
        {"keyring", hostile_keyring, 1},
    };
    for (size_t i = 0; argc > 1 && i < sizeof table / sizeof table[0]; i++) {
        if (strcmp(table[i].name, argv[1]) == 0 && argc - 2 >= table[i].arguments) {
            say("begin %s", argv[1]);
            return table[i].run(argv + 2);
        }
    }
    fprintf(stderr, "hostile-kernel: no such attempt, or too few arguments\n");
    return 2;
}
