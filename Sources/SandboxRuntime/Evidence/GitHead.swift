internal import CShims
internal import SandboxKernel
public import SandboxPlan

/// Where a repository stood, as its files say; no git is run.
///
/// The workspace is under other hands: no link is followed, at most 4 KiB are read, nothing blocks.
public struct GitHead: Hashable, Sendable {
    /// First line of `.git/HEAD`: `ref: refs/heads/main`, or a commit.
    public var head: OSString
    /// The commit in hexadecimal, 40 or 64 digits: HEAD itself, or the loose reference it names; packed ones are not read.
    public var commit: String?

    public init(head: OSString, commit: String? = nil) {
        self.head = head
        self.commit = commit
    }

    /// HEAD of the repository directly in the folder that `workspace` has open; nil if there is none that can be read.
    ///
    /// A description for the record, on which nothing depends: whatever stands in the way, HEAD is simply not known.
    public static func observed(workspace: Int32) -> GitHead? {
        guard let head = firstLine(of: ".git/HEAD", below: workspace) else { return nil }
        if let commit = commit(head) { return GitHead(head: head, commit: commit) }
        let prefix = Array("ref: ".utf8)
        guard head.bytes.starts(with: prefix) else { return GitHead(head: head) }
        let reference = OSString(head.bytes.dropFirst(prefix.count))
        guard reference.components.first == "refs", !reference.isAbsolute, !reference.components.contains("..") else {
            return GitHead(head: head)
        }
        let line = firstLine(of: OSString(".git").appending(reference), below: workspace)
        return GitHead(head: head, commit: line.flatMap(commit))
    }

    /// The same for a workspace by its path, which no link may be in.
    public static func observed(at workspace: OSString) -> GitHead? {
        let flags = UInt64(CS_O_PATH | CS_O_DIRECTORY)
        let resolve = UInt64(CS_RESOLVE_NO_SYMLINKS | CS_RESOLVE_NO_MAGICLINKS)
        let number = workspace.withPointer { cs_openat2(FileReading.currentFolder, $0, flags, 0, resolve) }
        guard number >= 0 else { return nil }
        let folder = OwnedFileDescriptor(owning: Int32(number))
        return observed(workspace: folder.number)
    }

    private static func commit(_ line: OSString) -> String? {
        guard line.bytes.count == 40 || line.bytes.count == 64 else { return nil }
        guard line.bytes.allSatisfy({ Hexadecimal.value($0) != nil }) else { return nil }
        return line.utf8
    }

    private static func firstLine(of path: OSString, below folder: Int32) -> OSString? {
        do throws(SyscallError) {
            let bytes = try FileReading.read(path, below: folder, limit: 4096, followingLinks: false)
            let line = OSString(bytes.prefix { $0 != 0x0A })
            return line.isEmpty ? nil : line
        } catch {
            return nil
        }
    }
}
