internal import SandboxPlan

/// The values of options: each function reads one kind, or says why the word is none.
enum OptionValue {
    /// A path of any bytes, kept as given; empty is none.
    static func path(_ word: OSString) throws(BadValue) -> OSString {
        guard !word.isEmpty else { throw BadValue(why: "The path is empty.") }
        guard !word.bytes.contains(0) else { throw BadValue(why: "A path cannot contain a NUL byte.") }
        return word
    }

    /// A size within a range of bytes.
    static func size(in range: ClosedRange<UInt64>) -> @Sendable (OSString) throws(BadValue) -> ByteCount {
        { (word) throws(BadValue) in
            guard let text = word.utf8, let size = ByteCount(parsing: text, in: range) else {
                throw BadValue(
                    why: "Write a size from \(PolicyRange.words(bytes: range)), for example 512MiB; "
                        + "a number without a unit counts bytes."
                )
            }
            return size
        }
    }

    /// A length of time within a range of milliseconds.
    static func time(in range: ClosedRange<UInt64>) -> @Sendable (OSString) throws(BadValue) -> TimeSpan {
        { (word) throws(BadValue) in
            guard let text = word.utf8, let span = TimeSpan(parsing: text, in: range) else {
                throw BadValue(
                    why: "Write a time from \(PolicyRange.words(milliseconds: range)), for example 90s; "
                        + "the units are ms, s, m, h and d, and a number without one counts seconds."
                )
            }
            return span
        }
    }

    /// CPU time, 0 being no limit: setrlimit(2) counts whole seconds.
    static func cpuSeconds(_ word: OSString) throws(BadValue) -> UInt64 {
        let range = PolicyRange.cpuMilliseconds
        guard let text = word.utf8, let span = TimeSpan(parsing: text, in: range), span.milliseconds % 1000 == 0 else {
            throw BadValue(
                why: "Write a time from \(PolicyRange.words(milliseconds: range)) in whole seconds, for example 30s; "
                    + "0 is no limit."
            )
        }
        return span.milliseconds / 1000
    }

    /// What a job is called.
    static func jobName(_ word: OSString) throws(BadValue) -> JobName {
        guard let name = word.utf8.flatMap({ JobName($0) }) else {
            throw BadValue(
                why: "Write 1 to 64 letters, digits, dots, underscores and hyphens, a letter or digit first."
            )
        }
        return name
    }

    /// Processors in thousandths, 0 being no limit.
    static func cpus(_ word: OSString) throws(BadValue) -> UInt64 {
        guard let text = word.utf8, let share = ProcessorShare(parsing: text)?.thousandths,
            share == 0 || PolicyRange.cpuThousandths.contains(share)
        else {
            throw BadValue(why: "Write a number from \(PolicyRange.cpusWords), for example 1.5; 0 is no limit.")
        }
        return share
    }

    /// Processes and threads.
    static func tasks(_ word: OSString) throws(BadValue) -> UInt64 {
        let range = PolicyRange.tasks
        guard let number = digits(word), range.contains(number) else {
            throw BadValue(
                why: "Write a whole number from \(range.lowerBound) to \(range.upperBound): \(PolicyRange.tasksReason)."
            )
        }
        return number
    }

    /// A word of digits only, without a sign; nil when it is anything else or does not fit.
    static func digits(_ word: OSString) -> UInt64? {
        guard !word.isEmpty, word.bytes.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
            return nil
        }
        return word.utf8.flatMap { UInt64($0) }
    }

    static func network(_ word: OSString) throws(BadValue) -> NetworkPolicy {
        switch word {
        case "off": return .off(loopback: true)
        case "host": return .host
        default: throw BadValue(why: "Write off or host.")
        }
    }

    /// `NAME` or `NAME=VALUE`; the value may be empty and of any bytes.
    static func environment(_ word: OSString) throws(BadValue) -> EnvironmentWord {
        let equals = word.bytes.firstIndex(of: UInt8(ascii: "="))
        let name = OSString(word.bytes[..<(equals ?? word.bytes.endIndex)])
        guard !name.isEmpty else { throw BadValue(why: "The name is empty. Write NAME or NAME=VALUE.") }
        // The planner lets no other name through (bash's exported functions are code, for one).
        guard name.bytes.allSatisfy({ isLetterOrDigit($0) || $0 == UInt8(ascii: "_") }) else {
            throw BadValue(why: "The name may have letters, digits and _ only.")
        }
        guard let equals else { return .pass(name) }
        let value = OSString(word.bytes[(equals + 1)...])
        guard !value.bytes.contains(0) else { throw BadValue(why: "A value cannot contain a NUL byte.") }
        return .set(EnvironmentEntry(name: name, value: value))
    }

    static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }

    enum EnvironmentWord {
        case pass(OSString)
        case set(EnvironmentEntry)
    }
}
