#include <linux/filter.h>
#include <linux/seccomp.h>

#include "cs_sys.h"
#include "place.h"

static long install(const void *instructions, uint32_t count, long flags)
{
    const struct sock_fprog program = {
        .len = (unsigned short)count,
        .filter = (struct sock_filter *)(uintptr_t)instructions,
    };
    return CS_CALL3(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}

/* seccomp(2): needs no_new_privs, which is set before. A wrong program is EINVAL; nothing is installed then. */
int cs_install_filter(const void *instructions, uint32_t count) { return (int)-install(instructions, count, 0); }

/*
 * seccomp_unotify(2). WAIT_KILLABLE_RECV (Linux 5.19): once the supervisor has taken a call, only a deadly signal ends the
 * wait for its answer. Before that a signal that is handled interrupts it: EINTR.
 */
long cs_install_listening_filter(const void *instructions, uint32_t count)
{
    return install(instructions, count, CS_LISTENING_FLAGS);
}
