/*
 * `codex-sandbox verify`: hostile acts, and what they are judged by from outside.
 *
 * An attempt is made by a process of its own, once outside and once inside a sandbox. Arguments are such that an act
 * that is let through does no harm to anything but what `verify` made for it.
 */
#ifndef CS_ATTEMPT_H
#define CS_ATTEMPT_H

#include <stddef.h>
#include <stdint.h>

/*
 * Makes the attempt words[0] with the words behind it; the list ends with NULL. `--as UID GID` before its name: as that
 * user, if root. Says "begin" first, so that an attempt that never came to be cannot pass for one that was refused, then
 * what it got to see, and at last "ended with ERRNO" (0: it was let through). Returns the exit status: 0 when it could say so.
 */
int cs_attempt(char *const *words);

/* Listeners on this host; none of them waits for anybody. Descriptor (close-on-exec), or -errno. */
long cs_listen_tcp(int *port);
long cs_listen_udp(int *port);
long cs_listen_unix(const char *path);
long cs_listen_abstract(const char *name);
/* 1 when somebody connected or sent something since the last question, else 0. */
int cs_was_reached(int listener);

/*
 * A process that does nothing, called `name`, which everybody of the same user may trace; it ends with its parent. Of
 * root's it is `user`'s. `page` is memory that both share. Process number, or -errno. From a process with one thread.
 */
long cs_canary(const char *name, unsigned user, volatile unsigned char **page);
/* 1 while it lives. It is reaped when it does not. */
int cs_canary_lives(int pid);
void cs_canary_end(int pid);

/* A key in the caller's session keyring, and away with it again. Serial, or -errno. */
long cs_key_add(const char *name, const char *value);
void cs_key_remove(long serial);

/* A terminal: descriptors of both sides, close-on-exec. 0, or -errno. */
long cs_terminal(int pair[2]);

/* Removes a folder and what is in it, following no link. 0, or the first -errno. */
long cs_remove_tree(const char *path);

/* Random digits, as many as fit with a NUL. 0, or -errno. */
long cs_token(char *text, size_t size);

#endif
