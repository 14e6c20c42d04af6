internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan
internal import SandboxPolicy

/// Has `codex-sandboxd compile-policy` make a compiled policy: it links libseccomp and toml++, this program does not.
///
/// The texts go in through a sealed memfd, the bytes come back through a pipe; the compiler's environment is empty.
enum PolicyCompilerProcess {
    /// - Returns: the compiled policy's bytes, unchecked.
    /// - Throws: `Refusal` with the problems of the text, or why the compiler could not be run.
    static func compile(_ inputs: PolicyInputs) throws(Refusal) -> [UInt8] {
        let program: OSString
        switch CompanionExecutable.find() {
        case .found(let path): program = path
        case .absent(let tried):
            let places = tried.map(\.description).joined(separator: " nor at ")
            throw refusal("codex-sandboxd is neither at \(places)", errno: ENOENT)
        case .unusable(let path, let why): throw refusal("\(path) is not run: \(why)", errno: 0)
        case .unknown(let code): throw refusal("/proc/self/exe cannot be read", errno: code)
        }
        let bytes = inputs.bytes
        let input = cs_sealed_memfd("policy", bytes, bytes.count)
        if input < 0 { throw refusal("memfd_create failed", errno: Int32(-input)) }
        let text = OwnedFileDescriptor(owning: Int32(input))
        if lseek(text.number, 0, SEEK_SET) != 0 { throw refusal("lseek failed", errno: errno) }
        var pair: [Int32] = [-1, -1]
        let piped = cs_pipe(&pair)
        if piped < 0 { throw refusal("pipe2 failed", errno: Int32(-piped)) }
        let output = OwnedFileDescriptor(owning: pair[0])
        let pid = try start(
            program,
            words: ["compile-policy"],
            environment: [],
            input: text.number,
            output: OwnedFileDescriptor(owning: pair[1])
        )
        let answer = collect(output.number)
        var status: Int32 = 0
        let waited = cs_wait(pid, 1, &status, nil)
        if waited < 0 { throw refusal("its end was not seen", errno: Int32(-waited)) }
        guard let answer else { throw refusal("its answer could not be read", errno: EIO) }
        if status == 0 { return answer }
        if status == 1 << 8 {
            let problems = String(decoding: answer, as: UTF8.self).split(separator: "\n")
            if let ceiling = inputs.ceiling?.file.path, problems.first?.hasPrefix("\(ceiling):") == true {
                throw Refusal(
                    stage: "policy",
                    subject: ceiling.description,
                    message: "the administrator's policy, which bounds every launch, is not valid:\n  "
                        + problems.joined(separator: "\n  "),
                    remedy: "ask who looks after this machine to mend the named lines (docs/policy.md has every key)"
                )
            }
            if let project = inputs.project?.file,
                [project.name, project.path.description].contains(where: { problems.first?.hasPrefix($0 + ":") == true }
                )
            {
                throw Refusal(
                    stage: "policy",
                    subject: project.path.description,
                    message: "the project's own policy is not valid:\n  " + problems.joined(separator: "\n  "),
                    remedy:
                        "mend the named lines; `codex-sandbox policy check \(project.name)` in its folder shows them again, "
                        + "docs/policy.md what a project's file can say"
                )
            }
            throw Refusal(
                stage: "policy",
                subject: inputs.named.file.name,
                message: "the policy is not valid:\n  " + problems.joined(separator: "\n  "),
                remedy: "mend the named lines; `codex-sandbox policy check` shows them again, docs/policy.md every key"
            )
        }
        throw refusal("it ended with wait status \(status)", errno: 0)
    }

    /// Starts `codex-sandboxd`.
    ///
    /// - Parameters:
    ///   - program: its path.
    ///   - words: behind its name.
    ///   - environment: all that it gets.
    ///   - input: what it reads; nil for what this process reads.
    ///   - output: what it writes to.
    /// - Returns: its pid.
    /// - Throws: `Refusal` when it cannot be started.
    static func start(
        _ program: OSString,
        words: [String],
        environment: [OSString],
        input: Int32?,
        output: consuming OwnedFileDescriptor
    ) throws(Refusal) -> Int32 {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        var results = [posix_spawn_file_actions_adddup2(&actions, output.number, 1)]
        if let input { results.append(posix_spawn_file_actions_adddup2(&actions, input, 0)) }
        if let failed = results.first(where: { $0 != 0 }) { throw refusal("posix_spawn failed", errno: failed) }
        let words = (["codex-sandboxd"] + words).map { (word: String) in strdup(word) }
        defer { words.forEach { free($0) } }
        let given = environment.map { entry in entry.withCString { strdup($0) } }
        defer { given.forEach { free($0) } }
        var environment = given + [nil]
        // Our own signals wait by now; the compiler must end by ^C as anything else.
        var attributes = posix_spawnattr_t()
        var none = sigset_t()
        let prepared = [
            posix_spawnattr_init(&attributes), sigemptyset(&none), posix_spawnattr_setsigmask(&attributes, &none),
            posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK)),
        ]
        defer { posix_spawnattr_destroy(&attributes) }
        if let failed = prepared.first(where: { $0 != 0 }) { throw refusal("posix_spawn failed", errno: failed) }
        var pid: pid_t = 0
        let code = program.withPointer { path in
            posix_spawn(&pid, path, &actions, &attributes, words + [nil], &environment)
        }
        if code != 0 { throw refusal("\(program) could not be started", errno: code) }
        return pid
    }

    /// At most 1 MiB; nil when reading failed or more came.
    static func collect(_ descriptor: Int32) -> [UInt8]? {
        var bytes: [UInt8] = []
        while true {
            var failure: Int32 = 0
            let chunk = [UInt8](unsafeUninitializedCapacity: 65536) { space, count in
                let result = read(descriptor, space.baseAddress, 65536)
                failure = result < 0 ? errno : 0
                count = max(result, 0)
            }
            if failure == EINTR { continue }
            if failure != 0 || bytes.count > 1 << 20 { return nil }
            if chunk.isEmpty { return bytes }
            bytes += chunk
        }
    }

    static func refusal(_ why: String, errno code: Int32) -> Refusal {
        Refusal(
            stage: "policy",
            subject: "codex-sandboxd compile-policy",
            errno: code,
            message: "the policy's compiler could not be used: \(why)",
            remedy: "install codex-sandboxd of the same version beside codex-sandbox, or in ../libexec/codex-sandbox/"
        )
    }
}

extension OSString {
    /// The bytes with a NUL behind them, for the length of `body`.
    func withPointer<Value>(_ body: (UnsafePointer<CChar>) -> Value) -> Value {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: bytes.count + 1) { buffer in
            bytes.withUnsafeBytes { UnsafeMutableRawBufferPointer(buffer).copyMemory(from: $0) }
            buffer[bytes.count] = 0
            // swift-format-ignore: NeverForceUnwrap
            return body(UnsafePointer(buffer.baseAddress!))  // never empty: there is the NUL
        }
    }
}
