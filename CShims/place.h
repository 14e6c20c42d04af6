/* pid 1 while it sets its place up. Private to CShims. */
#ifndef CS_PLACE_H
#define CS_PLACE_H

#include <stdint.h>

#include "cs_wire.h"
#include "terminals.h"

/* Empty file, empty folder, and what else a plan may cover with; further kinds are covered without an example. */
enum { CS_COVER_KINDS = 4 };

struct cs_place {
    const struct cs_plan *plan; /* read-only mapping of the sealed plan, valid for the life of pid 1 */
    int root;                   /* the new root's mount, -1 before CS_OP_NEW_ROOT */
    int detached;               /* a mount made by the supervisor, -1 when none came */
    const struct cs_step *covers[CS_COVER_KINDS]; /* the first cover of each kind in our own tree, NULL before it */
    struct cs_terminals terminals;
    int foreign_proc;           /* /proc is read-only, and has the numbers of another pid namespace */
    struct cs_message report;   /* PLACE_READY, filled step by step */
};

static inline const void *cs_at(const struct cs_place *place, uint32_t offset)
{
    return (const char *)place->plan + offset;
}

static inline const char *cs_text(const struct cs_place *place, uint32_t offset)
{
    return cs_at(place, offset);
}

/* Paths of the new root are used relative to its descriptor; "/" becomes ".". */
static inline const char *cs_relative(const struct cs_place *place, uint32_t offset)
{
    const char *path = cs_text(place, offset);
    while (*path == '/')
        path++;
    return *path ? path : ".";
}

/* One step: 0, or a positive errno (or CS_ERROR_SWAPPED). */
int cs_place_step(struct cs_place *place, const struct cs_step *step);
int cs_place_mount(struct cs_place *place, const struct cs_step *step);
int cs_place_landlock(struct cs_place *place, const struct cs_step *step);
int cs_install_filter(const void *instructions, uint32_t count);
/* A ruleset without rules: its descriptor, or -errno. */
long cs_new_ruleset(uint32_t abi, uint64_t filesystem, uint64_t network, uint64_t scoped);
/* One with the plan's rules, of the very files that it was made for: its descriptor, or -errno (or -CS_ERROR_SWAPPED). */
long cs_place_ruleset(struct cs_place *place);
/* Adds what lies at or below an open path: 0, or -errno. */
long cs_add_rule(long ruleset, long parent, uint64_t access);
/* SECCOMP_FILTER_FLAG_NEW_LISTENER and _WAIT_KILLABLE_RECV (Linux 5.19). */
#define CS_LISTENING_FLAGS ((1 << 3) | (1 << 5))

/* The same with a listener: its descriptor, or -errno. */
long cs_install_listening_filter(const void *instructions, uint32_t count);

/* Looks at every offset and count before anything is used: 0, or EINVAL. */
int cs_check_plan(const struct cs_plan *plan, uint64_t size);
int cs_check_spawn(const struct cs_spawn *spawn, uint64_t size);

#endif
