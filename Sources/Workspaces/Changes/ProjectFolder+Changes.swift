internal import SandboxPlan

extension ProjectFolder {
    /// What has been added, changed and removed since.
    ///
    /// A file counts as changed where its contents, its mode, its kind or, of a link, where it leads to is another; a file whose
    /// contents are not kept where the kernel's time of change is. Folders are not told of.
    ///
    /// - Returns: in the order of the paths' bytes. Cut where either look at the folder was, and beyond 10,000 changes;
    ///   differences beyond 4 MiB together are left out.
    public func changes(since before: FolderSnapshot) throws(WorkspaceError) -> JobChanges {
        try changes(since: before, limits: ChangeLimits())
    }

    func changes(since before: FolderSnapshot, limits: ChangeLimits) throws(WorkspaceError) -> JobChanges {
        let walk = try FolderSnapshot.walk(self, before.bounds)
        var comparison = Comparison(limits: limits)
        var left = before.files
        for entry in walk.entries where entry.facts.kind != .folder {
            guard let old = left.removeValue(forKey: entry.path) else {
                // Of a look that was cut nobody knows what was there.
                let wasSeen = !before.isCut && !before.closed.contains { $0.isEmpty || entry.path.isWithin($0) }
                if wasSeen { try add(.created, entry, nil, before.bounds, &comparison) }
                continue
            }
            if old.facts == entry.facts { continue }
            try add(.modified, entry, old, before.bounds, &comparison)
        }
        let closed = walk.closed + walk.tooDeep
        if !walk.isCut {
            for (path, old) in left where !closed.contains(where: { $0.isEmpty || path.isWithin($0) }) {
                comparison.remove(path, old)
            }
        }
        return comparison.changes(isCut: before.isCut || walk.isCut || !before.closed.isEmpty || !closed.isEmpty)
    }

    private func add(
        _ kind: JobChanges.Change.Kind,
        _ entry: FolderWalk.Entry,
        _ old: FolderSnapshot.Known?,
        _ bounds: FolderSnapshot.Bounds,
        _ comparison: inout Comparison
    ) throws(WorkspaceError) {
        var new = FolderSnapshot.Known(facts: entry.facts)
        switch entry.facts.kind {
        case .file:
            let fits = entry.facts.size <= bounds.fileSize
            if fits { new.contents = try FolderSnapshot.text(self, entry, bounds) }
        case .link: new.target = try target(ofLink: entry.path)
        case .folder, .special: break
        }
        comparison.add(kind, entry.path, old, new)
    }
}

/// How much is told of what a job has changed.
struct ChangeLimits {
    var changes = 10_000
    /// Bytes of all differences.
    var differences = 4 << 20
    /// Comparisons of lines, for all files together.
    var steps = 20_000_000
}

/// Collects changes up to their limits.
private struct Comparison {
    var limits: ChangeLimits
    private var changes: [JobChanges.Change] = []
    private var bytes = 0
    private var steps: Int

    init(limits: ChangeLimits) {
        self.limits = limits
        steps = limits.steps
    }

    mutating func add(
        _ kind: JobChanges.Change.Kind,
        _ path: OSString,
        _ old: FolderSnapshot.Known?,
        _ new: FolderSnapshot.Known
    ) {
        if let old, old.facts.kind == new.facts.kind, old.facts.mode == new.facts.mode {
            if let one = old.contents, let other = new.contents, one == other { return }
            if let one = old.target, let other = new.target, one == other { return }
        }
        let isFile = new.facts.kind == .file
        let before = old.map { $0.facts.kind == .file ? $0.contents : nil } ?? []
        guard isFile, let before, let after = new.contents, before != after || old == nil else {
            return note(kind, path, nil)
        }
        note(kind, path, difference(path, old == nil ? nil : before, after))
    }

    mutating func remove(_ path: OSString, _ old: FolderSnapshot.Known) {
        note(.removed, path, old.contents.flatMap { difference(path, $0, nil) })
    }

    private mutating func difference(_ path: OSString, _ before: [UInt8]?, _ after: [UInt8]?) -> String? {
        guard bytes < limits.differences else { return nil }
        let text = UnifiedDifference.text(path, before, after, steps: &steps)
        guard bytes + text.utf8.count <= limits.differences else { return nil }
        bytes += text.utf8.count
        return text
    }

    private mutating func note(_ kind: JobChanges.Change.Kind, _ path: OSString, _ difference: String?) {
        changes.append(JobChanges.Change(kind: kind, path: path, difference: difference))
    }

    func changes(isCut: Bool) -> JobChanges {
        let sorted = changes.sorted { $0.path < $1.path }
        return JobChanges(changes: Array(sorted.prefix(limits.changes)), isCut: isCut || sorted.count > limits.changes)
    }
}
