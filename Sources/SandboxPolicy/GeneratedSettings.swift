public import SandboxPlan

/// Files of `/etc` that are made for the place: nothing of the host's accounts, names or resolvers is in them.
public struct GeneratedSettings {
    /// Names in `/etc` that are made for every job: a policy cannot show the host's there.
    public static let names: [OSString] = [
        "passwd", "group", "hosts", "hostname", "nsswitch.conf", "gitconfig", "mtab",
    ]

    /// Where a place has something of its own in `/etc`: the host's is not there, unless somebody shows it.
    ///
    /// - Parameter policy: of the place.
    /// - Returns: paths; one that is denied is not made.
    public static func paths(_ policy: Policy) -> [OSString] {
        names.map { OSString("/etc").appending($0) } + (resolver(policy).map { [$0] } ?? [])
    }

    /// Where a place on the host's network gets a copy of the host's resolver settings; nil where it gets none, or the policy shows
    /// the host's own.
    public static func resolver(_ policy: Policy) -> OSString? {
        let name: OSString = "resolv.conf"
        return policy.network == .host && !policy.filesystem.etc.contains(name) ? OSString("/etc").appending(name) : nil
    }

    let policy: Policy
    let request: LaunchRequest
    let host: HostFacts
    let identity: IdentityPlan

    /// What is the same in every workspace.
    var files: [LaunchStep] {
        var files =
            file("passwd", text(passwd)) + file("group", text(group)) + file("hosts", hosts)
            + file("hostname", policy.process.hostname.bytes + [0x0A]) + file("nsswitch.conf", text(switchboard))
        if let path = GeneratedSettings.resolver(policy), !host.resolverSettings.isEmpty, !isResolverDenied {
            files += file(path.lastComponent, host.resolverSettings)
        }
        let mtab: OSString = "/etc/mtab"
        return files + (isDenied(mtab) ? [] : [.symlink(path: mtab, target: "/proc/self/mounts")])
    }

    /// It names the workspace.
    var gitconfig: [LaunchStep] { file("gitconfig", gitSettings) }

    /// None where it is denied: without any of these the C library goes by its defaults, and git without settings of the system; of one
    /// that is there and cannot be read git dies.
    private func file(_ name: OSString, _ contents: [UInt8]) -> [LaunchStep] {
        let path = OSString("/etc").appending(name)
        return isDenied(path) ? [] : [.writeFile(path: path, contents: contents, mode: 0o444)]
    }

    private func isDenied(_ path: OSString) -> Bool { policy.filesystem.deny.contains(path) }

    /// A copy would show what is denied where it really is, or on the way there.
    private var isResolverDenied: Bool {
        policy.filesystem.deny.contains { path in
            if host.resolverPath.isWithin(path) { return true }
            guard case .throughLink(let resolved) = host.entry(path) else { return false }
            return host.resolverPath.isWithin(resolved)
        }
    }

    private func text(_ text: String) -> [UInt8] { Array(text.utf8) }

    private var passwd: String {
        var lines = "root:x:0:0:root:/nonexistent:/usr/sbin/nologin\n"
        lines += "sandbox:x:\(identity.uid):\(identity.gid)::/home/sandbox:/bin/sh\n"
        if identity.uid != 65534 { lines += "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n" }
        return lines
    }

    private var group: String {
        var lines = "root:x:0:\nsandbox:x:\(identity.gid):\n"
        if identity.gid != 65534 { lines += "nogroup:x:65534:\n" }
        return lines
    }

    private var hosts: [UInt8] {
        text("127.0.0.1 localhost ") + policy.process.hostname.bytes
            + text("\n::1 localhost ip6-localhost ip6-loopback\n")
    }

    private var switchboard: String {
        let hosts = policy.network == .host ? "files dns" : "files"
        return "passwd: files\ngroup: files\nshadow: files\nhosts: \(hosts)\n"
            + "networks: files\nprotocols: files\nservices: files\nethers: files\nrpc: files\n"
    }

    /// Who commits, and that the workspace may belong to another uid; nothing else of the caller's git settings.
    var gitSettings: [UInt8] {
        var bytes: [UInt8] = []
        if !host.gitUser.name.isEmpty || !host.gitUser.email.isEmpty {
            bytes += text("[user]\n")
            if !host.gitUser.name.isEmpty { bytes += text("\tname = ") + quoted(host.gitUser.name) + [0x0A] }
            if !host.gitUser.email.isEmpty { bytes += text("\temail = ") + quoted(host.gitUser.email) + [0x0A] }
        }
        bytes += text("[safe]\n")
        for root in [request.workspace] + policy.filesystem.write {
            bytes += text("\tdirectory = ") + quoted(request.inside(root)) + [0x0A]
        }
        return bytes
    }

    /// git-config(1), "Syntax": inside double quotes only `"`, `\`, newline, tab and backspace need a backslash.
    private func quoted(_ value: OSString) -> [UInt8] {
        var bytes: [UInt8] = [UInt8(ascii: "\"")]
        for byte in value.bytes {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
            case 0x0A: bytes += text("\\n")
            case 0x09: bytes += text("\\t")
            case 0x08: bytes += text("\\b")
            default: bytes.append(byte)
            }
        }
        return bytes + [UInt8(ascii: "\"")]
    }
}
