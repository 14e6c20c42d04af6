internal import SandboxRuntime
internal import WorkspaceStore

extension StoredTime {
    /// ISO 8601 in UTC without a zone, as the original writes it: six digits of a second, or none where they are all zero.
    var naiveText: String {
        // `2026-01-31T09:05:00.000250Z`
        let text = Timestamp(microseconds: UInt64(max(0, microseconds))).description.utf8.dropLast()
        let kept = max(0, microseconds) % 1_000_000 == 0 ? text.dropLast(7) : text
        return String(decoding: Array(kept), as: UTF8.self)
    }
}
