internal import CShims
internal import Glibc
public import SandboxPlan

/// What is in an open folder, straight from getdents64(2): an error is never taken for the end.
public enum FolderEntries {
    /// One name in the folder; `.` and `..` are left out.
    public struct Entry {
        /// Ends with NUL; lives as long as the call that it is given to.
        public var name: UnsafePointer<CChar>
        public var length: Int
        /// DT_ number (readdir(3)); DT_UNKNOWN where the file system does not tell.
        public var kind: UInt8

        /// A copy of the name.
        public var copy: OSString { OSString(Array(UnsafeRawBufferPointer(start: name, count: length))) }
    }

    /// Bytes that are asked for at a time.
    static let size = 16 << 10
    /// Inode, offset, length, kind; the name begins behind them.
    private static let header = 19

    /// Gives each entry to `body` until it says false.
    ///
    /// - Parameters:
    ///   - folder: an open descriptor.
    ///   - path: for the error.
    ///   - body: says whether to go on.
    /// - Throws: `SyscallError` of getdents64(2), EIO for an answer that is none, and what `body` throws.
    public static func each(
        in folder: Int32,
        named path: OSString,
        _ body: (Entry) throws(SyscallError) -> Bool
    ) throws(SyscallError) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 8)
        defer { buffer.deallocate() }
        while true {
            let count = try checkedKernel("getdents64", on: path.description) {
                cs_entries(folder, buffer.baseAddress, buffer.count)
            }
            if count == 0 { return }
            var position = 0
            while position < count {
                let entry = try entry(UnsafeRawBufferPointer(rebasing: buffer[position..<count]), path)
                position += entry.size
                if isOwnOrParent(entry.entry) { continue }
                if try !body(entry.entry) { return }
            }
        }
    }

    static func entry(
        _ bytes: UnsafeRawBufferPointer,
        _ path: OSString
    ) throws(SyscallError) -> (entry: Entry, size: Int) {
        let wrong = SyscallError(call: "getdents64", subject: path.description, errno: EIO)
        guard bytes.count > header, let base = bytes.baseAddress else { throw wrong }
        let size = Int(bytes.loadUnaligned(fromByteOffset: 16, as: UInt16.self))
        guard size > header, size <= bytes.count else { throw wrong }
        let name = (base + header).assumingMemoryBound(to: CChar.self)
        let length = strnlen(name, size - header)
        guard length > 0, length < size - header else { throw wrong }
        return (Entry(name: name, length: length, kind: bytes[18]), size)
    }

    static func isOwnOrParent(_ entry: Entry) -> Bool {
        let dot = CChar(UInt8(ascii: "."))
        guard entry.length <= 2, entry.name[0] == dot else { return false }
        return entry.length == 1 || entry.name[1] == dot
    }
}
