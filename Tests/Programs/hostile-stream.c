/* hostile-stream: what a job can do with one of its standard streams, whatever that is.
 *
 *     hostile-stream NUMBER FILE use|leave
 *
 * With "use" a line is read from 0, or written to 1 or 2. The lines go to FILE, because the stream may be the output. "identity" is DEVICE:INODE; the others are "ok" or an errno.
 * Nothing is written through an opened device or file: that it could be opened is enough. */
#include "attempt.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

static int told;

static void line(const char *name, long result)
{
    int code = errno;
    dprintf(told, "%s=%s\n", name, result < 0 ? errno_word(code) : "ok");
}

/* Opened, said and closed again. */
static void opened(const char *name, int folder, const char *path, int flags)
{
    int fd = openat(folder, path, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0644);
    line(name, fd);
    if (fd >= 0)
        close(fd);
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "hostile-stream: NUMBER FILE use|leave\n");
        return 2;
    }
    const int stream = atoi(argv[1]);
    told = open(argv[2], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    /* Where one of 0 to 2 is closed, it is one of them. */
    if (told >= 0 && told < 3) {
        const int low = told;
        told = fcntl(low, F_DUPFD_CLOEXEC, 3);
        close(low);
    }
    if (told < 3)
        return 3;
    dprintf(told, "begin stream\n");
    struct stat status;
    if (fstat(stream, &status) < 0) {
        dprintf(told, "identity=%s\n", errno_word(errno));
        return 0;
    }
    dprintf(told, "identity=%llu:%llu\n", (unsigned long long)status.st_dev, (unsigned long long)status.st_ino);
    dprintf(told, "format=%o\n", status.st_mode & S_IFMT);

    char path[64], above[80];
    snprintf(path, sizeof path, "/proc/self/fd/%d", stream);
    snprintf(above, sizeof above, "%s/..", path);
    opened("again_read", AT_FDCWD, path, O_RDONLY);
    opened("again_write", AT_FDCWD, path, O_WRONLY);
    opened("above", stream, "..", O_RDONLY | O_DIRECTORY);
    opened("above_by_link", AT_FDCWD, above, O_RDONLY | O_DIRECTORY);
    line("enter", fchdir(stream));
    int type = 0;
    socklen_t size = sizeof type;
    line("socket", getsockopt(stream, SOL_SOCKET, SO_TYPE, &type, &size));

    /* What it is for still works: a line is read, or written. */
    if (strcmp(argv[3], "use") == 0) {
        char bytes[64];
        struct pollfd ready = {.fd = stream, .events = stream == 0 ? POLLIN : POLLOUT};
        long done = poll(&ready, 1, 60000) == 1 ? 0 : -1;
        if (done == 0)
            done = stream == 0 ? read(stream, bytes, sizeof bytes) : write(stream, "from the job\n", 13);
        line("use", done);
        dprintf(told, "bytes=%ld\n", done);
    }

    line("set", fcntl(stream, F_SETFL, fcntl(stream, F_GETFL) | O_NONBLOCK | O_APPEND));
    /* Where the caller can see it while the job runs. */
    opened("up", AT_FDCWD, "up", O_WRONLY | O_CREAT);
    for (int i = 0; i < 500 && access("go", F_OK) < 0; i++)
        usleep(10000);
    return 0;
}
