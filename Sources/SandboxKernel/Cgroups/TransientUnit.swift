internal import Glibc
internal import SandboxPlan

/// A unit that somebody started by a call (`systemd-run`), as its manager has written it down (systemd.unit(5), UNIT FILE
/// LOAD PATH, `transient`).
struct TransientUnit {
    /// What its `Delegate=` comes to.
    let isDelegated: Bool

    /// Its file, and what was set later in a folder beside it, in the order of their names.
    init(_ unit: OSString, in folder: OSString) {
        let settings = folder.appending(OSString(unit.bytes + Array(".d".utf8)))
        var delegated = false
        for path in [folder.appending(unit)] + TransientUnit.files(settings) {
            do throws(SyscallError) {
                delegated = TransientUnit.delegation(try FileReading.read(path, limit: 1 << 20)) ?? delegated
            } catch { continue }  // no such unit, or none that was started so: then nothing says that it was given away
        }
        isDelegated = delegated
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
        return names.filter { $0.bytes.suffix(5).elementsEqual(".conf".utf8) }
            .sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) }.map { folder.appending($0) }
    }

    /// The last `Delegate=` of a file: a boolean, or controllers, of which none is a delegation too; nil without one.
    static func delegation(_ text: [UInt8]) -> Bool? {
        var found: Bool?
        for line in text.split(separator: 0x0A) where line.starts(with: "Delegate=".utf8) {
            let value = String(decoding: line.dropFirst("Delegate=".utf8.count), as: UTF8.self)
            found = !["no", "false", "off", "0", "n", "f"].contains(value)
        }
        return found
    }
}
