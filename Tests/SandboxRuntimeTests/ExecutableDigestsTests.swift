import Foundation
import SandboxPlan
import Testing

@testable import SandboxRuntime

@Suite struct ExecutableDigestsTests {
    private let scratch: ScratchFolder
    private let digests: ExecutableDigests

    init() throws {
        scratch = try ScratchFolder()
        digests = ExecutableDigests(stateFolder: OSString(scratch.path("state")))
    }

    /// A file of root's that everybody has.
    private func program(_ path: String = "/usr/bin/env") throws -> WorkerExecutable {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        defer { close(file) }
        return try WorkerExecutable.observed(path: OSString(path), descriptor: file)
    }

    private func entry() throws -> String {
        let names = try FileManager.default.contentsOfDirectory(atPath: scratch.path("state/executables"))
        return scratch.path("state/executables/" + (try #require(names.first)))
    }

    @Test func whatWasComputedIsKnown() throws {
        let program = try program()
        #expect(digests.known(program) == nil)
        let content = SHA256.digest(Array(try Data(contentsOf: URL(filePath: "/usr/bin/env"))))
        #expect(digests.remembered(program) == content)
        #expect(digests.known(program) == content)
        let modes = try ["state", "state/executables", "entry"].map { name in
            let path = name == "entry" ? try entry() : scratch.path(name)
            return try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        }
        #expect(modes == [0o700, 0o700, 0o600])
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path("state/executables")).count == 1)
    }

    @Test(arguments: [0, 1, 2, 3, 4]) func anotherFileIsNotKnown(number: Int) throws {
        let program = try program()
        #expect(digests.remembered(program) != nil)
        var other = program
        switch number {
        case 0: other.device += 1
        case 1: other.inode += 1
        case 2: other.size += 1
        case 3: other.modified += 1
        default: other.changed -= 1
        }
        #expect(digests.known(other) == nil)
        #expect(digests.remembered(other) == nil, "the file at the path is not the one that is asked for")
    }

    @Test(arguments: ["", "x", "0", "\n", "much more than that"]) func damagedEntryIsIgnored(text: String) throws {
        let program = try program()
        #expect(digests.remembered(program) != nil)
        var bytes = try Data(contentsOf: URL(filePath: try entry()))
        bytes.removeLast(text.isEmpty ? 65 : 1)
        try (bytes + Data(text.utf8) + Data(text.isEmpty ? [UInt8](repeating: 0x67, count: 65) : []))
            .write(to: URL(filePath: try entry()))
        if text == "\n" {
            #expect(digests.known(program) != nil, "the control: this one is whole")
        } else {
            #expect(digests.known(program) == nil)
        }
    }

    @Test func entryThatOthersCouldReadOrThatIsALinkIsIgnored() throws {
        let program = try program()
        #expect(digests.remembered(program) != nil)
        let path = try entry()
        #expect(chmod(path, 0o644) == 0)
        #expect(digests.known(program) == nil)
        #expect(chmod(path, 0o600) == 0)
        #expect(digests.known(program) != nil)
        try FileManager.default.moveItem(atPath: path, toPath: path + ".away")
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: path + ".away")
        #expect(digests.known(program) == nil)
    }

    /// Its times prove nothing: a store through a mapping need not move them.
    @Test func fileThatSomebodyElseMayChangeIsNotRemembered() throws {
        let path = scratch.path("program")
        try Data("#!/bin/sh\n".utf8).write(to: URL(filePath: path))
        #expect(chmod(path, 0o777) == 0)
        Thread.sleep(forTimeInterval: 2.5)
        #expect(digests.remembered(try program(path)) == nil)
    }

    @Test(.enabled(if: getuid() == 0, "only root has files of root")) func newFileIsNotRemembered() throws {
        let path = scratch.path("program")
        try Data("#!/bin/sh\n".utf8).write(to: URL(filePath: path))
        #expect(chmod(path, 0o755) == 0)
        #expect(digests.remembered(try program(path)) == nil)
        Thread.sleep(forTimeInterval: 2.5)
        #expect(digests.remembered(try program(path)) != nil)
    }

    @Test func recordNamesTheWorkerItWasWrittenFor() throws {
        let opening = try JSONReader.value(in: SampleLaunch.start.bytes)
        var worker = try #require(SampleLaunch.context.worker)
        worker.sha256 = nil
        #expect(WorkerExecutable(recordedIn: opening) == worker)
        let other = try JSONReader.value(in: SampleLaunch.refusals[1].bytes)
        #expect(WorkerExecutable(recordedIn: other) == nil)
    }
}
