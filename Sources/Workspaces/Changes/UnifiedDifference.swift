internal import SandboxPlan

/// What differs between two texts, as `diff -u` writes it and `patch -p1` takes it.
enum UnifiedDifference {
    /// Lines that are shown before and after.
    private static let context = 3

    /// - Parameters:
    ///   - path: from the folder; `a/` and `b/` are put before it.
    ///   - before: UTF-8; nil where there was no file.
    ///   - after: UTF-8; nil where there is none any more.
    ///   - steps: see `LineEdits`.
    /// - Returns: empty where no line differs, as for a new file that is empty.
    static func text(_ path: OSString, _ before: [UInt8]?, _ after: [UInt8]?, steps: inout Int) -> String {
        let old = lines(before ?? [])
        let new = lines(after ?? [])
        var numbers: [ArraySlice<UInt8>: Int] = [:]
        func number(_ line: ArraySlice<UInt8>) -> Int {
            if let number = numbers[line] { return number }
            numbers[line] = numbers.count
            return numbers.count - 1
        }
        let edits = LineEdits(old.map { number($0) }, new.map { number($0) }, steps: &steps)
        let hunks = hunks(edits)
        if hunks.isEmpty { return "" }
        var bytes: [UInt8] = []
        bytes += Array("--- ".utf8) + (before == nil ? Array("/dev/null".utf8) : PatchName.shown("a", path)) + [0x0A]
        bytes += Array("+++ ".utf8) + (after == nil ? Array("/dev/null".utf8) : PatchName.shown("b", path)) + [0x0A]
        for hunk in hunks { write(hunk, old, new, edits, &bytes) }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Each with its line feed; the last may have none.
    private static func lines(_ bytes: [UInt8]) -> [ArraySlice<UInt8>] {
        var lines: [ArraySlice<UInt8>] = []
        var start = 0
        for index in bytes.indices where bytes[index] == 0x0A {
            lines.append(bytes[start...index])
            start = index + 1
        }
        if start < bytes.count { lines.append(bytes[start...]) }
        return lines
    }

    private struct Hunk {
        var old: Range<Int>
        var new: Range<Int>
    }

    /// Differences with what is around them; those that are near each other are one.
    private static func hunks(_ edits: LineEdits) -> [Hunk] {
        var hunks: [Hunk] = []
        var i = 0
        var j = 0
        let oldCount = edits.removed.count
        let newCount = edits.added.count
        while i < oldCount || j < newCount {
            let isRemoved = i < oldCount && edits.removed[i]
            let isAdded = j < newCount && edits.added[j]
            guard isRemoved || isAdded else {
                i += 1
                j += 1
                continue
            }
            let start = (i, j)
            while i < oldCount && edits.removed[i] { i += 1 }
            while j < newCount && edits.added[j] { j += 1 }
            let before = min(context, start.0, start.1)
            let after = min(context, oldCount - i, newCount - j)
            let hunk = Hunk(old: (start.0 - before)..<(i + after), new: (start.1 - before)..<(j + after))
            if let last = hunks.last, hunk.old.lowerBound <= last.old.upperBound,
                hunk.new.lowerBound <= last.new.upperBound
            {
                let old = last.old.lowerBound..<hunk.old.upperBound
                hunks[hunks.count - 1] = Hunk(old: old, new: last.new.lowerBound..<hunk.new.upperBound)
            } else {
                hunks.append(hunk)
            }
        }
        return hunks
    }

    private static func write(
        _ hunk: Hunk,
        _ old: [ArraySlice<UInt8>],
        _ new: [ArraySlice<UInt8>],
        _ edits: LineEdits,
        _ bytes: inout [UInt8]
    ) {
        bytes += Array("@@ -\(range(hunk.old)) +\(range(hunk.new)) @@\n".utf8)
        func put(_ mark: UInt8, _ line: ArraySlice<UInt8>) {
            bytes.append(mark)
            bytes += line
            if line.last != 0x0A { bytes += Array("\n\\ No newline at end of file\n".utf8) }
        }
        var i = hunk.old.lowerBound
        var j = hunk.new.lowerBound
        while i < hunk.old.upperBound || j < hunk.new.upperBound {
            if i < hunk.old.upperBound && edits.removed[i] {
                put(UInt8(ascii: "-"), old[i])
                i += 1
            } else if j < hunk.new.upperBound && edits.added[j] {
                put(UInt8(ascii: "+"), new[j])
                j += 1
            } else {
                put(UInt8(ascii: " "), old[i])
                i += 1
                j += 1
            }
        }
    }

    /// First line and count; of no lines the line before them.
    private static func range(_ range: Range<Int>) -> String {
        switch range.count {
        case 0: "\(range.lowerBound),0"
        case 1: "\(range.lowerBound + 1)"
        default: "\(range.lowerBound + 1),\(range.count)"
        }
    }
}
