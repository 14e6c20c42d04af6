/// Why something was not done: what, why, and what to do about it.
struct ServiceError: Error {
    var text: String

    init(_ text: String) { self.text = text }
}
