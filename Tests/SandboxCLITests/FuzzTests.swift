import SandboxPlan
import Testing

@testable import SandboxCLI

/// Random command lines, the same ones every time: none traps, and what is read keeps every byte.
@Suite struct FuzzTests {
    private struct Generator: RandomNumberGenerator {
        var state: UInt64

        /// SplitMix64.
        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = state
            mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
            return mixed ^ (mixed >> 31)
        }
    }

    private static let pieces: [OSString] =
        CommandName.allCases.map { OSString($0.rawValue) } + RunOptions.table.map { OSString($0.info.name) }
        + [
            "--", "-", "--help", "-h", "--version", "--json", "=", "", "4GiB", "10m", "3", "off", "host", "NAME=1",
            "/a",
            "read-only", "danger-full-access", "list", "show", "check", "\u{1B}[31m", "ä",
        ]

    private func words(_ generator: inout Generator) -> [OSString] {
        (0..<Int.random(in: 0...8, using: &generator)).map { _ in word(&generator) }
    }

    private func word(_ generator: inout Generator) -> OSString {
        let piece = Self.pieces.randomElement(using: &generator) ?? ""
        switch Int.random(in: 0..<6, using: &generator) {
        case 0:
            let random = (0..<Int.random(in: 0...12, using: &generator)).map { _ in
                UInt8.random(in: 1...255, using: &generator)
            }
            return OSString(random)
        case 1:
            let other = Self.pieces.randomElement(using: &generator) ?? ""
            return OSString(piece.bytes + [UInt8(ascii: "=")] + other.bytes)
        case 2:
            var bytes = piece.bytes
            if let index = bytes.indices.randomElement(using: &generator) {
                bytes[index] = UInt8.random(in: 1...255, using: &generator)
            }
            return OSString(bytes)
        default:
            return piece
        }
    }

    @Test func randomCommandLinesAreReadOrRefused() {
        var generator = Generator(state: 2)
        var read = 0
        var refused = 0
        for _ in 0..<30_000 {
            // Most random first words are no command; every second line begins with a right one.
            let start: [OSString] = Bool.random(using: &generator) ? [Self.pieces[0]] : []
            let line = start + words(&generator)
            do throws(UsageError) {
                try check(Command.parse(line), line)
                read += 1
            } catch {
                #expect(error.exitStatus == 2)
                let text = OwnWords.usage(error)
                #expect(controlCharacters(in: text).isEmpty)
                #expect(text.hasSuffix("\n") && text.utf8.count < 2000)
                refused += 1
            }
        }
        // Neither side of the test may be empty.
        #expect(read > 1000)
        #expect(refused > 1000)
    }

    private func check(_ command: Command, _ line: [OSString]) {
        switch command {
        case .run(let options):
            #expect(!options.command.isEmpty)
            #expect(line.suffix(options.command.count) == options.command[...])
            #expect(options.overrides.network != .host || options.dangerHostNetwork)
            #expect(options.policy != .dangerFullAccess || options.dangerFullAccess)
            // Which policy is meant is never left open beside the flag.
            #expect(options.policy != nil || !options.dangerFullAccess)
        case .explain(let options):
            #expect(line.suffix(options.run.command.count) == options.run.command[...])
        case .delegate(let words):
            #expect(words == line)
        case .doctor, .verify, .policy, .completions, .help, .version:
            break
        }
    }

    @Test func everythingAfterTheDashesIsTheCommand() throws {
        var generator = Generator(state: 7)
        for _ in 0..<5000 {
            let command = words(&generator)
            guard !command.isEmpty else { continue }
            var expected = RunOptions()
            expected.command = command
            expected.quiet = true
            #expect(try Command.parse(["run", "--quiet", "--"] + command) == .run(expected))
        }
    }
}
