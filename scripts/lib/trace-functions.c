/*
 * Which functions a program enters, in the order in which it first enters them.
 *
 *   trace-functions ENTRY ADDRESSES PROGRAM [ARGUMENT...]
 *
 * ENTRY is the program's entry point and ADDRESSES a file of functions, as the linker counts, hexadecimal, ascending. Each
 * gets a breakpoint, which is taken away when it is met. Printed are those that the program's first process meets; its
 * children are only kept going, and let go when they execute something. ptrace(2), x86-64.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

static const uint8_t breakpoint = 0xCC;
static uint64_t *functions;
static uint8_t *first_bytes, *seen;
static size_t count;

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static int opened(pid_t pid, const char *name, int flags)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
    const int file = open(path, flags | O_CLOEXEC);
    if (file < 0)
        fail(path);
    return file;
}

static uint64_t entry_point(pid_t pid)
{
    const int file = opened(pid, "auxv", O_RDONLY);
    Elf64_auxv_t value;
    while (read(file, &value, sizeof(value)) == sizeof(value)) {
        if (value.a_type == AT_ENTRY) {
            close(file);
            return value.a_un.a_val;
        }
    }
    fail("no AT_ENTRY");
    return 0;
}

static void read_functions(const char *path)
{
    FILE *list = fopen(path, "r");
    if (!list)
        fail(path);
    size_t room = 0;
    uint64_t address;
    while (fscanf(list, "%lx", &address) == 1) {
        if (count == room) {
            room = room * 2 + 4096;
            functions = realloc(functions, room * sizeof(*functions));
            if (!functions)
                fail("realloc");
        }
        functions[count++] = address;
    }
    fclose(list);
    first_bytes = calloc(count + 1, 1);
    seen = calloc(count + 1, 1);
    if (!first_bytes || !seen)
        fail("calloc");
}

static void set_breakpoints(pid_t pid, uint64_t base)
{
    const int memory = opened(pid, "mem", O_RDWR);
    for (size_t i = 0; i < count; i++)
        if (pread(memory, &first_bytes[i], 1, (off_t)(base + functions[i])) != 1 ||
            pwrite(memory, &breakpoint, 1, (off_t)(base + functions[i])) != 1)
            fail("no function there: another executable?");
    close(memory);
}

static long find(uint64_t address)
{
    size_t low = 0, high = count;
    while (low < high) {
        const size_t middle = (low + high) / 2;
        if (functions[middle] < address)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && functions[low] == address ? (long)low : -1;
}

/* The function that a stopped process has just entered, its breakpoint gone in that process; -1: it stopped for another reason. */
static long entered(pid_t pid, uint64_t base)
{
    struct user_regs_struct registers;
    if (ptrace(PTRACE_GETREGS, pid, 0, &registers) < 0)
        fail("PTRACE_GETREGS");
    const long function = find(registers.rip - 1 - base);
    if (function < 0)
        return -1;
    const int memory = opened(pid, "mem", O_RDWR);
    if (pwrite(memory, &first_bytes[function], 1, (off_t)(registers.rip - 1)) != 1)
        fail("breakpoint");
    close(memory);
    registers.rip--;
    if (ptrace(PTRACE_SETREGS, pid, 0, &registers) < 0)
        fail("PTRACE_SETREGS");
    return function;
}

static int follow(pid_t first, uint64_t base)
{
    for (;;) {
        int status;
        const pid_t pid = waitpid(-1, &status, __WALL);
        if (pid < 0)
            fail("waitpid");
        if (!WIFSTOPPED(status)) {
            if (pid == first)
                return status;
            continue;
        }
        const int signal = WSTOPSIG(status), event = status >> 16;
        if (event == PTRACE_EVENT_EXEC) {
            ptrace(PTRACE_DETACH, pid, 0, 0);
            continue;
        }
        const int ours = event || signal == SIGTRAP || signal == SIGSTOP;
        if (signal == SIGTRAP && !event) {
            const long function = entered(pid, base);
            if (function >= 0 && pid == first && !seen[function]++)
                printf("%016lx\n", functions[function]);
        }
        ptrace(PTRACE_CONT, pid, 0, ours ? 0 : signal);
    }
}

int main(int argument_count, char **arguments)
{
    if (argument_count < 4) {
        fprintf(stderr, "usage: trace-functions ENTRY ADDRESSES PROGRAM [ARGUMENT...]\n");
        return 2;
    }
    read_functions(arguments[2]);
    const pid_t first = fork();
    if (first < 0)
        fail("fork");
    if (first == 0) {
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        execv(arguments[3], arguments + 3);
        fail(arguments[3]);
    }
    int status;
    if (waitpid(first, &status, 0) != first || !WIFSTOPPED(status))
        fail("exec");
    const long options = PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
    if (ptrace(PTRACE_SETOPTIONS, first, 0, options) < 0)
        fail("PTRACE_SETOPTIONS");
    const uint64_t base = entry_point(first) - strtoull(arguments[1], NULL, 16);
    set_breakpoints(first, base);
    if (ptrace(PTRACE_CONT, first, 0, 0) < 0)
        fail("PTRACE_CONT");
    status = follow(first, base);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : 1;
}
