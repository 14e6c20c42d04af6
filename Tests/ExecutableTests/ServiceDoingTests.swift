import Foundation
import SandboxPlan
import SandboxRuntime
import ServiceManager
import Testing

@testable import codex_sandboxd

/// What `service` does with tools and files, one step at a time, with a systemctl of the test's own.
@Suite struct ServiceDoingTests {
    private func withFolder(_ body: (String) throws -> Void) throws {
        let made = FileManager.default.temporaryDirectory.appending(path: "service-doing-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: made, withIntermediateDirectories: true)
        defer { #expect(throws: Never.self) { try FileManager.default.removeItem(at: made) } }
        try body(made.resolvingSymlinksInPath().path(percentEncoded: false))
    }

    /// What the words behind `--user` and the like are does not matter: only `show` says something.
    private func manager(_ folder: String, _ script: String, lookTime: Int = ToolRun.lookTime) throws -> UserManager {
        let path = folder + "/systemctl"
        try "#!/bin/sh\n\(script)\n".write(toFile: path, atomically: false, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
        return UserManager(systemctl: path, lookTime: lookTime)
    }

    private func write(_ path: String, _ text: String) throws {
        try text.write(toFile: path, atomically: false, encoding: .utf8)
    }

    // MARK: - Tools

    /// Without the bound each of these would go on for an hour, or for ever.
    @Test func aToolThatDoesNotEndIsEnded() throws {
        let start = ContinuousClock.now
        for script in ["exec sleep 3600", "exec >&- 2>&-; exec sleep 3600", "echo x; exec sleep 3600"] {
            let error = #expect(throws: ServiceError.self) { try ToolRun.run("/bin/sh", ["-c", script], within: 1) }
            #expect(error?.text.contains("no answer in time") == true, "\(error?.text ?? "-")")
        }
        for redirection in ["", ">&2"] {
            let error = #expect(throws: ServiceError.self) {
                try ToolRun.run("/bin/sh", ["-c", "exec yes \(redirection)"], within: nil)
            }
            #expect(error?.text.contains("more than 1048576 bytes") == true, "\(error?.text ?? "-")")
        }
        try withFolder { folder in
            let asked = try manager(folder, "exec sleep 3600", lookTime: 1)
            let error = #expect(throws: ServiceError.self) { try asked.states() }
            #expect(error?.text.contains("/systemctl show gave no answer") == true, "\(error?.text ?? "-")")
        }
        #expect(ContinuousClock.now - start < .seconds(900))
    }

    @Test func whatEndsInTimeIsWhole() throws {
        let script = "head -c 1048576 /dev/zero; echo e >&2; exit 3"
        for seconds in [nil, 900] {
            let result = try ToolRun.run("/bin/sh", ["-c", script], within: seconds)
            #expect(result.output.utf8.count == 1 << 20 && result.errors == "e\n" && result.status == 3)
        }
        #expect(try ToolRun.run("/bin/sh", ["-c", "kill -9 $$"], within: 900).status == 137)
        // A stop has no bound: it takes as long as jobs have.
        try withFolder { folder in
            let asked = try manager(folder, "sleep 2", lookTime: 1)
            #expect(throws: Never.self) { try asked.run(["stop", "x"]) }
        }
    }
}
