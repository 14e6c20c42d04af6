internal import CShims
internal import SandboxKernel
internal import SandboxPlan

/// Which builds of the two executables are at work: what an entry of the policy cache goes by besides the texts.
///
/// A version number does not tell two builds apart, and a default, a filter or a check may differ between them. A file is told by
/// device, number, size and the time of its content: with any other executable in its place a policy is compiled anew.
enum PolicyBuild {
    /// - Throws: `Refusal` when our own executable cannot be looked at.
    static func identity() throws(Refusal) -> [UInt8] {
        var bytes: [UInt8] = []
        try append("/proc/self/exe", to: &bytes)
        switch CompanionExecutable.find() {
        case .found(let compiler), .unusable(let compiler, _): try append(compiler, to: &bytes)
        // The launch says so when it needs it.
        case .absent, .unknown: break
        }
        return bytes
    }

    private static func append(_ path: OSString, to bytes: inout [UInt8]) throws(Refusal) {
        var found = cs_identity()
        let result = path.withPointer { cs_identify_following(FileReading.currentFolder, $0, &found) }
        if result != 0 { throw Refusal(own: "statx", result) }
        for number in [found.device, found.inode, found.size, UInt64(bitPattern: found.modified_ns)] {
            withUnsafeBytes(of: number.littleEndian) { bytes += $0 }
        }
    }
}
