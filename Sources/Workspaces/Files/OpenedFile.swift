internal import Glibc
internal import SandboxKernel
internal import SandboxPlan
internal import Synchronization

/// A regular file of a project's folder, held open: whatever its name becomes, its bytes are these.
public final class OpenedFile: Sendable {
    let file: OwnedFileDescriptor
    let facts: FileFacts

    /// What was made of its bytes the last time, and of which.
    private let made = Mutex<(bytes: [UInt8], value: [UInt8])?>(nil)

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
    /// For `Last-Modified` and conditions by date, in seconds since 1970-01-01T00:00:00Z; may be the second that is under way.
    public var lastModified_s: Int64 { facts.lastModified_s }
    public var isExecutable: Bool { facts.isExecutable }
    /// A strong entity tag with its quotes, for `ETag`, `If-Match` and `If-Range`.
    public var tag: String { facts.tag }

    /// What `make` makes of the file's bytes, or made of the same bytes the last time.
    ///
    /// - Parameters:
    ///   - bytes: read just now.
    ///   - make: always the same for one file.
    /// - Returns: the value for just these bytes.
    public func value(of bytes: [UInt8], _ make: ([UInt8]) -> [UInt8]) -> [UInt8] {
        if let made = made.withLock({ $0 }), OpenedFile.isSame(made.bytes, bytes) { return made.value }
        let value = make(bytes)
        if bytes.count <= Int(KnownFile.longest) && value.count <= 2 * Int(KnownFile.longest) {
            made.withLock { $0 = (bytes, value) }
        }
        return value
    }

    private static func isSame(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        guard left.count == right.count else { return false }
        return left.withUnsafeBytes { left in
            right.withUnsafeBytes { right in
                guard let first = left.baseAddress, let second = right.baseAddress else { return true }
                return memcmp(first, second, left.count) == 0
            }
        }
    }

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
