// What the sources under test name of others, which no input reaches.

struct LinkedRecord {
    func withPieces(_ body: ([UInt8], [UInt8], [UInt8]) -> [UInt8]) -> [UInt8] { body([], [], []) }
}

public struct WorkspaceError: Error, Hashable, Sendable {
    public enum Kind: Hashable, Sendable {
        case noProject, noJob, noFile, invalidPath, unknownPolicy, conflict, noPage, tooMuch, unavailable, fault
    }

    public var kind: Kind

    static func invalidPath(_ detail: String) -> WorkspaceError { WorkspaceError(kind: .invalidPath) }
    static func noFile(_ detail: String) -> WorkspaceError { WorkspaceError(kind: .noFile) }
}

/// The words of `status`, of which only the number matters here.
enum WorkspaceAPI {
    static let statuses = ["completed", "error"]
}
