// First what Swift knows of libc: else a type of libc belongs to whichever module was read first, which differs between builds.
#pragma clang module import SwiftGlibc
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

/* What Swift cannot see: macros. */

static inline int copenssl_ed25519(void)
{
    return EVP_PKEY_ED25519;
}

/* The bytes of a memory BIO, which keeps them. */
static inline long copenssl_memory(BIO *bio, char **bytes)
{
    return BIO_get_mem_data(bio, bytes);
}
