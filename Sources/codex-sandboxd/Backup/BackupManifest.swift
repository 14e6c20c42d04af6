import SandboxPlan
import SandboxRuntime

/// What is in a backup: every file with its digest, and what was known of it then.
struct BackupManifest {
    struct Workspace: Hashable {
        var id: String
        /// Problems that `evidence verify` saw when the backup was made.
        var problems: KnownProblems
        /// The last record, as `SEQUENCE:DIGEST`.
        var head: String?
    }

    static let name: OSString = "manifest.json"
    static let databaseName = "codex.db"
    static let keyName = "evidence.pub"
    private static let form: Int64 = 1
    /// Read whole into memory.
    static let sizeLimit = 256 << 20

    var created: String
    var tool: String
    /// The last migration of the database.
    var schema: Int64
    /// By their paths in the backup.
    var files: [String: BackupFile.Digest] = [:]
    var workspaces: [Workspace] = []

    var json: [UInt8] {
        let files: [JSONValue] = files.sorted { $0.key < $1.key }.map { name, digest in
            .object(
                JSONObject([
                    ("bytes", JSONValue.quantity(digest.bytes)), ("name", .string(name)),
                    ("sha256", .string(digest.sha256)),
                ])
            )
        }
        let workspaces: [JSONValue] = workspaces.map { workspace in
            var object = JSONObject([("id", .string(workspace.id)), ("problems", .integer(workspace.problems.count))])
            object.add(
                "problemsFound",
                ifPresent: workspace.problems.listed.map { .array($0.map(BackupManifest.value)) }
            )
            object.add("head", ifPresent: workspace.head.map { .string($0) })
            return .object(object)
        }
        let object = JSONObject([
            ("backup", .integer(BackupManifest.form)), ("created", .string(created)), ("files", .array(files)),
            ("schema", .integer(schema)), ("tool", .string(tool)), ("workspaces", .array(workspaces)),
        ])
        return JSONValue.object(object).canonical.bytes + [UInt8(ascii: "\n")]
    }

    init(created: String, tool: String, schema: Int) {
        self.created = created
        self.tool = tool
        self.schema = Int64(schema)
    }

    /// - Throws: `ServeError` for anything that this program does not write.
    init(reading folder: OSString) throws(ServeError) {
        let path = folder.appending(BackupManifest.name)
        var bytes: [UInt8] = []
        try BackupFile.read(path) { (piece) throws(ServeError) in
            bytes += piece
            guard bytes.count <= BackupManifest.sizeLimit else { throw BackupManifest.wrong(path, "it is too long") }
        }
        let value: JSONValue
        do throws(JSONError) { value = try JSONReader.value(in: bytes, sizeLimit: BackupManifest.sizeLimit) } catch {
            throw BackupManifest.wrong(path, "\(error)")
        }
        guard value["backup"]?.integer == BackupManifest.form else {
            throw BackupManifest.wrong(path, "it is of a form that this version does not know")
        }
        guard let created = value["created"]?.string, let tool = value["tool"]?.string,
            let schema = value["schema"]?.integer, let files = value["files"]?.array,
            let workspaces = value["workspaces"]?.array
        else { throw BackupManifest.wrong(path, "something is missing in it") }
        self.created = created
        self.tool = tool
        self.schema = schema
        for file in files {
            guard let name = file["name"]?.string, let sha256 = file["sha256"]?.string,
                let bytes = file["bytes"]?.integer,
                bytes >= 0, self.files[name] == nil
            else { throw BackupManifest.wrong(path, "a file in it is none") }
            self.files[name] = BackupFile.Digest(sha256: sha256, bytes: UInt64(bytes))
        }
        var expected: Set<String> = [BackupManifest.databaseName]
        for workspace in workspaces {
            guard let id = workspace["id"]?.string, let problems = workspace["problems"]?.integer,
                EvidenceLocation(stateFolder: "/", workspaceID: OSString(id)) != nil
            else { throw BackupManifest.wrong(path, "a workspace in it is none") }
            // Absent in what an earlier version made.
            let listed = try workspace["problemsFound"].map { (value) throws(ServeError) in
                guard let values = value.array else { throw BackupManifest.wrong(path, "its problems are no list") }
                return try values.map { (value) throws(ServeError) in try BackupManifest.problem(value, path) }
            }
            self.workspaces.append(
                Workspace(
                    id: id,
                    problems: KnownProblems(count: problems, listed: listed),
                    head: workspace["head"]?.string
                )
            )
            expected.insert(BackupManifest.name(of: .records, id))
        }
        let optional = Set(self.workspaces.map { BackupManifest.name(of: .signatures, $0.id) }).union([
            BackupManifest.keyName
        ])
        let names = Set(self.files.keys)
        guard names.isSuperset(of: expected), names.subtracting(expected).isSubset(of: optional) else {
            throw BackupManifest.wrong(path, "its files are not those of its workspaces")
        }
    }

    static func name(of file: EvidenceCopy.File, _ workspace: String) -> String {
        "evidence/\(workspace)/\(file.rawValue)"
    }

    private static func value(_ problem: ChainReport.Problem) -> JSONValue {
        var object = JSONObject([("what", .string(problem.what))])
        object.add("line", ifPresent: problem.line.map { .integer(Int64($0)) })
        object.add("offset", ifPresent: problem.offset.map { .integer($0) })
        return .object(object)
    }

    private static func problem(_ value: JSONValue, _ path: OSString) throws(ServeError) -> ChainReport.Problem {
        let (line, offset) = (value["line"]?.integer, value["offset"]?.integer)
        guard let what = value["what"]?.string, (value["line"] == nil) == (line == nil), (line ?? 1) > 0,
            (value["offset"] == nil) == (offset == nil)
        else { throw BackupManifest.wrong(path, "a problem in it is none") }
        return ChainReport.Problem(line: line.map { Int($0) }, offset: offset, what: what)
    }

    private static func wrong(_ path: OSString, _ why: String) -> ServeError {
        ServeError("\(path) is no manifest of a backup: \(why); name a folder that db backup has made")
    }
}
