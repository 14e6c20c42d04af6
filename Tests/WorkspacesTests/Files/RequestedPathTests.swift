import Fuzzing
import SandboxPlan
import Testing
import Workspaces

@Suite struct RequestedPathTests {
    private func path(_ text: String) throws(WorkspaceError) -> String {
        try RequestedPath(percentEncoded: text.utf8).path.description
    }

    @Test(
        arguments: [
            ("app.py", "app.py"), ("tests/test_cli.py", "tests/test_cli.py"),
            (".codex/result.json", ".codex/result.json"),
            (".hidden", ".hidden"), ("a%20b", "a b"), ("a+b", "a+b"), ("%61pp.py", "app.py"), ("a//b", "a/b"),
            ("./a", "a"), ("a/./b", "a/b"), ("tests%2Ftest_cli.py", "tests/test_cli.py"),
            ("%252e%252e%252fx", "%2e%2e%2fx"),
            ("...", "..."), ("..a", "..a"), ("a..", "a.."), ("C:", "C:"), ("C:x", "C:x"), ("é", "é"), ("%C3%A9", "é"),
            ("x/C:/y", "x/C:/y"), ("a:b", "a:b"), ("1:/x", "1:/x"), ("~root", "~root"),
        ]
    )
    func relativePathsAreDecodedOnce(encoded: String, decoded: String) throws {
        #expect(try path(encoded) == decoded)
    }

    @Test(
        arguments: [
            "/etc/passwd", "//etc/passwd", "//x", "%2Fetc%2Fpasswd", "%2fetc/passwd", "..", "../x", "../../etc/passwd",
            "a/../../x", "tests/../app.py", "a/..", "%2e%2e/x", "%2E%2E%2Fx", "..%2fx", ".%2e/x", "C:\\Windows",
            "C:/Windows", "c%3A%5CWindows", "C%3A%5Cx", "C%3a/x", "\\\\server\\share", "%5C%5Cserver%5Cshare",
            "%5c%5c", "a%00", "%00", "a%00/../x", "%", "%2", "a%zz", "%g0", "%%41", "./../x", "a/%2e%2e/b",
        ]
    )
    func whatLeadsOutOrMeansNothingIsInvalid(encoded: String) {
        #expect(kind { () throws(WorkspaceError) in _ = try path(encoded) } == .invalidPath)
    }

    @Test(arguments: ["", ".", "./", "a/", "a/b/", "a/.", "./.", "a%2F"])
    func aFolderIsNoFile(encoded: String) {
        #expect(kind { () throws(WorkspaceError) in _ = try path(encoded) } == .noFile)
    }

    @Test func aSingleBackslashIsPartOfAName() throws {
        #expect(try RequestedPath(percentEncoded: "..\\x".utf8).path == "..\\x")
        #expect(try RequestedPath(percentEncoded: "\\etc".utf8).path == "\\etc")
        #expect(try RequestedPath(percentEncoded: "..%5C..%5Cx".utf8).path == "..\\..\\x")
    }

    @Test func bytesThatAreNoTextAreBytesOfAName() throws {
        #expect(try RequestedPath(percentEncoded: "%FF%FE".utf8).path.bytes == [0xFF, 0xFE])
        // Overlong forms of `.` and `/`: bytes, and nothing that leads anywhere.
        let overlong = try RequestedPath(percentEncoded: "%C0%AE%C0%AE%C0%AFetc".utf8)
        #expect(overlong.path.bytes == [0xC0, 0xAE, 0xC0, 0xAE, 0xC0, 0xAF] + Array("etc".utf8))
        #expect(OSString([0xFF, 0x2F, 0x61, 0x20]).percentEncoded == "%FF/a%20")
    }

    @Test func lengthsHaveTheKernelsBounds() throws {
        let name = String(repeating: "n", count: 255)
        #expect(try path(name) == name)
        #expect(kind { () throws(WorkspaceError) in _ = try path(name + "n") } == .noFile)
        let deep = Array(repeating: "d", count: 2048).joined(separator: "/")
        #expect(deep.utf8.count == 4095)
        #expect(try path(deep) == deep)
        #expect(kind { () throws(WorkspaceError) in _ = try path(deep + "x/y") } == .noFile)
        #expect(kind { () throws(WorkspaceError) in _ = try path(String(repeating: "a/", count: 50_000)) } == .noFile)
        #expect(kind { () throws(WorkspaceError) in _ = try path(String(repeating: "a", count: 100_000)) } == .noFile)
    }

    /// Whatever comes in, what comes out names something below the folder and nothing else.
    @Test func noInputMakesAPathThatLeadsOut() {
        let seeds = ["app.py", "tests/../app.py", "%2e%2e/%2Fetc", "C:\\x", "\\\\s\\h", "a//b/./c", "%FF%00"]
        var fuzzing = Fuzzing(
            seeds.map { Array($0.utf8) },
            words: ["..", "/", "%2f", "%2e", "%00", "\\", "C:", "%", "./", "%25"],
            lengthLimit: 20_000
        )
        let tally = fuzzing.run { input in
            do throws(WorkspaceError) {
                let path = try RequestedPath(percentEncoded: input).path
                let names = path.bytes.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
                #expect(!path.isEmpty && path.bytes.count <= 4095 && !path.bytes.contains(0))
                #expect(
                    names.allSatisfy { !$0.isEmpty && $0.count <= 255 && Array($0) != [46] && Array($0) != [46, 46] }
                )
                // What it says it is, is asked for in a URL in its own form.
                #expect(try RequestedPath(percentEncoded: path.percentEncoded.utf8).path == path)
                return true
            } catch {
                #expect(error.kind == .invalidPath || error.kind == .noFile)
                return false
            }
        }
        #expect(tally.taken > 20 && tally.refused > 20)
    }
}
