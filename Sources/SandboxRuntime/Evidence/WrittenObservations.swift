internal import SandboxPlan

/// The text of observations that were made before the rest, so that a record is not all written at its last moment.
struct WrittenObservations: Hashable, Sendable {
    /// The first observations of one layer.
    private struct Part: Hashable {
        var layer: Layer
        var count: Int
        /// Values of an array, a comma between each two.
        var text: CanonicalJSON
    }

    private var parts: [Part] = []

    /// None.
    init() {}

    /// - Parameter observations: in the order they were made; more may follow.
    init(_ observations: [Observation]) {
        var lists: [(layer: Layer, observations: [Observation])] = []
        for observation in observations {
            if let index = lists.firstIndex(where: { $0.layer == observation.layer }) {
                lists[index].observations.append(observation)
            } else {
                lists.append((observation.layer, [observation]))
            }
        }
        parts = lists.map { layer, observations in
            let text = CanonicalJSON(capacity: observations.count * 192) { json in
                for observation in observations { json.observation(observation) }
            }
            return Part(layer: layer, count: observations.count, text: text)
        }
    }

    /// The text of a layer's first observations, and how many they are.
    func first(of layer: Layer) -> (text: CanonicalJSON, count: Int)? {
        guard let part = parts.first(where: { $0.layer == layer }) else { return nil }
        return (part.text, part.count)
    }
}
