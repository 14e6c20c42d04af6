/* Folders by descriptor, for walks that must not miss an error. >= 0 or -errno. */
#ifndef CS_FOLDERS_H
#define CS_FOLDERS_H

#include <stddef.h>

/* getdents64(2): bytes of entries in `buffer`, 0 at the end. readdir(3) would hide which of the two an end was. */
long cs_entries(int folder, void *buffer, size_t size);

/*
 * 1 where a file that another one replaced may keep its count of names for whoever has it open: on file systems of a
 * network, and those of a process (FUSE, 9p). 0 elsewhere; -errno of fstatfs(2).
 */
long cs_is_remote(int descriptor);

#endif
