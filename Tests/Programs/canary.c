/* canary: what stands on the host while an attempt is made, and says afterwards whether it was reached.
 *
 * Each prints what an attacker would need, then its state for every line on standard input, and goes with the input. */
#include "attempt.h"

#include <mqueue.h>
#include <sched.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>

/* victim WORD: a process with a word in its memory. "victim PID ADDRESS". */
static volatile sig_atomic_t victim_signals;

static void count_victim_signal(int signal_number)
{
    (void)signal_number;
    victim_signals++;
}

static int be_victim(char **a)
{
    static char word[256];
    snprintf(word, sizeof word, "%s", a[0]);
    /* The command line would show the word to everybody. */
    memset(a[0], 'x', strlen(a[0]));
    struct sigaction action = {.sa_handler = count_victim_signal, .sa_flags = SA_RESTART};
    static const int counted[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGIO, SIGALRM, SIGQUIT, SIGCONT};
    for (size_t i = 0; i < sizeof counted / sizeof counted[0]; i++)
        sigaction(counted[i], &action, NULL);
    say("victim %d %lx", getpid(), (unsigned long)(void *)word);
    char byte;
    while (read(0, &byte, 1) == 1) {
        struct rlimit limit;
        getrlimit(RLIMIT_FSIZE, &limit);
        cpu_set_t set;
        sched_getaffinity(0, sizeof set, &set);
        say("word=%s nice=%d fsize=%lld cpus=%d signals=%d scheduler=%d", word, getpriority(PRIO_PROCESS, 0),
            (long long)limit.rlim_cur, CPU_COUNT(&set), (int)victim_signals, sched_getscheduler(0));
    }
    return 0;
}

/* ipc WORD: a shared memory segment, a queue and a semaphore of System V; a message queue and shared memory of POSIX.
 * "shm ID", "queue ID", "semaphore ID"; the POSIX ones are named after the word. */
static int be_ipc(char **a)
{
    const char *word = a[0];
    char name[256], text[256];
    snprintf(name, sizeof name, "/%s", word);
    int shm = shmget(IPC_PRIVATE, 4096, 0666 | IPC_CREAT);
    int queue = msgget(IPC_PRIVATE, 0666 | IPC_CREAT);
    int semaphore = semget(IPC_PRIVATE, 1, 0666 | IPC_CREAT);
    struct mq_attr attribute = {.mq_maxmsg = 2, .mq_msgsize = 64};
    mqd_t posix_queue = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0666, &attribute);
    int posix_shm = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0666);
    char *memory = shm < 0 ? (void *)-1 : shmat(shm, NULL, 0);
    if (memory == (void *)-1 || queue < 0 || semaphore < 0 || posix_queue < 0 || posix_shm < 0) {
        tell("ipc", -1);
        return 1;
    }
    snprintf(memory, 4096, "%s", word);
    write_all(posix_shm, word, strlen(word));
    say("shm %d", shm);
    say("queue %d", queue);
    say("semaphore %d", semaphore);
    char byte;
    while (read(0, &byte, 1) == 1) {
        struct msqid_ds messages;
        msgctl(queue, IPC_STAT, &messages);
        struct mq_attr now;
        mq_getattr(posix_queue, &now);
        ssize_t n = pread(posix_shm, text, sizeof text - 1, 0);
        text[n > 0 ? n : 0] = 0;
        say("word=%.64s messages=%lu semaphore=%d posix_messages=%ld posix_word=%s", memory,
            (unsigned long)messages.msg_qnum, semctl(semaphore, 0, GETVAL), now.mq_curmsgs, text);
    }
    shmctl(shm, IPC_RMID, NULL);
    msgctl(queue, IPC_RMID, NULL);
    semctl(semaphore, 0, IPC_RMID);
    mq_unlink(name);
    shm_unlink(name);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "victim") == 0)
        return be_victim(argv + 2);
    if (argc == 3 && strcmp(argv[1], "ipc") == 0)
        return be_ipc(argv + 2);
    fprintf(stderr, "canary: victim WORD | ipc WORD\n");
    return 2;
}
