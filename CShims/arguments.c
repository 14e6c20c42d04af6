#include "cs_arguments.h"

#include <stddef.h>

static char *const no_arguments[] = {NULL};
static char *const *arguments = no_arguments;

/* glibc calls constructors with the arguments of main, in static executables too. */
__attribute__((constructor)) static void keep_arguments(int count, char **values) {
    (void)count;
    if (values != NULL) arguments = values;
}

char *const *cs_arguments(void) {
    return arguments;
}
