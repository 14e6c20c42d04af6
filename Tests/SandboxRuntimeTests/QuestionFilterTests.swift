import Testing

@testable import SandboxRuntime

/// What is taken out of output that nobody could answer.
@Suite struct QuestionFilterTests {
    private func passed(_ text: [UInt8], by size: Int, _ filter: inout QuestionFilter) -> [UInt8] {
        var result: [UInt8] = []
        for start in stride(from: 0, to: text.count, by: size) {
            var piece = Array(text[start..<min(start + size, text.count)])
            piece.withUnsafeMutableBytes { filter.pass($0) }
            result += piece
        }
        return result
    }

    private func passed(_ text: [UInt8], by size: Int) -> [UInt8] {
        var filter = QuestionFilter(isActive: true)
        return passed(text, by: size, &filter)
    }

    private static let questions = [
        "\u{5}", "\u{1B}[6n", "\u{1B}[?6n", "\u{1B}[5n", "\u{1B}[c", "\u{1B}[0c", "\u{1B}[>c", "\u{1B}[=c", "\u{1B}Z",
        "\u{1B}[21t", "\u{1B}[18t",
        "\u{1B}[14;2t", "\u{1B}[?1049$p", "\u{1B}[4$p", "\u{1B}[?u", "\u{1B}[>q", "\u{1B}[>0q", "\u{1B}[x",
        "\u{1B}[1;1;1;1;1;1*y", "\u{1B}[1$w",
        "\u{1B}[?1;1;0S", "\u{1B}[?4m", "\u{1B}[1'|", "\u{1B}[\"v", "\u{1B}[#|", "\u{1B}]10;?\u{7}",
        "\u{1B}]4;1;?\u{1B}\\",
        "\u{1B}]52;c;?\u{1B}\\", "\u{1B}]60\u{1B}\\", "\u{1B}]60\u{7}", "\u{1B}]1337;ReportCellSize\u{7}",
        "\u{1B}]21;foreground=?\u{1B}\\",
        "\u{1B}P$qm\u{1B}\\", "\u{1B}P+q544e\u{1B}\\", "\u{1B}Ptmux;\u{1B}\u{1B}[6n\u{1B}\\",
        "\u{1B}_Gi=31,s=1,v=1,a=q;AAAA\u{1B}\\", "\u{9B}6n", "\u{9D}11;?\u{9C}",
        "\u{1B}[6\u{5}n", "\u{1B}[?\u{A}6n", "\u{1B}\u{0}[6n", "\u{1B}\n[6n", "\u{1B}\u{7F}[6n", "\u{1B}\u{E9}[c",
        "\u{1B}[?1004h", "\u{1B}[?25;2048;7h",
        "\u{1B}[#R", "\u{1B}[1#S", "\u{1B}%@", "\u{1B}Pq\u{5}\u{1B}\\",
    ]

    /// Whatever is made of it, no whole question is left: neither the byte that completes it nor a string that asks.
    @Test(arguments: questions) func aQuestionIsTakenOut(question: String) {
        let text = Array(("a" + question + "b").utf8)
        for size in [1, 2, 3, 100] {
            let result = passed(text, by: size)
            #expect(result.count == text.count && result.first == 97 && result.last == 98)
            #expect(result != text, "it went through")
            // Who is no filter asks the same of what is left of it.
            var again = QuestionFilter(isActive: false)
            #expect(passed(result, by: size, &again) == result, "it is only looked at")
            #expect(!again.hasAsked || Self.isString(question), "\(result)")
            if Self.isString(question) {
                #expect(!zip(result, result.dropFirst()).contains { $0 == 0x1B && $1 == 0x5B }, "\(result)")
            }
            var control = QuestionFilter(isActive: false)
            #expect(passed(text, by: size, &control) == text)
            #expect(control.hasAsked || Self.reported.contains(question), "no control: nobody would have been asked")
        }
    }

    /// DCS and APC: what begins one asks already, and is cancelled behind its first letter.
    private static func isString(_ question: String) -> Bool {
        question.hasPrefix("\u{1B}P") || question.hasPrefix("\u{1B}_")
    }

    /// With the keyboard they are modes like any other.
    private static let reported: Set<String> = ["\u{1B}[?1004h", "\u{1B}[?25;2048;7h", "\u{1B}%@"]

    @Test(arguments: [
        ("\u{1B}", true), ("\u{1B}[", true), ("\u{1B}[5", true), ("\u{1B}(", true), ("\u{1B}]0;x", true),
        ("\u{1B}[5m", false), ("x", false), ("\u{1B}[6n", false),
    ])
    func halfASequenceIsKnown(text: String, isInside: Bool) {
        for isActive in [true, false] {
            var filter = QuestionFilter(isActive: isActive)
            _ = passed(Array(text.utf8), by: 1, &filter)
            #expect(filter.isInside == isInside)
        }
        var state = TerminalState()
        Array(text.utf8).withUnsafeBytes { state.read($0) }
        #expect(state.isInside == isInside && (state.undoing.first == 0x18) == isInside)
    }

    /// Letters of another encoding are no controls, and never cost more than themselves.
    @Test func bytesOfOtherEncodingsCostNothingElse() {
        let text: [UInt8] = [0xE9, 0x20, 0x90, 0x5C] + Array("text\nmore".utf8) + [0x9D, 0x9F] + Array(" end".utf8)
        let shown = String(decoding: passed(text, by: 3), as: UTF8.self)
        #expect(shown.hasSuffix("text\nmore?? end"), "\(shown)")
        let palette = Array("\u{1B}]P0000000text\nmore".utf8)
        #expect(passed(palette, by: 4) == palette)
        // A string that is taken out ends with its line.
        #expect(String(decoding: passed(Array("\u{1B}_Gx\nmore".utf8), by: 4), as: UTF8.self).hasSuffix("\nmore"))
    }

    /// Silence may begin in the middle of a sequence.
    @Test func silenceBeginsAnywhere() {
        var filter = QuestionFilter(isActive: false)
        #expect(passed(Array("x\u{1B}[".utf8), by: 2, &filter) == [0x78, 0x1B, 0x5B])
        filter.activate()
        #expect(passed(Array("6nabc".utf8), by: 2, &filter) == [0x36, 0x18, 0x61, 0x62, 0x63])
    }

    @Test func questionsLikeOursAreCounted() {
        var filter = QuestionFilter(isActive: false)
        _ = passed(Array("\u{1B}[5n\u{1B}[6n\u{1B}[05n\u{1B}[?5n".utf8), by: 100, &filter)
        #expect(filter.statusQuestions == 2 && filter.hasAsked)
        filter.forgetQuestions()
        #expect(filter.statusQuestions == 0 && !filter.hasAsked)
    }

    @Test(arguments: [
        "text, t\u{E4}xt \u{4E2D}\u{1F600} ? n c\r\n\t", "\u{1B}[31;1mred\u{1B}[0m",
        "\u{1B}[2J\u{1B}[10;5H\u{1B}[K\u{1B}[1A\u{1B}[2D", "\u{1B}[?1049h\u{1B}[?25l\u{1B}[?1049l",
        "\u{1B}]0;why? a title\u{7}", "\u{1B}]8;;https://example.org/?q=1\u{1B}\\link\u{1B}]8;;\u{1B}\\",
        "\u{1B}]4;1;rgb:00/00/00\u{7}", "\u{1B}]104\u{7}",
        "\u{1B}]52;c;QUJD\u{7}", "\u{1B}]133;A\u{7}", "\u{1B}Pq#0;2;0;0;0~~@@\u{1B}\\", "\u{1B}[22;0;0t\u{1B}[23;0;0t",
        "\u{1B}[1;5r\u{1B}[!p", "\u{1B}[>4;2m", "\u{1B}[>1u\u{1B}[<u",
        "\u{1B}[6 q", "\u{1B}(0lqk\u{1B}(B", "\u{1B}[?6c", "\u{1B}7\u{1B}8\u{1B}=\u{1B}>", "\u{1B}[1;1;2;2$x",
    ])
    func everythingElseStays(text: String) {
        for size in [1, 2, 5, 1000] { #expect(passed(Array(text.utf8), by: size) == Array(text.utf8)) }
    }

    /// Bytes of all values in any order keep their number, and never leave a question behind.
    @Test func noiseAsksNothing() {
        var random = SystemRandomNumberGenerator()
        let favoured: [UInt8] = [
            0x1B, 0x5B, 0x5D, 0x50, 0x5F, 0x3F, 0x3B, 0x36, 0x6E, 0x63, 0x07, 0x5C, 0x18, 0x05, 0x24, 0x70, 0xC2, 0x9B,
            0x9D,
        ]
        for _ in 0..<3000 {
            let noise = (0..<40).map { _ in
                Bool.random(using: &random)
                    ? favoured.randomElement(using: &random)! : UInt8.random(in: 0...255, using: &random)
            }
            let result = passed(noise, by: Int.random(in: 1...40, using: &random))
            #expect(result.count == noise.count)
            let state = AskedAnything()
            let asks = state.asks(result)
            #expect(!asks, "\(noise) became \(result)")
        }
    }

    /// A second opinion on plain questions, by their whole text.
    private struct AskedAnything {
        func asks(_ bytes: [UInt8]) -> Bool {
            for start in bytes.indices.dropLast(2) where bytes[start] == 0x1B && bytes[start + 1] == 0x5B {
                var end = start + 2
                while end < bytes.count && (0x30...0x3B).contains(bytes[end]) { end += 1 }
                if end < bytes.count && (bytes[end] == UInt8(ascii: "n") || bytes[end] == UInt8(ascii: "c")) {
                    // In a string it is no sequence; strings that go through end at the ESC.
                    return true
                }
            }
            return bytes.contains(0x05) && !bytes.contains(0x1B) && !bytes.contains { (0x80...0x9F).contains($0) }
        }
    }
}
