internal import SandboxPlan

/// One step of a plan in words: what is done, to what, and how.
struct StepWords {
    let operation: String
    let object: String
    let detail: String

    init(_ step: LaunchStep) {
        switch step {
        case .privatePropagation:
            self.init("private-propagation", "/", "mounts of the host and of the place stop following each other")
        case .newRoot(let size, let inodes):
            self.init("new-root", "/", "tmpfs, \(size), \(inodes) inodes")
        case .makeFolders(let path, let mode):
            self.init("make-folders", Shown.whole(path), "mode \(StepWords.octal(mode))")
        case .symlink(let path, let target):
            self.init("symlink", Shown.whole(path), "to \(Shown.whole(target))")
        case .writeFile(let path, let contents, let mode):
            self.init("write-file", Shown.whole(path), "\(contents.count) B, mode \(StepWords.octal(mode))")
        case .bind(let bind):
            self.init("bind", Shown.whole(bind.target), StepWords.detail(of: bind))
        case .cover(let path, let cover):
            self.init("cover", Shown.whole(path), StepWords.words(of: cover))
        case .tmpfs(let path, let size, let inodes, let mode, let options):
            let words = options.words.joined(separator: " ")
            self.init("tmpfs", Shown.whole(path), "\(size), \(inodes) inodes, mode \(StepWords.octal(mode)), \(words)")
        case .procfs(let path):
            self.init("procfs", Shown.whole(path), "of its own pid namespace")
        case .rootOnly(let path):
            self.init("root-only", Shown.whole(path), "the host's root alone may open it, and is nobody here: tried")
        case .devpts(let path):
            self.init("devpts", Shown.whole(path), "an instance of its own")
        case .remount(let path, let options):
            self.init("remount", Shown.whole(path), options.words.joined(separator: " "))
        case .enterRoot:
            self.init("enter-root", "/", "pivot_root, the old root is detached")
        case .hostname(let name):
            self.init("hostname", Shown.whole(name), "")
        case .loopbackUp:
            self.init("loopback-up", "lo", "")
        case .forbidUserNamespaces:
            self.init("forbid-user-namespaces", "user.max_user_namespaces", "0, read back and tried")
        case .freshKeyring:
            self.init("fresh-keyring", "session keyring", "empty")
        case .limit(let limit):
            self.init("limit", RLimitWords.name(limit.resource), RLimitWords.value(limit))
        case .attributes(let attributes):
            self.init(
                "attributes",
                "",
                "umask \(StepWords.octal(attributes.umask)), nice \(attributes.nice), "
                    + "oom_score_adj \(attributes.oomScoreAdjustment), timer slack \(attributes.timerSlack) ns"
                    + StepWords.signals(attributes.resetSignals)
            )
        case .dropCapabilities(let last):
            self.init("drop-capabilities", "0 to \(last)", "all five sets empty, securebits locked")
        case .noNewPrivileges:
            self.init("no-new-privileges", "", "set-id bits and file capabilities stop working")
        case .landlock:
            self.init("landlock", "", "the domain below, for every process of the place")
        case .terminals(let count, let keyboard):
            let use = keyboard ? "the first is the job's controlling one" : "for output alone"
            self.init("terminals", "/dev/pts", "\(count), relayed; \(use); none of the host's comes in")
        case .placeFilter(afterFirstProcess: false):
            self.init("place-filter", "", "seccomp, for pid 1 and all it starts")
        case .placeFilter(afterFirstProcess: true):
            self.init("place-filter", "", "seccomp, for pid 1; the command is made before and has its own alone")
        }
    }

    private init(_ operation: String, _ object: String, _ detail: String) {
        self.operation = operation
        self.object = object
        self.detail = detail
    }

    private static func detail(of bind: BindMount) -> String {
        var words = [bind.options.words.joined(separator: " "), bind.purpose.rawValue]
        if bind.isDirectory && bind.recursive { words.append("with mounts below") }
        if !bind.isDirectory { words.append("file") }
        if bind.source != bind.target { words.append("from \(Shown.whole(bind.source))") }
        return words.joined(separator: ", ")
    }

    private static func words(of cover: Cover) -> String {
        switch cover {
        case .unreadableFile: "by an empty file, unreadable"
        case .unreadableFolder: "by an empty folder, unreadable"
        case .emptyFolder: "by an empty folder, read-only"
        case .itselfReadOnly: "by itself, read-only"
        case .emptyFile: "by an empty file, read-only"
        case .ownCommonFolder: "by a file that says what holds without it, read-only"
        }
    }

    /// Bit n-1 is signal n.
    private static func signals(_ mask: UInt64) -> String {
        guard mask != 0 else { return "" }
        let names = (1...Int32(64)).filter { mask >> UInt64($0 - 1) & 1 == 1 }.map(SignalName.name)
        return ", no longer ignored: \(names.joined(separator: " "))"
    }

    /// A file mode as chmod(1) writes it.
    static func octal(_ mode: UInt32) -> String {
        let digits = String(mode, radix: 8)
        return String(repeating: "0", count: max(4 - digits.utf8.count, 0)) + digits
    }
}
