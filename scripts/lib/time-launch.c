/*
 * Times the start of programs: every command once in each round, so that all see the same machine. The order is another
 * one in each round, the same in each run: what the one before has left in caches must not always favour the same command.
 * Before each there is a pause: the kernel takes a namespace away in the background, and what it does for one command must
 * not be another's time.
 *
 *   time-launch WARM-UPS ROUNDS SEPARATOR [HOME=FOLDER] COMMAND [ARG...] [SEPARATOR [HOME=FOLDER] COMMAND [ARG...]]...
 *
 * Commands are absolute paths; those with a HOME of their own get that one. They run with posix_spawn(3) and /dev/null as input and output. One line a round on
 * standard output: the nanoseconds of each command, from just before the spawn to just after wait4(2). A command that
 * does not end with status 0 ends the measurement with exit status 1: the time of a failure is not a launch's.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

enum { max_commands = 16 };
/* Several times what the kernel works after a launch. */
static const struct timespec settling = {.tv_nsec = 5 * 1000 * 1000};

static int64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Fisher and Yates; the same numbers in each run. */
static void shuffle(int *order, int count) {
    for (int i = count - 1; i > 0; i--) {
        const int other = (int)(random() % (i + 1));
        const int kept = order[i];
        order[i] = order[other];
        order[other] = kept;
    }
}

static int64_t launch(char **command, const posix_spawn_file_actions_t *actions) {
    static const char home[] = "HOME=";
    static char *first_home;
    char **place = environ;
    while (*place && strncmp(*place, home, sizeof(home) - 1) != 0) place++;
    if (*place && !first_home) first_home = *place;
    const int has_own = strncmp(*command, home, sizeof(home) - 1) == 0;
    if (has_own && !*place) {
        fputs("time-launch: a HOME for one command needs one for the others\n", stderr);
        exit(1);
    }
    if (*place) *place = has_own ? *command : first_home;
    if (has_own) command++;
    pid_t pid;
    int status;
    struct rusage usage;
    int64_t start = now_ns();
    int code = posix_spawn(&pid, command[0], actions, NULL, command, environ);
    if (code != 0) {
        fprintf(stderr, "time-launch: %s: %s\n", command[0], strerror(code));
        exit(1);
    }
    while (wait4(pid, &status, 0, &usage) != pid) {
        if (errno != EINTR) {
            perror("time-launch: wait4");
            exit(1);
        }
    }
    int64_t end = now_ns();
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        fprintf(stderr, "time-launch: %s ended with wait status %#x instead of exit status 0\n", command[0],
                (unsigned)status);
        exit(1);
    }
    return end - start;
}

int main(int argc, char **argv) {
    char **commands[max_commands];
    int count = 0;
    if (argc < 5) {
        fputs("time-launch: see the head of scripts/lib/time-launch.c\n", stderr);
        return 2;
    }
    const int warm_ups = atoi(argv[1]), rounds = atoi(argv[2]);
    const char *separator = argv[3];
    for (int i = 3; i < argc; i++) {
        if (strcmp(argv[i], separator) != 0) continue;
        argv[i] = NULL;
        if (count == max_commands || i + 1 == argc) {
            fputs("time-launch: too many commands, or an empty one\n", stderr);
            return 2;
        }
        commands[count++] = argv + i + 1;
    }
    posix_spawn_file_actions_t actions;
    if (posix_spawn_file_actions_init(&actions) != 0 ||
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", 0 /* O_RDONLY */, 0) != 0 ||
        posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", 1 /* O_WRONLY */, 0) != 0) {
        fputs("time-launch: no memory\n", stderr);
        return 1;
    }
    int order[max_commands];
    for (int i = 0; i < count; i++) order[i] = i;
    srandom(1);
    for (int round = -warm_ups; round < rounds; round++) {
        int64_t times[max_commands];
        shuffle(order, count);
        for (int i = 0; i < count; i++) {
            const int next = order[i];
            nanosleep(&settling, NULL);
            times[next] = launch(commands[next], &actions);
        }
        for (int i = 0; i < count && round >= 0; i++) printf("%lld%c", (long long)times[i], i + 1 == count ? '\n' : ' ');
    }
    return 0;
}
