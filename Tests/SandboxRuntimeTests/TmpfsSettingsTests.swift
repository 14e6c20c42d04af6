import Foundation
import SandboxKernel
import SandboxPlan
import Testing

@testable import SandboxRuntime

/// A tmpfs that may hold more than planned, or less, is another one.
@Suite struct TmpfsSettingsTests {
    private static func entry(_ settings: String) throws -> MountEntry {
        let line = "36 35 0:80 / /tmp rw,nosuid,nodev - tmpfs tmpfs \(settings)\n"
        return try #require(MountTable(parsing: Array(line.utf8))?.entries.first)
    }

    @Test(arguments: [
        ("rw,size=1048576k,nr_inodes=100000,uid=1000,gid=1000", true),
        ("rw,size=1048576k,nr_inodes=100000,mode=1777", true),
        ("rw,size=1048580k,nr_inodes=100000", false), ("rw,size=1048576k,nr_inodes=100001", false),
        ("rw,size=1048576k,nr_inodes=100000,mode=755", false), ("rw,nr_inodes=100000", false),
        ("rw,size=1048576k", false), ("rw", false), ("rw,xsize=1048576k,nr_inodes=100000", false),
    ])
    func sizeInodesAndModeAreThePlans(settings: String, agrees: Bool) throws {
        #expect(TmpfsSettings.agree(try Self.entry(settings), .gibibytes(1), 100_000, 0o1777) == agrees)
    }

    @Test func aSizeIsOfWholePages() throws {
        #expect(
            TmpfsSettings.agree(try Self.entry("rw,size=8k,nr_inodes=9,mode=700"), ByteCount(bytes: 4097), 9, 0o700)
        )
        #expect(
            !TmpfsSettings.agree(try Self.entry("rw,size=4k,nr_inodes=9,mode=700"), ByteCount(bytes: 4097), 9, 0o700)
        )
    }

    /// What the kernel does not show is its default: of this machine, half of the memory.
    @Test func whatIsNotShownIsTheDefault() throws {
        let half = try #require(HostMemory.halfOfThePages)
        #expect(TmpfsSettings.agree(try Self.entry("rw"), ByteCount(bytes: half * 4096), half, 0o1777))
        #expect(!TmpfsSettings.agree(try Self.entry("rw"), ByteCount(bytes: half * 4096 + 4096), half, 0o1777))
    }

    private enum HostMemory {
        static var halfOfThePages: UInt64? {
            guard let text = try? String(contentsOfFile: "/proc/meminfo", encoding: .utf8),
                let line = text.split(separator: "\n").first(where: { $0.hasPrefix("MemTotal:") }),
                let kibibytes = line.split(separator: " ").compactMap({ UInt64($0) }).first
            else { return nil }
            return kibibytes / 4 / 2
        }
    }
}
