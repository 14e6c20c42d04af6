/*
 * The launcher's heap in one piece, taken before main.
 *
 * A launch needs less than this, so that memory runs out before anything is made on the host, not in the middle; and
 * some thirty brk(2) calls become one. mallopt(3).
 */
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>

#include "cs_kernel.h"
#include "cs_sys.h"

#define CS_HEAP_BYTES (6 * 1024 * 1024)
/* What nearly every launch writes to: asked for at once these pages cost a third of what a fault for each costs. */
#define CS_HEAP_USED (400 * 1024)
#define CS_STACK_USED (104 * 1024)
/* What the C++ runtime keeps for exceptions without memory: it comes first and is never written to. */
#define CS_EXCEPTION_POOL (72 * 1024)
/* Of a process that stays: what the end of each heap keeps, and the number of heaps. */
#define CS_LASTING_PAD (512 * 1024)
#define CS_LASTING_ARENAS 4
#define CS_PAGE 4096ul
#define CS_MADV_POPULATE_WRITE 23 /* Linux 5.14, madvise(2) */

__attribute__((constructor)) static void prepare_heap(void)
{
    mallopt(M_TOP_PAD, CS_HEAP_BYTES);
    mallopt(M_TRIM_THRESHOLD, 64 * 1024 * 1024);
    /* The C runtime has begun a heap of 132 KiB, and more is asked for only when that is used up: this does so now. */
    void *volatile first = malloc(100 * 1024);
    void *volatile second = malloc(100 * 1024);
    /* Only a wish: without it each page comes with its first use. */
    const uintptr_t used = ((uintptr_t)first + CS_EXCEPTION_POOL) & ~(CS_PAGE - 1);
    CS_CALL3(SYS_madvise, used, CS_HEAP_USED, CS_MADV_POPULATE_WRITE);
    /* exec(2) has made room for 128 KiB of it. */
    const uintptr_t here = (uintptr_t)__builtin_frame_address(0) & ~(CS_PAGE - 1);
    CS_CALL3(SYS_madvise, here - CS_STACK_USED, CS_STACK_USED, CS_MADV_POPULATE_WRITE);
    free(second);
    free(first);
}

void cs_lasting_heap(void)
{
    /* The end of an arena is given back when something next to it is freed, and only above these two: malloc_trim(3) leaves it. */
    mallopt(M_TOP_PAD, CS_LASTING_PAD);
    mallopt(M_TRIM_THRESHOLD, 2 * CS_LASTING_PAD);
    mallopt(M_ARENA_MAX, CS_LASTING_ARENAS);
}
