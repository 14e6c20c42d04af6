/// A folder's path as people and clients are shown it.
public enum WrittenPath {
    /// Without what leads nowhere: `.` components, double slashes, one at the end.
    ///
    /// `./workspaces` becomes `workspaces`, as the original's `pathlib` writes it: clients compare the words.
    public static func plain(_ path: String) -> String {
        let parts = path.split(separator: "/").filter { $0 != "." }.joined(separator: "/")
        return path.hasPrefix("/") ? "/" + parts : parts.isEmpty ? "." : parts
    }

    /// `name` directly in `folder`, both plain.
    public static func path(of name: String, in folder: String) -> String {
        switch plain(folder) {
        case ".": name
        case "/": "/" + name
        case let folder: folder + "/" + name
        }
    }
}
