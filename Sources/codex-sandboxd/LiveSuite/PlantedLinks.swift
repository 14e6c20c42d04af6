import Glibc
import SandboxPlan
import SandboxRuntime

/// M08: a link out of the workspace is planted in it, and the API does not follow it; one that stays inside is read.
enum PlantedLinks {
    private static let outward = "live-suite-link-out"
    private static let inward = "live-suite-link-in"

    static func run(_ run: SuiteRun, _ folder: SuiteFolder) throws(SuiteError) {
        let workspace = try open(run)
        defer { close(workspace) }
        var status = ""
        func ask(_ name: String) throws(SuiteError) -> SuiteResponse {
            let response = try run.api.client.get("\(SuiteAPI.root)/\(run.project)/files/\(name)")
            status += "\(response.status) \(name)\n"
            return response
        }
        defer {
            unlinkat(workspace, outward, 0)
            unlinkat(workspace, inward, 0)
        }
        guard symlinkat("/etc/passwd", workspace, outward) == 0, symlinkat("app.py", workspace, inward) == 0 else {
            throw SuiteError(
                "a link cannot be planted in the workspace of \(run.project): \(ErrnoName.described(errno)); "
                    + "run the suite as the account of the server"
            )
        }
        let out = try ask(outward)
        let within = try ask(inward)
        let listing = try run.api.get("\(SuiteAPI.root)/\(run.project)/files")
        try folder.write("status.txt", status)
        try folder.write("response.json", out.body)
        try folder.write("files.json", listing.body)
        try MockedScenarios.requireRefusal(out, 400, "Invalid path", outward)
        guard within.status == 200 else {
            throw SuiteError("a link that stays inside is answered with \(within.status), so the 400 says nothing")
        }
        guard !(try run.api.files(listing)).contains(outward) else {
            throw SuiteError("the list of files has the link that leads out")
        }
    }

    /// The workspace on this machine, known to be this project's by the request that lies in it.
    private static func open(_ run: SuiteRun) throws(SuiteError) -> Int32 {
        guard let path = SuiteWorkspaces.path(of: run.project, run.first?.workspacePath ?? "", run.settings) else {
            throw SuiteError(
                "the workspace of \(run.project) is not to be found here, so no link can be planted; "
                    + "name the folder of the workspaces with --workspace-root, and run the suite on the server's machine"
            )
        }
        let workspace = path.withCString { Glibc.open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        guard workspace >= 0 else {
            throw SuiteError(
                "the workspace \(path) cannot be opened: \(ErrnoName.described(errno)); see --workspace-root"
            )
        }
        do throws(SuiteError) {
            let wanted = Array(try run.api.file(run.project, ".codex/request.json").contents.utf8)
            guard try SuiteWorkspaces.contents(workspace, ".codex/request.json", limit: wanted.count + 1) == wanted
            else {
                throw SuiteError("\(path) is another folder than the one the server serves; see --workspace-root")
            }
            return workspace
        } catch {
            close(workspace)
            throw error
        }
    }
}

/// Workspaces of the server, where they are on this machine.
enum SuiteWorkspaces {
    /// In the named root, or where the server says, seen from the current folder; nil when nothing is there.
    static func path(of project: String, _ said: String, _ settings: LiveSuiteSettings) -> OSString? {
        if let root = settings.workspaceRoot { return existing(root.appending(OSString(project))) }
        // The server's words lead only to a folder of the project's name.
        let path = OSString(said)
        return path.lastComponent == OSString(project) ? existing(path) : nil
    }

    private static func existing(_ path: OSString) -> OSString? {
        guard !path.bytes.contains(0) else { return nil }
        let found = path.withCString { realpath($0, nil) }
        guard let found else { return nil }
        defer { free(found) }
        return OSString(UnsafeRawBufferPointer(start: found, count: strlen(found)))
    }

    /// The first bytes of a regular file below a folder.
    static func contents(_ folder: Int32, _ name: String, limit: Int) throws(SuiteError) -> [UInt8] {
        let file = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard file >= 0 else { throw SuiteError("\(name) cannot be opened: \(ErrnoName.described(errno))") }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw SuiteError("\(name) is no regular file")
        }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while bytes.count < limit {
            let count = read(file, &buffer, min(buffer.count, limit - bytes.count))
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw SuiteError("\(name) cannot be read: \(ErrnoName.described(errno))") }
            if count == 0 { break }
            bytes += buffer[..<count]
        }
        return bytes
    }
}
