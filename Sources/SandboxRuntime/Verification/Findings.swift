internal import CShims
internal import SandboxKernel
internal import SandboxPlan

/// Collects what was compared during one verification; any difference stops the launch.
struct Findings {
    private(set) var observations: [Observation] = []
    /// Why an observation differs, where that is known: by its field.
    private var causes: [String: (cause: String, remedy: String)] = [:]

    init() {
        observations.reserveCapacity(256)
    }

    /// Compares a value of the plan with what was found, and keeps both.
    mutating func compare(
        _ layer: Layer,
        _ field: String,
        expected: String,
        found: String,
        _ observer: Observer = .outside
    ) {
        observations.append(
            Observation(layer: layer, field: field, expected: expected, found: found, observer: observer)
        )
    }

    mutating func compare(
        _ layer: Layer,
        _ field: String,
        expected: Int64,
        found: Int64,
        _ observer: Observer = .outside
    ) {
        compare(layer, field, expected: String(expected), found: String(found), observer)
    }

    /// Says why the observation of that field differs, and what mends it.
    mutating func explain(_ field: String, cause: String, remedy: String) { causes[field] = (cause, remedy) }

    /// The refusal for the first difference, with the number of further ones.
    func refusal() -> Refusal? {
        guard let first = observations.first(where: { !$0.agrees }) else { return nil }
        let differences = observations.filter { !$0.agrees }
        let known = causes[first.field]
        let more = differences.count > 1 ? " (and \(differences.count - 1) more differences)" : ""
        return Refusal(
            stage: "verify",
            step: first.observer.rawValue,
            subject: first.field,
            message: "\(first.layer.rawValue): \(first.field) should be \(first.expected), the kernel says "
                + "\(first.found)\(more)" + (known.map { ": \($0.cause)" } ?? ""),
            remedy: known?.remedy
                ?? "the job was not started; run \(HostReport.command), and report this with the record if it persists",
            layer: first.layer
        )
    }
}

/// Reads the files of one process below `/proc`, as the supervisor sees it, through one descriptor of its folder.
struct ProcessFiles: ~Copyable {
    let pid: Int32
    private let folder: OwnedFileDescriptor

    /// - Throws: `Refusal` when there is no such process, or no `/proc`.
    init(pid: Int32) throws(Refusal) {
        let flags = UInt64(CS_O_PATH) | UInt64(CS_O_DIRECTORY)
        let number = cs_openat2(FileReading.currentFolder, "/proc/\(pid)", flags, 0, 0)
        if number < 0 {
            throw ProcessFiles.refusal(pid, "", SyscallError(call: "openat2", subject: "", errno: Int32(-number)))
        }
        self.pid = pid
        folder = OwnedFileDescriptor(owning: Int32(number))
    }

    borrowing func read(_ name: OSString) throws(Refusal) -> [UInt8] {
        do throws(SyscallError) {
            return try FileReading.read(name, below: folder.number, limit: 8 << 20)
        } catch {
            throw refusal(name.description, error)
        }
    }

    borrowing func link(_ name: OSString) throws(Refusal) -> OSString {
        do throws(SyscallError) {
            return try FileReading.link(name, below: folder.number)
        } catch {
            throw refusal(name.description, error)
        }
    }

    /// The words of a file with one space between each two.
    borrowing func words(_ name: OSString) throws(Refusal) -> String {
        let text = try read(name)
        return KernelText.words(text, in: text.indices)
    }

    /// Opens a file or folder for reading.
    borrowing func open(_ name: OSString, flags: UInt64) throws(Refusal) -> OwnedFileDescriptor {
        let number = name.withPointer { cs_openat2(folder.number, $0, flags, 0, 0) }
        if number < 0 {
            throw refusal(name.description, SyscallError(call: "openat2", subject: "", errno: Int32(-number)))
        }
        return OwnedFileDescriptor(owning: Int32(number))
    }

    /// What a magic link leads to.
    borrowing func target(_ name: OSString) throws(Refusal) -> cs_identity {
        var found = cs_identity()
        let result = name.withPointer { cs_identify_following(folder.number, $0, &found) }
        if result < 0 {
            throw refusal(name.description, SyscallError(call: "statx", subject: "", errno: Int32(-result)))
        }
        return found
    }

    borrowing func refusal(_ name: String, _ error: SyscallError) -> Refusal {
        ProcessFiles.refusal(pid, name, error)
    }

    static func refusal(_ pid: Int32, _ name: String, _ error: SyscallError) -> Refusal {
        Refusal(
            stage: "verify",
            step: error.call,
            subject: "/proc/\(pid)/\(name)",
            errno: error.errno,
            message: "the kernel's report on the gated process could not be read, so nothing is known about it",
            remedy: error.errno == EACCES && geteuid() == 0
                ? "root here may not look at processes of others (CAP_SYS_PTRACE), as in most containers: run it as an ordinary user, "
                    + "for example podman run --userns=keep-id …"
                : "see that /proc is mounted and its entries are readable for "
                    + "their owner (hidepid, gid)"
        )
    }
}
