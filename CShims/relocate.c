/*
 * The pages that the relocation of a static PIE will write, fetched all at once.
 *
 * One by one each is a fault for reading and one for writing, a fifth of the time until main. Only a wish: what fails here
 * the relocation does itself. Runs before libc (entry.c).
 */
#include "relocate.h"

#include <elf.h>
#include <stddef.h>
#include <stdint.h>

#include "cs_sys.h"

#define CS_PAGE 4096ull
#define CS_MADV_POPULATE_WRITE 23 /* Linux 5.14, madvise(2) */
#define CS_FEW_PAGES 4
/* What a launch writes to of the zeros; a page that is asked for in vain costs as much as one that is used, 2 us. */
#define CS_ZEROS_USED (188 * 1024ull)

extern const Elf64_Dyn _DYNAMIC[] __attribute__((visibility("hidden")));
extern const char __ehdr_start[] __attribute__((visibility("hidden")));
extern const char __bss_start[] __attribute__((visibility("hidden")));
extern const char _end[] __attribute__((visibility("hidden")));

/* A run of neighbouring pages; `end` is 0 before the first. */
struct run {
    uint64_t begin, end;
};

static void fetch(const struct run *run)
{
    if (run->end - run->begin >= CS_FEW_PAGES * CS_PAGE)
        CS_CALL3(SYS_madvise, __ehdr_start + run->begin, run->end - run->begin, CS_MADV_POPULATE_WRITE);
}

/* `address` as the linker counts; they come in ascending order. */
static void add(struct run *run, uint64_t address)
{
    const uint64_t page = address & ~(CS_PAGE - 1);
    if (run->end && page < run->end)
        return;
    if (!run->end || page != run->end) {
        fetch(run);
        run->begin = page;
    }
    run->end = page + CS_PAGE;
}

/* DT_RELR: an address, then words of 63 bits each for the words behind it (System V ABI, relative relocations). */
void cs_fetch_relocated(void)
{
    const uint64_t *table = NULL;
    uint64_t size = 0;
    for (const Elf64_Dyn *entry = _DYNAMIC; entry->d_tag != DT_NULL; entry++) {
        if (entry->d_tag == 36 /* DT_RELR */)
            table = (const void *)(__ehdr_start + entry->d_un.d_ptr);
        if (entry->d_tag == 35 /* DT_RELRSZ */)
            size = entry->d_un.d_val;
    }
    struct run run = {0, 0};
    uint64_t where = 0;
    for (uint64_t i = 0; table && i < size / sizeof(*table); i++) {
        if (!(table[i] & 1)) {
            add(&run, table[i]);
            where = table[i] + 8;
            continue;
        }
        /* The first and the last of its words are enough to know the pages: 63 words are less than one. */
        const uint64_t bits = table[i] >> 1;
        if (bits) {
            add(&run, where + 8 * (uint64_t)__builtin_ctzll(bits));
            add(&run, where + 8 * (63 - (uint64_t)__builtin_clzll(bits)));
        }
        where += 63 * 8;
    }
    fetch(&run);
    /*
     * Of the zeros that are used nearly every page is read once and then written: two faults. Those of pid 1 are not, and
     * of the rest what lies behind is the Swift runtime's first pool of metadata.
     */
    const uint64_t begin = (uint64_t)__bss_start, end = (uint64_t)_end, first = (uint64_t)cs_init_memory_end();
    const uint64_t from = first - begin < CS_ZEROS_USED ? first : begin;
    const uint64_t to = end - from < CS_ZEROS_USED ? end : from + CS_ZEROS_USED;
    const uint64_t base = (uint64_t)__ehdr_start;
    const struct run zeros = {(from - base) & ~(CS_PAGE - 1), (to - base + CS_PAGE - 1) & ~(CS_PAGE - 1)};
    fetch(&zeros);
}
