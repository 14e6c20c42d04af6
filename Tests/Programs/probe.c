/* probe: says what a process is, has and can do, one sorted "name=value" line per property.
 *
 *     probe [--host-namespaces LIST] [--descriptors LIST] [--secret PATH] [--tcp PORT] [--abstract NAME]
 *           [--landlock-read PATH] [--landlock-write PATH]
 *     probe --print-namespaces | --print-descriptors
 *
 * Two launches of the same plan print the same bytes; a launch in which anything is weaker prints a different line.
 * It is written in one piece at the end: no output or no "probe.complete=yes" means that it did not finish.
 * Static and without any library but libc, so that nothing on the host can change what it does. Acts are harmless where
 * they succeed: what is made is removed again, what would end something is tried with arguments that cannot.
 *
 * THE LIST (docs/threat-model.md carries it too)
 *  identity    uid, gid, groups, uid_map, gid_map, setgroups; capabilities from /proc/self/status, from capget(2), each
 *              bounding and ambient one by prctl(2); securebits, keepcaps, NoNewPrivs, Seccomp, Seccomp_filters; how
 *              many Landlock domains lie on the process (by stacking more until the kernel's limit of 16)
 *  attributes  umask; blocked, ignored, caught and pending signals; nice, scheduler, I/O priority, affinity;
 *              personality, oom_score_adj, timer slack, parent-death signal, dumpable, child subreaper, THP, timers,
 *              speculation; session, process group, parent, cgroup path; working folder; names in the environment
 *  limits      all 16 resource limits, soft and hard, and whether each hard limit can be raised
 *  descriptors which are open, of which kind, whether 0, 1, 2 are those of the caller, status flags, terminals
 *  namespaces  each of the eight: own or the host's; host name, domain name
 *  mounts      the whole table in order: place, type, source, root, options, propagation, size limits
 *  listings    /, /dev (type, number, mode), /dev/pts, /etc, /home, /run, /tmp, /var; number of processes; SysV IPC
 *  network     interfaces with their state, routes, a host listener on loopback and on an abstract socket, socket
 *              families and netlink protocols
 *  acts        writing, reading and making outside; namespaces, mounts, chroot; pid 1; forbidden system calls; foreign
 *              ABIs; set-id modes; device nodes; terminals; keyrings; raising limits, ids and capabilities; protected
 *              names in the workspace; objects that only Landlock denies */
#include "probe.h"

#include <stdarg.h>

struct options options;

static char **lines;
static size_t line_count;

void property(const char *name, const char *format, ...)
{
    char value[16384];
    va_list list;
    va_start(list, format);
    vsnprintf(value, sizeof value, format, list);
    va_end(list);

    size_t size = strlen(name) + 4 * strlen(value) + 3;
    char *line = malloc(size);
    char **longer = realloc(lines, (line_count + 1) * sizeof *lines);
    if (line == NULL || longer == NULL)
        _exit(97);
    lines = longer;
    char *next = line + sprintf(line, "%s=", name);
    for (const unsigned char *byte = (const unsigned char *)value; *byte != 0; byte++) {
        if (*byte < 0x20 || *byte >= 0x7F)
            next += sprintf(next, "\\%03o", *byte);
        else
            *next++ = (char)*byte;
    }
    *next++ = '\n';
    *next = 0;
    lines[line_count++] = line;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int print_lines(void)
{
    qsort(lines, line_count, sizeof *lines, by_bytes);
    size_t size = 0;
    for (size_t i = 0; i < line_count; i++)
        size += strlen(lines[i]);
    char *all = malloc(size + 1);
    if (all == NULL)
        return 97;
    char *end = all;
    for (size_t i = 0; i < line_count; i++)
        end = stpcpy(end, lines[i]);
    write_all(1, all, size);
    return 0;
}

static int print_text(void (*text)(char *, size_t))
{
    char buffer[1024];
    text(buffer, sizeof buffer);
    say("%s", buffer);
    return 0;
}

static int usage(const char *what)
{
    fprintf(stderr, "probe: %s: see the head of Tests/Programs/probe.c\n", what);
    return 2;
}

int main(int argc, char **argv)
{
    const struct {
        const char *name;
        const char **value;
    } known[] = {
        {"--host-namespaces", &options.host_namespaces}, {"--descriptors", &options.descriptors},
        {"--secret", &options.secret},                   {"--tcp", &options.tcp_port},
        {"--abstract", &options.abstract_name},          {"--landlock-read", &options.landlock_read},
        {"--landlock-write", &options.landlock_write},
    };
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--print-namespaces") == 0)
            return print_text(namespaces_text);
        if (strcmp(argv[i], "--print-descriptors") == 0)
            return print_text(descriptors_text);
        size_t k = 0;
        while (k < sizeof known / sizeof known[0] && strcmp(argv[i], known[k].name) != 0)
            k++;
        if (k == sizeof known / sizeof known[0])
            return usage(argv[i]);
        if (i + 1 == argc)
            return usage("an option without its value");
        *known[k].value = argv[++i];
    }
    /* Descriptors first: later parts open some. */
    probe_descriptors();
    probe_identity();
    probe_attributes();
    probe_limits();
    probe_namespaces();
    probe_mounts();
    probe_listings();
    probe_network();
    probe_file_acts();
    probe_process_acts();
    probe_kernel_acts();
    probe_workspace_acts();
    property("probe.complete", "yes");
    return print_lines();
}
