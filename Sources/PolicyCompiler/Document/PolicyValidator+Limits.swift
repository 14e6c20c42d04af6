import SandboxPlan
import SandboxPolicy

/// `[limits]` and `[process]`.
extension PolicyValidator {
    func limits(_ document: inout SectionReader) -> LimitPolicy {
        var policy = PolicyDefaults.nothing(named: name).limits
        guard var section = document.section("limits") else { return policy }
        if let tasks = section.integer("tasks", in: PolicyRange.tasks, because: PolicyRange.tasksReason) {
            policy.tasks = tasks
        }
        if let memory = section.byteCount("memory", in: PolicyRange.memory) { policy.memory = .exactly(memory) }
        if let high = section.byteCount("memory_high", in: PolicyRange.memoryHigh, orNone: true) {
            policy.memoryHigh = high
        }
        if let files = section.integer("open_files", in: PolicyRange.openFiles) { policy.openFiles = files }
        if let size = section.byteCount("file_size", in: PolicyRange.fileSize) { policy.fileSize = size }
        if let cpu = cpu(&section) { policy.cpuSeconds = cpu }
        if let share = cpus(&section) { policy.cpuThousandths = share }
        if let most = section.byteCount("workspace", in: PolicyRange.workspace, orNone: true) {
            policy.workspace = most
        }
        if let most = section.byteCount("output", in: PolicyRange.output, orNone: true) { policy.output = most }
        if let wall = section.timeSpan("wall", in: PolicyRange.wall) { policy.wall = wall }
        if let grace = section.timeSpan("grace", in: PolicyRange.grace) { policy.grace = grace }
        policy.requireKernel = requireKernel(&section)
        section.finish()
        return policy
    }

    /// Whole seconds, because RLIMIT_CPU has no others (setrlimit(2)).
    private func cpu(_ section: inout SectionReader) -> UInt64? {
        let range = PolicyRange.cpuMilliseconds
        guard let member = section.members.first(where: { $0.key == "cpu" }) else { return nil }
        guard let cpu = section.timeSpan("cpu", in: range) else { return nil }
        guard cpu.milliseconds % 1000 == 0 else {
            let words = "\(PolicyRange.words(milliseconds: range)) in whole seconds"
            return section.outOfRange(member, found: cpu.description, range: words)
        }
        return cpu.milliseconds / 1000
    }

    /// Processors, in thousandths: `2`, or `"0.5"`; 0 is no limit.
    private func cpus(_ section: inout SectionReader) -> UInt64? {
        guard let member = section.member("cpus") else { return nil }
        let words = "\(PolicyRange.cpusWords), as 2 or \"0.5\"; 0 is no limit"
        let text: String
        switch member.node.value {
        case .integer(let number): text = "\(number)"
        case .string(let string): text = string
        case .table, .array, .boolean, .float, .dateOrTime:
            return section.wrongType(member, wanted: "a number of processors, as 2 or \"0.5\"")
        }
        guard let share = ProcessorShare(parsing: text)?.thousandths,
            share == 0 || PolicyRange.cpuThousandths.contains(share)
        else { return section.outOfRange(member, found: "\"\(text)\"", range: words) }
        return share
    }

    /// `require_kernel` names limits; `required = "kernel"` means all of them.
    private func requireKernel(_ section: inout SectionReader) -> Set<LimitPolicy.Kind> {
        let listed = listedRequirements(&section)
        guard let all = section.choice("required", [("kernel", LimitPolicy.Kind.allCases)]) else { return listed }
        if log.keys[PolicyKey.requireKernel.path] == nil { log.found(PolicyKey.requireKernel.path, at: all.position) }
        return listed.union(all.value)
    }

    private func listedRequirements(_ section: inout SectionReader) -> Set<LimitPolicy.Kind> {
        let words: [(word: String, value: LimitPolicy.Kind)] = [("tasks", .tasks), ("memory", .memory), ("cpu", .cpu)]
        var kinds: [Located<LimitPolicy.Kind>] = []
        for text in section.strings("require_kernel") ?? [] {
            if let kind = section.word(text, among: words) {
                kinds.append(Located(value: kind, position: text.position, key: text.key))
            }
        }
        return Set(log.distinct(kinds))
    }

    func process(_ document: inout SectionReader) -> ProcessPolicy {
        var policy = base.process
        guard var section = document.section("process") else { return policy }
        if let umask = umask(&section) { policy.umask = umask }
        if let hostname = hostname(&section) { policy.hostname = hostname }
        section.finish()
        return policy
    }

    /// Octal digits in quotes: a bare 22 would be read as decimal.
    private func umask(_ section: inout SectionReader) -> UInt32? {
        guard let text = section.string("umask") else { return nil }
        guard (3...4).contains(text.value.utf8.count), text.value.utf8.allSatisfy({ (0x30...0x37).contains($0) }),
            let value = UInt32(text.value, radix: 8), value <= 0o777
        else { return report(text, "it is not a file mode") }
        guard PolicyRange.umask.contains(value) else {
            return report(text, "it takes rights of the owner, and the worker could not use what it makes")
        }
        return value
    }

    private func report(_ umask: Located<String>, _ why: String) -> UInt32? {
        log.report(
            at: umask.position,
            key: umask.key,
            what: "\"\(umask.value)\"",
            why: why,
            remedy: "write octal digits from \"0000\" to \"0077\""
        )
        return nil
    }

    private func hostname(_ section: inout SectionReader) -> OSString? {
        guard let text = section.string("hostname") else { return nil }
        let bytes = Array(text.value.utf8)
        let allowed = bytes.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."): true
            default: false
            }
        }
        let edges = [UInt8(ascii: "-"), UInt8(ascii: ".")]
        guard PolicyRange.hostname.contains(bytes.count), allowed, let first = bytes.first, let last = bytes.last,
            !edges.contains(first), !edges.contains(last)
        else {
            log.report(
                at: text.position,
                key: text.key,
                what: "\"\(text.value)\"",
                why: "it is not a host name (hostname(7))",
                remedy: "write 1 to 64 letters, digits, dots and hyphens, a letter or digit first and last"
            )
            return nil
        }
        return OSString(bytes)
    }
}

extension SectionReader {
    /// A size: `"4GiB"`, `"512 MiB"` without the space, or an integer in bytes; 0, for no limit, with `orNone`.
    mutating func byteCount(_ key: String, in range: ClosedRange<UInt64>, orNone: Bool = false) -> ByteCount? {
        guard let member = member(key) else { return nil }
        let words =
            "\(PolicyRange.words(bytes: range)), as \"512MiB\" or in bytes\(orNone ? "; 0 is no limit" : "")"
        switch member.node.value {
        case .integer(0) where orNone: return ByteCount(bytes: 0)
        case .integer(let number):
            guard let bytes = UInt64(exactly: number), range.contains(bytes) else {
                return outOfRange(member, found: "\(number)", range: words)
            }
            return ByteCount(bytes: bytes)
        case .string(let text):
            guard let size = ByteCount(parsing: text, in: range) else {
                return outOfRange(member, found: "\"\(text)\"", range: words)
            }
            return size
        case .table, .array, .boolean, .float, .dateOrTime:
            return wrongType(member, wanted: "a size such as \"512MiB\", or an integer in bytes")
        }
    }

    /// A time: `"90s"`, `"500ms"`, `"2h"`, or an integer in seconds; 0 if the range (in milliseconds) has it.
    mutating func timeSpan(_ key: String, in range: ClosedRange<UInt64>) -> TimeSpan? {
        guard let member = member(key) else { return nil }
        let words =
            "\(PolicyRange.words(milliseconds: range)), as \"500ms\", \"90s\", \"10m\", \"2h\", \"1d\" or in seconds"
        let text: String
        switch member.node.value {
        case .integer(let number): text = "\(number)"
        case .string(let string): text = string
        case .table, .array, .boolean, .float, .dateOrTime:
            return wrongType(member, wanted: "a time such as \"90s\", or an integer in seconds")
        }
        guard let span = TimeSpan(parsing: text, in: range) else {
            return outOfRange(member, found: "\"\(text)\"", range: words)
        }
        return span
    }
}
