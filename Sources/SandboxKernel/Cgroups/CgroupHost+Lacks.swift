internal import Glibc
internal import SandboxPlan

/// Why something is missing: looked for only where it is.
extension CgroupHost {
    /// Where a controller that this group has not was lost: from the group up to the root of what is mounted.
    func lack(_ controller: CgroupController, of name: OSString) -> CgroupLack {
        var group = name
        do throws(SyscallError) {
            while group != "/" {
                group = group.parent
                if try controllers(folder(group), "cgroup.controllers").contains(controller) {
                    return CgroupLack(controller, .heldBack(by: folder(group)))
                }
            }
            // It is the same in every namespace.
            let table = try FileReading.read(hierarchies)
            if CgroupHost.isVersionOne(controller, table) { return CgroupLack(controller, .versionOne) }
            return CgroupLack(controller, isNamespaced ? .outsideNamespace : .notInKernel)
        } catch {
            return CgroupLack(controller, .unknown(file: OSString(error.subject), errno: error.errno))
        }
    }

    /// Whether the root that is seen is that of a cgroup namespace: the root of the whole tree alone has no type.
    var isNamespaced: Bool { access(mount.appending("cgroup.type"), F_OK) == 0 }

    /// Why a group has none of the controllers where no delegation would bring one; nil where it has some, or could have.
    func hopeless(_ name: OSString) throws(SyscallError) -> [CgroupLack]? {
        guard try controllers(folder(name), "cgroup.controllers").isEmpty else { return nil }
        let lacks = CgroupController.allCases.map { lack($0, of: name) }
        for lack in lacks {
            switch lack.cause {
            case .heldBack, .unknown: return nil
            case .outsideNamespace, .versionOne, .notInKernel, .noSwapLimit: continue
            }
        }
        return lacks
    }

    /// Whether `/proc/cgroups` has it in a hierarchy of version 1: the second column is that one's number, 0 for none (cgroups(7)).
    static func isVersionOne(_ controller: CgroupController, _ table: [UInt8]) -> Bool {
        for line in table.split(separator: 0x0A) {
            let columns = line.split { $0 == 0x20 || $0 == 0x09 }
            guard columns.count >= 2, columns[0].elementsEqual(controller.rawValue.utf8) else { continue }
            return !columns[1].elementsEqual("0".utf8)
        }
        return false
    }

    /// Whether what is mounted begins at the root of the caller's cgroup namespace: names of groups are counted from there.
    ///
    /// A mount from outside shows it as `/..` and the like (cgroup_namespaces(7)). What cannot be read is taken for such a one no more
    /// than anything else.
    var isOfNamespace: Bool {
        do throws(SyscallError) {
            guard let table = MountTable(parsing: try FileReading.read(mounts)) else { return true }
            return table.entries.last { $0.target == mount }.map { $0.root == "/" } ?? true
        } catch { return true }
    }
}
