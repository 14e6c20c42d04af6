/// Why a scenario did not pass: what was asked, what came, and what to look at.
struct SuiteError: Error {
    var text: String

    init(_ text: String) { self.text = text }
}
