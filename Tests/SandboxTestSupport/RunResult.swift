/// How a command ended.
public enum Ending: Hashable, Sendable, CustomStringConvertible {
    case exited(Int32)
    case signalled(Int32)

    public var description: String {
        switch self {
        case .exited(let code): "exit status \(code)"
        case .signalled(let number): "signal \(number)"
        }
    }
}

/// What the keeper and the pipes say about one run.
public struct RunResult: Sendable {
    public var ending: Ending
    public var output: [UInt8]
    public var errors: [UInt8]
    /// Processes of its tree that were alive when its end was known.
    public var left: Int
    /// Dead ones that nobody had waited for.
    public var zombies: Int
    /// From the command's end until the last process of its tree was gone.
    public var goneAfter: Duration
    /// Those that had to be killed by the keeper.
    public var stuck: [String]
    /// The command took longer than it was given, and was killed.
    public var tookTooLong: Bool
    /// Bytes that wait in the input queue of the terminal it had, if it had one.
    public var injected: Int?

    public var outputText: String { String(decoding: output, as: UTF8.self) }
    public var errorText: String { String(decoding: errors, as: UTF8.self) }
    public var lines: [String] { outputText.split(separator: "\n").map(String.init) }

    /// All values of `name=value` lines, in order.
    public func values(_ name: String) -> [String] {
        lines.filter { $0.hasPrefix(name + "=") }.map { String($0.dropFirst(name.count + 1)) }
    }

    /// The number in a line `name number`.
    public func number(_ name: String) -> Int? {
        lines.first { $0.hasPrefix(name + " ") }.flatMap { Int($0.dropFirst(name.count + 1)) }
    }

    /// Whether the program was reached at all: it prints `begin NAME` first.
    public var began: Bool { lines.contains { $0.hasPrefix("begin ") } }

    /// Everything, for a message.
    public var story: String {
        """
        ended with \(ending)\(tookTooLong ? " (killed: took too long)" : ""), left \(left), zombies \(zombies)\
        \(stuck.isEmpty ? "" : ", stuck: \(stuck)")
        --- output
        \(outputText.prefix(6000))
        --- errors
        \(errorText.prefix(3000))
        """
    }
}
