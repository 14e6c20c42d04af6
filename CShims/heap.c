/*
 * The launcher's heap in one piece, taken before main.
 *
 * A launch needs less than this, so that memory runs out before anything is made on the host, not in the middle; and
 * some thirty brk(2) calls become one. mallopt(3).
 */
#include <malloc.h>
#include <stdlib.h>

#include "cs_sys.h"

#define CS_HEAP_BYTES (6 * 1024 * 1024)

__attribute__((constructor)) static void prepare_heap(void)
{
    mallopt(M_TOP_PAD, CS_HEAP_BYTES);
    mallopt(M_TRIM_THRESHOLD, 64 * 1024 * 1024);
    /* The C runtime has begun a heap of 132 KiB, and more is asked for only when that is used up: this does so now. */
    void *volatile first = malloc(100 * 1024);
    void *volatile second = malloc(100 * 1024);
    free(second);
    free(first);
}
