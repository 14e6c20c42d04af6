import SandboxCLI

/// One request, one connection: nothing of an answer can be taken for the next one's.
struct SuiteClient {
    let address: LiveSuiteAddress
    let token: String?

    /// For answers that no job is waited for, in milliseconds.
    static let patience: UInt64 = 30_000

    enum Redirects {
        case refused
        /// A 307 to another path of the same server, once: the request goes there as it is (RFC 9110, 15.4.8).
        case one
    }

    func get(_ path: String) throws(SuiteError) -> SuiteResponse {
        try send("GET", path, body: nil, within: SuiteClient.patience)
    }

    func send(
        _ method: String,
        _ path: String,
        body: [UInt8]?,
        within milliseconds: UInt64,
        prefer: String? = nil,
        redirects: Redirects = .refused,
        progress: Progress? = nil
    ) throws(SuiteError) -> SuiteResponse {
        let deadline = Deadline(milliseconds: milliseconds)
        let answer: SuiteResponse
        do throws(SuiteError) {
            answer = try exchange(method, address.prefix + path, body, prefer, deadline, progress)
            guard answer.status == 307, case .one = redirects else { return answer }
            let target = try self.target(answer)
            let second = try exchange(method, target, body, prefer, deadline, progress)
            guard second.status != 307 else { throw SuiteError("a 307 leads to another one") }
            return second
        } catch { throw SuiteError("\(method) \(path): \(error.text)") }
    }

    private func exchange(
        _ method: String,
        _ target: String,
        _ body: [UInt8]?,
        _ prefer: String?,
        _ deadline: Deadline,
        _ progress: Progress?
    ) throws(SuiteError) -> SuiteResponse {
        var head = "\(method) \(target) HTTP/1.1\r\nHost: \(address.hostField)\r\nAccept: */*\r\nConnection: close\r\n"
        if let token { head += "Authorization: Bearer \(token)\r\n" }
        if let prefer { head += "Prefer: \(prefer)\r\n" }
        if let body { head += "Content-Type: application/json\r\nContent-Length: \(body.count)\r\n" }
        let socket = try SuiteSocket.connect(to: address, deadline)
        try socket.write(Array((head + "\r\n").utf8) + (body ?? []), deadline)
        var parser = ResponseParser()
        while true {
            guard let bytes = try socket.read(deadline, progress) else {
                throw SuiteError("the time is over, and the server still owes \(parser.missing)")
            }
            guard !bytes.isEmpty else {
                throw SuiteError("the server ended the connection, and still owes \(parser.missing); see its log")
            }
            try parser.feed(bytes)
            if let response = parser.response { return response }
        }
    }

    private func target(_ answer: SuiteResponse) throws(SuiteError) -> String {
        guard let location = answer.header("location") else { throw SuiteError("a 307 without Location") }
        let own = "http://\(address.hostField)"
        let path = location.hasPrefix(own + "/") ? String(location.dropFirst(own.count)) : location
        guard path.hasPrefix("/"), !path.hasPrefix("//"), path.utf8.allSatisfy({ (0x21..<0x7F).contains($0) }) else {
            throw SuiteError(
                "a 307 leads to another server, where the request does not go: \(SuiteText.quoted(location.utf8.prefix(80)))"
            )
        }
        return path
    }
}
