import SandboxPlan

/// Texts of the kernel's for the C library.
enum CString {
    /// Lends the bytes with the NUL that the C library wants.
    static func with<Result>(_ text: OSString, _ body: (UnsafePointer<CChar>) -> Result) -> Result {
        (text.bytes.map { CChar(bitPattern: $0) } + [0]).withUnsafeBufferPointer { buffer in
            // The buffer holds at least the NUL, so it has an address.
            guard let start = buffer.baseAddress else { preconditionFailure("an empty buffer with a NUL in it") }
            return body(start)
        }
    }
}
