#include <linux/filter.h>
#include <linux/seccomp.h>

#include "cs_sys.h"
#include "place.h"

/* seccomp(2): needs no_new_privs, which is set before. A wrong program is EINVAL; nothing is installed then. */
int cs_install_filter(const void *instructions, uint32_t count)
{
    const struct sock_fprog program = {
        .len = (unsigned short)count,
        .filter = (struct sock_filter *)(uintptr_t)instructions,
    };
    return (int)-CS_CALL3(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
}
