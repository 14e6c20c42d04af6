/* Calls that Swift cannot see (no _GNU_SOURCE there, no variadics). Each answers like the kernel: >= 0 or -errno. */
#ifndef CS_KERNEL_H
#define CS_KERNEL_H

#include <stddef.h>
#include <stdint.h>

#include "cs_wire.h"

/* RESOLVE_ flags of openat2(2) for cs_openat2. */
#define CS_RESOLVE_NO_XDEV 0x01u
#define CS_RESOLVE_NO_SYMLINKS 0x04u
#define CS_RESOLVE_BENEATH 0x08u
#define CS_RESOLVE_IN_ROOT 0x10u
#define CS_RESOLVE_NO_MAGICLINKS 0x02u

/* O_PATH and friends, which need _GNU_SOURCE. */
#define CS_O_PATH 010000000
#define CS_O_CLOEXEC 02000000
#define CS_O_NOFOLLOW 0400000
#define CS_O_DIRECTORY 0200000

struct cs_identity {
    uint64_t device; /* st_dev */
    uint64_t inode;
    uint32_t mode;
    uint32_t uid, gid;
    uint32_t major, minor; /* of the device a node stands for */
    uint32_t links; /* names that the file has */
    uint64_t size;
    uint64_t allocated; /* bytes it takes up (stx_blocks) */
    uint64_t mount; /* statx(2) STATX_MNT_ID, Linux 5.8; 0 from cs_identify_descriptor's fstat */
    int64_t modified_ns, changed_ns;
    int64_t born_ns; /* when it came into being (STATX_BTIME); 0 where the file system does not tell */
};

/* Whether it is a regular file of root whose mode gives nothing to anybody else. */
static inline int cs_is_root_only(const struct cs_identity *identity)
{
    return (identity->mode & 0170077) == 0100000 && identity->uid == 0;
}

long cs_openat2(int folder, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve);
/* Not following a link in the last component; an empty path means the descriptor itself. */
long cs_identify(int folder, const char *path, struct cs_identity *identity);
/* The same, following a link in the last component (magic links of /proc/PID/fd). */
long cs_identify_following(int folder, const char *path, struct cs_identity *identity);
long cs_readlinkat(int folder, const char *path, void *buffer, size_t size);

/* Waits a moment for the end of a process that is ending (cs_awake.h); wait for it all the same. */
void cs_await_end(int pidfd);

/* A memfd with `bytes` in it, sealed with CS_PLAN_SEALS. */
long cs_sealed_memfd(const char *name, const void *bytes, size_t size);
long cs_socketpair_seqpacket(int pair[2]);
long cs_socketpair_stream(int pair[2]);
long cs_pipe(int pair[2]);
long cs_signalfd(const int *signals, int count);
/* eventfd(2), non-blocking and close-on-exec. */
long cs_eventfd(void);
long cs_block_all_signals(void);
long cs_pidfd_kill(int pidfd, int signal);
/* wait4(2): status and rusage of one child; 0 with *status = -1 when it has not ended and `block` is 0. */
struct cs_usage {
    int64_t user_us, system_us, max_rss_kib;
};
long cs_wait(int pid, int block, int *status, struct cs_usage *usage);

long cs_send(int socket, const struct cs_message *message, const int *descriptors, int count);
/*
 * 0 at end of file, 1 with a message; *sender is the pid of SCM_CREDENTIALS or 0, passed[] the descriptors that came along
 * (close-on-exec, the caller's to close), -1 behind the last. -EAGAIN past the time; -EBADMSG for more of them.
 */
#define CS_PASSED_MOST (1 + CS_TERMINALS_MOST)
long cs_receive(int socket, struct cs_message *message, int *sender, int passed[CS_PASSED_MOST], int timeout_ms);
long cs_pass_credentials(int socket);

/*
 * As root: a detached copy of the mount a folder is on, from that folder down, in which files of root appear as `id` and
 * files made by `id` belong to root (mount_setattr(2), ID-mapped mounts, Linux 5.12). Nosuid and nodev.
 */
long cs_idmapped_tree(const char *path, uint32_t id);

int32_t cs_landlock_abi(void);
long cs_last_capability(void);
long cs_set_dumpable(int on);

/* Makes sure that 0, 1 and 2 are open (on /dev/null when the caller closed them); bit i set when it was closed. */
long cs_ensure_stdio(void);
/* sysinfo(2): bytes of memory, or -errno. */
int64_t cs_memory_total(void);
/* getpriority(2): a process's nice value, -20..19; 0 is the caller. */
long cs_nice(int32_t pid, int32_t *value);
/* keyctl(2): serial of this process's session keyring, or -errno. */
long cs_session_keyring(void);
/* sched_getscheduler(2): a process's policy, or -errno. */
long cs_scheduler(int32_t pid);
long cs_getrandom(void *buffer, size_t size);
long cs_flock(int descriptor, int operation);
long cs_fcntl_getfl(int descriptor);
/* fstatfs(2): bytes in use on the file system of a descriptor. */
int64_t cs_filesystem_used(int descriptor);
/* Inodes in use, as fstatfs(2) counts them; 0 where a file system counts none. */
int64_t cs_filesystem_files(int descriptor);
/* Blocks exactly these signals of the calling thread. */
long cs_block_signals(const int *signals, int count);
/* A copy of this process, which must have one thread; fork(2), without what the libc does around it. */
long cs_fork(void);
/* In such a copy: a session of its own, and its end with that of the one it is a copy of. */
long cs_stand_apart(void);
/* CLOCK_REALTIME and CLOCK_MONOTONIC in nanoseconds. */
int64_t cs_now(void);
int64_t cs_monotonic(void);
/* For a process that stays, before it has threads: undoes what heap.c does for a launch, so that what is freed goes back. */
void cs_lasting_heap(void);
/* Gives memory that was freed back to the kernel (malloc_trim(3)); all arenas are locked in turn. */
void cs_return_memory(void);
/* Bytes that are allocated and not freed (mallinfo2(3), glibc 2.33); all arenas are locked in turn. */
size_t cs_memory_in_use(void);
/* A copy with close-on-exec set. */
long cs_duplicate(int descriptor);
/* Soft RLIMIT_CORE 0 for this process: its memory holds the caller's environment. core(5). */
long cs_no_core_dumps(void);
/* SIGCHLD to its default action: children of a process that ignores it cannot be waited for. */
long cs_default_child_signal(void);
/* 1 when this process ignores the signal (rt_sigaction(2)), 0 when not, or -errno. */
long cs_is_ignored(int signal);
/* fcntl(2) F_SETFL. */
long cs_set_flags(int descriptor, int flags);
/* Moves a name to another folder, refusing to replace what stands there (renameat2(2)). */
long cs_move_name(int from, const char *name, int to, const char *other);
/* Tells cs_has_company of other open files of the same folder that somebody is there, until this one is closed. */
long cs_enter_folder(int descriptor);
/* 1 when somebody else has entered the folder, 0 when nobody has. */
long cs_has_company(int descriptor);
/* 1 when an open folder has nothing in it but itself and its parent, 0 when it has. */
long cs_is_empty_folder(int descriptor);
/* Clears O_NONBLOCK of the open file description. */
long cs_set_blocking(int descriptor);

/* CLONE_NEW… for cs_launch.namespaces. */
#define CS_NEWTIME 0x00000080u
#define CS_NEWNS 0x00020000u
#define CS_NEWCGROUP 0x02000000u
#define CS_NEWUTS 0x04000000u
#define CS_NEWIPC 0x08000000u
#define CS_NEWUSER 0x10000000u
#define CS_NEWPID 0x20000000u
#define CS_NEWNET 0x40000000u

#endif
