import CToml

/// Why a text is not TOML.
struct TOMLSyntaxError: Error, Hashable {
    var position: SourcePosition
    var message: String
}

/// Reads a TOML text into its root table.
///
/// At most 256 KiB, 32 levels of nesting and 16 parts of a dotted key (`ctoml.h`).
func parseTOML(_ text: String) throws(TOMLSyntaxError) -> [TOMLMember] {
    var text = text
    var failure = ctoml_error()
    let parsed = text.withUTF8 { bytes in
        // toml++ takes a pointer and a length; an empty text has no address of its own.
        bytes.withMemoryRebound(to: CChar.self) { characters in
            characters.baseAddress.map { ctoml_parse($0, characters.count, &failure) } ?? ctoml_parse("", 0, &failure)
        }
    }
    guard let document = parsed else {
        let message = withUnsafeBytes(of: failure.description) {
            String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
        }
        throw TOMLSyntaxError(
            position: SourcePosition(line: failure.line, column: failure.column),
            message: message
        )
    }
    defer { ctoml_free(document) }
    var count = 0
    let entries = UnsafeBufferPointer(start: ctoml_entries(document, &count), count: count)
    return try assemble(entries)
}

/// Turns the flat list into a tree.
///
/// From the end to the start: a parent comes before its children, so each one is complete when it is reached.
private func assemble(_ entries: UnsafeBufferPointer<ctoml_entry>) throws(TOMLSyntaxError) -> [TOMLMember] {
    var children = [[TOMLMember]](repeating: [], count: entries.count)
    var root: [TOMLMember] = []
    for index in entries.indices.reversed() {
        let entry = entries[index]
        let position = SourcePosition(line: entry.line, column: entry.column)
        children[index].reverse()
        let member = TOMLMember(
            key: try string(entry.key, entry.key_length, at: position),
            keyPosition: SourcePosition(line: entry.key_line, column: entry.key_column),
            node: TOMLNode(value: try value(of: entry, children: children[index]), position: position)
        )
        children[index] = []
        if entry.parent == UInt32.max {
            root.append(member)
        } else {
            children[Int(entry.parent)].append(member)
        }
    }
    return root.reversed()
}

private func value(of entry: ctoml_entry, children: [TOMLMember]) throws(TOMLSyntaxError) -> TOMLValue {
    let position = SourcePosition(line: entry.line, column: entry.column)
    switch ctoml_type(rawValue: entry.type) {
    case CTOML_TABLE: return .table(children)
    case CTOML_ARRAY: return .array(children.map(\.node))
    case CTOML_STRING: return .string(try string(entry.text, entry.text_length, at: position))
    case CTOML_INTEGER: return .integer(entry.integer)
    case CTOML_FLOAT: return .float
    case CTOML_BOOLEAN: return .boolean(entry.integer != 0)
    case CTOML_DATE_OR_TIME: return .dateOrTime
    case let other: throw TOMLSyntaxError(position: position, message: "a value of unknown type \(other.rawValue)")
    }
}

private func string(
    _ start: UnsafePointer<CChar>?,
    _ length: Int,
    at position: SourcePosition
) throws(TOMLSyntaxError) -> String {
    let bytes = UnsafeRawBufferPointer(start: start, count: length)
    guard let text = String(validating: bytes, as: UTF8.self) else {
        throw TOMLSyntaxError(position: position, message: "text that is not UTF-8")
    }
    return text
}
