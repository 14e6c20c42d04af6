public import SandboxPlan

/// The name of a process's cgroup of version 2, as `/proc/PID/cgroup` has it (cgroups(7)).
public enum CgroupName {
    /// The path behind `0::` in `/proc/PID/cgroup`, beside which other lines stand where there is version 1; nil without one.
    public static func of(_ table: [UInt8]) -> OSString? {
        guard let place = KernelText.value("0:", ":", in: table) else { return nil }
        return OSString(table[place])
    }

    /// Whether a process of ours stays in sight there: not above the root of our cgroup namespace, and not removed.
    static func isInNamespace(_ name: OSString) -> Bool {
        guard name.isAbsolute else { return false }
        return !name.components.contains("..") && !name.bytes.reversed().starts(with: " (deleted)".utf8.reversed())
    }

    /// The last component as a unit's name of systemd, by its suffix; nil for anything else (systemd.unit(5)).
    static func unit(_ name: OSString) -> OSString? {
        let last = name.lastComponent
        return [".service", ".scope", ".slice"].contains { ends(last, $0) } ? last : nil
    }

    static func ends(_ unit: OSString, _ suffix: String) -> Bool {
        unit.bytes.reversed().starts(with: suffix.utf8.reversed())
    }
}
