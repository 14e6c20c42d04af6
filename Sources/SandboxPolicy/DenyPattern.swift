public import SandboxPlan

/// A pattern of names that are denied: `*.pem`, `config/*.key`, `**/secrets`, `/home/ann/.nvm/versions/*/*/etc/npmrc`.
///
/// `*` is any run of bytes in one name, also at its beginning; `?` is one byte; `**` any number of folders, also none. Without
/// a slash a pattern stands at every depth; with one it begins at each folder that is shown, with one in front at `/`.
public struct DenyPattern: Hashable, Sendable {
    /// Where in the pattern a path may be by now, a bit each: a walk carries it from folder to folder.
    public struct Progress: Hashable, Sendable {
        var bits: UInt64

        /// Of a pattern that is not looked for here.
        public static let over = Progress(bits: 0)

        /// Nothing below can match any more.
        public var isOver: Bool { bits == 0 }
    }

    private let names: [OSString]
    public let isAbsolute: Bool

    /// Why a text is no pattern; nil if it is one.
    public static func defect(_ text: OSString) -> String? {
        if text.isEmpty { return "a pattern cannot be empty" }
        if text.bytes.contains(0) { return "a pattern cannot hold NUL" }
        if text.bytes.count > PolicyRange.pathLength.upperBound { return "a pattern has at most 4095 bytes" }
        let names = text.components
        if names.count > 32 { return "a pattern has at most 32 names" }
        if names.contains("..") { return "where .. leads depends on links that can change" }
        if text.bytes.first == UInt8(ascii: "~") { return "whose home ~ means depends on who runs it" }
        if text.bytes.contains(UInt8(ascii: "[")) || text.bytes.contains(UInt8(ascii: "{")) {
            return
                "sets ([..], {..}) are not understood, and a name that has such a character is denied by filesystem.deny"
        }
        if names.allSatisfy({ $0 == "**" }) { return "it would deny the folder itself" }
        if names.contains(where: { $0 != "**" && $0.bytes.starts(with: "**".utf8) && $0.bytes.count > 2 }) {
            return "** stands alone between slashes"
        }
        return nil
    }

    /// - Parameter text: one without a defect.
    public init(_ text: OSString) {
        isAbsolute = text.isAbsolute
        let names = text.components
        self.names = text.containsSlash ? names : ["**"] + names
    }

    /// At the folder that the pattern begins in.
    public var start: Progress { closed(1) }

    /// At a folder that is shown: for a pattern that begins at `/`, what is left of it there.
    public func start(at folder: OSString) -> Progress {
        if !isAbsolute { return start }
        var progress = start
        for name in folder.components { progress = self.progress(progress, into: name) }
        return progress
    }

    /// The outermost folder on the way to `path`, or the path itself, that is meant; nil if none is.
    public func match(onTheWayTo path: OSString) -> OSString? {
        let names = path.components
        if !isAbsolute {
            // What is shown is where such a pattern begins: of the way to it only the last name can be meant.
            guard let last = names.last, self.names.count <= 2, isMatch(progress(start, into: last)) else { return nil }
            return path
        }
        var progress = start
        var way: OSString = "/"
        for name in names {
            progress = self.progress(progress, into: name)
            way = way.appending(name)
            if isMatch(progress) { return way }
        }
        return nil
    }

    /// One name further.
    public func progress(_ progress: Progress, into name: OSString) -> Progress {
        var next: UInt64 = 0
        for index in names.indices where progress.bits & 1 << UInt64(index) != 0 {
            if names[index] == "**" { next |= 1 << UInt64(index) }
            if names[index] != "**" && DenyPattern.matches(name.bytes, names[index].bytes) {
                next |= 1 << UInt64(index + 1)
            }
        }
        return closed(next)
    }

    /// What of a progress is not that of every folder: a pattern that begins with `**` begins anew in each.
    public func beyondEverywhere(_ progress: Progress) -> Progress {
        guard names.first == "**" else { return progress }
        return Progress(bits: progress.bits & ~start.bits)
    }

    /// Whether the name that was just passed is one of those meant.
    public func isMatch(_ progress: Progress) -> Bool { progress.bits & 1 << UInt64(names.count) != 0 }

    /// `**` may stand for no folder at all.
    private func closed(_ bits: UInt64) -> Progress {
        var bits = bits
        for index in names.indices where bits & 1 << UInt64(index) != 0 && names[index] == "**" {
            bits |= 1 << UInt64(index + 1)
        }
        return Progress(bits: bits)
    }

    /// One name against one part of the pattern.
    static func matches(_ name: [UInt8], _ pattern: [UInt8]) -> Bool {
        var (position, index) = (0, 0)
        var star: (pattern: Int, name: Int)?
        while position < name.count {
            if index < pattern.count && pattern[index] == UInt8(ascii: "*") {
                star = (index, position)
                index += 1
            } else if index < pattern.count && (pattern[index] == name[position] || pattern[index] == UInt8(ascii: "?"))
            {
                index += 1
                position += 1
            } else if let last = star {
                index = last.pattern + 1
                position = last.name + 1
                star = (last.pattern, last.name + 1)
            } else {
                return false
            }
        }
        return pattern[index...].allSatisfy { $0 == UInt8(ascii: "*") }
    }
}
