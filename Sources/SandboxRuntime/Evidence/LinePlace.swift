/// What the beginning of a line says of its place in the chain.
///
/// The appender and `evidence verify` read it with this, so that both count alike, over a damaged line too. Only the beginning
/// is read, because a launch waits: a line may have its link and still be no record.
enum LinePlace: Hashable {
    case linked(ChainLink)
    /// Begins as a record of the time before the chain.
    case unlinked
    /// Neither.
    case unknown

    init(_ line: [UInt8]) {
        var scan = BeginningScan(line)
        guard scan.take("{\"_type\":\"https://in-toto.io/Statement/v1\",\"predicate\":{") else {
            self = .unknown
            return
        }
        if scan.take("\"arguments\":") {
            // Text of the caller's; a quote in it is escaped, so it cannot be taken for a key.
            guard scan.takeArray(), scan.take(",") else {
                self = .unknown
                return
            }
        }
        if let link = scan.link() {
            self = .linked(link)
        } else if scan.take("\"childReport\":") || scan.take("\"enforcement\":") {
            self = .unlinked
        } else {
            self = .unknown
        }
    }
}

/// Goes through canonical JSON from its first byte.
private struct BeginningScan {
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Goes past `text` if it is what comes next.
    mutating func take(_ text: StaticString) -> Bool {
        let count = text.utf8CodeUnitCount
        guard bytes.count - position >= count else { return false }
        for index in 0..<count where bytes[position + index] != text.utf8Start[index] { return false }
        position += count
        return true
    }

    /// Goes past an array, whatever is in it.
    mutating func takeArray() -> Bool {
        guard position < bytes.count, bytes[position] == UInt8(ascii: "[") else { return false }
        var depth = 0
        var isString = false
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            switch byte {
            case UInt8(ascii: "\""): isString.toggle()
            case UInt8(ascii: "\\") where isString: position += 1
            case UInt8(ascii: "[") where !isString, UInt8(ascii: "{") where !isString: depth += 1
            case UInt8(ascii: "]") where !isString, UInt8(ascii: "}") where !isString: depth -= 1
            default: break
            }
            if depth == 0 { return true }
        }
        return false
    }

    /// The member `chain` in exactly the form in which it is written.
    mutating func link() -> ChainLink? {
        guard take("\"chain\":{\"previous\":\""), let previous = digest(), take("\",\"sequence\":"),
            let sequence = number(), take("}")
        else { return nil }
        return ChainLink(previous: previous, sequence: sequence)
    }

    private mutating func digest() -> [UInt8]? {
        guard bytes.count - position >= 64 else { return nil }
        var digest: [UInt8] = []
        digest.reserveCapacity(32)
        for _ in 0..<32 {
            guard let high = lowerCaseDigit(), let low = lowerCaseDigit() else { return nil }
            digest.append(high << 4 | low)
        }
        return digest
    }

    private mutating func lowerCaseDigit() -> UInt8? {
        guard let value = Hexadecimal.value(bytes[position]), Hexadecimal.digit(value) == bytes[position] else {
            return nil
        }
        position += 1
        return value
    }

    /// From 1; 15 digits at most, which every reader keeps exactly, with the next one too.
    private mutating func number() -> Int64? {
        let start = position
        var number: Int64 = 0
        while position < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[position]) {
            number = number * 10 + Int64(bytes[position] - UInt8(ascii: "0"))
            position += 1
            guard position - start <= 15 else { return nil }
        }
        guard position > start, bytes[start] != UInt8(ascii: "0") else { return nil }
        return number
    }
}
