/* Folders by descriptor, for walks that must not miss an error. >= 0 or -errno. */
#ifndef CS_FOLDERS_H
#define CS_FOLDERS_H

#include <stddef.h>
#include <stdint.h>

/* getdents64(2): bytes of entries in `buffer`, 0 at the end. readdir(3) would hide which of the two an end was. */
long cs_entries(int folder, void *buffer, size_t size);

/*
 * 1 where a file that another one replaced may keep its count of names for whoever has it open: on file systems of a
 * network, and those of a process (FUSE, 9p). 0 elsewhere; -errno of fstatfs(2).
 */
long cs_is_remote(int descriptor);

/*
 * 1 where a folder's count of names (stx_nlink) tells how many folders are in it, two for none: on ext4, XFS, F2FS and
 * tmpfs. 0 elsewhere, also where it is true but nobody promises it; -errno of fstatfs(2).
 */
long cs_counts_folders(int descriptor);

/* CLOCK_REALTIME_COARSE in nanoseconds: what file systems take a new file's time of birth from. */
int64_t cs_coarse_now(void);

/* A timer that never expires, and that setting the system's clock cancels (timerfd_create(2), Linux 3.0); -errno. */
long cs_clock_watch(void);

/* 1 when the clock has been set since, or when that is not known; may be told only once. */
int cs_clock_was_set(int timer);

/*
 * Makes and removes files as another user, with that user's rights (setfsuid(2), setfsgid(2)), in this thread only; for
 * root. Answers what cs_act_on_files_as_root is to be given, or -EPERM when it did not take effect.
 */
long cs_act_on_files_as(unsigned uid, unsigned gid);
/* The end of it. 0, or -EPERM. */
long cs_act_on_files_as_root(long before);

#endif
