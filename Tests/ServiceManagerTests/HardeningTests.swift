import Foundation
import ProjectTree
import Testing

@testable import ServiceManager

/// What docs/operations.md says of directives is what `Tests/Support/vm/hardening.sh` tries in a user's manager.
struct HardeningTests {
    private func text(_ path: String) throws -> String {
        let root = ProjectTree.url(#filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    /// The directives of each row of the table, and whether the unit has them.
    private func rows() throws -> [(directives: [String], isShipped: Bool)] {
        let page = try text("docs/operations.md")
        let table = try #require(page.range(of: "| directive | in the unit? |\n"))
        let lines = page[table.upperBound...].split(separator: "\n", omittingEmptySubsequences: false)
        return lines.dropFirst().prefix { $0.hasPrefix("|") }.map { line in
            let cells = line.split(separator: "|")
            // What stands between two backquotes is every second piece.
            let pieces = cells[0].split(separator: "`", omittingEmptySubsequences: false).enumerated()
            return (
                pieces.filter { $0.offset % 2 == 1 }.map { String($0.element) }, cells[1].hasPrefix(" yes")
            )
        }
    }

    @Test func everyDirectiveOfTheTableIsTried() throws {
        let script = try text("Tests/Support/vm/hardening.sh")
        let rows = try rows()
        #expect(rows.filter(\.isShipped).flatMap(\.directives).count == 9)
        #expect(rows.filter { !$0.isShipped }.flatMap(\.directives).count >= 20)
        for row in rows {
            for directive in row.directives {
                #expect(script.contains(directive), "\(directive)")
                let isInUnit = PackagedUnits.service.contains("\n\(directive)")
                #expect(isInUnit == row.isShipped, "\(directive)")
            }
        }
    }

    @Test func theExposureLevelIsTheOneThatIsMeasured() throws {
        let script = try text("Tests/Support/vm/hardening.sh")
        let line = try #require(script.split(separator: "\n").first { $0.hasPrefix("exposure=") })
        let level = line.dropFirst("exposure=".count)
        #expect(level.wholeMatch(of: /[0-9]\.[0-9]/) != nil)
        #expect(try text("docs/operations.md").contains("rates the service \(level) ("))
    }
}
