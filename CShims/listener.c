#include "cs_listener.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/ioctl.h>

#include "cs_sys.h"
#include "place.h"

/* The kernel copies its own size; what it knows beyond this header lies behind. */
union notification {
    struct seccomp_notif known;
    uint64_t room[32];
};

union answer {
    struct seccomp_notif_resp known;
    uint64_t room[8];
};

long cs_listener_check(void)
{
    struct seccomp_notif_sizes sizes = {0};
    long result = CS_CALL3(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes);
    if (result < 0)
        return result;
    /* Flags are looked at before the program: EFAULT says that these are known. Nothing is installed. */
    result = CS_CALL3(SYS_seccomp, SECCOMP_SET_MODE_FILTER, CS_LISTENING_FLAGS, NULL);
    if (result != -EFAULT)
        return result < 0 ? result : -ENOTSUP;
    const int fits = sizes.seccomp_notif >= sizeof(struct seccomp_notif) && sizes.seccomp_notif <= sizeof(union notification) &&
                     sizes.seccomp_notif_resp >= sizeof(struct seccomp_notif_resp) &&
                     sizes.seccomp_notif_resp <= sizeof(union answer) && sizes.seccomp_data == sizeof(struct seccomp_data);
    return fits ? 0 : -ENOTSUP;
}

long cs_listener_receive(int listener, struct cs_call *call)
{
    union notification received = {.room = {0}}; /* anything else is EINVAL */
    const long result = CS_CALL3(SYS_ioctl, listener, SECCOMP_IOCTL_NOTIF_RECV, &received);
    if (result < 0)
        return result;
    call->id = received.known.id;
    call->number = received.known.data.nr;
    call->architecture = received.known.data.arch;
    call->instruction_pointer = received.known.data.instruction_pointer;
    for (int i = 0; i < 6; i++)
        call->arguments[i] = received.known.data.args[i];
    return 0;
}

long cs_listener_refuse(int listener, uint64_t id, int error)
{
    if (error < 1 || error > 4095)
        return -EINVAL;
    union answer answer = {.room = {0}};
    answer.known.id = id;
    answer.known.error = -error;
    return CS_CALL3(SYS_ioctl, listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
}
