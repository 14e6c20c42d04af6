/* What of cgroup v2 Swift cannot ask for (cgroups(7)). */
#ifndef CS_CGROUP_H
#define CS_CGROUP_H

/* 1 for a folder of a cgroup2 file system, 0 for another one, -errno (statfs(2)). */
int cs_is_cgroup2(const char *path);

/*
 * 1 for a folder that its manager has marked as given away: systemd sets `user.delegate` and `trusted.delegate` to 1
 * (systemd.io, "Control Group APIs and Delegation"; readable for everybody since systemd 251). 0 for any other.
 */
int cs_is_delegated_cgroup(const char *path);

/* A lock of an open folder that goes with its last copy (flock(2)): 0, or -errno at once, EWOULDBLOCK if somebody has it. */
int cs_lock_folder(int folder);

/* mkdir(2) and rmdir(2): 0, or -errno. */
int cs_make_folder(const char *path, unsigned mode);
int cs_remove_folder(const char *path);

#endif
