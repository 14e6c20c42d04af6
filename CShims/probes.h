/*
 * The probes of probe.c, one function each, and how they come to where a feature is needed. Private to CShims.
 *
 * All of it runs in a forked child and is async-signal-safe: system calls on stack buffers, nothing else. glibc's
 * set*id wrappers are not (they look for threads), so those are raw calls. 0, or -1 with the call in the result.
 */
#ifndef CS_PROBES_H
#define CS_PROBES_H

#include "cs_probe.h"

/* probe_namespaces.c: the first two are also where the probes of other features begin. */
int cs_probe_enter_user_namespace(const struct cs_probe_identity *who, struct cs_probe_result *result);
int cs_probe_enter_mount_namespace(const struct cs_probe_identity *who, struct cs_probe_result *result);
/*
 * Goes on as pid 1 of a new pid namespace. The process that called waits for it and ends without a report: the one
 * inside makes it. It dies with its parent, so that a killed probe leaves nobody.
 */
int cs_probe_enter_pid_namespace(struct cs_probe_result *result);
int cs_probe_pid_namespace(const struct cs_probe_identity *who, struct cs_probe_result *result);
int cs_probe_network_namespace(const struct cs_probe_identity *who, struct cs_probe_result *result);
int cs_probe_ipc_namespace(const struct cs_probe_identity *who, struct cs_probe_result *result);
int cs_probe_uts_namespace(const struct cs_probe_identity *who, struct cs_probe_result *result);
int cs_probe_cgroup_namespace(const struct cs_probe_identity *who, struct cs_probe_result *result);

/* probe_mounts.c */
int cs_probe_open_tree(const struct cs_probe_identity *who, struct cs_probe_result *result);
int cs_probe_mount_setattr(const struct cs_probe_identity *who, struct cs_probe_result *result);
int cs_probe_tmpfs(const struct cs_probe_identity *who, struct cs_probe_result *result);
int cs_probe_move_mount(const struct cs_probe_identity *who, struct cs_probe_result *result);
int cs_probe_pivot_root(const struct cs_probe_identity *who, struct cs_probe_result *result);
int cs_probe_proc(const struct cs_probe_identity *who, struct cs_probe_result *result);
int cs_probe_devpts(const struct cs_probe_identity *who, struct cs_probe_result *result);
int cs_probe_nested_namespaces(const struct cs_probe_identity *who, struct cs_probe_result *result);

/* probe_process.c */
int cs_probe_capabilities(const struct cs_probe_identity *who, struct cs_probe_result *result);
int cs_probe_rlimit_nproc(const struct cs_probe_identity *who, struct cs_probe_result *result);
int cs_probe_no_new_privs(const struct cs_probe_identity *who, struct cs_probe_result *result);
int cs_probe_seccomp(const struct cs_probe_identity *who, struct cs_probe_result *result);
int cs_probe_landlock(const struct cs_probe_identity *who, struct cs_probe_result *result);
int cs_probe_pidfd(const struct cs_probe_identity *who, struct cs_probe_result *result);
int cs_probe_close_range(const struct cs_probe_identity *who, struct cs_probe_result *result);
int cs_probe_keyring(const struct cs_probe_identity *who, struct cs_probe_result *result);

#endif
