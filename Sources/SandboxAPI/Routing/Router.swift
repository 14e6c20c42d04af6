/// Finds the endpoint of a target by its raw bytes: nothing is decoded, joined or normalised, so that what a path means is
/// decided once, by who opens it.
struct Router: Sendable {
    /// What a target leads to.
    enum Match {
        case endpoint(Endpoint, Target)
        /// The path is known, the method is not.
        case otherMethods([String], template: String)
        /// The path with or without a slash at its end is one of ours.
        case slash([UInt8], template: String)
        case nothing
    }

    /// What stood in the place of the names in a template; slices of the target.
    struct Target {
        var project: ArraySlice<UInt8> = []
        var job: ArraySlice<UInt8> = []
        var path: ArraySlice<UInt8> = []
        var template = ""
    }

    private struct Node {
        var literals: [(name: [UInt8], node: Int)] = []
        var project: Int?
        var job: Int?
        var rest: Int?
        var endpoints: [(method: String, endpoint: Endpoint)] = []
        var template = ""
    }

    private var nodes = [Node()]

    init(_ endpoints: [Endpoint], prefix: String) {
        for endpoint in endpoints {
            for template in endpoint.templates(prefix: prefix) { add(endpoint, template) }
        }
    }

    private mutating func add(_ endpoint: Endpoint, _ template: String) {
        var node = 0
        for name in template.utf8.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            node = child(of: node, String(decoding: Array(name), as: UTF8.self))
        }
        precondition(!nodes[node].endpoints.contains { $0.method == endpoint.method }, "two endpoints at \(template)")
        nodes[node].endpoints.append((endpoint.method, endpoint))
        nodes[node].template = template
    }

    private mutating func child(of node: Int, _ name: String) -> Int {
        let new = nodes.count
        switch name {
        case "{project_id}":
            if let known = nodes[node].project { return known }
            nodes[node].project = new
        case "{job_id}":
            if let known = nodes[node].job { return known }
            nodes[node].job = new
        case "{path}":
            if let known = nodes[node].rest { return known }
            nodes[node].rest = new
        default:
            if let known = nodes[node].literals.first(where: { $0.name.elementsEqual(name.utf8) }) { return known.node }
            nodes[node].literals.append((Array(name.utf8), new))
        }
        nodes.append(Node())
        return new
    }

    // MARK: - Finding

    func match(_ method: String, _ path: [UInt8]) -> Match {
        guard path.first == UInt8(ascii: "/") else { return .nothing }
        var target = Target()
        guard let node = find(path, &target) else {
            var other = path
            if other.last == UInt8(ascii: "/") { other.removeLast() } else { other.append(UInt8(ascii: "/")) }
            var ignored = Target()
            // One slash more or less; two at the end are not ours.
            guard !other.isEmpty, path.suffix(2) != [0x2F, 0x2F], let node = find(other, &ignored) else {
                return .nothing
            }
            return .slash(other, template: nodes[node].template)
        }
        target.template = nodes[node].template
        // A HEAD is its GET without the body (RFC 9110, 9.3.2).
        let sought = method == "HEAD" ? "GET" : method
        for (known, endpoint) in nodes[node].endpoints where known == sought { return .endpoint(endpoint, target) }
        var methods = nodes[node].endpoints.map(\.method)
        if methods.contains("GET") { methods.append("HEAD") }
        return .otherMethods((methods + ["OPTIONS"]).sorted(), template: nodes[node].template)
    }

    private func find(_ path: [UInt8], _ target: inout Target) -> Int? {
        let slash = UInt8(ascii: "/")
        var node = 0
        var start = 1
        while true {
            if let rest = nodes[node].rest {
                target.path = path[start...]
                return rest
            }
            let end = path[start...].firstIndex(of: slash) ?? path.count
            let name = path[start..<end]
            guard let next = step(from: node, name, &target) else { return nil }
            node = next
            if end == path.count { return nodes[node].endpoints.isEmpty ? nil : node }
            start = end + 1
        }
    }

    /// A word of ours comes before a name: a project cannot be called `projects`.
    private func step(from node: Int, _ name: ArraySlice<UInt8>, _ target: inout Target) -> Int? {
        for literal in nodes[node].literals where literal.name.elementsEqual(name) { return literal.node }
        guard !name.isEmpty else { return nil }
        if let next = nodes[node].project {
            target.project = name
            return next
        }
        if let next = nodes[node].job {
            target.job = name
            return next
        }
        return nil
    }
}
