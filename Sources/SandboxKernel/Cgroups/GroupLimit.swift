internal import SandboxPlan

/// What somebody has set on a group: it holds what is in the group, and would hold nothing that is moved elsewhere (cgroup-v2.rst).
///
/// The most tasks of a group (`pids.max`) are none: every unit of systemd's has such a bound (`DefaultTasksMax=`).
enum GroupLimit {
    /// A bound that is `max` until somebody sets it.
    case bound
    /// Nothing stands there until somebody sets something.
    case choice
    /// A share among those beside it, 100 at first; one above is no limit.
    case weight
    /// 1 where it is set.
    case mark

    /// In the order in which they are looked for.
    ///
    /// A mark for idle times makes the weight 0, too.
    static let files: [(name: OSString, kind: GroupLimit)] = [
        ("memory.max", .bound), ("memory.high", .bound), ("memory.swap.max", .bound), ("cpu.max", .bound),
        ("cpuset.cpus", .choice), ("cpuset.mems", .choice), ("io.max", .choice),
        ("cpu.idle", .mark), ("cpu.weight", .weight), ("io.weight", .weight),
    ]

    /// The first line by which a file's group is held; nil where none does.
    func line(of text: [UInt8]) -> OSString? {
        text.split(separator: 0x0A).first(where: isLimit).map { OSString(Array($0)) }
    }

    private func isLimit(_ line: ArraySlice<UInt8>) -> Bool {
        switch self {
        case .bound: return !line.starts(with: "max".utf8)
        case .choice: return true
        case .mark: return line.elementsEqual("1".utf8)
        case .weight:
            // `100`, `default 100`, `8:0 100`. What is no number is not taken for the usual.
            let last = line.split(separator: 0x20).last.map { String(decoding: $0, as: UTF8.self) }
            guard let last, let weight = UInt32(last) else { return true }
            return weight < 100
        }
    }
}
