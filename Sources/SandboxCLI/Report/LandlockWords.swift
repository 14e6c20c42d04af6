internal import SandboxPlan

/// Landlock's rights in words: the kernel's own, and one word for each group that a rule has whole.
struct LandlockWords {
    /// What the domain handles; rights of a group that it does not handle count for nothing.
    let handled: UInt64

    /// `read execute`; `nothing` for an empty set, and the bit's number for a right without a name.
    func words(_ access: UInt64) -> String {
        var words: [String] = []
        var rest = access
        for group in LandlockWords.groups {
            let members = group.members & handled
            guard members.nonzeroBitCount > 1, members & access == members else { continue }
            words.append(group.word)
            rest &= ~members
        }
        words += LandlockWords.names(rest)
        return words.isEmpty ? "nothing" : words.joined(separator: " ")
    }

    /// What each group stands for here.
    var legend: [String] {
        LandlockWords.groups.filter { ($0.members & handled).nonzeroBitCount > 1 }.map { group in
            "\(group.word): \(LandlockWords.names(group.members & handled).joined(separator: " "))"
        }
    }

    static func names(_ access: UInt64) -> [String] {
        (0..<UInt64.bitWidth).filter { access >> UInt64($0) & 1 == 1 }.map { bit in
            bit < rights.count ? rights[bit] : "bit-\(bit)"
        }
    }

    /// `scoped` (landlock(7), ABI 6).
    static func scopes(_ scoped: UInt64) -> [String] {
        var words: [String] = []
        if scoped & LandlockRight.scopeAbstractUnixSocket != 0 { words.append("abstract-unix-socket") }
        if scoped & LandlockRight.scopeSignal != 0 { words.append("signal") }
        words += bits(scoped & ~3)
        return words
    }

    /// `handled_access_net` (landlock(7), ABI 4).
    static func network(_ access: UInt64) -> [String] {
        var words: [String] = []
        if access & 1 != 0 { words.append("bind_tcp") }
        if access & 2 != 0 { words.append("connect_tcp") }
        words += bits(access & ~3)
        return words
    }

    private static func bits(_ mask: UInt64) -> [String] {
        (0..<UInt64.bitWidth).filter { mask >> UInt64($0) & 1 == 1 }.map { "bit-\($0)" }
    }

    private static let groups: [(word: String, members: UInt64)] = [
        ("read", LandlockRight.readFile | LandlockRight.readDir),
        ("write", LandlockRight.writeFile | LandlockRight.truncate),
        (
            "make",
            LandlockRight.makeDir | LandlockRight.makeReg | LandlockRight.makeSock | LandlockRight.makeFifo
                | LandlockRight.makeSym
        ),
        ("remove", LandlockRight.removeDir | LandlockRight.removeFile),
        ("make-devices", LandlockRight.makeChar | LandlockRight.makeBlock),
    ]

    /// By bit, LANDLOCK_ACCESS_FS_* in lower case.
    private static let rights = [
        "execute", "write_file", "read_file", "read_dir", "remove_dir", "remove_file", "make_char", "make_dir",
        "make_reg", "make_sock", "make_fifo", "make_block", "make_sym", "refer", "truncate", "ioctl_dev",
    ]
}
