/* Steps that are no mounts, and the look at the plan before it is used. Async-signal-safe; 0 or a positive errno. */
#include "place.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <net/if.h>
#include <sched.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/utsname.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "cs_sys.h"
#include "cs_text.h"

/* capabilities(7): everything but KEEP_CAPS set, and all of it locked, NO_CAP_AMBIENT_RAISE included. */
#define CS_SECUREBITS 0xef

/* On a /proc that is not ours, and read-only, nothing can be set: then what stands there has to be the number. */
static int write_number(const struct cs_place *place, uint32_t path, int64_t value, int check)
{
    char text[24], found[24];
    char *end = text + sizeof(text);
    uint64_t rest = (uint64_t)(value < 0 ? -value : value);
    *--end = '\n';
    do {
        *--end = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest);
    if (value < 0)
        *--end = '-';
    const long length = text + sizeof(text) - end;
    const int flags = (place->foreign_proc ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NOFOLLOW;
    const long file = CS_CALL4(SYS_openat, place->root, cs_relative(place, path), flags, 0);
    if (file < 0)
        return (int)-file;
    long result = place->foreign_proc ? 0 : CS_CALL3(SYS_write, file, end, length);
    if (result >= 0 && !place->foreign_proc && result != length)
        result = -EIO;
    if (result >= 0 && check) {
        result = CS_CALL4(SYS_pread64, file, found, sizeof(found), 0);
        if (result >= 0 && result != length)
            result = -EIO;
        for (long i = 0; result >= 0 && i < length; i++)
            if (found[i] != end[i])
                result = -EIO;
    }
    CS_CALL1(SYS_close, file);
    return result < 0 ? (int)-result : 0;
}

static int set_hostname(struct cs_place *place, const struct cs_step *step)
{
    const long result = CS_CALL2(SYS_sethostname, cs_text(place, step->text), step->text_length);
    /* A container's filter may refuse it to whoever has no capabilities outside: its name stays then, and the report says so. */
    if (result == -EPERM && place->foreign_proc)
        return 0;
    if (result < 0)
        return (int)-result;
    /* uname(2): the domain name is the host's too. */
    const long domain = CS_CALL2(SYS_setdomainname, "(none)", 6);
    if (domain < 0)
        return (int)-domain;
    struct utsname found;
    const long read_back = CS_CALL1(SYS_uname, &found);
    place->report.value[CS_PLACE_HOSTNAME] = read_back == 0 && cs_same_text(found.nodename, cs_text(place, step->text)) &&
                                             cs_same_text(found.domainname, "(none)");
    return 0;
}

/* netdevice(7). By ioctl: a netlink round trip costs more. */
static int loopback_up(struct cs_place *place)
{
    struct ifreq request = {.ifr_name = "lo"};
    const long socket = CS_CALL3(SYS_socket, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (socket < 0)
        return (int)-socket;
    /* A new lo has no flag that can be set but this one. */
    request.ifr_flags = IFF_UP;
    long result = CS_CALL3(SYS_ioctl, socket, SIOCSIFFLAGS, &request);
    if (result == 0) {
        request.ifr_flags = 0;
        result = CS_CALL3(SYS_ioctl, socket, SIOCGIFFLAGS, &request);
    }
    place->report.value[CS_PLACE_LOOPBACK] = result == 0 && (request.ifr_flags & IFF_UP);
    CS_CALL1(SYS_close, socket);
    return (int)-result;
}

/* namespaces(7): counted per user namespace; read back, and tried. */
static int forbid_user_namespaces(struct cs_place *place, const struct cs_step *step)
{
    const int error = write_number(place, step->path, 0, 1);
    if (error)
        return error;
    place->report.value[CS_PLACE_USERNS_ERRNO] = -CS_CALL1(SYS_unshare, CLONE_NEWUSER);
    return 0;
}

static int set_rlimit(const struct cs_step *step)
{
    const struct rlimit wanted = {.rlim_cur = step->b, .rlim_max = step->c};
    return (int)-CS_CALL4(SYS_prlimit64, 0, step->a, &wanted, NULL);
}

/* Tried while pid 1 has every capability of the place: what it cannot open, nobody in the place can. */
static int root_only(const struct cs_place *place, const struct cs_step *step)
{
    const long file =
        CS_CALL4(SYS_openat, place->root, cs_relative(place, step->path), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW, 0);
    if (file == -EACCES || file == -EPERM)
        return 0;
    if (file < 0)
        return (int)-file;
    CS_CALL1(SYS_close, file);
    return EIO;
}

/* What execve(2) keeps. The signal mask is set by each process just before its own execve. */
static int set_attributes(struct cs_place *place, const struct cs_step *step)
{
    struct kernel_sigaction {
        void *handler;
        uint64_t flags;
        void *restorer;
        uint64_t mask;
    } action = {0};
    const unsigned char *mask = cs_at(place, step->text);
    for (unsigned number = 1; number <= 64; number++) {
        if (!(mask[(number - 1) / 8] & (1u << ((number - 1) % 8))))
            continue;
        const long reset = CS_CALL4(SYS_rt_sigaction, number, &action, NULL, 8);
        if (reset < 0)
            return (int)-reset;
    }
    long result = CS_CALL3(SYS_setpriority, PRIO_PROCESS, 0, (long)(int64_t)step->b);
    if (result < 0)
        return (int)-result;
    const struct sched_param normal = {0};
    result = CS_CALL3(SYS_sched_setscheduler, 0, SCHED_OTHER, &normal);
    if (result < 0)
        return (int)-result;
    result = CS_CALL1(SYS_personality, 0);
    if (result < 0)
        return (int)-result;
    place->report.value[CS_PLACE_PERSONALITY] = CS_CALL1(SYS_personality, 0xffffffff);
    result = CS_CALL5(SYS_prctl, PR_SET_TIMERSLACK, step->d, 0, 0, 0);
    if (result < 0)
        return (int)-result;
    place->report.value[CS_PLACE_TIMER_SLACK] = CS_CALL5(SYS_prctl, PR_GET_TIMERSLACK, 0, 0, 0, 0);
    /* ioprio_set(2): class none, so that it follows the nice value. */
    result = CS_CALL3(SYS_ioprio_set, 1, 0, 0);
    if (result == 0)
        result = CS_CALL2(SYS_ioprio_get, 1, 0);
    if (result != 0)
        return result < 0 ? (int)-result : EIO;
    const int error = write_number(place, step->path, (int64_t)step->c, 1);
    if (error)
        return error;
    CS_CALL1(SYS_umask, step->a);
    place->report.value[CS_PLACE_UMASK] = CS_CALL1(SYS_umask, step->a);
    return 0;
}

/* capabilities(7). Securebits first: setting them needs CAP_SETPCAP, and so does dropping from the bounding set. */
static int drop_capabilities(struct cs_place *place, const struct cs_step *step)
{
    long result = CS_CALL5(SYS_prctl, PR_SET_SECUREBITS, CS_SECUREBITS, 0, 0, 0);
    if (result < 0)
        return (int)-result;
    place->report.value[CS_PLACE_SECUREBITS] = CS_CALL5(SYS_prctl, PR_GET_SECUREBITS, 0, 0, 0, 0);
    for (uint64_t number = 0; number <= step->a; number++) {
        result = CS_CALL5(SYS_prctl, PR_CAPBSET_DROP, number, 0, 0, 0);
        if (result < 0)
            return (int)-result;
    }
    result = CS_CALL5(SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    if (result < 0)
        return (int)-result;
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    const struct __user_cap_data_struct none[2] = {{0}, {0}};
    return (int)-CS_CALL2(SYS_capset, &header, none);
}

static char *append(char *end, const char *text)
{
    while (*text)
        *end++ = *text++;
    *end = 0;
    return end;
}

/*
 * What a /proc of another pid namespace gives of a process outside: the errno of reading its environment, which takes the right to
 * trace it (ptrace(2)). The process is our parent, whom such a /proc tells (proc(5), field 4 of stat; 0 on one of our own).
 */
static int64_t read_of_parent(void)
{
    char path[48], text[512];
    long file = CS_CALL4(SYS_openat, AT_FDCWD, "/proc/self/stat", O_RDONLY | O_CLOEXEC, 0);
    if (file < 0)
        return -file;
    const long length = CS_CALL3(SYS_read, file, text, sizeof(text) - 1);
    CS_CALL1(SYS_close, file);
    if (length < 0)
        return -length;
    text[length] = 0;
    /* The name in field 2 may hold anything, but is in braces: `) S 4711 `. */
    long at = length - 1;
    while (at >= 0 && text[at] != ')')
        at--;
    if (at < 0 || at + 4 >= length)
        return EBADMSG;
    char *number = text + at + 4;
    char *end = number;
    while (*end >= '0' && *end <= '9')
        end++;
    if (end == number || end - number > 10 || *end != ' ')
        return EBADMSG;
    *end = 0;
    end = append(append(path, "/proc/"), number);
    append(end, "/cmdline");
    /* It is there, and what is for everybody can be read. */
    file = CS_CALL4(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
    if (file < 0)
        return -file == EACCES ? EBADMSG : -file;
    CS_CALL1(SYS_close, file);
    append(end, "/environ");
    file = CS_CALL4(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
    if (file >= 0)
        CS_CALL1(SYS_close, file);
    return file < 0 ? -file : 0;
}

int cs_place_step(struct cs_place *place, const struct cs_step *step)
{
    int error;
    switch (step->op) {
    case CS_OP_HOSTNAME:
        return set_hostname(place, step);
    case CS_OP_ROOT_ONLY:
        return root_only(place, step);
    case CS_OP_LOOPBACK_UP:
        return loopback_up(place);
    case CS_OP_FORBID_USER_NAMESPACES:
        return forbid_user_namespaces(place, step);
    case CS_OP_FRESH_KEYRING: {
        /* keyctl(2): a new anonymous session keyring; nothing of the caller's is reachable through it. */
        const long joined = CS_CALL2(SYS_keyctl, 1 /* KEYCTL_JOIN_SESSION_KEYRING */, NULL);
        if (joined < 0)
            return (int)-joined;
        /* Asked for again, because the answer to joining one is only the kernel's word that it is new. */
        const long serial = CS_CALL3(SYS_keyctl, 0 /* KEYCTL_GET_KEYRING_ID */, -3 /* the session's */, 0);
        place->report.value[CS_PLACE_KEYRING] = serial;
        return serial < 0 ? (int)-serial : 0;
    }
    case CS_OP_RLIMIT:
        return set_rlimit(step);
    case CS_OP_ATTRIBUTES:
        return set_attributes(place, step);
    case CS_OP_DROP_CAPABILITIES:
        return drop_capabilities(place, step);
    case CS_OP_NO_NEW_PRIVILEGES:
        return (int)-CS_CALL5(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    case CS_OP_LANDLOCK:
        return cs_place_landlock(place, step);
    case CS_OP_TERMINALS:
        return cs_open_terminals(&place->terminals, step->a, step->b != 0);
    case CS_OP_PLACE_FILTER:
        error = cs_install_filter(cs_at(place, place->plan->place_filter), place->plan->place_filter_count);
        /* unshare(0) does nothing and always succeeds but for the filter. unshare(2). */
        place->report.value[CS_PLACE_FILTER_ERRNO] = error ? 0 : -CS_CALL1(SYS_unshare, 0);
        /* Where their count could not be set nothing has tried yet. */
        if (!error && !place->report.value[CS_PLACE_USERNS_ERRNO])
            place->report.value[CS_PLACE_USERNS_ERRNO] = -CS_CALL1(SYS_unshare, CLONE_NEWUSER);
        if (!error && place->foreign_proc)
            place->report.value[CS_PLACE_FOREIGN_ERRNO] = read_of_parent();
        /* The kernel looks at the flags before anything else, capabilities included. umount(2). */
        place->report.value[CS_PLACE_UNMOUNT_ERRNO] = error ? 0 : -CS_CALL2(SYS_umount2, NULL, -1);
        return error;
    default:
        return cs_place_mount(place, step);
    }
}

static int outside(uint64_t size, uint64_t offset, uint64_t length)
{
    return offset > size || length > size - offset;
}

/* A string with its NUL, wholly inside. */
static int bad_string(const void *base, uint64_t size, uint32_t offset, uint32_t length)
{
    if (outside(size, offset, (uint64_t)length + 1))
        return 1;
    return ((const char *)base)[offset + length] != 0;
}

int cs_check_plan(const struct cs_plan *plan, uint64_t size)
{
    if (size < sizeof(*plan) || plan->magic != CS_PLAN_MAGIC || plan->total != size)
        return EINVAL;
    if (outside(size, plan->steps, (uint64_t)plan->step_count * sizeof(struct cs_step)) || plan->steps % 8)
        return EINVAL;
    if (outside(size, plan->rules, (uint64_t)plan->rule_count * sizeof(struct cs_rule)) || plan->rules % 8)
        return EINVAL;
    if (outside(size, plan->place_filter, (uint64_t)plan->place_filter_count * 8) || plan->place_filter % 8)
        return EINVAL;
    if (plan->place_filter_count > 4096)
        return EINVAL;
    const struct cs_step *steps = (const void *)((const char *)plan + plan->steps);
    for (uint32_t i = 0; i < plan->step_count; i++) {
        if (steps[i].op == 0 || steps[i].op > CS_OP_LAST)
            return EINVAL;
        if (bad_string(plan, size, steps[i].path, steps[i].path_length) ||
            bad_string(plan, size, steps[i].text, steps[i].text_length))
            return EINVAL;
        /* The mask of signals is read as eight bytes. */
        if (steps[i].op == CS_OP_ATTRIBUTES && steps[i].text_length != 8)
            return EINVAL;
    }
    const struct cs_rule *rules = (const void *)((const char *)plan + plan->rules);
    for (uint32_t i = 0; i < plan->rule_count; i++)
        if (bad_string(plan, size, rules[i].path, rules[i].path_length))
            return EINVAL;
    return 0;
}

static int bad_strings(const struct cs_spawn *spawn, uint64_t size, uint32_t offset, uint32_t count)
{
    if (offset % 8 || outside(size, offset, (uint64_t)count * sizeof(uint64_t)))
        return 1;
    const uint64_t *table = (const void *)((const char *)spawn + offset);
    for (uint32_t i = 0; i < count; i++)
        if (table[i] >= size)
            return 1;
    return 0;
}

int cs_check_spawn(const struct cs_spawn *spawn, uint64_t size)
{
    /* The last byte is a NUL, so that every string that starts inside ends inside. */
    if (size <= sizeof(*spawn) || spawn->magic != CS_SPAWN_MAGIC || spawn->total != size ||
        ((const char *)spawn)[size - 1] != 0)
        return EINVAL;
    if (bad_strings(spawn, size, spawn->arguments, spawn->argument_count) ||
        bad_strings(spawn, size, spawn->environment, spawn->environment_count) ||
        bad_strings(spawn, size, spawn->candidates, spawn->candidate_count))
        return EINVAL;
    if (!spawn->argument_count || !spawn->candidate_count || spawn->working_directory >= size)
        return EINVAL;
    if (outside(size, spawn->filter, (uint64_t)spawn->filter_count * 8) || spawn->filter % 8 ||
        spawn->filter_count > 4096)
        return EINVAL;
    if (spawn->narrow > 1 || (spawn->narrow && (spawn->narrow_folder == 0 || spawn->narrow_folder >= size)))
        return EINVAL;
    if (outside(size, spawn->narrow_rules, (uint64_t)spawn->narrow_rule_count * sizeof(struct cs_rule)) ||
        spawn->narrow_rules % 8)
        return EINVAL;
    const struct cs_rule *rules = (const void *)((const char *)spawn + spawn->narrow_rules);
    for (uint32_t i = 0; i < spawn->narrow_rule_count; i++)
        if (bad_string(spawn, size, rules[i].path, rules[i].path_length))
            return EINVAL;
    if (spawn->terminal > 3 || spawn->own_terminal > 1 || (spawn->terminal && spawn->own_terminal) || spawn->listens > 1)
        return EINVAL;
    return 0;
}
