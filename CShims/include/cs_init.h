/* pid 1 of a place. */
#ifndef CS_INIT_H
#define CS_INIT_H

/* The empty file that only Landlock keeps a process of the place from reading. */
#define CS_PROBE_FILE "/.sandbox/probe"

/* Whether this process was started to be pid 1 of a place: argv[0] is CS_INIT_NAME and the environment is empty. */
int cs_init_requested(char *const *argv, char *const *environment);

/* Never returns. Async-signal-safe throughout. */
_Noreturn void cs_init_main(void);

/* argv[0] that makes this executable give root up and make pid 1 (drop.c); uid, gid and namespaces follow. */
#define CS_DROP_NAME "codex-sandbox-drop"

int cs_drop_requested(char *const *argv, char *const *environment);
_Noreturn void cs_drop_main(char *const *argv);

#endif
