internal import SandboxPlan

/// Sentences of launches for clients: what lies in the workspace by its name there, not by the host's.
enum WorkspaceText {
    /// Bytes of what a job has said that are kept as a summary: lists of projects and jobs have them once more.
    static let summaryBytes = 4096

    /// The beginning of a text that a job has made, of `summaryBytes` at most, whole scalars.
    ///
    /// Not by characters: one of those may have any number of combining marks.
    static func summary(_ text: String) -> String {
        guard text.utf8.count > summaryBytes else { return text }
        var bytes = text.utf8.prefix(summaryBytes + 1)
        // What stands at the bound begins a scalar, or lies in one, which then goes as a whole.
        while let last = bytes.popLast(), last & 0xC0 == 0x80 {}
        return String(decoding: bytes, as: UTF8.self)
    }

    /// - Parameters:
    ///   - text: names paths of the host.
    ///   - workspace: absolute, real.
    /// - Returns: the same without the workspace's path before the names in it; the folder itself is `the workspace`, and nothing more
    ///   where it is called so, or the working directory, already.
    static func relative(_ text: String, to workspace: OSString) -> String {
        let folder = Array("\(workspace)".utf8)
        let bytes = Array(text.utf8)
        let called = ["the workspace ", "the working directory "].map { Array($0.utf8) }
        var shown: [UInt8] = []
        var index = 0
        while index < bytes.count {
            guard bytes[index...].starts(with: folder) else {
                shown.append(bytes[index])
                index += 1
                continue
            }
            let next = index + folder.count
            if next < bytes.count, bytes[next] == UInt8(ascii: "/") {
                index = next + 1
            } else if next < bytes.count, isPartOfName(bytes[next]) {
                // Another folder, whose name begins so.
                shown += folder
                index = next
            } else {
                if called.contains(where: { shown.suffix($0.count).elementsEqual($0) }) {
                    shown.removeLast()
                } else {
                    shown += Array("the workspace".utf8)
                }
                index = next
            }
        }
        return String(decoding: shown, as: UTF8.self)
    }

    /// Letters, digits, and what else stands in the middle of names; a full stop or a comma ends a sentence's part.
    private static func isPartOfName(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), 0x80...:
            true
        default: false
        }
    }
}
