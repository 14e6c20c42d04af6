/* What the kernel lets the process do: namespaces, mounts, privileged and dangerous system calls. */
#include "probe.h"

#include <grp.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/io_uring.h>
#include <linux/keyctl.h>
#include <linux/perf_event.h>
#include <linux/sched.h>
#include <linux/tiocl.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/timex.h>

static long unshare_one(int flag)
{
    return syscall(SYS_unshare, flag);
}

static long clone_one(unsigned long flags)
{
    long child = syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
    if (child == 0)
        _exit(0);
    return child;
}

static long clone3_one(void)
{
    struct clone_args arguments = {.exit_signal = SIGCHLD};
    long child = syscall(SYS_clone3, &arguments, sizeof arguments);
    if (child == 0)
        _exit(0);
    return child;
}

static long enter_own(const char *name)
{
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? -1 : syscall(SYS_setns, fd, 0);
}

/* int 0x80 takes i386 numbers: 20 is getpid(2) there. */
static long call_i386(void)
{
    long result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(20L) : "memory", "r8", "r9", "r10", "r11");
    if (result < 0)
        errno = (int)-result;
    return result < 0 ? -1 : 0;
}

static long call_x32(void)
{
    return syscall(0x40000000L | SYS_getpid);
}

static long terminal_call(unsigned long request)
{
    char byte = 'x';
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    return fd < 0 ? -1 : syscall(SYS_ioctl, fd, request, &byte);
}

static long raise_capability(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{.effective = 1u << CAP_SYS_ADMIN, .permitted = 1u << CAP_SYS_ADMIN}, {0}};
    return syscall(SYS_capset, &header, data);
}

static long make_io_uring(void)
{
    struct io_uring_params parameters = {0};
    return syscall(SYS_io_uring_setup, 1, &parameters);
}

static long open_perf_event(void)
{
    struct perf_event_attr attribute = {.type = PERF_TYPE_SOFTWARE, .size = sizeof attribute,
                                        .config = PERF_COUNT_SW_TASK_CLOCK, .exclude_kernel = 1};
    return syscall(SYS_perf_event_open, &attribute, 0, -1, -1, 0);
}

static void namespace_acts(void)
{
    ACT("unshare.user", unshare_one(CLONE_NEWUSER));
    ACT("unshare.mount", unshare_one(CLONE_NEWNS));
    ACT("unshare.pid", unshare_one(CLONE_NEWPID));
    ACT("unshare.network", unshare_one(CLONE_NEWNET));
    ACT("unshare.ipc", unshare_one(CLONE_NEWIPC));
    ACT("unshare.uts", unshare_one(CLONE_NEWUTS));
    ACT("unshare.cgroup", unshare_one(CLONE_NEWCGROUP));
    ACT("unshare.time", unshare_one(CLONE_NEWTIME));
    ACT("clone.plain", clone_one(0));
    ACT("clone.user", clone_one(CLONE_NEWUSER));
    ACT("clone.user_mount", clone_one(CLONE_NEWUSER | CLONE_NEWNS));
    ACT("clone.mount", clone_one(CLONE_NEWNS));
    ACT("clone.network", clone_one(CLONE_NEWNET));
    ACT("clone3", clone3_one());
    ACT("setns.user", enter_own("/proc/self/ns/user"));
    ACT("setns.mount", enter_own("/proc/self/ns/mnt"));
    ACT("mount.tmpfs", mount("none", "/tmp", "tmpfs", 0, NULL));
    ACT("mount.bind", mount("/usr", "/tmp", NULL, MS_BIND, NULL));
    ACT("mount.remount", mount(NULL, "/usr", NULL, MS_REMOUNT | MS_BIND, NULL));
    ACT("mount.nowhere", mount(NULL, "/nowhere", NULL, MS_REMOUNT, NULL));
    ACT("umount.nowhere", umount2("/nowhere", 0));
    ACT("umount.workspace", umount2(".", UMOUNT_NOFOLLOW));
    ACT("pivot_root", syscall(SYS_pivot_root, "/nowhere", "/nowhere"));
    ACT("chroot", chroot("/nowhere"));
    ACT("open_tree", syscall(SYS_open_tree, AT_FDCWD, "/nowhere", 0));
    ACT("open_tree_clone", syscall(SYS_open_tree, AT_FDCWD, "/usr", 1));
    ACT("move_mount", syscall(SYS_move_mount, -1, "/nowhere", -1, "/nowhere", 0));
    ACT("fsopen", syscall(SYS_fsopen, "tmpfs", 0));
    ACT("fsconfig", syscall(SYS_fsconfig, -1, 0, NULL, NULL, 0));
    ACT("fsmount", syscall(SYS_fsmount, -1, 0, 0));
    ACT("fspick", syscall(SYS_fspick, AT_FDCWD, "/nowhere", 0));
    ACT("mount_setattr", syscall(SYS_mount_setattr, AT_FDCWD, "/nowhere", 0, NULL, 0));
    ACT("statmount", syscall(NR_statmount, NULL, NULL, 0, 0));
    ACT("listmount", syscall(NR_listmount, NULL, NULL, 0, 0));
    ACT("open_tree_attr", syscall(NR_open_tree_attr, AT_FDCWD, "/nowhere", 0, NULL, 0));
}

static void privilege_acts(void)
{
    gid_t group = 0;
    ACT("setuid_0", syscall(SYS_setuid, 0));
    ACT("setgid_0", syscall(SYS_setgid, 0));
    ACT("setgroups", syscall(SYS_setgroups, 1, &group));
    ACT("capset_raise", raise_capability());
    ACT("ambient_raise", prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SYS_ADMIN, 0, 0));
    ACT("securebits", prctl(PR_SET_SECUREBITS, 0, 0, 0, 0));
    ACT("no_new_privs_off", prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
    /* Too long, so that nothing changes where it is allowed. */
    ACT("sethostname", syscall(SYS_sethostname, "probe", 999));
    ACT("iopl", syscall(SYS_iopl, 3));
    ACT("ioperm", syscall(SYS_ioperm, 0x80, 1, 1));
    ACT("settimeofday", syscall(SYS_settimeofday, NULL, NULL));
    ACT("reboot", syscall(SYS_reboot, 0, 0, 0, NULL));
    ACT("acct", syscall(SYS_acct, "/nowhere"));
    ACT("swapon", syscall(SYS_swapon, "/nowhere", 0));
    ACT("quotactl", syscall(SYS_quotactl, 0, NULL, 0, NULL));
    ACT("syslog", syscall(SYS_syslog, 10, NULL, 0));
    ACT("vhangup", syscall(SYS_vhangup));
    ACT("personality_odd", syscall(SYS_personality, 0x0040000));
}

void probe_kernel_acts(void)
{
    namespace_acts();
    privilege_acts();
    ACT("int80", call_i386());
    ACT("x32", call_x32());
    ACT("bpf", syscall(SYS_bpf, BPF_MAP_CREATE, NULL, 0));
    ACT("kexec_load", syscall(SYS_kexec_load, 0, 4096, NULL, 0));
    ACT("init_module", syscall(SYS_init_module, NULL, 0, NULL));
    ACT("finit_module", syscall(SYS_finit_module, -1, NULL, 0));
    ACT("delete_module", syscall(SYS_delete_module, NULL, 0));
    ACT("keyctl", syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0));
    ACT("keyctl_user", syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_USER_KEYRING, 0));
    ACT("add_key", syscall(SYS_add_key, NULL, NULL, NULL, 0, 0));
    ACT("request_key", syscall(SYS_request_key, NULL, NULL, NULL, 0));
    ACT("io_uring_setup", make_io_uring());
    ACT("io_uring_enter", syscall(SYS_io_uring_enter, -1, 0, 0, 0, NULL, 0));
    ACT("io_uring_register", syscall(SYS_io_uring_register, -1, 0, NULL, 0));
    ACT("open_by_handle_at", syscall(SYS_open_by_handle_at, -1, NULL, 0));
    ACT("name_to_handle_at", syscall(SYS_name_to_handle_at, -1, NULL, NULL, NULL, 0));
    ACT("perf_event_open", open_perf_event());
    ACT("userfaultfd", syscall(SYS_userfaultfd, 1));
    ACT("fanotify_init", syscall(SYS_fanotify_init, 0x200, 0));
    ACT("lookup_dcookie", syscall(SYS_lookup_dcookie, 0, NULL, 0));
    ACT("move_pages", syscall(SYS_move_pages, 0, 0, NULL, NULL, NULL, 0));
    ACT("migrate_pages", syscall(SYS_migrate_pages, 0, 0, NULL, NULL));
    ACT("mbind", syscall(SYS_mbind, 0, 0, 0, NULL, 0, 0));
    ACT("modify_ldt", syscall(SYS_modify_ldt, 0, NULL, 0));
    ACT("kcmp", syscall(SYS_kcmp, getpid(), getpid(), 1, 0, 0));
    ACT("pidfd_getfd", syscall(SYS_pidfd_getfd, -1, 0, 0));
    ACT("process_madvise", syscall(SYS_process_madvise, -1, NULL, 0, 0, 0));
    ACT("memfd_secret", syscall(SYS_memfd_secret, 0));
    ACT("openat2", syscall(SYS_openat2, AT_FDCWD, "/", NULL, 0));
    ACT("cachestat", syscall(NR_cachestat, -1, NULL, NULL, 0));
    ACT("lsm_set_self_attr", syscall(NR_lsm_set_self_attr, 0, NULL, 0, 0));
    ACT("mseal", syscall(NR_mseal, 1, 0, 1));
    ACT("unknown_call_600", syscall(600));
    ACT("unknown_call_1000", syscall(1000));
    ACT("seccomp_own_filter", syscall(SYS_seccomp, 2, 0, NULL));
    ACT("tiocsti", terminal_call(TIOCSTI));
    ACT("tiocsti_high_bits", terminal_call(TIOCSTI | (1UL << 32)));
    ACT("tioclinux", terminal_call(TIOCLINUX));
    ACT("tiocsctty", terminal_call(TIOCSCTTY));
    ACT("tiocsetd", terminal_call(TIOCSETD));
}
