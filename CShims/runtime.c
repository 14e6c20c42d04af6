/*
 * What the Swift runtime would do before main at every start, and nobody needs. Hidden: a build with the shared runtime keeps
 * using the runtime's.
 *
 * `CommandLine.unsafeArgv`, defined here so that the linker leaves out the Swift runtime's own: its file has a constructor
 * that searches /proc/self/maps for the arguments, before main, at every start.
 *
 * The way to `swift-backtrace`, which is not installed with us: the runtime looks for it in eight places. Without it a crash
 * leaves no backtrace, with and without this.
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

const char *swift_copyAuxiliaryExecutablePath(const char *name);

__attribute__((visibility("hidden"), used)) const char *swift_copyAuxiliaryExecutablePath(const char *name)
{
    (void)name;
    return NULL;
}
