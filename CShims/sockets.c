#include "cs_sockets.h"

#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <sys/socket.h>

#include "cs_sys.h"

/* TCP_ESTABLISHED, TCP_CLOSE and TCP_LISTEN of the kernel's tcp_states.h: a unix socket has one of these. */
#define STATES ((1u << 1) | (1u << 7) | (1u << 10))
#define SHOW_UID 0x40u /* UDIAG_SHOW_UID, Linux 5.3 */

long cs_ask_unix_sockets(void)
{
    const long socket = CS_CALL3(SYS_socket, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    if (socket < 0)
        return socket;
    struct {
        struct nlmsghdr header;
        struct unix_diag_req request;
    } message = {
        .header = {
            .nlmsg_len = sizeof(message),
            .nlmsg_type = SOCK_DIAG_BY_FAMILY,
            .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
            .nlmsg_seq = 1,
        },
        .request = {
            .sdiag_family = AF_UNIX,
            .udiag_states = STATES,
            .udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_VFS | SHOW_UID,
        },
    };
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    const long sent = cs_syscall6(SYS_sendto, socket, (long)&message, sizeof(message), 0, (long)&kernel, sizeof(kernel));
    if (sent == (long)sizeof(message))
        return socket;
    CS_CALL1(SYS_close, socket);
    return sent < 0 ? sent : -EIO;
}

long cs_unix_sockets_answer(int descriptor, void *buffer, size_t size)
{
    struct sockaddr_nl sender = {.nl_pid = 0};
    struct iovec vector = {.iov_base = buffer, .iov_len = size};
    struct msghdr header = {
        .msg_name = &sender, .msg_namelen = sizeof(sender), .msg_iov = &vector, .msg_iovlen = 1};
    long result;
    /* Without waiting: the kernel puts the next part there before it gives this one (netlink_recvmsg). */
    do
        result = CS_CALL3(SYS_recvmsg, descriptor, &header, MSG_DONTWAIT);
    while (result == -EINTR);
    if (result < 0)
        return result;
    if (header.msg_flags & MSG_TRUNC)
        return -EMSGSIZE;
    if (header.msg_namelen != sizeof(sender) || sender.nl_family != AF_NETLINK || sender.nl_pid != 0)
        return -EPERM;
    return result;
}
