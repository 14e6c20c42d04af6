import Foundation
import Glibc
import SandboxPlan
import Testing

@testable import SandboxRuntime

/// The folder of compiled policies has room for so many, and the oldest go.
@Suite struct PolicyCacheRoomTests {
    @Test func theOldestGoAndNothingElse() throws {
        let scratch = try ScratchFolder()
        let folder = scratch.path("policies")
        try FileManager.default.createDirectory(atPath: folder + "/folder", withIntermediateDirectories: true)
        let number = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        try #require(number >= 0)
        defer { close(number) }
        func add(_ index: Int) throws {
            let path = folder + "/\(index)"
            try Data([1]).write(to: URL(filePath: path))
            let times = [timespec(tv_sec: index, tv_nsec: 0), timespec(tv_sec: 1_000_000 + index, tv_nsec: 0)]
            try #require(utimensat(AT_FDCWD, path, times, 0) == 0)
        }
        func names() throws -> Set<String> { Set(try FileManager.default.contentsOfDirectory(atPath: folder)) }
        for index in 0..<PolicyCacheRoom.most { try add(index) }
        PolicyCacheRoom.make(in: number, "policies")
        #expect(try names().count == PolicyCacheRoom.most + 1)
        try add(PolicyCacheRoom.most)
        PolicyCacheRoom.make(in: number, "policies")
        let left = try names()
        #expect(left.count == 193 && left.contains("folder"))
        #expect(
            left.contains("\(PolicyCacheRoom.most)") && !left.contains("0") && !left.contains("64")
                && left.contains("65")
        )
    }
}
