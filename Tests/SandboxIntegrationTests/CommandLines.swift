import Foundation
import SandboxTestSupport

/// Command lines of the host, looked at again and again while something runs.
final class CommandLines {
    private let word: String
    private let root: Int32
    private(set) var looks = 0
    /// Processes in whose command line the word stood.
    private(set) var found: Set<Int32> = []
    /// How often a worker of the server below the root was among those looked at.
    private(set) var workers = 0

    init(_ word: String, below root: Int32) {
        self.word = word
        self.root = root
    }

    func look() throws {
        looks += 1
        found.formUnion(try HostProcesses.mentioning(word))
        let named = try HostProcesses.mentioning("codex-sandbox-worker\0minimal\0")
        if !named.isEmpty, !Set(named).isDisjoint(with: try HostProcesses.descendants(of: root)) { workers += 1 }
    }
}
