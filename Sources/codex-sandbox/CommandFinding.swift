internal import Glibc
internal import SandboxCLI
internal import SandboxKernel
internal import SandboxPlan

/// Looks on the host for why a command was not executed.
///
/// Only for words: it is after the fact, and a file may have changed meanwhile.
struct CommandFinding {
    private let plan: LaunchPlan

    static func notExecuted(_ errno: Int32, _ plan: LaunchPlan) -> NotExecuted {
        CommandFinding(plan: plan).notExecuted(errno)
    }

    /// For a command that has not been tried: the finding of ENOENT, if that is what it will be.
    static func absence(_ plan: LaunchPlan) -> NotExecuted? {
        let finding = CommandFinding(plan: plan).notExecuted(ENOENT)
        switch finding.file {
        case .absent, .outside, .outsideNotExecutable, .script(_, .absent), .script(_, .outside): return finding
        case .script(_, .shown), .ofSandbox, .denied, .folder, .notExecutable, .program, .text, .unknown: return nil
        }
    }

    private init(plan: LaunchPlan) {
        self.plan = plan
    }

    private func notExecuted(_ errno: Int32) -> NotExecuted {
        let command = plan.process.arguments[0]
        let tried = candidates(command)
        // The first that there is something to say of: the kernel passes over those that are not there.
        let found = tried.lazy.map { ($0, file(at: $0)) }.first { $0.1 != .absent }
        return NotExecuted(
            errno: errno,
            command: command,
            path: found?.0,
            folders: command.containsSlash ? [] : tried.map(\.parent),
            isConfined: plan.confinement.hasPlace,
            file: found?.1 ?? .absent,
            closedFolders: closedFolders
        )
    }

    /// What `--read` refuses, as far as that can be told after the fact.
    private var closedFolders: [OSString] {
        let home = getenv("HOME").map { OSString(UnsafeRawBufferPointer(start: $0, count: strlen($0))) }
        return (home.map { [realPath($0) ?? $0] } ?? []) + ["/tmp", "/var/tmp", "/run", "/dev", "/proc", "/etc"]
    }

    /// The paths that were tried, absolute.
    private func candidates(_ command: OSString) -> [OSString] {
        if command.isEmpty { return [] }
        if plan.confinement == .none && !command.containsSlash {
            // It is looked for in the caller's own PATH, as by execvp(3), but no shell is tried (CShims/unconfined.c).
            let path = getenv("PATH").map { OSString(UnsafeRawBufferPointer(start: $0, count: strlen($0))) }
            let folders = (path ?? "/bin:/usr/bin").bytes.split(separator: UInt8(ascii: ":"))
            return folders.map { absolute(OSString($0).appending(command)) }
        }
        return plan.process.candidates.map(absolute)
    }

    private func absolute(_ path: OSString) -> OSString {
        path.isAbsolute ? path : plan.process.workingDirectory.appending(path)
    }

    private func file(at path: OSString) -> NotExecuted.File {
        guard let real = realPath(path) else { return isOfSandbox(path) ? .ofSandbox : .absent }
        if isDenied(path) || isDenied(real) { return .denied }
        guard isShown(real) else { return isOfSandbox(path) ? .ofSandbox : unseen(real) }
        var status = stat()
        guard real.withCBytes({ stat($0, &status) }) == 0 else { return .unknown }
        if status.st_mode & S_IFMT == S_IFDIR { return .folder }
        if status.st_mode & S_IFMT != S_IFREG || status.st_mode & 0o111 == 0 { return .notExecutable }
        guard let start = start(of: real) else { return .unknown }
        if start.starts(with: [0x7F] + Array("ELF".utf8)) { return .program }
        guard let interpreter = NotExecuted.interpreter(in: start) else { return .text }
        return .script(interpreter: interpreter, state(of: interpreter))
    }

    /// What the host has where the sandbox shows nothing.
    private func unseen(_ real: OSString) -> NotExecuted.File {
        if access(real, X_OK) { return .outside(real) }
        // In a folder of PATH nobody means a file that no shell would take.
        let isMeant = plan.process.arguments[0].containsSlash
        var status = stat()
        let isFile = real.withCBytes { stat($0, &status) } == 0 && status.st_mode & S_IFMT == S_IFREG
        return isMeant && isFile ? .outsideNotExecutable(real) : .absent
    }

    /// Whether the place makes a file or link of its own at a path.
    private func isOfSandbox(_ path: OSString) -> Bool {
        for case .writeFile(path, _, _) in plan.steps { return true }
        for case .symlink(path, _) in plan.steps { return true }
        return false
    }

    private func state(of interpreter: OSString) -> NotExecuted.State {
        guard !interpreter.isEmpty, let real = realPath(absolute(interpreter)) else { return .absent }
        return isShown(real) ? .shown : .outside(real)
    }

    /// Whether the place shows a path of the host; for one without links in it.
    private func isShown(_ path: OSString) -> Bool {
        if plan.confinement == .none { return true }
        if plan.weaker?.landlockOnly != nil {
            // Every rule of a file or folder lets it be executed; what none is above is not opened.
            let right = LandlockRight.execute
            return plan.landlock.rules.contains { $0.access & right != 0 && isSame($0.path, around: path) }
        }
        for case .bind(let bind) in plan.steps where bind.source == bind.target && path.isWithin(bind.target) {
            return true
        }
        return false
    }

    /// Whether a path without links lies in what a rule's path leads to.
    private func isSame(_ rule: OSString, around path: OSString) -> Bool {
        path.isWithin(rule) || (realPath(rule).map { path.isWithin($0) } ?? false)
    }

    private func isDenied(_ path: OSString) -> Bool {
        for case .cover(let covered, let cover) in plan.steps where path.isWithin(covered) {
            switch cover {
            case .unreadableFile, .unreadableFolder: return true
            case .emptyFolder, .emptyFile, .ownCommonFolder, .itselfReadOnly: continue
            }
        }
        return false
    }

    private func access(_ path: OSString, _ mode: Int32) -> Bool {
        path.withCBytes { Glibc.access($0, mode) } == 0
    }

    /// Nil for what is not there, or cannot be looked at.
    private func realPath(_ path: OSString) -> OSString? {
        guard let text = path.withCBytes({ realpath($0, nil) }) else { return nil }
        defer { free(text) }
        return OSString(UnsafeRawBufferPointer(start: text, count: strlen(text)))
    }

    /// The bytes that execve(2) looks at; nil for a file that cannot be read.
    private func start(of path: OSString) -> [UInt8]? {
        do throws(SyscallError) {
            let file = try FileReading.open(path)
            let bytes = [UInt8](unsafeUninitializedCapacity: 256) { buffer, count in
                count = max(0, pread(file.number, buffer.baseAddress, buffer.count, 0))
            }
            return bytes
        } catch {
            return nil
        }
    }
}

extension OSString {
    /// The bytes with a NUL behind them, for the length of `body`.
    fileprivate func withCBytes<Result>(_ body: (UnsafePointer<CChar>) -> Result) -> Result {
        (bytes.map { CChar(bitPattern: $0) } + [0]).withUnsafeBufferPointer { buffer in
            // swift-format-ignore: NeverForceUnwrap
            body(buffer.baseAddress!)  // never empty: there is the NUL
        }
    }
}
