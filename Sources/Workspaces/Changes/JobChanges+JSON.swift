internal import SandboxPlan
internal import SandboxRuntime

extension JobChanges {
    /// Bytes of the JSON form that are read back: every byte of a difference may be six long in it.
    private static let sizeLimit = 64 << 20

    /// To be stored: `{"changes":[{"difference":TEXT?,"kind":WORD,"path":TEXT,"path_bytes":PERCENT?}],"is_cut":BOOL}`.
    ///
    /// `path_bytes` is there where the path is not UTF-8: it is exact then, in percent-encoding, and `path` is the same.
    public var json: [UInt8] {
        let changes: [JSONValue] = self.changes.map { change in
            var object = JSONObject()
            object.add("difference", ifPresent: change.difference.map { .string($0) })
            object.add("kind", .string(change.kind.rawValue))
            object.add("path", .string(change.path.utf8 ?? change.path.percentEncoded))
            if change.path.utf8 == nil { object.add("path_bytes", .string(change.path.percentEncoded)) }
            return .object(object)
        }
        let value: JSONValue = ["changes": .array(changes), "is_cut": .bool(isCut)]
        return value.canonical.bytes
    }

    /// - Throws: `.fault` for anything else than `json` writes: the store's file is damaged.
    public init(json bytes: [UInt8]) throws(WorkspaceError) {
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONReader.value(in: bytes, sizeLimit: JobChanges.sizeLimit, depthLimit: 8)
        } catch { throw JobChanges.damaged("\(error)") }
        guard let list = value["changes"]?.array, let isCut = value["is_cut"]?.bool else {
            throw JobChanges.damaged("no changes in it")
        }
        var changes: [Change] = []
        for element in list { changes.append(try JobChanges.change(element)) }
        self.init(changes: changes, isCut: isCut)
    }

    private static func change(_ value: JSONValue) throws(WorkspaceError) -> Change {
        guard let word = value["kind"]?.string, let kind = Change.Kind(rawValue: word),
            let text = value["path"]?.string
        else { throw damaged("a change without kind or path") }
        var path = OSString(text)
        switch value["path_bytes"] {
        case nil: break
        case .string(let encoded):
            guard let bytes = PercentCoding.decoded(encoded.utf8) else { throw damaged("a path that is not encoded") }
            path = OSString(bytes)
        case .object, .array, .integer, .number, .bool, .null: throw damaged("a path that is no text")
        }
        switch value["difference"] {
        case nil: return Change(kind: kind, path: path, difference: nil)
        case .string(let text): return Change(kind: kind, path: path, difference: text)
        case .object, .array, .integer, .number, .bool, .null: throw damaged("a difference that is no text")
        }
    }

    private static func damaged(_ detail: String) -> WorkspaceError {
        WorkspaceError(.fault, "The record of the changes is damaged", detail: detail)
    }
}
