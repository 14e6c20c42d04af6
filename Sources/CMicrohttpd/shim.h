// libmicrohttpd, the HTTP/1.1 server (apt: libmicrohttpd-dev), and the calls of WebTransport that Swift cannot see:
// variadic functions, and system calls that glibc declares only under _GNU_SOURCE.
// First what Swift knows of libc: else a type of libc belongs to whichever module was read first, which differs between builds.
#pragma clang module import SwiftGlibc
#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <microhttpd.h>

typedef void *(*wt_target_callback)(void *context, const char *target, struct MHD_Connection *connection);

/* What a daemon calls; `context` comes first in every call. */
struct wt_callbacks {
    wt_target_callback target;
    MHD_AccessHandlerCallback request;
    MHD_RequestCompletedCallback completed;
    MHD_NotifyConnectionCallback connection;
    MHD_LogCallback fault;
    void *context;
};

/* A target stays as it was sent. */
static inline size_t wt_keep(void *context, struct MHD_Connection *connection, char *text) {
    (void)context;
    (void)connection;
    size_t length = 0;
    while (text[length] != 0) length++;
    return length;
}

/*
 * Whether the library that is there is 1.0 or newer: then the discipline is 1, at which it refuses itself every line that
 * does not end with CRLF, folded fields, blanks around a name and NULs; at 0 it would mend some of them unseen.
 */
static inline int wt_is_strict(void) { return MHD_get_version()[0] != '0'; }

/*
 * One daemon with one thread and no socket of its own: connections are handed to it (MHD_add_connection).
 * Before 1.0 discipline level 0 is the one at which every doubtful request still reaches the request callback; the checks, and
 * the words of the refusals, are WebTransport's. No connection timeout: WebTransport's deadlines are absolute.
 */
static inline struct MHD_Daemon *wt_start(
    struct wt_callbacks callbacks, size_t connection_bytes, unsigned int connection_limit
) {
    struct MHD_OptionItem options[] = {
        {MHD_OPTION_EXTERNAL_LOGGER, (intptr_t)callbacks.fault, callbacks.context},
        {MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)callbacks.target, callbacks.context},
        {MHD_OPTION_UNESCAPE_CALLBACK, (intptr_t)&wt_keep, NULL},
        {MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)callbacks.completed, callbacks.context},
        {MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)callbacks.connection, callbacks.context},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, (intptr_t)connection_bytes, NULL},
        {MHD_OPTION_CONNECTION_LIMIT, (intptr_t)connection_limit, NULL},
        {MHD_OPTION_CONNECTION_TIMEOUT, 0, NULL},
        {MHD_OPTION_STRICT_FOR_CLIENT, wt_is_strict(), NULL},
        {MHD_OPTION_END, 0, NULL},
    };
    return MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_NO_LISTEN_SOCKET |
            MHD_USE_ERROR_LOG,
        0, NULL, NULL,
        callbacks.request, callbacks.context, MHD_OPTION_ARRAY, options, MHD_OPTION_END
    );
}

/* The descriptor of a connection; -1 if there is none. */
static inline int wt_descriptor(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    return info == NULL ? -1 : info->connect_fd;
}

/* What the connection callback has stored for a connection. */
static inline void *wt_socket_context(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info == NULL ? NULL : info->socket_context;
}

/* The bytes of the head, from the first of the method to the last of the empty line; 0 before it is whole. */
static inline size_t wt_head_bytes(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    return info == NULL ? 0 : info->header_size;
}

/* accept4(2): close-on-exec and non-blocking from the first moment. */
static inline int wt_accept(int descriptor, struct sockaddr *address, socklen_t *length) {
    return (int)syscall(SYS_accept4, descriptor, address, length, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

/* Has an answer end with its head, and the connection with it. */
static inline enum MHD_Result wt_without_body(struct MHD_Response *response) {
    return MHD_set_response_options(response, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END);
}
