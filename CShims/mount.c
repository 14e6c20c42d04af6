/*
 * Mount steps. Every mount is made by descriptor: a source is resolved once (open_tree), compared with what the plan
 * was made for, given its attributes while detached, and moved onto a target that is itself a descriptor below the new
 * root. No path is resolved twice. All async-signal-safe; 0 or a positive errno.
 */
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "cs_sys.h"
#include "cs_text.h"
#include "place.h"

#define CS_PROC_ATTRIBUTES (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)
#define CS_DEVPTS_ATTRIBUTES (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC)

#define CS_AT_EMPTY_PATH 0x1000
#define CS_AT_RECURSIVE 0x8000
#define CS_AT_SYMLINK_NOFOLLOW 0x100

static void close_quietly(long descriptor)
{
    if (descriptor >= 0)
        CS_CALL1(SYS_close, descriptor);
}

/* A path below the new root, no link anywhere on the way (openat2(2)). */
static long open_below(const struct cs_place *place, uint32_t path, uint64_t flags)
{
    struct open_how how = {
        .flags = flags | O_CLOEXEC,
        .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };
    return CS_CALL4(SYS_openat2, place->root, cs_relative(place, path), &how, sizeof(how));
}

static long set_attributes(long mount, uint64_t attributes, int recursive)
{
    struct mount_attr change = {.attr_set = attributes};
    return CS_CALL5(SYS_mount_setattr, mount, "", CS_AT_EMPTY_PATH | (recursive ? CS_AT_RECURSIVE : 0), &change,
                    sizeof(change));
}

static long move_to(long mount, long target)
{
    return CS_CALL5(SYS_move_mount, mount, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}

/* In the place's own file systems the path is safe as it is; anywhere else the target is opened first. */
static long move_below(const struct cs_place *place, const struct cs_step *step, long mount)
{
    if (step->flags & CS_STEP_OWN_TREE)
        return CS_CALL5(SYS_move_mount, mount, "", place->root, cs_relative(place, step->path),
                        MOVE_MOUNT_F_EMPTY_PATH);
    const long target = open_below(place, step->path, O_PATH | O_NOFOLLOW);
    if (target < 0)
        return target;
    const long result = move_to(mount, target);
    close_quietly(target);
    return result;
}

static int attach(struct cs_place *place, const struct cs_step *step, long mount)
{
    if (mount < 0)
        return (int)-mount;
    const long result = move_below(place, step, mount);
    close_quietly(mount);
    return (int)-result;
}

/* fsconfig(2); a NULL value is a flag. `result` is that of the call before: the first failure stays. */
static long set_option(long context, long result, const char *name, const char *value)
{
    if (result < 0)
        return result;
    return CS_CALL5(SYS_fsconfig, context, value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, name, value, 0);
}

/* The mount of a configured file system; the context is closed. fsmount(2). */
static long make_mount(long context, long result, uint64_t attributes)
{
    if (result >= 0)
        result = CS_CALL5(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
    if (result >= 0)
        result = CS_CALL3(SYS_fsmount, context, FSMOUNT_CLOEXEC, attributes);
    close_quietly(context);
    return result;
}

static int make_folders_to(struct cs_place *place, const char *path, uint32_t mode, uint32_t most);

/* What stands in our own tree, we made: `type`, and not a link that a plan has at the same name by mistake. */
static int stands(const struct cs_place *place, const char *path, uint32_t type)
{
    struct stat found;
    const long result = CS_CALL4(SYS_newfstatat, place->root, path, &found, CS_AT_SYMLINK_NOFOLLOW);
    if (result < 0)
        return (int)-result;
    return (found.st_mode & S_IFMT) == type ? 0 : ENOTDIR;
}

/*
 * The mount point of a mount in our own tree, if it is not there yet: a folder with those that lead to it, or an empty
 * file.
 */
static int make_target(struct cs_place *place, const struct cs_step *step, int is_folder)
{
    if (!(step->flags & CS_STEP_OWN_TREE))
        return 0;
    const char *path = cs_relative(place, step->path);
    for (int attempt = 0;; attempt++) {
        const long made = is_folder ? CS_CALL3(SYS_mkdirat, place->root, path, 0755)
                                    : CS_CALL4(SYS_mknodat, place->root, path, S_IFREG | 0444, 0);
        if (made == -EEXIST)
            return stands(place, path, is_folder ? S_IFDIR : S_IFREG);
        if (made != -ENOENT || attempt)
            return (int)-made;
        uint32_t length = 0;
        for (uint32_t i = 0; path[i]; i++)
            if (path[i] == '/')
                length = i;
        const int error = make_folders_to(place, path, 0755, length);
        if (error)
            return error;
    }
}

/* Decimal or octal digits; `buffer` has room for 24. */
static const char *digits(char *buffer, uint64_t value, unsigned base)
{
    char *end = buffer + 23;
    *end = 0;
    do {
        *--end = (char)('0' + value % base);
        value /= base;
    } while (value);
    return end;
}

/* Whether the limits are in force: options are set one by one, and each answers only that it was understood. */
static long check_tmpfs(long mount, const struct cs_step *step, uint64_t mode)
{
    struct statfs size;
    struct stat found;
    long result = CS_CALL2(SYS_fstatfs, mount, &size);
    if (result == 0)
        result = CS_CALL2(SYS_fstat, mount, &found);
    if (result < 0)
        return result;
    const uint64_t block = (uint64_t)size.f_bsize;
    const int agrees = size.f_blocks == step->a / block + !!(step->a % block) && size.f_files == step->b &&
                       (found.st_mode & 07777) == mode;
    return agrees ? 0 : -EIO;
}

static long new_tmpfs(const struct cs_step *step, uint64_t mode, uint64_t attributes)
{
    char size[24], inodes[24], permissions[24];
    const long context = CS_CALL2(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC);
    if (context < 0)
        return context;
    long result = set_option(context, 0, "size", digits(size, step->a, 10));
    result = set_option(context, result, "nr_inodes", digits(inodes, step->b, 10));
    result = set_option(context, result, "mode", digits(permissions, mode, 8));
    const long mount = make_mount(context, result, attributes);
    if (mount < 0)
        return mount;
    result = check_tmpfs(mount, step, mode);
    if (result < 0) {
        close_quietly(mount);
        return result;
    }
    return mount;
}

static long new_proc(void)
{
    const long context = CS_CALL2(SYS_fsopen, "proc", FSOPEN_CLOEXEC);
    if (context < 0)
        return context;
    return make_mount(context, 0, CS_PROC_ATTRIBUTES);
}

/* An instance of its own: no terminal of the host is in it. devpts in the kernel's documentation. */
static long new_devpts(void)
{
    const long context = CS_CALL2(SYS_fsopen, "devpts", FSOPEN_CLOEXEC);
    if (context < 0)
        return context;
    long result = set_option(context, 0, "newinstance", NULL);
    result = set_option(context, result, "ptmxmode", "0666");
    result = set_option(context, result, "mode", "0620");
    /* The host has some 3,000 for all of its instances together (kernel.pty.max): one job must not take them all. */
    result = set_option(context, result, "max", "256");
    return make_mount(context, result, CS_DEVPTS_ATTRIBUTES);
}

/* Text behind `end`, for options that are put together; the new end. */
static char *append(char *end, const char *text)
{
    while (*text)
        *end++ = *text++;
    *end = 0;
    return end;
}

/*
 * A file system of our own on a path of our own, in one call where the mount API takes nine: mount(2) resolves the path
 * itself, which nobody else can change there. The working folder is the new root. MOUNT_ATTR_RDONLY, NOSUID, NODEV and
 * NOEXEC have the numbers of the MS_ flags.
 */
static int mount_here(const struct cs_place *place, const struct cs_step *step, const char *type, uint64_t flags,
                      const char *options)
{
    return (int)-CS_CALL5(SYS_mount, type, cs_relative(place, step->path), type, flags, options);
}

static int tmpfs(struct cs_place *place, const struct cs_step *step)
{
    const int error = make_target(place, step, 1);
    if (error)
        return error;
    if (!(step->flags & CS_STEP_OWN_TREE))
        return attach(place, step, new_tmpfs(step, step->d, step->c));
    char options[96], number[24];
    char *end = append(options, "size=");
    end = append(append(end, digits(number, step->a, 10)), ",nr_inodes=");
    end = append(append(end, digits(number, step->b, 10)), ",mode=");
    append(end, digits(number, step->d, 8));
    return mount_here(place, step, "tmpfs", step->c, options);
}

static int procfs(struct cs_place *place, const struct cs_step *step)
{
    const int error = make_target(place, step, 1);
    if (error)
        return error;
    if (step->flags & CS_STEP_OWN_TREE)
        return mount_here(place, step, "proc", CS_PROC_ATTRIBUTES, NULL);
    return attach(place, step, new_proc());
}

static int devpts(struct cs_place *place, const struct cs_step *step)
{
    const int error = make_target(place, step, 1);
    if (error)
        return error;
    if (step->flags & CS_STEP_OWN_TREE)
        return mount_here(place, step, "devpts", CS_DEVPTS_ATTRIBUTES, "newinstance,ptmxmode=0666,mode=0620,max=256");
    return attach(place, step, new_devpts());
}

/* Attached over the old root: existing paths still start below it until pivot_root(2). */
static int new_root(struct cs_place *place, const struct cs_step *step)
{
    const long mount = new_tmpfs(step, 0755, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
    if (mount < 0)
        return (int)-mount;
    const long moved = CS_CALL5(SYS_move_mount, mount, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH);
    if (moved < 0)
        return (int)-moved;
    place->root = (int)mount;
    return (int)-CS_CALL1(SYS_fchdir, place->root);
}

/* In our own tree a folder whose parent is there, or that is there itself, costs one call; else name by name. */
static int make_folders(struct cs_place *place, const struct cs_step *step)
{
    if (step->flags & CS_STEP_OWN_TREE) {
        const long made = CS_CALL3(SYS_mkdirat, place->root, cs_relative(place, step->path), step->a);
        if (made != -ENOENT && made != -EEXIST)
            return (int)-made;
        if (made == -EEXIST)
            return stands(place, cs_relative(place, step->path), S_IFDIR);
    }
    return make_folders_to(place, cs_relative(place, step->path), (uint32_t)step->a, step->path_length);
}

/* Name by name; the first `most` bytes of the path, or all. */
static int make_folders_to(struct cs_place *place, const char *path, uint32_t mode, uint32_t most)
{
    const char *const limit = path + most;
    long folder = CS_CALL4(SYS_openat, place->root, ".", O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
    while (folder >= 0 && path < limit && *path) {
        char name[256];
        uint32_t length = 0;
        while (path < limit && *path && *path != '/') {
            if (length == sizeof(name) - 1) {
                close_quietly(folder);
                return ENAMETOOLONG;
            }
            name[length++] = *path++;
        }
        name[length] = 0;
        while (path < limit && *path == '/')
            path++;
        /* The umask of pid 1 is 0 while it builds: modes are those of the plan. */
        const long made = CS_CALL3(SYS_mkdirat, folder, name, path < limit && *path ? 0755 : mode);
        /* EROFS: the folder stands on a read-only mount already, or the open below says that it does not. */
        if (made < 0 && made != -EEXIST && made != -EROFS) {
            close_quietly(folder);
            return (int)-made;
        }
        const long next = CS_CALL4(SYS_openat, folder, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
        close_quietly(folder);
        folder = next;
    }
    if (folder < 0)
        return (int)-folder;
    close_quietly(folder);
    return 0;
}

static int make_symlink(struct cs_place *place, const struct cs_step *step)
{
    return (int)-CS_CALL3(SYS_symlinkat, cs_text(place, step->text), place->root, cs_relative(place, step->path));
}

static int write_file(struct cs_place *place, const struct cs_step *step)
{
    if (!step->text_length) {
        /* mknod(2) refuses what is there, as O_EXCL does, and leaves nothing open. */
        const uint64_t mode = S_IFREG | step->a;
        return (int)-CS_CALL4(SYS_mknodat, place->root, cs_relative(place, step->path), mode, 0);
    }
    const long file = CS_CALL4(SYS_openat, place->root, cs_relative(place, step->path),
                               O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, step->a);
    if (file < 0)
        return (int)-file;
    uint32_t written = 0;
    while (written < step->text_length) {
        const long count = CS_CALL3(SYS_write, file, cs_text(place, step->text) + written, step->text_length - written);
        if (count <= 0) {
            close_quietly(file);
            return count < 0 ? (int)-count : EIO;
        }
        written += (uint32_t)count;
    }
    return (int)-CS_CALL1(SYS_close, file);
}

/* Which file a descriptor is: 0 if it is the planned one. */
static int compare_identity(long descriptor, const struct cs_step *step)
{
    struct stat found;
    const long result = CS_CALL2(SYS_fstat, descriptor, &found);
    if (result < 0)
        return (int)-result;
    if (found.st_dev != step->a || found.st_ino != step->b)
        return CS_ERROR_SWAPPED;
    return S_ISDIR(found.st_mode) == !!(step->flags & CS_STEP_DIRECTORY) ? 0 : CS_ERROR_SWAPPED;
}

static int bind(struct cs_place *place, const struct cs_step *step)
{
    const int recursive = !!(step->flags & CS_STEP_RECURSIVE);
    long mount;
    if (step->flags & CS_STEP_FOREIGN_PROC)
        place->foreign_proc = 1;
    if (step->flags & CS_STEP_DETACHED)
        mount = place->detached >= 0 ? place->detached : -EBADF;
    else if (step->flags & CS_STEP_FROM_PLACE)
        mount = CS_CALL3(SYS_open_tree, place->root, cs_relative(place, step->text),
                         OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | CS_AT_SYMLINK_NOFOLLOW |
                             (recursive ? CS_AT_RECURSIVE : 0));
    else
        mount = CS_CALL3(SYS_open_tree, AT_FDCWD, cs_text(place, step->text),
                         OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | CS_AT_SYMLINK_NOFOLLOW |
                             (recursive ? CS_AT_RECURSIVE : 0));
    if (mount < 0)
        return (int)-mount;
    int error = compare_identity(mount, step);
    if (!error)
        error = (int)-set_attributes(mount, step->c, recursive);
    if (!error && !(step->flags & CS_STEP_SAME_TARGET))
        error = make_target(place, step, step->flags & CS_STEP_DIRECTORY);
    if (error) {
        close_quietly(mount);
        return error;
    }
    if (!(step->flags & CS_STEP_SAME_TARGET))
        return attach(place, step, mount);
    const long target = open_below(place, step->path, O_PATH | O_NOFOLLOW);
    if (target < 0) {
        close_quietly(mount);
        return (int)-target;
    }
    error = compare_identity(target, step);
    if (!error)
        error = (int)-move_to(mount, target);
    close_quietly(target);
    close_quietly(mount);
    return error;
}

/* The first cover of the same kind, which is remembered if it is this one; NULL when there is no room. */
static const struct cs_step *first_cover(struct cs_place *place, const struct cs_step *step)
{
    for (int i = 0; i < CS_COVER_KINDS; i++) {
        const struct cs_step *first = place->covers[i];
        if (!first)
            return place->covers[i] = step;
        if (first->c == step->c && cs_same_text(cs_text(place, first->text), cs_text(place, step->text)))
            return first;
    }
    return NULL;
}

/*
 * In our own tree each further cover of a kind is a bind of the first one, attributes and all: one call instead of four,
 * twenty times in /proc (mount(2), as in mount_here).
 */
static int cover(struct cs_place *place, const struct cs_step *step)
{
    const struct cs_step *first = step->flags & CS_STEP_OWN_TREE ? first_cover(place, step) : NULL;
    if (first && first != step)
        return (int)-CS_CALL5(SYS_mount, cs_relative(place, first->path), cs_relative(place, step->path), NULL,
                              4096 /* MS_BIND */, NULL);
    const char *source = cs_relative(place, step->text);
    const long mount = CS_CALL3(SYS_open_tree, place->root, source,
                                OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | CS_AT_SYMLINK_NOFOLLOW);
    if (mount < 0)
        return (int)-mount;
    const long changed = set_attributes(mount, step->c, 0);
    if (changed < 0) {
        close_quietly(mount);
        return (int)-changed;
    }
    return attach(place, step, mount);
}

static int remount(struct cs_place *place, const struct cs_step *step)
{
    const long mount = open_below(place, step->path, O_PATH | O_NOFOLLOW);
    if (mount < 0)
        return (int)-mount;
    const long result = set_attributes(mount, step->c, 0);
    close_quietly(mount);
    return (int)-result;
}

/* pivot_root(2), "pivot_root(".", ".")": the old root ends up on top of the new one and is detached from there. */
static int enter_root(struct cs_place *place)
{
    long result = CS_CALL1(SYS_fchdir, place->root);
    if (result == 0)
        result = CS_CALL2(SYS_pivot_root, ".", ".");
    if (result == 0)
        result = CS_CALL2(SYS_umount2, ".", 2 /* MNT_DETACH */);
    if (result == 0)
        result = CS_CALL1(SYS_chdir, "/");
    return (int)-result;
}

int cs_place_mount(struct cs_place *place, const struct cs_step *step)
{
    switch (step->op) {
    case CS_OP_PRIVATE_PROPAGATION: {
        struct mount_attr change = {.propagation = 1 << 18 /* MS_PRIVATE */};
        return (int)-CS_CALL5(SYS_mount_setattr, AT_FDCWD, "/", CS_AT_RECURSIVE, &change, sizeof(change));
    }
    case CS_OP_NEW_ROOT:
        return new_root(place, step);
    case CS_OP_MAKE_FOLDERS:
        return make_folders(place, step);
    case CS_OP_SYMLINK:
        return make_symlink(place, step);
    case CS_OP_WRITE_FILE:
        return write_file(place, step);
    case CS_OP_BIND:
        return bind(place, step);
    case CS_OP_COVER:
        return cover(place, step);
    case CS_OP_TMPFS:
        return tmpfs(place, step);
    case CS_OP_PROCFS:
        return procfs(place, step);
    case CS_OP_DEVPTS:
        return devpts(place, step);
    case CS_OP_REMOUNT:
        return remount(place, step);
    case CS_OP_ENTER_ROOT:
        return enter_root(place);
    default:
        return ENOSYS;
    }
}
