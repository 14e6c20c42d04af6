/// `commondir`: the folder that this file of a git folder names is where git takes settings and hooks from
/// (gitrepository-layout(5)).
///
/// Only a worktree's git folder has one. Whoever can make it in `.git` decides what git runs, whatever `.git/config` says.
public enum CommonFolder {
    public static let name: OSString = "commondir"
    /// Names the folder it lies in, which is what holds without it: harmless even where it stays behind.
    ///
    /// With the slash, because libgit2 joins the two paths as texts and finds no repository in `…/.git/.`.
    public static let own: [UInt8] = Array("./\n".utf8)
    /// What earlier versions left behind.
    public static let earlier: [UInt8] = Array(".\n".utf8)

    /// Of a `commondir` in a `.git` folder that says something else, or is no file.
    public static func refusal(_ path: OSString) -> Refusal {
        Refusal(
            stage: "plan",
            subject: path.description,
            message: "\(path) leads git to settings and hooks elsewhere, and git itself makes none there",
            remedy: "find out who made it, and remove it before you run git there",
            layer: .mounts
        )
    }
}
