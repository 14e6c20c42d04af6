#include "cs_folders.h"

#include <sys/statfs.h>

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
