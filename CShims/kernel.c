#include "cs_kernel.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysinfo.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>

#include "cs_awake.h"
#include "cs_sys.h"

long cs_openat2(int folder, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve)
{
    struct open_how how = {.flags = flags | O_CLOEXEC, .mode = mode, .resolve = resolve};
    return CS_CALL4(SYS_openat2, folder, path, &how, sizeof(how));
}

static long identify(int folder, const char *path, int flags, struct cs_identity *identity)
{
    struct statx found;
    const long result = CS_CALL5(SYS_statx, folder, path, flags | AT_NO_AUTOMOUNT,
                                 STATX_BASIC_STATS | STATX_BTIME | 0x1000 /* STATX_MNT_ID */, &found);
    if (result < 0)
        return result;
    *identity = (struct cs_identity){
        .device = makedev(found.stx_dev_major, found.stx_dev_minor),
        .inode = found.stx_ino,
        .mode = found.stx_mode,
        .uid = found.stx_uid,
        .gid = found.stx_gid,
        .major = found.stx_rdev_major,
        .minor = found.stx_rdev_minor,
        .links = found.stx_nlink,
        .size = found.stx_size,
        .allocated = found.stx_blocks * 512,
        .mount = found.stx_mask & 0x1000 ? found.stx_mnt_id : 0,
        .modified_ns = found.stx_mtime.tv_sec * 1000000000 + found.stx_mtime.tv_nsec,
        .changed_ns = found.stx_ctime.tv_sec * 1000000000 + found.stx_ctime.tv_nsec,
        .born_ns = found.stx_mask & STATX_BTIME ? found.stx_btime.tv_sec * 1000000000 + found.stx_btime.tv_nsec : 0,
    };
    return 0;
}

long cs_identify(int folder, const char *path, struct cs_identity *identity)
{
    return identify(folder, path, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW, identity);
}

long cs_identify_following(int folder, const char *path, struct cs_identity *identity)
{
    return identify(folder, path, 0, identity);
}

long cs_readlinkat(int folder, const char *path, void *buffer, size_t size)
{
    return CS_CALL4(SYS_readlinkat, folder, path, buffer, size);
}

long cs_sealed_memfd(const char *name, const void *bytes, size_t size)
{
    const long file = CS_CALL2(SYS_memfd_create, name, 0x0003 /* CLOEXEC, ALLOW_SEALING */);
    if (file < 0)
        return file;
    long result = 0;
    for (size_t done = 0; done < size;) {
        result = CS_CALL3(SYS_write, file, (const char *)bytes + done, size - done);
        if (result == -EINTR)
            continue;
        if (result <= 0) {
            result = result ? result : -EIO;
            break;
        }
        done += (size_t)result;
    }
    if (result >= 0)
        result = CS_CALL3(SYS_fcntl, file, 1033 /* F_ADD_SEALS */, CS_PLAN_SEALS);
    if (result < 0) {
        CS_CALL1(SYS_close, file);
        return result;
    }
    return file;
}

long cs_socketpair_seqpacket(int pair[2])
{
    return CS_CALL4(SYS_socketpair, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair);
}

long cs_socketpair_stream(int pair[2])
{
    return CS_CALL4(SYS_socketpair, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair);
}

long cs_pipe(int pair[2])
{
    return CS_CALL2(SYS_pipe2, pair, O_CLOEXEC);
}

long cs_fork(void)
{
    return CS_CALL5(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
}

long cs_stand_apart(void)
{
    long result = CS_CALL5(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (result == 0)
        result = CS_CALL0(SYS_setsid);
    return result < 0 ? result : 0;
}

long cs_eventfd(void)
{
    return CS_CALL2(SYS_eventfd2, 0, O_CLOEXEC | O_NONBLOCK);
}

long cs_signalfd(const int *signals, int count)
{
    uint64_t mask = 0;
    for (int i = 0; i < count; i++)
        mask |= 1ull << (signals[i] - 1);
    return CS_CALL4(SYS_signalfd4, -1, &mask, sizeof(mask), O_CLOEXEC | O_NONBLOCK);
}

long cs_block_all_signals(void)
{
    const uint64_t all = ~0ull;
    return CS_CALL4(SYS_rt_sigprocmask, SIG_SETMASK, &all, NULL, sizeof(all));
}

long cs_pidfd_kill(int pidfd, int signal)
{
    return CS_CALL4(SYS_pidfd_send_signal, pidfd, signal, NULL, 0);
}

void cs_await_end(int pidfd) { cs_wait_awake(pidfd); }

long cs_wait(int pid, int block, int *status, struct cs_usage *usage)
{
    struct rusage used;
    *status = -1;
    long result;
    do
        result = CS_CALL4(SYS_wait4, pid, status, block ? 0 : WNOHANG, &used);
    while (result == -EINTR);
    if (result > 0 && usage)
        *usage = (struct cs_usage){
            .user_us = used.ru_utime.tv_sec * 1000000 + used.ru_utime.tv_usec,
            .system_us = used.ru_stime.tv_sec * 1000000 + used.ru_stime.tv_usec,
            .max_rss_kib = used.ru_maxrss,
        };
    return result;
}

long cs_send(int socket, const struct cs_message *message, const int *descriptors, int count)
{
    union {
        char bytes[CMSG_SPACE(8 * sizeof(int))];
        struct cmsghdr align;
    } control = {{0}};
    struct iovec vector = {.iov_base = (void *)(uintptr_t)message, .iov_len = sizeof(*message)};
    struct msghdr header = {.msg_iov = &vector, .msg_iovlen = 1};
    if (count > 8)
        return -EINVAL;
    if (count > 0) {
        header.msg_control = control.bytes;
        header.msg_controllen = CMSG_SPACE((size_t)count * sizeof(int));
        struct cmsghdr *part = CMSG_FIRSTHDR(&header);
        part->cmsg_level = SOL_SOCKET;
        part->cmsg_type = SCM_RIGHTS;
        part->cmsg_len = CMSG_LEN((size_t)count * sizeof(int));
        memcpy(CMSG_DATA(part), descriptors, (size_t)count * sizeof(int));
    }
    long result;
    do
        result = CS_CALL3(SYS_sendmsg, socket, &header, MSG_NOSIGNAL);
    while (result == -EINTR);
    if (result >= 0 && result != (long)sizeof(*message))
        return -EIO;
    return result;
}

long cs_pass_credentials(int socket)
{
    const int on = 1;
    return CS_CALL5(SYS_setsockopt, socket, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on));
}

long cs_receive(int socket, struct cs_message *message, int *sender, int passed[CS_PASSED_MOST], int timeout_ms)
{
    struct pollfd watched = {.fd = socket, .events = POLLIN};
    if (timeout_ms != 0)
        cs_wait_awake(socket);
    long result;
    do
        result = CS_CALL3(SYS_poll, &watched, 1, timeout_ms);
    while (result == -EINTR);
    if (result < 0)
        return result;
    if (result == 0)
        return -EAGAIN;
    union {
        char bytes[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(CS_PASSED_MOST * sizeof(int))];
        struct cmsghdr align;
    } control;
    struct iovec vector = {.iov_base = message, .iov_len = sizeof(*message)};
    struct msghdr header = {
        .msg_iov = &vector, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control.bytes)};
    do
        result = CS_CALL3(SYS_recvmsg, socket, &header, MSG_CMSG_CLOEXEC);
    while (result == -EINTR);
    /* Said once, by a peer that went without reading all of ours; what it wrote before that is still there. */
    if (result == -ECONNRESET)
        result = CS_CALL3(SYS_recvmsg, socket, &header, MSG_CMSG_CLOEXEC);
    *sender = 0;
    for (int i = 0; i < CS_PASSED_MOST; i++)
        passed[i] = -1;
    if (result <= 0)
        return result;
    size_t count = 0;
    for (struct cmsghdr *part = CMSG_FIRSTHDR(&header); part; part = CMSG_NXTHDR(&header, part)) {
        if (part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_RIGHTS) {
            const size_t arrived = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
            for (size_t i = 0; i < arrived; i++) {
                int descriptor;
                memcpy(&descriptor, CMSG_DATA(part) + i * sizeof(int), sizeof(int));
                if (count < CS_PASSED_MOST)
                    passed[count] = descriptor;
                else
                    CS_CALL1(SYS_close, descriptor);
                count++;
            }
        }
        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_CREDENTIALS)
            continue;
        struct ucred credentials;
        memcpy(&credentials, CMSG_DATA(part), sizeof(credentials));
        *sender = credentials.pid;
    }
    if (result != (long)sizeof(*message) || count > CS_PASSED_MOST || (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC))) {
        for (int i = 0; i < CS_PASSED_MOST; i++) {
            if (passed[i] >= 0)
                CS_CALL1(SYS_close, passed[i]);
            passed[i] = -1;
        }
        return -EBADMSG;
    }
    return 1;
}

int32_t cs_landlock_abi(void)
{
    return (int32_t)CS_CALL3(CS_LANDLOCK_CREATE_RULESET, NULL, 0, 1 /* LANDLOCK_CREATE_RULESET_VERSION */);
}

/* prctl(2): the kernel knows all numbers up to the last one. */
long cs_last_capability(void)
{
    long known = -1, unknown = 64;
    while (unknown - known > 1) {
        const long number = (known + unknown) / 2;
        const long answer = CS_CALL5(SYS_prctl, PR_CAPBSET_READ, number, 0, 0, 0);
        if (answer == -EINVAL)
            unknown = number;
        else if (answer < 0)
            return answer;
        else
            known = number;
    }
    return known;
}

int64_t cs_memory_total(void)
{
    struct sysinfo info;
    const long result = CS_CALL1(SYS_sysinfo, &info);
    return result < 0 ? result : (int64_t)(info.totalram * info.mem_unit);
}

/* The bare call answers 20 - nice, so that it is never negative. getpriority(2). */
long cs_nice(int32_t pid, int32_t *value)
{
    const long result = CS_CALL2(SYS_getpriority, PRIO_PROCESS, pid);
    if (result < 0)
        return result;
    *value = (int32_t)(20 - result);
    return 0;
}

long cs_session_keyring(void) { return CS_CALL3(SYS_keyctl, 0 /* GET_KEYRING_ID */, -3 /* session */, 0); }

long cs_scheduler(int32_t pid) { return CS_CALL1(SYS_sched_getscheduler, pid); }

long cs_set_dumpable(int on)
{
    return CS_CALL5(SYS_prctl, PR_SET_DUMPABLE, on, 0, 0, 0);
}

long cs_ensure_stdio(void)
{
    long closed = 0;
    for (int number = 0; number < 3; number++) {
        const long flags = CS_CALL2(SYS_fcntl, number, F_GETFD);
        if (flags >= 0)
            continue;
        if (flags != -EBADF)
            return flags;
        const long opened = CS_CALL4(SYS_openat, AT_FDCWD, "/dev/null", number ? O_WRONLY : O_RDONLY, 0);
        if (opened < 0)
            return opened;
        if (opened != number)
            return -EBADF;
        closed |= 1 << number;
    }
    return closed;
}

long cs_getrandom(void *buffer, size_t size)
{
    const long result = CS_CALL3(SYS_getrandom, buffer, size, 0);
    return result >= 0 && result != (long)size ? -EIO : result;
}

long cs_flock(int descriptor, int operation)
{
    return CS_CALL2(SYS_flock, descriptor, operation);
}

long cs_fcntl_getfl(int descriptor)
{
    return CS_CALL2(SYS_fcntl, descriptor, F_GETFL);
}

long cs_duplicate(int descriptor)
{
    return CS_CALL3(SYS_fcntl, descriptor, F_DUPFD_CLOEXEC, 3);
}

long cs_set_blocking(int descriptor)
{
    const long flags = CS_CALL2(SYS_fcntl, descriptor, F_GETFL);
    if (flags < 0)
        return flags;
    return CS_CALL3(SYS_fcntl, descriptor, F_SETFL, flags & ~O_NONBLOCK);
}

int64_t cs_filesystem_used(int descriptor)
{
    struct statfs found;
    const long result = CS_CALL2(SYS_fstatfs, descriptor, &found);
    return result < 0 ? result : (int64_t)(found.f_blocks - found.f_bfree) * found.f_bsize;
}

int64_t cs_filesystem_files(int descriptor)
{
    struct statfs found;
    const long result = CS_CALL2(SYS_fstatfs, descriptor, &found);
    return result < 0 ? result : (int64_t)(found.f_files - found.f_ffree);
}

long cs_block_signals(const int *signals, int count)
{
    uint64_t mask = 0;
    for (int i = 0; i < count; i++)
        mask |= 1ull << (signals[i] - 1);
    return CS_CALL4(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, sizeof(mask));
}

static int64_t clock_now(clockid_t which)
{
    struct timespec now = {0};
    clock_gettime(which, &now);
    return now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t cs_now(void)
{
    return clock_now(CLOCK_REALTIME);
}

int64_t cs_monotonic(void)
{
    return clock_now(CLOCK_MONOTONIC);
}

void cs_return_memory(void)
{
    malloc_trim(0);
}

size_t cs_memory_in_use(void)
{
    const struct mallinfo2 all = mallinfo2();
    return all.uordblks + all.hblkhd;
}

long cs_set_flags(int descriptor, int flags)
{
    return CS_CALL3(SYS_fcntl, descriptor, F_SETFL, flags);
}

long cs_no_core_dumps(void)
{
    struct rlimit limit;
    const long result = CS_CALL4(SYS_prlimit64, 0, RLIMIT_CORE, NULL, &limit);
    if (result < 0)
        return result;
    limit.rlim_cur = 0;
    return CS_CALL4(SYS_prlimit64, 0, RLIMIT_CORE, &limit, NULL);
}

long cs_default_child_signal(void)
{
    const uint64_t action[4] = {0}; /* struct sigaction of the kernel: handler, flags, restorer, mask */
    return CS_CALL4(SYS_rt_sigaction, SIGCHLD, action, NULL, 8);
}

long cs_is_ignored(int signal)
{
    uint64_t action[4] = {0};
    const long result = CS_CALL4(SYS_rt_sigaction, signal, NULL, action, 8);
    return result < 0 ? result : action[0] == 1; /* SIG_IGN */
}

long cs_move_name(int from, const char *name, int to, const char *other)
{
    return CS_CALL5(SYS_renameat2, from, name, to, other, 1 /* RENAME_NOREPLACE */);
}

/* fcntl(2), "Open file description locks". */
static long lock_of_file(int descriptor, int command, struct flock *lock)
{
    lock->l_whence = SEEK_SET;
    return CS_CALL3(SYS_fcntl, descriptor, command, lock);
}

long cs_enter_folder(int descriptor)
{
    struct flock lock = {.l_type = F_RDLCK};
    return lock_of_file(descriptor, 37 /* F_OFD_SETLK */, &lock);
}

long cs_has_company(int descriptor)
{
    struct flock lock = {.l_type = F_WRLCK};
    const long result = lock_of_file(descriptor, 36 /* F_OFD_GETLK */, &lock);
    return result < 0 ? result : lock.l_type != F_UNLCK;
}

/* getdents64(2): the two names that every folder has fit into one answer with more room than they need. */
long cs_is_empty_folder(int descriptor)
{
    struct entry {
        uint64_t inode;
        int64_t next;
        unsigned short length;
        unsigned char type;
        char name[];
    };
    _Alignas(struct entry) char buffer[1024];
    for (;;) {
        const long count = CS_CALL3(SYS_getdents64, descriptor, buffer, sizeof(buffer));
        if (count <= 0)
            return count < 0 ? count : 1;
        for (long at = 0; at < count;) {
            const struct entry *entry = (const void *)(buffer + at);
            if (strcmp(entry->name, ".") && strcmp(entry->name, ".."))
                return 0;
            at += entry->length;
        }
    }
}
