/*
 * Fuzz target: the check of a plan. Whatever bytes come, the check reads nothing outside them; and a plan that it lets
 * through holds no offset that would make pid 1 read outside either.
 */
#include <stdlib.h>
#include <string.h>

#include "place.h"

static volatile unsigned char sink;

static void touch(const void *from, size_t size)
{
    for (size_t i = 0; i < size; i++)
        sink = (unsigned char)(sink ^ ((const unsigned char *)from)[i]);
}

/* Every byte that pid 1 would read. */
static void walk(const struct cs_plan *plan)
{
    const char *base = (const char *)plan;
    const struct cs_step *steps = (const void *)(base + plan->steps);
    const struct cs_rule *rules = (const void *)(base + plan->rules);
    for (uint32_t i = 0; i < plan->step_count; i++) {
        touch(base + steps[i].path, strlen(base + steps[i].path) + 1);
        touch(base + steps[i].text, (size_t)steps[i].text_length + 1);
        /* The mask of signals is eight bytes of text, whatever its length says. */
        if (steps[i].op == CS_OP_ATTRIBUTES)
            touch(base + steps[i].text, 8);
    }
    for (uint32_t i = 0; i < plan->rule_count; i++)
        touch(base + rules[i].path, strlen(base + rules[i].path) + 1);
    touch(base + plan->place_filter, (size_t)plan->place_filter_count * 8);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* Exactly as long as the input, so that the sanitizer sees the first byte too many. */
    struct cs_plan *plan = malloc(size ? size : 1);
    if (plan == NULL)
        abort();
    memcpy(plan, data, size);
    /* The fields that random bytes never hit are set, but for one input in eight. */
    if (size >= sizeof(*plan) && data[size - 1] % 8) {
        plan->magic = CS_PLAN_MAGIC;
        plan->total = (uint32_t)size;
        plan->step_count %= 64;
        plan->rule_count %= 64;
        plan->steps &= ~7u;
        plan->rules &= ~7u;
    }
    if (cs_check_plan(plan, size) == 0)
        walk(plan);
    free(plan);
    return 0;
}
