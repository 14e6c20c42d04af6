import Glibc
import SandboxAPI
import SandboxPlan

/// The folder of the server's data (`--data-dir`), which is made where it is missing, for its owner only.
struct DataFolder {
    /// The settings that nobody else says, as absolute paths.
    let settings: [String: String]

    init(_ given: OSString) throws(ServeError) {
        let path = try SettingsFile.absolute(given.description, of: "--data-dir")
        guard let text = path.utf8 else { throw ServeError("--data-dir \(path) is not UTF-8; name another folder") }
        try DataFolder.make(path)
        settings = DataFolder.settings(of: text)
    }

    static func settings(of path: String) -> [String: String] {
        [
            SettingName.databaseURL.rawValue: "sqlite:///\(path)/codex.db",
            SettingName.workspaceRoot.rawValue: "\(path)/workspaces",
        ]
    }

    /// Any folder, made so.
    static func made(_ path: OSString) throws(ServeError) -> OSString {
        try make(path)
        return path
    }

    /// With the folders on the way, which only their owner may enter either.
    private static func make(_ path: OSString) throws(ServeError) {
        if CString.with(path, { mkdir($0, 0o700) }) == 0 { return }
        switch errno {
        case EEXIST: return
        case ENOENT where path != "/":
            try make(path.parent)
            guard CString.with(path, { mkdir($0, 0o700) }) == 0 || errno == EEXIST else { throw failure(path, errno) }
        case let code: throw failure(path, code)
        }
    }

    private static func failure(_ path: OSString, _ code: Int32) -> ServeError {
        ServeError("--data-dir: \(path) cannot be made: \(ErrnoName.described(code)); name a folder below your home")
    }
}
