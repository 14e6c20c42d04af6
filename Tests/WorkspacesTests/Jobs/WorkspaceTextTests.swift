import SandboxPlan
import Testing

@testable import Workspaces

/// Sentences for clients name what lies in the workspace as the client knows it.
@Suite struct WorkspaceTextTests {
    @Test(arguments: [
        ("/srv/w/1/.git/commondir leads elsewhere", ".git/commondir leads elsewhere"),
        ("a link in /srv/w/1: remove it", "a link in the workspace: remove it"),
        ("/srv/w/1", "the workspace"), ("/srv/w/1/", ""), ("/srv/w/12/x", "/srv/w/12/x"), ("/srv/w/1-2", "/srv/w/1-2"),
        ("1 of them outside /srv/w/1/.vscode, /srv/w/1/é", "1 of them outside .vscode, é"), ("", ""),
        ("/srv/w", "/srv/w"),
        ("no path", "no path"),
        (
            "the way to the workspace /srv/w/1 leads through a symbolic link",
            "the way to the workspace leads through a symbolic link"
        ),
        ("the workspace /srv/w/1 cannot be used", "the workspace cannot be used"),
        ("the working directory /srv/w/1 cannot be used", "the working directory cannot be used"),
        (
            "the working directory /srv/w/1/a is not in the workspace /srv/w/1",
            "the working directory a is not in the workspace"
        ),
        ("the workspace /srv/w/1, /srv/w/1", "the workspace, the workspace"),
        ("the workspace /srv/w/12 is denied", "the workspace /srv/w/12 is denied"),
    ])
    func pathsAreRelative(text: String, shown: String) {
        #expect(WorkspaceText.relative(text, to: "/srv/w/1") == shown)
    }

    /// By bytes, since one character may have any number of combining marks; never in the middle of a scalar.
    @Test(arguments: ["a", "é", "漢", "👍"], 0..<5)
    func aSummaryIsBoundedInBytes(scalar: String, shift: Int) {
        let marks = "a" + String(repeating: "\u{301}", count: 125_000)
        let cutMarks = WorkspaceText.summary(String(repeating: "x", count: shift) + marks)
        #expect(cutMarks.utf8.count <= 4096 && cutMarks.utf8.count > 4092)
        let text = String(repeating: "x", count: shift) + String(repeating: scalar, count: 5000)
        let cut = WorkspaceText.summary(text)
        #expect(cut.utf8.count <= 4096 && cut.utf8.count > 4096 - scalar.utf8.count)
        #expect(text.utf8.starts(with: cut.utf8) && !cut.unicodeScalars.contains("\u{FFFD}"))
        let short = String(repeating: "x", count: 4096)
        #expect(WorkspaceText.summary(short) == short && WorkspaceText.summary("") == "")
    }
}
