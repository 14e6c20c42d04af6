import Glibc
import Testing

@testable import SandboxRuntime

/// What a relay shows on a terminal that takes little at once; pipes stand for the terminal.
@Suite struct ScreenTests {
    /// A pipe that holds one page and does not wait.
    private struct Page {
        let reading: Int32
        let writing: Int32

        init() throws {
            var pair: [Int32] = [-1, -1]
            try #require(pipe(&pair) == 0)
            (reading, writing) = (pair[0], pair[1])
            for number in pair { try #require(fcntl(number, F_SETFL, O_NONBLOCK) == 0) }
            // F_SETPIPE_SZ (fcntl(2)).
            try #require(fcntl(writing, 1031, 4096) == 4096)
        }

        func taken() -> [UInt8] {
            [UInt8](unsafeUninitializedCapacity: 65536) { space, count in
                count = max(0, read(reading, space.baseAddress, 65536))
            }
        }
    }

    private func shown(_ text: [UInt8], isAnswered: Bool, silent: Bool) throws -> [UInt8] {
        let (job, terminal) = (try Page(), try Page())
        defer { for number in [terminal.reading] { _ = close(number) } }
        let sink = RelayEnd(ours: terminal.writing)
        let screen = try Screen(sink)
        var isAnswered = isAnswered
        screen.isAnswered = { isAnswered }
        let relay = Relay(from: RelayEnd(ours: job.reading), to: sink, name: "stdout", isOutward: true)
        relay.filter = screen
        try #require(fcntl(job.writing, 1031, 65536) == 65536)
        try #require(write(job.writing, text, text.count) == text.count)
        _ = close(job.writing)
        let ready = Relay.Readiness(source: Int16(POLLIN), sink: Int16(POLLOUT))
        relay.step(ready)
        if silent { isAnswered = false }
        var result = terminal.taken()
        while !relay.isFinished {
            relay.step(ready)
            result += terminal.taken()
        }
        return result
    }

    /// The sequence that was half shown is cancelled and shown anew; nothing is asked any more, and no text is lost.
    @Test func silenceBeginsInTheMiddleOfASequence() throws {
        let filling = [UInt8](repeating: 0x78, count: 4093)
        let rest = Array("\u{1B}[31mred\u{1B}[6n\u{1B}[0m end\u{E4}".utf8)
        let wanted =
            filling + [0x1B, 0x5B, 0x33] + [0x18, 0x1B, 0x5C] + Array("\u{1B}[31mred\u{1B}[0m end\u{E4}".utf8)
        #expect(try shown(filling + rest, isAnswered: true, silent: true) == wanted)
        // Controls: with the keyboard all of it is shown, and without it from the beginning.
        #expect(try shown(filling + rest, isAnswered: true, silent: false) == filling + rest)
        let harmless = Array("\u{1B}[31mred\u{1B}[0m end\u{E4}".utf8)
        #expect(try shown(filling + rest, isAnswered: false, silent: false) == filling + harmless)
        // Half a question that was shown is not completed.
        let question = Array("\u{1B}[6nabc".utf8)
        let cut = filling + [0x1B, 0x5B, 0x36, 0x18, 0x1B, 0x5C] + Array("abc".utf8)
        #expect(try shown(filling + question, isAnswered: true, silent: true) == cut)
    }

    /// The keyboard comes and goes while a job writes: what asks is shown only while it is the job's.
    @Test func whatAsksIsShownWhileItIsAnswered() throws {
        let (job, terminal) = (try Page(), try Page())
        defer { for number in [job.writing, terminal.reading] { _ = close(number) } }
        let sink = RelayEnd(ours: terminal.writing)
        let screen = try Screen(sink)
        var isAnswered = false
        let relay = Relay(from: RelayEnd(ours: job.reading), to: sink, name: "stdout", isOutward: true)
        relay.filter = screen
        func says(_ text: String) throws -> String {
            let bytes = Array(text.utf8)
            try #require(write(job.writing, bytes, bytes.count) == bytes.count)
            relay.step(Relay.Readiness(source: Int16(POLLIN), sink: Int16(POLLOUT)))
            return String(decoding: terminal.taken(), as: UTF8.self)
        }
        // Nobody has said who is answered: then nobody is.
        var seen = try says("a\u{1B}[6nb")
        #expect(seen == "ab")
        screen.isAnswered = { isAnswered }
        seen = try says("\u{1B}[6nc")
        #expect(seen == "c")
        isAnswered = true
        seen = try says("\u{1B}[6nd\u{1B}[?1003h")
        #expect(seen == "\u{1B}[6nd\u{1B}[?1003h")
        isAnswered = false
        seen = try says("\u{1B}[6ne\u{1B}[3")
        #expect(seen == "e")
        // Half a sequence that was held back is ended as it was begun.
        isAnswered = true
        seen = try says("1mf\u{1B}[5n")
        #expect(seen == "\u{1B}[31mf")
        seen = try says("\u{1B}[5ng")
        #expect(seen == "\u{1B}[5ng" && screen.statusQuestions == 1)
    }

    /// More than a piece, in pieces: what is held back between them is not lost, and a letter of another encoding at the end neither.
    @Test func piecesAreWhole() throws {
        let line = Array("\u{1B}[31m\u{4E2D}\u{1B}]0;title\u{7}x\u{E4}\n".utf8)
        let text = (0..<2500).flatMap { _ in line }
        #expect(text.count < 65536)
        #expect(try shown(text + [0xE9], isAnswered: false, silent: false) == text + [0xE9])
    }

    /// Where the job has shifted the terminal, what is harmless elsewhere would be read as 8 bits: it is brought back first.
    ///
    /// A control: into whole output nothing is put.
    @Test func silenceBringsTheUsualSetBack() throws {
        let filling = [UInt8](repeating: 0x78, count: 4093)
        let rest = Array("\u{1B}[31m\u{DB}6n".utf8)
        // Of a pipe the locale alone says whether it is UTF-8.
        let utf8 = TerminalEncoding.isUTF8(-1) ? "\u{1B}%G" : ""
        for (shift, back) in [("\u{E}ab", "\u{18}\u{1B}\\\u{1B}<\u{1B}[10m\u{F}" + utf8), ("abc", "")] {
            let start = filling + Array(shift.utf8)
            let wanted = start + Array(back.utf8) + rest
            #expect(try shown(start + rest, isAnswered: true, silent: true) == wanted)
        }
    }

    /// Streams of one terminal wait while a unit is half written, and not for a letter of another encoding, behind which nothing may come.
    @Test func aTurnEndsWithWhatIsWritten() throws {
        let terminal = SilencedTerminal(try CallerStream(STDOUT_FILENO, isClosed: false))
        let (first, second) = (terminal.filter(), terminal.filter())
        let space = UnsafeMutableRawBufferPointer.allocate(byteCount: HarmlessOutput.limit + 64, alignment: 16)
        defer { space.deallocate() }
        func show(_ text: [UInt8], _ stream: any RelayFilter, atOnce count: Int) -> Bool {
            let start = HarmlessOutput.limit
            UnsafeMutableRawBufferPointer(rebasing: space[start...]).copyBytes(from: text)
            let passed = stream.pass(space, start..<start + text.count)
            let cut = min(passed.lowerBound + count, passed.upperBound)
            stream.written(UnsafeRawBufferPointer(rebasing: space[passed.lowerBound..<cut]))
            let mayWrite = second.mayWrite && first.mayWrite
            if cut < passed.upperBound {
                stream.written(UnsafeRawBufferPointer(rebasing: space[cut..<passed.upperBound]))
            }
            return mayWrite
        }
        let lone = show([0x67, 0x72, 0xE4, 0xE4], first, atOnce: 64)
        #expect(lone && second.mayWrite)
        // Controls: half a character and half a sequence are nobody else's to go on with; and whole ones are.
        for text in ["\u{4E2D}", "\u{1B}[31m"] {
            let (half, whole) = (show(Array(text.utf8), second, atOnce: 2), show(Array(text.utf8), second, atOnce: 64))
            #expect(!half && whole && first.mayWrite && second.mayWrite)
        }
        let last = show([0x78], first, atOnce: 64)
        #expect(last)
    }
}
