#include "place.h"

#include <fcntl.h>
#include <linux/un.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "cs_sys.h"

/* landlock(7): the attribute structure grew; a kernel refuses one that is longer than it knows and not zero there. */
static long attribute_size(uint32_t abi)
{
    if (abi >= 6)
        return 24;
    return abi >= 4 ? 16 : 8;
}

static int64_t refused(long result)
{
    if (result >= 0)
        CS_CALL1(SYS_close, result);
    return result < 0 ? -result : 0;
}

/* close(2) that has closed: left open, a socket would stay in the place's list. 0 or -errno. */
static long closed(long descriptor)
{
    const long result = CS_CALL1(SYS_close, descriptor);
    if (result < 0)
        return result;
    return CS_CALL2(SYS_fcntl, descriptor, F_GETFD) == -EBADF ? 0 : -EIO;
}

static long probe_folder(struct cs_place *place, const struct cs_step *step)
{
    return CS_CALL4(SYS_openat, place->root, cs_relative(place, step->path), O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
}

/* A listener in no domain, for the abstract-socket scope. Its name is the kernel's choice (unix(7), autobind). */
static long abstract_listener(struct sockaddr_un *address, uint32_t *length)
{
    const long listener = CS_CALL3(SYS_socket, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0)
        return listener;
    address->sun_family = AF_UNIX;
    long result = CS_CALL3(SYS_bind, listener, address, sizeof(address->sun_family));
    if (result == 0)
        result = CS_CALL2(SYS_listen, listener, 1);
    *length = sizeof(*address);
    if (result == 0)
        result = CS_CALL3(SYS_getsockname, listener, address, length);
    if (result < 0) {
        CS_CALL1(SYS_close, listener);
        return result;
    }
    return listener;
}

static int64_t abstract_connect(const struct sockaddr_un *address, uint32_t length)
{
    const long client = CS_CALL3(SYS_socket, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (client < 0)
        return -client;
    const long result = CS_CALL3(SYS_connect, client, address, length);
    /* Any other answer than the refusal stops the launch. */
    const long gone = closed(client);
    if (gone < 0)
        return -gone + 1000;
    return result < 0 ? -result : 0;
}

/*
 * The acts below succeed but for Landlock: the folder is a private writable tmpfs of the same owner without a rule.
 * The caller's positive control has just opened the file for reading and writing.
 */
static void probe(struct cs_place *place, int folder, uint64_t handled)
{
    int64_t *value = place->report.value;
    static const char file[] = "probe", empty[] = "empty";
    const char *arguments[2]; /* filled at run time: constant data must not hold pointers (entry.c) */
    arguments[0] = file;
    arguments[1] = NULL;
    __asm__ volatile("" ::"r"(arguments) : "memory");

    value[CS_PLACE_LANDLOCK_READ] = refused(CS_CALL4(SYS_openat, folder, file, O_RDONLY | O_CLOEXEC, 0));
    value[CS_PLACE_LANDLOCK_WRITE] = refused(CS_CALL4(SYS_openat, folder, file, O_WRONLY | O_CLOEXEC, 0));
    value[CS_PLACE_LANDLOCK_LIST] =
        refused(CS_CALL4(SYS_openat, folder, empty, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0));
    /* Without Landlock the empty file answers ENOEXEC, so this never starts anything. execve(2). */
    value[CS_PLACE_LANDLOCK_EXECUTE] = -CS_CALL5(SYS_execveat, folder, file, arguments, arguments + 1, 0);
    value[CS_PLACE_LANDLOCK_MAKE] = -CS_CALL3(SYS_mkdirat, folder, "made", 0700);
    value[CS_PLACE_LANDLOCK_REMOVE] = -CS_CALL3(SYS_unlinkat, folder, empty, 0x200 /* AT_REMOVEDIR */);
    if (handled & (1ull << 14)) {
        value[CS_PLACE_LANDLOCK_TRUNCATE] =
            refused(CS_CALL4(SYS_openat, folder, file, O_WRONLY | O_TRUNC | O_CLOEXEC, 0));
    } else {
        value[CS_PLACE_LANDLOCK_TRUNCATE] = -1;
    }
}

long cs_new_ruleset(uint32_t abi, uint64_t filesystem, uint64_t network, uint64_t scoped)
{
    const struct cs_landlock_attributes attributes = {
        .handled_filesystem = filesystem,
        .handled_network = network,
        .scoped = scoped,
    };
    return CS_CALL3(CS_LANDLOCK_CREATE_RULESET, &attributes, attribute_size(abi), 0);
}

long cs_add_rule(long ruleset, long parent, uint64_t access)
{
    const struct cs_landlock_path_beneath beneath = {.access = access, .parent = (int32_t)parent};
    return CS_CALL4(CS_LANDLOCK_ADD_RULE, ruleset, 1 /* PATH_BENEATH */, &beneath, 0);
}

/* Whether an open path is another file than the rule was made for, if that is to be compared. */
static long is_swapped(const struct cs_rule *rule, long parent)
{
    struct stat found;
    if (!rule->inode)
        return 0;
    const long result = CS_CALL2(SYS_fstat, parent, &found);
    if (result < 0)
        return result;
    return found.st_dev == rule->device && found.st_ino == rule->inode ? 0 : -CS_ERROR_SWAPPED;
}

long cs_place_ruleset(struct cs_place *place)
{
    const struct cs_plan *plan = place->plan;
    const long ruleset =
        cs_new_ruleset(plan->landlock_abi, plan->handled_filesystem, plan->handled_network, plan->scoped);
    if (ruleset < 0)
        return ruleset;
    const struct cs_rule *rules = cs_at(place, plan->rules);
    for (uint32_t i = 0; i < plan->rule_count; i++) {
        const long parent = CS_CALL4(SYS_openat, place->root, cs_relative(place, rules[i].path), O_PATH | O_CLOEXEC, 0);
        if (parent < 0)
            return parent;
        long result = is_swapped(&rules[i], parent);
        if (result == 0)
            result = cs_add_rule(ruleset, parent, rules[i].access);
        CS_CALL1(SYS_close, parent);
        if (result < 0)
            return result;
    }
    return ruleset;
}

int cs_place_landlock(struct cs_place *place, const struct cs_step *step)
{
    const struct cs_plan *plan = place->plan;
    const long ruleset = cs_place_ruleset(place);
    if (ruleset < 0)
        return (int)-ruleset;

    const long folder = probe_folder(place, step);
    if (folder < 0)
        return (int)-folder;
    /* Positive control: outside the domain the same object can be read and written. */
    const long control = CS_CALL4(SYS_openat, folder, "probe", O_RDWR | O_CLOEXEC, 0);
    if (control < 0)
        return (int)-control;
    CS_CALL1(SYS_close, control);

    struct sockaddr_un address = {0};
    uint32_t length = 0;
    long listener = -1;
    if (plan->scoped & 1) {
        listener = abstract_listener(&address, &length);
        if (listener < 0)
            return (int)-listener;
    }

    const long restricted = CS_CALL2(CS_LANDLOCK_RESTRICT_SELF, ruleset, 0);
    CS_CALL1(SYS_close, ruleset);
    if (restricted < 0)
        return (int)-restricted;

    probe(place, (int)folder, plan->handled_filesystem);
    place->report.value[CS_PLACE_LANDLOCK_ABSTRACT] = -1;
    if (listener >= 0) {
        place->report.value[CS_PLACE_LANDLOCK_ABSTRACT] = abstract_connect(&address, length);
        const long gone = closed(listener);
        if (gone < 0)
            return (int)-gone;
    }
    return (int)-CS_CALL1(SYS_close, folder);
}
