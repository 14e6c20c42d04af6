import Foundation
import ProjectTree
import Testing

/// Compares a text with a file in `Fixtures`; `SANDBOX_UPDATE_GOLDENS=1` writes the file instead.
func expectGolden(_ text: String, _ name: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
    let file = ProjectTree.url(#filePath).deletingLastPathComponent().appending(path: "Fixtures/\(name)")
    if ProcessInfo.processInfo.environment["SANDBOX_UPDATE_GOLDENS"] == "1" {
        try Data(text.utf8).write(to: file)
    }
    let golden = String(decoding: try Data(contentsOf: file), as: UTF8.self)
    #expect(text == golden, "\(name) differs", sourceLocation: sourceLocation)
}

/// What could drive a terminal or forge a line: every control character but the newline.
func controlCharacters(in text: String) -> [Unicode.Scalar] {
    text.unicodeScalars.filter { ($0.value < 0x20 && $0 != "\n") || (0x7F...0x9F).contains($0.value) }
}
