/* TOML 1.0 text to a flat list of entries, each with its position.
 *
 * The C face of toml++ (docs/policy.md says what is done with the entries). The input is hostile: size, nesting and
 * the depth of dotted keys are bounded, and nothing throws. */
#ifndef CTOML_H
#define CTOML_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Longest text, in bytes. */
#define CTOML_MAX_BYTES 262144u
/* Deepest nesting of arrays and inline tables. */
#define CTOML_MAX_NESTING 32u
/* Most parts of one dotted key: toml++ frees nested tables by recursion, so their depth must not be the file's choice. */
#define CTOML_MAX_KEY_PARTS 16u
/* `parent` of an entry of the root table. */
#define CTOML_ROOT UINT32_MAX

enum ctoml_type {
    CTOML_TABLE = 0,
    CTOML_ARRAY = 1,
    CTOML_STRING = 2,
    CTOML_INTEGER = 3,
    CTOML_FLOAT = 4,
    CTOML_BOOLEAN = 5,
    /* Dates and times are told apart from strings, not decoded: no policy has one. */
    CTOML_DATE_OR_TIME = 6,
};

/* One key with its value, or one element of an array. A parent comes before its children, and the children of one
 * parent come in the file's order where TOML has one (arrays). */
struct ctoml_entry {
    /* Index of the table or array it is in, or CTOML_ROOT. */
    uint32_t parent;
    /* enum ctoml_type. */
    uint32_t type;
    /* The key's last part; empty for an element of an array. Not terminated, may hold NUL. */
    const char *key;
    size_t key_length;
    /* CTOML_STRING only. UTF-8, not terminated, may hold NUL. */
    const char *text;
    size_t text_length;
    /* CTOML_INTEGER; for CTOML_BOOLEAN 0 or 1. */
    int64_t integer;
    /* Where the key stands (for an element: where the value stands), counted from 1. */
    uint32_t key_line;
    uint32_t key_column;
    /* Where the value begins. */
    uint32_t line;
    uint32_t column;
};

struct ctoml_document;

/* Why a text is not TOML, and where; counted from 1. */
struct ctoml_error {
    uint32_t line;
    uint32_t column;
    /* Terminated, cut if longer. */
    char description[256];
};

/* Reads a text. NULL and a filled `error` if it is not TOML or beyond a bound; the text is not needed afterwards. */
struct ctoml_document *ctoml_parse(const char *text, size_t length, struct ctoml_error *error);

/* The entries, valid until ctoml_free. */
const struct ctoml_entry *ctoml_entries(const struct ctoml_document *document, size_t *count);

void ctoml_free(struct ctoml_document *document);

#ifdef __cplusplus
}
#endif
#endif
