internal import CShims
public import SandboxPlan

/// Turns a `ProcessPlan` into the flat bytes of one spawn request (`struct cs_spawn`).
public enum SpawnLowering {
    /// - Parameters:
    ///   - process: what is started.
    ///   - filter: the seccomp program it installs.
    ///   - ownTerminal: whether it makes a terminal of its own for all three streams.
    /// - Returns: the bytes.
    public static func lowered(
        _ process: ProcessPlan,
        filter: SeccompProgram,
        ownTerminal: Bool = false
    ) -> [UInt8] {
        var writer = FlatWriter(reserving: MemoryLayout<cs_spawn>.size)
        var header = cs_spawn()
        func table(_ strings: [OSString]) -> UInt32 {
            let offsets = strings.map { UInt64(writer.string($0).offset) }
            return writer.append(offsets)
        }
        header.magic = UInt64(CS_SPAWN_MAGIC)
        header.argument_count = UInt32(process.arguments.count)
        header.arguments = table(process.arguments)
        header.environment_count = UInt32(process.environment.count)
        header.environment = table(
            process.environment.map { OSString($0.name.bytes + [UInt8(ascii: "=")] + $0.value.bytes) }
        )
        header.candidate_count = UInt32(process.candidates.count)
        header.candidates = table(process.candidates)
        header.working_directory = writer.string(process.workingDirectory).offset
        var filter = process.reportsDenials ? filter.asking : filter
        if let narrow = process.narrowing {
            filter = filter.refusing(narrow.refusedCalls, narrow.argumentRules)
            header.narrow = 1
            header.narrow_folder = writer.string(narrow.folder).offset
            let rules = narrow.landlock.rules.map { rule in
                let path = writer.string(rule.path)
                let isFolder = narrow.folders.contains(rule.path)
                let access = isFolder ? rule.access | CS_RULE_FOLDER : rule.access
                return cs_rule(path: path.offset, path_length: path.length, access: access, device: 0, inode: 0)
            }
            header.narrow_rules = writer.append(rules)
            header.narrow_rule_count = UInt32(rules.count)
            header.narrow_abi = narrow.landlock.abi
            header.narrow_filesystem = narrow.landlock.handledFilesystem
            header.narrow_network = narrow.landlock.handledNetwork
            header.narrow_scoped = narrow.landlock.scoped
        }
        header.filter_count = UInt32(filter.instructions.count)
        header.filter = writer.append(filter.instructions)
        header.listens = process.reportsDenials ? 1 : 0
        header.terminal = process.terminal.map { UInt32($0) + 1 } ?? 0
        header.own_terminal = ownTerminal ? 1 : 0
        writer.terminate()
        header.total = UInt32(writer.bytes.count)
        writer.overwrite(header, at: 0)
        return writer.bytes
    }
}
