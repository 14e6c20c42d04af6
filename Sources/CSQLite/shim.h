// SQLite, the embedded database (apt: libsqlite3-dev), and what Swift cannot see of it: its variadic functions and casts.
// First what Swift knows of libc: else a type of libc belongs to whichever module was read first, which differs between builds.
#pragma clang module import SwiftGlibc
#include <sqlite3.h>
#include <sys/vfs.h>

/// SQLITE_TRANSIENT: SQLite copies what is bound before the call returns. The macro is a cast, which Swift does not import.
static inline sqlite3_destructor_type csq_transient(void) { return SQLITE_TRANSIENT; }

/// One of sqlite3_db_config's switches that take an int and answer one; SQLITE_ERROR if it did not take.
static inline int csq_switch(sqlite3 *database, int which, int on) {
    int is = -1;
    int result = sqlite3_db_config(database, which, on, &is);
    if (result != SQLITE_OK) return result;
    return is == on ? SQLITE_OK : SQLITE_ERROR;
}

/// The f_type of the file system that holds `path`: statfs(2). 0, or -1 and errno.
static inline int csq_file_system(const char *path, unsigned long *type) {
    struct statfs found;
    if (statfs(path, &found) != 0) return -1;
    *type = (unsigned long)found.f_type & 0xffffffffUL;
    return 0;
}

// Not by <sys/file.h>: it would bring types that are Glibc's in Swift.
extern int flock(int descriptor, int operation);

/// flock(2) with LOCK_EX | LOCK_NB. 0, or -1 and errno.
static inline int csq_lock(int descriptor) { return flock(descriptor, 2 | 4); }

/// flock(2) with LOCK_UN. 0, or -1 and errno.
static inline int csq_unlock(int descriptor) { return flock(descriptor, 8); }
