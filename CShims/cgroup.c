/* cgroup v2: looks and acts of the supervisor (SandboxKernel/Cgroups). */
#include "cs_cgroup.h"

#include <errno.h>
#include <stddef.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

int cs_is_cgroup2(const char *path)
{
    struct statfs found;
    if (statfs(path, &found) < 0)
        return -errno;
    return found.f_type == 0x63677270; /* CGROUP2_SUPER_MAGIC */
}

int cs_is_delegated_cgroup(const char *path)
{
    static const char *const names[] = {"user.delegate", "trusted.delegate"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char value[8];
        if (getxattr(path, names[i], value, sizeof(value)) >= 1 && value[0] == '1')
            return 1;
    }
    return 0;
}

int cs_lock_folder(int folder)
{
    int result;
    do
        result = flock(folder, LOCK_EX | LOCK_NB);
    while (result < 0 && errno == EINTR);
    return result < 0 ? -errno : 0;
}

int cs_make_folder(const char *path, unsigned mode) { return mkdir(path, mode) < 0 ? -errno : 0; }

int cs_remove_folder(const char *path) { return rmdir(path) < 0 ? -errno : 0; }
