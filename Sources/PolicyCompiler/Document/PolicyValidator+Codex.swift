import SandboxPlan

/// `[codex]`: the words that the Codex CLI and its hosts have for the same things.
///
/// They are read into the keys of this program and stand for them, so that a policy cannot say both. Codex's modes leave all
/// reads open; here only what is shown can be read, so that a folder that is to be read has to be named.
extension PolicyValidator {
    private enum Mode {
        case readOnly
        case workspaceWrite
        case fullAccess
    }

    /// Writes what the section says into `policy`.
    ///
    /// - Returns: whether it is full access.
    func codex(_ document: inout SectionReader, _ policy: inout Policy, hostAllowed: Bool) -> Bool {
        guard var section = document.section("codex") else { return false }
        refuseOtherWords(document)
        let isolation = section.boolean("fs_isolation")
        let words: [(word: String, value: Mode)] = [
            ("read-only", .readOnly), ("workspace-write", .workspaceWrite), ("danger-full-access", .fullAccess),
        ]
        let asked = section.choice("sandbox_mode", words)
        let isIsolated = isolation?.value ?? true
        let mode = asked?.value ?? (isIsolated ? .workspaceWrite : .fullAccess)
        checkIsolation(isIsolated, isSaid: isolation != nil, asked)

        let folders = allowedFolders(&section)
        var write = texts("writable_roots", &section)
        let roots = section.keyPath("writable_roots")
        let extra = section.keyPath("extra_allowed_dirs")
        for folder in folders where folder.isWritable { write.append(folder.path) }
        let network = section.boolean("network_access")
        if mode == .readOnly {
            for path in write {
                contradict(path.position, path.key, "sandbox_mode = \"read-only\"", "nothing is writable")
            }
            if let network, network.value {
                contradict(network.position, network.key, "sandbox_mode = \"read-only\"", "it has no network")
            }
        }
        if mode == .fullAccess {
            for path in write + folders.map(\.path) {
                contradict(path.position, path.key, "full access", "everything can be written and read anyway")
            }
        }

        let excluded = variables("scrub_env", &section, patterns: true)
        policy.environment.exclude += log.distinct(excluded)
        let set = assignments("env", &section)
        policy.environment.set += set
        section.finish()
        for key in ["env", "scrub_env"].map(section.keyPath) where mode == .fullAccess {
            if let position = log.keys[key] {
                contradict(position, key, "full access", "the caller's environment stays")
            }
        }
        if mode == .fullAccess {
            if let network, !network.value {
                contradict(network.position, network.key, "full access", "the host's network is there anyway")
            }
            if let key = policy.confinement.weakerKey, let position = log.keys[key.path] {
                contradict(position, key.path, "full access", "one confinement can be asked for")
            }
            say(.fullAccess, asked?.position ?? isolation?.position)
            return true
        }

        policy.workspace = mode == .readOnly ? .readOnly : .readWrite
        say(.workspaceAccess, asked?.position ?? isolation?.position ?? section.members.first?.keyPosition)
        policy.filesystem.write = log.distinct(paths(write))
        let read = folders.filter { !$0.isWritable }.map(\.path)
        policy.filesystem.read += log.distinct(paths(read))
        if !read.isEmpty { say(.read, log.keys[extra]) }
        if !write.isEmpty { say(.write, log.keys[roots] ?? log.keys[extra]) }
        // Both whole, so that neither settings nor credentials in them can be rewritten.
        let whole: [OSString] = [".git", ".codex"]
        policy.filesystem.protect += whole.filter { !policy.filesystem.protect.contains($0) }
        say(.protect, section.members.first?.keyPosition)
        if !excluded.isEmpty { say(.exclude, log.keys[section.keyPath("scrub_env")]) }
        if !set.isEmpty { say(.set, log.keys[section.keyPath("env")]) }
        if let network { setNetwork(network, hostAllowed, &policy) }
        return false
    }

    private func setNetwork(_ network: Located<Bool>, _ hostAllowed: Bool, _ policy: inout Policy) {
        say(.networkMode, network.position)
        policy.network = network.value ? .host : .off(loopback: true)
        if network.value && !hostAllowed {
            log.report(
                at: network.position,
                key: network.key,
                what: "true without danger.host_network = true",
                why: "the worker would reach everything this machine reaches",
                remedy: "leave it out, or add [danger] host_network = true"
            )
        }
    }

    /// `fs_isolation` and `sandbox_mode` say the same thing twice; where they differ, nobody knows which was meant.
    private func checkIsolation(_ isIsolated: Bool, isSaid: Bool, _ asked: Located<Mode>?) {
        guard let asked, isIsolated == (asked.value == .fullAccess) else { return }
        if !isSaid {
            log.report(
                at: asked.position,
                key: asked.key,
                what: "sandbox_mode = \"danger-full-access\" without fs_isolation = false",
                why: "fs_isolation is true where it is not written, and isolation leaves no full access",
                remedy: "write fs_isolation = false beside it, or another sandbox_mode"
            )
            return
        }
        log.report(
            at: asked.position,
            key: asked.key,
            what: "sandbox_mode = \"\(isIsolated ? "danger-full-access" : "read-only\" or \"workspace-write")\" beside "
                + "fs_isolation = \(isIsolated)",
            why: isIsolated ? "isolation on leaves no full access" : "isolation off leaves no confined mode",
            remedy: "write fs_isolation = \(!isIsolated), or another sandbox_mode"
        )
    }

    private func contradict(_ position: SourcePosition, _ key: String, _ other: String, _ why: String) {
        log.report(
            at: position,
            key: key,
            what: "given beside \(other)",
            why: "with \(other) \(why)",
            remedy: "remove it, or write sandbox_mode = \"workspace-write\""
        )
    }

    /// The same in two vocabularies could be two different things.
    private func refuseOtherWords(_ document: SectionReader) {
        let others = [
            "workspace.access", "filesystem.write", "network.mode", "network.loopback", "danger.full_access",
            "environment.set", "environment.exclude",
        ]
        for key in others {
            guard let position = log.keys[key] else { continue }
            log.report(
                at: position,
                key: key,
                what: "given beside [codex]",
                why: "its words say the same, and one of the two would be lost",
                remedy: "say it once"
            )
        }
    }

    private func say(_ key: PolicyKey, _ position: SourcePosition?) {
        log.found(key.path, at: position ?? SourcePosition(line: 1, column: 1))
    }

    // MARK: - Paths

    private struct Folder {
        var path: Located<String>
        var isWritable: Bool
    }

    private func texts(_ key: String, _ section: inout SectionReader) -> [Located<String>] {
        guard let texts = section.strings(key) else { return [] }
        log.bound(texts, to: PolicyRange.listLength, key: section.keyPath(key))
        return texts
    }

    /// `[{ path = "…", mode = "ro" }]`.
    private func allowedFolders(_ section: inout SectionReader) -> [Folder] {
        guard let member = section.member("extra_allowed_dirs") else { return [] }
        guard case .array(let elements) = member.node.value else {
            let _: String? = section.wrongType(member, wanted: "an array of tables with path and mode")
            return []
        }
        var folders: [Folder] = []
        for (index, element) in elements.enumerated() {
            let key = "\(section.keyPath("extra_allowed_dirs"))[\(index)]"
            guard case .table(let members) = element.value else {
                log.report(
                    at: element.position,
                    key: key,
                    what: element.value.typeName,
                    why: "every element must be a table",
                    remedy: "write { path = \"/a/folder\", mode = \"ro\" }"
                )
                continue
            }
            var reader = SectionReader(path: key, members: members, log: log)
            let path = reader.string("path")
            let mode = reader.choice("mode", [("ro", false), ("rw", true)])
            reader.finish()
            guard let path, let mode else {
                if path == nil && !members.contains(where: { $0.key == "path" })
                    || mode == nil && !members.contains(where: { $0.key == "mode" })
                {
                    log.report(
                        at: element.position,
                        key: key,
                        what: "path or mode missing",
                        why: "both decide what is given",
                        remedy: "write { path = \"/a/folder\", mode = \"ro\" }"
                    )
                }
                continue
            }
            folders.append(Folder(path: path, isWritable: mode.value))
        }
        return folders
    }

    /// Those that are one; the others are reported.
    private func paths(_ texts: [Located<String>]) -> [Located<OSString>] {
        var paths: [Located<OSString>] = []
        for text in texts { if let path = path(text) { paths.append(path) } }
        return paths
    }

    /// `~` and `~/x` mean the home of who runs it; `~user` nobody's.
    private func path(_ text: Located<String>) -> Located<OSString>? {
        var path = OSString(text.value)
        let isBelowHome = path == "~" || path.bytes.starts(with: "~/".utf8)
        if isBelowHome && home.isAbsolute { path = home.appending(OSString(path.bytes.dropFirst(2))) }
        guard path.isAbsolute, !path.bytes.contains(0), path.bytes.count <= PolicyRange.pathLength.upperBound,
            let normalised = path.normalised
        else {
            log.report(
                at: text.position,
                key: text.key,
                what: "\"\(text.value)\"",
                why: isBelowHome ? "no home is known here" : "it is not an absolute path without ..",
                remedy: "write the absolute path, or begin it with ~/"
            )
            return nil
        }
        return Located(value: normalised, position: text.position, key: text.key)
    }
}
