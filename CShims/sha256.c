/* SHA-256 as FIPS 180-4 gives it, and the same with the x86 SHA extensions. */
#include "cs_sha256.h"

#include <string.h>

#if defined(__x86_64__) && defined(__GLIBC__)
#include <immintrin.h>
#include <sys/platform/x86.h>
#define HAVE_SHA_NI 1
#else
#define HAVE_SHA_NI 0
#endif

/* FIPS 180-4, 4.2.2. */
static const uint32_t K[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t rotated(uint32_t x, unsigned n)
{
    return (x >> n) | (x << (32 - n));
}

static uint32_t big_endian(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | (uint32_t)bytes[3];
}

/* FIPS 180-4, 6.2.2. */
static void compress_portable(uint32_t state[8], const uint8_t *data, size_t blocks)
{
    for (; blocks > 0; blocks--, data += CS_SHA256_BLOCK) {
        uint32_t w[64];
        for (size_t t = 0; t < 16; t++)
            w[t] = big_endian(data + 4 * t);
        for (size_t t = 16; t < 64; t++) {
            uint32_t s0 = rotated(w[t - 15], 7) ^ rotated(w[t - 15], 18) ^ (w[t - 15] >> 3);
            uint32_t s1 = rotated(w[t - 2], 17) ^ rotated(w[t - 2], 19) ^ (w[t - 2] >> 10);
            w[t] = w[t - 16] + s0 + w[t - 7] + s1;
        }

        uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
        uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
        for (size_t t = 0; t < 64; t++) {
            uint32_t t1 = h + (rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25)) + ((e & f) ^ (~e & g)) + K[t] + w[t];
            uint32_t t2 = (rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
            h = g;
            g = f;
            f = e;
            e = d + t1;
            d = c;
            c = b;
            b = a;
            a = t1 + t2;
        }
        state[0] += a;
        state[1] += b;
        state[2] += c;
        state[3] += d;
        state[4] += e;
        state[5] += f;
        state[6] += g;
        state[7] += h;
    }
}

#if HAVE_SHA_NI

/*
 * Intel's instructions keep the state as two vectors, ABEF and CDGH, and do four rounds on four message words at a
 * time (Intel SDM vol. 2, SHA256RNDS2, SHA256MSG1, SHA256MSG2).
 */
__attribute__((target("sha,sse4.1,ssse3"))) static void compress_sha_ni(uint32_t state[8], const uint8_t *data,
                                                                        size_t blocks)
{
    const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0bLL, 0x0405060700010203LL);
    __m128i abcd = _mm_loadu_si128((const __m128i *)(const void *)&state[0]);
    __m128i efgh = _mm_loadu_si128((const __m128i *)(const void *)&state[4]);
    __m128i badc = _mm_shuffle_epi32(abcd, 0xB1);
    __m128i hgfe = _mm_shuffle_epi32(efgh, 0x1B);
    __m128i abef = _mm_alignr_epi8(badc, hgfe, 8);
    __m128i cdgh = _mm_blend_epi16(hgfe, badc, 0xF0);

    for (; blocks > 0; blocks--, data += CS_SHA256_BLOCK) {
        const __m128i abef_before = abef;
        const __m128i cdgh_before = cdgh;
        __m128i w[4]; /* the last sixteen words of the message schedule */
        for (size_t i = 0; i < 4; i++)
            w[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(const void *)(data + 16 * i)), swap);

#pragma GCC unroll 16 /* w stays in registers then */
        for (size_t i = 0; i < 16; i++) {
            __m128i now = w[i & 3];
            if (i >= 4) {
                now = _mm_sha256msg1_epu32(now, w[(i + 1) & 3]);
                now = _mm_add_epi32(now, _mm_alignr_epi8(w[(i + 3) & 3], w[(i + 2) & 3], 4));
                now = _mm_sha256msg2_epu32(now, w[(i + 3) & 3]);
                w[i & 3] = now;
            }
            __m128i sum = _mm_add_epi32(now, _mm_loadu_si128((const __m128i *)(const void *)&K[4 * i]));
            cdgh = _mm_sha256rnds2_epu32(cdgh, abef, sum);
            abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(sum, 0x0E));
        }
        abef = _mm_add_epi32(abef, abef_before);
        cdgh = _mm_add_epi32(cdgh, cdgh_before);
    }

    __m128i feba = _mm_shuffle_epi32(abef, 0x1B);
    __m128i dchg = _mm_shuffle_epi32(cdgh, 0xB1);
    _mm_storeu_si128((__m128i *)(void *)&state[0], _mm_blend_epi16(feba, dchg, 0xF0));
    _mm_storeu_si128((__m128i *)(void *)&state[4], _mm_alignr_epi8(dchg, feba, 8));
}

/*
 * glibc asked the CPU before main; asking again would leave the guest for microseconds on a virtual machine, because
 * CPUID always traps there.
 */
static bool cpu_has_sha(void)
{
    return CPU_FEATURE_ACTIVE(SHA) && CPU_FEATURE_ACTIVE(SSE4_1) && CPU_FEATURE_ACTIVE(SSSE3);
}

static void compress(struct cs_sha256 *hash, const uint8_t *data, size_t blocks)
{
    if (hash->accelerated)
        compress_sha_ni(hash->state, data, blocks);
    else
        compress_portable(hash->state, data, blocks);
}

#else

static bool cpu_has_sha(void)
{
    return false;
}

static void compress(struct cs_sha256 *hash, const uint8_t *data, size_t blocks)
{
    compress_portable(hash->state, data, blocks);
}

#endif

void cs_sha256_init_portable(struct cs_sha256 *hash)
{
    /* FIPS 180-4, 5.3.3. */
    static const uint32_t initial[8] = {
        0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
    };
    memset(hash, 0, sizeof *hash);
    memcpy(hash->state, initial, sizeof initial);
}

void cs_sha256_init(struct cs_sha256 *hash)
{
    cs_sha256_init_portable(hash);
    hash->accelerated = cpu_has_sha();
}

void cs_sha256_update(struct cs_sha256 *hash, const void *data, size_t size)
{
    const uint8_t *bytes = data;
    size_t held = (size_t)(hash->length % CS_SHA256_BLOCK);
    if (size == 0)
        return;
    hash->length += size;
    if (held > 0) {
        size_t room = CS_SHA256_BLOCK - held;
        if (size < room) {
            memcpy(hash->block + held, bytes, size);
            return;
        }
        memcpy(hash->block + held, bytes, room);
        compress(hash, hash->block, 1);
        bytes += room;
        size -= room;
    }
    size_t blocks = size / CS_SHA256_BLOCK;
    if (blocks > 0)
        compress(hash, bytes, blocks);
    if (size % CS_SHA256_BLOCK > 0)
        memcpy(hash->block, bytes + blocks * CS_SHA256_BLOCK, size % CS_SHA256_BLOCK);
}

void cs_sha256_final(struct cs_sha256 *hash, uint8_t digest[CS_SHA256_SIZE])
{
    size_t held = (size_t)(hash->length % CS_SHA256_BLOCK);
    uint64_t bits = hash->length * 8;
    /* FIPS 180-4, 5.1.1: one bit, zeros, and the length in the last eight bytes of a block. */
    hash->block[held++] = 0x80;
    if (held > CS_SHA256_BLOCK - 8) {
        memset(hash->block + held, 0, CS_SHA256_BLOCK - held);
        compress(hash, hash->block, 1);
        held = 0;
    }
    memset(hash->block + held, 0, CS_SHA256_BLOCK - 8 - held);
    for (size_t i = 0; i < 8; i++)
        hash->block[CS_SHA256_BLOCK - 1 - i] = (uint8_t)(bits >> (8 * i));
    compress(hash, hash->block, 1);
    for (size_t i = 0; i < 8; i++) {
        digest[4 * i] = (uint8_t)(hash->state[i] >> 24);
        digest[4 * i + 1] = (uint8_t)(hash->state[i] >> 16);
        digest[4 * i + 2] = (uint8_t)(hash->state[i] >> 8);
        digest[4 * i + 3] = (uint8_t)hash->state[i];
    }
}
