/* What the process is: identity, attributes that survive execve(2), limits, descriptors, namespaces. */
#include "probe.h"

#include <dirent.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/utsname.h>

extern char **environ;

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The whole of a small file, white space runs made one space; an errno in brackets if it cannot be read. */
static void file_property(const char *name, const char *path)
{
    char text[4096];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (n < 0) {
        property(name, "[%s]", errno_word(errno));
        if (fd >= 0)
            close(fd);
        return;
    }
    close(fd);
    text[n] = 0;
    char *to = text;
    for (char *from = text; *from != 0; from++) {
        int space = *from == ' ' || *from == '\t' || *from == '\n';
        if (space && (to == text || to[-1] == ' '))
            continue;
        *to++ = space ? ' ' : *from;
    }
    if (to > text && to[-1] == ' ')
        to--;
    *to = 0;
    property(name, "%s", text);
}

static void prctl_property(const char *name, int option)
{
    int value = prctl(option, 0, 0, 0, 0);
    if (value < 0)
        property(name, "[%s]", errno_word(errno));
    else
        property(name, "%d", value);
}

static void status_lines(void)
{
    static const char *const wanted[] = {
        "Uid",    "Gid",    "Groups", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp",
        "Seccomp_filters", "Umask", "SigBlk", "SigIgn", "SigCgt", "SigPnd", "ShdPnd", "Threads", "Kthread",
        "Speculation_Store_Bypass", "SpeculationIndirectBranch", "Cpus_allowed", "Mems_allowed_list", "THP_enabled",
    };
    FILE *file = fopen("/proc/self/status", "re");
    if (file == NULL) {
        property("status", "[%s]", errno_word(errno));
        return;
    }
    char line[4096];
    while (fgets(line, sizeof line, file) != NULL) {
        char *colon = strchr(line, ':');
        if (colon == NULL)
            continue;
        *colon = 0;
        for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
            if (strcmp(line, wanted[i]) != 0)
                continue;
            char *value = colon + 1 + strspn(colon + 1, " \t");
            value[strcspn(value, "\n")] = 0;
            for (char *c = value; *c != 0; c++)
                if (*c == '\t')
                    *c = ' ';
            char name[64];
            snprintf(name, sizeof name, "status.%s", wanted[i]);
            property(name, "%s", value);
        }
    }
    fclose(file);
}

/* 16 minus the domains that can still be stacked; landlock_restrict_self(2) fails with E2BIG at the 17th. */
static int landlock_domains(void)
{
    struct landlock_ruleset_attr attribute = {.handled_access_fs = LANDLOCK_ACCESS_FS_MAKE_BLOCK};
    int room = 0;
    for (;;) {
        int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attribute, sizeof attribute.handled_access_fs, 0);
        if (ruleset < 0)
            return -errno;
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
            return -errno;
        if (syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
            return errno == E2BIG ? 16 - room : -errno;
        close(ruleset);
        room++;
    }
}

static void landlock_property(void)
{
    int ends[2];
    if (pipe(ends) < 0) {
        property("landlock.domains", "[pipe %s]", errno_word(errno));
        return;
    }
    pid_t child = fork();
    if (child < 0) {
        /* As the acts say it (probe.h): where the caller's limit leaves no process for it, that is no loss. */
        property("landlock.domains", "fork-%s", errno_word(errno));
        close(ends[0]);
        close(ends[1]);
        return;
    }
    if (child == 0) {
        int found = landlock_domains();
        write_all(ends[1], &found, sizeof found);
        _exit(0);
    }
    close(ends[1]);
    int found = 0;
    ssize_t n = read(ends[0], &found, sizeof found);
    close(ends[0]);
    waitpid(child, NULL, 0);
    if (n != sizeof found)
        property("landlock.domains", "[no answer]");
    else if (found < 0)
        property("landlock.domains", "[%s]", errno_word(-found));
    else
        property("landlock.domains", "%d", found);
}

void probe_identity(void)
{
    uid_t ruid, euid, suid;
    gid_t rgid, egid, sgid, groups[256];
    getresuid(&ruid, &euid, &suid);
    getresgid(&rgid, &egid, &sgid);
    property("identity.uid", "%u %u %u", ruid, euid, suid);
    property("identity.gid", "%u %u %u", rgid, egid, sgid);
    int count = getgroups(256, groups);
    char text[4096] = "";
    for (int i = 0; i < count; i++)
        sprintf(text + strlen(text), "%s%u", i > 0 ? "," : "", groups[i]);
    property("identity.groups", "%s", text);
    file_property("identity.uid_map", "/proc/self/uid_map");
    file_property("identity.gid_map", "/proc/self/gid_map");
    file_property("identity.setgroups", "/proc/self/setgroups");

    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {0};
    if (syscall(SYS_capget, &header, data) < 0)
        property("capabilities.capget", "[%s]", errno_word(errno));
    else
        property("capabilities.capget", "effective %08x%08x permitted %08x%08x inheritable %08x%08x",
                 data[1].effective, data[0].effective, data[1].permitted, data[0].permitted, data[1].inheritable,
                 data[0].inheritable);
    char bounding[512] = "", ambient[512] = "";
    for (int capability = 0; capability < 64; capability++) {
        int in_bounding = prctl(PR_CAPBSET_READ, capability, 0, 0, 0);
        int in_ambient = prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, capability, 0, 0);
        if (in_bounding > 0)
            sprintf(bounding + strlen(bounding), " %d", capability);
        if (in_ambient > 0)
            sprintf(ambient + strlen(ambient), " %d", capability);
        if ((in_bounding < 0) != (in_ambient < 0) || (in_bounding < 0 && capability == 0))
            property("capabilities.read", "[bounding %d ambient %d at %d]", in_bounding, in_ambient, capability);
    }
    property("capabilities.bounding", "%s", bounding);
    property("capabilities.ambient", "%s", ambient);
    prctl_property("capabilities.securebits", PR_GET_SECUREBITS);
    prctl_property("capabilities.keepcaps", PR_GET_KEEPCAPS);
    prctl_property("prctl.no_new_privs", PR_GET_NO_NEW_PRIVS);
    status_lines();
    landlock_property();
}

static void environment_names(void)
{
    size_t count = 0;
    while (environ[count] != NULL)
        count++;
    char **names = calloc(count + 1, sizeof *names);
    if (names == NULL)
        _exit(97);
    for (size_t i = 0; i < count; i++)
        names[i] = strndup(environ[i], strcspn(environ[i], "="));
    qsort(names, count, sizeof *names, by_name);
    char text[8192] = "";
    for (size_t i = 0; i < count; i++)
        if (strlen(text) + strlen(names[i]) + 2 < sizeof text)
            sprintf(text + strlen(text), "%s%s", i > 0 ? "," : "", names[i]);
    property("environment.names", "%zu: %s", count, text);
}

void probe_attributes(void)
{
    mode_t mask = umask(0);
    umask(mask);
    property("attribute.umask", "%04o", mask);
    errno = 0;
    int nice_value = getpriority(PRIO_PROCESS, 0);
    property("attribute.nice", "%d %s", nice_value, errno_word(errno));
    struct sched_param parameter = {0};
    int scheduler = sched_getscheduler(0);
    sched_getparam(0, &parameter);
    property("attribute.scheduler", "%d priority %d", scheduler, parameter.sched_priority);
    property("attribute.ioprio", "%ld", syscall(SYS_ioprio_get, 1, 0));
    cpu_set_t set;
    CPU_ZERO(&set);
    int affinity = sched_getaffinity(0, sizeof set, &set);
    property("attribute.affinity", "%d", affinity == 0 ? CPU_COUNT(&set) : -1);
    int persona = (int)syscall(SYS_personality, 0xFFFFFFFF);
    if (persona < 0)
        property("attribute.personality", "[%s]", errno_word(errno));
    else
        property("attribute.personality", "%#x", persona);
    file_property("attribute.oom_score_adj", "/proc/self/oom_score_adj");
    file_property("attribute.coredump_filter", "/proc/self/coredump_filter");
    file_property("attribute.loginuid", "/proc/self/loginuid");
    file_property("attribute.cgroup", "/proc/self/cgroup");
    prctl_property("attribute.timer_slack", PR_GET_TIMERSLACK);
    prctl_property("attribute.dumpable", PR_GET_DUMPABLE);
    prctl_property("attribute.thp_disable", PR_GET_THP_DISABLE);
    prctl_property("attribute.mce_kill", PR_MCE_KILL_GET);
    int death_signal = -1, subreaper = -1;
    prctl(PR_GET_PDEATHSIG, &death_signal, 0, 0, 0);
    prctl(PR_GET_CHILD_SUBREAPER, &subreaper, 0, 0, 0);
    property("attribute.parent_death_signal", "%d", death_signal);
    property("attribute.child_subreaper", "%d", subreaper);
    struct itimerval timer = {0};
    getitimer(ITIMER_REAL, &timer);
    property("attribute.real_timer", "%s", timer.it_value.tv_sec == 0 && timer.it_value.tv_usec == 0 ? "off" : "on");
    property("attribute.parent", "%d", getppid());
    /* 0: the leader is outside this pid namespace. */
    property("attribute.session_leader", "%s", getsid(0) == getpid() ? "itself" : getsid(0) == 0 ? "outside" : "inside");
    property("attribute.process_group", "%s", getpgrp() == getpid() ? "itself" : getpgrp() == 0 ? "outside" : "inside");
    char folder[8192];
    long length = syscall(SYS_getcwd, folder, sizeof folder);
    property("attribute.working_folder", "%s", length > 0 ? folder : errno_word(errno));
    environment_names();
}

void probe_limits(void)
{
    static const char *const names[16] = {
        "cpu",     "fsize", "data",  "stack",      "core",     "rss",  "nproc",  "nofile",
        "memlock", "as",    "locks", "sigpending", "msgqueue", "nice", "rtprio", "rttime",
    };
    for (int i = 0; i < 16; i++) {
        struct rlimit limit = {0};
        char name[64], soft[32] = "unlimited", hard[32] = "unlimited";
        snprintf(name, sizeof name, "limit.%s", names[i]);
        if (getrlimit((__rlimit_resource_t)i, &limit) < 0) {
            property(name, "[%s]", errno_word(errno));
            continue;
        }
        if (limit.rlim_cur != RLIM_INFINITY)
            snprintf(soft, sizeof soft, "%llu", (unsigned long long)limit.rlim_cur);
        if (limit.rlim_max != RLIM_INFINITY)
            snprintf(hard, sizeof hard, "%llu", (unsigned long long)limit.rlim_max);
        const char *raised = "no room";
        struct act_word word;
        if (limit.rlim_max != RLIM_INFINITY) {
            struct rlimit higher = {.rlim_cur = limit.rlim_cur, .rlim_max = limit.rlim_max + 1};
            CHILD_ACT(word, setrlimit((__rlimit_resource_t)i, &higher));
            raised = word.text;
        }
        property(name, "%s %s raise %s", soft, hard, raised);
    }
}

static const char *kind_word(mode_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFREG: return "file";
    case S_IFDIR: return "folder";
    case S_IFCHR: return "char";
    case S_IFBLK: return "block";
    case S_IFIFO: return "pipe";
    case S_IFSOCK: return "socket";
    case S_IFLNK: return "link";
    default: return "anonymous";
    }
}

void descriptors_text(char *buffer, size_t size)
{
    buffer[0] = 0;
    for (int fd = 0; fd < 3; fd++) {
        struct stat status;
        size_t length = strlen(buffer);
        if (fstat(fd, &status) < 0)
            snprintf(buffer + length, size - length, "%s%d=closed", fd > 0 ? "," : "", fd);
        else
            snprintf(buffer + length, size - length, "%s%d=%s/%llx/%llx", fd > 0 ? "," : "", fd,
                     kind_word(status.st_mode), (unsigned long long)status.st_dev, (unsigned long long)status.st_ino);
    }
}

void probe_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    if (folder == NULL) {
        property("descriptors.open", "[%s]", errno_word(errno));
        return;
    }
    char text[8192] = "";
    int count = 0;
    struct dirent *entry;
    while ((entry = readdir(folder)) != NULL) {
        int fd = atoi(entry->d_name);
        if (entry->d_name[0] == '.' || fd == dirfd(folder))
            continue;
        struct stat status;
        if (fstat(fd, &status) < 0 || strlen(text) > sizeof text - 128)
            continue;
        int state = fcntl(fd, F_GETFL), close_on_exec = fcntl(fd, F_GETFD);
        sprintf(text + strlen(text), "%s%d %s %s%s%s", count++ > 0 ? ", " : "", fd, kind_word(status.st_mode),
                (state & O_ACCMODE) == O_RDWR ? "rw" : (state & O_ACCMODE) == O_WRONLY ? "w" : "r",
                state & O_PATH ? " path" : "", close_on_exec & FD_CLOEXEC ? " cloexec" : "");
    }
    closedir(folder);
    property("descriptors.open", "%d: %s", count, text);
    char now[1024];
    descriptors_text(now, sizeof now);
    property("descriptors.identity", "%s",
             options.descriptors == NULL ? "not compared" : strcmp(now, options.descriptors) == 0 ? "given" : now);
    property("descriptors.terminals", "%d %d %d", isatty(0), isatty(1), isatty(2));
}

static const char *const namespace_names[] = {"cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"};

static void namespace_text(const char *name, char *buffer, size_t size)
{
    char path[64];
    struct stat status;
    snprintf(path, sizeof path, "/proc/self/ns/%s", name);
    if (stat(path, &status) < 0)
        snprintf(buffer, size, "%s:%s", name, errno_word(errno));
    else
        snprintf(buffer, size, "%s:%llu", name, (unsigned long long)status.st_ino);
}

void namespaces_text(char *buffer, size_t size)
{
    buffer[0] = 0;
    for (size_t i = 0; i < 8; i++) {
        char one[64];
        namespace_text(namespace_names[i], one, sizeof one);
        size_t length = strlen(buffer);
        snprintf(buffer + length, size - length, "%s%s", i > 0 ? "," : "", one);
    }
}

void probe_namespaces(void)
{
    for (size_t i = 0; i < 8; i++) {
        char one[64], name[64];
        namespace_text(namespace_names[i], one, sizeof one);
        snprintf(name, sizeof name, "namespace.%s", namespace_names[i]);
        const char *word = "not compared";
        if (options.host_namespaces != NULL) {
            const char *found = strstr(options.host_namespaces, one);
            char after = found != NULL ? found[strlen(one)] : 'x';
            word = after == ',' || after == 0 ? "the host's" : "own";
        }
        property(name, "%s", word);
    }
    struct utsname names;
    if (uname(&names) < 0) {
        property("namespace.names", "[%s]", errno_word(errno));
        return;
    }
    property("namespace.hostname", "%s", names.nodename);
    property("namespace.domainname", "%s", names.domainname);
    file_property("namespace.sysctl_hostname", "/proc/sys/kernel/hostname");
    file_property("namespace.max_user_namespaces", "/proc/sys/user/max_user_namespaces");
}
