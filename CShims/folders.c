#include "cs_folders.h"

#include <errno.h>
#include <sys/prctl.h>
#include <sys/statfs.h>
#include <sys/timerfd.h>
#include <time.h>

#include "cs_sys.h"

long cs_entries(int folder, void *buffer, size_t size)
{
    long result;
    do
        result = CS_CALL3(SYS_getdents64, folder, buffer, size);
    while (result == -EINTR);
    return result;
}

/* f_type as statfs(2) lists it; the headers name some of them only. */
long cs_is_remote(int descriptor)
{
    struct statfs found;
    const long result = CS_CALL2(SYS_fstatfs, descriptor, &found);
    if (result < 0)
        return result;
    switch ((unsigned)found.f_type) {
    case 0x6969u:     /* NFS: an open file that is removed gets another name (sillyrename) */
    case 0xff534d42u: /* CIFS */
    case 0xfe534d42u: /* SMB2 */
    case 0x517bu:     /* SMB */
    case 0x01021997u: /* 9p */
    case 0x65735546u: /* FUSE */
    case 0x00c36400u: /* Ceph */
    case 0x5346414fu: /* AFS */
        return 1;
    default: return 0;
    }
}

long cs_counts_folders(int descriptor)
{
    struct statfs found;
    const long result = CS_CALL2(SYS_fstatfs, descriptor, &found);
    if (result < 0)
        return result;
    switch ((unsigned)found.f_type) {
    case 0xef53u:     /* ext2, ext3, ext4; 1 for a folder with more than 65,000 */
    case 0x58465342u: /* XFS */
    case 0xf2f52010u: /* F2FS */
    case 0x01021994u: /* tmpfs */
        return 1;
    default: return 0;
    }
}

int64_t cs_coarse_now(void)
{
    struct timespec now;
    if (clock_gettime(CLOCK_REALTIME_COARSE, &now) != 0)
        return INT64_MAX; /* nothing is newer than that */
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

long cs_clock_watch(void)
{
    const long timer = CS_CALL2(SYS_timerfd_create, CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    if (timer < 0)
        return timer;
    const struct itimerspec never = {.it_value = {.tv_sec = INT64_MAX}};
    const long result = CS_CALL4(SYS_timerfd_settime, timer, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL);
    if (result == 0)
        return timer;
    CS_CALL1(SYS_close, timer);
    return result;
}

int cs_clock_was_set(int timer)
{
    uint64_t expired;
    return CS_CALL3(SYS_read, timer, &expired, sizeof(expired)) != -EAGAIN;
}

static long act_as(unsigned uid, unsigned gid)
{
    CS_CALL1(SYS_setfsgid, gid);
    CS_CALL1(SYS_setfsuid, uid);
    /* Both answer with what was before, and never fail; -1 is no id, changes nothing, and so asks. */
    return CS_CALL1(SYS_setfsuid, -1) == (long)uid && CS_CALL1(SYS_setfsgid, -1) == (long)gid ? 0 : -EPERM;
}

/* A change of these ids makes the process one that nobody may trace (commit_creds, kernel/cred.c): undone afterwards. */
long cs_act_on_files_as(unsigned uid, unsigned gid)
{
    const long before = CS_CALL1(SYS_prctl, PR_GET_DUMPABLE);
    const long result = act_as(uid, gid);
    if (result == 0)
        return before == 1;
    act_as(0, 0);
    return result;
}

long cs_act_on_files_as_root(long before)
{
    const long result = act_as(0, 0);
    if (before == 1)
        CS_CALL2(SYS_prctl, PR_SET_DUMPABLE, 1);
    return result;
}
