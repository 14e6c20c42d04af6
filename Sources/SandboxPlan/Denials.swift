/// System calls that a job's filter refused, counted by the supervisor that answered them.
public struct Denials: Hashable, Sendable {
    /// In the order of their first ones; at most `most`.
    public private(set) var calls: [DeniedCall] = []
    /// Calls of further kinds: a job may draw numbers at will, and the record has an end.
    public private(set) var others: UInt64 = 0

    /// So many kinds are told apart.
    public static let most = 128
    /// So many of one number: a job may draw arguments at will, too.
    public static let mostOfOneNumber = 16

    public init() {}

    /// Counts one call.
    public mutating func add(number: Int32, errno: Int32, argument: UInt64?) {
        if let index = calls.firstIndex(where: { $0.number == number && $0.errno == errno && $0.argument == argument })
        {
            calls[index].count += 1
        } else if calls.count < Denials.most && calls.count(where: { $0.number == number }) < Denials.mostOfOneNumber {
            calls.append(DeniedCall(number: number, errno: errno, argument: argument, count: 1))
        } else {
            others += 1
        }
    }
}

/// Calls of one number that got the same error.
public struct DeniedCall: Hashable, Sendable {
    /// On x86_64.
    public var number: Int32
    public var errno: Int32
    /// What tells calls of this number apart: the family of socket(2), the request of ioctl(2), the option of prctl(2).
    public var argument: UInt64?
    public var count: UInt64

    public init(number: Int32, errno: Int32, argument: UInt64?, count: UInt64) {
        self.number = number
        self.errno = errno
        self.argument = argument
        self.count = count
    }
}
