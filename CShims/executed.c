/*
 * What the kernel knows of a process that has ended and is not reaped: whether it ever executed a program.
 *
 * A part of pid 1 (init.c) that runs before libc: bare calls only.
 */
#include "process.h"

#include <fcntl.h>

#include "cs_sys.h"

int cs_may_not_have_executed(int32_t pid)
{
    char path[32], text[512];
    char *end = path;
    for (const char *start = "/proc/"; *start;)
        *end++ = *start++;
    char digits[12];
    int count = 0;
    for (uint32_t rest = (uint32_t)pid; rest || !count; rest /= 10)
        digits[count++] = (char)('0' + rest % 10);
    while (count)
        *end++ = digits[--count];
    for (const char *rest = "/stat"; *rest;)
        *end++ = *rest++;
    *end = 0;
    const long file = CS_CALL4(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
    if (file < 0)
        return 1;
    const long length = CS_CALL3(SYS_read, file, text, sizeof(text));
    CS_CALL1(SYS_close, file);
    long at = length - 1;
    while (at >= 0 && text[at] != ')')
        at--;
    if (at < 0)
        return 1;
    int field = 2;
    uint64_t flags = 0;
    for (at++; at < length && field <= 9; at++) {
        if (text[at] == ' ')
            field++;
        else if (field == 9)
            flags = flags * 10 + (uint64_t)(text[at] - '0');
    }
    return field <= 9 || (flags & 0x40 /* PF_FORKNOEXEC */);
}
