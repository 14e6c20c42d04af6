/* What the process sees: the mount table, listings, the network. */
#include "probe.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <net/if.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* A comma-separated list in order; "size=", "nr_inodes=" and flags say what a mount allows, device ids do not. */
static void sorted_options(char *text)
{
    char *parts[64];
    size_t count = 0;
    char copy[1024];
    snprintf(copy, sizeof copy, "%s", text);
    for (char *part = strtok(copy, ","); part != NULL && count < 64; part = strtok(NULL, ","))
        parts[count++] = part;
    qsort(parts, count, sizeof *parts, by_bytes);
    char *end = text;
    *end = 0;
    for (size_t i = 0; i < count; i++)
        end += sprintf(end, "%s%s", i > 0 ? "," : "", parts[i]);
}

/* proc_pid_mountinfo(5): id parent device root place options [propagation…] - type source super-options */
static void mount_line(int number, char *line)
{
    char *root = NULL, *place = NULL, *flags = NULL, *type = NULL, *source = NULL, *super = NULL;
    char propagation[256] = "private";
    char *save = NULL;
    int field = 0, after = 0;
    for (char *word = strtok_r(line, " \n", &save); word != NULL; word = strtok_r(NULL, " \n", &save), field++) {
        if (field == 3)
            root = word;
        else if (field == 4)
            place = word;
        else if (field == 5)
            flags = word;
        else if (field >= 6 && after == 0 && strcmp(word, "-") == 0)
            after = field;
        else if (field >= 6 && after == 0)
            snprintf(propagation, sizeof propagation, "%.*s", (int)strcspn(word, ":"), word);
        else if (after != 0 && field == after + 1)
            type = word;
        else if (after != 0 && field == after + 2)
            source = word;
        else if (after != 0 && field == after + 3)
            super = word;
    }
    char name[64];
    snprintf(name, sizeof name, "mount.%03d", number);
    if (super == NULL) {
        property(name, "[not understood]");
        return;
    }
    char flags_text[1024], super_text[1024];
    snprintf(flags_text, sizeof flags_text, "%s", flags);
    snprintf(super_text, sizeof super_text, "%s", super);
    sorted_options(flags_text);
    sorted_options(super_text);
    property(name, "%s %s source %s root %s %s %s super %s", place, type, source, root, flags_text, propagation,
             super_text);
}

void probe_mounts(void)
{
    FILE *file = fopen("/proc/self/mountinfo", "re");
    if (file == NULL) {
        property("mounts", "[%s]", errno_word(errno));
        return;
    }
    char *line = NULL;
    size_t size = 0;
    int number = 0;
    while (getline(&line, &size, file) >= 0)
        mount_line(number++, line);
    free(line);
    fclose(file);
    property("mounts.count", "%d", number);
}

/* Names in order, in one line; with DETAIL also kind, device number and mode. */
static void listing(const char *path, int detail)
{
    char name[128], text[16000] = "";
    snprintf(name, sizeof name, "list.%s", path);
    DIR *folder = opendir(path);
    if (folder == NULL) {
        property(name, "[%s]", errno_word(errno));
        return;
    }
    char *names[4096];
    size_t count = 0;
    struct dirent *entry;
    while ((entry = readdir(folder)) != NULL && count < 4096)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            names[count++] = strdup(entry->d_name);
    qsort(names, count, sizeof *names, by_bytes);
    for (size_t i = 0; i < count && strlen(text) < sizeof text - 512; i++) {
        sprintf(text + strlen(text), "%s%s", i > 0 ? "," : "", names[i]);
        struct stat status;
        if (detail && fstatat(dirfd(folder), names[i], &status, AT_SYMLINK_NOFOLLOW) == 0)
            sprintf(text + strlen(text), " %o %u:%u", status.st_mode, major(status.st_rdev), minor(status.st_rdev));
    }
    closedir(folder);
    property(name, "%zu: %s", count, text);
}

static int count_processes(void)
{
    DIR *folder = opendir("/proc");
    if (folder == NULL)
        return -1;
    int count = 0;
    struct dirent *entry;
    while ((entry = readdir(folder)) != NULL)
        count += isdigit((unsigned char)entry->d_name[0]) ? 1 : 0;
    closedir(folder);
    return count;
}

static int count_lines(const char *path)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return -errno;
    int count = 0, byte;
    while ((byte = getc(file)) != EOF)
        count += byte == '\n';
    fclose(file);
    return count;
}

void probe_listings(void)
{
    listing("/", 1);
    listing("/dev", 1);
    listing("/etc", 1);
    static const char *const plain[] = {"/dev/pts", "/dev/shm", "/dev/mqueue", "/home", "/run", "/tmp",
                                        "/var", "/var/tmp", "/root", "/sys", "/mnt", "/srv", "/home/sandbox"};
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++)
        listing(plain[i], 0);
    property("list.processes", "%d", count_processes());
    /* Each has a heading. */
    property("list.sysv_shm", "%d", count_lines("/proc/sysvipc/shm"));
    property("list.sysv_msg", "%d", count_lines("/proc/sysvipc/msg"));
    property("list.sysv_sem", "%d", count_lines("/proc/sysvipc/sem"));
    static const char *const limited[] = {"/tmp", "/var/tmp", "/dev/shm", "/run", "/home/sandbox", "/"};
    for (size_t i = 0; i < sizeof limited / sizeof limited[0]; i++) {
        struct statvfs space;
        char name[64];
        snprintf(name, sizeof name, "space.%s", limited[i]);
        if (statvfs(limited[i], &space) < 0)
            property(name, "[%s]", errno_word(errno));
        else
            property(name, "blocks %llu inodes %llu", (unsigned long long)space.f_blocks,
                     (unsigned long long)space.f_files);
    }
}

static void interfaces(void)
{
    FILE *file = fopen("/proc/self/net/dev", "re");
    int query = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (file == NULL || query < 0) {
        property("network.interfaces", "[%s]", errno_word(errno));
        if (file != NULL)
            fclose(file);
        if (query >= 0)
            close(query);
        return;
    }
    char line[512];
    int number = 0, count = 0;
    while (fgets(line, sizeof line, file) != NULL) {
        char *colon = strchr(line, ':');
        if (number++ < 2 || colon == NULL)
            continue;
        *colon = 0;
        const char *name = line + strspn(line, " ");
        struct ifreq request = {0};
        snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
        char key[64];
        snprintf(key, sizeof key, "network.interface.%s", name);
        if (ioctl(query, SIOCGIFFLAGS, &request) < 0)
            property(key, "[%s]", errno_word(errno));
        else
            property(key, "%s%s%s", request.ifr_flags & IFF_UP ? "up" : "down",
                     request.ifr_flags & IFF_RUNNING ? " running" : "",
                     request.ifr_flags & IFF_LOOPBACK ? " loopback" : "");
        count++;
    }
    fclose(file);
    close(query);
    property("network.interfaces", "%d", count);
}

static long connect_tcp(const char *address, int port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    inet_pton(AF_INET, address, &to.sin_addr);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return fd < 0 ? -1 : connect(fd, (struct sockaddr *)&to, sizeof to);
}

/* connect(2) on UDP sends nothing: it says whether there is a route. */
static long route_to(const char *address)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
    inet_pton(AF_INET, address, &to.sin_addr);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    return fd < 0 ? -1 : connect(fd, (struct sockaddr *)&to, sizeof to);
}

static long connect_abstract(const char *name, int type)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    size_t length = strlen(name);
    if (length > sizeof to.sun_path - 1) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(to.sun_path + 1, name, length);
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    return fd < 0 ? -1 : connect(fd, (struct sockaddr *)&to,
                                 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + length));
}

static long own_loopback(void)
{
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof own;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&own, sizeof own) < 0 || listen(listener, 1) < 0 ||
        getsockname(listener, (struct sockaddr *)&own, &size) < 0)
        return -1;
    return connect_tcp("127.0.0.1", ntohs(own.sin_port));
}

void probe_network(void)
{
    interfaces();
    property("network.routes_ipv4", "%d", count_lines("/proc/self/net/route"));
    property("network.unix_sockets", "%d", count_lines("/proc/self/net/unix"));
    ACT("network.own_loopback", own_loopback());
    ACT("network.route_documentation", route_to("192.0.2.1"));
    ACT("network.route_link_local", route_to("169.254.169.254"));
    if (options.tcp_port != NULL)
        ACT("network.host_tcp", connect_tcp("127.0.0.1", atoi(options.tcp_port)));
    if (options.abstract_name != NULL) {
        ACT("network.host_abstract", connect_abstract(options.abstract_name, SOCK_STREAM));
        ACT("network.host_abstract_datagram", connect_abstract(options.abstract_name, SOCK_DGRAM));
    }
    char families[4096] = "", pairs[2048] = "";
    for (int family = 0; family < 48; family++) {
        struct act_word word;
        CHILD_ACT(word, socket(family, SOCK_DGRAM, 0));
        sprintf(families + strlen(families), " %d:%s", family, word.text);
        CHILD_ACT(word, socketpair(family, SOCK_STREAM, 0, (int[2]){0}));
        sprintf(pairs + strlen(pairs), " %d:%s", family, word.text);
    }
    property("network.families", "%s", families + 1);
    property("network.pair_families", "%s", pairs + 1);
    char protocols[2048] = "";
    for (int protocol = 0; protocol < 23; protocol++) {
        struct act_word word;
        CHILD_ACT(word, socket(AF_NETLINK, SOCK_RAW, protocol));
        sprintf(protocols + strlen(protocols), " %d:%s", protocol, word.text);
    }
    property("network.netlink", "%s", protocols + 1);
    ACT("network.raw_icmp", socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
    ACT("network.ping", socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP));
    ACT("network.mptcp", socket(AF_INET, SOCK_STREAM, 262));
}
