/*
 * SHA-256 (FIPS 180-4), incremental.
 *
 * Every function here is async-signal-safe: no allocation, no locks, no errno.
 */
#ifndef CS_SHA256_H
#define CS_SHA256_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CS_SHA256_SIZE = 32, CS_SHA256_BLOCK = 64 };

/* A computation under way. Plain data: a copy goes on from the same point. */
struct cs_sha256 {
    uint32_t state[8];
    uint64_t length; /* bytes taken so far; the standard stops at 2^61 - 1 */
    uint8_t block[CS_SHA256_BLOCK];
    bool accelerated; /* blocks are compressed with the CPU's SHA instructions */
};

/* Starts with the fastest code that this CPU runs. */
void cs_sha256_init(struct cs_sha256 *hash);

/* Starts with portable C, whatever the CPU offers; tests compare the two. */
void cs_sha256_init_portable(struct cs_sha256 *hash);

/* `data` may be NULL when `size` is 0. */
void cs_sha256_update(struct cs_sha256 *hash, const void *data, size_t size);

/* Writes the digest; `hash` must be started again before any further use. */
void cs_sha256_final(struct cs_sha256 *hash, uint8_t digest[CS_SHA256_SIZE]);

#endif
