#include "cs_attempt.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <linux/keyctl.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* An attempt hangs on nothing for longer than this, in seconds. */
#define PATIENCE 10

static void say(const char *text, size_t count)
{
    while (count > 0) {
        ssize_t n = write(STDOUT_FILENO, text, count);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            _exit(1);
        text += n;
        count -= (size_t)n;
    }
}

/* What was seen: whoever judges looks for his token in it. */
static int show(int fd)
{
    char text[4096];
    ssize_t n = read(fd, text, sizeof text);
    if (n < 0)
        return errno;
    say("saw: ", 5);
    say(text, (size_t)n);
    say("\n", 1);
    return 0;
}

/* Of a call: 0 or its errno. To be used on the line of the call. */
static int errno_of(long result)
{
    return result < 0 ? errno : 0;
}

/* ---- files */

static int read_file(char *const *a)
{
    int fd = open(a[0], O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    return fd < 0 ? errno : show(fd);
}

static int write_file(char *const *a)
{
    int fd = open(a[0], O_WRONLY | O_APPEND | O_CLOEXEC);
    return fd < 0 ? errno : errno_of(write(fd, "x", 1));
}

static int create_file(char *const *a)
{
    return errno_of(open(a[0], O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
}

static int remove_file(char *const *a)
{
    return errno_of(unlink(a[0]));
}

static int set_uid_bit(char *const *a)
{
    return errno_of(chmod(a[0], 04755));
}

static int open_device(char *const *a)
{
    return errno_of(open(a[0], O_RDWR | O_CLOEXEC | O_NONBLOCK));
}

/* ---- what a process inherits */

static int read_environment(char *const *a)
{
    const char *value = getenv(a[0]);
    if (!value)
        return ENOENT;
    say("saw: ", 5);
    say(value, strlen(value));
    say("\n", 1);
    return 0;
}

static int read_descriptor(char *const *a)
{
    return show(atoi(a[0]));
}

/* ---- sockets */

static int send_to(int type, const struct sockaddr *address, socklen_t size)
{
    int fd = socket(address->sa_family, type | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    if (connect(fd, address, size) < 0)
        return errno;
    return errno_of(send(fd, "x", 1, MSG_NOSIGNAL));
}

static struct sockaddr_in loopback(const char *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

static int connect_tcp(char *const *a)
{
    const struct sockaddr_in address = loopback(a[0]);
    return send_to(SOCK_STREAM, (const struct sockaddr *)&address, sizeof address);
}

static int send_udp(char *const *a)
{
    const struct sockaddr_in address = loopback(a[0]);
    return send_to(SOCK_DGRAM, (const struct sockaddr *)&address, sizeof address);
}

/* A path, or behind a NUL a name; the address's length. */
static socklen_t unix_address(struct sockaddr_un *address, const char *name, int is_abstract)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    size_t length = strlen(name);
    if (length > sizeof address->sun_path - 2)
        length = sizeof address->sun_path - 2;
    memcpy(address->sun_path + is_abstract, name, length);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)is_abstract + length + !is_abstract);
}

static int connect_unix(char *const *a)
{
    struct sockaddr_un address;
    const socklen_t size = unix_address(&address, a[0], 0);
    return send_to(SOCK_STREAM, (const struct sockaddr *)&address, size);
}

static int connect_abstract(char *const *a)
{
    struct sockaddr_un address;
    const socklen_t size = unix_address(&address, a[0], 1);
    return send_to(SOCK_STREAM, (const struct sockaddr *)&address, size);
}

static int raw_socket(char *const *a)
{
    (void)a;
    return errno_of(socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP));
}

static int crypto_socket(char *const *a)
{
    (void)a;
    return errno_of(socket(AF_ALG, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
}

/* ---- other processes */

static int kill_process(char *const *a)
{
    return errno_of(kill(atoi(a[0]), SIGKILL));
}

static int trace_process(char *const *a)
{
    return errno_of(ptrace(PTRACE_SEIZE, atoi(a[0]), 0, 0));
}

static int write_memory(char *const *a)
{
    char byte = 1;
    struct iovec from = {.iov_base = &byte, .iov_len = 1};
    struct iovec to = {.iov_base = (void *)(uintptr_t)strtoull(a[1], NULL, 16), .iov_len = 1};
    return errno_of(process_vm_writev(atoi(a[0]), &from, 1, &to, 1, 0));
}

static int see_process(char *const *a)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/comm", atoi(a[0]));
    char *words[] = {path, NULL};
    return read_file(words);
}

static int fork_many(char *const *a)
{
    const int wanted = atoi(a[0]);
    int made = 0, code = 0, gate[2];
    if (pipe2(gate, O_CLOEXEC) < 0)
        return errno;
    for (; made < wanted && code == 0; made++) {
        const pid_t child = fork();
        if (child < 0) {
            code = errno;
            break;
        }
        if (child == 0) {
            char byte;
            close(gate[1]);
            /* Until the other end is closed: all of them are there at once. */
            _exit(read(gate[0], &byte, 1) == 0 ? 0 : 1);
        }
    }
    close(gate[1]);
    for (int number = 0; number < made; number++)
        wait(NULL);
    return code;
}

/* ---- the kernel's surface */

static int new_user_namespace(char *const *a)
{
    (void)a;
    return errno_of(unshare(CLONE_NEWUSER));
}

static int mount_something(char *const *a)
{
    /* Where a user namespace can be made, its root may mount; where not, perhaps it may all the same. */
    (void)unshare(CLONE_NEWUSER | CLONE_NEWNS);
    return errno_of(mount("none", a[0], "tmpfs", 0, NULL));
}

static int search_keyring(char *const *a)
{
    const long key = syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, "user", a[0], 0);
    if (key < 0)
        return errno;
    char text[256];
    const long n = syscall(SYS_keyctl, KEYCTL_READ, key, text, sizeof text);
    if (n < 0)
        return errno;
    say("saw: ", 5);
    say(text, (size_t)n < sizeof text ? (size_t)n : sizeof text);
    say("\n", 1);
    return 0;
}

static int load_bpf(char *const *a)
{
    (void)a;
    union bpf_attr attribute;
    memset(&attribute, 0, sizeof attribute);
    attribute.map_type = BPF_MAP_TYPE_ARRAY;
    attribute.key_size = attribute.value_size = 4;
    attribute.max_entries = 1;
    return errno_of(syscall(SYS_bpf, BPF_MAP_CREATE, &attribute, sizeof attribute));
}

static int io_uring(char *const *a)
{
    (void)a;
    struct io_uring_params parameters;
    memset(&parameters, 0, sizeof parameters);
    return errno_of(syscall(SYS_io_uring_setup, 1, &parameters));
}

static int performance_counter(char *const *a)
{
    (void)a;
    struct perf_event_attr attribute;
    memset(&attribute, 0, sizeof attribute);
    attribute.type = PERF_TYPE_SOFTWARE;
    attribute.size = sizeof attribute;
    attribute.config = PERF_COUNT_SW_TASK_CLOCK;
    attribute.exclude_kernel = 1;
    return errno_of(syscall(SYS_perf_event_open, &attribute, 0, -1, -1, 0));
}

static int fault_handler(char *const *a)
{
    (void)a;
    return errno_of(syscall(SYS_userfaultfd, 1)); /* UFFD_USER_MODE_ONLY */
}

static int type_into_terminal(char *const *a)
{
    (void)a;
    char byte = 'x';
    setsid();
    if (ioctl(STDIN_FILENO, TIOCSCTTY, 0) < 0)
        return errno;
    return errno_of(ioctl(STDIN_FILENO, TIOCSTI, &byte));
}

/* ---- by name */

struct attempt {
    const char *name;
    int words; /* behind the name */
    int (*make)(char *const *);
};

static const struct attempt attempts[] = {
    {"read", 1, read_file},
    {"write", 1, write_file},
    {"create", 1, create_file},
    {"remove", 1, remove_file},
    {"set-uid", 1, set_uid_bit},
    {"device", 1, open_device},
    {"environment", 1, read_environment},
    {"descriptor", 1, read_descriptor},
    {"tcp", 1, connect_tcp},
    {"udp", 1, send_udp},
    {"unix", 1, connect_unix},
    {"abstract", 1, connect_abstract},
    {"raw-socket", 0, raw_socket},
    {"crypto-socket", 0, crypto_socket},
    {"kill", 1, kill_process},
    {"trace", 1, trace_process},
    {"memory", 2, write_memory},
    {"see", 1, see_process},
    {"fork", 1, fork_many},
    {"user-namespace", 0, new_user_namespace},
    {"mount", 1, mount_something},
    {"keyring", 1, search_keyring},
    {"bpf", 0, load_bpf},
    {"io-uring", 0, io_uring},
    {"perf", 0, performance_counter},
    {"userfaultfd", 0, fault_handler},
    {"terminal", 0, type_into_terminal},
};

static int drop_to(const char *uid, const char *gid)
{
    if (geteuid() != 0)
        return 0;
    const gid_t group = (gid_t)strtoul(gid, NULL, 10);
    const uid_t user = (uid_t)strtoul(uid, NULL, 10);
    if (setgroups(0, NULL) < 0 || setresgid(group, group, group) < 0 || setresuid(user, user, user) < 0)
        return -1;
    return 0;
}

int cs_attempt(char *const *words)
{
    if (words[0] && strcmp(words[0], "--as") == 0) {
        if (!words[1] || !words[2] || drop_to(words[1], words[2]) < 0)
            return 1;
        words += 3;
    }
    int count = 0;
    while (words[count])
        count++;
    for (size_t index = 0; index < sizeof attempts / sizeof attempts[0]; index++) {
        const struct attempt *attempt = &attempts[index];
        if (count != attempt->words + 1 || strcmp(words[0], attempt->name) != 0)
            continue;
        alarm(PATIENCE);
        say("begin\n", 6);
        char line[64];
        const int length = snprintf(line, sizeof line, "ended with %d\n", attempt->make(words + 1));
        say(line, (size_t)length);
        return 0;
    }
    return 1;
}
