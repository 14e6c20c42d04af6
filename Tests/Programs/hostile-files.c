/* hostile-files: attempts of threat list A (files). Usage: hostile-files NAME ARG…; the table is at the end. */
#include "attempt.h"

#include <dirent.h>
#include <linux/mount.h>
#include <sched.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

/* linux/mount.h and sys/mount.h cannot both be included. */
extern int mount(const char *, const char *, const char *, unsigned long, const void *);
extern int umount2(const char *, int);
#define BIND 4096UL
#define REMOUNT 32UL
#define DETACH 2

static void tell_content(const char *key, int fd)
{
    char text[4096];
    ssize_t n = read(fd, text, sizeof text - 1);
    if (n < 0) {
        tell(key, -1);
        return;
    }
    text[n] = 0;
    say("%s=%s", key, n == 0 ? "empty" : "ok");
    write_all(1, text, (size_t)n);
    write_all(1, "\n", 1);
}

static void tell_read(const char *key, const char *path)
{
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0) {
        tell(key, -1);
        return;
    }
    tell_content(key, fd);
    close(fd);
}

static void tell_write(const char *key, const char *path, int flags)
{
    int fd = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | flags, 0644);
    tell(key, fd < 0 ? -1 : write(fd, "written by the job\n", 19));
    if (fd >= 0)
        close(fd);
}

static int hostile_read(char **a)
{
    for (; *a != NULL; a++)
        tell_read("read", *a);
    return 0;
}

static int hostile_write(char **a)
{
    tell_write("write", a[0], O_APPEND);
    return 0;
}

static int hostile_create(char **a)
{
    tell_write("create", a[0], O_CREAT | O_EXCL);
    return 0;
}

/* Everything that changes a file without writing into it, and removal last. */
static int hostile_change(char **a)
{
    const char *path = a[0];
    char other[4096];
    snprintf(other, sizeof other, "%s-moved", path);
    struct timespec times[2] = {{1, 0}, {1, 0}};
    tell("chmod", chmod(path, 0600));
    tell("utimens", utimensat(AT_FDCWD, path, times, 0));
    tell("xattr", setxattr(path, "user.canary", "x", 1, 0));
    tell("truncate", truncate(path, 0));
    tell("chown", chown(path, getuid(), getgid()));
    tell("rename", rename(path, other));
    tell("unlink", unlink(access(other, F_OK) == 0 ? other : path));
    return 0;
}

/* Looks through every file and link below the roots for a token. */
static const char *token;
static char *excluded[32];
static size_t excluded_count, found, visited;

static void search_file(int folder, const char *name, const char *path)
{
    static char text[1 << 20];
    int fd = openat(folder, name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return;
    ssize_t n = read(fd, text, sizeof text);
    close(fd);
    if (n > 0 && memmem(text, (size_t)n, token, strlen(token)) != NULL) {
        found++;
        say("seen %s", path);
    }
}

static void search(int parent, const char *name, const char *path, int depth)
{
    for (size_t i = 0; i < excluded_count; i++)
        if (strcmp(path, excluded[i]) == 0)
            return;
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || depth > 40)
        return;
    DIR *folder = fdopendir(fd);
    struct dirent *entry;
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        char below[8192];
        snprintf(below, sizeof below, "%s/%s", strcmp(path, "/") == 0 ? "" : path, entry->d_name);
        visited++;
        if (strstr(entry->d_name, token) != NULL) {
            found++;
            say("seen %s", below);
        }
        struct stat status;
        if (fstatat(dirfd(folder), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        if (S_ISDIR(status.st_mode))
            search(dirfd(folder), entry->d_name, below, depth + 1);
        else if (S_ISREG(status.st_mode))
            search_file(dirfd(folder), entry->d_name, below);
        else if (S_ISSOCK(status.st_mode))
            say("socket %s", below);
    }
    if (folder != NULL)
        closedir(folder);
}

/* search TOKEN ROOT… [-x EXCLUDED…] */
static int hostile_search(char **a)
{
    token = *a++;
    char **roots = a;
    while (*a != NULL && strcmp(*a, "-x") != 0)
        a++;
    if (*a != NULL)
        *a++ = NULL;
    for (; *a != NULL && excluded_count < 32; a++)
        excluded[excluded_count++] = *a;
    for (; *roots != NULL; roots++)
        search(AT_FDCWD, *roots, *roots, 0);
    say("found=%s", found > 0 ? "ok" : "nothing");
    say("visited=%s", visited > 10 ? "many" : "few");
    return 0;
}

/* climb SECRET: the absolute path of a host file, reached without its own name from the root. */
static int hostile_climb(char **a)
{
    char path[8192] = "";
    for (int i = 0; i < 64; i++)
        strcat(path, "../");
    strcat(path, a[0] + 1);
    tell_read("dot_dot", path);
    char through[12000];
    snprintf(through, sizeof through, "/proc/self/cwd/%s", path);
    tell_read("proc_cwd", through);
    snprintf(through, sizeof through, "/proc/self/root/%s", path);
    tell_read("proc_root", through);
    snprintf(through, sizeof through, "/proc/thread-self/root%s", a[0]);
    tell_read("thread_root", through);
    for (int i = 0; i < 64; i++)
        if (chdir("..") < 0)
            break;
    tell_read("after_chdir", a[0] + 1);
    struct stat root, above;
    stat("/", &root);
    stat("/..", &above);
    say("above_root=%s", root.st_ino == above.st_ino && root.st_dev == above.st_dev ? "itself" : "another");
    return 0;
}

/* links SECRET FOLDER: "planted" and "planted-folder" in the working folder were made by the test. */
static int hostile_links(char **a)
{
    char inside[4096];
    tell_read("read_planted", "planted");
    tell_write("write_planted", "planted", O_APPEND);
    tell_write("create_through_planted", "planted-folder/created", O_CREAT);
    tell("make", symlink(a[0], "made"));
    tell_read("read_made", "made");
    tell_write("write_made", "made", O_APPEND);
    symlink(a[1], "made-folder");
    snprintf(inside, sizeof inside, "made-folder/made-by-job");
    tell_write("create_through_made", inside, O_CREAT);
    symlink("/proc/1/root", "made-root");
    snprintf(inside, sizeof inside, "made-root%s", a[0]);
    tell_read("through_root_of_init", inside);
    return 0;
}

/* across FILE FOLDER: a host file and folder that are visible read-only. */
static int hostile_across(char **a)
{
    char to[4096], own[] = "own-file";
    snprintf(to, sizeof to, "%s/moved-out", a[1]);
    tell_write("own", own, O_CREAT);
    tell("link_in", link(a[0], "linked"));
    int fd = open(a[0], O_PATH | O_CLOEXEC);
    char magic[64];
    snprintf(magic, sizeof magic, "/proc/self/fd/%d", fd);
    tell("link_in_by_descriptor", linkat(AT_FDCWD, magic, AT_FDCWD, "linked-2", AT_SYMLINK_FOLLOW));
    tell("link_out", link(own, to));
    tell("rename_in", rename(a[0], "moved-in"));
    tell("rename_out", rename(own, to));
    return 0;
}

/* unmask FOLDER: FOLDER is covered; "token" lies in what is below. */
static int hostile_unmask(char **a)
{
    char below[4096];
    snprintf(below, sizeof below, "%s/token", a[0]);
    TELL_CHILD_ACT("unshare_mount", unshare(CLONE_NEWNS));
    int copy = (int)syscall(SYS_open_tree, AT_FDCWD, a[0], OPEN_TREE_CLONE);
    tell("open_tree", copy);
    tell("fsopen", syscall(SYS_fsopen, "tmpfs", 0));
    tell("fspick", syscall(SYS_fspick, AT_FDCWD, a[0], 0));
    tell("bind", mount(a[0], a[0], NULL, BIND, NULL));
    tell("umount", umount2(a[0], 0));
    tell("umount_detach", umount2(a[0], DETACH));
    tell_read("read_below", below);
    return 0;
}

/* remount FOLDER: FOLDER is a read-only mount. */
static int hostile_remount(char **a)
{
    char below[4096];
    struct mount_attr attribute = {.attr_clr = MOUNT_ATTR_RDONLY};
    snprintf(below, sizeof below, "%s/written-by-job", a[0]);
    tell("mount_setattr", syscall(SYS_mount_setattr, AT_FDCWD, a[0], 0, &attribute, sizeof attribute));
    tell("remount", mount(NULL, a[0], NULL, REMOUNT | BIND, NULL));
    tell_write("write", below, O_CREAT);
    return 0;
}

/* old-root SECRET: the walk out of a chroot(2), and what lies under a pivoted root. */
static int hostile_old_root(char **a)
{
    mkdir("walk", 0755);
    int here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    tell("chroot", chroot("walk"));
    fchdir(here);
    for (int i = 0; i < 64; i++)
        if (chdir("..") < 0)
            break;
    int chrooted = chroot(".");
    tell("chroot_above", chrooted);
    tell_read("read", chrooted == 0 ? a[0] : a[0] + 1);
    tell("pivot_root", syscall(SYS_pivot_root, ".", "."));
    tell("umount_root", umount2("/", DETACH));
    tell("umount_here", umount2(".", DETACH));
    tell_read("read_after", a[0]);
    return 0;
}

/* magic SECRET HOST-PID: the links in /proc/PID of every process that is there, and of one that is not. */
static int hostile_magic(char **a)
{
    static const char *const links[] = {"root", "cwd"};
    char path[8192];
    snprintf(path, sizeof path, "/proc/%s/root%s", a[1], a[0]);
    tell_read("host_process", path);
    int reached = 0;
    DIR *folder = opendir("/proc");
    struct dirent *entry;
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        if (atoi(entry->d_name) <= 0)
            continue;
        for (size_t i = 0; i < 2; i++) {
            snprintf(path, sizeof path, "/proc/%.20s/%s/../../../../../../../..%s", entry->d_name, links[i], a[0]);
            int fd = open(path, O_RDONLY | O_CLOEXEC);
            if (fd >= 0) {
                tell_content("any_process", fd);
                close(fd);
                reached = 1;
            }
        }
        snprintf(path, sizeof path, "/proc/%.20s/fd", entry->d_name);
        DIR *descriptors = opendir(path);
        struct dirent *one;
        while (descriptors != NULL && (one = readdir(descriptors)) != NULL) {
            char link[8600], target[4096];
            snprintf(link, sizeof link, "%s/%s", path, one->d_name);
            ssize_t n = readlink(link, target, sizeof target - 1);
            if (n > 0) {
                target[n] = 0;
                if (strcmp(target, a[0]) == 0)
                    tell_read("any_process", link), reached = 1;
            }
        }
        if (descriptors != NULL)
            closedir(descriptors);
    }
    if (!reached)
        say("any_process=nothing");
    return 0;
}

struct handle_space {
    struct file_handle head;
    unsigned char bytes[128];
};

/* print-handle PATH: for the test, outside. */
static int print_handle(char **a)
{
    struct handle_space handle = {.head.handle_bytes = 128};
    int mount_id;
    if (tell("name_to_handle_at", name_to_handle_at(AT_FDCWD, a[0], &handle.head, &mount_id, 0)) < 0)
        return 1;
    char hex[300] = "";
    for (unsigned i = 0; i < handle.head.handle_bytes; i++)
        sprintf(hex + strlen(hex), "%02x", handle.head.f_handle[i]);
    say("handle=%d:%s", handle.head.handle_type, hex);
    return 0;
}

/* by-handle TYPE:HEX: any descriptor on the same file system serves as the mount; the working folder is one. */
static int hostile_by_handle(char **a)
{
    struct handle_space handle = {.head.handle_type = atoi(a[0])};
    const char *hex = strchr(a[0], ':') + 1;
    for (; hex[0] != 0 && hex[1] != 0; hex += 2) {
        unsigned byte;
        sscanf(hex, "%2x", &byte);
        handle.head.f_handle[handle.head.handle_bytes++] = (unsigned char)byte;
    }
    int here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int fd = open_by_handle_at(here, &handle.head, O_RDONLY | O_CLOEXEC);
    if (tell("open_by_handle_at", fd) == 0)
        tell_content("read", fd);
    return 0;
}

/* descriptors: which there are, and what can be had through them. */
static int hostile_descriptors(char **a)
{
    (void)a;
    int extra = 0;
    for (int fd = 3; fd < 4096; fd++) {
        if (fcntl(fd, F_GETFD) < 0)
            continue;
        extra++;
        say("open %d", fd);
        tell_content("read", fd);
        int through = openat(fd, "secret", O_RDONLY | O_CLOEXEC);
        if (through >= 0) {
            tell_content("through_folder", through);
            close(through);
        }
        through = openat(fd, "../../../../../../etc/hostname", O_RDONLY | O_CLOEXEC);
        if (through >= 0)
            say("walked_out=ok");
    }
    say("extra=%d", extra);
    return 0;
}

static int hostile_mknod(char **a)
{
    (void)a;
    tell("char", mknod("made-char", S_IFCHR | 0666, makedev(1, 3)));
    tell("block", mknod("made-block", S_IFBLK | 0666, makedev(7, 0)));
    tell("char_tmp", mknod("/tmp/made-char", S_IFCHR | 0666, makedev(1, 3)));
    unlink("/tmp/made-char");
    tell("fifo", mknod("made-fifo", S_IFIFO | 0666, 0));
    return 0;
}

static int hostile_open_nodes(char **a)
{
    for (; *a != NULL; a++) {
        int fd = open(*a, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        tell("open", fd);
        fd >= 0 ? close(fd) : 0;
    }
    return 0;
}

/* devices: every node below /dev that is not one of those a job may have. */
static int hostile_devices(char **a)
{
    static const char *const allowed[] = {"null", "zero", "full", "random", "urandom", "ptmx"};
    (void)a;
    int others = 0;
    DIR *folder = opendir("/dev");
    struct dirent *entry;
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        struct stat status;
        if (fstatat(dirfd(folder), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) < 0 ||
            (!S_ISCHR(status.st_mode) && !S_ISBLK(status.st_mode)))
            continue;
        size_t i = 0;
        while (i < sizeof allowed / sizeof allowed[0] && strcmp(allowed[i], entry->d_name) != 0)
            i++;
        if (i == sizeof allowed / sizeof allowed[0]) {
            others++;
            say("other %s", entry->d_name);
        }
    }
    say("others=%s", folder == NULL ? "no /dev" : others > 0 ? "ok" : "none");
    static const char *const paths[] = {"/dev/mem", "/dev/kmsg", "/dev/kvm", "/dev/fuse", "/dev/net/tun", "/dev/vsock",
                                        "/dev/userfaultfd", "/dev/autofs", "/dev/tty0", "/dev/console", "/dev/vda",
                                        "/dev/sda", "/dev/loop0", "/dev/loop-control", "/dev/port", "/dev/hwrng"};
    struct stat status;
    int seen = 0;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        seen += stat(paths[i], &status) == 0;
    say("dangerous=%s", seen > 0 ? "ok" : "none");
    return 0;
}

/* set-id: leaves one file per way that worked in the working folder, named after it. */
static int hostile_set_id(char **a)
{
    static const struct {
        const char *name;
        mode_t mode;
    } modes[] = {{"user", 04755}, {"group", 02755}, {"both", 06755}};
    (void)a;
    umask(0);
    for (size_t i = 0; i < 3; i++) {
        char name[64], key[64];
        mode_t mode = modes[i].mode;
#define WAY(word, call) \
    do { \
        snprintf(name, sizeof name, "set-id-" word "-%s", modes[i].name); \
        snprintf(key, sizeof key, word "_%s", modes[i].name); \
        int made_ = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600); \
        (void)made_; \
        TELL_CHILD_ACT(key, call); \
        close(made_); \
    } while (0)
#define NEW_WAY(word, call) \
    do { \
        snprintf(name, sizeof name, "set-id-" word "-%s", modes[i].name); \
        snprintf(key, sizeof key, word "_%s", modes[i].name); \
        TELL_CHILD_ACT(key, call); \
    } while (0)
        WAY("chmod", syscall(SYS_chmod, name, mode));
        WAY("fchmod", syscall(SYS_fchmod, made_, mode));
        WAY("fchmodat", syscall(SYS_fchmodat, AT_FDCWD, name, mode));
        WAY("fchmodat2", syscall(NR_fchmodat2, AT_FDCWD, name, mode, 0));
        NEW_WAY("open", syscall(SYS_open, name, O_WRONLY | O_CREAT, mode));
        NEW_WAY("openat", syscall(SYS_openat, AT_FDCWD, name, O_WRONLY | O_CREAT, mode));
        NEW_WAY("creat", syscall(SYS_creat, name, mode));
        NEW_WAY("mkdir", syscall(SYS_mkdir, name, mode));
        NEW_WAY("mkdirat", syscall(SYS_mkdirat, AT_FDCWD, name, mode));
        NEW_WAY("mknod", syscall(SYS_mknod, name, S_IFREG | mode, 0));
        NEW_WAY("mknodat", syscall(SYS_mknodat, AT_FDCWD, name, S_IFREG | mode, 0));
        NEW_WAY("tmpfile", syscall(SYS_open, ".", O_WRONLY | O_TMPFILE, mode));
        NEW_WAY("tmpfileat", syscall(SYS_openat, AT_FDCWD, ".", O_WRONLY | O_TMPFILE, mode));
        /* struct open_how: flags, mode, resolve. */
        unsigned long long how[3] = {O_WRONLY | O_CREAT, mode, 0};
        NEW_WAY("openat2", syscall(SYS_openat2, AT_FDCWD, name, how, sizeof how));
    }
    TELL_CHILD_ACT("plain_chmod", chmod("set-id-chmod-user", 0755));
    return 0;
}

/* who: run by others, perhaps as a set-id program. */
static int hostile_who(char **a)
{
    (void)a;
    uid_t real, effective, saved;
    gid_t real_group, effective_group, saved_group;
    getresuid(&real, &effective, &saved);
    getresgid(&real_group, &effective_group, &saved_group);
    say("privilege=%s", real != effective || real_group != effective_group || getauxval(AT_SECURE) ? "ok" : "none");
    say("uid=%u/%u/%u", real, effective, saved);
    return 0;
}

static int hostile_run(char **a)
{
    execv(a[0], a);
    tell("execve", -1);
    return 0;
}

static int hostile_file_owner(char **a)
{
    (void)a;
    int fd = open("made-by-job", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    tell("create", fd);
    tell("mkdir", mkdir("made-folder-by-job", 0755));
    tell("chown_root", fchown(fd, 0, 0));
    tell("symlink", symlink("x", "made-link-by-job"));
    return 0;
}

/* fill FOLDER MIB: how much fits; fill-names FOLDER COUNT. */
static int hostile_fill(char **a)
{
    static char block[1 << 20];
    char path[4096];
    snprintf(path, sizeof path, "%s/fill", a[0]);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600), mebibytes = 0, limit = atoi(a[1]);
    memset(block, 'x', sizeof block);
    while (fd >= 0 && mebibytes < limit && write(fd, block, sizeof block) == (ssize_t)sizeof block)
        mebibytes++;
    int code = errno;
    unlink(path);
    say("fill=%s", mebibytes == limit ? "ok" : errno_word(code));
    say("mebibytes %d", mebibytes);
    return 0;
}

static int hostile_fill_names(char **a)
{
    int made = 0, limit = atoi(a[1]);
    char own[4096];
    snprintf(own, sizeof own, "%s/names-XXXXXX", a[0]);
    int folder = mkdtemp(own) == NULL ? -1 : open(own, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (; made < limit; made++) {
        char name[32];
        snprintf(name, sizeof name, "name-%d", made);
        if (mkdirat(folder, name, 0700) < 0)
            break;
    }
    int code = errno;
    for (int i = 0; i < made; i++) {
        char name[32];
        snprintf(name, sizeof name, "name-%d", i);
        unlinkat(folder, name, AT_REMOVEDIR);
    }
    rmdir(own);
    say("fill=%s", made == limit ? "ok" : errno_word(code));
    say("made %d", made);
    return 0;
}

/* swap A B: exchanges two names as fast as it can until its input ends. */
static int hostile_swap(char **a)
{
    long count = 0;
    fcntl(0, F_SETFL, O_NONBLOCK);
    char byte;
    say("swapping=ok");
    while (read(0, &byte, 1) < 0)
        for (int i = 0; i < 64; i++)
            count += syscall(SYS_renameat2, AT_FDCWD, a[0], AT_FDCWD, a[1], 2) == 0;
    say("swaps %ld", count);
    return 0;
}

/* again PATH: a descriptor's file opened anew, with more rights than the descriptor has. */
static int hostile_again(char **a)
{
    for (; *a != NULL; a++) {
        tell_write("write", *a, O_APPEND);
        int fd = open(*a, O_RDWR | O_CLOEXEC);
        tell("read_write", fd);
        fd = open(*a, O_WRONLY | O_TRUNC | O_CLOEXEC);
        tell("truncate", fd);
    }
    return 0;
}

/* inject PATH TEXT: writes into what a descriptor leads to, whichever way that was opened. */
static int hostile_inject(char **a)
{
    int fd = open(a[0], O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    tell("inject", fd);
    if (fd >= 0)
        tell("written", write(fd, a[1], strlen(a[1])));
    return 0;
}

/* steal PATH: reads from what a descriptor leads to; told on standard error, because PATH may be the output. */
static int hostile_steal(char **a)
{
    char bytes[4096];
    int fd = open(a[0], O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, bytes, sizeof bytes);
    const char *word = n < 0 ? errno_word(errno) : "ok";
    dprintf(2, "steal=%s\nstolen %.*s\n", word, n > 0 ? (int)n : 0, bytes);
    return 0;
}

/* nonblock: a flag of the open file, which the caller's descriptor may share. */
static int hostile_nonblock(char **a)
{
    (void)a;
    for (int fd = 0; fd < 3; fd++)
        tell("set", fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK | O_APPEND));
    return 0;
}

static int hostile_pwd(char **a)
{
    (void)a;
    char path[8192];
    if (syscall(SYS_getcwd, path, sizeof path) < 0)
        return tell("cwd", -1), 0;
    say("cwd=%s", path);
    return 0;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(char **);
        int arguments;
    } table[] = {
        {"read", hostile_read, 1},
        {"write", hostile_write, 1},
        {"create", hostile_create, 1},
        {"change", hostile_change, 1},
        {"search", hostile_search, 2},
        {"climb", hostile_climb, 1},
        {"links", hostile_links, 2},
        {"across", hostile_across, 2},
        {"unmask", hostile_unmask, 1},
        {"remount", hostile_remount, 1},
        {"old-root", hostile_old_root, 1},
        {"magic", hostile_magic, 2},
        {"print-handle", print_handle, 1},
        {"by-handle", hostile_by_handle, 1},
        {"descriptors", hostile_descriptors, 0},
        {"mknod", hostile_mknod, 0},
        {"open-nodes", hostile_open_nodes, 1},
        {"devices", hostile_devices, 0},
        {"set-id", hostile_set_id, 0},
        {"who", hostile_who, 0},
        {"run", hostile_run, 1},
        {"file-owner", hostile_file_owner, 0},
        {"fill", hostile_fill, 2},
        {"fill-names", hostile_fill_names, 2},
        {"swap", hostile_swap, 2},
        {"again", hostile_again, 1},
        {"inject", hostile_inject, 2},
        {"steal", hostile_steal, 1},
        {"nonblock", hostile_nonblock, 0},
        {"pwd", hostile_pwd, 0},
    };
    for (size_t i = 0; argc > 1 && i < sizeof table / sizeof table[0]; i++) {
        if (strcmp(table[i].name, argv[1]) == 0 && argc - 2 >= table[i].arguments) {
            say("begin %s", argv[1]);
            return table[i].run(argv + 2);
        }
    }
    fprintf(stderr, "hostile-files: no such attempt, or too few arguments\n");
    return 2;
}
