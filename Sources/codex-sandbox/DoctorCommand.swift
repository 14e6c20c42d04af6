internal import Glibc
internal import SandboxCLI
internal import SandboxKernel
internal import SandboxPlan

/// `codex-sandbox doctor`.
enum DoctorCommand {
    static func status(_ options: DoctorOptions) -> Int32 {
        if options.apparmorProfile { return showProfile() }
        let host = Doctor.examine(folders: folders(options)) { trial(options) }
        let report = DoctorReport(report: host, style: Output.style)
        return Output.show(options.json ? report.json : report.text, status: report.exitStatus)
    }

    /// Prints the profile for the executables where they really are.
    private static func showProfile() -> Int32 {
        let own: OSString
        do throws(SyscallError) {
            own = try CompanionExecutable.ownPath()
        } catch {
            let refusal = Refusal(
                stage: "profile",
                errno: error.errno,
                message: "/proc/self/exe cannot be read.",
                remedy: "sudo mount -t proc proc /proc"
            )
            Output.say(OwnWords.refusal(refusal))
            return ExitStatus.refused
        }
        var executables = [own]
        if case .found(let path) = CompanionExecutable.find() { executables.append(path) }
        guard let text = AppArmorProfile(executables: executables).text else {
            let refusal = Refusal(
                stage: "profile",
                errno: 0,
                message: "No profile can name \(Shown.word(own)).",
                remedy: "Install it at a path of printable UTF-8 characters."
            )
            Output.say(OwnWords.refusal(refusal))
            return ExitStatus.refused
        }
        return Output.show(text, status: 0)
    }

    /// `run` with no options but the folders it is told, in a workspace of its own.
    private static func trial(_ options: DoctorOptions) -> Outcome {
        do throws(Refusal) {
            let workspace = try TrialWorkspace()
            var trial = RunOptions()
            trial.workspace = workspace.path
            trial.workingDirectory = workspace.path
            trial.stateDirectory = options.stateDirectory
            trial.policy = .named("workspace-write")
            trial.quiet = true
            trial.command = ["/bin/true"]
            return RunCommand.outcome(of: trial)
        } catch {
            return .refused(error)
        }
    }

    private static func folders(_ options: DoctorOptions) -> [DoctorFolder] {
        let environment = CallerStrings.environment
        return OwnFolder.allCases.map { kind in
            let flag = kind == .state ? options.stateDirectory.map(absolute) : nil
            switch kind.path(flag: flag, environment: environment, accountHome: accountHome) {
            case .some(let path):
                return DoctorFolder(name: kind.rowName, path: path, setting: kind.setting)
            case .none:
                let why = "no place is known for it: HOME is unset, and the account has no home"
                return DoctorFolder(name: kind.rowName, path: "", state: .unknown(why: why), setting: kind.setting)
            }
        }
    }

    /// An account that cannot be read counts as one without a home: the row then says what is missing.
    private static func accountHome() -> OSString? {
        do throws(SyscallError) {
            return try Accounts.account(uid: geteuid())?.home
        } catch {
            return nil
        }
    }

    private static func absolute(_ path: OSString) -> OSString {
        guard !path.isAbsolute, let current = getcwd(nil, 0) else { return path }
        defer { free(current) }
        return OSString(UnsafeRawBufferPointer(start: current, count: strlen(current))).appending(path)
    }
}
