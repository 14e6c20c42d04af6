public import SandboxPlan

/// One line of `/proc/PID/mountinfo` (proc_pid_mountinfo(5)).
public struct MountEntry: Hashable, Sendable {
    public var identifier: UInt64
    /// The mount that this one stands on.
    public var parent: UInt64
    public var device: (major: UInt32, minor: UInt32)
    /// The part of the file system that is mounted.
    public var root: OSString
    public var target: OSString
    public var options: MountOptions
    /// Optional fields: `shared:N`, `master:N`; empty for a private mount.
    public var propagation: [OSString]
    public var type: OSString
    /// Of a whole tmpfs or proc, its own options: `rw,size=1024k,nr_inodes=64,mode=700`, `rw,hidepid=invisible`, without what is the
    /// kernel's default (tmpfs(5), proc(5)).
    public var settings: OSString

    public static func == (left: MountEntry, right: MountEntry) -> Bool {
        left.identifier == right.identifier && left.parent == right.parent && left.device == right.device
            && left.root == right.root && left.target == right.target && left.options == right.options
            && left.propagation == right.propagation && left.type == right.type
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(identifier)
        hasher.combine(target)
    }
}

extension MountEntry {
    /// The value of one of a tmpfs's or proc's own options; nil where the kernel does not show it.
    ///
    /// - Parameter name: with its `=`.
    /// - Returns: what stands behind it.
    public func setting(_ name: StaticString) -> OSString? {
        let bytes = settings.bytes
        let length = name.utf8CodeUnitCount
        var start = 0
        while start < bytes.count {
            var end = start
            while end < bytes.count && bytes[end] != UInt8(ascii: ",") { end += 1 }
            if end - start >= length {
                let isIt = name.withUTF8Buffer { wanted in
                    for index in 0..<length where bytes[start + index] != wanted[index] { return false }
                    return true
                }
                if isIt { return OSString(bytes[(start + length)..<end]) }
            }
            start = end + 1
        }
        return nil
    }
}

/// The mounts of a process, as the kernel lists them.
public struct MountTable: Hashable, Sendable {
    public var entries: [MountEntry]

    /// Nil when a line is not what proc(5) describes: a table that cannot be read proves nothing.
    public init?(parsing text: [UInt8]) {
        entries = []
        entries.reserveCapacity(96)
        var start = 0
        while start < text.count {
            let end = text[start...].firstIndex(of: 0x0A) ?? text.count
            if start < end {
                guard let entry = MountTable.entry(text, start..<end) else { return nil }
                entries.append(entry)
            }
            start = end + 1
        }
        guard !entries.isEmpty else { return nil }
    }

    /// `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue`.
    private static func entry(_ text: [UInt8], _ line: Range<Int>) -> MountEntry? {
        var fields = Fields(text: text, line: line)
        guard let number = fields.next(), let identifier = KernelText.number(text, in: number),
            let above = fields.next(), let parent = KernelText.number(text, in: above),
            let device = fields.next().flatMap({ MountTable.device(text, $0) }),
            let root = fields.next(), let target = fields.next(), let options = fields.next()
        else { return nil }
        var propagation: [OSString] = []
        while true {
            guard let tag = fields.next() else { return nil }
            if tag.count == 1 && text[tag.lowerBound] == UInt8(ascii: "-") { break }
            propagation.append(OSString(text[tag]))
        }
        // Behind the type stands the source, which says nothing that is compared.
        guard let type = fields.next(), fields.next() != nil else { return nil }
        let hasSettings = (same(text[type], "tmpfs") || same(text[type], "proc")) && same(text[root], "/")
        let settings = hasSettings ? fields.next() : nil
        return MountEntry(
            identifier: identifier,
            parent: parent,
            device: device,
            root: unescaped(text[root]),
            target: unescaped(text[target]),
            options: MountTable.options(text, options),
            propagation: propagation,
            type: OSString(text[type]),
            settings: settings.map { OSString(text[$0]) } ?? ""
        )
    }

    /// The fields of a line, one space between each two; one may be empty.
    private struct Fields {
        let text: [UInt8]
        private var position: Int
        private let end: Int

        init(text: [UInt8], line: Range<Int>) {
            self.text = text
            position = line.lowerBound
            end = line.upperBound
        }

        mutating func next() -> Range<Int>? {
            guard position <= end else { return nil }
            let start = position
            while position < end && text[position] != 0x20 { position += 1 }
            defer { position += 1 }
            return start..<position
        }
    }

    /// `98:0`.
    private static func device(_ text: [UInt8], _ field: Range<Int>) -> (major: UInt32, minor: UInt32)? {
        guard let colon = text[field].firstIndex(of: UInt8(ascii: ":")),
            let major = KernelText.number(text, in: field.lowerBound..<colon), major <= UInt64(UInt32.max),
            let minor = KernelText.number(text, in: colon + 1..<field.upperBound), minor <= UInt64(UInt32.max)
        else { return nil }
        return (UInt32(truncatingIfNeeded: major), UInt32(truncatingIfNeeded: minor))
    }

    private static func options(_ text: [UInt8], _ field: Range<Int>) -> MountOptions {
        var options: MountOptions = []
        var start = field.lowerBound
        for index in field.lowerBound...field.upperBound
        where index == field.upperBound || text[index] == UInt8(ascii: ",") {
            let word = text[start..<index]
            if same(word, "ro") { options.insert(.readOnly) }
            if same(word, "nosuid") { options.insert(.noSetuid) }
            if same(word, "nodev") { options.insert(.noDevices) }
            if same(word, "noexec") { options.insert(.noExecute) }
            start = index + 1
        }
        return options
    }

    private static func same(_ word: ArraySlice<UInt8>, _ name: StaticString) -> Bool {
        guard word.count == name.utf8CodeUnitCount else { return false }
        return name.withUTF8Buffer { name in
            word.withUnsafeBufferPointer { word in
                for index in word.indices where word[index] != name[index] { return false }
                return true
            }
        }
    }

    /// Space, tab, newline and backslash are written as three octal digits (seq_path in the kernel).
    private static func unescaped(_ text: ArraySlice<UInt8>) -> OSString {
        guard text.contains(UInt8(ascii: "\\")) else { return OSString(text) }
        var bytes: [UInt8] = []
        var rest = text
        while let byte = rest.popFirst() {
            let digits = rest.prefix(3)
            if byte == UInt8(ascii: "\\"), digits.count == 3, digits.allSatisfy({ (0x30...0x37).contains($0) }) {
                bytes.append(digits.reduce(UInt8(0)) { ($0 &<< 3) &+ ($1 - 0x30) })
                rest = rest.dropFirst(3)
            } else {
                bytes.append(byte)
            }
        }
        return OSString(bytes)
    }
}

extension MountTable {
    /// Which processes of others `/proc` does not show, as the kernel writes it: `invisible`, `noaccess`, `ptraceable`, or before Linux 5.8
    /// `2` or `1` (proc(5), `hidepid`); nil where it shows all.
    public var hiddenProcesses: String? {
        // The last one lies over the others.
        guard let mode = entries.last(where: { $0.target == "/proc" && $0.type == "proc" })?.setting("hidepid=")?.utf8,
            mode != "0", mode != "off"
        else { return nil }
        return mode
    }

    /// The same of this process's `/proc` now; nil also where its table of mounts cannot be read.
    public static var hiddenProcessesHere: String? {
        guard case .success(let text) = PlainFile.read("/proc/self/mountinfo") else { return nil }
        return MountTable(parsing: text)?.hiddenProcesses
    }
}
