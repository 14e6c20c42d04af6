internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// Which file a standard stream of the worker must be.
struct StreamIdentity: Hashable {
    var device: UInt64
    var inode: UInt64
}

/// The descriptors of a gated process: 0, 1, 2 by identity, the gate, and nothing else.
enum DescriptorVerification {
    static func verify(
        _ files: borrowing ProcessFiles,
        stdio: [StreamIdentity],
        _ findings: inout Findings
    ) throws(Refusal) {
        let numbers = try numbers(files)
        findings.compare(
            .descriptors,
            "open descriptors at the gate",
            expected: "0 1 2 3",
            found: NumberList.spaced(numbers)
        )
        let information = try files.read("fdinfo/3")
        var flags: UInt64?
        if let field = KernelText.value("flags", ":", in: information) {
            flags = KernelText.number(information, in: field, radix: 8)
        }
        findings.compare(
            .descriptors,
            "the gate closes on exec",
            expected: "yes",
            found: (flags ?? 0) & UInt64(CS_O_CLOEXEC) != 0 ? "yes" : "no"
        )
        for (index, expected) in stdio.enumerated() {
            let found = try files.target(OSString("fd/\(index)"))
            findings.compare(
                .descriptors,
                "descriptor \(index)",
                expected: "\(expected.device):\(expected.inode)",
                found: "\(found.device):\(found.inode)"
            )
        }
    }

    private static func numbers(_ files: borrowing ProcessFiles) throws(Refusal) -> [Int] {
        let descriptor = try files.open("fd", flags: UInt64(CS_O_DIRECTORY | O_RDONLY))
        var numbers: [Int] = []
        do throws(SyscallError) {
            try FolderEntries.each(in: descriptor.number, named: "fd") { (entry) throws(SyscallError) in
                let name = entry.copy.bytes
                guard let number = KernelText.number(name, in: name.indices) else {
                    throw SyscallError(call: "getdents64", subject: "fd", errno: EBADMSG)
                }
                numbers.append(Int(clamping: number))
                return true
            }
        } catch { throw files.refusal("fd", error) }
        return numbers.sorted()
    }
}
