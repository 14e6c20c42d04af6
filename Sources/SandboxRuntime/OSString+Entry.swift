public import Glibc
public import SandboxPlan

extension OSString {
    /// The name of what readdir(3) gave.
    ///
    /// `dirent` says 256 bytes for it, and only those up to the NUL are there: a copy of all of them reads past the end of readdir's buffer.
    ///
    /// - Parameter entry: valid until the next call of readdir.
    public init(of entry: UnsafeMutablePointer<dirent>) {
        self = withUnsafePointer(to: &entry.pointee.d_name) { name in
            let start = UnsafeRawPointer(name)
            let length = strlen(start.assumingMemoryBound(to: CChar.self))
            return OSString(UnsafeRawBufferPointer(start: start, count: length))
        }
    }
}
