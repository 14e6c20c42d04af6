/* Terminals on the supervisor's side: ioctl_tty(2) without the libc's structures. >= 0 or -errno. */
#ifndef CS_TERMINAL_H
#define CS_TERMINAL_H

#include <stdint.h>

/* The kernel's struct termios2: 44 bytes that only terminal.c looks into. */
struct cs_terminal_modes {
    uint32_t words[11];
};

/* Rows, columns, and both in pixels (struct winsize). */
struct cs_terminal_size {
    uint16_t rows, columns, width, height;
};

/* The number of the terminal itself, also of one that was opened as /dev/tty (TIOCGDEV). */
long cs_terminal_device(int terminal);
/* Of a controlling end: the number below /dev/pts (TIOCGPTN). */
long cs_terminal_number(int controlling);
/* Of a controlling end: a descriptor of the other end, whatever stands at its path (TIOCGPTPEER, Linux 4.13). */
long cs_terminal_peer(int controlling);
/* The same, only to be written. */
long cs_terminal_screen(int controlling);

long cs_terminal_modes(int terminal, struct cs_terminal_modes *modes);
long cs_terminal_set_modes(int terminal, const struct cs_terminal_modes *modes);
/* Every byte as it is typed, nothing echoed, nothing made of it: cfmakeraw(3). */
struct cs_terminal_modes cs_terminal_raw(struct cs_terminal_modes modes);
/* Output as it is written. */
struct cs_terminal_modes cs_terminal_plain_output(struct cs_terminal_modes modes);
/* The same without echo: for lines that another terminal has edited and shown already. */
struct cs_terminal_modes cs_terminal_without_echo(struct cs_terminal_modes modes);
/* The character that is the end of a file (VEOF), 0 where there is none. */
uint8_t cs_terminal_end_of_file(const struct cs_terminal_modes *modes);

long cs_terminal_size(int terminal, struct cs_terminal_size *size);
long cs_terminal_set_size(int terminal, const struct cs_terminal_size *size);
/* 1 when the caller's process group may read it and change its modes, or it is nobody's; 0 when another group may. */
long cs_terminal_is_ours(int terminal);
/* 1 when what is shown in it is UTF-8, as whoever made it says (termios(3), IUTF8); else 0, or -errno. */
long cs_terminal_is_utf8(int terminal);
/* 1 when both are the same modes. */
int cs_terminal_same_modes(const struct cs_terminal_modes *one, const struct cs_terminal_modes *other);
/* Forgets what was typed and not read. */
long cs_terminal_forget_input(int terminal);

#define CS_GUARD_TEXT 1024

/* Shared by the supervisor and its guard: what the guard does when the supervisor is gone. */
struct cs_guard_page {
    volatile uint32_t active; /* 1: the modes may be ours, and not the caller's */
    volatile uint32_t chosen; /* which text holds; the other one is being written */
    volatile uint32_t length[2];
    struct cs_terminal_modes modes; /* the caller's */
    struct cs_terminal_modes taken; /* ours: only these are replaced */
    char text[2][CS_GUARD_TEXT];
};

struct cs_guard {
    struct cs_guard_page *page;
    int lifeline; /* ends the guard when the last copy is closed */
    int pid;
};

/*
 * Starts a process that does nothing until this one is gone, however that comes, and then gives the terminal its modes
 * back, if they are still ours, and writes the chosen text. It is in a session of its own, has a name of its own, and has
 * nothing open but the terminal. `output` is a description of our own, which does not wait, or -1: nothing is written then.
 */
long cs_guard_begin(struct cs_guard *guard, int terminal, int output);
/* Whether it is still there; one that is gone is reaped. */
int cs_guard_lives(struct cs_guard *guard);
/* Ends it; it does nothing then. */
void cs_guard_end(struct cs_guard *guard);

#endif
