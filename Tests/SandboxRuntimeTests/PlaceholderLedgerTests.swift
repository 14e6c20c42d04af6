import Glibc
import SandboxKernel
import SandboxPlan
import Testing

@testable import SandboxRuntime

@Suite struct PlaceholderLedgerTests {
    private final class File {
        let scratch: ScratchFolder
        let path: String

        init(_ text: String) throws {
            scratch = try ScratchFolder()
            path = scratch.path("placeholders")
            let number = open(path, O_RDWR | O_CREAT, 0o600)
            try #require(write(number, text, text.utf8.count) == text.utf8.count)
            close(number)
        }

        func ledger() throws -> PlaceholderLedger {
            let number = open(path, O_RDWR | O_APPEND)
            try #require(number >= 0)
            return PlaceholderLedger(file: OwnedFileDescriptor(owning: number))
        }
    }

    private let folder = Placeholder(path: "/w", kind: .folder)

    /// Lines of an older version name folders.
    @Test func everyKindIsReadAgain() throws {
        let ledger = try File("2f77\n").ledger()
        let all = Placeholder.Kind.allCases.map { Placeholder(path: OSString(Array("/w/\n".utf8) + [0xFF]), kind: $0) }
        try ledger.add(all)
        try ledger.add(all)
        #expect(ledger.entries() == [folder] + all)
        ledger.empty()
        #expect(ledger.entries() == [])
    }

    /// A full disk has cut a line off: it says nothing, and takes nothing of the next one along.
    @Test(arguments: ["2f772f2e63", "2f77", "C2f77", "2f7"])
    func aPieceOfALineIsNoLine(piece: String) throws {
        let ledger = try File("2f77\n" + piece).ledger()
        #expect(ledger.entries() == [folder])
        let next = Placeholder(path: "/x", kind: .emptyFile)
        try ledger.add([next])
        #expect(ledger.entries() == [folder, next])
    }

    @Test(arguments: ["\n\n", "xyz\n", "E\n", "77\n"])
    func whatIsNoLineNamesNothing(text: String) throws {
        #expect(try File(text).ledger().entries() == [])
    }
}
