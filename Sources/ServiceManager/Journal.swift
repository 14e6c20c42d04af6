internal import CSystemd
internal import Glibc

/// The journal (sd_journal_sendv(3), systemd.journal-fields(7)).
public enum Journal {
    /// Of syslog(3).
    public enum Priority: Int, Hashable, Sendable {
        case error = 3
        case warning = 4
        case notice = 5
        case info = 6
        case debug = 7
    }

    /// Sends one entry.
    ///
    /// - Parameters:
    ///   - message: for people.
    ///   - priority: of syslog(3).
    ///   - fields: names of A-Z, 0-9 and `_`, a letter first; values of any text.
    /// - Returns: false if it could not be sent.
    public static func send(_ message: String, _ priority: Priority, _ fields: [(name: String, value: String)]) -> Bool
    {
        let entry = lines(message, priority, fields).map { Array($0.utf8) }
        var joined: [UInt8] = []
        var lengths: [Int] = []
        for line in entry {
            joined += line
            lengths.append(line.count)
        }
        let result = joined.withUnsafeMutableBytes { bytes -> Int32 in
            var start = bytes.baseAddress
            let vectors = lengths.map { length -> iovec in
                defer { start = start?.advanced(by: length) }
                return iovec(iov_base: start, iov_len: length)
            }
            return sd_journal_sendv(vectors, Int32(vectors.count))
        }
        return result >= 0
    }

    static func lines(_ message: String, _ priority: Priority, _ fields: [(name: String, value: String)]) -> [String] {
        ["MESSAGE=\(message)", "PRIORITY=\(priority.rawValue)", "SYSLOG_IDENTIFIER=codex-sandbox"]
            + fields.map { "\($0.name)=\($0.value)" }
    }
}
