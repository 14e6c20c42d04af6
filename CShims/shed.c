#include "cs_shed.h"

#include <stdint.h>

#include "cs_sys.h"

#define CS_PAGE 4096ull
#define CS_MADV_DONTNEED 4 /* madvise(2): of a private mapping that nobody has written to, only the mapped pages go */

extern const char __ehdr_start[] __attribute__((visibility("hidden")));
extern const char etext[] __attribute__((visibility("hidden")));

void cs_shed(void)
{
    const uint64_t begin = (uint64_t)__ehdr_start & ~(CS_PAGE - 1);
    const uint64_t end = (uint64_t)etext & ~(CS_PAGE - 1);
    /* Only a wish. A debugger's breakpoints go with the pages. */
    CS_CALL3(SYS_madvise, begin, end - begin, CS_MADV_DONTNEED);
}
