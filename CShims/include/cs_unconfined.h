/* Full access: a command as the caller's own child, and what can be done about its children. Each answers >= 0 or -errno. */
#ifndef CS_UNCONFINED_H
#define CS_UNCONFINED_H

#ifdef __swift__
#pragma clang module import SwiftGlibc
#endif

#include "cs_kernel.h"

struct cs_unconfined {
    int32_t pid; /* 0 where none was made */
    int32_t report; /* can be read when cs_unconfined_started knows more; -1 where nothing is to be waited for */
    const char *step; /* that failed; NULL for execve(2) itself */
    int32_t may_not_have_executed; /* ended by a signal it has executed nothing, or nobody can say */
};

/*
 * Starts a command that is looked for as by execvp(3), in this process's PATH, but that no shell is given where it is no program
 * (ENOEXEC). It has default signal actions, but for those of HUP, INT, QUIT, TERM, USR1, USR2, TSTP, TTIN and TTOU that this
 * process ignores, and none blocked. It gets SIGKILL when this process dies (PR_SET_PDEATHSIG; a change of its ids by its program
 * file clears that), and whose parent ends inside it becomes a child of this process (PR_SET_CHILD_SUBREAPER). This process must
 * have one thread; what it has as descendants now is the caller's from then on. 0 when it is on its way to the program, which may
 * take as long as execve(2) waits for somebody else; -errno of the step that failed, with no process left.
 */
long cs_unconfined_start(char *const arguments[], char *const variables[], struct cs_unconfined *started);

/*
 * What became of the start, without waiting; to be asked until it is known, and before the command is reaped. 1 when the program
 * runs, or the command has ended before it could; 0 while nobody knows; -errno of the step that failed, with no process left.
 */
long cs_unconfined_started(struct cs_unconfined *started);

/*
 * A child that has ended, reaped, or one that has stopped or was continued (wait4(2)): its id; 0 when there is none now. With
 * `only` of that child alone, and not its end.
 */
long cs_unconfined_event(int only, int *status, struct cs_usage *usage);

enum { CS_REACHED_NAMED = 8 };

struct cs_reached {
    int32_t count; /* who got it */
    int32_t others; /* of another account, whom this process may not signal */
    int32_t other[CS_REACHED_NAMED]; /* the first of them */
    int32_t error; /* not 0 where some may not have been reached, or found: the last errno */
    const char *call; /* that had it */
};

/*
 * Sends a signal to all descendants of this process, as /proc lists them, but for zombies, and for what was there before the
 * command with whatever it starts; with `group` only to those in that process group, and never to `but`.
 */
void cs_unconfined_signal(int number, int group, int but, struct cs_reached *reached);

/*
 * Sends a signal to the process that has had this number since then (proc_pid_stat(5), starttime), and to none that got the
 * number after it; but where pidfd_open(2) or pidfd_send_signal(2) fails, kill(2) does it, and a moment remains. 1; 0 where there
 * is none; -EPERM where kill(2) says that it is another's; -errno where nobody can say, with the `call` that has failed.
 */
long cs_unconfined_reach(int pid, uint64_t since, int number, const char **call);

/*
 * Whether nobody of this process's session has an eye on its process group: a job-control signal stops none of it then (setpgid(2),
 * orphaned process groups). 1 or 0, -errno where /proc cannot be read.
 */
long cs_unconfined_orphaned(void);

/*
 * Stops this process as a job-control signal does, where that stops it. 1 when somebody has continued it since, or the command
 * before; 0 where nothing tells that. The signal and SIGCONT must be blocked, and are afterwards; SIGCONT stays pending.
 */
long cs_unconfined_stop(int number, int command);

/* Whether somebody has continued this process since the last call; SIGCONT must be blocked. 1 or 0. */
long cs_unconfined_continued(void);

enum { CS_TERMINAL_OTHERS, CS_TERMINAL_OURS, CS_TERMINAL_COMMANDS };

/* Whose this process's controlling terminal is now: this process group's, that of the command, or another's (or there is none). */
long cs_unconfined_terminal(int command);

/* Whether the parent is in another process group of this session: a shell with job control, which sees a stop. 1 or 0. */
long cs_unconfined_is_job(void);

/* Gives the terminal, where it is this process group's, to that of the command. SIGTTOU must be blocked. */
void cs_unconfined_give_terminal(int command);

#endif
