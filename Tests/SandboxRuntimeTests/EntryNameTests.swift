import Foundation
import ProjectTree
import SandboxPlan
import Testing

@testable import SandboxRuntime

/// readdir(3) gives as many bytes of an entry as its name has, not as many as `dirent` says.
@Suite struct EntryNameTests {
    /// At the end of what may be read: one byte more would be a fault.
    @Test func nothingBehindTheNameIsRead() throws {
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        let memory = mmap(nil, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        let start = try #require(memory == MAP_FAILED ? nil : memory)
        defer { munmap(start, 2 * page) }
        try #require(mprotect(start + page, page, PROT_NONE) == 0)
        let name = Array("name".utf8) + [0]
        let offset = try #require(MemoryLayout<dirent>.offset(of: \.d_name))
        let entry = start + page - offset - name.count
        (entry + offset).copyMemory(from: name, byteCount: name.count)
        #expect(OSString(of: entry.assumingMemoryBound(to: dirent.self)) == "name")
    }

    /// Whoever names the field reads it whole, by a copy.
    @Test func nobodyElseReadsTheName() throws {
        let sources = ProjectTree.url(#filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "Sources").path
        let files = try #require(FileManager.default.enumerator(atPath: sources)).compactMap { $0 as? String }
            .filter { $0.hasSuffix(".swift") }
        #expect(files.count > 100)
        let readers = try files.filter {
            try String(contentsOfFile: "\(sources)/\($0)", encoding: .utf8).contains(".d_name")
        }
        #expect(readers == ["SandboxRuntime/OSString+Entry.swift"])
    }
}
