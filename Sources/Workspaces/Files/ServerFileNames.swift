internal import SandboxPlan

/// The names that a server, and the commands beside it, give in its folder of data.
enum ServerFileNames {
    static let database: OSString = "codex.db"
    /// Of the one server of the database.
    static let lock: OSString = "codex.db.lock"

    /// The database, what SQLite has beside it, and what a restore puts there or has kept (`codex.db.before-restore-TIME`).
    static func isOfDatabase(_ name: OSString) -> Bool {
        guard var rest = dropping(database.bytes, of: name.bytes[...]) else { return false }
        for ending in ["-wal", "-shm", "-journal", ".lock"] where rest.count >= ending.utf8.count {
            if rest.suffix(ending.utf8.count).elementsEqual(ending.utf8) {
                rest = rest.dropLast(ending.utf8.count)
                break
            }
        }
        if ["", ".restored", ".restoring", ".restoring.new"].contains(where: { rest.elementsEqual($0.utf8) }) {
            return true
        }
        guard let time = dropping(Array(".before-restore-".utf8), of: rest) else { return false }
        // As `StoredTime.iso` writes it.
        return (19...40).contains(time.count) && time.allSatisfy { isDigit($0) || "-:.+TZ".utf8.contains($0) }
    }

    /// A UUID in lower case, with dashes.
    static func isProject(_ name: OSString) -> Bool {
        let bytes = name.bytes
        return bytes.count == 36
            && bytes.indices.allSatisfy { place in
                [8, 13, 18, 23].contains(place) ? bytes[place] == UInt8(ascii: "-") : isHexadecimal(bytes[place])
            }
    }

    /// What is half made or half removed: a number of the process's, and one of its own.
    static func isHidden(_ name: OSString) -> Bool {
        for prefix in [ProjectFolders.newPrefix, ProjectFolders.removedPrefix] {
            guard let rest = dropping(Array(prefix.utf8), of: name.bytes[...]) else { continue }
            let numbers = rest.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
            return numbers.count == 2
                && numbers.allSatisfy { (1...32).contains($0.count) && $0.allSatisfy(isHexadecimal) }
        }
        return false
    }

    /// Of a removal that has begun.
    static func isMark(_ name: OSString) -> Bool {
        dropping(Array(ProjectFolders.markPrefix.utf8), of: name.bytes[...]).map { isProject(OSString($0)) } ?? false
    }

    private static func dropping(_ prefix: [UInt8], of bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        bytes.starts(with: prefix) ? bytes.dropFirst(prefix.count) : nil
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
    }
}
