import Foundation
import Glibc
import SandboxPlan
import Testing

@testable import SandboxRuntime

/// The end of a folder in which a job has made what it likes.
@Suite struct ScratchRemovalTests {
    private let base = FileManager.default.temporaryDirectory.appending(path: "scratch-removal-\(UUID().uuidString)")
        .path(percentEncoded: false)

    private func made(_ script: String) throws -> Int32 {
        let shell = Process()
        shell.executableURL = URL(fileURLWithPath: "/bin/sh")
        shell.arguments = ["-c", "mkdir -p \"$1/s/home\" && cd \"$1/s/home\" && \(script)", "sh", base]
        try shell.run()
        shell.waitUntilExit()
        try #require(shell.terminationStatus == 0)
        let number = ScratchRemoval.open(OSString(base + "/s"))
        try #require(number >= 0)
        return number
    }

    @Test(arguments: [
        // Deeper than a path can be long.
        "i=0; while [ $i -lt 1500 ]; do mkdir dddddddddd; cd -P dddddddddd; : > f; i=$((i+1)); done",
        "mkdir -p a/b/c; : > a/b/c/f; chmod 0 a/b/c a/b a", "for i in 1 2 3; do mkdir -p $i/x/y $i/z; : > $i/x/f; done",
        "ln -s / l; ln -s nowhere m; mkfifo p; : > '-rf'; : > 'a\nb'", ":",
    ])
    func whateverAJobHasMadeGoes(script: String) throws {
        let folder = try made(script)
        defer { close(folder) }
        var time = RemovalTime(ScratchRemoval.ownTime)
        #expect(ScratchRemoval.remove(folder, OSString(base + "/s"), &time))
        #expect(!FileManager.default.fileExists(atPath: base + "/s"))
        try FileManager.default.removeItem(atPath: base)
    }

    /// What is left of an interrupted removal bears names of that one: they are in nobody's way.
    @Test func anInterruptedRemovalIsGoneOnWith() throws {
        let folder = try made(
            "for i in 1 2 3 4; do mkdir -p \"$1/s/.codex-sandbox-removed-$i/a/b/c/d\" \"$1/s/home/$i/a/b/c\"; done"
        )
        defer { close(folder) }
        var time = RemovalTime(0)
        #expect(!ScratchRemoval.remove(folder, OSString(base + "/s"), &time) && time.isOver)
        for _ in 0..<10_000 where FileManager.default.fileExists(atPath: base + "/s") {
            // Each has time for very little.
            var time = RemovalTime(300_000)
            _ = ScratchRemoval.remove(folder, OSString(base + "/s"), &time)
        }
        #expect(!FileManager.default.fileExists(atPath: base + "/s"))
        try FileManager.default.removeItem(atPath: base)
    }

    /// Whoever wants the launcher to end does not wait for the job's files.
    @Test func aSignalEndsIt() throws {
        let folder = try made("seq 5000 | xargs touch")
        defer { close(folder) }
        var four = sigset_t()
        var before = sigset_t()
        sigemptyset(&four)
        sigaddset(&four, SIGTERM)
        pthread_sigmask(SIG_BLOCK, &four, &before)
        // For this thread, so that no other one takes it.
        pthread_kill(pthread_self(), SIGTERM)
        var time = RemovalTime(ScratchRemoval.ownTime)
        let isRemoved = ScratchRemoval.remove(folder, OSString(base + "/s"), &time)
        var none = timespec()
        let taken = sigtimedwait(&four, nil, &none)
        pthread_sigmask(SIG_SETMASK, &before, nil)
        #expect(!isRemoved && time.isOver && taken == SIGTERM)
        time = RemovalTime(ScratchRemoval.ownTime)
        #expect(ScratchRemoval.remove(folder, OSString(base + "/s"), &time))
        try FileManager.default.removeItem(atPath: base)
    }

    /// What somebody has mounted in it is not the job's.
    @Test(.enabled(if: geteuid() == 0, "only root can mount")) func whatIsMountedStays() throws {
        let folder = try made("mkdir \"$1/data\" \"$1/s/tmp\"; : > \"$1/data/precious\"; : > f")
        defer { close(folder) }
        try #require(mount(base + "/data", base + "/s/tmp", nil, UInt(MS_BIND), nil) == 0)
        var time = RemovalTime(ScratchRemoval.ownTime)
        let isRemoved = ScratchRemoval.remove(folder, OSString(base + "/s"), &time)
        #expect(FileManager.default.fileExists(atPath: base + "/data/precious"))
        umount2(base + "/s/tmp", 0)
        #expect(!isRemoved && !FileManager.default.fileExists(atPath: base + "/s/home/f"))
        time = RemovalTime(ScratchRemoval.ownTime)
        #expect(ScratchRemoval.remove(folder, OSString(base + "/s"), &time))
        try FileManager.default.removeItem(atPath: base)
    }

    /// What a link leads to keeps its mode and what is in it, also where the link takes the place of a closed folder all the time.
    @Test func whatLinksLeadToStays() throws {
        let victim = base + "/victim"
        let folder = try made(
            "mkdir \"$1/victim\"; : > \"$1/victim/f\"; chmod 0705 \"$1/victim\"; ln -s \"$1/victim\" l"
        )
        defer { close(folder) }
        let swapper = Process()
        swapper.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
        swapper.arguments = ["-B", "-c", Self.swap, base + "/s/home", victim]
        try swapper.run()
        for _ in 0..<200 {
            var time = RemovalTime(2_000_000)
            _ = ScratchRemoval.remove(folder, OSString(base + "/s"), &time)
        }
        let ran = swapper.isRunning
        // What threads of the test runner block is blocked in it: not this one.
        kill(swapper.processIdentifier, SIGKILL)
        swapper.waitUntilExit()
        #expect(ran)
        var state = stat()
        #expect(lstat(victim, &state) == 0 && state.st_mode & 0o7777 == 0o705)
        #expect(FileManager.default.fileExists(atPath: victim + "/f"))
        try FileManager.default.removeItem(atPath: base)
    }

    /// Exchanges a closed folder and a link to the victim (RENAME_EXCHANGE), and makes what is missing anew.
    private static let swap = """
        import ctypes, os, sys
        libc = ctypes.CDLL(None)
        os.chdir(sys.argv[1])
        while True:
            for make in (lambda: os.mkdir("d", 0), lambda: os.symlink(sys.argv[2], "l")):
                try: make()
                except OSError: pass
            libc.syscall(316, -100, b"d", -100, b"l", 2)
        """
}
