/* The program's arguments as execve(2) gave them. */
#ifndef CS_ARGUMENTS_H
#define CS_ARGUMENTS_H

/*
 * argv, ending in a null pointer; it may be empty. Swift's CommandLine looks for it through /proc/self/maps: where /proc
 * is not mounted or cannot be opened, there are no arguments at all, and a command line would mean something else.
 */
char *const *cs_arguments(void);

#endif
