/* Fuzz target: the TOML reader. Its answer is a list that refers only to itself, or an error with a place in the text. */
#include <stdlib.h>
#include <string.h>

#include "ctoml.h"

static volatile size_t sink;

static void require(int holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ctoml_error error = {0};
    char *text = malloc(size ? size : 1);
    require(text != NULL);
    memcpy(text, data, size);
    struct ctoml_document *document = ctoml_parse(text, size, &error);
    free(text); /* "the text is not needed afterwards" */
    if (document == NULL) {
        require(memchr(error.description, 0, sizeof error.description) != NULL && error.description[0] != 0);
        return 0;
    }
    size_t count = 0;
    const struct ctoml_entry *entries = ctoml_entries(document, &count);
    for (size_t i = 0; i < count; i++) {
        require(entries[i].parent == CTOML_ROOT || entries[i].parent < i);
        require(entries[i].type <= CTOML_DATE_OR_TIME);
        require(entries[i].line >= 1 && entries[i].key_line >= 1);
        for (size_t k = 0; k < entries[i].key_length; k++)
            sink += (unsigned char)entries[i].key[k];
        if (entries[i].type == CTOML_STRING)
            for (size_t k = 0; k < entries[i].text_length; k++)
                sink += (unsigned char)entries[i].text[k];
    }
    ctoml_free(document);
    return 0;
}
