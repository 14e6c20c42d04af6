import Foundation
import ProjectTree
import Testing

/// `docs/threat-model.md` and the README name the tests that hold each threat and each promise: those tests exist.
@Suite struct ThreatModelTests {
    private static let package = ProjectTree.url(#filePath).deletingLastPathComponent().deletingLastPathComponent()
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

    /// Every row of the threat list, with a test or with the reason why there is none.
    @Test func everyRowIsThere() throws {
        let rows = try Self.text("docs/threat-model.md").split(separator: "\n").filter { $0.hasPrefix("|") }
        let wanted =
            [("A", 26), ("B", 10), ("C", 13), ("D", 17), ("E", 17), ("F", 8), ("S", 12)]
            .flatMap { (letter, last) in (1...last).map { "\(letter)\($0)" } }
        for row in wanted {
            let number = Int(row.dropFirst())
            let found = rows.contains { line in
                let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
                guard let cell = cells.first, cells.count == 4, cells.allSatisfy({ !$0.isEmpty }) else { return false }
                return cell.split(separator: ",").contains { part in
                    let ends = part.trimmingCharacters(in: .whitespaces).split(separator: "–").map(String.init)
                    // `B8 (records)` is a row of B8.
                    guard let first = ends.first, first.first == row.first,
                        let from = Int(first.dropFirst().prefix { $0.isNumber })
                    else { return false }
                    let to = ends.count > 1 ? Int(ends[1].dropFirst()) ?? from : from
                    return number.map { (from...to).contains($0) } ?? false
                }
            }
            #expect(found, "no row for \(row)")
        }
    }
}
