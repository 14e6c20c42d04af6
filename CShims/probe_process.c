/*
 * Probes of what a process takes from itself, and of how it holds others: capabilities, limits, filters, descriptors.
 *
 * Runs in the forked child of a probe (probe.c) and is async-signal-safe: system calls on stack buffers, nothing else.
 */
#include "probes.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/keyctl.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "probe_calls.h"

/* Calls that Debian 12's headers may lack a wrapper or an argument's type for. */
struct landlock_attr {
    uint64_t handled_access_fs;
};

#define LANDLOCK_READ_DIR (1ULL << 3)
#define LANDLOCK_VERSION_FLAG 1U

int cs_probe_capabilities(const struct cs_probe_identity *who, struct cs_probe_result *result) {
    if (cs_probe_enter_user_namespace(who, result) != 0) return -1;
    /* All but KEEP_CAPS, which is locked at 0. */
    const unsigned long bits_set = (SECURE_ALL_BITS & ~issecure_mask(SECURE_KEEP_CAPS)) | SECURE_ALL_LOCKS;
    if (prctl(PR_SET_SECUREBITS, bits_set, 0, 0, 0) != 0)
        return cs_probe_failed(result, CS_TRIED_SECUREBITS);
    int last = 0;
    while (prctl(PR_CAPBSET_READ, last, 0, 0, 0) >= 0) {
        if (prctl(PR_CAPBSET_DROP, last, 0, 0, 0) != 0) return cs_probe_failed(result, CS_TRIED_CAPBSET_DROP);
        if (prctl(PR_CAPBSET_READ, last, 0, 0, 0) != 0) return cs_probe_without_effect(result, CS_TRIED_CAPBSET_DROP);
        last++;
    }
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0)
        return cs_probe_failed(result, CS_TRIED_CAP_AMBIENT);
    struct __user_cap_header_struct header;
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
    memset(&header, 0, sizeof header);
    memset(data, 0, sizeof data);
    header.version = _LINUX_CAPABILITY_VERSION_3;
    if (syscall(SYS_capset, &header, data) != 0) return cs_probe_failed(result, CS_TRIED_CAPSET);
    memset(data, 0xFF, sizeof data);
    if (syscall(SYS_capget, &header, data) != 0) return cs_probe_failed(result, CS_TRIED_CAPGET);
    for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
        if ((data[i].effective | data[i].permitted | data[i].inheritable) != 0)
            return cs_probe_without_effect(result, CS_TRIED_CAPSET);
    int bits = prctl(PR_GET_SECUREBITS, 0, 0, 0, 0);
    if (bits < 0) return cs_probe_failed(result, CS_TRIED_SECUREBITS);
    if ((unsigned long)bits != bits_set) return cs_probe_without_effect(result, CS_TRIED_SECUREBITS);
    result->value = last;
    return 0;
}

/*
 * Three tasks are allowed, this one is the first. The kernel counts them per user namespace since 5.14; before, it
 * counted every process of the user, and the first child would be refused already.
 */
int cs_probe_rlimit_nproc(const struct cs_probe_identity *who, struct cs_probe_result *result) {
    if (cs_probe_enter_user_namespace(who, result) != 0) return -1;
    struct rlimit limit = {.rlim_cur = 3, .rlim_max = 3};
    if (setrlimit(RLIMIT_NPROC, &limit) != 0) return cs_probe_failed(result, CS_TRIED_SETRLIMIT);
    long children[4] = {0};
    int started = 0;
    int error = 0;
    while (started < 4) {
        long child = syscall(SYS_clone, (unsigned long)SIGCHLD, NULL, NULL, NULL, NULL);
        if (child == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
            for (;;) pause();
        }
        if (child < 0) {
            error = errno;
            break;
        }
        children[started++] = child;
    }
    for (int i = 0; i < started; i++) {
        kill((pid_t)children[i], SIGKILL);
        syscall(SYS_wait4, children[i], NULL, 0, NULL);
    }
    result->value = started;
    if (started == 2 && error == EAGAIN) return 0;
    errno = error;
    return started > 2 ? cs_probe_without_effect(result, CS_TRIED_SETRLIMIT) : cs_probe_failed(result, CS_TRIED_FORK);
}

static int forbid_new_privileges(struct cs_probe_result *result) {
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return cs_probe_failed(result, CS_TRIED_NO_NEW_PRIVS);
    int set = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
    if (set < 0) return cs_probe_failed(result, CS_TRIED_NO_NEW_PRIVS);
    return set == 1 ? 0 : cs_probe_without_effect(result, CS_TRIED_NO_NEW_PRIVS);
}

int cs_probe_no_new_privs(const struct cs_probe_identity *who, struct cs_probe_result *result) {
    (void)who;
    return forbid_new_privileges(result);
}

int cs_probe_seccomp(const struct cs_probe_identity *who, struct cs_probe_result *result) {
    (void)who;
    if (forbid_new_privileges(result) != 0) return -1;
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EXDEV),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof code / sizeof code[0], .filter = code};
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0)
        return cs_probe_failed(result, CS_TRIED_SECCOMP);
    if (syscall(SYS_getppid) >= 0) return cs_probe_without_effect(result, CS_TRIED_FILTERED_GETPPID);
    if (errno != EXDEV) return cs_probe_failed(result, CS_TRIED_FILTERED_GETPPID);
    return 0;
}

int cs_probe_landlock(const struct cs_probe_identity *who, struct cs_probe_result *result) {
    (void)who;
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_VERSION_FLAG);
    if (abi < 0) return cs_probe_failed(result, CS_TRIED_LANDLOCK_VERSION);
    result->value = abi;
    if (forbid_new_privileges(result) != 0) return -1;
    struct landlock_attr attributes = {.handled_access_fs = LANDLOCK_READ_DIR};
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0);
    if (ruleset < 0) return cs_probe_failed(result, CS_TRIED_LANDLOCK_RULESET);
    /* The positive control: without the domain the same act works. */
    int before = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (before < 0) return cs_probe_failed(result, CS_TRIED_LANDLOCK_REFUSED_OPEN);
    if (syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)
        return cs_probe_failed(result, CS_TRIED_LANDLOCK_RESTRICT);
    if (open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC) >= 0)
        return cs_probe_without_effect(result, CS_TRIED_LANDLOCK_REFUSED_OPEN);
    if (errno != EACCES) return cs_probe_failed(result, CS_TRIED_LANDLOCK_REFUSED_OPEN);
    return 0;
}

int cs_probe_pidfd(const struct cs_probe_identity *who, struct cs_probe_result *result) {
    (void)who;
    int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
    if (fd < 0) return cs_probe_failed(result, CS_TRIED_PIDFD_OPEN);
    if (syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0) != 0) return cs_probe_failed(result, CS_TRIED_PIDFD_SIGNAL);
    return 0;
}

int cs_probe_close_range(const struct cs_probe_identity *who, struct cs_probe_result *result) {
    (void)who;
    int fd = open("/", O_RDONLY | O_DIRECTORY);
    if (fd < 0) return cs_probe_failed(result, CS_TRIED_OPEN_ROOT);
    const unsigned int cloexec = 1U << 2; /* CLOSE_RANGE_CLOEXEC, Linux 5.11 */
    if (syscall(SYS_close_range, (unsigned int)fd, (unsigned int)fd, cloexec) != 0)
        return cs_probe_failed(result, CS_TRIED_CLOSE_RANGE);
    int flags = fcntl(fd, F_GETFD);
    if (flags < 0) return cs_probe_failed(result, CS_TRIED_CLOSE_RANGE_EFFECT);
    if ((flags & FD_CLOEXEC) == 0) return cs_probe_without_effect(result, CS_TRIED_CLOSE_RANGE_EFFECT);
    return 0;
}

int cs_probe_keyring(const struct cs_probe_identity *who, struct cs_probe_result *result) {
    (void)who;
    /* The caller's own may not exist yet (ENOKEY): then any fresh one differs. */
    long before = syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0);
    long fresh = syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);
    if (fresh < 0) return cs_probe_failed(result, CS_TRIED_KEYCTL);
    long after = syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0);
    if (after < 0) return cs_probe_failed(result, CS_TRIED_KEYCTL_EFFECT);
    if (after != fresh || after == before) return cs_probe_without_effect(result, CS_TRIED_KEYCTL_EFFECT);
    result->value = fresh;
    return 0;
}
