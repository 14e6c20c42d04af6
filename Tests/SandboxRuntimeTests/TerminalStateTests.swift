import Testing

@testable import SandboxRuntime

/// What output leaves switched on, and what undoes it.
struct TerminalStateTests {
    private func undoing(_ pieces: [UInt8]...) -> String {
        var state = TerminalState()
        for piece in pieces { piece.withUnsafeBytes { state.read($0) } }
        return String(decoding: state.undoing, as: UTF8.self)
    }

    private func undoing(_ text: String) -> String { undoing(Array(text.utf8)) }

    @Test(arguments: [
        ("plain text\r\n", ""),
        ("\u{1B}[?1049h", "\u{1B}[?1049l"),
        ("\u{1B}[?1049h\u{1B}[?1049l", ""),
        ("\u{1B}[?25l", "\u{1B}[?25h"),
        ("\u{1B}[?25l\u{1B}[?25h", ""),
        ("\u{1B}[?1003;1006h", "\u{1B}[?1006l\u{1B}[?1003l"),
        ("\u{1B}[?9999h", ""),
        ("\u{1B}[?99999999999999h", ""),
        ("\u{1B}[31m", "\u{1B}[0m"),
        ("\u{1B}[31mred\u{1B}[m", ""),
        ("\u{1B}[38;2;1;2;3m\u{1B}[0m", ""),
        ("\u{1B}[5;10r", "\u{1B}[r"),
        ("\u{1B}[5;10r\u{1B}[r", ""),
        ("\u{1B}=", "\u{1B}>"),
        ("\u{1B}(0", "\u{1B}(B"),
        ("\u{1B}(0lqk\u{1B}(B", ""),
        ("\u{0E}", "\u{0F}"),
        ("\u{1B}[>1u", "\u{1B}[<u"),
        ("\u{1B}[>1u\u{1B}[<u", ""),
        ("\u{1B}[>4;2m", "\u{1B}[>4m"),
        ("\u{1B}[>4;2m\u{1B}[>4;m", ""),
        // In a string that names a title nothing is a control sequence, up to its end.
        ("\u{1B}]2;[?25l\u{07}", ""),
        ("\u{1B}]2;title\u{1B}\\\u{1B}[?25l", "\u{1B}[?25h"),
        ("\u{1B}P[?25l\u{1B}\\", ""),
        // CAN ends a sequence before it says anything.
        ("\u{1B}[?25\u{18}l", ""),
        // The Linux console's fonts, which SGR 0 and a soft reset do not end.
        ("\u{1B}[11m", "\u{1B}[10m\u{1B}[0m"), ("\u{1B}[1;12m\u{1B}[0m", "\u{1B}[10m"),
        ("\u{1B}[11m\u{1B}[0;10m\u{1B}[0m", ""), ("\u{1B}[38;5;11m\u{1B}[38:5:11m\u{1B}[0m", ""),
        ("\u{1B}[11m\u{1B}[38;5;10m\u{1B}[58:10m\u{1B}[0m", "\u{1B}[10m"), ("\u{E}\u{1B}[!p\u{1B}[0m", "\u{F}"),
        ("\u{1B}]0;\u{E}\u{7}", "\u{F}"), ("\u{1B}[11m\u{1B}c", "\u{1B}%G"),
        // Colours, progress, links, cursor, tabulators.
        ("\u{1B}]4;1;#fff\u{7}", "\u{1B}]104\u{1B}\\"), ("\u{1B}]4;1;?;2;?\u{7}\u{1B}]11;?\u{1B}\\", ""),
        ("\u{1B}]4;1;?;2;#fff\u{1B}\\\u{1B}]104\u{7}", ""),
        ("\u{1B}]4;1;#fff\u{7}\u{1B}]104;1\u{7}", "\u{1B}]104\u{1B}\\"),
        ("\u{1B}]10;#fff;#000\u{7}\u{1B}]12;red\u{7}\u{1B}]112\u{7}", "\u{1B}]110\u{1B}\\\u{1B}]111\u{1B}\\"),
        // Some terminals carry out what is cut off: the colour may be set, and may not be back.
        ("\u{1B}]11;red\u{18}", "\u{18}\u{1B}\\\u{1B}]111\u{1B}\\"),
        ("\u{1B}]11;red\u{7}\u{1B}]111\u{18}", "\u{18}\u{1B}\\\u{1B}]111\u{1B}\\"),
        ("\u{1B}]11;red\u{7}\u{1B}c", "\u{1B}%G\u{1B}]111\u{1B}\\"),
        ("\u{1B}]9;4;1;50\u{7}", "\u{1B}]9;4;0\u{1B}\\"),
        ("\u{1B}]9;4;1;50\u{7}\u{1B}]9;4;0\u{7}\u{1B}]9;hello\u{7}", ""),
        ("\u{1B}]8;;http://a\u{7}x", "\u{1B}]8;;\u{1B}\\"), ("\u{1B}]8;id=1;http://a\u{7}x\u{1B}]8;;\u{7}", ""),
        ("\u{1B}[?6c", "\u{1B}[?0c"), ("\u{1B}[?6c\u{1B}[?0c\u{1B}[6 q\u{1B}[ q", ""), ("\u{1B}[6 q", "\u{1B}[0 q"),
        ("\u{1B}[3g", "\u{1B}[?5W"), ("\u{1B}H\u{1B}[?5W", ""),
        // A soft reset leaves the Linux console its font.
        ("\u{1B}[11m\u{1B}[!p", "\u{1B}[10m\u{1B}[0m"), ("\u{1B}[1m\u{1B}[10m", "\u{1B}[0m"), ("\u{1B}[1m\u{1B}[m", ""),
        // What is saved with the cursor comes back with it.
        ("\u{1B}[31m\u{1B}7\u{1B}[0m\u{1B}8", "\u{1B}[0m"), ("\u{1B}7\u{1B}[31m\u{1B}[0m\u{1B}8", ""),
        ("\u{1B}(0\u{1B}[s\u{1B}(B\u{1B}[u", "\u{1B}(B"), ("\u{1B}[?6h\u{1B}7\u{1B}[?6l\u{1B}8", "\u{1B}[?6l"),
        ("\u{1B}[31m\u{1B}[?1049h\u{1B}[0m", "\u{1B}[?1049l\u{1B}[0m"),
        ("\u{E}\u{1B}[?1048h\u{F}\u{1B}[?1048l", "\u{F}"), ("\u{1B}[?6h\u{1B}[?6l", ""), ("\u{1B}[?6r", "\u{1B}[?6l"),
        // A full reset by the job itself: the Linux console may have been booted with another encoding.
        ("\u{1B}[?1049h\u{1B}[?25l\u{1B}=\u{1B}c", "\u{1B}%G"),
    ])
    func knowsWhatIsLeft(text: String, wanted: String) {
        #expect(undoing(text) == wanted, "\(text.debugDescription)")
        // CAN first: what was begun may be open.
        #expect(undoing(text + "\u{18}" + wanted) == "", "\(text.debugDescription)")
    }

    /// In numbers of colours a 0 is black, and no way back.
    @Test(arguments: [
        ("\u{1B}[48;2;255;0;0m", true), ("\u{1B}[38;5;0m", true), ("\u{1B}[58;5;0m", true), ("\u{1B}[38;5;1;0m", false),
        ("\u{1B}[38;2;0m", true), ("\u{1B}[1;0m", false), ("\u{1B}[0;1m", true), ("\u{1B}[1m\u{1B}[;m", false),
        ("\u{1B}[48:5:0m", true), ("\u{1B}[10m", false), ("\u{1B}[38;5;0;0;48;5;0m", true),
    ])
    func aColourIsNoReset(text: String, isLeft: Bool) {
        #expect(undoing(text) == (isLeft ? "\u{1B}[0m" : ""), "\(text.debugDescription)")
    }

    /// The Linux console and tmux know no soft reset; the modes that xterm keeps stay everywhere.
    @Test(arguments: [
        "\u{1B}[?25l", "\u{1B}[5;9r", "\u{1B}[?1h", "\u{1B}[?5h", "\u{1B}=", "\u{1B}(0", "\u{1B}[31m", "\u{1B}[4h",
    ])
    func aSoftResetIsBelievedOfNobody(text: String) {
        #expect(undoing(text + "\u{1B}[!p") == undoing(text) && undoing(text) != "", "\(text.debugDescription)")
    }

    /// Where some terminal reads no way back, what was switched on is left; each has its form that all read (the last one).
    @Test(arguments: [
        (
            "\u{1B}[?1003h", "\u{1B}[?1003l",
            [
                "\u{1B}[1003?l", "\u{1B}[?>1003l", "\u{1B}[>?1003l", "\u{1B}[?1003$l", "\u{1B}[?1003 l",
                "\u{1B}[?1\n003l",
                "\u{1B}\n[?1003l", "\u{1B}[?1003:1l", "\u{1B}[?\(String(repeating: "1;", count: 16))1003l",
                "\u{1B}[?66539l", "\u{1B}[?001003l", "\u{1B}[1003l", "\u{1B}[?1003\u{E9}l",
                "\u{1B}Px\u{18}\u{1B}[?1003l",
                "\u{1B}]0;x\u{1B}[?1003l", "\u{1B}P\u{7}\u{1B}[?1003l", "\u{1B}kx\u{1B}[?1003l", "\u{1B}Px\u{1B}c",
                "\u{1B}]0;\u{1B}c", "\u{1B}_x\u{1A}\u{1B}c", "\u{1B}\nc", "\u{1B}P\u{1B}\u{1B}c", "\u{1B}X\u{1B}\nc",
                "\u{1B}[?1003l\u{1B}[?1003r", "\u{1B}[?1003s\u{1B}[?1003l\u{1B}[?1003r", "\u{1B}[?1003l\u{1B}[?7r",
                "\u{1B}c\u{1B}[?1003r",
            ], "\u{1B}[?1;1003;1049l"
        ),
        (
            "\u{1B}[?25l", "\u{1B}[?25h",
            ["\u{1B}[?25$h", "\u{1B}[25?h", "\u{1B}[?25h\u{1B}[?25r", "\u{1B}]0;x\u{18}\u{1B}[?25h"],
            "\u{1B}]0;x\u{18}\u{1B}\\\u{1B}[?25h"
        ),
        ("\u{1B}[5;9r", "\u{1B}[r", ["\u{1B}[>r", "\u{1B}[ r", "\u{1B}[\nr", "\u{1B}[?r"], "\u{1B}[0;0r"),
        ("\u{1B}[1m", "\u{1B}[0m", ["\u{1B}[0\nm", "\u{1B}[0$m", "\u{1B}[>0m", "\u{1B}[0:0m"], "\u{1B}[m"),
        ("\u{1B}(0", "\u{1B}(B", ["\u{1B}(\nB", "\u{1B}( B", "\u{1B}\n(B", "\u{1B}Px\u{18}\u{1B}(B"], "\u{1B}(B"),
        ("\u{1B}=", "\u{1B}>", ["\u{1B}\n>", "\u{1B}Px\u{18}\u{1B}>"], "\u{1B}>"),
        ("\u{1B}[>1u", "\u{1B}[<u", ["\u{1B}[<1;1u", "\u{1B}[1<u", "\u{1B}[<1$u"], "\u{1B}[<1u"),
        ("\u{1B}[6 q", "\u{1B}[0 q", ["\u{1B}[q", "\u{1B}[0\n q", "\u{1B}[? q", "\u{1B}[0;0 q"], "\u{1B}[0 q"),
        ("\u{1B}[?6c", "\u{1B}[?0c", ["\u{1B}[c", "\u{1B}[0?c", "\u{1B}[?0;6c"], "\u{1B}[?0c"),
        ("\u{1B}[3g", "\u{1B}[?5W", ["\u{1B}[5W", "\u{1B}[?5;5W"], "\u{1B}[?5W"),
        ("\u{E}", "\u{F}", ["\u{1B}Px\u{18}\u{F}", "\u{1B}[\u{F}m", "\u{1B}[!p"], "\u{F}"),
    ])
    func onlyWhatAllReadLeadsBack(on: String, undone: String, others: [String], back: String) {
        for other in others {
            let left = undoing(on + other)
            #expect(left.contains(undone), "\((on + other).debugDescription): \(left.debugDescription)")
            #expect(undoing(on + other + "\u{18}" + left) == "", "\((on + other).debugDescription)")
        }
        #expect(undoing(on + back) == "", "control: \((on + back).debugDescription)")
    }

    /// What one terminal takes for a change is one.
    @Test(arguments: [
        "\u{1B}[1003?h", "\u{1B}[?\n1003h", "\u{1B}[>?1003h", "\u{1B}[?1003$h", "\u{1B}[?66539h", "\u{1B}[?4294968299h",
        "\u{1B}[?\(String(repeating: "3;", count: 60))1003h", "\u{1B}]0;x\u{1B}[?1003h", "\u{1B}Px\u{1B}[?1003h",
        "\u{1B}[?1003:1h", "\u{1B}[?1003r", "\u{1B}\n[?1003h",
    ])
    func whatOneReadsIsRemembered(text: String) {
        #expect(undoing(text).contains("\u{1B}[?1003l"), "\(text.debugDescription)")
        #expect(undoing("\u{1B}[?1003p") == "", "control")
    }

    /// What a shell would suffer from at the keyboard.
    @Test(arguments: [
        ("\u{1B}[=31u", "\u{1B}[=0u"), ("\u{1B}[=31;2u\u{1B}[=0u", ""),
        ("\u{1B}[>1u\u{1B}[>1u\u{1B}[>1u", "\u{1B}[<3u"),
        ("\u{1B}[>1u\u{1B}[>1u\u{1B}[<9u", ""), ("\u{1B}[20h", "\u{1B}[20l"), ("\u{1B}[12l", "\u{1B}[12h"),
        ("\u{1B}[12;20l\u{1B}[12h", ""), ("\u{1B}[?67h", "\u{1B}[?67l"), ("\u{1B}[?8l", "\u{1B}[?8h"),
        ("\u{1B}[?9001;5522h", "\u{1B}[?5522l\u{1B}[?9001l"), ("\u{1B} G", "\u{1B} F"), ("\u{1B} G\u{1B} F", ""),
        // A VT52 reads no control sequence: what comes behind is changed perhaps, and never back.
        ("\u{1B}[?2l", "\u{1B}<"), ("\u{1B}[?2l\u{1B}<", ""),
        ("\u{1B}[?25l\u{1B}[?2l\u{1B}[?25h", "\u{1B}<\u{1B}[?25h"),
        ("\u{1B}[?2l\u{1B}[?2h\u{1B}[20h", "\u{1B}<\u{1B}[20l"),
    ])
    func keysAreAsBefore(text: String, wanted: String) {
        #expect(undoing(text) == wanted, "\(text.debugDescription)")
        #expect(undoing(text + wanted) == "", "\(text.debugDescription)")
    }

    /// Another encoding than UTF-8: one more way in which the Linux console reads bytes of 8 bits.
    @Test func anotherEncodingIsUndone() {
        func state(_ text: String, isUTF8: Bool = true) -> TerminalState {
            var state = TerminalState(isUTF8: isUTF8)
            Array(text.utf8).withUnsafeBytes { state.read($0) }
            return state
        }
        let back = Array("\u{1B}%G".utf8)
        for text in [
            "\u{1B}c", "\u{1B}%@", "\u{1B}%8", "\u{1B}%/G", "\u{1B}%\nG", "\u{1B}%@\u{1B}c", "\u{1B}%@\u{1B}[!p",
        ] {
            #expect(state(text).undoing == back && state(text).isShifted, "\(text.debugDescription)")
            #expect(state(text + "\u{1B}%G").undoing.isEmpty && !state(text + "\u{1B}%G").isShifted)
        }
        // Elsewhere nobody knows what would be the way back.
        #expect(state("\u{1B}%@", isUTF8: false).undoing.isEmpty && !state("\u{1B}%@", isUTF8: false).isShifted)
    }

    @Test func piecesMayEndAnywhere() {
        let text = Array("a\u{1B}[?1049;25h\u{1B}[?25l\u{1B}]0;x\u{1B}\\\u{1B}[1;31m\u{1B}(0".utf8)
        var whole = TerminalState()
        text.withUnsafeBytes { whole.read($0) }
        for cut in text.indices {
            var state = TerminalState()
            Array(text[..<cut]).withUnsafeBytes { state.read($0) }
            Array(text[cut...]).withUnsafeBytes { state.read($0) }
            #expect(state.undoing == whole.undoing, "cut at \(cut)")
        }
        #expect(!whole.undoing.isEmpty)
    }

    /// A job writes what it wants: what is kept of it is bounded, and what is said at the end is no surprise to a terminal.
    @Test func whateverComesTheAnswerIsShortAndUndoes() {
        var generator = SplitMix64(seed: 7)
        let alphabet = Array(
            "\u{1B}\u{1B}\u{1B}[[[??;;0123456789hlmrsu78<>=()!p \u{0E}\u{0F}\u{18}%@GFkc]P\\\u{07}".utf8
        )
        for _ in 0..<300 {
            var state = TerminalState()
            let bytes = (0..<4096).map { _ in alphabet.randomElement(using: &generator) ?? 0 }
            bytes.withUnsafeBytes { state.read($0) }
            let undoing = state.undoing
            #expect(undoing.count <= 400, "\(undoing.count) bytes")
            // CAN first: the noise may have left a sequence open.
            var after = state
            ([0x18] + undoing).withUnsafeBytes { after.read($0) }
            #expect(after.undoing.isEmpty, "\(String(decoding: undoing, as: UTF8.self).debugDescription)")
        }
    }

    /// However a terminal reads what a job has written: behind what undoes it, it is as a fresh one.
    @Test func whateverComesEveryTerminalIsBroughtBack() {
        var generator = SplitMix64(seed: 11)
        let words = [
            "\u{1B}[", "\u{1B}[?", "\u{1B}[", "\u{1B}", "\u{1B}]0;", "\u{1B}P", "\u{1B}_", "\u{1B}\\", "\u{7}",
            "\u{18}", "\n", "?", ">", ";",
            ";", "$", " ", "!", ":", "h", "l", "h", "l", "m", "m", "r", "s", "u", "p", "(", "B", "0", "\u{1B}(0",
            "\u{1B}(B", "\u{E}",
            "\u{F}", "\u{1B}7", "\u{1B}8", "\u{1B}c", "\u{1B}<", "\u{1B}[!p", "\u{1B}[?25l", "\u{1B}[?25h",
            "\u{1B}[?1003h", "\u{1B}[?1003l", "\u{1B}[m",
            "\u{1B}[31m", "\u{1B}[5;9r", "\u{1B}[r", "\u{1B}[?1;25s", "\u{1B}[?1;25r", "\u{1B}[?2l", "1", "2", "5", "7",
            "25", "1003", "66539", "38",
            "48;5;0", "58;5;0", "1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;",
        ].map { Array($0.utf8) }
        var changes = 0
        for _ in 0..<600 {
            let noise = (0..<Int.random(in: 1...60, using: &generator)).flatMap { _ in
                words.randomElement(using: &generator) ?? []
            }
            var state = TerminalState()
            noise.withUnsafeBytes { state.read($0) }
            for reading in ChangedTerminal.readings {
                var terminal = ChangedTerminal(reading)
                terminal.show(noise)
                if !terminal.changed.isEmpty { changes += 1 }
                terminal.show(state.undoing)
                #expect(
                    terminal.changed.isEmpty,
                    "\(reading.name): \(String(decoding: noise, as: UTF8.self).debugDescription)"
                )
            }
        }
        #expect(changes > 1000, "control: \(changes)")
    }
}
