/// What a JSON text says, as far as a request can mean something.
enum JSONValue: Equatable {
    case null
    case bool(Bool)
    /// Numbers are checked for their form, and mean nothing here.
    case number
    case string(String)
    case array([JSONValue])
    case object([Member])

    struct Member: Equatable {
        var key: String
        var value: JSONValue
    }
}
