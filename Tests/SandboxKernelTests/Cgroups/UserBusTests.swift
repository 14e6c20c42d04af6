import Foundation
import Glibc
import SandboxPlan
import Testing

@testable import SandboxKernel

/// Whether a scope is worth asking for: by the environment alone, and by what the caller would lose.
@Suite struct UserBusTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "bus-\(UUID().uuidString)")

    @Test(
        arguments: [
            ("unix:path=/run/user/1/bus", true), ("unix:abstract=/tmp/x,guid=0", true),
            ("unix:path=/a;unix:path=/b", true),
            ("tcp:host=example.org,port=1", false), ("unixexec:path=/bin/sh", false),
            ("unix:path=/a;tcp:host=b", false),
            ("", false), (";", false), ("UNIX:path=/a", false),
        ] as [(OSString, Bool)]
    )
    func onlyTheOwnMachineIsAsked(_ address: OSString, _ isAsked: Bool) {
        // Of the two the address is the one that counts.
        let found = UserBus.mayBeThere { ["DBUS_SESSION_BUS_ADDRESS": address, "XDG_RUNTIME_DIR": "/"][$0] }
        #expect(found == isAsked)
    }

    @Test func aSocketInTheRuntimeFolderIsEnough() throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { #expect(throws: Never.self) { try FileManager.default.removeItem(at: folder) } }
        let isThere = { UserBus.mayBeThere { $0 == "XDG_RUNTIME_DIR" ? OSString(folder.path) : nil } }
        #expect(!isThere() && !UserBus.mayBeThere { _ in nil })
        let path = folder.appending(path: "bus").path
        try Data().write(to: URL(filePath: path))
        #expect(!isThere())
        try FileManager.default.removeItem(atPath: path)
        let bus = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(bus) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(bus, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(bound == 0)
        #expect(isThere())
        #expect(!UserBus.mayBeThere { $0 == "XDG_RUNTIME_DIR" ? "relative" : nil })
    }

    /// A service is stopped with what is in its group, and a group's limits hold what is in it.
    @Test func aLaunchStaysWhereItsCallerIsHeld() throws {
        let user = "/user.slice/user-\(geteuid()).slice"
        let manager = "\(user)/user@\(geteuid()).service"
        var host = CgroupHost()
        host.mount = OSString(folder.path)
        defer { #expect(throws: Never.self) { try FileManager.default.removeItem(at: folder) } }
        func group(_ name: String, _ files: [String: String] = [:]) throws -> OSString {
            let place = folder.appending(path: name)
            try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
            // As a login's has them; the bound on tasks is systemd's own.
            let usual = [
                "memory.max": "max", "memory.high": "max", "memory.swap.max": "max", "cpu.max": "max 100000",
                "cpuset.cpus": "", "cpuset.mems": "", "io.max": "", "cpu.idle": "0", "cpu.weight": "100",
                "io.weight": "default 100", "pids.max": "9398",
            ]
            for (file, text) in usual.merging(files, uniquingKeysWith: { $1 }) {
                try Data("\(text)\n".utf8).write(to: place.appending(path: file))
            }
            return OSString(name)
        }
        // What holds the user anyway is no reason: the scope is below it, too.
        _ = try group(user, ["memory.max": "1073741824"])
        _ = try group(manager, ["cpu.max": "50000 100000"])
        _ = try group("\(manager)/app.slice")
        for name in [
            "\(user)/session-1.scope", "\(manager)/app.slice/a.scope", "\(manager)/app.slice/a.scope/sub", manager,
        ] {
            #expect(
                try host.tie(try group(name, name == manager ? ["cpu.max": "50000 100000"] : [:])) == nil,
                "\(name)"
            )
        }
        for name in ["\(manager)/app.slice/a.service", "\(manager)/app.slice/a.service/sub", "/system.slice/a.service"]
        {
            #expect(
                try host.tie(try group(name)) == "the caller runs in a.service, and what stops that is to stop the job"
            )
        }
        // A service that has divided its group calls the parts as it likes; another user's manager is a service of the system's.
        let other = geteuid() + 1
        for (name, unit) in [
            ("\(manager)/app.slice/foo.service/x.scope", "foo.service"),
            ("/system.slice/foo.service/x.scope/p", "foo.service"),
            ("/system.slice/foo.service/deep/er/x.scope", "foo.service"),
            ("/user.slice/user-\(other).slice/user@\(other).service/app.slice/x.scope", "user@\(other).service"),
        ] {
            #expect(
                try host.tie(try group(name)) == "the caller runs in \(unit), and what stops that is to stop the job"
            )
        }
        for (file, text, line) in [
            ("memory.max", "1048576", "1048576"), ("memory.high", "0", "0"), ("cpu.max", "1000 100000", "1000 100000"),
            ("memory.swap.max", "0", "0"), ("cpuset.cpus", "0-1", "0-1"), ("cpuset.mems", "0", "0"),
            (
                "io.max", "8:0 rbps=1048576 wbps=max riops=max wiops=max",
                "8:0 rbps=1048576 wbps=max riops=max wiops=max"
            ),
            ("cpu.idle", "1", "1"), ("cpu.weight", "99", "99"), ("io.weight", "default 50", "default 50"),
            ("io.weight", "default 100\n8:0 10", "8:0 10"), ("io.weight", "strange", "strange"),
        ] {
            let name = try group("\(manager)/app.slice/\(file).scope", [file: text])
            let words =
                "\(folder.path)\(name)/\(file) is \(line), which holds the caller and would not hold the job elsewhere"
            #expect(try host.tie(name) == words)
            #expect(try host.tie(try group("\(name)/below")) == words)
        }
        // More than others have is no limit.
        let favoured = ["cpu.weight": "101", "io.weight": "default 200\n8:0 100", "pids.max": "3"]
        #expect(try host.tie(try group("\(manager)/app.slice/favoured.scope", favoured)) == nil)
        // Without a controller there is no file of it.
        try FileManager.default.createDirectory(
            at: folder.appending(path: "\(user)/b.scope"),
            withIntermediateDirectories: true
        )
        #expect(try host.tie(OSString("\(user)/b.scope")) == nil && host.tie("/") == nil)
    }
}
