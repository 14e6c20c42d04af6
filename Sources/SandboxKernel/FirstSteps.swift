internal import CShims
internal import Glibc
public import SandboxPlan

/// The lowered beginning of a plan: the steps that come before anything of the workspace.
///
/// The next launch's pid 1 gets them before its own plan is known (CShims/early.c). They count only if they are, byte for
/// byte, the beginning of that plan.
public struct FirstSteps: Hashable, Sendable {
    /// `struct cs_plan` with `first_steps` set, its strings and its steps; no rules, no filter.
    public let bytes: [UInt8]

    /// Of a plan that has any.
    public init?(of plan: LaunchPlan) {
        guard plan.commonSteps > 0 else { return nil }
        bytes = PlanLowering.loweredFirstSteps(plan)
    }

    init(holding bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// What a sealed memfd holds; nil when it cannot be read whole.
    init?(reading file: consuming OwnedFileDescriptor) {
        let size = lseek(file.number, 0, SEEK_END)
        guard size > 0, size <= Int(CS_FIRST_STEPS_MOST) else { return nil }
        var bytes = [UInt8](repeating: 0, count: Int(size))
        let count = bytes.withUnsafeMutableBytes { pread(file.number, $0.baseAddress, $0.count, 0) }
        guard count == bytes.count else { return nil }
        self.bytes = bytes
    }

    /// How many steps of a lowered plan these are; nil when they are not its beginning.
    public func count(in plan: [UInt8]) -> Int? {
        guard let own = header(bytes), let whole = header(plan), own.magic == whole.magic, own.first_steps == 1,
            Int(own.total) == bytes.count, own.step_count > 0, own.step_count <= whole.step_count,
            own.rule_count == 0, own.rules == own.steps, own.place_filter_count == 0, own.place_filter == own.steps
        else { return nil }
        let start = MemoryLayout<cs_plan>.size
        let stride = MemoryLayout<cs_step>.stride
        let steps = Int(own.steps)
        // Strings lie between header and steps, in the order of the steps; what is behind the last one is alignment.
        let strings = Int(own.strings_end)
        guard strings >= start, strings <= steps, steps + Int(own.step_count) * stride <= bytes.count,
            strings <= plan.count, Int(whole.steps) + Int(own.step_count) * stride <= plan.count
        else { return nil }
        let isSame = bytes.withUnsafeBytes { mine in
            plan.withUnsafeBytes { theirs in
                guard let mine = mine.baseAddress, let theirs = theirs.baseAddress else { return false }
                // Where its strings end is the file's own word: all that a step names has to lie before it.
                for index in 0..<Int(own.step_count) {
                    let step = (mine + steps + index * stride).loadUnaligned(as: cs_step.self)
                    if Int(step.path) + Int(step.path_length) >= strings { return false }
                    if Int(step.text) + Int(step.text_length) >= strings { return false }
                }
                return memcmp(mine + start, theirs + start, strings - start) == 0
                    && memcmp(mine + steps, theirs + Int(whole.steps), Int(own.step_count) * stride) == 0
            }
        }
        return isSame ? Int(own.step_count) : nil
    }

    private func header(_ bytes: [UInt8]) -> cs_plan? {
        guard bytes.count >= MemoryLayout<cs_plan>.size else { return nil }
        return bytes.withUnsafeBytes { $0.loadUnaligned(as: cs_plan.self) }
    }
}
