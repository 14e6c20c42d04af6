public import SandboxPlan

/// Why a released command was not executed, for a person: 126 and 127 in words.
///
/// execve(2) tells an errno only, and one that it has for several causes; what the host has at the path tells them apart.
public struct NotExecuted: Hashable, Sendable {
    /// Of execve(2).
    public var errno: Int32
    /// The command as it was given.
    public var command: OSString
    /// Absolute path of the file it happened to; nil when there is none.
    public var path: OSString?
    /// Where a command without a slash was looked for, in order; empty for a path.
    public var folders: [OSString]
    /// Whether there was a sandbox around it.
    public var isConfined: Bool
    public var file: File
    /// Folders that no sandbox shows, nor one that holds them: the home folder, `/tmp`.
    public var closedFolders: [OSString]

    /// What the host has there.
    public enum File: Hashable, Sendable {
        /// Nothing.
        case absent
        /// Something that the sandbox does not show; the path without links.
        case outside(OSString)
        /// A file without execute permission that the sandbox does not show; the path without links.
        case outsideNotExecutable(OSString)
        /// Something that every sandbox makes for itself there, whatever the host has: no program.
        case ofSandbox
        /// Something that the sandbox covers.
        case denied
        case folder
        case notExecutable
        /// A file with a `#!` line.
        case script(interpreter: OSString, State)
        /// A file that begins as ELF files do.
        case program
        /// A file that begins in another way; an empty one too.
        case text
        /// It could not be looked at.
        case unknown
    }

    /// Of an interpreter.
    public enum State: Hashable, Sendable {
        /// The host has none.
        case absent
        /// The host has it, and the sandbox does not show it; the path without links.
        case outside(OSString)
        case shown
    }

    public init(
        errno: Int32,
        command: OSString,
        path: OSString?,
        folders: [OSString],
        isConfined: Bool,
        file: File,
        closedFolders: [OSString] = []
    ) {
        self.errno = errno
        self.command = command
        self.path = path
        self.folders = folders
        self.isConfined = isConfined
        self.file = file
        self.closedFolders = closedFolders
    }

    /// ENOENT on every Linux (errno(3)); the others are told by what the file is.
    private static let notFound: Int32 = 2

    /// The interpreter in the `#!` line at the start of a file, of which execve(2) looks at 256 bytes; nil without one.
    public static func interpreter(in start: [UInt8]) -> OSString? {
        guard start.starts(with: "#!".utf8) else { return nil }
        let line = start.prefix(256).dropFirst(2).prefix { $0 != UInt8(ascii: "\n") && $0 != 0 }
        let isBlank: (UInt8) -> Bool = { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
        return OSString(line.drop(while: isBlank).prefix { !isBlank($0) })
    }

    var lines: [String] {
        if command.isEmpty { return ["The command is empty. Write a program's name after the options."] }
        var lines = errno == NotExecuted.notFound ? absence : refusal
        lines.append("  execve: \(ErrnoName.described(errno))")
        return lines
    }

    /// ENOENT: the command, its interpreter or its loader.
    private var absence: [String] {
        switch file {
        case .outside(let found):
            return ["\(name) is not in the sandbox: found at \(Shown.whole(found)); \(remedy(found))"]
        case .outsideNotExecutable(let found):
            return [
                "\(name) is not in the sandbox: found at \(Shown.whole(found)), where it has no execute permission; "
                    + "if it is a program: chmod +x, and \(remedy(found))"
            ]
        case .script(let interpreter, let state):
            let missing = "\(named) is there, but the interpreter of its #! line is not: \(Shown.whole(interpreter))."
            let carriageReturn: [String] =
                interpreter.bytes.last == UInt8(ascii: "\r")
                ? ["  Its lines end as on Windows; remove the carriage returns (sed -i 's/\\r$//')."] : []
            if case .outside(let found) = state {
                return [missing, "  The host has it; \(remedy(found))."]
            }
            return [missing] + carriageReturn
        case .program:
            return ["\(named) is there, but the loader that it was linked for (readelf -l) is not."]
        case .absent, .ofSandbox, .denied, .folder, .notExecutable, .text, .unknown:
            guard folders.isEmpty else {
                let list = folders.map { Shown.whole($0) }.joined(separator: ", ")
                return ["\(name) was not found\(inside).", "  looked in: \(list) (the PATH that it has)"]
            }
            return ["\(name) does not exist\(inside)."]
        }
    }

    /// What shows a file of the host, by its path without links.
    private func remedy(_ found: OSString) -> String {
        // One folder of a toolchain is not enough: its tools look for the others, and for variables that name them.
        guard let chain = ToolchainFolders.name(of: found) else {
            let isClosed = found.parent == "/" || closedFolders.contains { $0.isWithin(found.parent) }
            return "add --read \(Shown.whole(isClosed ? found : found.parent))"
        }
        return "it is of the toolchain \(chain): write toolchains = [\"\(chain)\"] below [filesystem] into a policy "
            + "file that extends yours, and name it with --policy FILE"
    }

    /// Any other errno.
    private var refusal: [String] {
        switch file {
        case .denied: return ["\(named) cannot be executed: it is denied (--deny, or filesystem.deny of the policy)."]
        case .folder: return ["\(named) cannot be executed: it is a folder."]
        case .notExecutable:
            return ["\(named) cannot be executed: it has no execute permission (chmod +x)."]
        case .script(let interpreter, _):
            if interpreter.isEmpty { return ["\(named) cannot be executed: its #! line names no interpreter."] }
            return [
                "\(named) cannot be executed, or the interpreter of its #! line cannot: \(Shown.whole(interpreter))."
            ]
        case .program:
            return ["\(named) cannot be executed: it is damaged, for another machine, or not allowed here."]
        case .text:
            return [
                "\(named) cannot be executed: it is no program that this kernel knows, and it has no #! line.",
                "  For a script, write #!/bin/sh (or its interpreter) into its first line.",
            ]
        case .ofSandbox:
            return [
                "\(named) cannot be executed: the sandbox has one of its own there, which is no program.",
                "  To read it, run a program that does (cat); to run the host's, copy it to where the sandbox shows it.",
            ]
        case .absent, .outside, .outsideNotExecutable, .unknown:
            return [
                "\(named) cannot be executed.",
                "  See that it may be (chmod +x), and that every folder on the way to it may be entered.",
            ]
        }
    }

    private var inside: String { isConfined ? " in the sandbox" : "" }
    private var name: String { Shown.word(command) }

    /// With the path, where it is not the command itself.
    private var named: String {
        guard let path, path != command, !command.containsSlash else { return name }
        return "\(name) (\(Shown.whole(path)))"
    }
}

extension OwnWords {
    /// Why the command was not executed; said with `--quiet` too.
    public static func notExecuted(_ finding: NotExecuted) -> String { lines(finding.lines) }
}
