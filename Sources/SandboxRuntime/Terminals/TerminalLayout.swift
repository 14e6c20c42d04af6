internal import CShims
internal import Glibc
internal import SandboxPlan

/// Which of the caller's streams become which terminals of the place: decided before the plan, by the terminals' numbers.
enum TerminalLayout {
    /// - Parameters:
    ///   - choice: what was asked for.
    ///   - closed: bit i is set when the caller had descriptor i closed.
    /// - Returns: for each terminal its streams, in the order of their first ones.
    static func streams(_ choice: TerminalChoice, closed: Int) -> [[Int]] {
        switch choice {
        case .never: return []
        case .always: return [[0, 1, 2]]
        case .automatic: break
        }
        var layout: [[Int]] = []
        var numbers: [Int] = []
        for stream in 0..<3 where closed & (1 << stream) == 0 && isUsable(Int32(stream)) {
            // Whatever has no number is no terminal, and is looked at when the streams are taken.
            let number = cs_terminal_device(Int32(stream))
            if number <= 0 || !isDevice(Int32(stream)) || isControllingEnd(Int32(stream)) { continue }
            if let index = numbers.firstIndex(of: number), isSameFile(layout[index][0], stream) {
                layout[index].append(stream)
            } else {
                numbers.append(number)
                layout.append([stream])
            }
        }
        return layout
    }

    /// What is a terminal now was one then: a call that failed at the first look must not make a pipe of it in silence.
    ///
    /// - Parameters:
    ///   - layout: of the first look.
    ///   - choice: what was asked for.
    ///   - streams: the caller's three.
    /// - Throws: `Refusal` that names the stream.
    static func check(_ layout: [[Int]], _ choice: TerminalChoice, _ streams: [CallerStream]) throws(Refusal) {
        guard choice == .automatic else { return }
        let terminals = streams.filter { stream in
            let isUsable = stream.number == STDIN_FILENO ? stream.isReadable : stream.isWritable
            return stream.kind == .terminal && !stream.isTerminalMaster && isUsable
        }
        func place(_ stream: CallerStream) -> Int? { layout.firstIndex { $0.contains(Int(stream.number)) } }
        for stream in terminals {
            let isApart = terminals.contains { other in
                (other.identity.device, other.identity.inode) == (stream.identity.device, stream.identity.inode)
                    && place(other) != place(stream)
            }
            if isApart || place(stream) == nil {
                throw Refusal(stream: stream.name, is: "a terminal, and did not answer as that one at first")
            }
        }
    }

    /// Whether two descriptors lead to one terminal, whichever name it was opened by.
    static func isSame(_ left: Int32, _ right: Int32) -> Bool {
        let number = cs_terminal_device(left)
        return number > 0 && number == cs_terminal_device(right) && isSameFile(Int(left), Int(right))
    }

    /// Open for the other direction only it is the end of the input, or takes nothing, as ever.
    private static func isUsable(_ stream: Int32) -> Bool {
        let flags = cs_fcntl_getfl(stream)
        return flags >= 0 && flags & 3 != (stream == STDIN_FILENO ? Int(O_WRONLY) : Int(O_RDONLY))
    }

    private static func isDevice(_ stream: Int32) -> Bool {
        var found = cs_identity()
        return cs_identify(stream, "", &found) == 0 && found.mode & S_IFMT == S_IFCHR
    }

    /// The controlling end of a terminal answers as one, too: whoever gave it wants to play the keyboard.
    private static func isControllingEnd(_ stream: Int32) -> Bool { cs_terminal_number(stream) >= 0 }

    /// Terminals of two devpts instances may have the same number; `/dev/tty` stands for another file.
    private static func isSameFile(_ left: Int, _ right: Int) -> Bool {
        var (one, other) = (cs_identity(), cs_identity())
        guard cs_identify(Int32(left), "", &one) == 0, cs_identify(Int32(right), "", &other) == 0 else { return false }
        if (one.device, one.inode) == (other.device, other.inode) { return true }
        return [one, other].contains { $0.major == 5 && $0.minor == 0 }
    }
}
