import Fuzzing
import Glibc
import SandboxPlan
import Testing

@testable import SandboxKernel

/// Bytes that a cache or the kernel's netlink hands over: read or refused, never beyond their end.
@Suite struct KernelFuzzTests {
    /// What lies in the cache counts only where it is the plan's own beginning, whatever its header says of itself.
    @Test func firstStepsThatCountAreThePlans() throws {
        let first = try #require(FirstSteps(of: FirstStepsTests.plan()))
        let whole = FirstStepsTests.lowered(FirstStepsTests.plan())
        var fuzzing = Fuzzing([first.bytes], words: ["\u{1}\u{0}\u{0}\u{0}", "\u{8}\u{0}\u{0}\u{0}"])
        let tally = fuzzing.run { bytes in
            guard let count = FirstSteps(holding: bytes).count(in: whole) else { return false }
            #expect(count > 0 && count <= 8)
            return true
        }
        #expect(tally.taken > 0 && tally.refused > 20, "\(tally)")
    }

    @Test func aSocketListIsReadOrRefused() {
        // A header of 16 bytes, a message of 16, a name and a file as attributes.
        var seed = [UInt8](repeating: 0, count: 16)
        seed[4] = 20
        let message: [UInt8] = [1, 1, 10, 0, 9, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]
        let name: [UInt8] = [10, 0, 0, 0, 0x2F, 0x61, 0x2F, 0x62, 0x63, 0, 0, 0]
        let file: [UInt8] = [12, 0, 1, 0, 7, 0, 0, 0, 8, 0, 0, 0]
        seed += message + name + file
        seed[0] = UInt8(seed.count)
        let end: [UInt8] = [20, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        var fuzzing = Fuzzing([seed, seed + end, seed + seed + end])
        let tally = fuzzing.run { bytes in
            var sockets: [BoundSocket] = []
            let failure: SyscallError? = bytes.withUnsafeBytes { part in
                do throws(SyscallError) {
                    _ = try SocketAnswer.read(part, into: &sockets)
                    return nil
                } catch { return error }
            }
            if let failure { #expect(failure.errno > 0) }
            return failure == nil
        }
        #expect(tally.taken > 20 && tally.refused > 20, "\(tally)")
    }
}
