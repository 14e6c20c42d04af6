internal import SandboxPlan

/// Resource limits by name and in their units (getrlimit(2); the numbers are asm-generic/resource.h).
enum RLimitWords {
    static func name(_ resource: Int32) -> String {
        guard resource >= 0, resource < table.count else { return "RLIMIT \(resource)" }
        return "RLIMIT_" + table[Int(resource)].name
    }

    /// `4096`, or `4096, hard 8192` where the two differ.
    static func value(_ limit: RLimit) -> String {
        let soft = amount(limit.soft, of: limit.resource)
        return limit.soft == limit.hard ? soft : "\(soft), hard \(amount(limit.hard, of: limit.resource))"
    }

    private static func amount(_ number: UInt64, of resource: Int32) -> String {
        guard number != UInt64.max else { return "unlimited" }
        guard resource >= 0, resource < table.count else { return String(number) }
        switch table[Int(resource)].unit {
        case .bytes: return ByteCount(bytes: number).description
        case .seconds: return "\(number) s"
        case .microseconds: return "\(number) us"
        case .count: return String(number)
        }
    }

    private enum Unit {
        case bytes
        case seconds
        case microseconds
        case count
    }

    private static let table: [(name: String, unit: Unit)] = [
        ("CPU", .seconds), ("FSIZE", .bytes), ("DATA", .bytes), ("STACK", .bytes), ("CORE", .bytes), ("RSS", .bytes),
        ("NPROC", .count), ("NOFILE", .count), ("MEMLOCK", .bytes), ("AS", .bytes), ("LOCKS", .count),
        ("SIGPENDING", .count), ("MSGQUEUE", .bytes), ("NICE", .count), ("RTPRIO", .count), ("RTTIME", .microseconds),
    ]
}
