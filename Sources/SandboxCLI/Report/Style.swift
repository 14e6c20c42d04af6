public import SandboxPlan

/// Whether a text is coloured, and how.
public struct Style: Hashable, Sendable {
    public var isColoured: Bool

    public static let plain = Style(isColoured: false)

    public init(isColoured: Bool) {
        self.isColoured = isColoured
    }

    /// Colour only on a terminal that is not `dumb`, and only while NO_COLOR is unset or empty (no-color.org).
    public init(isTerminal: Bool, environment: [OSString]) {
        let refuses = environment.contains { entry in
            entry.bytes.starts(with: "NO_COLOR=".utf8) && entry.bytes.count > "NO_COLOR=".utf8.count
        }
        self.isColoured = isTerminal && !refuses && !environment.contains("TERM=dumb")
    }

    func heading(_ text: String) -> String { dressed(text, in: "1") }
    func good(_ text: String) -> String { dressed(text, in: "32") }
    func bad(_ text: String) -> String { dressed(text, in: "31") }
    func doubtful(_ text: String) -> String { dressed(text, in: "33") }

    /// Select Graphic Rendition, reset after (ECMA-48).
    private func dressed(_ text: String, in code: String) -> String {
        isColoured ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
    }
}
