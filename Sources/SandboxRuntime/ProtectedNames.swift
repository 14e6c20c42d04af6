internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// Watches that the names kept from the job still lead to the mounts that keep them.
///
/// A mount goes along when somebody outside renames the folder it stands on (rename(2)), and no mount table tells of it:
/// the name is free then, and the job can make it its own.
struct ProtectedNames: ~Copyable {
    private struct Name {
        var path: OSString
        /// Number of the mount it leads to (statx(2), STATX_MNT_ID).
        var mount: UInt64
    }

    private let root: OwnedFileDescriptor
    private let names: [Name]

    /// - Parameters:
    ///   - plan: its protected, anchored and covered names and its further roots, as far as they are in writable folders.
    ///   - root: O_PATH descriptor of the place's root, whose mounts have been compared with the plan.
    /// - Throws: `Refusal` when a name leads elsewhere already, or cannot be looked at.
    init(_ plan: LaunchPlan, root: borrowing OwnedFileDescriptor) throws(Refusal) {
        let copy = cs_duplicate(root.number)
        if copy < 0 { throw Refusal(own: "fcntl", copy) }
        let held = OwnedFileDescriptor(owning: Int32(copy))
        let number = held.number
        var covers = cs_identity()
        let found = cs_identify(number, ".sandbox", &covers)
        if found < 0 { throw Refusal(own: "statx", found) }
        let writable = plan.writablePaths
        var names: [Name] = []
        func keep(_ path: OSString, device: UInt64, inode: UInt64?) throws(Refusal) {
            guard case .found(let identity) = ProtectedNames.look(at: path, in: number), identity.device == device,
                inode == nil || identity.inode == inode
            else { throw ProtectedNames.refusal(path) }
            names.removeAll { $0.path == path }
            names.append(Name(path: path, mount: identity.mount))
        }
        func isKept(_ bind: BindMount) -> Bool {
            switch bind.purpose {
            case .protected, .anchor: return true
            // A root in a writable one: the job could make its name anew with other rights and other contents.
            case .workspace, .read, .write:
                return writable.contains { bind.source.isWithin($0) && bind.source != $0 }
            case .system, .settings, .device, .containerProc: return false
            }
        }
        for step in plan.steps {
            switch step {
            case .bind(let bind) where isKept(bind):
                // Denied names come later, on top.
                let isCovered = plan.steps.contains { if case .cover(bind.target, _) = $0 { true } else { false } }
                if isCovered { continue }
                try keep(bind.target, device: bind.identity.device, inode: bind.identity.inode)
            case .cover(let path, _) where writable.contains { plan.hostPath(path).isWithin($0) }:
                try keep(path, device: covers.device, inode: nil)
            case .privatePropagation, .newRoot, .makeFolders, .symlink, .writeFile, .bind, .cover, .tmpfs, .procfs,
                .rootOnly, .devpts, .remount, .enterRoot, .hostname, .loopbackUp, .forbidUserNamespaces, .freshKeyring,
                .limit,
                .attributes, .dropCapabilities, .noNewPrivileges, .landlock, .placeFilter, .terminals:
                continue
            }
        }
        self.names = names
        self.root = held
    }

    /// The first name that does not lead to its mount any more, or cannot be looked at: in words.
    func lost() -> String? {
        for name in names {
            switch ProtectedNames.look(at: name.path, in: root.number) {
            case .found(let found): if found.mount != name.mount { return "\(name.path) was moved" }
            case .missing: return "\(name.path) was moved"
            // A job may close a folder to us (chmod(2)); what happens behind it nobody can say.
            case .hidden: return "\(name.path) cannot be looked at any more"
            }
        }
        return nil
    }

    private enum Look {
        case found(cs_identity)
        case missing
        case hidden
    }

    private static func look(at path: OSString, in root: Int32) -> Look {
        var identity = cs_identity()
        let below = OSString(path.bytes.drop { $0 == UInt8(ascii: "/") })
        let result = below.withPointer { cs_identify(root, $0, &identity) }
        if result == Int(-ENOENT) || result == Int(-ENOTDIR) { return .missing }
        return result == 0 ? .found(identity) : .hidden
    }

    private static func refusal(_ path: OSString) -> Refusal {
        Refusal(
            stage: "verify",
            subject: path.description,
            message: "\(path) was moved while the launch was made, and is not kept from the job any more",
            remedy: "leave it where it is and try again",
            layer: .mounts
        )
    }
}
