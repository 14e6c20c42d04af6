/*
 * What pid 1 and the processes it makes say to the supervisor, and hear from it.
 *
 * Runs before libc (entry.c): bare calls only.
 */
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "cs_sys.h"
#include "messages.h"

int cs_wall_timer;

_Noreturn void cs_leave(int status)
{
    for (;;)
        CS_CALL1(SYS_exit_group, status);
}

/*
 * The supervisor may be stopped, and its socket full: the wall limit must come all the same. There is nobody left to tell
 * it from anything else, so the place just ends.
 */
static void cs_await_room(int descriptor)
{
    struct pollfd watched[2] = {
        {.fd = descriptor, .events = POLLOUT},
        {.fd = cs_wall_timer > 0 ? cs_wall_timer : -1, .events = POLLIN},
    };
    const long ready = CS_CALL3(SYS_poll, watched, 2, -1);
    if (ready > 0 && (watched[1].revents & POLLIN))
        cs_leave(124);
}

long cs_send_message(int descriptor, const struct cs_message *message)
{
    long result;
    for (;;) {
        result = CS_CALL6_SENDTO(descriptor, message, sizeof(*message), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (result == -EAGAIN)
            cs_await_room(descriptor);
        else if (result != -EINTR)
            break;
    }
    if (result >= 0 && result != (long)sizeof(*message))
        return -EIO;
    return result;
}

long cs_send_descriptors(int socket, const struct cs_message *message, const int *descriptors, uint32_t count)
{
    union {
        char bytes[CMSG_SPACE(CS_DESCRIPTORS_MOST * sizeof(int))];
        struct cmsghdr align;
    } control;
    if (count < 1 || count > CS_DESCRIPTORS_MOST)
        return -EINVAL;
    struct iovec vector = {.iov_base = (void *)(uintptr_t)message, .iov_len = sizeof(*message)};
    struct msghdr header = {.msg_iov = &vector,
                            .msg_iovlen = 1,
                            .msg_control = control.bytes,
                            .msg_controllen = CMSG_SPACE(count * sizeof(int))};
    struct cmsghdr *part = CMSG_FIRSTHDR(&header);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(count * sizeof(int));
    /* volatile, or the compiler calls memcpy, which is not there (entry.c) */
    volatile int *passed = (void *)CMSG_DATA(part);
    for (uint32_t i = 0; i < count; i++)
        passed[i] = descriptors[i];
    long result;
    do
        result = CS_CALL3(SYS_sendmsg, socket, &header, MSG_NOSIGNAL);
    while (result == -EINTR);
    if (result >= 0 && result != (long)sizeof(*message))
        return -EIO;
    return result;
}

_Noreturn void cs_fail(int descriptor, uint32_t id, int step, int error)
{
    const struct cs_message message = {.kind = CS_MESSAGE_FAILED, .id = id, .step = step, .error = error};
    cs_send_message(descriptor, &message);
    cs_leave(125);
}

const void *cs_map_sealed(int descriptor, uint64_t *size, int *error)
{
    struct stat found;
    long result = CS_CALL2(SYS_fstat, descriptor, &found);
    if (result == 0) {
        result = CS_CALL2(SYS_fcntl, descriptor, 1034 /* F_GET_SEALS */);
        if (result >= 0)
            result = result == CS_PLAN_SEALS ? 0 : -EPERM;
    }
    if (result == 0 && (found.st_size <= 0 || found.st_size > (64 << 20)))
        result = -EFBIG;
    if (result == 0)
        result = cs_syscall6(SYS_mmap, 0, found.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, descriptor, 0);
    if (result < 0 && result > -4096) {
        *error = (int)-result;
        return NULL;
    }
    *size = (uint64_t)found.st_size;
    return (const void *)result;
}

int cs_receive_request(int socket, struct cs_message *message, int descriptors[CS_DESCRIPTORS_MOST])
{
    union {
        char bytes[CMSG_SPACE(CS_DESCRIPTORS_MOST * sizeof(int))];
        struct cmsghdr align;
    } control;
    struct iovec vector = {.iov_base = message, .iov_len = sizeof(*message)};
    struct msghdr header = {
        .msg_iov = &vector, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control.bytes)};
    long length;
    do
        length = CS_CALL3(SYS_recvmsg, socket, &header, MSG_CMSG_CLOEXEC);
    while (length == -EINTR);
    /* End of file is the other one's end, and ours with it. */
    if (length != (long)sizeof(*message) || (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
        cs_leave(125);

    int count = 0;
    for (struct cmsghdr *part = CMSG_FIRSTHDR(&header); part; part = CMSG_NXTHDR(&header, part)) {
        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
            cs_leave(125);
        const size_t bytes = part->cmsg_len - CMSG_LEN(0);
        for (size_t i = 0; i < bytes / sizeof(int) && count < CS_DESCRIPTORS_MOST; i++)
            /* volatile, or the compiler calls memcpy, which is not there (entry.c) */
            descriptors[count++] = ((const volatile int *)(const void *)CMSG_DATA(part))[i];
    }
    return count;
}
