public import SandboxPlan

/// Files of `/etc` that are made for the place: nothing of the host's accounts, names or resolvers is in them.
public struct GeneratedSettings {
    /// Names in `/etc` that are made for every job: a policy cannot show the host's there.
    public static let names: [OSString] = [
        "passwd", "group", "hosts", "hostname", "nsswitch.conf", "gitconfig", "mtab",
    ]

    let policy: Policy
    let request: LaunchRequest
    let host: HostFacts
    let identity: IdentityPlan

    /// What is the same in every workspace.
    var files: [LaunchStep] {
        var files = [
            file("passwd", text(passwd)),
            file("group", text(group)),
            file("hosts", hosts),
            file("hostname", policy.process.hostname.bytes + [0x0A]),
            file("nsswitch.conf", text(switchboard)),
        ]
        // Unless the policy shows the host's own.
        if policy.network == .host && !host.resolverSettings.isEmpty && !policy.filesystem.etc.contains("resolv.conf") {
            files.append(file("resolv.conf", host.resolverSettings))
        }
        return files
    }

    /// It names the workspace.
    var gitconfig: LaunchStep { file("gitconfig", gitSettings) }

    private func file(_ name: OSString, _ contents: [UInt8]) -> LaunchStep {
        .writeFile(path: OSString("/etc").appending(name), contents: contents, mode: 0o444)
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
