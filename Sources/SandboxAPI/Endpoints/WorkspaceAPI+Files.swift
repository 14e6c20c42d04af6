internal import SandboxPlan
internal import WebTransport
internal import Workspaces

extension WorkspaceAPI {
    /// A file that is read as JSON, in bytes: larger ones are downloaded.
    static let readLimit = 4 << 20

    func folder(_ call: Call) throws(APIError) -> any ProjectFiles {
        let id = try call.project()
        return try asking { () throws(WorkspaceError) in try files(id) }
    }

    /// A listing of so many files is made at once; a longer one beside the transport's threads.
    private static let quickListing = 1000
    /// Files, and bytes of their names, that one listing holds.
    private static let longestListing = 100_000
    private static let listingBytes = 16 << 20

    func listFiles(_ call: Call) throws(APIError) -> Reply {
        let folder = try folder(call)
        let list = try asking { () throws(WorkspaceError) in
            try folder.list(limit: WorkspaceAPI.quickListing, isQuick: true)
        }
        if !list.isCut { return .now(.json(list.text(WorkspaceAPI.listing))) }
        let heavy = heavy
        return .later { () async throws(APIError) -> HTTPResponse in
            let bytes = try await heavy.run { () throws(APIError) -> [UInt8] in
                do throws(WorkspaceError) {
                    return WorkspaceAPI.listing(try folder.list(limit: WorkspaceAPI.longestListing, isQuick: false))
                } catch { throw APIError(error) }
            }
            if bytes.count <= HeavyWork.largeAnswer { return .json(bytes) }
            try heavy.beginLarge()
            var response = HTTPResponse.json([])
            response.body = .stream(BytesFeed(bytes, heavy).stream())
            return response
        }
    }

    private static func listing(_ list: ProjectFileList) -> [UInt8] {
        var room = listingBytes
        let files = list.files.prefix { file in
            room -= file.path.bytes.count + 32
            return room >= 0
        }
        return JSONText.bytes(reserving: 64 * files.count + 64) { json in
            json.object { json in
                json.member("files", array: files) { json, file in
                    json.object { json in
                        json.path(file.path)
                        json.member("size", file.size)
                    }
                }
                if list.isCut || files.count < list.files.count { json.member("truncated", true) }
            }
        }
    }

    /// A file of so many bytes is read at once; a longer one beside the transport's threads.
    private static let quickFile: UInt64 = 64 << 10

    func readFile(_ call: Call) throws(APIError) -> Reply {
        let file = try open(call)
        if file.size <= WorkspaceAPI.quickFile {
            return .now(.json(file.text(of: try contents(file)) { WorkspaceAPI.text(of: file, $0) }))
        }
        return drafted { () throws(APIError) -> Draft in
            let contents = try self.contents(file)
            return Draft("application/json", size: Draft.escapedSize(contents.count + file.path.bytes.count)) {
                WorkspaceAPI.text(of: file, contents)
            }
        }
    }

    private func contents(_ file: any ProjectFile) throws(APIError) -> [UInt8] {
        do throws(WorkspaceError) {
            return try file.contents(limit: WorkspaceAPI.readLimit)
        } catch {
            guard error.kind == .tooMuch else { throw APIError(error) }
            throw APIError(413, "The file is too large to be read as JSON; download it from …/raw/…")
        }
    }

    private static func text(of file: any ProjectFile, _ contents: [UInt8]) -> [UInt8] {
        JSONText.bytes(reserving: contents.count + contents.count / 16 + 128) { json in
            json.object { json in
                json.path(file.path)
                json.key("contents")
                let isExact = contents.withUnsafeBufferPointer { json.text($0) }
                if !isExact { json.member("lossy", true) }
            }
        }
    }

    private func open(_ call: Call) throws(APIError) -> any ProjectFile {
        let folder = try folder(call)
        return try asking { () throws(WorkspaceError) in try folder.open(call.target.path) }
    }

    // MARK: - Raw

    func readRawFile(_ call: Call) throws(APIError) -> HTTPResponse {
        let file = try open(call)
        let modified = HTTPDate(seconds: file.lastModified_s)
        // In the order of RFC 9110, 13.2.2: If-Match or If-Unmodified-Since, If-None-Match, Range; a file that is not there is 404 before
        // (13.2.1). If-Modified-Since is passed over: files of one second have one date, as those of one job have, and a link, a folder or
        // the file itself may have come to be another of them since. The tag tells them apart.
        if let wanted = EntityTags(call.head.headers, "If-Match") {
            if !wanted.matchesStrongly(file.tag) { throw WorkspaceAPI.conditionFailed }
        } else if let date = HTTPDate(call.head.headers.all("If-Unmodified-Since")), modified > date {
            throw WorkspaceAPI.conditionFailed
        }
        let type = FileType(file.path)
        var headers: HTTPHeaders = [
            "ETag": file.tag, "Accept-Ranges": "bytes", "Cache-Control": "private, no-cache",
            // What a worker wrote must not run as a page of this server, however it is opened.
            "Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
        ]
        // Not later than the answer itself (8.8.2.1).
        if let date = min(modified, .now).text { headers.add("Last-Modified", date) }
        if let known = EntityTags(call.head.headers, "If-None-Match"), known.matchesWeakly(file.tag) {
            // The transport sends the length of it, and no more.
            let body = try asking { () throws(WorkspaceError) in try file.body() }
            return HTTPResponse(status: 304, headers: headers, body: .file(body, offset: 0, length: file.size))
        }
        headers.add("Content-Type", type.contentType)
        headers.add("Content-Disposition", type.disposition(file.path))
        let range = call.isHead ? .whole : ByteRange(call.head.headers, size: file.size, tag: file.tag)
        if range == .unsatisfiable {
            throw APIError(
                416,
                "The file is \(file.size) bytes long",
                fields: [("Content-Range", "bytes */\(file.size)")]
            )
        }
        let body = try asking { () throws(WorkspaceError) in try file.body() }
        guard case .part(let offset, let length) = range else {
            return HTTPResponse(status: 200, headers: headers, body: .file(body, offset: 0, length: file.size))
        }
        headers.add("Content-Range", "bytes \(offset)-\(offset + length - 1)/\(file.size)")
        return HTTPResponse(status: 206, headers: headers, body: .file(body, offset: offset, length: length))
    }

    /// Begins an upload, before its body is read.
    func upload(_ call: Call) throws(APIError) -> any ProjectFileUpload {
        let folder = try folder(call)
        // A part that is taken for the whole would cut the file (RFC 9110, 14.5).
        guard !call.head.headers.contains("Content-Range") else {
            throw APIError(
                400,
                "A part of a file cannot be uploaded: send the whole of it, without Content-Range"
            )
        }
        let names = PercentCoding.decoded(call.target.path).split(separator: UInt8(ascii: "/"))
        guard names.allSatisfy({ $0.count <= RequestedPath.longestName }) else {
            throw APIError(400, "A name in a path has \(RequestedPath.longestName) bytes at the most")
        }
        return try asking { () throws(WorkspaceError) in
            try folder.write(call.target.path, limit: WorkspaceAPI.uploadLimit)
        }
    }

    func finishUpload(_ call: Call, _ sink: (any HTTPBodySink)?) throws(APIError) -> HTTPResponse {
        guard let sink = sink as? UploadSink, let upload = sink.finished() else {
            throw .fault("an upload without its sink")
        }
        let outcome = try asking { () throws(WorkspaceError) in try upload.commit(FileCondition(call.head.headers)) }
        switch outcome {
        case .created(let path, let size, let tag): return WorkspaceAPI.written(201, path, size, tag)
        case .replaced(let path, let size, let tag): return WorkspaceAPI.written(200, path, size, tag)
        case .conditionFailed: throw WorkspaceAPI.conditionFailed
        }
    }

    private static var conditionFailed: APIError {
        APIError(412, "The file is not as If-Match, If-Unmodified-Since or If-None-Match has it")
    }

    private static func written(_ status: Int, _ path: OSString, _ size: UInt64, _ tag: String) -> HTTPResponse {
        let body = JSONText.bytes { json in
            json.object { json in
                json.path(path)
                json.member("size", size)
            }
        }
        return .json(body, status: status, ["ETag": tag])
    }

    func removeRawFile(_ call: Call) throws(APIError) -> HTTPResponse {
        let folder = try folder(call)
        let isRemoved = try asking { () throws(WorkspaceError) in
            try folder.remove(call.target.path, FileCondition(call.head.headers))
        }
        guard isRemoved else { throw WorkspaceAPI.conditionFailed }
        return HTTPResponse(status: 204)
    }

    func readArchive(_ call: Call) throws(APIError) -> Reply {
        let folder = try folder(call)
        let id = try call.project()
        let headers: HTTPHeaders = [
            "Content-Type": "application/x-tar", "Content-Disposition": "attachment; filename=\"\(id).tar\"",
        ]
        if call.isHead { return .now(HTTPResponse(status: 200, headers: headers, body: .stream(.empty))) }
        let heavy = heavy
        return .later { () async throws(APIError) -> HTTPResponse in
            // Before the folder is walked for it: the list of what is in it stays until the client has read it all.
            let place = try heavy.beginArchive()
            let archive = try await heavy.run { () throws(APIError) -> any ProjectArchive in
                do throws(WorkspaceError) { return try folder.archive() } catch { throw APIError(error) }
            }
            let feed = ArchiveFeed(archive, place, heavy)
            return HTTPResponse(status: 200, headers: headers, body: .stream(feed.stream()))
        }
    }
}
