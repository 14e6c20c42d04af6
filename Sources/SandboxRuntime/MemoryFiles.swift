internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// Files without a name in any file system, held open by processes of the place (memfd_create(2)): each counted once.
struct MemoryFiles {
    private(set) var bytes: UInt64 = 0
    private var seen: [UInt64] = []

    /// - Parameters:
    ///   - proc: descriptor of the place's `/proc`.
    ///   - process: number of the process there.
    mutating func add(below proc: Int32, process: OSString) {
        let path = process.appending("fd")
        let number = path.withPointer { cs_openat2(proc, $0, UInt64(O_RDONLY) | UInt64(CS_O_DIRECTORY), 0, 0) }
        guard number >= 0 else { return }  // ended, or closed to us: see MemoryWatch
        guard let folder = fdopendir(Int32(number)) else {
            _ = close(Int32(number))
            return
        }
        defer { closedir(folder) }
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
            guard let first = name.first, (0x30...0x39).contains(first) else { continue }
            add(OSString(name), in: Int32(number))
        }
    }

    private mutating func add(_ name: OSString, in folder: Int32) {
        do throws(SyscallError) {
            guard try FileReading.link(name, below: folder).bytes.starts(with: "/memfd:".utf8) else { return }
        } catch {
            return  // closed meanwhile
        }
        var found = cs_identity()
        guard name.withPointer({ cs_identify_following(folder, $0, &found) }) == 0, !seen.contains(found.inode) else {
            return
        }
        seen.append(found.inode)
        bytes += found.allocated
    }
}
