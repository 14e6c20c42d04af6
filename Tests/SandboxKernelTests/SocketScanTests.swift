import CShims
import Foundation
import SandboxPlan
import Testing

@testable import SandboxKernel

/// Sockets by their names and numbers, from the kernel's own list and from lists as values.
@Suite(.serialized) struct SocketScanTests {
    /// A shown folder `in`, a folder `out`, and sockets that are held open.
    private final class Tree {
        let path: OSString
        private var open: [Int32] = []
        private var processes: [Process] = []
        private let inputs = Pipe()
        private let before: [BoundSocket]
        var inner: OSString { path.appending("in") }
        var outer: OSString { path.appending("out") }

        init() throws {
            var template = Array("/tmp/codex-sandbox-test-sockets-XXXXXX".utf8CString)
            try #require(mkdtemp(&template) != nil)
            path = try RealPath.of(OSString(template.dropLast().map { UInt8(bitPattern: $0) }))
            before = try SocketList.diagnosed()
            for folder in ["in", "in/deep", "out"] { try #require(mkdir("\(path)/\(folder)", 0o755) == 0) }
        }

        deinit {
            for number in open { close(number) }
            for process in processes {
                // Signals are blocked in it where they are in this process.
                kill(process.processIdentifier, SIGKILL)
                process.waitUntilExit()
            }
            do {
                try FileManager.default.removeItem(atPath: "\(path)")
            } catch { Issue.record("\(path) is left: \(error)") }
        }

        /// Binds as written.
        func listen(_ name: String) throws {
            let number = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
            try #require(number >= 0)
            open.append(number)
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(name.utf8)) }
            let bound = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(number, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
            try #require(bound == 0 && Glibc.listen(number, 1) == 0)
        }

        /// The same in a folder: by another process, since all threads of this one have one current folder.
        func listen(_ name: String, in folder: String) throws {
            let process = Process()
            let output = Pipe()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
            process.arguments = [
                "-c",
                """
                import socket, sys
                s = socket.socket(socket.AF_UNIX)
                s.bind(sys.argv[1])
                s.listen(1)
                print("listens", flush=True)
                sys.stdin.read()
                """, name,
            ]
            process.currentDirectoryURL = URL(fileURLWithPath: "\(path)/\(folder)")
            process.standardInput = inputs
            process.standardOutput = output
            try process.run()
            processes.append(process)
            try #require(!output.fileHandleForReading.availableData.isEmpty)
        }

        func move(_ old: String, _ new: String) throws { try #require(rename("\(path)/\(old)", "\(path)/\(new)") == 0) }

        /// The kernel's list without what others have; those that came meanwhile have other names.
        func own() throws -> [BoundSocket] {
            let beginnings = [path.bytes, Array("/proc/self/fd/".utf8)]
            return try SocketList.diagnosed().filter { socket in
                let name = socket.name.bytes
                return !before.contains(socket)
                    && (name == Array("s".utf8) || name == Array("@s".utf8)
                        || beginnings.contains { name.starts(with: $0) })
            }
        }

        func scan(
            allowed: [OSString] = [],
            walkLimit: Int = SocketWalk.limit,
            worker: UInt32 = geteuid()
        ) throws -> SocketScan {
            let roots = [
                SocketScan.Root(path: inner, isSearched: true), SocketScan.Root(path: "/usr", isSearched: false),
            ]
            var scan = try SocketScan(roots, allowed: allowed, worker: SocketScan.Worker(uid: worker, gid: getegid()))
            scan.walkLimit = walkLimit
            return scan
        }

        /// The same by the older list, which says nothing but names: without the others' files, and those of `own` that
        /// are in a form it has.
        func listed() throws -> [BoundSocket] {
            let own = try own()
            return try SocketList.listed(FileReading.read("/proc/net/unix", limit: 32 << 20)).filter { socket in
                own.contains { $0.name == socket.name || $0.name.bytes.starts(with: socket.name.bytes + [0x0A]) }
            }
        }
    }

    private static let ways = ["absolute", "relative", "at", "descriptor", "renamed", "folder", "newline", "linked"]

    private func make(_ way: String, _ tree: Tree) throws -> OSString {
        switch way {
        case "absolute": try tree.listen("\(tree.inner)/s")
        case "relative": try tree.listen("s", in: "in")
        case "at":
            try tree.listen("@s", in: "in")
            return tree.inner.appending("@s")
        case "descriptor":
            let folder = Glibc.open("\(tree.inner)", O_RDONLY | O_DIRECTORY)
            defer { close(folder) }
            try tree.listen("/proc/self/fd/\(folder)/s")
        case "renamed":
            try tree.listen("\(tree.outer)/s")
            try tree.move("out/s", "in/s")
        case "folder":
            try #require(mkdir("\(tree.outer)/f", 0o755) == 0)
            try tree.listen("\(tree.outer)/f/s")
            try tree.move("out/f", "in/f")
            return tree.inner.appending("f/s")
        case "newline":
            try tree.listen("\(tree.inner)/a\nb")
            return tree.inner.appending("a\nb")
        default:
            try tree.listen("\(tree.outer)/s")
            try #require(link("\(tree.outer)/s", "\(tree.inner)/deep/s") == 0)
            return tree.inner.appending("deep/s")
        }
        return tree.inner.appending("s")
    }

    @Test(arguments: ways)
    func aSocketInARootIsFound(way: String) throws {
        let tree = try Tree()
        let path = try make(way, tree)
        #expect(try tree.scan().found(tree.own()) == SocketScan.Result(paths: [path]))
        #expect(try tree.scan(allowed: [path]).found(tree.own()) == SocketScan.Result())
        // Where the kernel only tells names.
        #expect(try tree.scan().found(tree.listed()).paths == [path])
    }

    /// The same names, but nothing of it is in a shown folder.
    @Test(arguments: ["absolute", "relative", "at", "renamed", "folder"])
    func aSocketElsewhereIsNotFound(way: String) throws {
        let tree = try Tree()
        switch way {
        case "absolute": try tree.listen("\(tree.outer)/s")
        case "relative": try tree.listen("s", in: "out")
        case "at": try tree.listen("@s", in: "out")
        case "renamed":
            try tree.listen("\(tree.inner)/s")
            try tree.move("in/s", "out/t")
        default:
            try tree.listen("\(tree.inner)/deep/s")
            try tree.move("in/deep", "out/deep")
        }
        #expect(try tree.scan().found(tree.own()) == SocketScan.Result())
        #expect(try tree.scan().found(tree.listed()).paths == [])
    }

    /// A name that leads nowhere, however it does so, is somebody else's matter.
    @Test(arguments: ["ENAMETOOLONG", "ELOOP", "ENOENT", "ENOTDIR"])
    func aNameThatFailsOutsideRefusesNothing(error: String) throws {
        let tree = try Tree()
        try #require(mkdir("\(tree.outer)/d", 0o755) == 0)
        try tree.listen("\(tree.outer)/d/s")
        try FileManager.default.removeItem(atPath: "\(tree.outer)/d")
        switch error {
        case "ENAMETOOLONG": try #require(symlink(String(repeating: "x", count: 300), "\(tree.outer)/d") == 0)
        case "ELOOP": try #require(symlink("d", "\(tree.outer)/d") == 0)
        case "ENOTDIR": try Data().write(to: URL(fileURLWithPath: "\(tree.outer)/d"))
        default: break
        }
        #expect(try tree.scan().found(tree.own()) == SocketScan.Result())
        #expect(try tree.scan().found(tree.listed()) == SocketScan.Result())
    }

    @Test func thousandsOfFoldersRefuseNothing() throws {
        let tree = try Tree()
        let sockets = (0..<6000).map { number in
            BoundSocket(name: tree.outer.appending(OSString("\(number)/s")), file: nil, owner: nil)
        }
        #expect(try tree.scan().found(sockets) == SocketScan.Result())
    }

    /// Its name leads into a root, but there is another file now.
    @Test func aSocketOfAnotherFileSystemDoesNotCount() throws {
        let tree = try Tree()
        let file = BoundSocket.File(device: 0xFFF0_0001, inode: 1)
        let socket = BoundSocket(name: tree.inner.appending("s"), file: file, owner: nil)
        #expect(try tree.scan(walkLimit: 0).found([socket]) == SocketScan.Result())
    }

    /// A socket that is bound by a temporary name and renamed in its folder (ssh) needs no walk.
    @Test func aSocketBesideItsNameIsPlaced() throws {
        let tree = try Tree()
        try tree.listen("\(tree.outer)/s.1234")
        try tree.move("out/s.1234", "out/s")
        #expect(try tree.scan(walkLimit: 0).found(tree.own()).unplaced == [])
        // Elsewhere it does.
        try tree.move("out/s", "s")
        #expect(try tree.scan(walkLimit: 0).found(tree.own()).unplaced.count == 1)
        #expect(try tree.scan().found(tree.own()) == SocketScan.Result())
    }

    // MARK: - The end of the walk

    @Test func whatIsNotPlacedWhenTheWalkEndsCounts() throws {
        let tree = try Tree()
        try tree.listen("s", in: "in/deep")
        #expect(try tree.scan().found(tree.own()).paths == [tree.inner.appending("deep/s")])
        let cut = try tree.scan(walkLimit: 1).found(tree.own())
        #expect(cut.unplaced.map(\.name) == ["s"])
        #expect(try tree.scan(walkLimit: 1).found(tree.listed()).unplaced.map(\.name) == ["s"])
        // Named in the policy it has a place.
        #expect(
            try tree.scan(allowed: [tree.inner.appending("deep/s")], walkLimit: 1).found(tree.own())
                == SocketScan.Result()
        )
    }

    /// Another user's socket is not in folders that only their owner can write; a folder for everybody may have it.
    @Test(.enabled(if: geteuid() == 0, "only root makes folders of several owners"))
    func socketsOfOthersAreDroppedWhereOnlyTheOwnerWrites() throws {
        let tree = try Tree()
        let owner = geteuid()
        try #require(chmod("\(tree.path)", 0o755) == 0)
        try tree.listen("s", in: "out")
        let scan = try tree.scan(walkLimit: 1)
        var sockets = try tree.own()
        try #require(sockets.count == 1)
        #expect(scan.found(sockets).unplaced == sockets && sockets[0].owner == owner)
        sockets[0].owner = 54321
        #expect(scan.found(sockets).unplaced == [])
        try #require(chmod("\(tree.inner)", 0o777) == 0)
        #expect(scan.found(sockets).unplaced == sockets)
        // Behind a folder that nobody else comes through it does not matter.
        try #require(chmod("\(tree.path)", 0o700) == 0)
        #expect(scan.found(sockets).unplaced == [])
        // Root comes through.
        let asOther = try tree.scan(walkLimit: 1, worker: 54321)
        sockets[0].owner = 0
        try #require(chown("\(tree.path)", 54321, 54321) == 0)
        #expect(asOther.found(sockets).unplaced == sockets)
    }

    // MARK: - The answer

    private func message(_ type: UInt16, flags: UInt16 = 2, _ body: [UInt8]) -> [UInt8] {
        func bytes<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] { withUnsafeBytes(of: number) { Array($0) } }
        let bytes =
            bytes(UInt32(16 + body.count)) + bytes(type) + bytes(flags) + bytes(UInt32(1)) + bytes(UInt32(7)) + body
        return bytes + Array(repeating: 0, count: -bytes.count & 3)
    }

    private func socketMessage(_ attributes: [(UInt16, [UInt8])], type: UInt8 = 1, state: UInt8 = 10) -> [UInt8] {
        var body: [UInt8] = [1, type, state, 0] + Array(repeating: 9, count: 12)
        for (kind, value) in attributes {
            let size = UInt16(4 + value.count)
            body += withUnsafeBytes(of: size) { Array($0) } + withUnsafeBytes(of: kind) { Array($0) } + value
            body += Array(repeating: 0, count: -body.count & 3)
        }
        return message(20, body)
    }

    private func read(_ bytes: [UInt8]) throws -> (sockets: [BoundSocket], isEnd: Bool) {
        var sockets: [BoundSocket] = []
        let isEnd = try bytes.withUnsafeBytes { (bytes) throws(SyscallError) in
            try SocketAnswer.read(bytes, into: &sockets)
        }
        return (sockets, isEnd)
    }

    private static let file: [UInt8] = [0x1B, 0xA1, 0xF7, 0, 0, 0, 0xE0, 0x0F]

    @Test func anAnswerIsRead() throws {
        let one = socketMessage([(0, Array("/tmp/s\0".utf8)), (1, Self.file), (6, [0]), (7, [5, 0, 0, 0])])
        let expected = BoundSocket(
            name: "/tmp/s",
            file: BoundSocket.File(device: 0x0FE0_0000, inode: 0x00F7_A11B),
            owner: 5
        )
        #expect(try read(one).sockets == [expected])
        #expect(try read(one + one + message(3, [0, 0, 0, 0])).isEnd)
        #expect(try read(one).isEnd == false)
        // Abstract, the end of a connection; a datagram socket can be sent to.
        #expect(try read(socketMessage([(0, [0, 65])])).sockets == [])
        #expect(try read(socketMessage([(1, Self.file)], state: 1)).sockets == [])
        #expect(try read(socketMessage([(1, Self.file)], type: 2, state: 1)).sockets.count == 1)
    }

    @Test func whatIsNoAnswerIsAnError() throws {
        func code(_ bytes: [UInt8]) -> Int32? {
            do {
                _ = try read(bytes)
                return nil
            } catch { return (error as? SyscallError)?.errno }
        }
        #expect(code(message(2, [0xFE, 0xFF, 0xFF, 0xFF])) == ENOENT)
        #expect(code(message(3, [0xF5, 0xFF, 0xFF, 0xFF])) == EAGAIN)
        #expect(code(message(3, [])) == EBADMSG)
        #expect(code(message(4, [])) == ENOBUFS)
        #expect(code(message(20, flags: 0x12, Array(repeating: 0, count: 16))) == EINTR)
        #expect(code(message(20, [1, 1, 1])) == EBADMSG)
        #expect(code([20, 0, 0]) == EBADMSG)
        #expect(code(socketMessage([(1, [1, 2, 3])])) == EBADMSG)
        // Every prefix of an answer is an error, ends at a message's border, or has the same sockets.
        let whole = socketMessage([(0, Array("/tmp/s\0".utf8)), (1, Self.file), (7, [5, 0, 0, 0])])
        for count in 1..<whole.count { #expect(code(Array(whole[..<count])) == EBADMSG, "\(count)") }
    }

    // MARK: - The older list

    @Test func linesOfTheOlderList() {
        let head = "Num       RefCount Protocol Flags    Type St Inode Path\n"
        let line = "0000000000000000: 00000002 00000000 00010000 0001 01 16163"
        func names(_ text: String) -> [OSString] { SocketList.listed(Array((head + text).utf8)).map(\.name) }
        #expect(names("") == [])
        #expect(names("\(line)\n") == [])
        #expect(names("\(line) /run/s\n\(line) @x\n") == ["/run/s", "@x"])
        #expect(names("\(line) /a b \n") == ["/a b "])
        #expect(names("\(line) /tmp/a\nb\n\(line)\n") == ["/tmp/a", ""])
        #expect(names("\(line) s\n1 2 3 4 5 6 7\n") == ["s", ""])
    }
}
