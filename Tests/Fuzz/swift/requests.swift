// What comes over the network or from a worker, by the first byte: whatever it is, nothing traps, and what is taken holds.

private let router = Router(Endpoint.table, prefix: "/api/v1")
private let targets: [@Sendable ([UInt8]) -> Void] = [target, body, result, settings, fields]

@_cdecl("LLVMFuzzerTestOneInput")
public func LLVMFuzzerTestOneInput(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let input = Array(UnsafeBufferPointer(start: start, count: count))
    guard let first = input.first else { return 0 }
    targets[Int(first) % targets.count](Array(input.dropFirst()))
    return 0
}

/// The request target, the route, and the path in the project.
private func target(_ bytes: [UInt8]) {
    for method in ["GET", "PUT", "OPTIONS", "DELETE"] {
        guard let target = try? RequestTarget(bytes, method: method) else { continue }
        switch router.match(method, target.path) {
        case .endpoint(let endpoint, let found):
            precondition(endpoint.method == method)
            precondition(!found.project.contains(UInt8(ascii: "/")) && !found.job.contains(UInt8(ascii: "/")))
            guard let path = try? RequestedPath(percentEncoded: found.path) else { continue }
            let names = path.path.bytes.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
            precondition(!path.path.bytes.contains(0) && !names.isEmpty)
            for name in names {
                precondition((1...RequestedPath.longestName).contains(name.count))
                precondition(!name.elementsEqual("..".utf8) && !name.elementsEqual(".".utf8))
            }
        case .otherMethods(let methods, _): precondition(!methods.isEmpty)
        case .slash(let path, _): precondition(path != target.path)
        case .nothing: break
        }
    }
}

/// A body: what is read is what is written.
private func body(_ bytes: [UInt8]) {
    guard let value = try? JSONRequestReader.value(in: bytes) else { return }
    let written = value.canonical.bytes
    guard let again = try? JSONRequestReader.value(in: written) else { preconditionFailure("not read back") }
    precondition(again.canonical.bytes == written)
}

private func result(_ bytes: [UInt8]) {
    guard let result = try? WorkerResult(json: bytes, job: "j") else { return }
    precondition(
        result.summary.utf8.count <= WorkerResult.summaryLimit && result.errors.count <= WorkerResult.countLimit
    )
    guard let again = try? WorkerResult(json: result.json.canonical.bytes, job: "j") else {
        preconditionFailure("not read back")
    }
    precondition(again == result)
}

private func settings(_ bytes: [UInt8]) {
    guard let file = try? DotEnvFile(bytes) else { return }
    precondition(file.values.count <= DotEnvFile.entryLimit && !file.values.keys.contains(""))
}

/// Range, tags, lists: with the size of the file in the first eight bytes.
private func fields(_ bytes: [UInt8]) {
    var size: UInt64 = 0
    for byte in bytes.prefix(8) { size = size << 8 | UInt64(byte) }
    let text = String(decoding: bytes.dropFirst(8), as: UTF8.self)
    let headers: HTTPHeaders = ["Range": text, "If-Range": "\"a\"", "If-None-Match": text, "Accept": text]
    if case .part(let offset, let length) = ByteRange(headers, size: size, tag: "\"a\"") {
        precondition(length > 0 && offset < size && length <= size - offset)
    }
    _ = EntityTags(headers, "If-None-Match")?.matchesWeakly("\"a\"")
    _ = FieldText.prefersAsync([text])
    let types = ["application/json", "text/plain"]
    precondition(types.contains(MediaRange.best(of: types, for: headers)))
}
