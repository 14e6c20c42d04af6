internal import WebTransport
internal import Workspaces

extension WorkspaceAPI {
    func readiness() throws(APIError) -> HTTPResponse {
        if let reason = service.readiness() {
            throw APIError(503, reason, fields: [("Retry-After", "5")], log: reason)
        }
        return WorkspaceAPI.statusAnswer("ready")
    }

    func metrics() -> HTTPResponse {
        var text = MetricsText()
        text.write(service.statistics())
        counts.write(to: &text)
        return .text(text.bytes, "text/plain; version=0.0.4; charset=utf-8")
    }

    func listPolicies() -> HTTPResponse {
        .json(
            JSONText.bytes { json in
                json.object { json in
                    json.member("policies", array: service.policies()) { json, policy in
                        json.object { json in
                            json.member("name", policy.name)
                            json.member("description", policy.description)
                            json.member("default", policy.isDefault)
                            json.member("not_held", array: policy.notHeld) { $0.string($1) }
                            json.member("usable", policy.unusable == nil)
                            if let why = policy.unusable { json.member("reason", why) }
                        }
                    }
                }
            }
        )
    }
}
