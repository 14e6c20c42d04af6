public import SandboxPlan

/// A launch that stands at gate B, verified: everything but the worker's execve(2) has happened.
public struct Established: Hashable, Sendable {
    public var layers: [LayerReport]
    /// A part of their observations, written before the gate was reached.
    var written = WrittenObservations()
    /// The worker in the supervisor's pid namespace.
    public var worker: Int32
    /// The first candidate that exists in the place, if any.
    public var executable: WorkerExecutable?
    /// What the worker has, where that was not known before the place stood.
    var standardStreams: [StandardStream]?
}
