internal import SandboxPlan

/// What a policy gives at a path: the deepest root around it decides, as in `PlaceRoots`.
///
/// Roots lie inside each other, so that neither list says anything alone: a folder that is shown read-only inside a
/// writable one narrows, and leaving it out widens.
struct PathRights {
    enum Right: UInt8, Comparable {
        case none = 0
        case read = 1
        case write = 2

        static func < (left: Right, right: Right) -> Bool { left.rawValue < right.rawValue }
    }

    /// Every root with its right; the workspace first, where it is known.
    let roots: [(path: OSString, right: Right)]

    init(_ policy: Policy, workspace: OSString?) {
        var roots: [(path: OSString, right: Right)] = []
        if let workspace { roots.append((workspace, policy.workspace == .readWrite ? .write : .read)) }
        roots += policy.filesystem.read.map { ($0, .read) }
        roots += policy.filesystem.write.map { ($0, .write) }
        self.roots = roots
    }

    /// Of two roots at the same path the wider one counts: nothing may look narrower than it is.
    func right(at path: OSString) -> Right {
        var deepest = -1
        var right = Right.none
        for root in roots where path.isWithin(root.path) {
            let depth = root.path.depth
            if depth > deepest {
                deepest = depth
                right = root.right
            } else if depth == deepest {
                right = max(right, root.right)
            }
        }
        return right
    }

    /// Whether this gives more than `other` at one of the paths.
    ///
    /// Between two roots the right does not change, so the paths of all roots of both are all that there is to ask.
    func exceeds(_ other: PathRights, at paths: [OSString]) -> Bool {
        paths.contains { right(at: $0) > other.right(at: $0) }
    }
}
