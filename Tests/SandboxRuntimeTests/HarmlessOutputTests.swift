import Testing

@testable import SandboxRuntime

/// What goes through to a terminal whose answers could reach somebody else.
@Suite struct HarmlessOutputTests {
    /// As a relay passes it on: piece by piece, in one space.
    private func passed(_ text: [UInt8], by size: Int, isUTF8: Bool = true, ends: Bool = true) -> [UInt8] {
        var filter = HarmlessOutput(isUTF8: isUTF8)
        var result: [UInt8] = []
        let space = UnsafeMutableRawBufferPointer.allocate(
            byteCount: HarmlessOutput.limit + max(size, 4),
            alignment: 16
        )
        defer { space.deallocate() }
        for start in stride(from: 0, to: text.count, by: size) {
            let piece = text[start..<min(start + size, text.count)]
            UnsafeMutableRawBufferPointer(rebasing: space[HarmlessOutput.limit...]).copyBytes(from: piece)
            let through = filter.pass(space, HarmlessOutput.limit..<HarmlessOutput.limit + piece.count)
            result += Array(UnsafeRawBufferPointer(rebasing: space[through]))
        }
        if ends { result += Array(UnsafeRawBufferPointer(rebasing: space[filter.end(space)])) }
        return result
    }

    private func looked(_ text: [UInt8], isUTF8: Bool = true) -> HarmlessOutput {
        var reader = HarmlessOutput(isUTF8: isUTF8)
        text.withUnsafeBytes { reader.look($0) }
        return reader
    }

    private func asked(_ text: [UInt8], isUTF8: Bool) -> [String] {
        AnsweringTerminal.readings.filter { !isUTF8 || !$0.isEightBit }.flatMap { reading in
            AnsweringTerminal.questions(of: text, reading).map { "\(reading.name): \($0)" }
        }
    }

    private static let questions: [[UInt8]] =
        [
            "\u{5}", "\u{1B}[6n", "\u{1B}[?6n", "\u{1B}[5n", "\u{1B}[c", "\u{1B}[0c", "\u{1B}[>c", "\u{1B}[=c",
            "\u{1B}Z",
            "\u{1B}[21t", "\u{1B}[18t", "\u{1B}[14;2t", "\u{1B}[?1049$p", "\u{1B}[4$p", "\u{1B}[?u", "\u{1B}[>q",
            "\u{1B}[>0q", "\u{1B}[x", "\u{1B}[1;1;1;1;1;1*y", "\u{1B}[1$w", "\u{1B}[?1;1;0S", "\u{1B}[?4m",
            "\u{1B}[1'|",
            "\u{1B}[\"v", "\u{1B}[#|", "\u{1B}]10;?\u{7}", "\u{1B}]4;1;?\u{1B}\\", "\u{1B}]52;c;?\u{1B}\\",
            "\u{1B}]60\u{1B}\\",
            "\u{1B}]60\u{7}", "\u{1B}]1337;ReportCellSize\u{7}", "\u{1B}]21;foreground=?\u{1B}\\", "\u{1B}P$qm\u{1B}\\",
            "\u{1B}P+q544e\u{1B}\\", "\u{1B}Ptmux;\u{1B}\u{1B}[6n\u{1B}\\", "\u{1B}_Gi=31,s=1,v=1,a=q;AAAA\u{1B}\\",
            "\u{9B}6n", "\u{9D}11;?\u{9C}", "\u{1B}[6\u{5}n", "\u{1B}[?\u{A}6n", "\u{1B}\u{0}[6n", "\u{1B}\n[6n",
            "\u{1B}\u{7F}[6n", "\u{1B}\u{E9}[c", "\u{1B}[?1004h", "\u{1B}[?25;2048;7h", "\u{1B}[?2l\u{1B}Z",
            "\u{1B}[#R",
            "\u{1B}[1#S", "\u{1B}[?1003h", "\u{1B}]2;?\u{7}", "\u{1B}Pq\u{5}\u{1B}\\", "\u{1B}[1;2;3;4;5T",
            // Terminals that count on.
            "\u{1B}[4294967314t", "\u{1B}[?4294969344h", "\u{1B}[65554t", "\u{1B}[?67584h",
            // A string that one terminal leaves before another one does.
            "\u{1B}]10;\u{18};?\u{7}", "\u{1B}]4;1;\u{1B}[m;2;?\u{7}", "\u{1B}]10;?\u{7};?\u{7}",
            "\u{1B}P$\n$qm\u{1B}\\",
            "\u{1B}]4;1;\u{9C};2;?\u{7}", "\u{1B}]4;1;\u{9B}m;2;?\u{7}", "\u{1B}]0;\u{18}\u{1B}]10;?\u{7}",
        ].map { Array($0.utf8) } + [
            [0x1B, 0x5D, 0x31, 0x30, 0x3B, 0x9B, 0x3F, 0x07],
            [0x1B, 0x5D, 0x34, 0x3B, 0x31, 0x3B, 0x9C, 0x3B, 0x32, 0x3B, 0x3F, 0x07],
            [0x1B, 0x50, 0x31, 0x9B, 0x24, 0x71, 0x6D, 0x1B, 0x5C], [0x9B, 0x63], [0xE2, 0x9B, 0x36, 0x6E],
            [0xC3, 0x9B, 0x36, 0x6E],
            [0xE2, 0x9B, 0x9B, 0x36, 0x6E],
            // The Linux console: in strings and while shifted it reads no UTF-8.
            Array("\u{1B}]2;x\u{DB}6nY\u{7}".utf8), Array("\u{1B}]8;;http://a/\u{DB}c\u{1B}\\ok".utf8),
            Array("\u{1B}]0;\u{26DB}c\u{7}".utf8), Array("\u{1B}[11m\u{DB}6n".utf8), Array("\u{E}\u{DB}c".utf8),
            Array("\u{E}\u{1F6DB}6n".utf8), Array("\u{E}\u{1B}[!p\u{1B}[0m\u{DB}c".utf8),
            Array("\u{1B}[1;12m\u{DB}6n".utf8), Array("\u{1B}[38;11m\u{1B}[38;2;1;11m\u{DB}6n".utf8),
            Array("\u{1B}%@\u{DB}6n".utf8), Array("\u{1B}%@\u{1B}[!p\u{DB}c".utf8), Array("\u{1B}%\n@\u{26DB}c".utf8),
            Array("\u{1B}c\u{DB}5n".utf8), Array("\u{1B}c\u{26DB}c".utf8),
            Array("\u{1B}[58;5;11m\u{DB}6n".utf8), Array("\u{1B}[38;5;1;11m\u{1B}[0m\u{DB}c".utf8),
            [0x1B, 0x5D, 0x30, 0x3B, 0xE2, 0x9C, 0x93, 0xE2, 0x9B, 0x9B, 0x36, 0x6E, 0x07],
        ]

    /// However a terminal reads what is left of it, and wherever it is cut, it is asked nothing, and what is behind is shown.
    @Test(arguments: questions, [true, false]) func aQuestionIsTakenOut(question: [UInt8], isUTF8: Bool) {
        let text = Array("a".utf8) + question + Array("\nb".utf8)
        let whole = passed(text, by: text.count, isUTF8: isUTF8)
        #expect(asked(whole, isUTF8: isUTF8).isEmpty, "\(whole)")
        #expect(whole.first == 97 && whole.suffix(2) == [10, 98], "\(whole)")
        for size in 1..<text.count { #expect(passed(text, by: size, isUTF8: isUTF8) == whole, "by \(size)") }
        #expect(passed(whole, by: 3, isUTF8: isUTF8) == whole, "what is left is changed again")
        // Controls: somebody would have been asked, and it is noticed where nothing is taken out.
        let isOfEightBits = isUTF8 && asked(text, isUTF8: true).isEmpty
        #expect(isOfEightBits || whole != text, "it went through")
        #expect(isOfEightBits || looked(text, isUTF8: isUTF8).hasAsked, "it was not noticed")
        #expect(!asked(text, isUTF8: false).isEmpty, "no control: nobody would have been asked")
    }

    /// What the filter itself puts in makes no question (the byte became one once).
    @Test(
        arguments: [
            [0x1B, 0x5D, 0x31, 0x30, 0x3B, 0x9B, 0x07], [0x1B, 0x5D, 0x35, 0x32, 0x3B, 0x63, 0x3B, 0x9B, 0x07],
        ] as [[UInt8]]
    )
    func nothingIsMadeAQuestion(text: [UInt8]) {
        for isUTF8 in [true, false] {
            #expect(passed(text, by: 100, isUTF8: isUTF8).isEmpty)
            #expect(looked(text, isUTF8: isUTF8).isUnclear)
        }
    }

    /// Of terminals that are the same for all: where it ends, and how often it is asked, is known.
    @Test(arguments: [
        ("\u{1B}[6n", true, false), ("\u{1B}]10;?\u{7}", true, false), ("\u{1B}P+q544e\u{1B}\\", true, false),
        ("\u{1B}[?1049h\u{1B}[31mred", false, false), ("\u{1B}[6\nn", true, true),
        ("\u{1B}]4;1;\u{9C};2;?\u{7}", true, true),
        ("\u{1B}[05:5n", true, true), ("\u{1B}[?5n", true, true), ("\u{1B}]0;\u{18}x", true, true),
        ("t\u{E4}xt \u{4E2D}", false, false),
        ("\u{1B}%@", true, true), ("\u{1B}%/G", true, true), ("\u{1B}%G", false, false), ("\u{1B})0", false, false),
        ("\u{1B}[1;11m", true, true), ("\u{E}", true, true), ("\u{1B}[38;5;11m\u{F}\u{1B}[10m", false, false),
        ("\u{1B}]0;\u{DB}c\u{7}", true, true), ("\u{1B}]0;\u{E4}\u{7}", false, false),
    ])
    func whatAsksIsNoticed(text: String, hasAsked: Bool, isUnclear: Bool) {
        let reader = looked(Array(text.utf8))
        #expect(reader.hasAsked == hasAsked && reader.isUnclear == isUnclear)
    }

    @Test func questionsLikeOursAreCounted() {
        var reader = looked(Array("\u{1B}[5n\u{1B}[6n\u{1B}[05n".utf8))
        #expect(reader.statusQuestions == 2 && reader.hasAsked && !reader.isUnclear)
        reader.forgetQuestions()
        #expect(reader.statusQuestions == 0 && !reader.hasAsked)
    }

    @Test(arguments: [
        ("\u{1B}", true), ("\u{1B}[", true), ("\u{1B}[5", true), ("\u{1B}(", true), ("\u{1B}]0;x", true),
        ("\u{1B}P", true),
        ("\u{1B}[5m", false), ("x", false), ("\u{1B}[6n", false), ("\u{E4}", false),
    ])
    func halfASequenceIsKnown(text: String, isInside: Bool) {
        #expect(looked(Array(text.utf8)).isInside == isInside)
        var state = TerminalState()
        Array(text.utf8).withUnsafeBytes { state.read($0) }
        #expect(state.isInside == isInside && (state.undoing.first == 0x18) == isInside)
        // Nothing of it goes through before its end.
        let shown = passed(Array(("a" + text).utf8), by: 1, ends: false)
        #expect(shown == (isInside ? [97] : passed(Array(("a" + text).utf8), by: 100)))
    }

    /// Letters of another encoding are no controls, and cost nothing else; a newline is never lost.
    @Test(
        arguments: [
            ([0x41, 0x1B, 0x5D, 0x0A, 0x42, 0x0A], [0x41, 0x0A, 0x42, 0x0A]),
            ([0x63, 0x61, 0x66, 0xE9], [0x63, 0x61, 0x66, 0xE9]),
            ([0xE9, 0x20, 0x90, 0x5C, 0x0A, 0x9D, 0x9F, 0x78], [0xE9, 0x20, 0x3F, 0x5C, 0x0A, 0x3F, 0x3F, 0x78]),
            ([0xE2, 0x82, 0x41], [0xE2, 0x3F, 0x41]), ([0xF0, 0xA0, 0xA1], [0xF0, 0xA0, 0xA1]),
            ([0xC2, 0x85, 0x78], [0x3F, 0x78]), ([0xFF, 0xFE, 0xC0, 0xA0], [0xFF, 0xFE, 0xC0, 0xA0]),
            ([0xED, 0xA0, 0x80, 0x78], [0xED, 0xA0, 0x3F, 0x78]),
            // Palettes of the Linux console have no end.
            (Array("\u{1B}]P0000000text\n\u{1B}]Rmore\u{1B}_Gx\nend".utf8), Array("text\nmore\nend".utf8)),
            (Array("\u{1B}[31\ntext\u{1B}\u{1B}[31m\u{18}".utf8), Array("\ntext\u{1B}[31m\u{18}".utf8)),
            (Array("\u{1B}kname\u{1B}\\x\u{1B}]52;c;QUJD\u{7}y".utf8), Array("xy".utf8)),
        ] as [([UInt8], [UInt8])]
    )
    func whatDoesNotFitCostsNothingElse(text: [UInt8], wanted: [UInt8]) {
        for size in 1...text.count { #expect(passed(text, by: size) == wanted) }
    }

    @Test(arguments: [
        "text, t\u{E4}xt \u{C4}\u{DF}\u{4E2D}\u{1F600} ? n c\r\n\t\u{8}\u{B}\u{C}\u{7}\u{7F}\u{0}",
        "\u{1B}[31;1mred\u{1B}[0m\u{1B}[m",
        "\u{1B}[38;2;1;2;3;48:5:7m", "\u{1B}[2J\u{1B}[10;5H\u{1B}[K\u{1B}[1A\u{1B}[2D",
        "\u{1B}[?1049h\u{1B}[?25l\u{1B}[?1049l",
        "\u{1B}]0;why? a title \u{2713}\u{7}", "\u{1B}]8;;https://example.org/?q=1\u{1B}\\link\u{1B}]8;;\u{1B}\\",
        "\u{1B}]4;1;rgb:00/00/00\u{7}\u{1B}]4;1;#aabbcc;2;rgb:f/f/f\u{1B}\\",
        "\u{1B}]104\u{7}\u{1B}]104;1;2\u{7}\u{1B}]112\u{7}",
        "\u{1B}]10;#ffffff\u{7}\u{1B}]9;4;1;50\u{1B}\\", "\u{1B}[22;0;0t\u{1B}[23;0;0t", "\u{1B}[1;5r\u{1B}[!p\u{1B}[r",
        "\u{1B}[6 q", "\u{1B}(0lqk\u{1B}(B\u{F}", "\u{1B}[?6c",
        "\u{1B}7\u{1B}8\u{1B}=\u{1B}>\u{1B}D\u{1B}M\u{1B}E\u{1B}H",
        "\u{1B}#8", "\u{1B}[s\u{1B}[u\u{1B}[5b", "\u{1B}[?1000l\u{1B}[?1006;1015l", "\u{1B}[4h\u{1B}[4l\u{1B}[34h",
        // gcc with links, git, apt's bar.
        "\u{1B}[01m\u{1B}[Kx.c:1:\u{1B}[m\u{1B}[K \u{1B}[01;31m\u{1B}[Kerror\u{1B}]8;;https://gcc.gnu.org/x#y\u{1B}\\w\u{1B}]8;;\u{1B}\\",
        "\u{1B}7\u{1B}[0;23r\u{1B}8\u{1B}[1A\u{1B}7\u{1B}[24;0f\u{1B}[42m\u{1B}[30mProgress: [ 10%]\u{1B}[49m\u{1B}[39m [##..] \u{1B}8",
        // What terminfo has for xterm, screen and linux.
        "\u{1B}[!p\u{1B}[?3;4l\u{1B}[4l\u{1B}>", "\u{1B}[?12l\u{1B}[?25h\u{1B}[?12;25h",
        "\u{1B}[?1h\u{1B}=\u{1B}[?1l\u{1B}>", "\u{1B}g",
        "\u{1B}[?25h\u{1B}[?0c",
        "\u{1B}[0;10;7m\u{1B}[38;5;11m\u{1B}[48;2;11;12;12;1m\u{1B}[58:5:11m\u{1B}[38:2::10:11:12m",
        "\u{1B}[?5h\u{1B}[?5l", "\u{1B}[?1034l",
        "\u{1B}[3g\u{1B}[5d\u{1B}[7G\u{1B}[4X",
    ])
    func everythingElseStays(text: String) {
        let bytes = Array(text.utf8)
        for size in [1, 2, 3, 5, 1000] { #expect(passed(bytes, by: size) == bytes) }
        #expect(!looked(bytes).hasAsked && !looked(bytes).isInside)
    }

    /// A full reset may end UTF-8 (the Linux console, vt.default_utf8=0): it is left out, and counts as asking and as unclear.
    @Test func aFullResetIsLeftOut() {
        let text = Array("a\u{1B}c\u{C4}b".utf8)
        for size in 1...text.count { #expect(passed(text, by: size) == Array("a\u{C4}b".utf8)) }
        #expect(looked(text).hasAsked && looked(text).isUnclear)
        #expect(!looked(Array("a\u{1B}8\u{C4}b".utf8)).hasAsked)
    }

    /// Where nobody says that the terminal takes UTF-8, its bytes begin no sequence in another one.
    @Test func withoutUTF8NoByteBeginsASequence() {
        let text = Array(
            "\u{C4}\u{E4}\u{FC} \u{2713} \u{DF}\u{26DB}6n \u{1B}]0;\u{26DB}6n\u{7}\u{1B}]0;\u{E4}\u{7}".utf8
        )
        let wanted = Array("\u{C4}\u{E4}\u{FC} \u{2713} ??6n \u{1B}]0;\u{E4}\u{7}".utf8)
        for size in 1...text.count { #expect(passed(text, by: size, isUTF8: false) == wanted) }
        let outside = Array("\u{C4} \u{DF}\u{26DB}6n \u{1B}]0;\u{E4}\u{7}".utf8)
        #expect(looked(outside, isUTF8: false).isUnclear && !looked(outside).hasAsked && looked(text).isUnclear)
        let latin = (UInt8(0xA0)...0xFF).map { $0 }
        #expect(passed(latin, by: 7, isUTF8: false) == latin && passed(latin, by: 7) == latin)
    }

    /// What is held back is bounded, and what is longer is dropped as a whole.
    @Test func longSequencesAreDropped() {
        func title(_ count: Int) -> [UInt8] { Array("\u{1B}]2;\(String(repeating: "x", count: count))\u{7}".utf8) }
        #expect(passed(title(4000), by: 1000) == title(4000))
        #expect(passed(title(5000) + [97], by: 1000) == [97])
        #expect(passed(title(1_000_000) + [97], by: 65536) == [97])
        let colours = Array(("\u{1B}[" + String(repeating: "1;", count: 5000) + "mx").utf8)
        #expect(passed(colours, by: 100) == [120])
        #expect(passed(Array(("\u{1B}[" + String(repeating: "1;", count: 31) + "1mx").utf8), by: 100).count == 67)
        #expect(passed(Array(("\u{1B}[" + String(repeating: "1;", count: 32) + "1mx").utf8), by: 100) == [120])
    }

    /// Bytes of all values in any order never leave a question behind, for whichever terminal; nothing is left to be taken out, and nothing
    /// is put in or moved but a mark for a character.
    @Test(arguments: [true, false]) func noiseAsksNothing(isUTF8: Bool) {
        var random = SplitMix64(seed: 11)
        let words: [[UInt8]] =
            [
                "\u{1B}", "\u{1B}[", "\u{1B}]", "\u{1B}P", "\u{1B}_", "?", ";", "6n", "c", "\u{7}", "\u{1B}\\",
                "\u{18}", "\u{5}", "$p", "5", "10;", "4;1;",
                "m", "\n", "\u{1B}[31m", "\u{1B}]0;", "\u{1B}]8;;", "18t", "1003", "h", "rgb:0/0/0", "4294967296", "x",
                "\u{26DB}", "\u{E4}", "\u{9B}",
                "\u{E}", "\u{F}", "\u{1B}[11m", "\u{1B}[38;5;", "\u{DB}",
                "\u{1B}]10;?", "$q", "tmux;", "\u{1B}[?1049h", "(", "0", " ",
            ].map { Array($0.utf8) } + [
                [0x9B], [0x9C], [0x9D], [0x90], [0x9A], [0xC2], [0xE2], [0xF0], [0xA0], [0x1B, 0x9B],
            ]
        var without = 0
        for _ in 0..<3000 {
            let noise = (0..<Int.random(in: 1...25, using: &random)).flatMap { _ in
                Int.random(in: 0..<8, using: &random) > 0
                    ? words.randomElement(using: &random)! : [UInt8.random(in: 0...255, using: &random)]
            }
            let result = passed(noise, by: Int.random(in: 1...40, using: &random), isUTF8: isUTF8)
            let asked = asked(result, isUTF8: isUTF8)
            #expect(asked.isEmpty, "\(noise) became \(result): \(asked)")
            let open = AnsweringTerminal.readings.filter { (!isUTF8 || !$0.isEightBit) && Self.isInside(result, $0) }
            #expect(open.isEmpty, "\(noise) became \(result)")
            #expect(passed(result, by: 11, isUTF8: isUTF8) == result, "\(noise) became \(result)")
            #expect(Self.isPart(result, of: noise), "\(noise) became \(result)")
            if !self.asked(noise, isUTF8: isUTF8).isEmpty {
                without += 1
                #expect(
                    looked(noise, isUTF8: isUTF8).hasAsked || looked(noise, isUTF8: isUTF8).isInside,
                    "not noticed: \(noise)"
                )
            }
        }
        #expect(without > 500, "no control: of 3000 only \(without) would have asked")
    }

    private static func isInside(_ bytes: [UInt8], _ reading: AnsweringTerminal.Reading) -> Bool {
        var terminal = AnsweringTerminal(reading)
        terminal.show(bytes)
        return terminal.isInside
    }

    /// Whether it comes of the other by leaving out, and by marks in the place of others.
    private static func isPart(_ bytes: [UInt8], of whole: [UInt8]) -> Bool {
        var rest = whole[...]
        for byte in bytes {
            guard let found = rest.firstIndex(where: { $0 == byte || (byte == UInt8(ascii: "?") && $0 >= 0x80) }) else {
                return false
            }
            rest = rest[(found + 1)...]
        }
        return true
    }

    @Test(
        arguments: [
            (["", "", "C.UTF-8"], true), ([nil, nil, "de_DE.utf8"], true), (["C", nil, "en_US.UTF-8"], false),
            ([nil, nil, nil], false),
            ([nil, "de_DE.ISO-8859-1@euro", "C.UTF-8"], false), ([nil, "de_DE.UTF-8@euro", "C"], true),
            ([nil, nil, "POSIX"], false),
        ] as [([String?], Bool)]
    )
    func theLocaleSaysTheEncoding(locale: [String?], isUTF8: Bool) {
        #expect(TerminalEncoding.isUTF8(locale: locale) == isUTF8)
    }
}
