internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// Compares a place's mount table with the plan by identity: the file behind each mount, not only its name.
struct MountVerification {
    private let expectations: [Expectation]
    /// Device of the tmpfs that covers come from; found with the mount at `/.sandbox`.
    private static let coverSource: OSString = "/.sandbox"

    /// File systems that show the kernel or the host, never welcome below a bind.
    private static let hostWide: [OSString] = [
        "proc", "sysfs", "cgroup", "cgroup2", "debugfs", "tracefs", "securityfs", "bpf", "configfs", "pstore",
        "efivarfs", "devtmpfs", "devpts", "binfmt_misc", "fusectl", "mqueue", "hugetlbfs", "selinuxfs", "nsfs",
        "rpc_pipefs", "nfsd", "autofs",
    ]

    /// One mount with everything that is known of it before the place is there.
    fileprivate struct Expectation {
        var mount: ExpectedMount
        /// `mount /usr`.
        var name: String
        /// Options, propagation and what is mounted, in the words of an observation.
        var text: String
        /// Mounts that are planned on the same target later.
        var followers: Int

        init(_ mount: ExpectedMount, followers: Int) {
            self.mount = mount
            self.followers = followers
            name = "mount \(mount.target)"
            let options = mount.options.text + " private "
            switch mount.kind {
            case .filesystem(let type): text = options + type
            case .tmpfs(let size, let inodes, let mode): text = options + TmpfsSettings.text(size, inodes, mode)
            case .cover(.unreadableFile): text = options + "cover /file"
            case .cover(.unreadableFolder): text = options + "cover /folder"
            case .cover(.emptyFolder): text = options + "cover /empty"
            case .cover(.itselfReadOnly): text = options + "proc /sys"
            case .cover(.emptyFile): text = options + "cover /nothing"
            case .cover(.ownCommonFolder): text = options + "cover /commondir"
            case .bind(let identity, _): text = options + "\(identity.device):\(identity.inode)"
            }
        }
    }

    init(plan: LaunchPlan) {
        let mounts = plan.expectedMounts
        var expectations: [Expectation] = []
        expectations.reserveCapacity(mounts.count)
        for (index, mount) in mounts.enumerated() {
            let followers = mounts[(index + 1)...].count { $0.target == mount.target }
            expectations.append(Expectation(mount, followers: followers))
        }
        self.expectations = expectations
    }

    /// - Parameters:
    ///   - text: the place's mountinfo, as it was when the watch began.
    ///   - root: O_PATH descriptor of the place's root.
    ///   - findings: where differences go.
    /// - Throws: `Refusal` when the table cannot be understood.
    func verify(_ text: [UInt8], root: Int32, _ findings: inout Findings) throws(Refusal) {
        guard let table = MountTable(parsing: text) else {
            throw Refusal(
                stage: "verify",
                subject: "mountinfo",
                message: "the kernel's mount table of the place could not be understood",
                remedy: "report this with the record: the format of mountinfo is not the one of proc(5)",
                layer: .mounts
            )
        }
        let entries = table.entries
        // Which expectation each mount meets.
        var meets = [Int?](repeating: nil, count: entries.count)
        let coverDevice = entries.first { $0.target == Self.coverSource }?.device
        // Everything before it is taken: the kernel lists mounts in the order they were made.
        var first = 0
        for (index, expectation) in expectations.enumerated() {
            while first < entries.count && meets[first] != nil { first += 1 }
            let free = entries[first...].indices.lazy.filter {
                meets[$0] == nil && entries[$0].target == expectation.mount.target
            }
            // What came along below another mount stands beneath what was planned at the same place: the last ones count.
            let position =
                entries.count == expectations.count
                ? free.first : Array(free).dropLast(expectation.followers).last
            guard let position else {
                findings.compare(.mounts, expectation.name, expected: "there", found: "absent")
                continue
            }
            meets[position] = index
            let entry = entries[position]
            let file = expectation.isFileSeen ? seen(entry, root: root) : nil
            findings.compare(
                .mounts,
                expectation.name,
                expected: expectation.text,
                found: expectation.agrees(entry, coverDevice, file)
                    ? expectation.text : expectation.described(entry, coverDevice, file)
            )
        }
        for (index, entry) in entries.enumerated() where meets[index] == nil {
            compareBelow(entry, on: mountAbove(entry, entries, meets), &findings)
        }
    }

    /// What stands at a mount's target in the place.
    fileprivate enum Seen {
        case unreadable(errno: Int32)
        case found(cs_identity)
    }

    private func seen(_ entry: MountEntry, root: Int32) -> Seen {
        var identity = cs_identity()
        let below = entry.target.bytes.drop { $0 == UInt8(ascii: "/") }
        let relative = below.isEmpty ? OSString(".") : OSString(below)
        let result = relative.withPointer { cs_identify(root, $0, &identity) }
        return result < 0 ? .unreadable(errno: Int32(-result)) : .found(identity)
    }

    /// The planned mount that another one stands on, directly or on what came along with it.
    private func mountAbove(_ entry: MountEntry, _ entries: [MountEntry], _ meets: [Int?]) -> ExpectedMount? {
        var parent = entry.parent
        // Not more often than there are mounts: the kernel has no rings, a text could.
        for _ in entries {
            guard let position = entries.firstIndex(where: { $0.identifier == parent }) else { return nil }
            if let index = meets[position] { return expectations[index].mount }
            parent = entries[position].parent
        }
        return nil
    }

    /// A mount that came along below a recursive bind: at least as restricted, and nothing that shows the host.
    private func compareBelow(_ entry: MountEntry, on above: ExpectedMount?, _ findings: inout Findings) {
        let name = "mount \(entry.target)"
        guard let above, above.recursive, entry.target.isWithin(above.target) else {
            findings.compare(.mounts, name, expected: "absent", found: "a \(entry.type) nobody planned")
            return
        }
        // The container's /proc comes with what its engine has covered it with; no more is asked of that than its options.
        guard above.isContainerProc || !Self.hostWide.contains(entry.type) else {
            findings.compare(.mounts, name, expected: "no \(entry.type) below \(above.target)", found: "\(entry.type)")
            return
        }
        let asked = above.options.text
        findings.compare(
            .mounts,
            name,
            expected: "\(asked) private, below \(above.target)",
            found: entry.options(asked: above.options).text
                + (entry.propagation.isEmpty ? " private" : " shared") + ", below \(above.target)"
        )
    }
}

extension MountVerification.Expectation {
    fileprivate var isFileSeen: Bool {
        // Under a later mount on the same target the file is not to be seen.
        if case .bind = mount.kind { return followers == 0 }
        return false
    }

    /// The whole comparison, without words: true only where `described` is `text`.
    fileprivate func agrees(
        _ entry: MountEntry,
        _ coverDevice: (major: UInt32, minor: UInt32)?,
        _ file: MountVerification.Seen?
    ) -> Bool {
        guard entry.options(asked: mount.options) == mount.options, entry.propagation.isEmpty else { return false }
        func isCover(_ root: OSString) -> Bool {
            guard let coverDevice else { return false }
            return entry.device == coverDevice && entry.root == root
        }
        switch mount.kind {
        case .filesystem(let type): return entry.type == OSString(type)
        case .tmpfs(let size, let inodes, let mode):
            return entry.type == "tmpfs" && TmpfsSettings.agree(entry, size, inodes, mode)
        case .cover(.unreadableFile): return isCover("/file")
        case .cover(.unreadableFolder): return isCover("/folder")
        case .cover(.emptyFolder): return isCover("/empty")
        case .cover(.itselfReadOnly): return entry.type == "proc" && entry.root == "/sys"
        case .cover(.emptyFile): return isCover("/nothing")
        case .cover(.ownCommonFolder): return isCover("/commondir")
        case .bind(let identity, _):
            switch file {
            case .found(let found):
                return found.mount == entry.identifier && found.device == identity.device
                    && found.inode == identity.inode
            case .unreadable: return false
            case nil: return true  // under a later mount: its options were compared
            }
        }
    }

    /// What was found, in the words of `text`.
    fileprivate func described(
        _ entry: MountEntry,
        _ coverDevice: (major: UInt32, minor: UInt32)?,
        _ file: MountVerification.Seen?
    ) -> String {
        var found = entry.options(asked: mount.options).text
        found +=
            entry.propagation.isEmpty ? " private" : " " + entry.propagation.map(\.description).joined(separator: ",")
        switch mount.kind {
        case .filesystem: found += " \(entry.type)"
        case .tmpfs: found += " \(entry.type) \(entry.settings)"
        case .cover(.itselfReadOnly): found += " \(entry.type) \(entry.root)"
        case .cover:
            if let coverDevice, entry.device == coverDevice {
                found += " cover \(entry.root)"
            } else {
                found += " \(entry.device.major):\(entry.device.minor) \(entry.root)"
            }
        case .bind(let identity, _):
            switch file {
            case .found(let seen) where seen.mount == entry.identifier: found += " \(seen.device):\(seen.inode)"
            case .found(let seen): found += " another mount (\(seen.mount), not \(entry.identifier))"
            case .unreadable(let errno): found += " unreadable (errno \(errno))"
            case nil: found += " \(identity.device):\(identity.inode)"
            }
        }
        return found
    }
}

extension ExpectedMount {
    fileprivate var isContainerProc: Bool {
        if case .bind(_, .containerProc) = kind { return true }
        return false
    }
}

extension MountEntry {
    /// The options that were asked for, as found; stricter ones that the host's own mount had are not a difference,
    /// but read-only where writing was asked for is.
    fileprivate func options(asked: MountOptions) -> MountOptions {
        options.intersection(asked.union(.readOnly))
    }
}
