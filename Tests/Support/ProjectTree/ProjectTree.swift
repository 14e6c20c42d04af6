public import Foundation

/// Where the project's files are while tests run.
///
/// A test bundle knows the path at which it was compiled. In a copy of the tree that path is another's, or closed to whoever
/// runs the tests; `CODEX_SANDBOX_TREE` says where the copy is.
public enum ProjectTree {
    /// The file that was compiled as `path`, which `#filePath` says.
    public static func url(_ path: String) -> URL {
        guard let copy = ProcessInfo.processInfo.environment["CODEX_SANDBOX_TREE"], path.hasPrefix(compiled) else {
            return URL(fileURLWithPath: path)
        }
        return URL(fileURLWithPath: copy + path.dropFirst(compiled.count))
    }

    private static let compiled = {
        var url = URL(fileURLWithPath: #filePath)
        for _ in 0..<4 { url.deleteLastPathComponent() }
        return url.path
    }()
}
