import SandboxPlan

/// `[network]` and the loud spelling of what loosens, `[danger]`.
extension PolicyValidator {
    struct Danger {
        var hostNetwork = false
        var fullAccess = false
        /// Nil where nothing is said of it.
        var landlockOnly: Bool?
        /// The same.
        var container: Bool?

        var confinement: Confinement {
            if fullAccess { return .none }
            if landlockOnly == true { return .landlockOnly }
            return container == true ? .container : .sandbox
        }
    }

    func danger(_ document: inout SectionReader) -> Danger {
        guard var section = document.section("danger") else { return Danger() }
        let hostNetwork = section.boolean("host_network")
        let fullAccess = section.boolean("full_access")
        let landlockOnly = section.boolean("landlock_only")
        let container = section.boolean("container")
        section.finish()
        let danger = Danger(
            hostNetwork: hostNetwork?.value ?? false,
            fullAccess: fullAccess?.value ?? false,
            landlockOnly: landlockOnly?.value,
            container: container?.value
        )
        // What a bound permits is not asked for by it.
        if let landlockOnly, landlockOnly.value, !isBound, danger.fullAccess || danger.hostNetwork {
            log.report(
                at: landlockOnly.position,
                key: landlockOnly.key,
                what: "true beside danger.\(danger.fullAccess ? "full_access" : "host_network")",
                why: "this profile lets no internet socket be made, and one confinement can be asked for",
                remedy: "remove one of the two"
            )
        }
        if let container, container.value, !isBound, danger.fullAccess || danger.landlockOnly == true {
            log.report(
                at: container.position,
                key: container.key,
                what: "true beside danger.\(danger.fullAccess ? "full_access" : "landlock_only")",
                why: "one confinement can be asked for",
                remedy: "remove one of the two"
            )
        }
        if let hostNetwork, danger.hostNetwork && danger.fullAccess && !isBound {
            log.report(
                at: hostNetwork.position,
                key: hostNetwork.key,
                what: "true beside danger.full_access",
                why: "full access has the host's network anyway",
                remedy: "remove one of the two"
            )
        } else if let hostNetwork, danger.hostNetwork, !asksForHostNetwork(document), !codexAsksForNetwork(document) {
            log.report(
                at: hostNetwork.position,
                key: hostNetwork.key,
                what: "true without network.mode = \"host\"",
                why: "a danger that is named must be one that is there",
                remedy: "remove it, or write network.mode = \"host\""
            )
        }
        return danger
    }

    /// Whether the text says `network.mode = "host"`, right or wrong in every other respect.
    private func asksForHostNetwork(_ document: SectionReader) -> Bool {
        guard case .table(let members) = document.members.first(where: { $0.key == "network" })?.node.value else {
            return false
        }
        return members.first { $0.key == "mode" }?.node.value == .string("host")
    }

    /// The same in Codex's words.
    private func codexAsksForNetwork(_ document: SectionReader) -> Bool {
        guard case .table(let members) = document.members.first(where: { $0.key == "codex" })?.node.value else {
            return false
        }
        return members.first { $0.key == "network_access" }?.node.value == .boolean(true)
    }

    func network(_ document: inout SectionReader, hostAllowed: Bool) -> NetworkPolicy {
        guard var section = document.section("network") else { return base.network }
        let host = section.choice("mode", [("off", false), ("host", true)])
        let loopback = section.boolean("loopback")
        section.finish()
        // `Policy.saying` takes `lo` from what lies below where nothing is said about it.
        if let host, !host.value { return .off(loopback: loopback?.value ?? true) }
        guard let host else {
            if let loopback, base.network == .host {
                refuse(loopback, "given where the extended policy has mode = \"host\"")
            }
            return .off(loopback: loopback?.value ?? true)
        }
        if !hostAllowed {
            log.report(
                at: host.position,
                key: host.key,
                what: "\"host\" without danger.host_network = true",
                why: "the worker would reach everything this machine reaches",
                remedy: "write \"off\", or add [danger] host_network = true"
            )
        }
        if let loopback { refuse(loopback, "given beside mode = \"host\"") }
        return .host
    }

    private func refuse(_ loopback: Located<Bool>, _ what: String) {
        log.report(
            at: loopback.position,
            key: loopback.key,
            what: what,
            why: "the host's own lo is there then and nothing would act on this key",
            remedy: "remove it"
        )
    }
}
