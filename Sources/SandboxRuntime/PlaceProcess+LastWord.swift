internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

extension PlaceProcess {
    /// The failed step that pid 1 reported, if it did and nobody has read it.
    borrowing func lastWord(_ plan: LaunchPlan) -> Refusal? {
        do throws(PlaceError) {
            // Nothing else can be waiting but its mounts, its readiness, the worker's start and end, and the wall limit.
            for _ in 0..<5 {
                switch try event(timeout: 0) {
                case .ready(let report): for number in [report.sharedMemory] + report.terminals { _ = close(number) }
                case .gone: return nil
                case .notStarted(_, let errno):
                    return Refusal(.setUp(what: "fork of the worker", layer: nil, errno: errno), steps: plan.steps)
                case .mounted, .started, .exited, .timedOut, .stopped: continue
                }
            }
            return nil
        } catch {
            switch error {
            case .step, .setUp: return Refusal(error, steps: plan.steps)
            case .syscall, .gone, .timedOut, .unexpected: return nil
            }
        }
    }
}
