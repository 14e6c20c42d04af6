import Foundation
import SandboxKernel
import SandboxPlan
import Testing

@testable import SandboxRuntime

/// Whose a process is, by its parents; over folders that look as a `/proc` does.
@Suite final class PlaceLookTests {
    private let scratch: ScratchFolder
    private let proc: OwnedFileDescriptor
    private static let first: UInt64 = 50

    init() throws {
        scratch = try ScratchFolder()
        proc = try FileReading.folder(OSString(scratch.path))
    }

    private func put(_ process: UInt64, below parent: UInt64) throws {
        let folder = URL(fileURLWithPath: "\(scratch.path)/\(process)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try Data("Name:\tx\nPPid:\t\(parent)\n".utf8).write(to: folder.appendingPathComponent("status"))
    }

    private func look(most: Int = PlaceLook.most) -> PlaceLook {
        PlaceLook(.init(device: 1, inode: 2, first: Self.first), below: proc.number, most: most)
    }

    private func isMember(_ process: UInt64, _ look: inout PlaceLook) -> Bool {
        look.descends(process, from: Self.first)
    }

    @Test func theParentsTell() throws {
        try put(1, below: 0)
        for (process, parent) in [(50, 40), (40, 1), (51, 50), (52, 51), (60, 40), (61, 60), (70, 0), (71, 70)]
            as [(
                UInt64, UInt64
            )]
        { try put(process, below: parent) }
        var look = look()
        for process: UInt64 in [50, 51, 52] { #expect(isMember(process, &look)) }
        // The container's first, the launcher, others of it, one from outside of it, and one that has ended.
        for process: UInt64 in [1, 40, 60, 61, 70, 71, 99] { #expect(!isMember(process, &look)) }
    }

    /// Each process is asked once in a pass, however long its chain is and in whatever order they come.
    @Test(arguments: [true, false]) func aLongChainCostsNoMoreThanItsLength(isPlaces: Bool) throws {
        let count: UInt64 = 1200
        try put(40, below: 1)
        try put(Self.first, below: 40)
        for index in 0..<count { try put(100 + index, below: index > 0 ? 99 + index : isPlaces ? Self.first : 40) }
        for order in [Array(0..<count), Array((0..<count).reversed())] {
            var look = look()
            for index in order where isMember(100 + index, &look) != isPlaces { Issue.record("\(index)") }
            #expect((count...count + 1).contains(UInt64(look.questions)))
        }
    }

    /// Whoever is left over counts: nobody stays out of the sum by making the look long.
    @Test func whatIsNotAskedCounts() throws {
        try put(40, below: 1)
        for index: UInt64 in 0..<20 { try put(100 + index, below: index > 0 ? 99 + index : 40) }
        var few = look(most: 10)
        #expect(isMember(119, &few) && isMember(100, &few) && few.questions == 10)
        var all = look()
        #expect(!isMember(119, &all) && !isMember(100, &all))
    }

    /// A circle cannot be, but of numbers that are given out again while one looks.
    @Test func aCircleEnds() throws {
        try put(60, below: 61)
        try put(61, below: 60)
        var look = look()
        #expect(isMember(60, &look) && look.questions == PlaceLook.most)
    }

    /// Who has lost its parent is asked again for the new one, and the others on the way go on from there.
    @Test func aParentThatHasEndedIsNoVerdict() throws {
        try put(60, below: 59)
        try put(61, below: 60)
        let path = scratch.path
        let mender = Thread {
            while !FileManager.default.fileExists(atPath: path + "/60/status") {}
            // In one step, as the kernel does it.
            try? Data("PPid:\t50\n".utf8).write(to: URL(fileURLWithPath: path + "/60/new"))
            _ = rename(path + "/60/new", path + "/60/status")
        }
        mender.start()
        var look = look(most: .max)
        #expect(isMember(61, &look))
        #expect(isMember(60, &look))
    }

    /// In the `/proc` of a place alone everybody is the place's.
    @Test func withoutANamespaceEverybodyCounts() {
        var look = PlaceLook(nil, below: proc.number)
        #expect(look.contains("99") && look.questions == 0)
    }
}
