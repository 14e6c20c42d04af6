/* What hostile acts are judged by from outside: listeners, a process, a key, a terminal (cs_attempt.h). */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cs_attempt.h"

static long bound(int family, int type, const void *address, socklen_t size)
{
    const int fd = socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    if (bind(fd, address, size) < 0 || (type == SOCK_STREAM && listen(fd, 16) < 0)) {
        const int code = errno;
        close(fd);
        return -code;
    }
    return fd;
}

static long bound_on_loopback(int type, int *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const long fd = bound(AF_INET, type, &address, sizeof address);
    if (fd < 0)
        return fd;
    socklen_t size = sizeof address;
    if (getsockname((int)fd, (struct sockaddr *)&address, &size) < 0) {
        const int code = errno;
        close((int)fd);
        return -code;
    }
    *port = ntohs(address.sin_port);
    return fd;
}

long cs_listen_tcp(int *port)
{
    return bound_on_loopback(SOCK_STREAM, port);
}

long cs_listen_udp(int *port)
{
    return bound_on_loopback(SOCK_DGRAM, port);
}

long cs_listen_unix(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path)
        return -ENAMETOOLONG;
    strcpy(address.sun_path, path);
    const long fd = bound(AF_UNIX, SOCK_STREAM, &address, sizeof address);
    if (fd >= 0 && chmod(path, 0666) < 0) {
        const int code = errno;
        close((int)fd);
        return -code;
    }
    return fd;
}

long cs_listen_abstract(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const size_t length = strlen(name);
    if (length > sizeof address.sun_path - 2)
        return -ENAMETOOLONG;
    memcpy(address.sun_path + 1, name, length);
    return bound(AF_UNIX, SOCK_STREAM, &address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + length));
}

int cs_was_reached(int listener)
{
    struct pollfd waiting = {.fd = listener, .events = POLLIN};
    int type = 0, reached = 0;
    socklen_t size = sizeof type;
    if (getsockopt(listener, SOL_SOCKET, SO_TYPE, &type, &size) < 0)
        return 0;
    while (poll(&waiting, 1, 0) == 1) {
        char byte;
        const long got = type == SOCK_DGRAM ? recv(listener, &byte, 1, MSG_DONTWAIT)
                                            : accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (got < 0)
            break;
        if (type != SOCK_DGRAM)
            close((int)got);
        reached = 1;
    }
    return reached;
}

long cs_canary(const char *name, unsigned user, volatile unsigned char **page)
{
    void *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return -errno;
    const pid_t parent = getpid();
    const pid_t child = fork();
    if (child < 0) {
        const int code = errno;
        munmap(shared, 4096);
        return -code;
    }
    if (child == 0) {
        /* Raw calls, as between fork and exec; a change of ids takes the signal of the parent's end away (prctl(2)). */
        if (geteuid() == 0 && (syscall(SYS_setresgid, user, user, user) < 0 || syscall(SYS_setresuid, user, user, user) < 0))
            _exit(1);
        prctl(PR_SET_DUMPABLE, 1);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(0);
        prctl(PR_SET_NAME, name);
        prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
        ((volatile unsigned char *)shared)[1] = 1;
        for (;;)
            pause();
    }
    *page = shared;
    /* Until it is called so; it takes some microseconds. */
    for (int round = 0; round < 1000 && !(*page)[1]; round++)
        usleep(1000);
    return child;
}

int cs_canary_lives(int pid)
{
    return waitpid(pid, NULL, WNOHANG) == 0;
}

void cs_canary_end(int pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

long cs_key_add(const char *name, const char *value)
{
    const long key = syscall(SYS_add_key, "user", name, value, strlen(value), KEY_SPEC_SESSION_KEYRING);
    if (key < 0)
        return -errno;
    /* Possessor, user and group may view, read and search it: whoever has the keyring. */
    if (syscall(SYS_keyctl, KEYCTL_SETPERM, key, 0x3f3f0000) < 0) {
        const int code = errno;
        cs_key_remove(key);
        return -code;
    }
    return key;
}

void cs_key_remove(long serial)
{
    syscall(SYS_keyctl, KEYCTL_UNLINK, serial, KEY_SPEC_SESSION_KEYRING);
}

long cs_terminal(int pair[2])
{
    const int master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (master < 0)
        return -errno;
    int unlock = 0;
    int slave = -1;
    if (ioctl(master, TIOCSPTLCK, &unlock) == 0)
        slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (slave < 0) {
        const int code = errno;
        close(master);
        return -code;
    }
    pair[0] = master;
    pair[1] = slave;
    return 0;
}

static long remove_below(int folder, const char *name)
{
    if (unlinkat(folder, name, 0) == 0)
        return 0;
    if (errno != EISDIR && errno != EPERM)
        return errno == ENOENT ? 0 : -errno;
    const int fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    DIR *entries = fdopendir(fd);
    if (!entries) {
        const int code = errno;
        close(fd);
        return -code;
    }
    long failed = 0;
    for (struct dirent *entry; (entry = readdir(entries));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        const long result = remove_below(dirfd(entries), entry->d_name);
        if (failed == 0)
            failed = result;
    }
    closedir(entries);
    if (unlinkat(folder, name, AT_REMOVEDIR) < 0 && failed == 0)
        failed = -errno;
    return failed;
}

long cs_remove_tree(const char *path)
{
    return remove_below(AT_FDCWD, path);
}

long cs_token(char *text, size_t size)
{
    unsigned char bytes[64];
    const size_t count = size - 1 < sizeof bytes ? size - 1 : sizeof bytes;
    if (getrandom(bytes, count, 0) != (ssize_t)count)
        return -errno;
    for (size_t index = 0; index < count; index++)
        text[index] = "0123456789abcdef"[bytes[index] & 15];
    text[count] = 0;
    return 0;
}
