#include "cs_streams.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/vfs.h>

#include "cs_sys.h"

/* Since Linux 4.14 for regular files, 6.4 for pipes; older headers do not name it. preadv2(2). */
#define NOWAIT 0x00000008
/* What a pipe that is called writable takes at once, and most terminals. */
#define SMALL 1024u
/* The longest that a call may wait all the same. */
#define PATIENCE_US 10000
/* A datagram socket takes a piece whole or not at all. */
#define DATAGRAM 16384u

static size_t at_most(size_t size, size_t limit)
{
    return size < limit ? size : limit;
}

static void wake(int signal)
{
    (void)signal;
}

/*
 * A call on a description that others need blocking and that cannot say for itself not to wait. poll(2) named it, and
 * still it can wait: another process took the bytes meanwhile, or a terminal has less room than the piece needs. A timer's
 * signal ends that (setitimer(2); repeated, because the first may come before the call does). SIGALRM must not be blocked.
 */
static long interrupted(long number, int descriptor, const void *bytes, size_t size)
{
    const struct itimerval never = {{0, 0}, {0, 0}};
    const struct itimerval often = {{0, PATIENCE_US}, {0, PATIENCE_US}};
    const struct sigaction waking = {.sa_handler = wake}; /* no SA_RESTART */
    struct sigaction before;
    if (sigaction(SIGALRM, &waking, &before) < 0 || setitimer(ITIMER_REAL, &often, NULL) < 0)
        return -errno;
    const long result = CS_CALL3(number, descriptor, bytes, size);
    setitimer(ITIMER_REAL, &never, NULL);
    sigaction(SIGALRM, &before, NULL);
    return result == -EINTR ? -EAGAIN : result;
}

static long shared(long now, long number, int descriptor, const void *bytes, size_t size)
{
    const struct iovec vector = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = size};
    /* Position -1 is the file's own, as for read(2) and write(2). */
    const long result = cs_syscall6(now, descriptor, (long)&vector, 1, -1, -1, NOWAIT);
    if (result != -EOPNOTSUPP && result != -ENOSYS)
        return result;
    return interrupted(number, descriptor, bytes, at_most(size, SMALL));
}

long cs_stream_read(int descriptor, void *buffer, size_t size, int manner)
{
    if (manner == CS_STREAM_SOCKET)
        return cs_syscall6(SYS_recvfrom, descriptor, (long)buffer, (long)size, MSG_DONTWAIT, 0, 0);
    if (manner == CS_STREAM_SHARED)
        return shared(SYS_preadv2, SYS_read, descriptor, buffer, size);
    return CS_CALL3(SYS_read, descriptor, buffer, size);
}

long cs_stream_write(int descriptor, const void *bytes, size_t size, int manner)
{
    if (manner == CS_STREAM_SOCKET)
        return CS_CALL6_SENDTO(descriptor, bytes, at_most(size, DATAGRAM), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (manner == CS_STREAM_SHARED)
        return shared(SYS_pwritev2, SYS_write, descriptor, bytes, size);
    return CS_CALL3(SYS_write, descriptor, bytes, size);
}

/* statfs(2) and linux/magic.h; Debian 12's header does not have all of them, and the numbers are the kernel's ABI. */
static const struct {
    long magic;
    const char *name;
} kernel_filesystems[] = {
    {0x00009fa0, "proc"},    {0x62656572, "sysfs"},    {0x6e736673, "nsfs"},      {0x50494446, "pidfs"},
    {0x0027e0eb, "cgroup"},  {0x63677270, "cgroup2"},  {0x64626720, "debugfs"},   {0x74726163, "tracefs"},
    {0x73636673, "securityfs"}, {0xf97cff8c, "selinuxfs"}, {0x43415d53, "smackfs"}, {0x62656570, "configfs"},
    {0xcafe4a11, "bpf"},     {0xde5e81e4, "efivarfs"}, {0x42494e4d, "binfmt_misc"}, {0x65735543, "fusectl"},
    {0x6165676c, "pstore"},  {0x07655821, "resctrl"},
};

long cs_kernel_filesystem(int descriptor, const char **name)
{
    struct statfs found;
    *name = NULL;
    const long result = CS_CALL2(SYS_fstatfs, descriptor, &found);
    if (result < 0)
        return result;
    for (size_t i = 0; i < sizeof kernel_filesystems / sizeof kernel_filesystems[0]; i++)
        if (found.f_type == kernel_filesystems[i].magic)
            *name = kernel_filesystems[i].name;
    return 0;
}
