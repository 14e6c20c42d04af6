import Foundation
import Glibc
import SandboxPlan
import Testing
import Workspaces

@Suite struct ArchiveTests {
    private func bytes(_ folder: ProjectFolder, _ max: Int) throws -> [UInt8] {
        let archive = try folder.archive()
        var bytes: [UInt8] = []
        while true {
            let piece = try archive.next(max: max)
            #expect(piece.count <= max)
            if piece.isEmpty { break }
            bytes += piece
        }
        #expect(try archive.next(max: max).isEmpty)
        return bytes
    }

    private func fill(_ fixture: FilesFixture) throws {
        fixture.make("d")
        fixture.make("empty")
        try fixture.put("print()\n", "app.py")
        try fixture.put(String(repeating: "x", count: 512), "block")
        try fixture.put("", "nothing")
        try fixture.put("é", "d/é ü\n\"quoted\"")
        let long = String(repeating: "l", count: 200)
        fixture.make(long)
        try fixture.put("long", "\(long)/\(long)")
        try fixture.put("#!/bin/sh\n", "script")
        #expect(chmod(fixture.path + "/script", 0o4755) == 0)
        fixture.link("app.py", "link")
        fixture.link("../app.py", "d/up")
        fixture.link("gone", "dangling")
        fixture.link("\(long)/\(long)", "to-long")
        FilesFixture.run("touch -d '1960-01-02 03:04:05.25 UTC' '\(fixture.path)/nothing'")
    }

    @Test func tarAndPythonUnpackWhatIsThere() throws {
        let fixture = try FilesFixture()
        try fill(fixture)
        let archive = try bytes(fixture.folder, 1000)
        #expect(archive.count % 512 == 0)
        #expect(try bytes(fixture.folder, 7) == archive)
        #expect(try bytes(fixture.folder, 1 << 20) == archive)
        try FilesFixture.write(archive, fixture.base + "/a.tar")
        let script = """
            set -e; cd '\(fixture.base)'; mkdir gnu python
            tar -xf a.tar -C gnu 2> gnu.err; if grep -v 'implausibly old time stamp 1960' gnu.err; then exit 1; fi
            # The filter came with 3.11.4.
            python3 -c 'import tarfile; tarfile.open("a.tar").extractall("python", **(
                {"filter": "data"} if hasattr(tarfile, "data_filter") else {}))'
            diff -r --no-dereference workspaces/p gnu; diff -r --no-dereference workspaces/p python
            test "$(stat -c %Y.%y gnu/app.py)" = "$(stat -c %Y.%y workspaces/p/app.py)"
            test "$(stat -c %Y gnu/nothing)" = "$(stat -c %Y workspaces/p/nothing)"
            test "$(stat -c %a gnu/script)" = 755
            test "$(readlink gnu/d/up)" = ../app.py
            test -d gnu/empty -a -d gnu/.codex
            """
        #expect(FilesFixture.run(script) == 0)
    }

    @Test func namesAreInTheOrderOfTheirBytes() throws {
        let fixture = try FilesFixture()
        try fill(fixture)
        try FilesFixture.write(try bytes(fixture.folder, 4096), fixture.base + "/a.tar")
        let script = """
            import tarfile
            names = [m.name for m in tarfile.open('\(fixture.base)/a.tar')]
            assert names == sorted(names, key=lambda n: n.encode()), names
            assert len(names) == 14, names
            assert all(m.uid == 0 and m.gid == 0 for m in tarfile.open('\(fixture.base)/a.tar'))
            """
        #expect(FilesFixture.run("python3 -c \"\(script)\"") == 0)
    }

    @Test func whatLeadsOutIsNamedAndNotThere() throws {
        let fixture = try FilesFixture()
        fixture.make("d")
        fixture.link("../../secret", "out")
        fixture.link("/etc/passwd", "absolute")
        fixture.link("gone/../../../etc", "lexically-out")
        fixture.link("../../p/app.py", "d/out-and-in")
        fixture.link("loop", "loop")
        try fixture.put("x", "app.py")
        #expect(mkfifo(fixture.path + "/fifo", 0o644) == 0)
        try FilesFixture.write(try bytes(fixture.folder, 4096), fixture.base + "/a.tar")
        let script = """
            set -e; cd '\(fixture.base)'; mkdir out; tar -xf a.tar -C out
            test "$(ls -A out | tr '\\n' ' ')" = '.codex .codex-sandbox-omitted app.py d loop '
            test -z "$(ls -A out/d)"
            cat out/.codex-sandbox-omitted
            """
        #expect(FilesFixture.run(script) == 0)
        let list = try String(
            decoding: Data(contentsOf: URL(fileURLWithPath: fixture.base + "/out/.codex-sandbox-omitted")),
            as: UTF8.self
        )
        let lines = list.split(separator: "\n")
        #expect(
            lines.map { $0.split(separator: ":")[0] } == [
                "absolute", "d/out-and-in", "fifo", "lexically-out", "out",
            ]
        )
    }

    @Test func aFolderOfTheListsNameIsLeftOut() throws {
        let fixture = try FilesFixture()
        fixture.make(".codex-sandbox-omitted")
        try fixture.put("x", ".codex-sandbox-omitted/file")
        try FilesFixture.write(try bytes(fixture.folder, 4096), fixture.base + "/a.tar")
        #expect(
            FilesFixture.run(
                "cd '\(fixture.base)' && mkdir o && tar -xf a.tar -C o && test -f o/.codex-sandbox-omitted"
            ) == 0
        )
    }

    @Test func aFileThatChangesWhileItIsReadKeepsItsSize() throws {
        let fixture = try FilesFixture()
        for (size, other) in [(100_000, 10), (1000, 100_000)] {
            try fixture.put(String(repeating: "s", count: size), "file")
            try fixture.put("after", "zz")
            let archive = try fixture.folder.archive()
            // .codex, and the first bytes of the file.
            var bytes = try archive.next(max: 3000)
            #expect(truncate(fixture.path + "/file", off_t(other)) == 0)
            while true {
                let piece = try archive.next(max: 3000)
                if piece.isEmpty { break }
                bytes += piece
            }
            try FilesFixture.write(bytes, fixture.base + "/a.tar")
            let script = """
                cd '\(fixture.base)' && rm -rf o && mkdir o && tar -xf a.tar -C o &&
                test "$(stat -c %s o/file)" = \(size) && test "$(cat o/zz)" = after
                """
            #expect(FilesFixture.run(script) == 0)
        }
    }

    /// Names, sizes and times beyond what a plain header holds.
    @Test func largeFilesAndOtherBytesHaveTheirRecords() throws {
        let fixture = try FilesFixture()
        try fixture.put("", "huge")
        #expect(truncate(fixture.path + "/huge", 9 << 30) == 0)
        FilesFixture.run("cd '\(fixture.path)' && touch \"$(printf 'a\\377b')\" && ln -s huge \"$(printf 'l\\377')\"")
        let archive = try fixture.folder.archive()
        // All before the contents of `huge`; nobody waits for nine gibibytes of zeros.
        let head = try archive.next(max: 8192)
        try FilesFixture.write(head, fixture.base + "/a.tar")
        let script = """
            import tarfile
            t = tarfile.open('\(fixture.base)/a.tar')
            names = []
            for i in range(3):
                m = t.next(); names.append((m.name.encode('utf-8', 'surrogateescape'), m.size))
            assert names == [(b'.codex', 0), (b'a\\xffb', 0), (b'huge', 9 << 30)], names
            """
        #expect(FilesFixture.run("python3 - <<'END'\n\(script)\nEND") == 0)
    }
}
