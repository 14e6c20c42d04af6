/*
 * A process that may do less than its place: a folder of its own, and a Landlock domain below the place's.
 *
 * Processes of an outer domain are out of its reach: no signal, no ptrace, nothing of /proc/PID that needs it (landlock(7),
 * "Ptrace restrictions", "scoped"). What leads to them by other ways its rules and its filter leave out. Runs before libc.
 */
#include <fcntl.h>
#include <linux/openat2.h>
#include <stddef.h>

#include "cs_sys.h"
#include "place.h"
#include "process.h"

static long open_folder(const char *path)
{
    struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC, .resolve = RESOLVE_NO_SYMLINKS};
    return CS_CALL4(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
}

/* Both are allowed in the place: the names in a shared folder, and a signal to somebody outside of the new domain. */
static int64_t list_shared(void)
{
    const long result = CS_CALL4(SYS_openat, AT_FDCWD, "/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (result >= 0)
        CS_CALL1(SYS_close, result);
    return result < 0 ? -result : 0;
}

static int64_t signal_outside(void) { return -CS_CALL2(SYS_kill, 1, 0); }

static int add_rules(const struct cs_spawn *spawn, long ruleset)
{
    const struct cs_rule *rules = (const void *)((const char *)spawn + spawn->narrow_rules);
    for (uint32_t i = 0; i < spawn->narrow_rule_count; i++) {
        const char *path = (const char *)spawn + rules[i].path;
        const long parent = rules[i].access & CS_RULE_FOLDER
                                ? open_folder(path)
                                : CS_CALL4(SYS_openat, AT_FDCWD, path, O_PATH | O_CLOEXEC, 0);
        if (parent < 0)
            return (int)-parent;
        const long added = cs_add_rule(ruleset, parent, rules[i].access & ~CS_RULE_FOLDER);
        CS_CALL1(SYS_close, parent);
        if (added < 0)
            return (int)-added;
    }
    return 0;
}

int cs_narrow(const struct cs_spawn *spawn, int64_t *value)
{
    const char *folder = (const char *)spawn + spawn->narrow_folder;
    long result = CS_CALL2(SYS_mkdir, folder, 0700);
    if (result < 0)
        return (int)-result;
    value[CS_PROCESS_NARROW_CONTROL] = list_shared() == 0 && signal_outside() == 0;
    const long ruleset =
        cs_new_ruleset(spawn->narrow_abi, spawn->narrow_filesystem, spawn->narrow_network, spawn->narrow_scoped);
    if (ruleset < 0)
        return (int)-ruleset;
    const int error = add_rules(spawn, ruleset);
    if (error)
        return error;
    result = CS_CALL2(CS_LANDLOCK_RESTRICT_SELF, ruleset, 0);
    CS_CALL1(SYS_close, ruleset);
    if (result < 0)
        return (int)-result;
    value[CS_PROCESS_NARROW_LIST] = list_shared();
    value[CS_PROCESS_NARROW_SIGNAL] = signal_outside();
    return 0;
}
