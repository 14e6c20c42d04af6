/* What Swift cannot see or must not do. C11, Linux, x86_64. */
#ifndef CSHIMS_H
#define CSHIMS_H

#include "cs_arguments.h"
#include "cs_attempt.h"
#include "cs_cgroup.h"
#include "cs_early.h"
#include "cs_folders.h"
#include "cs_init.h"
#include "cs_kernel.h"
#include "cs_landlock_only.h"
#include "cs_listener.h"
#include "cs_probe.h"
#include "cs_sha256.h"
#include "cs_sockets.h"
#include "cs_spawn.h"
#include "cs_streams.h"
#include "cs_terminal.h"
#include "cs_unconfined.h"
#include "cs_wire.h"

#endif
