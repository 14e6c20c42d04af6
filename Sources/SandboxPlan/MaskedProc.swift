/// What a person is told where parts of `/proc` are covered, as containers do it: the kernel then lets nobody without rights over
/// the host mount a fresh one (`mount_too_revealing` in its fs/namespace.c).
public enum MaskedProc {
    /// What mends it: the default policy holds again.
    ///
    /// The engines' filter refuses sethostname(2) besides, to whoever has no capabilities in the container.
    public static let uncover =
        "Start the container with its /proc uncovered, and without its filter, which refuses a host name: podman run --security-opt "
        + "unmask=ALL --security-opt seccomp=unconfined …, docker run --security-opt systempaths=unconfined --security-opt "
        + "seccomp=unconfined …"

    /// What there is where it cannot be mended: named, never taken.
    public static let weaker =
        "the weaker profile container, by name (`--policy container`), has every layer but a /proc of its own: the job sees "
        + "names and command lines of the container's other processes. `codex-sandbox explain --policy container -- true` lists "
        + "what it does not hold"

    /// Both, for a refusal.
    public static let remedy =
        "\(uncover); or run codex-sandbox outside of the container. Where that cannot be had, \(weaker)"
}
