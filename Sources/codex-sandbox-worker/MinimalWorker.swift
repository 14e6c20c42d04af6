/// The worker that stands for a model in the live suite: knows some instructions by their words.
enum MinimalWorker {
    static func perform(
        _ request: JobRequest,
        in workspace: inout Workspace,
        log: inout JobLog
    ) throws(WorkerError) -> String {
        for line in Environment.presenceLines() { log.add(line) }
        log.add("job_type=\(request.type.rawValue)")
        log.add("minimal worker used")
        let instruction = request.instruction
        if instruction.says(anyOf: ["force_error", "error:"]) {
            throw WorkerError(.forcedError, "the instruction asks for an error")
        }
        if instruction.says("long_run") {
            try LongRun.fromEnvironment().wait { log.add($0) }
        }
        switch request.type {
        case .initialProject:
            for file in ExampleProject.files { try workspace.put(file.bytes, at: file.path) }
            tell(workspace, &log)
            return "Wrote a Python program that prints the first 10 Fibonacci numbers, and its test."
        case .edit:
            let edit = Edit(instruction)
            log.add("edit: \(edit.name)")
            try edit.apply(instruction, to: &workspace)
            tell(workspace, &log)
            let changed = workspace.created + workspace.modified
            guard !changed.isEmpty else { return "Nothing to change: \(edit.name)." }
            return "Edited \(changed.joined(separator: ", ")): \(edit.name)."
        }
    }

    private static func tell(_ workspace: borrowing Workspace, _ log: inout JobLog) {
        for path in workspace.created { log.add("created \(path)") }
        for path in workspace.modified { log.add("modified \(path)") }
        if workspace.created.isEmpty && workspace.modified.isEmpty { log.add("nothing changed") }
    }
}
