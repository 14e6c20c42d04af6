/// `/proc/PID/status` (proc(5)): what the kernel says about a process, field by field.
public struct ProcessStatus: Sendable {
    private let contents: [UInt8]

    /// - Parameter text: the file as read.
    public init(parsing text: [UInt8]) {
        contents = text
    }

    /// The text of a field; nil when this kernel does not print it.
    public func text(_ field: StaticString) -> String? {
        // The kernel escapes the name of the process, everything else is ASCII.
        KernelText.value(field, ":", in: contents).map { String(decoding: contents[$0], as: UTF8.self) }
    }

    /// The words of a field with one space between each two.
    public func words(_ field: StaticString) -> String? {
        KernelText.value(field, ":", in: contents).map { KernelText.words(contents, in: $0) }
    }

    /// The last word of a field; nil also when it has none.
    public func lastWord(_ field: StaticString) -> String? {
        guard let value = KernelText.value(field, ":", in: contents) else { return nil }
        var next = value.lowerBound
        var last: Range<Int>?
        while let word = KernelText.word(contents, from: &next, to: value.upperBound) { last = word }
        return last.map { String(decoding: contents[$0], as: UTF8.self) }
    }

    /// The number of words of a field; 0 without it.
    public func count(_ field: StaticString) -> Int {
        guard let value = KernelText.value(field, ":", in: contents) else { return 0 }
        var next = value.lowerBound
        var count = 0
        while KernelText.word(contents, from: &next, to: value.upperBound) != nil { count += 1 }
        return count
    }

    /// The first word of a field, as a decimal number.
    public func number(_ field: StaticString) -> UInt64? {
        guard let value = KernelText.value(field, ":", in: contents) else { return nil }
        var next = value.lowerBound
        return KernelText.word(contents, from: &next, to: value.upperBound)
            .flatMap { KernelText.number(contents, in: $0) }
    }

    /// Every word of a field, as decimal numbers; nil when the field is missing or a word is no number.
    public func numbers(_ field: StaticString) -> [UInt64]? {
        guard let value = KernelText.value(field, ":", in: contents) else { return nil }
        var numbers: [UInt64] = []
        var next = value.lowerBound
        while let word = KernelText.word(contents, from: &next, to: value.upperBound) {
            guard let number = KernelText.number(contents, in: word) else { return nil }
            numbers.append(number)
        }
        return numbers
    }

    /// A field such as `SigIgn`, hexadecimal.
    public func mask(_ field: StaticString) -> UInt64? {
        KernelText.value(field, ":", in: contents).flatMap { KernelText.number(contents, in: $0, radix: 16) }
    }
}
