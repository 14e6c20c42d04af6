/// What a person is told where `/proc` is mounted with `hidepid` (proc(5)): it does not show a job the processes of others, also not the
/// supervisor's, by which the weaker profile `container` looks whether they are closed.
public enum HiddenProcesses {
    /// - Parameter mode: as the kernel writes it, `invisible` or `2`.
    /// - Returns: a fact, without a full stop.
    public static func cause(_ mode: String) -> String { "/proc is mounted with hidepid=\(mode)" }

    /// As root where it was mounted: a remount changes it for everybody who sees that very mount's file system.
    public static let remount = "mount -o remount,hidepid=0 /proc"

    /// For a refusal of the profile.
    public static let remedy =
        "as root: \(remount) (in a container: start it without this option, or have whoever started it remount it); or run it under a "
        + "policy with a /proc of its own, as workspace-write, which needs a container whose /proc is not covered. \(MaskedProc.uncover)"
}
