internal import CShims
internal import Glibc
public import SandboxPlan

/// What is in an open folder, for who cannot take all of it at once: each call goes on where the last one was.
public final class FolderReader {
    public let folder: OwnedFileDescriptor
    private let path: OSString
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: FolderEntries.size, alignment: 8)
    private var position = 0
    private var count = 0

    /// - Parameters:
    ///   - folder: an open descriptor, taken over.
    ///   - path: for the error.
    public init(_ folder: consuming OwnedFileDescriptor, named path: OSString) {
        self.folder = folder
        self.path = path
    }

    deinit { buffer.deallocate() }

    /// The next name, until the next call; nil at the end.
    ///
    /// - Throws: `SyscallError` of getdents64(2), EIO for an answer that is none.
    public func next() throws(SyscallError) -> FolderEntries.Entry? {
        while true {
            if position >= count {
                position = 0
                count = try checkedKernel("getdents64", on: path.description) {
                    cs_entries(folder.number, buffer.baseAddress, buffer.count)
                }
                if count == 0 { return nil }
            }
            let entry = try FolderEntries.entry(UnsafeRawBufferPointer(rebasing: buffer[position..<count]), path)
            position += entry.size
            if !FolderEntries.isOwnOrParent(entry.entry) { return entry.entry }
        }
    }
}
