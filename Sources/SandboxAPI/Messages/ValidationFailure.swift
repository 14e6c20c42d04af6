internal import SandboxRuntime

/// What is wrong with a request's values, item by item, in Pydantic's types and words (ORC-14).
struct ValidationFailure: Error {
    var items: [Item]

    init(_ items: [Item]) {
        self.items = items
    }

    /// A step on the way to a value: a name, or a place in the text.
    enum Step: ExpressibleByStringLiteral {
        case name(String)
        case offset(Int)

        init(stringLiteral name: String) {
            self = .name(name)
        }
    }

    struct Item {
        var type: StaticString
        var path: [Step]
        var message: String
        var input: JSONValue
        /// What the message's numbers and words are.
        var context: JSONValue?
    }

    func write(_ json: inout JSONText) {
        json.array(items) { json, item in
            json.object { json in
                json.member("type", item.type.description)
                json.member("loc", array: item.path) { json, step in
                    switch step {
                    case .name(let name): json.string(name)
                    case .offset(let offset): json.integer(offset)
                    }
                }
                json.member("msg", item.message)
                json.key("input")
                json.value(EchoedInput.of(item.input))
                if let context = item.context {
                    json.key("ctx")
                    json.value(context)
                }
            }
        }
    }
}

extension ValidationFailure.Item {
    typealias Path = [ValidationFailure.Step]

    static func missing(_ path: Path, input: JSONValue) -> Self {
        Self(type: "missing", path: path, message: "Field required", input: input)
    }

    static func notAnObject(_ input: JSONValue) -> Self {
        Self(
            type: "model_attributes_type",
            path: ["body"],
            message: "Input should be a valid dictionary or object to extract fields from",
            input: input
        )
    }

    static func notJSON(at offset: Int, _ words: String) -> Self {
        Self(
            type: "json_invalid",
            path: ["body", .offset(offset)],
            message: "JSON decode error",
            input: [:],
            context: ["error": .string(words)]
        )
    }

    static func notText(_ path: Path, input: JSONValue) -> Self {
        Self(type: "string_type", path: path, message: "Input should be a valid string", input: input)
    }

    static func tooShort(_ path: Path, input: String, least: Int) -> Self {
        Self(
            type: "string_too_short",
            path: path,
            message: "String should have at least \(least) character\(least == 1 ? "" : "s")",
            input: .string(input),
            context: ["min_length": .integer(Int64(least))]
        )
    }

    static func tooLong(_ path: Path, input: String, most: Int) -> Self {
        Self(
            type: "string_too_long",
            path: path,
            message: "String should have at most \(most) characters",
            input: .string(input),
            context: ["max_length": .integer(Int64(most))]
        )
    }

    static func wrongValue(_ path: Path, input: JSONValue, _ words: String) -> Self {
        Self(
            type: "value_error",
            path: path,
            message: "Value error, \(words)",
            input: input,
            context: ["error": .string(words)]
        )
    }

    static func notOneOf(_ words: [String], _ path: Path, input: JSONValue) -> Self {
        let quoted = words.map { "'\($0)'" }
        let expected = quoted.dropLast().joined(separator: ", ") + " or " + (quoted.last ?? "")
        return Self(
            type: "enum",
            path: path,
            message: "Input should be \(expected)",
            input: input,
            context: ["expected": .string(expected)]
        )
    }

    static func notAnInteger(_ path: Path, input: String) -> Self {
        Self(
            type: "int_parsing",
            path: path,
            message: "Input should be a valid integer, unable to parse string as an integer",
            input: .string(input)
        )
    }

    static func tooSmall(_ path: Path, input: String, least: Int) -> Self {
        Self(
            type: "greater_than_equal",
            path: path,
            message: "Input should be greater than or equal to \(least)",
            input: .string(input),
            context: ["ge": .integer(Int64(least))]
        )
    }

    static func tooLarge(_ path: Path, input: String, most: Int) -> Self {
        Self(
            type: "less_than_equal",
            path: path,
            message: "Input should be less than or equal to \(most)",
            input: .string(input),
            context: ["le": .integer(Int64(most))]
        )
    }
}
