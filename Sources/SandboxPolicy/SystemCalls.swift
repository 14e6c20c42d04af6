public import SandboxPlan

/// The system calls of x86_64 by name, with the group of docs/policy.md that each is in.
///
/// A list of its own, because the launcher knows filters as words only: the groups and libseccomp are the compiler's. A test
/// compares it with those.
public enum SystemCalls {
    public struct Entry: Hashable, Sendable {
        public var number: Int32
        public var name: String
        public var group: String

        public init(number: Int32, name: String, group: String) {
            self.number = number
            self.name = name
            self.group = group
        }
    }

    /// `mount`; `number 999` for one that is in no group.
    public static func name(_ number: Int32) -> String {
        entry(number)?.name ?? "number \(number)"
    }

    /// Name and group of a number; nil for one that is in no group.
    public static func entry(_ number: Int32) -> Entry? {
        entries.first { $0.number == number }
    }

    /// The policy key that keeps a refused call from the job; nil where no policy allows it.
    ///
    /// - Parameters:
    ///   - call: as it was refused.
    ///   - without: what the policy leaves out (`seccomp.without`).
    /// - Returns: the key, `seccomp.without` so far.
    public static func key(of call: DeniedCall, without: [String]) -> PolicyKey? {
        guard let entry = entry(call.number) else { return nil }
        if without.contains(entry.group) { return .without }
        let isInternet = entry.name == "socket" && internetFamilies.contains(call.argument ?? 0)
        return isInternet && without.contains("internet-sockets") ? .without : nil
    }

    /// Groups that `seccomp.without` can name.
    public static let removableGroups = [
        "aio", "debug", "extended-attributes", "file-watch", "internet-sockets", "memory-files", "message-queues",
        "process-handles", "self-restriction", "sysv-ipc",
    ]

    /// AF_INET, AF_INET6, AF_NETLINK: what the group `internet-sockets` adds to socket(2).
    private static let internetFamilies: [UInt64] = [2, 10, 16]

    /// Every call that is in a group, in the order of the text.
    public static var entries: [Entry] {
        var entries: [Entry] = []
        for line in text.description.split(separator: Character("\n")) {
            let words = line.split(separator: Character(" "))
            guard let group = words.first?.dropLast() else { continue }
            for word in words.dropFirst() {
                guard let sign = word.firstIndex(of: Character("=")),
                    let number = Int32(word[word.index(after: sign)...])
                else {
                    preconditionFailure("the list of system calls has \(word)")
                }
                entries.append(Entry(number: number, name: String(word[..<sign]), group: String(group)))
            }
        }
        return entries
    }

    /// `group: name=number …`.
    private static let text: StaticString = """
        descriptors: read=0 write=1 close=3 lseek=8 ioctl=16 pread64=17 pwrite64=18 readv=19 writev=20 pipe=22 dup=32
        descriptors: dup2=33 sendfile=40 fcntl=72 readahead=187 fadvise64=221 splice=275 tee=276 vmsplice=278 dup3=292
        descriptors: pipe2=293 preadv=295 pwritev=296 getrandom=318 copy_file_range=326 preadv2=327 pwritev2=328
        descriptors: close_range=436
        file-modes: open=2 mkdir=83 creat=85 chmod=90 fchmod=91 mknod=133 openat=257 mkdirat=258 mknodat=259
        file-modes: fchmodat=268 fchmodat2=452
        files: stat=4 fstat=5 lstat=6 access=21 flock=73 fsync=74 fdatasync=75 truncate=76 ftruncate=77 getdents=78
        files: getcwd=79 chdir=80 fchdir=81 rename=82 rmdir=84 link=86 unlink=87 symlink=88 readlink=89 chown=92
        files: fchown=93 lchown=94 umask=95 utime=132 statfs=137 fstatfs=138 sync=162 getdents64=217 utimes=235
        files: fchownat=260 futimesat=261 newfstatat=262 unlinkat=263 renameat=264 linkat=265 symlinkat=266
        files: readlinkat=267 faccessat=269 sync_file_range=277 utimensat=280 fallocate=285 syncfs=306 renameat2=316
        files: statx=332 faccessat2=439
        synchronisation: poll=7 select=23 futex=202 epoll_create=213 epoll_wait=232 epoll_ctl=233 pselect6=270 ppoll=271
        synchronisation: epoll_pwait=281 eventfd=284 eventfd2=290 epoll_create1=291 epoll_pwait2=441 futex_waitv=449
        synchronisation: futex_wake=454 futex_wait=455 futex_requeue=456
        memory: mmap=9 mprotect=10 munmap=11 brk=12 mremap=25 msync=26 mincore=27 madvise=28 mlock=149 munlock=150
        memory: mlockall=151 munlockall=152 mlock2=325 pkey_mprotect=329 pkey_alloc=330 pkey_free=331
        memory: map_shadow_stack=453 mseal=462
        signals: rt_sigaction=13 rt_sigprocmask=14 rt_sigreturn=15 pause=34 kill=62 rt_sigpending=127
        signals: rt_sigtimedwait=128 rt_sigqueueinfo=129 rt_sigsuspend=130 sigaltstack=131 tkill=200 tgkill=234
        signals: signalfd=282 signalfd4=289 rt_tgsigqueueinfo=297
        resources: sched_yield=24 uname=63 getrlimit=97 getrusage=98 sysinfo=99 getpriority=140 setpriority=141
        resources: sched_setparam=142 sched_getparam=143 sched_setscheduler=144 sched_getscheduler=145
        resources: sched_get_priority_max=146 sched_get_priority_min=147 sched_rr_get_interval=148 setrlimit=160
        resources: sched_setaffinity=203 sched_getaffinity=204 ioprio_set=251 ioprio_get=252 prlimit64=302 getcpu=309
        resources: sched_setattr=314 sched_getattr=315
        sysv-ipc: shmget=29 shmat=30 shmctl=31 semget=64 semop=65 semctl=66 shmdt=67 msgget=68 msgsnd=69 msgrcv=70
        sysv-ipc: msgctl=71 semtimedop=220
        time: nanosleep=35 getitimer=36 alarm=37 setitimer=38 gettimeofday=96 times=100 time=201 timer_create=222
        time: timer_settime=223 timer_gettime=224 timer_getoverrun=225 timer_delete=226 clock_gettime=228
        time: clock_getres=229 clock_nanosleep=230 timerfd_create=283 timerfd_settime=286 timerfd_gettime=287
        processes: getpid=39 clone=56 fork=57 vfork=58 execve=59 exit=60 wait4=61 setpgid=109 getppid=110 getpgrp=111
        processes: setsid=112 getpgid=121 getsid=124 personality=135 prctl=157 arch_prctl=158 gettid=186
        processes: set_tid_address=218 restart_syscall=219 exit_group=231 waitid=247 set_robust_list=273
        processes: get_robust_list=274 execveat=322 membarrier=324 rseq=334
        sockets: socket=41 connect=42 accept=43 sendto=44 recvfrom=45 sendmsg=46 recvmsg=47 shutdown=48 bind=49
        sockets: listen=50 getsockname=51 getpeername=52 socketpair=53 setsockopt=54 getsockopt=55 accept4=288
        sockets: recvmmsg=299 sendmmsg=307
        debug: ptrace=101 process_vm_readv=310 process_vm_writev=311 kcmp=312 pidfd_getfd=438 process_madvise=440
        identity: getuid=102 getgid=104 setuid=105 setgid=106 geteuid=107 getegid=108 setreuid=113 setregid=114
        identity: getgroups=115 setgroups=116 setresuid=117 getresuid=118 setresgid=119 getresgid=120 setfsuid=122
        identity: setfsgid=123 capget=125 capset=126
        machine: syslog=103 vhangup=153 modify_ldt=154 adjtimex=159 acct=163 settimeofday=164 reboot=169 sethostname=170
        machine: setdomainname=171 iopl=172 ioperm=173 clock_settime=227 clock_adjtime=305 process_mrelease=448
        obsolete: uselib=134 ustat=136 sysfs=139 _sysctl=156 get_kernel_syms=177 query_module=178 nfsservctl=180
        obsolete: getpmsg=181 putpmsg=182 afs_syscall=183 tuxcall=184 security=185 set_thread_area=205
        obsolete: get_thread_area=211 lookup_dcookie=212 epoll_ctl_old=214 epoll_wait_old=215 remap_file_pages=216
        obsolete: vserver=236
        mounts: pivot_root=155 chroot=161 mount=165 umount2=166 swapon=167 swapoff=168 quotactl=179 open_tree=428
        mounts: move_mount=429 fsopen=430 fsconfig=431 fsmount=432 fspick=433 mount_setattr=442 quotactl_fd=443
        mounts: open_tree_attr=467
        kernel-code: create_module=174 init_module=175 delete_module=176 kexec_load=246 finit_module=313
        kernel-code: kexec_file_load=320 bpf=321
        extended-attributes: setxattr=188 lsetxattr=189 fsetxattr=190 getxattr=191 lgetxattr=192 fgetxattr=193
        extended-attributes: listxattr=194 llistxattr=195 flistxattr=196 removexattr=197 lremovexattr=198
        extended-attributes: fremovexattr=199
        aio: io_setup=206 io_destroy=207 io_getevents=208 io_submit=209 io_cancel=210 io_pgetevents=333
        memory-placement: mbind=237 set_mempolicy=238 get_mempolicy=239 migrate_pages=256 move_pages=279
        memory-placement: set_mempolicy_home_node=450
        message-queues: mq_open=240 mq_unlink=241 mq_timedsend=242 mq_timedreceive=243 mq_notify=244 mq_getsetattr=245
        keyrings: add_key=248 request_key=249 keyctl=250
        file-watch: inotify_init=253 inotify_add_watch=254 inotify_rm_watch=255 inotify_init1=294
        namespaces: unshare=272 setns=308
        kernel-surface: perf_event_open=298 userfaultfd=323
        file-handles: fanotify_init=300 fanotify_mark=301 name_to_handle_at=303 open_by_handle_at=304
        self-restriction: seccomp=317 landlock_create_ruleset=444 landlock_add_rule=445 landlock_restrict_self=446
        memory-files: memfd_create=319
        probes: uretprobe=335 uprobe=336
        process-handles: pidfd_send_signal=424 pidfd_open=434
        io-uring: io_uring_setup=425 io_uring_enter=426 io_uring_register=427
        arguments-in-memory: clone3=435 openat2=437
        unwatched-memory: memfd_secret=447
        newer: cachestat=451 statmount=457 listmount=458 lsm_get_self_attr=459 lsm_set_self_attr=460
        newer: lsm_list_modules=461 setxattrat=463 getxattrat=464 listxattrat=465 removexattrat=466 file_getattr=468
        newer: file_setattr=469
        """
}
