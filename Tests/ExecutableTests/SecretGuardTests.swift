import SandboxPlan
import Testing

@testable import codex_sandboxd

/// What `live-suite` finds of a secret in what it is about to write.
@Suite struct SecretGuardTests {
    private static let secret = #"sk-"a/b\c"# + "\u{8}\u{C}\n\r\té👍"

    private let secrets = SecretGuard(
        environment: [OSString("OPENAI_API_KEY=" + SecretGuardTests.secret), "HOME=/home/someone"],
        token: nil
    )

    private func found(_ text: String) -> String? { secrets.found(in: Array("before \(text) behind".utf8)) }

    /// A string of JSON, with each character as `\uXXXX`.
    private static func escaped(_ text: String, upper: Bool) -> String {
        text.utf16.map { unit in
            let digits = String(unit, radix: 16, uppercase: upper)
            return "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
        }.joined()
    }

    /// With the short escapes, in a string of JSON.
    private static func short(_ text: String, slash: Bool) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": escaped += "\\\(scalar)"
            case "/": escaped += slash ? "\\/" : "/"
            case "\u{8}": escaped += "\\b"
            case "\u{C}": escaped += "\\f"
            case "\n": escaped += "\\n"
            case "\r": escaped += "\\r"
            case "\t": escaped += "\\t"
            case let other: escaped.unicodeScalars.append(other)
            }
        }
        return escaped
    }

    @Test func itIsFoundAsItIs() {
        #expect(found(Self.secret) == "OPENAI_API_KEY")
        #expect(found("/home/someone sk-") == nil && secrets.found(in: []) == nil)
    }

    @Test(arguments: [true, false]) func itIsFoundInAString(isOther: Bool) {
        #expect(found(Self.short(Self.secret, slash: isOther)) == "OPENAI_API_KEY")
        #expect(found(Self.escaped(Self.secret, upper: isOther)) == "OPENAI_API_KEY")
    }

    /// As an answer has a result's text.
    @Test(arguments: [true, false]) func itIsFoundInAStringOfAString(isOther: Bool) {
        for once in [Self.short(Self.secret, slash: isOther), Self.escaped(Self.secret, upper: isOther)] {
            #expect(found(Self.short(once, slash: !isOther)) == "OPENAI_API_KEY")
            #expect(found(Self.escaped(once, upper: !isOther)) == "OPENAI_API_KEY")
        }
    }

    @Test func oneLetterIsEnoughToHideIt() {
        let plain = SecretGuard(environment: ["A_TOKEN=canary-1234"], token: nil)
        #expect(plain.found(in: Array(#"{"logs":["c\u0061nary-1234"]}"#.utf8)) == "A_TOKEN")
        #expect(plain.found(in: Array(#"{"contents":"{\"logs\":[\"c\\u0061nary-1234\"]}"}"#.utf8)) == "A_TOKEN")
        #expect(plain.found(in: Array(#"{"logs":["c\u0061nary-123"]}"#.utf8)) == nil)
        // Base64: docs/operations.md says so.
        #expect(plain.found(in: Array("Y2FuYXJ5LTEyMzQ=".utf8)) == nil)
    }

    /// What is no escape stands as it is, at the end of the bytes too.
    @Test(arguments: [
        #"\"#, #"\u"#, #"\u12"#, #"\u12G4"#, #"\x41"#, #"\ud83d"#, #"\ud83d\u0041"#, #"\udc4d\ud83d"#, #"\ud83d\"#,
    ])
    func whatIsNoEscapeStays(text: String) {
        let kept = text == #"\ud83d\u0041"# ? #"\ud83dA"# : text
        #expect(String(decoding: JSONEscapes.undone(Array(text.utf8)) ?? Array(text.utf8), as: UTF8.self) == kept)
        #expect(JSONEscapes.undone(Array((text + "n" + #"\n"#).utf8)) != nil)
    }
}
