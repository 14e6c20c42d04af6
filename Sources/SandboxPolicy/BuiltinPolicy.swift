/// A policy that the executables carry.
public struct BuiltinPolicy: Sendable {
    /// What `--policy` takes: `workspace-write`.
    public let name: StaticString
    /// One sentence for `policy list`: the text's `description`.
    public let summary: StaticString
    /// The TOML text, byte for byte the file in `policies/`.
    public let text: StaticString

    /// The name used when nobody names a policy.
    public static let defaultName = "workspace-write"

    /// The policy of that name; nil if there is none.
    public static func named(_ name: String) -> BuiltinPolicy? {
        all.first { name.utf8.elementsEqual($0.name.bytes) }
    }
}

extension StaticString {
    /// The UTF-8 bytes; they live as long as the program.
    public var bytes: UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(start: utf8Start, count: utf8CodeUnitCount)
    }
}
