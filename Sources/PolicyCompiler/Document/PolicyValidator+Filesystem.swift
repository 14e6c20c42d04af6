import SandboxPlan
import SandboxPolicy

/// `[filesystem]`: what of the host is there, and how.
extension PolicyValidator {
    func filesystem(_ document: inout SectionReader) -> FilesystemPolicy {
        var policy = PolicyDefaults.nothing(named: name).filesystem
        guard var section = document.section("filesystem") else { return policy }
        if let system = paths("system", &section) { policy.system = log.distinct(system) }
        if let etc = names("etc", &section, below: "/etc") {
            refuseGenerated(etc)
            policy.etc = log.distinct(etc)
        }

        let read = paths("read", &section)
        let write = paths("write", &section)
        let deny = paths("deny", &section)
        policy.read = log.distinct(read ?? [])
        policy.write = log.distinct(write ?? [])
        policy.deny = log.distinct(deny ?? [])
        // Against what the document builds on, too: only its own words have a place to be reported at.
        let under = base.filesystem
        let oneWay = "a path is either read-only or writable"
        refuseContradiction(write, read ?? inherited(under.read, "filesystem.read"), why: oneWay)
        if write == nil { refuseContradiction(read, inherited(under.write, "filesystem.write"), why: oneWay) }
        for (shown, key, why) in [
            (read, "read", "a path is either shown or covered"),
            (write, "write", "a path is either writable or covered"),
        ] {
            let all = shown ?? inherited(key == "read" ? under.read : under.write, "filesystem.\(key)")
            refuseContradiction(deny, all, why: why)
            refuseContradiction(shown, inherited(under.deny, "filesystem.deny"), why: why)
        }
        policy.unixSockets = log.distinct(paths("unix_sockets", &section) ?? [])

        policy.denyGlobs = log.distinct(patterns(&section))
        // `toolchains` needs the environment, too; here it is only known.
        _ = section.member("toolchains")

        // A file can only add protection: what is trusted later by the host does not depend on who wrote the policy.
        policy.protect = log.distinct(names("protect", &section, below: "a writable root") ?? [])
        if let except = names("except", &section, below: "a writable root") {
            policy.except = log.distinct(refusingUnprotected(except, under.protect + policy.protect))
        }
        if let cover = coverMissing(&section, protected: under.protect + policy.protect) { policy.coverMissing = cover }

        let onNew = section.choice("on_new", [OnNew.report, .remove, .fail].map { (word: $0.word, value: $0) })
        if let onNew { policy.onNew = onNew.value }
        if let size = section.byteCount("tmp_size", in: PolicyRange.tmpSize) { policy.tmpSize = size }
        if let inodes = section.integer("tmp_inodes", in: PolicyRange.tmpInodes) { policy.tmpInodes = inodes }
        section.finish()
        return policy
    }

    /// An exception from nothing would be believed to mean something.
    private func refusingUnprotected(_ names: [Located<OSString>], _ protected: [OSString]) -> [Located<OSString>] {
        for name in names where !protected.contains(where: { name.value.isWithin($0) && name.value != $0 }) {
            log.report(
                at: name.position,
                key: name.key,
                what: "\"\(name.value)\"",
                why: "it lies in no protected name",
                remedy: "leave it out, or protect the folder it lies in"
            )
        }
        return names
    }

    /// Paths of another text: their own places are not this one's to name.
    private func inherited(_ paths: [OSString], _ key: String) -> [Located<OSString>] {
        paths.map {
            Located(value: $0, position: SourcePosition(line: 0, column: 0), key: "\(key) of what it is put over")
        }
    }

    /// The place has its own there, and a launch would find something in its way.
    private func refuseGenerated(_ names: [Located<OSString>]) {
        for name in names where GeneratedSettings.names.contains(name.value) {
            log.report(
                at: name.position,
                key: name.key,
                what: "\"\(name.value)\"",
                why: "every job gets an /etc/\(name.value) that is made for it",
                remedy: name.value == "mtab"
                    ? "leave it out" : "leave it out; `read = [\"/etc/\(name.value)\"]` shows the host's instead"
            )
        }
    }

    /// Absolute paths, normalised.
    private func paths(_ key: String, _ section: inout SectionReader) -> [Located<OSString>]? {
        guard let texts = section.strings(key) else { return nil }
        log.bound(texts, to: PolicyRange.listLength, key: section.keyPath(key))
        var paths: [Located<OSString>] = []
        for text in texts {
            let path = OSString(text.value)
            guard let why = defect(of: path, absolute: true) else {
                // `defect` has looked at everything that `normalised` refuses.
                paths.append(Located(value: path.normalised ?? path, position: text.position, key: text.key))
                continue
            }
            log.report(
                at: text.position,
                key: text.key,
                what: "\"\(text.value)\"",
                why: why,
                remedy: "write the absolute path, without .. and without ~"
            )
        }
        return paths
    }

    private func patterns(_ section: inout SectionReader) -> [Located<OSString>] {
        guard let texts = section.strings("deny_globs") else { return [] }
        log.bound(texts, to: PolicyRange.listLength, key: section.keyPath("deny_globs"))
        var patterns: [Located<OSString>] = []
        for text in texts {
            let pattern = OSString(text.value)
            guard let why = DenyPattern.defect(pattern) else {
                patterns.append(Located(value: pattern, position: text.position, key: text.key))
                continue
            }
            log.report(
                at: text.position,
                key: text.key,
                what: "\"\(text.value)\"",
                why: why,
                remedy: "write names with * and ?, and ** for folders"
            )
        }
        return patterns
    }

    /// Relative names, without `.` and double slashes.
    private func names(_ key: String, _ section: inout SectionReader, below folder: String) -> [Located<OSString>]? {
        guard let texts = section.strings(key) else { return nil }
        log.bound(texts, to: PolicyRange.listLength, key: section.keyPath(key))
        var names: [Located<OSString>] = []
        for text in texts {
            let name = OSString(text.value)
            guard let why = defect(of: name, absolute: false) else {
                let normal = name.components.dropFirst().reduce(name.components[0]) { $0.appending($1) }
                names.append(Located(value: normal, position: text.position, key: text.key))
                continue
            }
            log.report(
                at: text.position,
                key: text.key,
                what: "\"\(text.value)\"",
                why: why,
                remedy: "write the name as seen from \(folder), without .."
            )
        }
        return names
    }

    /// Why a path cannot stand; nil if it can.
    private func defect(of path: OSString, absolute: Bool) -> String? {
        if path.isEmpty { return "a path cannot be empty" }
        if path.bytes.contains(0) { return "a path cannot hold NUL" }
        if path.bytes.count > PolicyRange.pathLength.upperBound { return "a path has at most 4095 bytes" }
        if path.components.contains("..") { return "where .. leads depends on links that can change" }
        if absolute {
            if path.bytes.first == UInt8(ascii: "~") { return "whose home ~ means depends on who runs it" }
            if !path.isAbsolute { return "a relative path depends on where it is run" }
        } else {
            if path.isAbsolute { return "this list has relative names" }
            if path.components.isEmpty { return "it names the folder itself" }
        }
        return nil
    }

    private func coverMissing(_ section: inout SectionReader, protected: [OSString]) -> [OSString]? {
        guard let names = names("cover_missing", &section, below: "a writable root") else { return nil }
        for name in names where !protected.contains(name.value) {
            log.report(
                at: name.position,
                key: name.key,
                what: "\"\(name.value)\"",
                why: "only a protected name can be covered when it is missing",
                remedy: "add it to filesystem.protect as well"
            )
        }
        for name in names where name.value.containsSlash {
            log.report(
                at: name.position,
                key: name.key,
                what: "\"\(name.value)\"",
                why: "a cover stands directly in the root",
                remedy: "write a name without a slash"
            )
        }
        log.bound(names, to: PolicyRange.coverMissing, key: section.keyPath("cover_missing"))
        return log.distinct(names)
    }

    /// Reports each path of the first list that is in the second.
    private func refuseContradiction(
        _ paths: [Located<OSString>]?,
        _ others: [Located<OSString>],
        why: String
    ) {
        for path in paths ?? [] {
            guard let other = others.first(where: { $0.value == path.value }) else { continue }
            log.report(
                at: path.position,
                key: path.key,
                what: "\"\(path.value)\" stands in \(other.key) too",
                why: why,
                remedy: "remove it from one of the two"
            )
        }
    }
}

extension ProblemLog {
    /// The values in order; a value that comes twice is reported.
    func distinct<Value: Hashable>(_ values: [Located<Value>]) -> [Value] {
        var seen: Set<Value> = []
        for value in values where !seen.insert(value.value).inserted {
            report(
                at: value.position,
                key: value.key,
                what: "\"\(value.value)\" for the second time",
                why: "a list has each entry once",
                remedy: "remove one of the two"
            )
        }
        return values.map(\.value)
    }

    /// Reports the first entry beyond the most there can be.
    func bound<Value>(_ values: [Located<Value>], to range: ClosedRange<Int>, key: String) {
        guard values.count > range.upperBound else { return }
        report(
            at: values[range.upperBound].position,
            key: key,
            what: "\(values.count) entries",
            why: "there can be at most \(range.upperBound)",
            remedy: "shorten the list"
        )
    }
}
