/* Fuzz target: the check of a request to start a process, by the same rule as plan.c. */
#include <stdlib.h>
#include <string.h>

#include "place.h"

static volatile size_t sink;

static void strings(const struct cs_spawn *spawn, uint32_t offset, uint32_t count)
{
    const char *base = (const char *)spawn;
    const uint64_t *table = (const void *)(base + offset);
    for (uint32_t i = 0; i < count; i++)
        sink += strlen(base + table[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cs_spawn *spawn = malloc(size ? size : 1);
    if (spawn == NULL)
        abort();
    memcpy(spawn, data, size);
    if (size > sizeof(*spawn) && data[size - 1] % 8) {
        spawn->magic = CS_SPAWN_MAGIC;
        spawn->total = (uint32_t)size;
        spawn->argument_count %= 8;
        spawn->environment_count %= 8;
        spawn->candidate_count %= 8;
        spawn->arguments &= ~7u;
        spawn->environment &= ~7u;
        spawn->candidates &= ~7u;
        ((char *)spawn)[size - 1] = 0;
    }
    if (cs_check_spawn(spawn, size) == 0) {
        strings(spawn, spawn->arguments, spawn->argument_count);
        strings(spawn, spawn->environment, spawn->environment_count);
        strings(spawn, spawn->candidates, spawn->candidate_count);
        sink += strlen((const char *)spawn + spawn->working_directory);
        for (uint64_t i = 0; i < (uint64_t)spawn->filter_count * 8; i++)
            sink += ((const unsigned char *)spawn + spawn->filter)[i];
    }
    free(spawn);
    return 0;
}
