/*
 * What crosses the line between the supervisor (Swift) and pid 1 of a place (C): the flat plan in a sealed memfd, and
 * fixed-size messages on a SOCK_SEQPACKET pair. Both ends are this very executable, so there is one version.
 *
 * The child decides nothing: every operation below is one straight line of system calls, and the plan is complete.
 */
#ifndef CS_WIRE_H
#define CS_WIRE_H

#include <stdint.h>

/* Descriptor numbers of pid 1 after its exec. Nothing else is open. */
#define CS_FD_CONTROL 3
#define CS_FD_SELF 4 /* close-on-exec: gone once pid 1 runs */

/* argv[0] that makes this executable pid 1 of a place. */
#define CS_INIT_NAME "codex-sandbox-init"

/* Seals a plan must carry: nobody may change it after pid 1 has checked it (fcntl(2) F_ADD_SEALS). */
#define CS_PLAN_SEALS 0x000f /* SEAL, SHRINK, GROW, WRITE */

/* Bytes; a plan has some ten thousand. */
#define CS_FIRST_STEPS_MOST (256 << 10)

#define CS_PLAN_MAGIC 0x314e414c50534343ull /* "CCSPLAN1" */
#define CS_SPAWN_MAGIC 0x314e575053534343ull

/* Terminals of one place: each of the worker's three streams may be another one. */
#define CS_TERMINALS_MOST 3
#define CS_SCREEN_MODE 0200 /* of a terminal that nothing is typed for: its owner can open it to write */

enum cs_op {
    CS_OP_PRIVATE_PROPAGATION = 1,
    CS_OP_NEW_ROOT,       /* a = bytes, b = inodes */
    CS_OP_MAKE_FOLDERS,   /* path, a = mode of the last one */
    CS_OP_SYMLINK,        /* path, text = target */
    CS_OP_WRITE_FILE,     /* path, text = contents, a = mode */
    CS_OP_BIND,           /* text = host path, path = target, a = device, b = inode, c = attributes, flags */
    CS_OP_COVER,          /* path, text = source below the new root, c = attributes, flags */
    CS_OP_TMPFS,          /* path, a = bytes, b = inodes, c = attributes, d = mode */
    CS_OP_PROCFS,         /* path */
    CS_OP_DEVPTS,         /* path */
    CS_OP_REMOUNT,        /* path, c = attributes */
    CS_OP_ENTER_ROOT,
    CS_OP_HOSTNAME,       /* text */
    CS_OP_LOOPBACK_UP,
    CS_OP_FORBID_USER_NAMESPACES, /* path of the sysctl in the new root */
    CS_OP_FRESH_KEYRING,
    CS_OP_RLIMIT,         /* a = resource, b = soft, c = hard */
    CS_OP_ATTRIBUTES,     /* path = oom_score_adj in the new root, a = umask, b = nice, c = oom_score_adj,
                             d = timer slack in ns; text = 8 bytes: ignored signals to reset, bit n-1 for signal n */
    CS_OP_DROP_CAPABILITIES, /* a = last capability */
    CS_OP_NO_NEW_PRIVILEGES,
    CS_OP_LANDLOCK,       /* path = folder of the probe objects, text = path of the probe file where it is no place's */
    CS_OP_PLACE_FILTER,   /* a = 1: the first process is made before it, and carries no filter but its own */
    CS_OP_TERMINALS, /* a = how many; the first is pid 1's controlling one; b = 1: it can be read, else none can */
    CS_OP_ROOT_ONLY, /* path */
    CS_OP_LAST = CS_OP_ROOT_ONLY,
};

enum cs_step_flag {
    CS_STEP_RECURSIVE = 1 << 0,   /* mounts below come along */
    CS_STEP_DIRECTORY = 1 << 1,   /* the source is a folder; otherwise it must not be one */
    CS_STEP_SAME_TARGET = 1 << 2, /* the target must be the very same file as the source */
    CS_STEP_DETACHED = 1 << 3,    /* the source is the detached mount that came with the plan */
    CS_STEP_FROM_PLACE = 1 << 5,  /* the source is a path of the place itself: what was mounted there before */
    CS_STEP_FOREIGN_PROC = 1 << 6, /* the source is a /proc of another pid namespace */
    CS_STEP_OWN_TREE = 1 << 4,    /* the path lies in file systems of the place alone: nobody else can put a link there */
};

struct cs_step {
    uint32_t op;
    uint32_t flags;
    uint32_t path; /* offset of a NUL-terminated string, 0 for none */
    uint32_t path_length;
    uint32_t text;
    uint32_t text_length;
    uint64_t a, b, c, d;
};

struct cs_rule {
    uint32_t path;
    uint32_t path_length;
    uint64_t access; /* of landlock(7), and CS_RULE_FOLDER */
    uint64_t device, inode; /* of the file that the path must be; inode 0: whatever it is */
};

/* The path of a rule leads through no link, and to a folder. Landlock's own rights end far below. */
#define CS_RULE_FOLDER (1ull << 63)

struct cs_plan {
    uint64_t magic;
    uint32_t total; /* bytes of the whole file */
    uint32_t step_count;
    uint32_t steps; /* offsets from the start */
    uint32_t rule_count;
    uint32_t rules;
    uint32_t place_filter_count; /* instructions */
    uint32_t place_filter;
    uint32_t landlock_abi;
    uint32_t strings_end; /* of first steps: where the strings that belong to them end */
    uint32_t first_steps; /* 1: the beginning of a plan; another GO brings the whole, and pid 1 goes on where it was */
    uint64_t handled_filesystem;
    uint64_t handled_network;
    uint64_t scoped;
    uint64_t wall_ms;
    uint64_t grace_ms;
    uint64_t setup_ms;
};

/* One process to start; in a sealed memfd of its own. */
struct cs_spawn {
    uint64_t magic;
    uint32_t total;
    uint32_t argument_count;
    uint32_t arguments; /* offset of offsets */
    uint32_t environment_count;
    uint32_t environment;
    uint32_t candidate_count;
    uint32_t candidates;
    uint32_t working_directory;
    uint32_t filter_count;
    uint32_t filter;
    uint32_t terminal; /* 0: a session without a terminal; else one more than the stream that is the place's first one */
    uint32_t own_terminal; /* 1: a session with a new terminal, which is all three streams */
    uint32_t listens;      /* 1: calls that the filter refuses are answered through a listener, which the supervisor gets */
    uint32_t narrow;       /* 1: a Landlock domain of its own, below the place's */
    uint32_t narrow_folder; /* a folder for what it writes for a while; it makes it itself */
    uint32_t narrow_rules;  /* struct cs_rule, paths from here */
    uint32_t narrow_rule_count;
    uint32_t narrow_abi;
    uint64_t narrow_filesystem;
    uint64_t narrow_network;
    uint64_t narrow_scoped;
};

enum cs_message_kind {
    CS_MESSAGE_GO = 1,      /* to pid 1, with the plan's sealed memfd, and a detached mount if the plan wants one;
                               value[0] = steps of it that are done already */
    CS_MESSAGE_SPAWN,       /* to pid 1, with descriptors: spawn memfd, gate, stdin, stdout, stderr;
                               value[0] = 1: the place ends with this process */
    CS_MESSAGE_SIGNAL,      /* to pid 1: value[0] = signal for the process group of `id` */
    CS_MESSAGE_RELEASE,     /* to a process at gate B */
    CS_MESSAGE_MOUNTED,     /* from pid 1: it is in its new root, and no later step touches a mount */
    CS_MESSAGE_PLACE_READY, /* from pid 1, with /proc/sysvipc/shm of the place and the controlling ends of its terminals:
                               value[] = enum cs_place_value */
    CS_MESSAGE_FAILED,      /* step and error */
    CS_MESSAGE_STARTED,     /* from pid 1: value[0] = pid inside, 1 = PR_GET_DUMPABLE of pid 1 */
    CS_MESSAGE_PROCESS_BORN, /* on its way to gate B: the kernel's word on its pid comes with it */
    CS_MESSAGE_PROCESS_READY, /* at gate B: value[] = enum cs_process_value */
    CS_MESSAGE_EXEC_FAILED, /* error; value[0] = index of the candidate */
    CS_MESSAGE_EXITED,      /* from pid 1: value[0] = wait status, 1 = user us, 2 = system us, 3 = maxrss in KiB,
                               4 = 1: with it the place ends, and there was no other process in it,
                               5 = 1: a signal ended it, and it is not known to have reached its execve */
    CS_MESSAGE_TIMED_OUT,   /* from pid 1: the wall limit passed, TERM was sent */
    CS_MESSAGE_STOPPED,     /* from pid 1, of a process with a terminal: value[0] = the signal that stopped it; once until
                               CS_MESSAGE_SIGNAL has brought it SIGCONT */
    CS_MESSAGE_NOT_STARTED, /* from pid 1: the process could not be made (step and error); the place goes on */
    CS_MESSAGE_PROCESS_TERMINAL, /* on the way to gate B, with the controlling end of the terminal it has made for itself */
    CS_MESSAGE_PROCESS_LISTENER, /* on the way to gate B, with the listener of its filter: seccomp_unotify(2) */
};

/* What pid 1 says about itself that cannot be seen from outside. */
enum cs_place_value {
    CS_PLACE_SECUREBITS,
    CS_PLACE_KEYRING,          /* serial of the session keyring */
    CS_PLACE_USERNS_ERRNO,     /* of an attempt to make a user namespace */
    CS_PLACE_LANDLOCK_READ,    /* errno of acts that only Landlock refuses; 0 = it worked */
    CS_PLACE_LANDLOCK_WRITE,
    CS_PLACE_LANDLOCK_LIST,
    CS_PLACE_LANDLOCK_EXECUTE,
    CS_PLACE_LANDLOCK_MAKE,
    CS_PLACE_LANDLOCK_REMOVE,
    CS_PLACE_LANDLOCK_TRUNCATE,
    CS_PLACE_LANDLOCK_ABSTRACT,
    CS_PLACE_FILTER_ERRNO,     /* of unshare(0), which nothing but the filter refuses */
    CS_PLACE_LOOPBACK,         /* 1: lo is up */
    CS_PLACE_PERSONALITY,
    CS_PLACE_UMASK,
    CS_PLACE_HOSTNAME,         /* 1: uname(2) says the planned name, and no domain */
    CS_PLACE_TIMER_SLACK,      /* nanoseconds */
    CS_PLACE_UNMOUNT_ERRNO,    /* of umount2 with flags that do not exist: EINVAL but for the filter */
    CS_PLACE_FOREIGN_ERRNO,    /* of reading the environment of our parent, on a /proc that has it; 0 on one of our own */
    CS_PLACE_VALUES,
};

enum cs_process_value {
    CS_PROCESS_FILTER_ERRNO,   /* of clone3 without arguments, which only the process filter answers with ENOSYS */
    CS_PROCESS_CWD,            /* 1: getcwd says what the plan says */
    CS_PROCESS_LANDLOCK_READ,
    CS_PROCESS_SETID_ERRNO,    /* of a set-id mode for no file: EBADF but for the process filter */
    CS_PROCESS_FOREGROUND,     /* 1: its group is the foreground of its terminal; 0 without one */
    CS_PROCESS_NARROW_CONTROL, /* of a narrower one: 1: before its domain it could list /tmp and signal pid 1 */
    CS_PROCESS_NARROW_LIST,    /* errno of the same after it */
    CS_PROCESS_NARROW_SIGNAL,
    CS_PROCESS_NARROW_SOCKET,  /* errno of socket(AF_UNIX) behind its filter */
    CS_PROCESS_NARROW_DATAGRAM, /* of socketpair with SOCK_DGRAM */
    CS_PROCESS_NARROW_MODE,    /* of chmod without a path: EFAULT but for its filter */
    CS_PROCESS_VALUES,
};

#define CS_MESSAGE_VALUES 20

struct cs_message {
    uint32_t kind;
    uint32_t id;
    int32_t step;
    int32_t error;
    int64_t value[CS_MESSAGE_VALUES];
};

/* The step number in CS_MESSAGE_FAILED for what is not a step of the plan. */
enum cs_pseudo_step {
    CS_STEP_NONE = 0,
    CS_STEP_CHILD_PDEATHSIG = -1,
    CS_STEP_CHILD_DROP_ROOT = -2,
    CS_STEP_CHILD_CLONE = -3,
    CS_STEP_CHILD_SESSION = -4,
    CS_STEP_CHILD_SETGROUPS = -5,
    CS_STEP_CHILD_UID_MAP = -6,
    CS_STEP_CHILD_GID_MAP = -7,
    CS_STEP_CHILD_DESCRIPTORS = -8,
    CS_STEP_CHILD_CAPABILITIES = -9,
    CS_STEP_CHILD_EXEC = -10,
    CS_STEP_INIT_GATE = -20,
    CS_STEP_INIT_PLAN = -21,
    CS_STEP_INIT_REPORT = -22,
    CS_STEP_INIT_DUMPABLE = -23,
    CS_STEP_INIT_SERVE = -24,
    CS_STEP_INIT_FORK = -25,
    CS_STEP_PROCESS_PDEATHSIG = -30,
    CS_STEP_PROCESS_SESSION = -31,
    CS_STEP_PROCESS_STDIO = -32,
    CS_STEP_PROCESS_DESCRIPTORS = -33,
    CS_STEP_PROCESS_CWD = -34,
    CS_STEP_PROCESS_SIGNALS = -35,
    CS_STEP_PROCESS_FILTER = -36,
    CS_STEP_PROCESS_PROBE = -37,
    CS_STEP_PROCESS_GATE = -38,
    CS_STEP_PROCESS_TERMINAL = -39,
    CS_STEP_PROCESS_NARROW = -40,
};

/* error of a bind whose source or target is another file than the plan was made for. */
#define CS_ERROR_SWAPPED 1000

#endif
