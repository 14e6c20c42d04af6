/* Fuzz target: SHA-256 in pieces, in one piece, portable and accelerated, all give the same digest. */
#include <stdlib.h>
#include <string.h>

#include "cs_sha256.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cs_sha256 whole, pieces;
    uint8_t expected[CS_SHA256_SIZE], found[CS_SHA256_SIZE];
    cs_sha256_init_portable(&whole);
    cs_sha256_update(&whole, data, size);
    cs_sha256_final(&whole, expected);

    /* The input's own bytes say how long each piece is. */
    cs_sha256_init(&pieces);
    for (size_t done = 0; done < size;) {
        size_t piece = data[done] % 150u;
        if (piece > size - done)
            piece = size - done;
        cs_sha256_update(&pieces, data + done, piece);
        if (piece == 0) {
            cs_sha256_update(&pieces, data + done, 1);
            piece = 1;
        }
        done += piece;
    }
    cs_sha256_final(&pieces, found);
    if (memcmp(expected, found, sizeof expected) != 0)
        abort();
    return 0;
}
