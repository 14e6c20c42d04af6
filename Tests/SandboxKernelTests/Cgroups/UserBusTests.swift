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
            let all = ["memory.max": "max", "memory.high": "max", "cpu.max": "max 100000"].merging(files) { $1 }
            for (file, text) in all { try Data("\(text)\n".utf8).write(to: place.appending(path: file)) }
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
        for (file, value) in [("memory.max", "1048576"), ("memory.high", "0"), ("cpu.max", "1000 100000")] {
            let name = try group("\(manager)/app.slice/\(file).scope", [file: value])
            let words =
                "\(folder.path)\(name)/\(file) is \(value), which holds the caller and would not hold the job elsewhere"
            #expect(try host.tie(name) == words)
            #expect(try host.tie(try group("\(name)/below")) == words)
        }
        // Without a controller there is no file of it.
        try FileManager.default.createDirectory(
            at: folder.appending(path: "\(user)/b.scope"),
            withIntermediateDirectories: true
        )
        #expect(try host.tie(OSString("\(user)/b.scope")) == nil && host.tie("/") == nil)
    }
}
