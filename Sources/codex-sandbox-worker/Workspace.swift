/// The project's folder, and what this job has changed in it.
struct Workspace: ~Copyable {
    let root: Folder
    /// Paths in the order of their writing, each once.
    private(set) var created: [String] = []
    private(set) var modified: [String] = []

    init(root: consuming Folder) {
        self.root = root
    }

    /// A file at the top, or in a folder at the top; always one of this program's own words.
    struct Path {
        var folder: String?
        var name: String

        init(_ name: String, in folder: String? = nil) {
            self.folder = folder
            self.name = name
        }

        var text: String { folder.map { "\($0)/\(name)" } ?? name }
    }

    /// What the file holds; nil where there is none.
    func contents(of path: Path) throws(WorkerError) -> [UInt8]? {
        guard let folder = path.folder else { return try root.file(path.name, as: path.text)?.bytes }
        return try root.subfolder(folder).file(path.name, as: path.text)?.bytes
    }

    /// What a new file at the path replaces.
    enum Rewriting {
        /// A file that holds the same already is left alone, and not listed.
        case ifDifferent
        /// Written and listed in any case.
        case always
    }

    mutating func put(_ bytes: [UInt8], at path: Path, _ rewriting: Rewriting = .ifDifferent) throws(WorkerError) {
        guard let folder = path.folder else {
            let isNew = try Workspace.put(bytes, at: path, in: root, rewriting)
            return note(path, isNew: isNew)
        }
        let isNew = try Workspace.put(bytes, at: path, in: try root.subfolder(folder), rewriting)
        note(path, isNew: isNew)
    }

    private mutating func note(_ path: Path, isNew: Bool?) {
        guard let isNew else { return }
        if isNew {
            if !created.contains(path.text) { created.append(path.text) }
        } else if !created.contains(path.text) && !modified.contains(path.text) {
            modified.append(path.text)
        }
    }

    /// Lists as created what was only rewritten.
    mutating func listAllAsCreated() {
        for path in modified where !created.contains(path) { created.append(path) }
    }

    /// - Returns: whether the file is new; nil where nothing was written.
    private static func put(
        _ bytes: [UInt8],
        at path: Path,
        in folder: borrowing Folder,
        _ rewriting: Rewriting
    ) throws(WorkerError) -> Bool? {
        guard let old = try folder.file(path.name, as: path.text) else {
            try folder.replace(path.name, with: bytes)
            return true
        }
        if rewriting == .ifDifferent && old.bytes == bytes { return nil }
        try folder.replace(path.name, with: bytes, mode: old.mode)
        return false
    }
}
