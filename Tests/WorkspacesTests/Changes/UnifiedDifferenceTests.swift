import Foundation
import SandboxPlan
import Testing
@testable import Workspaces

@Suite struct UnifiedDifferenceTests {
    /// A generator of its own, so that a failure comes again.
    private struct Numbers {
        var state: UInt64
        mutating func below(_ count: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % count
        }
    }

    private func text(_ numbers: inout Numbers, _ lines: Int) -> String {
        let pieces = ["a", "b", "", "é", "- x", "+ y", "\\ z", "@@ -1 +1 @@", "--- a/x", "\r", " ", "\t", "\u{2028}"]
        var text = ""
        for _ in 0..<numbers.below(lines + 1) { text += pieces[numbers.below(pieces.count)] + "\n" }
        if numbers.below(3) == 0 { text += "end" }
        return text
    }

    /// A copy with some lines taken away, exchanged, added.
    private func changed(_ text: String, _ numbers: inout Numbers) -> String {
        var lines = text.utf8.split(separator: 0x0A, omittingEmptySubsequences: false).map {
            String(decoding: $0, as: UTF8.self)
        }
        for _ in 0...numbers.below(4) {
            let place = numbers.below(lines.count)
            switch numbers.below(3) {
            case 0: lines.remove(at: place)
            case 1: lines[place] += "!"
            default: lines.insert("new \(numbers.below(5))", at: place)
            }
            if lines.isEmpty { lines = [""] }
        }
        return lines.joined(separator: "\n")
    }

    /// Applies many differences with patch(1) at once, each to a folder of its own, and compares.
    @Test(arguments: [1_000_000, 40, 0])
    func patchMakesTheNewFileOfTheOld(budget: Int) throws {
        let fixture = try FilesFixture()
        var numbers = Numbers(state: UInt64(budget) + 7)
        var cases: [(before: String?, after: String?, name: String)] = [
            ("", "x\n", "f"), ("x\n", "", "f"), ("x", "x\n", "f"), ("x\n", "x", "f"), (nil, "x\ny", "f"),
            ("x\ny", nil, "f"),
            (nil, "x\n", "with blank"), ("1\n", "2\n", "with blank"), ("1\n", "2\n", "quote\"s"),
            (nil, "2\n", "é\u{1b}\n"),
            ("a\n", "b\n", "back\\slash"), ("a\r\nb\r\n", "a\r\nc\r\n", "crlf"),
        ]
        for _ in 0..<60 {
            let before = text(&numbers, 40)
            cases.append((before, numbers.below(4) == 0 ? text(&numbers, 40) : changed(before, &numbers), "d/f"))
        }
        for (index, item) in cases.enumerated() where item.before != item.after {
            let folder = "\(fixture.base)/c\(index)"
            try FileManager.default.createDirectory(atPath: folder + "/d", withIntermediateDirectories: true)
            let path = folder + "/" + item.name
            if let before = item.before { try FilesFixture.write(Array(before.utf8), path) }
            var steps = budget
            let difference = UnifiedDifference.text(
                OSString(item.name),
                item.before.map { Array($0.utf8) },
                item.after.map { Array($0.utf8) },
                steps: &steps
            )
            try FilesFixture.write(Array(difference.utf8), folder + ".diff")
            // --fuzz=0: what does not fit exactly does not count; --binary: line ends are as they are.
            let status = FilesFixture.run("cd '\(folder)' && patch --binary --fuzz=0 -s -p1 < ../c\(index).diff")
            #expect(status == 0, "\(item) \(difference)")
            if let after = item.after {
                let made = try? Data(contentsOf: URL(fileURLWithPath: path))
                #expect(made == Data(after.utf8), "\(item) \(difference)")
            } else {
                #expect(!FileManager.default.fileExists(atPath: path))
            }
        }
    }

    @Test func hunksAreAsDiffWritesThem() {
        var steps = 1000
        let before = (1...20).map { "\($0)\n" }.joined()
        let after = before.replacingOccurrences(of: "5\n6\n", with: "5\n5a\n6\n").replacingOccurrences(
            of: "\n19\n",
            with: "\n"
        )
        let text = UnifiedDifference.text("f", Array(before.utf8), Array(after.utf8), steps: &steps)
        #expect(
            text == """
                --- a/f
                +++ b/f
                @@ -3,6 +3,7 @@
                 3
                 4
                 5
                +5a
                 6
                 7
                 8
                @@ -16,5 +17,4 @@
                 16
                 17
                 18
                -19
                 20

                """
        )
    }

    @Test func aMissingLineFeedIsShown() {
        var steps = 1000
        let text = UnifiedDifference.text("f", Array("a\nb".utf8), Array("a\nb\n".utf8), steps: &steps)
        #expect(text == "--- a/f\n+++ b/f\n@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+b\n")
    }

    /// No difference is longer than it must be, as long as there is time.
    @Test func editsAreTheFewest() {
        var numbers = Numbers(state: 3)
        for _ in 0..<300 {
            let a = (0..<numbers.below(12)).map { _ in numbers.below(4) }
            let b = (0..<numbers.below(12)).map { _ in numbers.below(4) }
            var steps = 100_000
            let edits = LineEdits(a, b, steps: &steps)
            let kept = zip(a, edits.removed).filter { !$0.1 }.map(\.0)
            #expect(kept == zip(b, edits.added).filter { !$0.1 }.map(\.0))
            #expect(kept.count == longestCommon(a, b))
        }
    }

    private func longestCommon(_ a: [Int], _ b: [Int]) -> Int {
        var row = [Int](repeating: 0, count: b.count + 1)
        for x in a {
            var diagonal = 0
            for (j, y) in b.enumerated() {
                let above = row[j + 1]
                row[j + 1] = x == y ? diagonal + 1 : max(above, row[j])
                diagonal = above
            }
        }
        return row[b.count]
    }

    /// Two texts of 64 KiB in which nothing is alike, or everything nearly, take a bounded time.
    @Test func hostileTextsTakeABoundedTime() {
        let start = FilesFixture.processorTime
        var numbers = Numbers(state: 9)
        for _ in 0..<10 {
            let a = (0..<32_768).map { _ in numbers.below(2) }
            let b = (0..<32_768).map { _ in numbers.below(2) }
            var steps = 200_000
            let edits = LineEdits(a, b, steps: &steps)
            #expect(edits.removed.contains(true) && steps < 0)
        }
        #expect(FilesFixture.processorTime - start < .seconds(20))
    }
}
