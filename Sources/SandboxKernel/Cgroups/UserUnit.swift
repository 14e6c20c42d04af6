internal import Glibc
internal import SandboxPlan

/// A unit of a user's own manager, as its files have it (systemd.unit(5), UNIT FILE LOAD PATH): whether it was given away.
///
/// The manager marks no group of its own, so that this is the only place that tells (252 and 255 were looked at). A file that
/// was changed and not loaded again misleads: then a unit's group is divided that its manager takes for its own.
struct UserUnit {
    /// What its `Delegate=` comes to.
    let isDelegated: Bool

    /// The calling user's: its own folders first, as the manager looks for it.
    init(_ unit: OSString) {
        let runtime = OSString("/run/user/\(geteuid())/systemd")
        // What somebody started by a call (`systemd-run`) is written down there; a scope is never a file of anybody's.
        let transient = runtime.appending("transient")
        let isService = unit.bytes.reversed().starts(with: ".service".utf8.reversed())
        if !isService || transient.appending(unit).withCString({ access($0, F_OK) }) == 0 {
            self.init(unit, in: [transient])
            return
        }
        self.init(unit, in: UserUnit.folders(runtime))
    }

    /// The first file of that name, and what stands in folders beside it: of all of them, in the order of their names.
    init(_ unit: OSString, in folders: [OSString]) {
        var settings: [(name: OSString, path: OSString)] = []
        for folder in folders {
            for path in UserUnit.files(folder.appending(OSString(unit.bytes + Array(".d".utf8)))) {
                let name = path.lastComponent
                if !settings.contains(where: { $0.name == name }) { settings.append((name, path)) }
            }
        }
        settings.sort { $0.name.bytes.lexicographicallyPrecedes($1.name.bytes) }
        var delegated = false
        for folder in folders {
            guard let text = UserUnit.text(folder.appending(unit)) else { continue }
            delegated = UserUnit.delegation(text) ?? false
            break
        }
        for (_, path) in settings {
            if let text = UserUnit.text(path) { delegated = UserUnit.delegation(text) ?? delegated }
        }
        isDelegated = delegated
    }

    private static func folders(_ runtime: OSString) -> [OSString] {
        var config: [OSString] = []
        var data: [OSString] = []
        if let home = variable("HOME") {
            config = [home.appending(".config/systemd")]
            data = [home.appending(".local/share/systemd/user")]
        }
        if let folder = variable("XDG_CONFIG_HOME") { config = [folder.appending("systemd")] }
        let control = config.map { $0.appending("user.control") } + [runtime.appending("user.control")]
        let own = config.map { $0.appending("user") } + ["/etc/systemd/user", runtime.appending("user")]
        let shipped: [OSString] = [
            "/run/systemd/user", "/usr/local/share/systemd/user", "/usr/share/systemd/user",
            "/usr/local/lib/systemd/user", "/usr/lib/systemd/user",
        ]
        return control + own + data + shipped
    }

    /// An absolute path in the environment.
    private static func variable(_ name: String) -> OSString? {
        guard let value = getenv(name) else { return nil }
        let path = OSString(Array(UnsafeRawBufferPointer(start: value, count: strlen(value))))
        return path.isAbsolute ? path : nil
    }

    /// Nil where there is none, or none that is ours to read: then nothing says that the unit was given away.
    private static func text(_ path: OSString) -> [UInt8]? {
        do throws(SyscallError) { return try FileReading.read(path, limit: 1 << 20) } catch { return nil }
    }

    private static func files(_ folder: OSString) -> [OSString] {
        var names: [OSString] = []
        do throws(SyscallError) {
            let list = try FileReading.open(folder)
            try FolderEntries.each(in: list.number, named: folder) { (entry) throws(SyscallError) in
                names.append(entry.copy)
                return true
            }
        } catch { return [] }
        return names.filter { $0.bytes.suffix(5).elementsEqual(".conf".utf8) }.map { folder.appending($0) }
    }

    /// The last `Delegate=` of a file: a boolean, or controllers, of which none is a delegation too; nil without one.
    static func delegation(_ text: [UInt8]) -> Bool? {
        var found: Bool?
        for line in text.split(separator: 0x0A) {
            // Spaces around both are no part of them (systemd.syntax(7)); words may be written in capitals.
            let parts = line.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, trimmed(parts[0]) == "delegate" else { continue }
            found = !["no", "false", "off", "0", "n", "f"].contains(trimmed(parts[1]))
        }
        return found
    }

    private static func trimmed(_ bytes: ArraySlice<UInt8>) -> String {
        let isSpace = { (byte: UInt8) in byte == 0x20 || byte == 0x09 || byte == 0x0D }
        let start = bytes.drop(while: isSpace)
        let end = start.lastIndex { !isSpace($0) }.map { $0 + 1 } ?? start.startIndex
        return String(decoding: start[..<end], as: UTF8.self).lowercased()
    }
}
