internal import SandboxPlan

/// Reads settings one by one, and remembers what is wrong with them; nil where there is none, or a wrong one.
struct SettingReader {
    private let value: (_ name: String) -> String?
    var problems: [SettingProblem] = []

    init(value: @escaping (_ name: String) -> String?) {
        self.value = value
    }

    private mutating func refuse(_ name: SettingName, _ value: String, _ reason: String, _ allowed: String) {
        problems.append(SettingProblem(name: name, value: value, reason: reason, allowed: allowed))
    }

    mutating func text(_ name: SettingName, limit: Int) -> String? {
        guard let text = value(name.rawValue) else { return nil }
        let allowed = "text of 1 to \(limit) bytes without control characters"
        guard !text.isEmpty else {
            refuse(name, text, "empty", allowed)
            return nil
        }
        guard text.utf8.count <= limit, text.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F }) else {
            refuse(name, text, "too long, or with control characters", allowed)
            return nil
        }
        return text
    }

    /// The words that Pydantic takes for a bool, in any case.
    mutating func bool(_ name: SettingName) -> Bool? {
        guard let text = value(name.rawValue) else { return nil }
        switch text.lowercased() {
        case "1", "true", "t", "yes", "y", "on": return true
        case "0", "false", "f", "no", "n", "off": return false
        default:
            refuse(name, text, "neither true nor false", "true, false, 1, 0, yes, no, on, off")
            return nil
        }
    }

    mutating func integer(_ name: SettingName, in range: ClosedRange<Int>) -> Int? {
        guard let text = value(name.rawValue) else { return nil }
        guard let number = Int(text), range.contains(number) else {
            refuse(name, text, "no number in the range", "a number from \(range.lowerBound) to \(range.upperBound)")
            return nil
        }
        return number
    }

    /// One of the words of a kind.
    mutating func word<Word: RawRepresentable<String> & CaseIterable>(_ name: SettingName) -> Word? {
        guard let text = value(name.rawValue) else { return nil }
        guard let word = Word(rawValue: text) else {
            refuse(name, text, "not one of the words", Word.allCases.map(\.rawValue).joined(separator: ", "))
            return nil
        }
        return word
    }

    /// A length of time, without a unit in seconds; its range is in milliseconds.
    mutating func seconds(_ name: SettingName, in range: ClosedRange<UInt64>) -> Double? {
        guard let text = value(name.rawValue) else { return nil }
        guard let span = TimeSpan(parsing: text, in: range) else {
            let allowed = "\(range.lowerBound / 1000)s to \(range.upperBound / 1000)s, as 90s, 10m, 1h"
            refuse(name, text, "no length of time in the range", allowed)
            return nil
        }
        return Double(span.milliseconds) / 1000
    }

    /// A length of time from 1 s to 10 years, in whole units of so many milliseconds.
    mutating func span(_ name: SettingName, unit: UInt64 = 1, _ form: String) -> TimeSpan? {
        guard let text = value(name.rawValue) else { return nil }
        guard let span = TimeSpan(parsing: text), span.milliseconds >= 1000, span.milliseconds % unit == 0 else {
            refuse(name, text, "no length of time in the range", form)
            return nil
        }
        return span
    }

    mutating func size(_ name: SettingName) -> ByteCount? {
        guard let text = value(name.rawValue) else { return nil }
        guard let size = ByteCount(parsing: text) else {
            refuse(name, text, "no size", "1MiB and the like, at least 1")
            return nil
        }
        return size
    }

    /// Comma lists: blanks around items are dropped, and so are empty items.
    private func list(_ text: String) -> [String] {
        text.split(separator: ",").map { PythonText.trimmed(String($0)) }.filter { !$0.isEmpty }
    }

    mutating func tokens(_ name: SettingName) -> [String]? {
        guard let text = value(name.rawValue) else { return nil }
        let items = list(text)
        // RFC 9110, 5.6.2.
        let isToken = { (item: String) in item.utf8.allSatisfy { FieldText.isTokenByte($0) } }
        guard items.allSatisfy(isToken) else {
            refuse(name, text, "an item that is no name of HTTP", "a comma list of names, or *")
            return nil
        }
        return items
    }

    mutating func origins(_ name: SettingName) -> [String]? {
        guard let text = value(name.rawValue) else { return nil }
        let items = list(text)
        let allowed = "a comma list of SCHEME://HOST or SCHEME://HOST:PORT without a path, or *"
        for item in items where item != "*" && !isOrigin(item) {
            refuse(name, text, "“\(LogText.escaped(item, limit: 64))” is no origin", allowed)
            return nil
        }
        return items
    }

    /// As a browser serialises one (RFC 6454, 6.2): a slash at the end would never match.
    private func isOrigin(_ text: String) -> Bool {
        guard let colon = text.firstIndex(of: ":"), text[colon...].hasPrefix("://") else { return false }
        let scheme = text[..<colon]
        let rest = text[text.index(colon, offsetBy: 3)...]
        return !scheme.isEmpty && scheme.utf8.allSatisfy { FieldText.isTokenByte($0) } && HostName(rest) != nil
    }

    mutating func hosts(_ name: SettingName) -> [String]? {
        guard let text = value(name.rawValue) else { return nil }
        var names: [String] = []
        for item in list(text) {
            guard let host = HostName(item) else {
                let shown = LogText.escaped(item, limit: 64)
                refuse(name, text, "“\(shown)” is no host name", "a comma list of names, a.example or [::1]")
                return nil
            }
            names.append(host.name)
        }
        return names
    }

    mutating func listenAddress(_ name: SettingName) -> ListenAddress? {
        guard let text = value(name.rawValue) else { return nil }
        guard let address = ListenAddress(text) else {
            refuse(
                name,
                text,
                "no address to listen at",
                "127.0.0.1:8000, [::1]:8000, localhost:8000, unix:/PATH, fd, fd:NAME"
            )
            return nil
        }
        return address
    }

    mutating func prefix(_ name: SettingName) -> String? {
        guard let text = value(name.rawValue) else { return nil }
        let names = text.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        let isPlain = names.allSatisfy { name in
            !name.isEmpty && name != "." && name != ".." && name.utf8.allSatisfy { PercentCoding.isUnreserved($0) }
        }
        let taken = ["docs", "openapi.json", "healthz", "readyz", "metrics"]
        guard text.hasPrefix("/"), isPlain, let first = names.first, !taken.contains(String(first)) else {
            refuse(name, text, "no path that the API can lie below", "/api/v1 or the like, without a slash at the end")
            return nil
        }
        return text
    }

    /// A token can be sent (RFC 6750, 2.1) and cannot be guessed.
    mutating func token(_ name: SettingName) -> String? {
        guard let text = value(name.rawValue) else { return nil }
        let isSendable = text.utf8.allSatisfy {
            PercentCoding.isUnreserved($0) || $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "/")
                || $0 == UInt8(ascii: "=")
        }
        guard isSendable, (16...512).contains(text.utf8.count) else {
            refuse(name, "", "too short, too long, or not to be sent", "16 to 512 of A-Z a-z 0-9 - . _ ~ + / =")
            return nil
        }
        return text
    }
}
