internal import CShims
internal import Glibc
internal import SandboxPlan

/// Where the folders that a place shows lie in their file systems.
///
/// A path says where something is looked up; that two of them lead to the same folder, because one is a bind mount of the
/// other, only the mount table knows.
struct ShownFolders {
    /// A folder by its file system.
    private struct Place {
        var device: UInt32
        var path: OSString
    }

    let roots: [SocketScan.Root]
    /// File systems that something is shown of.
    private(set) var devices: [UInt32] = []
    private var places: [Place] = []
    private let mounts: MountTable

    /// - Parameters:
    ///   - roots: absolute, without links.
    ///   - mounts: of this process.
    /// - Throws: `SyscallError` for a root that cannot be looked at or is on no listed mount.
    init(_ roots: [SocketScan.Root], _ mounts: MountTable) throws(SyscallError) {
        self.roots = roots
        self.mounts = mounts
        for root in roots {
            // Chosen folders decide by the number of their mount; the system's, which are many, by its name.
            let found = root.isSearched ? try mount(under: root.path) : mount(byName: root.path)
            guard let mount = found, let path = ShownFolders.path(of: root.path, on: mount) else {
                throw SyscallError(call: "statx", subject: root.path.description, errno: ESTALE)
            }
            add(Place(device: ShownFolders.device(of: mount), path: path))
        }
        // What is mounted in them comes along.
        for mount in mounts.entries {
            for root in roots where mount.target.isWithin(root.path) {
                add(Place(device: ShownFolders.device(of: mount), path: mount.root))
                break
            }
        }
    }

    /// The mounts of this process as they are now.
    static func mounts() throws(SyscallError) -> MountTable {
        let text = try FileReading.read("/proc/self/mountinfo", limit: 32 << 20)
        guard let table = MountTable(parsing: text) else {
            throw SyscallError(call: "read", subject: "/proc/self/mountinfo", errno: EBADMSG)
        }
        return table
    }

    /// Whether a file, by its real path on one of the mounts, can be seen in one of the folders, under whatever name.
    func show(_ path: OSString, on mount: MountEntry) -> Bool {
        // A path that is not below its own mount says nothing.
        guard let inner = ShownFolders.path(of: path, on: mount) else { return true }
        let device = ShownFolders.device(of: mount)
        for place in places where place.device == device && inner.isWithin(place.path) { return true }
        return false
    }

    /// Whether a path is one of a root by its name.
    func name(_ path: OSString) -> Bool {
        for root in roots where path.isWithin(root.path) { return true }
        return false
    }

    /// By the number that statx(2) gives.
    func mount(_ identifier: UInt64) -> MountEntry? {
        for entry in mounts.entries where entry.identifier == identifier { return entry }
        return nil
    }

    /// As the kernel writes it (linux/kdev_t.h).
    static func device(of mount: MountEntry) -> UInt32 { mount.device.major << 20 | mount.device.minor }

    // MARK: -

    private func mount(under path: OSString) throws(SyscallError) -> MountEntry? {
        var identity = cs_identity()
        try checkedKernel("statx", on: path.description) {
            path.withCString { cs_identify(FileReading.currentFolder, $0, &identity) }
        }
        return mount(identity.mount)
    }

    /// The deepest one, of several at one place the one that came last.
    private func mount(byName path: OSString) -> MountEntry? {
        var found: MountEntry?
        var length = 0
        for entry in mounts.entries where entry.target.bytes.count >= length && path.isWithin(entry.target) {
            found = entry
            length = entry.target.bytes.count
        }
        return found
    }

    private mutating func add(_ place: Place) {
        places.append(place)
        if !devices.contains(place.device) { devices.append(place.device) }
    }

    /// The path from the file system's own root.
    private static func path(of path: OSString, on mount: MountEntry) -> OSString? {
        guard path.isWithin(mount.target) else { return nil }
        let length = mount.target == "/" ? 0 : mount.target.bytes.count
        let rest = path.bytes[length...].drop { $0 == UInt8(ascii: "/") }
        return rest.isEmpty ? mount.root : mount.root.appending(OSString(rest))
    }
}
