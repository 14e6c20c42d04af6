internal import SandboxPlan

extension JSONWriter {
    /// What the plan was computed from, besides policy and request.
    mutating func host(_ host: HostFacts) {
        object { json in
            if !host.bootID.isEmpty { json.member("bootId", text: host.bootID) }
            json.object("caller") { $0.caller(host.caller) }
            json.member("corePatternIsPipe", bool: host.corePatternIsPipe)
            json.member("entries", array: host.entries.elements) { json, found in
                json.object { $0.entry(found.entry, at: found.path) }
            }
            json.object("gitUser") { json in
                json.member("emailIsSet", bool: !host.gitUser.email.isEmpty)
                json.member("nameIsSet", bool: !host.gitUser.name.isEmpty)
            }
            json.member("kernelRelease", text: host.kernelRelease)
            json.member("landlockAbi", quantity: host.landlockABI)
            json.member("lastCapability", quantity: host.lastCapability)
            json.member("memoryTotalBytes", quantity: host.memoryTotal.bytes)
            if !host.resolverSettings.isEmpty {
                json.member("resolverSettings", sha256: SHA256.digest(host.resolverSettings))
            }
            if !host.rootOnly.isEmpty { json.member("rootOnly", bytes: host.rootOnly) }
        }
    }

    private mutating func caller(_ caller: Caller) {
        member("gid", quantity: caller.gid)
        member("groups", array: caller.groups) { $0.quantity($1) }
        member("home", bytes: caller.home)
        member("ignoredSignals", identifier: caller.ignoredSignals)
        member("nice", integer: caller.nice)
        member("oomScoreAdjustment", integer: caller.oomScoreAdjustment)
        member("rlimits", array: caller.rlimits) { $0.rlimit($1) }
        member("seccompFilters", quantity: caller.seccompFilters)
        member("uid", quantity: caller.uid)
        member("userName", bytes: caller.userName)
    }

    private mutating func entry(_ entry: HostEntry, at path: OSString) {
        switch entry {
        case .absent: named("absent", path)
        case .symlink(let target):
            named("symlink", path)
            member("target", bytes: target)
        case .directory(let identity): identified(identity, "directory", path)
        case .file(let identity): identified(identity, "file", path)
        case .socket(let identity): identified(identity, "socket", path)
        case .characterDevice(let identity, let major, let minor):
            member("identity") { $0.identity(identity) }
            member("kind", string: "character-device")
            member("major", quantity: major)
            member("minor", quantity: minor)
            member("path", bytes: path)
        case .other(let identity): identified(identity, "other", path)
        case .throughLink(let resolved):
            named("through-link", path)
            member("resolved", bytes: resolved)
        case .unreadable(let errno):
            member("errno") { $0.errno(errno) }
            named("unreadable", path)
        }
    }

    private mutating func identified(_ identity: FileIdentity, _ kind: String, _ path: OSString) {
        member("identity") { $0.identity(identity) }
        named(kind, path)
    }

    private mutating func named(_ kind: String, _ path: OSString) {
        member("kind", string: kind)
        member("path", bytes: path)
    }
}
