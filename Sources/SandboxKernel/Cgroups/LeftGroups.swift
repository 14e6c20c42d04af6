internal import Glibc
public import SandboxPlan

/// Leaves that were below a subtree before a server began to launch from it: of launches that were killed, or that still run.
///
/// Those of living launches are held by them, and stay. A job that was killed with its server needs the time that its
/// processes take to end: none on an idle machine, seconds on one that swaps or is short of processors.
public struct LeftGroups: Sendable {
    /// What was there when it was looked at last.
    public private(set) var paths: [OSString]
    /// Those that nobody held.
    private var dead: Set<OSString> = []

    /// Between two attempts, in milliseconds.
    private static let pace = 20

    init(_ paths: [OSString]) { self.paths = paths }

    /// Tries each once, without waiting.
    mutating func attempt() {
        var rest: [OSString] = []
        for path in paths {
            switch LimitGroup.removeIfDead(path) {
            case .isOver: continue
            case .isHeld: break
            case .isBusy: dead.insert(path)
            }
            rest.append(path)
        }
        paths = rest
    }

    /// Kills and removes them until all are gone, or for a time; those of living launches are waited for, too, as they may die.
    ///
    /// - Parameter milliseconds: the longest time.
    /// - Returns: what stays although nobody holds it.
    public consuming func remove(within milliseconds: Int) -> [OSString] {
        var left = self
        for _ in 0..<max(1, milliseconds / LeftGroups.pace) {
            left.attempt()
            if left.paths.isEmpty { return [] }
            LeftGroups.pause(milliseconds: LeftGroups.pace)
        }
        left.attempt()
        return left.paths.filter { left.dead.contains($0) }
    }

    static func pause(milliseconds: Int) {
        var pause = timespec(tv_sec: 0, tv_nsec: milliseconds * 1_000_000)
        _ = nanosleep(&pause, nil)
    }
}
