internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// A regular file of a project's folder, held open: whatever its name becomes, its bytes are these.
public final class OpenedFile: Sendable {
    let file: OwnedFileDescriptor
    let facts: FileFacts

    init(_ file: consuming OwnedFileDescriptor, _ facts: FileFacts) {
        self.file = file
        self.facts = facts
    }

    /// Takes over `number`, which must be open and owned by nobody else.
    convenience init(owning number: Int32, _ facts: FileFacts) {
        self.init(OwnedFileDescriptor(owning: number), facts)
    }

    /// In bytes, when it was opened.
    public var size: UInt64 { facts.size }
    /// Since 1970-01-01T00:00:00Z, in nanoseconds.
    public var modified_ns: Int64 { facts.modified_ns }
    public var isExecutable: Bool { facts.isExecutable }
    /// A strong entity tag with its quotes, for `ETag`, `If-Match` and `If-Range`.
    public var tag: String { facts.tag }

    /// Bytes from `offset` on, at most so many as `buffer` has room for.
    ///
    /// - Returns: how many; 0 at the end, which may come earlier than `size` if the file was cut meanwhile.
    /// - Throws: `WorkspaceError` of pread(2).
    public func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) throws(WorkspaceError) -> Int {
        guard offset <= UInt64(Int64.max), !buffer.isEmpty else { return 0 }
        while true {
            let count = pread(file.number, buffer.baseAddress, buffer.count, off_t(offset))
            let code = errno
            if count >= 0 { return count }
            if code != EINTR { throw WorkspaceError("pread", on: "an open file", Int(-code)) }
        }
    }

    /// The same as an array: as many as `count` unless the file ends.
    public func read(at offset: UInt64, count: Int) throws(WorkspaceError) -> [UInt8] {
        var fault: WorkspaceError?
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, done in
            done = 0
            while done < count && fault == nil {
                let rest = UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: buffer[done..<count]))
                do throws(WorkspaceError) {
                    let more = try read(at: offset + UInt64(done), into: rest)
                    done += more
                    // Less than asked for is the end of a file where its size ends, too.
                    if more == 0 || more < rest.count && offset + UInt64(done) == size { return }
                } catch { fault = error }
            }
        }
        if let fault { throw fault }
        return bytes
    }
}
