import Testing
import Workspaces

@Suite struct WrittenPathTests {
    /// What Python's `str(Path(folder) / name)` says, which the original answers with (ORC-03).
    @Test(arguments: [
        ("./workspaces", "workspaces/id"), ("workspaces", "workspaces/id"), ("workspaces/", "workspaces/id"),
        ("././a/./b//c/.", "a/b/c/id"), ("../x", "../x/id"), (".", "id"), ("./", "id"), ("", "id"),
        ("//srv/x", "//srv/x/id"), ("//srv//x/./", "//srv/x/id"), ("///srv/x", "/srv/x/id"), ("////srv", "/srv/id"),
        ("//", "//id"), ("//.", "//id"), ("///", "/id"), ("/srv/w", "/srv/w/id"), ("/srv/./w/", "/srv/w/id"),
        ("/", "/id"), ("/.", "/id"),
        (".hidden", ".hidden/id"), ("./.hidden/..x", ".hidden/..x/id"), ("a/../b", "a/../b/id"),
    ])
    func clientsSeeItAsTheOriginalWritesIt(folder: String, path: String) {
        #expect(WrittenPath.path(of: "id", in: folder) == path)
        #expect(WrittenPath.path(of: "id", in: WrittenPath.plain(folder)) == path)
    }
}
