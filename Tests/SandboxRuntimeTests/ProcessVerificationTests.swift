import Foundation
import Glibc
import SandboxPlan
import Testing

@testable import SandboxRuntime

/// What is compared of a gated worker, tried on this very process: what fits agrees, and one thing that is off does not.
@Suite struct ProcessVerificationTests {
    private func observations(parent: Int32, namespaces: [OSString]? = nil) throws -> [String: Bool] {
        // The gate's place; whatever is open there will do.
        let file = open("/dev/null", O_RDONLY)
        defer { close(file) }
        let verification = try ProcessVerification(plan: SampleLaunch.plan, host: SampleLaunch.host)
        var findings = Findings()
        let files = try ProcessFiles(pid: getpid())
        try verification.verifyInherited(files, namespaces: namespaces ?? verification.hostNamespaces, &findings)
        let report = [Int64](repeating: 0, count: 16)
        let inside = try verification.verifyProcess(files, report, parent: parent, stdio: [], &findings)
        #expect(inside == "\(getpid())")
        return Dictionary(findings.observations.map { ($0.field, $0.agrees) }) { $0 && $1 }
    }

    @Test func parentIsComparedWithPidOne() throws {
        #expect(try observations(parent: getppid())["PPid of worker"] == true)
        #expect(try observations(parent: getppid() + 1)["PPid of worker"] == false)
    }

    @Test func everyNamespaceMustBeTheOneOfPidOne() throws {
        let kinds = ProcessVerification.NamespaceKind.allCases
        let same = try observations(parent: getppid())
        for kind in kinds { #expect(same["ns/\(kind.rawValue) of worker"] == true) }
        let others = [OSString](repeating: "mnt:[1]", count: kinds.count)
        let different = try observations(parent: getppid(), namespaces: others)
        for kind in kinds { #expect(different["ns/\(kind.rawValue) of worker"] == false) }
    }

    @Test func filterThatRefusesNothingIsNoticed() throws {
        let found = try observations(parent: getppid())
        #expect(found["clone3"] == false && found["fchmod to a set-id mode"] == false)
    }

    /// Whoever waits for an exec as vfork(2) does may be told of it while the old memory can still be read.
    @Test func theEnvironmentIsReadAgainUntilTheExecIsOver() throws {
        #expect(try isEmpty("time.sleep(0.3); os.execve('/bin/sleep', ['sleep', '600'], {})", 600_000))
        // Control: one that stays is a difference.
        #expect(try !isEmpty("time.sleep(600)", 50))
    }

    /// Whether a process of this program is found to have no environment, for so many milliseconds at most.
    private func isEmpty(_ program: String, _ patience: UInt64) throws -> Bool {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/python3")
        process.arguments = ["-c", "import os, time; os.write(1, b'.'); " + program]
        process.environment = ["A": "1"]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        defer {
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
        }
        // Its own exec is over.
        try #require(try output.fileHandleForReading.read(upToCount: 1)?.count == 1)
        var plan = SampleLaunch.plan
        plan.limits.setUp = TimeSpan(milliseconds: patience)
        var findings = Findings()
        try ProcessVerification.verifyEnvironment(ProcessFiles(pid: process.processIdentifier), for: plan, &findings)
        return findings.observations.allSatisfy(\.agrees)
    }
}
