import Foundation
import SandboxTestSupport
import Testing

/// What people use inside must work: a wrong denial is as serious as a hole.
///
/// A tool that is missing is a failure of the test, not a pass; `scripts/lib/packages.txt` lists them.
@Suite(.takesTurns, .timeLimit(.minutes(120)))
struct ToolTests {
    /// A script of sh(1) that must end with 0 inside, and what it must print last.
    struct Tool: Sendable, CustomStringConvertible {
        var description: String
        var script: String
        var prints: String
        var options: @Sendable (Scene) -> [String] = { _ in [] }
    }

    static let tools = [
        Tool(
            description: "gcc compiles, links and runs",
            script: #"""
                printf '#include <stdio.h>\nint main(void){puts("hello");return 0;}\n' > hello.c
                gcc -O2 -Wall -o hello hello.c && ./hello
                """#,
            prints: "hello"
        ),
        Tool(
            description: "the address and leak sanitizers find what they look for",
            script: #"""
                printf '#include <stdlib.h>\nint main(void){volatile char *p = malloc(7); p = 0; return p != 0;}\n' > leak.c
                gcc -g -fsanitize=address,undefined -o leak leak.c && { ./leak 2> report; grep -c 'detected memory leaks' report; }
                """#,
            prints: "1"
        ),
        Tool(
            description: "make runs jobs in parallel",
            script: #"""
                printf 'all: a b c\n%%: ; @echo made > $@.out\n' > Makefile && make -s -j4 && cat a.out b.out c.out | wc -l
                """#,
            prints: "3"
        ),
        Tool(
            description: "git makes a repository and works in it",
            script: #"""
                git init -q -b main . && echo one > file && git add file && git commit -q -m first && echo two >> file &&
                git stash -q && git stash pop -q && git add -A && git commit -q -m second && git branch other &&
                git checkout -q other && git gc -q && git fsck --no-progress && git log --format='%an <%ae> %s' -1
                """#,
            prints: "A Caller <caller@example.org> second"
        ),
        Tool(
            description: "Python makes a virtual environment with pip",
            script: #"""
                /usr/bin/python3 -m venv venv && venv/bin/python -c 'import sys; assert sys.prefix != sys.base_prefix' &&
                venv/bin/pip --version | cut -d' ' -f1
                """#,
            prints: "pip"
        ),
        Tool(
            description: "Python's multiprocessing, threads, SQLite and TLS settings work",
            script: #"""
                cat > work.py <<'END'
                import multiprocessing, sqlite3, ssl, threading
                def square(n): return n * n
                if __name__ == "__main__":
                    with multiprocessing.Pool(4) as pool:
                        assert sum(pool.map(square, range(100))) == 328350
                    shared = multiprocessing.shared_memory.SharedMemory(create=True, size=4096) \
                        if hasattr(multiprocessing, "shared_memory") else None
                    if shared: shared.close(); shared.unlink()
                    threads = [threading.Thread(target=lambda: square(3)) for _ in range(100)]
                    [t.start() for t in threads]; [t.join() for t in threads]
                    base = sqlite3.connect("base.db"); base.execute("pragma journal_mode=wal")
                    base.execute("create table t (a)"); base.execute("insert into t values (1)"); base.commit()
                    ssl.create_default_context()
                    print("done")
                END
                /usr/bin/python3 work.py
                """#,
            prints: "done"
        ),
        Tool(
            description: "Node runs workers, children and a server on its own loopback",
            script: #"""
                cat > work.js <<'END'
                const { Worker, isMainThread, parentPort } = require("worker_threads");
                if (!isMainThread) { parentPort.postMessage(1 + 1); } else {
                  const server = require("http").createServer((q, r) => r.end("answer"));
                  server.listen(0, "127.0.0.1", () => {
                    require("http").get({ port: server.address().port }, (r) => {
                      r.on("data", (d) => {
                        const echoed = require("child_process").execFileSync("/bin/echo", [String(d)]);
                        new Worker(__filename).on("message", (n) => { console.log(String(echoed).trim() + n); server.close(); });
                      });
                    });
                  });
                }
                END
                node work.js
                """#,
            prints: "answer2"
        ),
        Tool(
            description: "gdb stops its own child where it crashes",
            script: #"""
                printf 'int main(void){volatile int *p = 0; return *p;}\n' > crash.c && gcc -g -O0 -o crash crash.c &&
                gdb -nx -batch -ex run -ex 'printf "frame %d\n", $_siginfo.si_signo' ./crash 2>&1 | grep -c '^frame 11'
                """#,
            prints: "1"
        ),
        Tool(
            description: "strace follows its own child",
            script: "strace -f -e trace=execve -o trace /bin/true && grep -c 'execve(\"/bin/true\"' trace",
            prints: "1"
        ),
        Tool(
            description: "ps, top, free, nproc and df show the place",
            script:
                "ps -e > ps.out && top -b -n1 > top.out && free > free.out && df . > df.out && nproc > n && echo shown",
            prints: "shown"
        ),
        Tool(
            description: "the account, localhost and the host's name can be looked up",
            script:
                "id -un && getent hosts localhost > /dev/null && hostname && getent passwd \"$(id -u)\" | cut -d: -f6",
            prints: "/home/sandbox"
        ),
        Tool(
            description: "time zones and locales work",
            script: #"""
                TZ=Asia/Tokyo date -d @0 +%H:%M && LC_ALL=C.UTF-8 /usr/bin/python3 -c 'import locale; locale.setlocale(locale.LC_ALL, ""); print("ä".encode())' && locale | grep -c LANG=
                """#,
            prints: "1"
        ),
        Tool(
            description: "bash has process substitution, here-documents, job control and traps",
            script: #"""
                bash -c 'set -m; cat <(echo a) <(echo b) > two; cat <<< c >> two; sleep 0.01 & wait; trap "echo trapped" EXIT; wc -l < two'
                """#,
            prints: "trapped"
        ),
        Tool(
            description: "/dev/stdout, /dev/fd, /dev/full, /dev/random and a terminal of its own work",
            script: #"""
                echo x > /dev/stdout; echo y | cat /dev/fd/0; head -c 8 /dev/random | wc -c; ! echo > /dev/full 2> /dev/null &&
                script -qec 'test -t 0 && tty' /dev/null | tr -d '\r'
                """#,
            prints: "/dev/pts/0"
        ),
        Tool(
            description: "private folders can be used as on any machine",
            script: #"""
                for d in /tmp /var/tmp /dev/shm /run "$HOME"; do
                    mkdir "$d/x" && echo ok > "$d/x/f" && mv "$d/x/f" "$d/x/g" && ln "$d/x/g" "$d/x/h" && cat "$d/x/h" && rm -r "$d/x" || exit 1
                done
                """#,
            prints: "ok"
        ),
        Tool(
            description: "files can be linked, moved between folders, locked, watched and mapped",
            script: #"""
                cat > work.py <<'END'
                import ctypes, fcntl, mmap, os
                os.makedirs("a/b"); os.makedirs("c")
                open("a/b/f", "w").write("text"); os.rename("a/b/f", "c/f"); os.link("c/f", "a/l"); os.symlink("../c/f", "a/s")
                os.rename("a/b", "c/b"); assert open("a/s").read() == "text"
                f = open("c/f", "r+"); fcntl.flock(f, fcntl.LOCK_EX); fcntl.lockf(f, fcntl.LOCK_EX)
                m = mmap.mmap(f.fileno(), 4); m[0:1] = b"T"; m.flush()
                os.chmod("c/f", 0o600); os.utime("c/f", (1, 1)); os.truncate("c/f", 1); os.setxattr("c/f", "user.a", b"b")
                os.mkfifo("c/p"); libc = ctypes.CDLL(None)
                assert libc.inotify_init() > 0 and libc.memfd_create(b"m", 0) > 0 and libc.eventfd(0, 0) > 0
                print(open("a/l").read())
                END
                /usr/bin/python3 work.py
                """#,
            prints: "T"
        ),
        Tool(
            description: "a path of 4,000 bytes, 200 levels and 10,000 files are no trouble",
            script: #"""
                cat > work.py <<'END'
                import os, shutil
                here = os.getcwd(); path = here
                while len(path) + 201 < 4000: path += "/" + "p" * 200
                path += "/" + "q" * (4000 - len(path) - 1)
                os.makedirs(path); os.chdir(path); assert os.getcwd() == path and len(path) == 4000
                os.chdir(here); deep = "/".join(["l"] * 200); os.makedirs(deep); open(deep + "/f", "w").close()
                os.mkdir("many")
                for n in range(10000): open("many/%d" % n, "w").close()
                assert len(os.listdir("many")) == 10000
                for name in ("many", "l"): shutil.rmtree(name)
                print("done")
                END
                /usr/bin/python3 work.py
                """#,
            prints: "done"
        ),
        Tool(
            description: "own TCP, UDP, IPv6 and unix sockets carry data",
            script: #"""
                cat > work.py <<'END'
                import os, socket, threading
                def talk(family, address, kind=socket.SOCK_STREAM):
                    s = socket.socket(family, kind); s.bind(address)
                    c = socket.socket(family, kind)
                    if kind == socket.SOCK_DGRAM:
                        c.sendto(b"x", s.getsockname()); assert s.recv(1) == b"x"; return
                    s.listen(); c.connect(s.getsockname()); p, _ = s.accept(); c.sendall(b"x" * 100000); c.close()
                    n = 0
                    while True:
                        d = p.recv(65536); n += len(d)
                        if not d: break
                    assert n == 100000
                talk(socket.AF_INET, ("127.0.0.1", 0)); talk(socket.AF_INET, ("0.0.0.0", 0)) ; talk(socket.AF_INET6, ("::1", 0))
                talk(socket.AF_INET, ("127.0.0.1", 0), socket.SOCK_DGRAM); talk(socket.AF_UNIX, "s"); talk(socket.AF_UNIX, "\0abstract")
                a, b = socket.socketpair(); r, w = os.pipe(); socket.send_fds(a, [b"x"], [r]); _, fds, _, _ = socket.recv_fds(b, 1, 1)
                os.write(w, b"y"); assert os.read(fds[0], 1) == b"y"; assert socket.getaddrinfo("localhost", 80)
                print("done")
                END
                /usr/bin/python3 work.py
                """#,
            prints: "done"
        ),
    ]

    @Test(arguments: tools, Caller.available)
    func works(tool: Tool, caller: Caller) throws {
        let scene = try Scene(caller)
        try scene.write("[user]\n\tname = A Caller\n\temail = caller@example.org\n", to: scene.home + "/.gitconfig")
        try scene.makeFolder(scene.folder + "/control")
        let outside = try scene.start(
            ["/bin/sh", "-c", tool.script],
            keeper: Caller.workerOptions,
            in: scene.folder + "/control"
        ).finish()
        let hasTool = outside.ending == .exited(0)
        let result = try scene.runInside(["/bin/sh", "-c", tool.script], options: tool.options(scene))
        #expect(
            result.ending == .exited(0),
            "inside (outside \(hasTool ? "it works" : "it fails too")): \(result.story)"
        )
        #expect(result.lines.last == tool.prints, "inside: \(result.story)")
        #expect(result.left == 0 && result.zombies == 0, "\(result.story)")
    }

    /// Name and mail address are the caller's, unless the file that has them is denied: by its path, where a link leads, or a folder around it.
    @Test(arguments: Caller.available)
    func ofDeniedGitSettingsNothingIsTaken(caller: Caller) throws {
        let scene = try Scene(caller)
        let (kept, link) = (scene.folder + "/kept", scene.home + "/.gitconfig")
        try scene.makeFolder(kept)
        try scene.write("[user]\n\tname = A Caller\n\temail = caller@example.org\n", to: kept + "/settings")
        try scene.link(link, to: kept + "/settings")
        let command = ["/usr/bin/git", "config", "--get-regexp", "^user[.]"]
        let control = try scene.runInside(command, options: ["--deny", scene.folder + "/other"])
        #expect(control.lines == ["user.name A Caller", "user.email caller@example.org"], "\(control.story)")
        for denied in [link, scene.home, kept, kept + "/settings"] {
            let result = try scene.runInside(command, options: ["--deny", denied])
            #expect(result.ending == .exited(1) && result.output == [], "\(denied): \(result.story)")
        }
        let policy = scene.folder + "/policy.toml"
        for pattern in [scene.home + "/.gitconf*", scene.folder + "/*/settings"] {
            try scene.write("version = 1\n[filesystem]\ndeny_globs = [\"\(pattern)\"]\n", to: policy)
            if caller == .root { try #require(chown(policy, 0, 0) == 0) }
            let result = try scene.runInside(command, options: ["--policy", policy])
            #expect(result.ending == .exited(1) && result.output == [], "\(pattern): \(result.story)")
        }
    }

    /// `.gitconfig` leads to `../dotlnk/real`, and `dotlnk` to `dot`: each name on the way denies it, and so does another link to there.
    @Test(arguments: Caller.available)
    func ofGitSettingsBehindDeniedLinksNothingIsTaken(caller: Caller) throws {
        let scene = try Scene(caller)
        let dot = scene.folder + "/dot"
        try scene.makeFolder(dot)
        try scene.write("[user]\n\tname = A Caller\n\temail = caller@example.org\n", to: dot + "/real")
        try scene.link(scene.folder + "/dotlnk", to: "dot")
        try scene.link(scene.folder + "/another", to: "dot")
        try scene.link(scene.home + "/.gitconfig", to: "../dotlnk/real")
        let command = ["/usr/bin/git", "config", "--get-regexp", "^user[.]"]
        let policy = scene.folder + "/policy.toml"
        func attempt(_ key: String, _ path: String) throws -> (Bool, RunResult) {
            try scene.write("version = 1\n[filesystem]\n\(key) = [\"\(scene.folder)/\(path)\"]\n", to: policy)
            if caller == .root { try #require(chown(policy, 0, 0) == 0) }
            let result = try scene.runInside(command, options: ["--policy", policy])
            if result.lines == ["user.name A Caller", "user.email caller@example.org"] { return (true, result) }
            try #require(result.ending == .exited(1) && result.output == [], "\(path): \(result.story)")
            return (false, result)
        }
        for (key, path) in [
            ("deny", "dotlnk"), ("deny", "dotlnk/real"), ("deny", "another"), ("deny", "another/real"),
            ("deny_globs", "dotl*/real"), ("deny_globs", "dotlnk"), ("deny_globs", "dotl*"),
            ("deny_globs", "another/r*"),
        ] {
            let (isTaken, result) = try attempt(key, path)
            #expect(!isTaken, "\(key) \(path): \(result.story)")
        }
        for (key, path) in [("deny", "dotlnk2"), ("deny", "dot/other"), ("deny_globs", "dotl*/other")] {
            let (isTaken, result) = try attempt(key, path)
            #expect(isTaken, "control: \(key) \(path): \(result.story)")
        }
    }

    /// In a repository that was there before, whose configuration and hooks are read-only.
    @Test(arguments: Caller.available)
    func gitWorksInAProtectedRepository(caller: Caller) throws {
        let scene = try Scene(caller)
        try scene.write("[user]\n\tname = A Caller\n\temail = caller@example.org\n", to: scene.home + "/.gitconfig")
        let made = try scene.run(["/usr/bin/git", "init", "-q", "-b", "main"], keeper: Caller.workerOptions)
        #expect(made.ending == .exited(0), "\(made.story)")
        let result = try scene.runInside([
            "/bin/sh", "-ec",
            """
            echo one > file; git add file; git commit -q -m first; echo two >> file; git stash -q; git stash pop -q
            git commit -qam second; git tag v1; git checkout -q -b topic; echo t > topic; git add topic
            git commit -q -m third; git checkout -q main; git merge -q --no-ff -m merged topic; git rebase -q main topic
            git gc -q --prune=now; git status --porcelain; git diff --stat HEAD~1 > /dev/null; git clone -q . copy
            """,
        ])
        #expect(result.ending == .exited(0) && result.output == [], "\(result.story)")
        let log = try scene.run(["/usr/bin/git", "log", "--format=%s", "main"], keeper: Caller.workerOptions)
        #expect(Set(log.lines) == ["merged", "third", "second", "first"], "\(log.story)")
        #expect(try scene.names(in: scene.workspace) == [".git", "copy", "file", "topic"])
    }

    @Test(.timeLimit(.minutes(120)), arguments: Caller.available)
    func swiftBuildsASmallPackage(caller: Caller) throws {
        let swift = try #require(toolchain(), "no swift on PATH")
        let scene = try Scene(caller)
        try scene.makeFolder(scene.workspace + "/Sources")
        try scene.makeFolder(scene.workspace + "/Sources/hello")
        try scene.write(
            """
            // swift-tools-version: 6.0
            import PackageDescription
            let package = Package(name: "hello", targets: [.executableTarget(name: "hello")])
            """,
            to: scene.workspace + "/Package.swift"
        )
        try scene.write("print(\"built inside\")\n", to: scene.workspace + "/Sources/hello/main.swift")
        let isShown = ["/usr/", "/opt/", "/nix/"].contains { swift.hasPrefix($0) }
        let root = URL(fileURLWithPath: swift).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().path
        let result = try scene.runInside(
            ["/bin/sh", "-c", "PATH=\(swift.dropLast("/swift".count)):$PATH swift build 2>&1 && .build/debug/hello"],
            options: isShown ? [] : ["--read", root],
            keeper: ["--deadline", "900000"]
        )
        #expect(result.ending == .exited(0) && result.lines.last == "built inside", "\(result.story)")
    }

    /// The `swift` that PATH names, without links.
    private func toolchain() -> String? {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
        return path.split(separator: ":").map { "\($0)/swift" }
            .first { FileManager.default.isExecutableFile(atPath: $0) }
            .map { URL(fileURLWithPath: $0).resolvingSymlinksInPath().deletingLastPathComponent().path + "/swift" }
    }
}
