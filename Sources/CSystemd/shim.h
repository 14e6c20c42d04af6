// libsystemd (apt: libsystemd-dev): readiness, sockets that were handed over, the journal, and the bus.
// First what Swift knows of libc: else a type of libc belongs to whichever module was read first, which differs between builds.
#pragma clang module import SwiftGlibc
#include <sys/uio.h>

// sd_journal_sendv is a function then, which Swift can see; its macro would tell of this header's lines.
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-daemon.h>
#include <systemd/sd-journal.h>
#include <systemd/sd-bus.h>

#include <sys/syscall.h>
#include <unistd.h>

/* pidfd_open(2), which Swift does not see; -1 where it fails. */
static inline int cs_pidfd_open_for_bus(pid_t pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }
