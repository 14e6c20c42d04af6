/* For tests: makes one system call fail in the calling thread and all that it starts. It cannot be taken back. */
#ifndef DENIED_CALL_H
#define DENIED_CALL_H

/* Sets no_new_privs and a filter that answers `error` to the call. Returns 0, or an errno. */
int deny_call(int number, int error);

#endif
