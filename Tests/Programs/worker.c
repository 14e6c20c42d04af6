/* worker: does one plain thing that a test asks for.
 *
 *     worker argv ARG…          its arguments, each with a NUL after it
 *     worker exit N             ends with this status
 *     worker signal N           ends by this signal
 *     worker streams N          N MiB of a known pattern on standard output, and half as much on standard error */
#include "attempt.h"

static void pattern(int fd, int mebibytes)
{
    static unsigned char block[1 << 20];
    unsigned state = 1;
    for (int i = 0; i < mebibytes; i++) {
        for (size_t at = 0; at < sizeof block; at++) {
            state = state * 1103515245u + 12345u;
            block[at] = (unsigned char)(state >> 16);
        }
        write_all(fd, block, sizeof block);
    }
}

int main(int argc, char **argv)
{
    if (argc >= 2 && strcmp(argv[1], "argv") == 0) {
        for (int i = 0; i < argc; i++)
            write_all(1, argv[i], strlen(argv[i]) + 1);
        return 0;
    }
    if (argc == 3 && strcmp(argv[1], "exit") == 0)
        return atoi(argv[2]);
    if (argc == 3 && strcmp(argv[1], "signal") == 0) {
        signal(atoi(argv[2]), SIG_DFL);
        raise(atoi(argv[2]));
        return 99;
    }
    if (argc == 3 && strcmp(argv[1], "streams") == 0) {
        pattern(1, atoi(argv[2]));
        pattern(2, atoi(argv[2]) / 2);
        return 0;
    }
    fprintf(stderr, "worker: see the head of Tests/Programs/worker.c\n");
    return 98;
}
