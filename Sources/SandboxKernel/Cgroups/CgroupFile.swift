internal import CShims
internal import Glibc
internal import SandboxPlan

/// Files of one cgroup, by a descriptor of its folder.
enum CgroupFile {
    /// The text without the newline at its end; one that the kernel has not is nil.
    static func text(_ file: OSString, in group: Int32) throws(SyscallError) -> [UInt8]? {
        do throws(SyscallError) {
            var bytes = try FileReading.read(file, below: group, limit: 16 << 20)
            if bytes.last == 0x0A { bytes.removeLast() }
            return bytes
        } catch {
            if error.errno == ENOENT { return nil }
            throw error
        }
    }

    /// The number that is all of a file.
    static func number(_ file: OSString, in group: Int32) throws(SyscallError) -> UInt64? {
        guard let bytes = try text(file, in: group) else { return nil }
        return KernelText.number(bytes, in: bytes.indices)
    }

    /// The number behind a word (`usage_usec 3`), one a line.
    static func number(_ word: StaticString, in text: [UInt8]) -> UInt64? {
        KernelText.value(word, " ", in: text).flatMap { KernelText.number(text, in: $0) }
    }

    /// How long some process waited, in microseconds (`some avg10=0.00 … total=7`); nil where the kernel does not count it:
    /// the file is there with `psi=0`, and cannot be read (EOPNOTSUPP).
    static func pressure(_ file: OSString, in group: Int32) throws(SyscallError) -> UInt64? {
        let found: [UInt8]?
        do throws(SyscallError) { found = try text(file, in: group) } catch {
            if error.errno == EOPNOTSUPP { return nil }
            throw error
        }
        guard let found, let some = KernelText.value("some", " ", in: found) else { return nil }
        return found[some].split(separator: 0x20).first { $0.starts(with: "total=".utf8) }
            .flatMap { KernelText.number(found, in: $0.startIndex + "total=".utf8.count..<$0.endIndex) }
    }

    /// The sum of what stands behind a key, in all lines (`8:0 rbytes=4096 wbytes=0 …`).
    static func sum(_ key: String, in text: [UInt8]) -> UInt64 {
        text.split { $0 == 0x20 || $0 == 0x0A }.filter { $0.starts(with: key.utf8) }
            .reduce(0) { $0 &+ (KernelText.number(text, in: $1.startIndex + key.utf8.count..<$1.endIndex) ?? 0) }
    }

    /// The number behind a word (`oom_kill 3`), one a line.
    static func number(_ word: StaticString, of file: OSString, in group: Int32) throws(SyscallError) -> UInt64? {
        guard let bytes = try text(file, in: group) else { return nil }
        return KernelText.value(word, " ", in: bytes).flatMap { KernelText.number(bytes, in: $0) }
    }

    /// One write, as these files take it.
    static func write(_ value: String, to file: OSString, in group: Int32) throws(SyscallError) {
        let number = try checkedKernel("openat2", on: file.description) {
            file.withCString { cs_openat2(group, $0, UInt64(O_WRONLY), 0, 0) }
        }
        let opened = OwnedFileDescriptor(owning: Int32(number))
        let bytes = Array(value.utf8)
        let written = bytes.withUnsafeBytes { bytes in
            while true {
                let result = Glibc.write(opened.number, bytes.baseAddress, bytes.count)
                let code = errno
                if result == bytes.count { return Int32(0) }
                if result >= 0 { return EIO }
                if code != EINTR { return code }
            }
        }
        if written != 0 { throw SyscallError(call: "write", subject: file.description, errno: written) }
    }
}
