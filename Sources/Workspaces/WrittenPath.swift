/// A folder's path as people and clients are shown it.
public enum WrittenPath {
    /// Without what leads nowhere: `.` components, double slashes, one at the end.
    ///
    /// `./workspaces` becomes `workspaces`, as the original's `pathlib` writes it: clients compare the words. Just two slashes at the
    /// beginning stay, as there: what they mean is left to the system (POSIX, pathname resolution).
    public static func plain(_ path: String) -> String {
        let parts = path.split(separator: "/").filter { $0 != "." }.joined(separator: "/")
        switch path.prefix(while: { $0 == "/" }).count {
        case 0: return parts.isEmpty ? "." : parts
        case 2: return "//" + parts
        case _: return "/" + parts
        }
    }

    /// `name` directly in `folder`, both plain.
    public static func path(of name: String, in folder: String) -> String {
        switch plain(folder) {
        case ".": name
        case "/": "/" + name
        case "//": "//" + name
        case let folder: folder + "/" + name
        }
    }
}
