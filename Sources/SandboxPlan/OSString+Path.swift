/// Path arithmetic on bytes. Nothing here looks at a file system; `..` and links are the kernel's to resolve.
extension OSString {
    private static let slash = UInt8(ascii: "/")

    public var isAbsolute: Bool { bytes.first == OSString.slash }

    public var containsSlash: Bool { bytes.contains(OSString.slash) }

    /// The names between the slashes, without empty ones and without `.`.
    public var components: [OSString] {
        bytes.split(separator: OSString.slash).map { OSString($0) }.filter { $0 != "." }
    }

    /// The same path without double slashes, `.` and a trailing slash; nil if a `..` is in it or it is not absolute.
    public var normalised: OSString? {
        guard isAbsolute else { return nil }
        if isNormal { return self }
        let names = components
        guard !names.contains("..") else { return nil }
        return names.reduce(OSString("/")) { $0.appending($1) }
    }

    /// Whether an absolute path has no empty name, none that begins with a dot and might be `.` or `..`, and no slash at its
    /// end: then it is `normalised`, as nearly every one is that a launch asks.
    private var isNormal: Bool {
        var last: UInt8 = 0
        var other: UInt8 = 0
        for byte in bytes {
            other |= last == OSString.slash && (byte == OSString.slash || byte == UInt8(ascii: ".")) ? 1 : 0
            last = byte
        }
        return other == 0 && (last != OSString.slash || bytes.count == 1)
    }

    public func appending(_ name: OSString) -> OSString {
        let own = bytes.count
        let gap = own > 0 && bytes[own - 1] != OSString.slash ? 1 : 0
        let total = own + gap + name.bytes.count
        // A launch makes some hundred paths: one piece of memory, written once.
        let joined = [UInt8](unsafeUninitializedCapacity: total) { memory, count in
            bytes.withUnsafeBufferPointer { _ = memory.update(fromContentsOf: $0) }
            if gap == 1 { memory[own] = OSString.slash }
            name.bytes.withUnsafeBufferPointer { part in
                _ = UnsafeMutableBufferPointer(rebasing: memory[(own + gap)...]).update(fromContentsOf: part)
            }
            count = total
        }
        return OSString(joined)
    }

    /// The folder the path is in; `/` for a name directly in the root.
    public var parent: OSString {
        guard let last = bytes.lastIndex(of: OSString.slash), last > 0 else { return "/" }
        return OSString(bytes[..<last])
    }

    public var lastComponent: OSString {
        guard let last = bytes.lastIndex(of: OSString.slash) else { return self }
        return OSString(bytes[(last + 1)...])
    }

    /// Whether the path is `folder` or lies below it; both are normalised.
    public func isWithin(_ folder: OSString) -> Bool {
        let count = folder.bytes.count
        if count == 1 && folder.isAbsolute { return isAbsolute }
        guard bytes.count >= count else { return false }
        if bytes.count > count && bytes[count] != OSString.slash { return false }
        // From the end: paths that differ mostly do so there.
        for index in stride(from: count - 1, through: 0, by: -1) where bytes[index] != folder.bytes[index] {
            return false
        }
        return true
    }

    /// The number of names in the path, `/` being 0: mounts are made shallow before deep.
    public var depth: Int {
        var depth = 0
        var start = 0
        // The end counts as a slash.
        for index in 0...bytes.count where index == bytes.count || bytes[index] == OSString.slash {
            let isDot = index == start + 1 && bytes[start] == UInt8(ascii: ".")
            if index > start && !isDot { depth += 1 }
            start = index + 1
        }
        return depth
    }
}
