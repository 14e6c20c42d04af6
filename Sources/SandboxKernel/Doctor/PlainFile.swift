internal import Glibc
internal import SandboxPlan

/// Reading with open(2) and read(2) alone.
///
/// `FileReading` takes openat2(2), which answers ENOSYS inside of sandboxes such as our own: doctor has to say something
/// there too.
enum PlainFile {
    /// A table of mounts can be long, and none is longer.
    private static let limit = 16 << 20

    /// All of the file; EFBIG above 16 MiB.
    static func read(_ path: String) -> Result<[UInt8], SyscallError> {
        let number = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        let code = errno
        guard number >= 0 else { return .failure(SyscallError(call: "open", subject: path, errno: code)) }
        let file = OwnedFileDescriptor(owning: number)
        do throws(SyscallError) {
            return .success(try FileReading.read(file, named: OSString(path), limit: limit))
        } catch {
            return .failure(error)
        }
    }

    /// The first line without its end; nil when there is none, or it is not UTF-8.
    static func firstLine(_ path: String) -> String? {
        guard case .success(let bytes) = read(path) else { return nil }
        return bytes.split(separator: 0x0A).first.flatMap { OSString($0).utf8 }
    }
}

extension MountTable {
    func contains(_ target: OSString) -> Bool {
        entries.contains { $0.target == target }
    }

    /// Mount points strictly below a folder.
    func below(_ folder: OSString) -> [OSString] {
        entries.map(\.target).filter { $0 != folder && $0.isWithin(folder) }
    }
}
