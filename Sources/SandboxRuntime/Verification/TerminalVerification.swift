internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// Compares the terminals that pid 1 has opened, and who runs in them, with the plan.
enum TerminalVerification {
    /// What pid 1 sent are terminals of the place's own devpts.
    ///
    /// - Parameters:
    ///   - terminals: the place's.
    ///   - root: of the place.
    ///   - findings: gets what was compared.
    /// - Throws: `Refusal` when they cannot be looked at.
    static func verify(_ terminals: Terminals, root: Int32, _ findings: inout Findings) throws(Refusal) {
        for terminal in terminals.all {
            let isScreen = terminal.keyboard == .none
            try verify(number: terminal.number, peer: terminal.peer, root: root, isScreen: isScreen, &findings)
        }
    }

    /// The same of one.
    ///
    /// - Parameters:
    ///   - number: below `/dev/pts`.
    ///   - peer: the job's end, as its controlling end has given it.
    ///   - root: of the place.
    ///   - isScreen: whether nothing is typed for it, so that nobody may open it to read.
    ///   - findings: gets what was compared.
    /// - Throws: `Refusal` when it cannot be looked at.
    static func verify(
        number: Int,
        peer: Int32,
        root: Int32,
        isScreen: Bool = false,
        _ findings: inout Findings
    ) throws(Refusal) {
        let name = "terminal \(number)"
        let path = "dev/pts/\(number)"
        let opened = cs_openat2(root, path, UInt64(CS_O_PATH), 0, UInt64(CS_RESOLVE_IN_ROOT))
        if opened < 0 { throw refusal("openat2", name, opened) }
        let file = OwnedFileDescriptor(owning: Int32(opened))
        var (node, end) = (cs_identity(), cs_identity())
        let found = cs_identify(file.number, "", &node)
        if found < 0 { throw refusal("statx", name, found) }
        let known = cs_identify(peer, "", &end)
        if known < 0 { throw refusal("statx", name, known) }
        findings.compare(
            .descriptors,
            "\(name) is the place's",
            expected: "\(node.device):\(node.inode) \(node.major):\(node.minor)",
            found: "\(end.device):\(end.inode) \(end.major):\(end.minor)"
        )
        guard isScreen else { return }
        findings.compare(
            .descriptors,
            "mode of \(name), which is for output alone",
            expected: String(CS_SCREEN_MODE, radix: 8),
            found: String(node.mode & 0o7777, radix: 8)
        )
    }

    /// The worker's controlling terminal is the place's first one, and it is in its foreground, in the session of pid 1.
    ///
    /// - Parameters:
    ///   - terminals: the place's.
    ///   - worker: at the gate, below `/proc`.
    ///   - values: its own report.
    ///   - parent: pid 1, below `/proc`.
    ///   - findings: gets what was compared.
    /// - Throws: `Refusal` when the kernel's report cannot be read.
    static func verify(
        _ terminals: Terminals,
        _ worker: borrowing ProcessFiles,
        _ values: [Int64],
        parent: borrowing ProcessFiles,
        _ findings: inout Findings
    ) throws(Refusal) {
        guard let first = terminals.all.first else { return }
        let group = String(worker.pid)
        let (session, device) = (String(parent.pid), String(first.device))
        // proc(5), /proc/PID/stat: fields 5 to 8.
        findings.compare(
            .descriptors,
            "process group, session, terminal and foreground of the worker",
            expected: "\(group) \(session) \(device) \(group)",
            found: try fields(worker)
        )
        findings.compare(
            .descriptors,
            "process group, session, terminal and foreground of pid 1",
            expected: "\(session) \(session) \(device) \(group)",
            found: try fields(parent)
        )
        findings.compare(
            .descriptors,
            "worker is in the foreground",
            expected: 1,
            found: values[Int(CS_PROCESS_FOREGROUND.rawValue)],
            .selfReported
        )
    }

    private static func fields(_ files: borrowing ProcessFiles) throws(Refusal) -> String {
        let text = try files.read("stat")
        // The name in field 2 may hold anything, but is in braces.
        guard let end = text.lastIndex(of: UInt8(ascii: ")")) else { return "absent" }
        var next = end + 1
        for _ in 0..<2 { _ = KernelText.word(text, from: &next, to: text.count) }
        return KernelText.words(text, in: next..<text.count, limit: 4)
    }

    private static func refusal(_ call: String, _ subject: String, _ result: Int) -> Refusal {
        Refusal(
            stage: "verify",
            step: call,
            subject: subject,
            errno: Int32(clamping: -result),
            message: "the job's terminal cannot be looked at, so it is not known whether it is the place's own",
            remedy: "run without one: --no-tty",
            layer: .descriptors
        )
    }
}
