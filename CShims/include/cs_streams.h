/* Standard streams of the caller's: what they are, and moving bytes without ever waiting. >= 0 or -errno. */
#ifndef CS_STREAMS_H
#define CS_STREAMS_H

#include <stddef.h>

/* Nobody else has this open file description: it is non-blocking, or a regular file, which is always ready. */
#define CS_STREAM_OWN 0
/* A socket: the flags of the description do not matter, each call says that it does not wait. */
#define CS_STREAM_SOCKET 1
/* A pipe or terminal whose description belongs to others, who may need it blocking. Only after poll(2) named it. */
#define CS_STREAM_SHARED 2

/* -EAGAIN when nothing is there; never a signal. */
long cs_stream_read(int descriptor, void *buffer, size_t size, int manner);
/* What was taken of it, or -EAGAIN. SIGPIPE and SIGXFSZ must be blocked. */
long cs_stream_write(int descriptor, const void *bytes, size_t size, int manner);

/*
 * fstatfs(2): the name of the file system if its files are not files but doors to the kernel (proc, sysfs, namespaces,
 * cgroups …), else NULL.
 */
long cs_kernel_filesystem(int descriptor, const char **name);

#endif
