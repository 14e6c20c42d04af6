internal import CShims
internal import SandboxKernel
internal import SandboxPlan

/// A place's network namespace, kept until its launch is told of.
///
/// The kernel ends a network namespace in the background when its last user is gone, which takes 0.3 to 0.5 ms of a processor
/// of its own choice: mostly the one that closes the record meanwhile. So the last user is whoever keeps this. It is a
/// name for an empty namespace by then, and gives nobody anything.
public struct HeldNetwork: ~Copyable {
    private let namespace: OwnedFileDescriptor?

    /// Nothing yet.
    public init() {
        namespace = nil
    }

    /// - Throws: `Refusal` when the kernel does not give it.
    init(of process: borrowing ProcessFiles) throws(Refusal) {
        namespace = try process.open("ns/net", flags: 0)
    }
}
