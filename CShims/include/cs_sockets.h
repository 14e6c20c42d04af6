/* The kernel's list of unix sockets, by netlink (sock_diag(7)). >= 0 or -errno. */
#ifndef CS_SOCKETS_H
#define CS_SOCKETS_H

#include <stddef.h>
#include <stdint.h>

/* Large enough for every part of the answer: the kernel's are 32 KiB at most (netlink_dump). */
#define CS_SOCKET_ANSWER (32 << 10)

/* A descriptor on which the sockets of this network namespace were asked for. */
long cs_ask_unix_sockets(void);
/* The next part of the answer, which is there already: -EAGAIN when it is not. -EMSGSIZE when it was cut, -EPERM when
 * it is not the kernel's. */
long cs_unix_sockets_answer(int descriptor, void *buffer, size_t size);

#endif
