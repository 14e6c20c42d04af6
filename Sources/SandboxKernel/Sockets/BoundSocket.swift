public import SandboxPlan

/// A socket of the host that is bound in a file system, as the kernel lists it.
public struct BoundSocket: Hashable, Sendable {
    /// Which file it is, in the kernel's own numbers.
    public struct File: Hashable, Sendable {
        /// Number of the file system: major number in the upper 12 bits, minor in the lower 20 (linux/kdev_t.h).
        ///
        /// That of the mount table, not always that of stat(2): btrfs and overlayfs answer with others there.
        public var device: UInt32
        /// The low half of the inode number: the list has no more.
        public var inode: UInt32

        public init(device: UInt32, inode: UInt32) {
            self.device = device
            self.inode = inode
        }

        /// For looking it up in a sorted list.
        var key: UInt64 { UInt64(device) << 32 | UInt64(inode) }
    }

    /// As bind(2) was given it: relative, through a link, or not the file's name any more.
    public var name: OSString
    /// Nil where the list does not say (`/proc/net/unix`).
    public var file: File?
    /// Who made the socket; nil where the list does not say.
    public var owner: UInt32?

    public init(name: OSString, file: File?, owner: UInt32?) {
        self.name = name
        self.file = file
        self.owner = owner
    }

    /// The name without `.` and double slashes; nil where it is relative or has a `..`, which the kernel has to resolve.
    ///
    /// Nearly every name is so already, and taking one apart costs more than looking it up.
    var path: OSString? {
        guard name.isAbsolute else { return nil }
        var before = UInt8(ascii: "/")
        for byte in name.bytes.dropFirst() {
            // A part that is empty, or that begins with a dot.
            if before == UInt8(ascii: "/") && (byte == before || byte == UInt8(ascii: ".")) { return name.normalised }
            before = byte
        }
        return before == UInt8(ascii: "/") ? name.normalised : name
    }

    /// A list without files writes a NUL as `@` (unix(7)): such a name is mostly in no file system at all.
    var mayBeAbstract: Bool { file == nil && name.bytes.first == UInt8(ascii: "@") }
}
