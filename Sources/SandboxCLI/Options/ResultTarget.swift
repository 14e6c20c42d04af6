public import SandboxPlan

/// Where `--result` writes its one JSON object.
public enum ResultTarget: Hashable, Sendable {
    /// Relative to the caller's folder unless absolute.
    case file(OSString)
    /// A descriptor that the caller opened, 1 or higher.
    case descriptor(Int32)

    /// A word of digits is a descriptor; a file called `3` is written `./3`.
    static func parse(_ word: OSString) throws(BadValue) -> ResultTarget {
        let isNumber = !word.isEmpty && word.bytes.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard isNumber else { return .file(try OptionValue.path(word)) }
        guard let number = OptionValue.digits(word), let descriptor = Int32(exactly: number), descriptor > 0 else {
            throw BadValue(
                why: "A number is a descriptor that you opened, from 1 to \(Int32.max); a file of that name is ./NAME."
            )
        }
        return .descriptor(descriptor)
    }
}
