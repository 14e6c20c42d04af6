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
    ])
    func pathsAreRelative(text: String, shown: String) {
        #expect(WorkspaceText.relative(text, to: "/srv/w/1") == shown)
    }
}
