import SandboxPlan
import SandboxPolicy

/// A manager of tools that lives in a person's home, as `filesystem.toolchains` names it.
///
/// What of it is shown, read-only, at its own place, where its tools look for it, and which files in it hold credentials.
/// Only the usual folders: somebody who has moved them names them with `filesystem.read`.
struct Toolchain {
    var name: String
    /// Below the home.
    var folders: [OSString] { ToolchainFolders.all.first { $0.name == name }?.folders ?? [] }
    /// Patterns of files with credentials, below the home.
    var credentials: [OSString]
    /// Variables that name one of the folders, since HOME is another inside.
    var variables: [(name: OSString, folder: OSString)]

    static let all: [Toolchain] = [
        // credentials.toml and config.toml lie beside bin, in ~/.cargo itself (Cargo Book, Cargo Home): not shown.
        Toolchain(
            name: "rustup",
            credentials: [],
            variables: [("RUSTUP_HOME", ".rustup")]
        ),
        // npm's global and built-in settings, which may have a registry's token (npmrc(5)); versions before 0.12 and io.js
        // lie in .nvm itself.
        Toolchain(
            name: "nvm",
            credentials: [
                ".nvm/versions/*/*/etc/npmrc", ".nvm/versions/*/*/lib/node_modules/npm/npmrc", ".nvm/v*/etc/npmrc",
                ".nvm/v*/lib/node_modules/npm/npmrc",
            ],
            variables: [("NVM_DIR", ".nvm")]
        ),
        // pip's and conda's settings of one environment, which may have an index or a channel with a password (pip,
        // Configuration; conda, Searching for .condarc).
        Toolchain(
            name: "pyenv",
            credentials: ["pip.conf", ".condarc", "condarc", "condarc.d"].flatMap { (name: OSString) in
                [OSString(".pyenv/versions/*").appending(name), OSString(".pyenv/versions/*/envs/*").appending(name)]
            },
            variables: [("PYENV_ROOT", ".pyenv")]
        ),
        Toolchain(
            name: "swiftly",
            credentials: [],
            variables: [
                ("SWIFTLY_HOME_DIR", ".local/share/swiftly"), ("SWIFTLY_BIN_DIR", ".local/share/swiftly/bin"),
            ]
        ),
    ]
}

extension PolicyValidator {
    /// Puts `filesystem.toolchains` into the keys that it stands for: read, deny_globs and environment.set.
    func toolchains(_ document: SectionReader, _ policy: inout Policy) {
        guard case .table(let members) = document.members.first(where: { $0.key == "filesystem" })?.node.value else {
            return  // reported, if it is something else
        }
        var section = SectionReader(path: "filesystem", members: members, log: log)
        guard let names = section.strings("toolchains") else { return }
        var chains: [Located<Toolchain>] = []
        for name in names {
            // Another word is reported.
            guard let chain = word(name) else { continue }
            chains.append(Located(value: chain, position: name.position, key: name.key))
        }
        if chains.isEmpty { return }
        guard home.isAbsolute else {
            log.report(
                at: chains[0].position,
                key: chains[0].key,
                what: "\"\(chains[0].value.name)\"",
                why: "no home is known here",
                remedy: "set HOME, or name the folders in filesystem.read"
            )
            return
        }
        _ = log.distinct(chains.map { Located(value: $0.value.name, position: $0.position, key: $0.key) })
        // Beside what is shown already: the key says what is added, not what there is in all.
        if log.keys[PolicyKey.read.path] == nil { policy.filesystem.read = base.filesystem.read }
        for chain in chains.map(\.value) {
            for folder in chain.folders.map(home.appending) where !policy.filesystem.read.contains(folder) {
                policy.filesystem.read.append(folder)
            }
            for pattern in chain.credentials.map(home.appending) {
                if let why = DenyPattern.defect(pattern) { reportHome(chain, why) }
                policy.filesystem.denyGlobs.append(pattern)
            }
            for variable in chain.variables where !policy.environment.set.contains(where: { $0.name == variable.name })
            {
                policy.environment.set.append(
                    EnvironmentEntry(name: variable.name, value: home.appending(variable.folder))
                )
            }
        }
        policy.environment.set.sort { $0.name < $1.name }
        let position = log.keys["filesystem.toolchains"] ?? chains[0].position
        for key in [PolicyKey.read, .denyGlobs, .set] where log.keys[key.path] == nil {
            log.found(key.path, at: position)
        }
    }

    /// A home of which a pattern cannot be made: what is to be denied in it would be shown.
    private func reportHome(_ chain: Toolchain, _ why: String) {
        let key = "filesystem.toolchains"
        if log.problems.contains(where: { $0.key == key && $0.what == "\"\(chain.name)\" in the home \(home)" }) {
            return
        }
        log.report(
            at: log.keys[key] ?? SourcePosition(line: 1, column: 1),
            key: key,
            what: "\"\(chain.name)\" in the home \(home)",
            why: "its files with credentials cannot be named by patterns there: \(why)",
            remedy: "name its folders in filesystem.read, and what is to be denied in filesystem.deny"
        )
    }

    private func word(_ name: Located<String>) -> Toolchain? {
        SectionReader(path: "", members: [], log: log).word(name, among: Toolchain.all.map { ($0.name, $0) })
    }
}
