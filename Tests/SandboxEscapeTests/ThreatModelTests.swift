import Foundation
import Testing

/// `docs/threat-model.md` and the README name the tests that hold each threat and each promise: those tests exist.
@Suite struct ThreatModelTests {
    private static let package = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    private static func text(_ path: String) throws -> String {
        try String(contentsOf: package.appending(path: path), encoding: .utf8)
    }

    /// Every `func` and every type below `Tests`.
    private static func declared() throws -> Set<String> {
        var names: Set<String> = []
        let folder = package.appending(path: "Tests")
        let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)
        while let file = files?.nextObject() as? URL {
            // A target is named after its folder.
            names.insert(file.lastPathComponent)
            guard file.pathExtension == "swift" else { continue }
            let source = try String(contentsOf: file, encoding: .utf8)
            for match in source.matches(of: /\b(?:func|struct|class|enum) ([A-Za-z]+)/) {
                names.insert(String(match.1))
            }
        }
        return names
    }

    /// Words in backticks in the last column of a page's tables that are names of Swift.
    private static func named(in page: String) -> [String] {
        page.split(separator: "\n").filter { $0.hasPrefix("|") }.flatMap { row in
            (row.split(separator: "|").dropLast(row.hasSuffix("|") ? 0 : 1).last ?? "")
                .matches(of: /`([A-Za-z]+)`/).map { String($0.1) }
        }
    }

    @Test(arguments: ["docs/threat-model.md", "README.md"])
    func namedTestsExist(page: String) throws {
        let declared = try Self.declared()
        let named = Self.named(in: try Self.text(page))
        #expect(named.count > 8, "the tables are not where they were")
        for name in named { #expect(declared.contains(name), "\(page) names \(name)") }
    }

    /// The rows that this version has to hold, each with a test of its own.
    @Test func everyRowIsThere() throws {
        let rows = try Self.text("docs/threat-model.md").split(separator: "\n").filter { $0.hasPrefix("|") }
        let wanted =
            (1...22).map { "A\($0)" } + ["B1", "B2", "B3", "B4", "B5", "B6", "B7", "B9"] + (1...13).map { "C\($0)" }
            + (1...9).map { "D\($0)" } + ["D12", "D13", "D16"] + (1...10).map { "E\($0)" } + ["E13", "E14"]
            + (1...8).map { "F\($0)" }
        for row in wanted {
            let number = Int(row.dropFirst())
            let found = rows.contains { line in
                guard let cell = line.split(separator: "|").first else { return false }
                return cell.split(separator: ",").contains { part in
                    let ends = part.trimmingCharacters(in: .whitespaces).split(separator: "–").map(String.init)
                    guard let first = ends.first, first.first == row.first, let from = Int(first.dropFirst()) else {
                        return false
                    }
                    let to = ends.count > 1 ? Int(ends[1].dropFirst()) ?? from : from
                    return number.map { (from...to).contains($0) } ?? false
                }
            }
            #expect(found, "no row for \(row)")
        }
    }
}
