/*
 * `CommandLine.unsafeArgv`, defined here so that the linker leaves out the Swift runtime's own: its file has a constructor
 * that searches /proc/self/maps for the arguments, before main, at every start.
 *
 * Hidden: a build with the shared runtime keeps using the runtime's.
 */
#include <stddef.h>

#include "cs_arguments.h"

char **_swift_stdlib_getUnsafeArgvArgc(int *count);

__attribute__((visibility("hidden"), used)) char **_swift_stdlib_getUnsafeArgvArgc(int *count)
{
    char **arguments = (char **)cs_arguments();
    *count = 0;
    while (arguments[*count] != NULL) ++*count;
    return arguments;
}
