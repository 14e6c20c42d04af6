import Foundation
import ProjectTree
import Testing

@testable import SandboxCLI

@Suite struct ManPageTests {
    private static let folder = ProjectTree.url(#filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "docs/man")

    /// `SANDBOX_UPDATE_GOLDENS=1` writes the pages instead.
    @Test func pagesAreAsInTheirFolder() throws {
        let pages = ManPage.all
        if ProcessInfo.processInfo.environment["SANDBOX_UPDATE_GOLDENS"] == "1" {
            for page in pages { try Data(page.text.utf8).write(to: Self.folder.appending(path: page.name + ".1")) }
        }
        for page in pages {
            let file = Self.folder.appending(path: page.name + ".1")
            #expect(String(decoding: try Data(contentsOf: file), as: UTF8.self) == page.text, "\(page.name) differs")
            #expect(controlCharacters(in: page.text).isEmpty)
        }
        let files = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path(percentEncoded: false))
        #expect(Set(files) == Set(pages.map { $0.name + ".1" }), "a page of something that is not there")
    }

    /// groff says what it cannot understand; it is there wherever man is.
    @Test(arguments: ManPage.all.map(\.name)) func groffUnderstandsIt(_ name: String) throws {
        let file = Self.folder.appending(path: name + ".1").path(percentEncoded: false)
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/groff")
        process.arguments = ["-man", "-Tutf8", "-P-cbou", "-ww", "-rLL=100n", file]
        let (output, errors) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        let shown = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        let complaints = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0 && complaints.isEmpty, "\(complaints)")
        #expect(shown.contains("NAME") && shown.contains("SYNOPSIS"), "\(shown)")
    }

    @Test func everyOptionIsInItsPage() throws {
        let page = try #require(ManPage.all.first { $0.name == "codex-sandbox-run" })
        for option in RunOptions.table {
            let name = option.info.name.split(separator: "-", omittingEmptySubsequences: false).joined(separator: "\\-")
            #expect(page.text.contains(".B \(name)"), "\(option.info.name)")
        }
    }
}
