internal import CShims
internal import Glibc
internal import SandboxCLI
internal import SandboxKernel
internal import SandboxPlan

/// `codex-sandbox verify`: hostile acts, outside and inside.
enum VerifyCommand {
    static func status(_ options: VerifyOptions) -> Int32 {
        if let words = options.attempt { return attempt(words) }
        do throws(Refusal) {
            let report = try report(options)
            return Output.show(options.json ? report.json : report.text, status: report.exitStatus)
        } catch {
            Output.say(OwnWords.refusal(error))
            return ExitStatus.refused
        }
    }

    /// The place is gone when this returns: a reader that ends early ends us while we print (SIGPIPE).
    private static func report(_ options: VerifyOptions) throws(Refusal) -> VerifyReport {
        let place = try VerifyPlace()
        let profile = VerifyProfile(in: place.workspace, options)
        let countsAccount = profile.notHeld.contains { $0.promise == .taskCount }
        let tasks = countsAccount ? try tasksOfAccount() : nil
        return withExtendedLifetime(place) {
            let acts = HostileAct.all(beside: tasks).filter {
                $0.runOptions.isEmpty || !options.passesOn($0.runOptions[0])
            }
            let rows = acts.map { act in
                var row = row(act, place, options)
                if row.verdict == .broken, profile.givesUp(act) { row.verdict = .notHeld }
                return row
            }
            return VerifyReport(
                rows: rows,
                workspace: place.workspace,
                style: Output.style,
                notHeld: profile.notHeld
            )
        }
    }

    private static func tasksOfAccount() throws(Refusal) -> UInt64 {
        do throws(SyscallError) { return try AccountTasks.count() } catch {
            throw Refusal(
                stage: "verify",
                step: "count of the account's tasks",
                subject: "/proc",
                errno: error.errno,
                message: "The account's tasks cannot be counted, and in this profile a limit of tasks counts them.",
                remedy: "See that /proc is mounted."
            )
        }
    }

    /// This process is the one that makes an act.
    private static func attempt(_ words: [OSString]) -> Int32 {
        var pointers: [UnsafeMutablePointer<CChar>?] = words.map { strdup(FactFile.cString($0)) }
        pointers.append(nil)
        // The process ends with the act: nobody frees what it was told.
        return cs_attempt(pointers)
    }

    private static func row(_ act: HostileAct, _ place: VerifyPlace, _ options: VerifyOptions) -> VerifyReport.Row {
        var row = VerifyReport.Row(
            name: act.name,
            what: act.what,
            judge: act.judge,
            control: "",
            inside: "",
            verdict: .noControl
        )
        if act.needsTerminal && place.terminal.slave < 0 {
            row.control = "no terminal"
            return row
        }
        let control = end(of: act, place, outside(act, place))
        row.control = control.words
        let inside = end(of: act, place, inside(act, place, options))
        row.inside = inside.words
        if case .notTried(let why) = inside { row.reason = why }
        switch (control, inside) {
        case (_, .letThrough): row.verdict = .broken
        case (_, .notTried): row.verdict = .notTried
        case (.letThrough, .refused): row.verdict = .held
        case (_, .refused): row.verdict = .noControl
        }
        return row
    }

    // MARK: - One attempt

    private enum End {
        case letThrough
        case refused(String)
        case notTried(String)

        var words: String {
            switch self {
            case .letThrough: "let through"
            case .refused(let why): why
            case .notTried: "not tried"
            }
        }
    }

    /// What became of it, by what is seen outside where that can be.
    private static func end(of act: HostileAct, _ place: VerifyPlace, _ process: AttemptProcess?) -> End {
        guard let process else { return .notTried("could not be started") }
        let happened =
            switch act.sight {
            case .errno: process.errno == 0
            case .token: process.shows(place.token)
            case .fact(let happened, _): wait(act, process, for: { happened(place) })
            }
        if case .fact(_, let reset) = act.sight { reset(place) }
        if happened { return .letThrough }
        guard process.began else { return .notTried(reason(process)) }
        guard let errno = process.errno else { return .refused(process.ending) }
        return .refused(errno == 0 ? "without effect" : ErrnoName.name(errno))
    }

    /// A process that was sent a signal may need a moment to be gone.
    private static func wait(_ act: HostileAct, _ process: AttemptProcess, for fact: () -> Bool) -> Bool {
        var rest = process.errno == 0 ? act.patience : 0
        while true {
            if fact() { return true }
            if rest <= 0 { return false }
            usleep(1000)
            rest -= 1
        }
    }

    /// What the launch said first: a refusal's cause may stand on its second line.
    private static func reason(_ process: AttemptProcess) -> String {
        var said: [String] = []
        for line in process.error.split(separator: UInt8(ascii: "\n")).prefix(3) {
            let text = String(decoding: line, as: UTF8.self)
            said.append(text.hasPrefix(OwnWords.prefix) ? String(text.dropFirst(OwnWords.prefix.count)) : text)
        }
        return said.isEmpty ? process.ending : said.joined(separator: " ")
    }

    private static func outside(_ act: HostileAct, _ place: VerifyPlace) -> AttemptProcess? {
        // As the user that root's launch would run as: root is let through by much that nobody else is.
        let user = OSString(String(VerifyPlace.unprivileged))
        let identity: [OSString] = geteuid() == 0 ? ["--as", user, user] : []
        let words: [OSString] = [place.program, "verify", VerifyOptions.attemptWord] + identity + act.words(place)
        return AttemptProcess.run(words, in: place, terminal: act.needsTerminal)
    }

    private static func inside(
        _ act: HostileAct,
        _ place: VerifyPlace,
        _ options: VerifyOptions
    ) -> AttemptProcess? {
        var words: [OSString] = ["/proc/self/exe", "run", "--quiet", "--workspace", place.workspace]
        if let folder = options.stateDirectory { words += ["--state-dir", folder] }
        words += options.runOptions
        // Without a sandbox no limit holds, and `run` would say so.
        if !options.passesOn("--danger-full-access") { words += act.runOptions }
        words += ["--", place.program, "verify", VerifyOptions.attemptWord] + act.words(place)
        return AttemptProcess.run(words, in: place, terminal: act.needsTerminal)
    }
}
