internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan
internal import SandboxPolicy

/// What the patterns of `filesystem.deny_globs` mean at this launch: a walk by descriptor through what is shown.
///
/// It follows no link to what is named, but links to folders that a pattern goes through: what is behind them is denied by its
/// real path, as far as that is shown. Past a bound the launch is refused: a list that is shorter than it should be would show what is to be
/// denied. Only policies with patterns pay for it.
struct DeniedNames {
    struct Bounds {
        var entries = 250_000
        /// Folders below each other.
        var depth = 64
        var matches = PolicyRange.listLength.upperBound
        /// Nanoseconds for all of it.
        var time: Int64 = 2_000_000_000
        /// For tests: false as on a file system that does not say what its entries are (DT_UNKNOWN).
        var kindsAreTold = true
    }

    private let patterns: [DenyPattern]
    private let bounds: Bounds
    private let began = cs_monotonic()
    private var seen = 0
    private var found: [OSString] = []
    /// Everything that the place shows.
    private let shown: [OSString]
    /// The workspace's path inside, where it is another one than on the host.
    private let moved: OSString?
    /// Folders behind links that have been looked at, with how far each pattern was.
    private var followed: Set<Followed> = []

    private struct Followed: Hashable {
        var path: OSString
        var progress: [DenyPattern.Progress]
    }

    private init(_ patterns: [DenyPattern], shown: [OSString], moved: OSString?, _ bounds: Bounds) {
        self.patterns = patterns
        self.moved = moved
        self.shown = shown
        self.bounds = bounds
    }

    /// The paths that match, each once, sorted; below one that matches nothing is looked for.
    ///
    /// - Parameters:
    ///   - globs: the policy's, each without a defect.
    ///   - roots: what is shown, the workspace first; a file, and what is not there, is the planner's to judge.
    ///   - system: what every place shows; only patterns that begin at `/` are looked for there.
    ///   - made: what every place has of its own, be it there on the host or not; the same.
    ///   - inside: the workspace's path inside, where it is another one than on the host.
    ///   - bounds: past which there is no answer.
    /// - Returns: what to deny.
    /// - Throws: `Refusal` when it could not all be looked through.
    static func paths(
        matching globs: [OSString],
        in roots: [OSString],
        system: [OSString] = [],
        made: [OSString] = [],
        movedTo inside: OSString? = nil,
        _ bounds: Bounds = Bounds()
    ) throws(Refusal) -> [OSString] {
        var patterns = globs.map { DenyPattern($0) }
        var whole: [OSString] = []
        for glob in globs where glob.isAbsolute {
            guard let front = try PatternFront.find(glob) else { continue }
            if front.isMoved { patterns.append(DenyPattern(front.pattern)) }
            if let path = front.whole { whole.append(path) }
        }
        var walk = DeniedNames(patterns, shown: roots + system + made, moved: inside, bounds)
        walk.found = whole
        // The first is the workspace, where a pattern that does not begin at `/` begins.
        for (index, root) in roots.enumerated() { try walk.look(at: root, relative: true, itself: index > 0) }
        for root in system { try walk.look(at: root, relative: false, itself: false) }
        for root in made { try walk.look(at: root, relative: false, itself: false, isMade: true) }
        return Array(Set(walk.found)).sorted()
    }

    /// - Parameters:
    ///   - root: of what is shown.
    ///   - relative: whether patterns that do not begin at `/` are looked for in it.
    ///   - itself: whether they may mean the root itself.
    ///   - isMade: whether the place has it, whatever the host has.
    /// - Throws: `Refusal` when it could not all be looked through.
    private mutating func look(
        at root: OSString,
        relative: Bool,
        itself: Bool,
        isMade: Bool = false
    ) throws(Refusal) {
        // A root that is meant itself is covered, or refused where it cannot be.
        let heeded = patterns.filter { $0.isAbsolute || (relative && itself) }
        var meant: [OSString] = []
        for pattern in heeded {
            if let path = pattern.match(onTheWayTo: root) { meant.append(path) }
        }
        if !meant.isEmpty {
            // A policy may list what this host does not have: nothing of it is shown, and there is nothing to deny.
            found += isMade ? meant : meant.filter { PatternFront.isThere($0) }
            return
        }
        let progress = patterns.map { $0.isAbsolute || relative ? $0.start(at: root) : .over }
        if progress.allSatisfy(\.isOver) { return }
        if let folder = try folder(root, AT_FDCWD, named: root, isKnown: false) {
            return try look(into: folder, root, progress, depth: 1)
        }
        // A link, as `/bin` to `usr/bin`: what is behind it is shown there, and by this name, too.
        let beyond = patterns.indices.map { patterns[$0].beyondEverywhere(progress[$0]) }
        if !beyond.allSatisfy(\.isOver) { try follow(root, AT_FDCWD, root, beyond, 0) }
    }

    private struct Folder {
        var name: OSString
        var progress: [DenyPattern.Progress]
        /// Whether the file system said that it is one.
        var isKnown: Bool
        /// Whether it is a link.
        var isLink = false
    }

    private mutating func look(
        into folder: borrowing OwnedFileDescriptor,
        _ path: OSString,
        _ progress: [DenyPattern.Progress],
        depth: Int
    ) throws(Refusal) {
        if depth > bounds.depth { throw tooLarge(path, "folders more than \(bounds.depth) deep") }
        var folders: [Folder] = []
        var (seen, matches) = (seen, [OSString]())
        let (patterns, limit, kindsAreTold) = (patterns, bounds.entries, bounds.kindsAreTold)
        let number = folder.number
        do throws(SyscallError) {
            try FolderEntries.each(in: number, named: path) { (entry) throws(SyscallError) in
                seen += 1
                if seen > limit { return false }
                let name = entry.copy
                var next: [DenyPattern.Progress] = []
                next.reserveCapacity(patterns.count)
                var isMatch = false
                for index in patterns.indices {
                    let step = patterns[index].progress(progress[index], into: name)
                    if patterns[index].isMatch(step) { isMatch = true }
                    next.append(step)
                }
                if isMatch {
                    matches.append(path.appending(name))
                    return true
                }
                if next.allSatisfy(\.isOver) { return true }
                var kind = kindsAreTold ? entry.kind : UInt8(DT_UNKNOWN)
                if kind == UInt8(DT_UNKNOWN) { kind = try DeniedNames.kind(of: entry, in: number) }
                if kind == UInt8(DT_DIR) || kind == UInt8(DT_UNKNOWN) {
                    folders.append(Folder(name: name, progress: next, isKnown: kind == UInt8(DT_DIR)))
                } else if kind == UInt8(DT_LNK) {
                    // Where a pattern is as far at every place, what is behind the link is found where it lies.
                    let beyond = patterns.indices.map { patterns[$0].beyondEverywhere(next[$0]) }
                    if !beyond.allSatisfy(\.isOver) {
                        folders.append(Folder(name: name, progress: beyond, isKnown: false, isLink: true))
                    }
                }
                return true
            }
        } catch { throw unreadable(path, error.call, error.errno) }
        self.seen = seen
        if seen > limit { throw tooLarge(path, "more than \(limit) entries") }
        found += matches
        if found.count > bounds.matches { throw tooLarge(path, "more than \(bounds.matches) names that match") }
        if cs_monotonic() - began > bounds.time {
            throw tooLarge(path, "more than can be looked through in \(bounds.time / 1_000_000) ms")
        }
        for next in folders {
            let below = path.appending(next.name)
            if next.isLink {
                try follow(next.name, folder.number, below, next.progress, depth)
                continue
            }
            guard let inner = try self.folder(next.name, folder.number, named: below, isKnown: next.isKnown) else {
                continue
            }
            try look(into: inner, below, next.progress, depth: depth + 1)
        }
    }

    /// What an entry is that its file system does not say it of: a folder, a link, DT_REG for all else.
    ///
    /// - Returns: DT_UNKNOWN for what is gone, or cannot be looked at: opening it will say what that means.
    private static func kind(of entry: FolderEntries.Entry, in folder: Int32) throws(SyscallError) -> UInt8 {
        var found = cs_identity()
        let result = cs_identify(folder, entry.name, &found)
        switch Int32(-result) {
        case 0: break
        case ENOENT, EACCES: return UInt8(DT_UNKNOWN)
        case let code: throw SyscallError(call: "statx", subject: entry.copy.description, errno: code)
        }
        switch found.mode & S_IFMT {
        case S_IFDIR: return UInt8(DT_DIR)
        case S_IFLNK: return UInt8(DT_LNK)
        case _: return UInt8(DT_REG)
        }
    }

    /// Goes on behind a link, if it leads to a folder that is shown.
    private mutating func follow(
        _ name: OSString,
        _ parent: Int32,
        _ path: OSString,
        _ progress: [DenyPattern.Progress],
        _ depth: Int
    ) throws(Refusal) {
        let flags = UInt64(O_RDONLY | O_DIRECTORY | O_NONBLOCK)
        let number = name.withPointer { cs_openat2(parent, $0, flags, 0, UInt64(CS_RESOLVE_NO_MAGICLINKS)) }
        guard number >= 0 else {
            switch Int32(-number) {
            // Here it leads nowhere; where the workspace has another path inside, it may lead somewhere there.
            // A root is the host's own, which knows nothing of that path, and may well have links that lead nowhere.
            case ENOENT where moved != nil && (depth > 0 || leadsIntoMoved(path)): throw astray(path)
            // Round and round, or through a folder of a process: that of the job is another one than ours.
            case ELOOP where PatternFront.leadsThroughProcess(name, below: parent): throw astray(path)
            // It leads nowhere, or to no folder.
            case ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG, ENXIO: return
            case EACCES where try isClosed(behind: path): return
            case _: throw unreadable(path, "openat2", Int32(-number))
            }
        }
        let folder = OwnedFileDescriptor(owning: Int32(number))
        let real: OSString
        do throws(SyscallError) {
            real = try FileReading.path(of: folder.number)
        } catch { throw unreadable(path, error.call, error.errno) }
        // The host's own folder of that path is not what is there inside.
        if let moved, real.isWithin(moved) { throw astray(path) }
        guard shown.contains(where: { real.isWithin($0) }),
            followed.insert(Followed(path: real, progress: progress)).inserted
        else { return }
        try look(into: folder, real, progress, depth: depth + 1)
    }

    /// Whether a link that leads nowhere here may lead into the workspace's other path inside.
    private func leadsIntoMoved(_ path: OSString) -> Bool {
        guard let moved else { return false }
        do throws(SyscallError) {
            return try RealPath.of(path).isWithin(moved)
        } catch {
            return true  // nobody can say
        }
    }

    /// Whether what a link leads to, and cannot be listed, is not shown, or closed to the job as well.
    private func isClosed(behind path: OSString) throws(Refusal) -> Bool {
        let real: OSString
        do throws(SyscallError) {
            real = try RealPath.of(path)
        } catch { throw unreadable(path, error.call, error.errno) }
        return !shown.contains { real.isWithin($0) } || PatternFront.isClosedForGood(real)
    }

    /// Nil for what is no folder, is gone, or is closed to the job as well.
    private func folder(
        _ name: OSString,
        _ parent: Int32,
        named path: OSString,
        isKnown: Bool
    ) throws(Refusal) -> OwnedFileDescriptor? {
        let flags = UInt64(O_RDONLY | O_DIRECTORY | O_NONBLOCK)
        let resolve = UInt64(CS_RESOLVE_NO_SYMLINKS | CS_RESOLVE_NO_MAGICLINKS)
        let number = name.withPointer { cs_openat2(parent, $0, flags, 0, resolve) }
        if number >= 0 { return OwnedFileDescriptor(owning: Int32(number)) }
        switch Int32(-number) {
        case ENOENT: return nil
        case ENOTDIR, ELOOP: if !isKnown { return nil }
        case EACCES: if PatternFront.isClosedForGood(path) { return nil }
        case _: break
        }
        throw unreadable(path, "openat2", Int32(-number))
    }

    // MARK: -

    private func unreadable(_ path: OSString, _ call: String, _ code: Int32) -> Refusal {
        Refusal(
            stage: "plan",
            step: call,
            subject: path.description,
            errno: code,
            message: "\(path) could not be looked through for what filesystem.deny_globs denies",
            remedy: "make it readable for yourself, see who changes it, or deny it whole",
            layer: .mounts
        )
    }

    private func astray(_ path: OSString) -> Refusal {
        Refusal(
            stage: "plan",
            step: "openat2",
            subject: path.description,
            message:
                "\(path), where a pattern of filesystem.deny_globs goes on, is a link that leads elsewhere inside the sandbox than here",
            remedy: "make it a link to a relative path, remove it, or deny what it leads to with filesystem.deny",
            layer: .mounts
        )
    }

    private func tooLarge(_ path: OSString, _ what: String) -> Refusal {
        Refusal(
            stage: "plan",
            subject: path.description,
            message:
                "filesystem.deny_globs cannot be worked out before the launch: there are \(what), at last in \(path)",
            remedy: "name paths in filesystem.deny, begin the patterns with a folder, or show less",
            layer: .mounts
        )
    }
}
