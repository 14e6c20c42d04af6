/*
 * Probes of namespaces.
 *
 * Runs in the forked child of a probe (probe.c) and is async-signal-safe: system calls on stack buffers, nothing else.
 */
#include "probes.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <net/if.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "probe_calls.h"

static int write_text(const char *path, const char *text, size_t length) {
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return -1;
    ssize_t written = write(fd, text, length);
    int error = errno;
    close(fd);
    errno = error;
    if (written == (ssize_t)length) return 0;
    if (written >= 0) errno = EIO;
    return -1;
}

static size_t append_number(char *buffer, size_t at, uint32_t number) {
    char digits[10];
    size_t count = 0;
    do {
        digits[count++] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    while (count > 0) buffer[at++] = digits[--count];
    return at;
}

/* `ID ID 1`: the same number inside and outside. */
static int write_map(const char *path, uint32_t id) {
    char line[32];
    size_t length = append_number(line, 0, id);
    line[length++] = ' ';
    length = append_number(line, length, id);
    line[length++] = ' ';
    line[length++] = '1';
    return write_text(path, line, length);
}

static int become(const struct cs_probe_identity *who, struct cs_probe_result *result) {
    if (!who->drop) return 0;
    if (syscall(SYS_setgroups, 0, NULL) != 0) return cs_probe_failed(result, CS_TRIED_SETGROUPS);
    if (syscall(SYS_setresgid, who->gid, who->gid, who->gid) != 0) return cs_probe_failed(result, CS_TRIED_SETRESGID);
    if (syscall(SYS_setresuid, who->uid, who->uid, who->uid) != 0) return cs_probe_failed(result, CS_TRIED_SETRESUID);
    /* A change of ids makes /proc/self root's (proc(5)); the map files have to be written there. */
    if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) != 0) return cs_probe_failed(result, CS_TRIED_DUMPABLE);
    return 0;
}

int cs_probe_enter_user_namespace(const struct cs_probe_identity *who, struct cs_probe_result *result) {
    if (become(who, result) != 0) return -1;
    if (syscall(SYS_unshare, CLONE_NEWUSER) != 0) return cs_probe_failed(result, CS_TRIED_UNSHARE_USER);
    if (write_text("/proc/self/setgroups", "deny", 4) != 0) return cs_probe_failed(result, CS_TRIED_WRITE_SETGROUPS);
    if (write_map("/proc/self/uid_map", who->uid) != 0) return cs_probe_failed(result, CS_TRIED_WRITE_UID_MAP);
    if (write_map("/proc/self/gid_map", who->gid) != 0) return cs_probe_failed(result, CS_TRIED_WRITE_GID_MAP);
    return 0;
}

int cs_probe_enter_mount_namespace(const struct cs_probe_identity *who, struct cs_probe_result *result) {
    if (cs_probe_enter_user_namespace(who, result) != 0) return -1;
    if (syscall(SYS_unshare, CLONE_NEWNS) != 0) return cs_probe_failed(result, CS_TRIED_UNSHARE_MOUNT);
    if (syscall(SYS_mount, NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
        return cs_probe_failed(result, CS_TRIED_MOUNT_PRIVATE);
    return 0;
}

int cs_probe_enter_pid_namespace(struct cs_probe_result *result) {
    if (syscall(SYS_unshare, CLONE_NEWPID) != 0) return cs_probe_failed(result, CS_TRIED_UNSHARE_PID);
    long child = syscall(SYS_clone, (unsigned long)SIGCHLD, NULL, NULL, NULL, NULL);
    if (child < 0) return cs_probe_failed(result, CS_TRIED_FORK);
    if (child > 0) {
        int status = 0;
        while (syscall(SYS_wait4, child, &status, 0, NULL) < 0 && errno == EINTR) {
        }
        _exit(0);
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (syscall(SYS_getpid) != 1) return cs_probe_without_effect(result, CS_TRIED_GETPID);
    return 0;
}

int cs_probe_pid_namespace(const struct cs_probe_identity *who, struct cs_probe_result *result) {
    if (cs_probe_enter_user_namespace(who, result) != 0) return -1;
    return cs_probe_enter_pid_namespace(result);
}

int cs_probe_network_namespace(const struct cs_probe_identity *who, struct cs_probe_result *result) {
    if (cs_probe_enter_user_namespace(who, result) != 0) return -1;
    if (syscall(SYS_unshare, CLONE_NEWNET) != 0) return cs_probe_failed(result, CS_TRIED_UNSHARE_NETWORK);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return cs_probe_failed(result, CS_TRIED_SOCKET);
    struct ifreq request;
    memset(&request, 0, sizeof request);
    memcpy(request.ifr_name, "lo", 3);
    if (ioctl(fd, SIOCGIFFLAGS, &request) != 0) return cs_probe_failed(result, CS_TRIED_INTERFACE_FLAGS);
    request.ifr_flags = (short)(request.ifr_flags | IFF_UP);
    if (ioctl(fd, SIOCSIFFLAGS, &request) != 0) return cs_probe_failed(result, CS_TRIED_INTERFACE_FLAGS);
    if (ioctl(fd, SIOCGIFFLAGS, &request) != 0) return cs_probe_failed(result, CS_TRIED_INTERFACE_FLAGS);
    if ((request.ifr_flags & IFF_UP) == 0) return cs_probe_without_effect(result, CS_TRIED_INTERFACE_FLAGS);
    return 0;
}

int cs_probe_ipc_namespace(const struct cs_probe_identity *who, struct cs_probe_result *result) {
    if (cs_probe_enter_user_namespace(who, result) != 0) return -1;
    if (syscall(SYS_unshare, CLONE_NEWIPC) != 0) return cs_probe_failed(result, CS_TRIED_UNSHARE_IPC);
    return 0;
}

int cs_probe_uts_namespace(const struct cs_probe_identity *who, struct cs_probe_result *result) {
    if (cs_probe_enter_user_namespace(who, result) != 0) return -1;
    if (syscall(SYS_unshare, CLONE_NEWUTS) != 0) return cs_probe_failed(result, CS_TRIED_UNSHARE_UTS);
    if (syscall(SYS_sethostname, "probe", 5) != 0) return cs_probe_failed(result, CS_TRIED_SETHOSTNAME);
    return 0;
}

int cs_probe_cgroup_namespace(const struct cs_probe_identity *who, struct cs_probe_result *result) {
    if (cs_probe_enter_user_namespace(who, result) != 0) return -1;
    if (syscall(SYS_unshare, CLONE_NEWCGROUP) != 0) return cs_probe_failed(result, CS_TRIED_UNSHARE_CGROUP);
    return 0;
}
