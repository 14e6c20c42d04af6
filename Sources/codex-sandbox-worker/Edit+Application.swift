extension Edit {
    /// Makes the edit; one that is made already changes nothing, but a comment is added each time.
    func apply(_ instruction: Instruction, to workspace: inout Workspace) throws(WorkerError) {
        switch self {
        case .readmeNewline: try Edit.endReadme(in: &workspace)
        case .comment: try Edit.addComment(instruction.commentText, in: &workspace)
        case .addUtilities: try Edit.addUtilities(in: &workspace)
        case .useUtilities: try Edit.change(in: &workspace) { $0.usesUtilities = true }
        case .split: try Edit.change(in: &workspace) { $0.isSplit = true }
        case .refactor: try Edit.change(in: &workspace) { $0.isRefactored = true }
        case .count(let count): try Edit.change(in: &workspace) { $0.count = count }
        case .arguments:
            try Edit.change(in: &workspace) { $0.takesArguments = true }
            try Edit.addSection(ExampleProject.argumentUsage, unless: ExampleProject.argumentExample, in: &workspace)
        case .usage:
            try Edit.addSection(ExampleProject.usage, unless: "## Usage", in: &workspace)
            if try workspace.contents(of: ExampleProject.changelogPath) == nil {
                let text = ExampleProject.changelog(on: Timestamp.now().date)
                try workspace.put(Array(text.utf8), at: ExampleProject.changelogPath)
            }
        case .pages:
            for (name, text) in ExampleProject.pages {
                try workspace.put(Array(text.utf8), at: Workspace.Path(name, in: "docs"))
            }
        }
    }

    // MARK: - The program

    private static func change(
        in workspace: inout Workspace,
        _ change: (inout FibonacciProgram) -> Void
    ) throws(WorkerError) {
        var program = FibonacciProgram()
        if let text = try workspace.contents(of: ExampleProject.programPath), !text.withoutTrailingSpace.isEmpty {
            guard let known = FibonacciProgram(reading: text) else {
                throw WorkerError(
                    .unrecognisedFile,
                    "app.py is not as this worker writes it, and is not rewritten; an initial_project job makes it anew"
                )
            }
            program = known
        }
        change(&program)
        try put(program, in: &workspace)
    }

    /// Writes the program with all it imports: modules first, so that it can be run at any moment.
    private static func put(_ program: FibonacciProgram, in workspace: inout Workspace) throws(WorkerError) {
        if program.isSplit {
            if let module = try workspace.contents(of: ExampleProject.fibonacciPath), !isOurs(module) {
                throw WorkerError(
                    .unrecognisedFile,
                    "fibonacci.py is not as this worker writes it, and is not rewritten; rename or remove it"
                )
            }
            try workspace.put(program.module, at: ExampleProject.fibonacciPath)
        }
        if program.usesUtilities { try addUtilities(in: &workspace) }
        try workspace.put(program.text, at: ExampleProject.programPath)
    }

    private static func isOurs(_ module: [UInt8]) -> Bool {
        var refactored = FibonacciProgram()
        refactored.isRefactored = true
        return module.isEmpty || module == FibonacciProgram().module || module == refactored.module
    }

    private static func addComment(_ comment: String, in workspace: inout Workspace) throws(WorkerError) {
        let text = try workspace.contents(of: ExampleProject.programPath) ?? []
        var program = FibonacciProgram()
        if !text.withoutTrailingSpace.isEmpty {
            guard let known = FibonacciProgram(reading: text) else {
                var changed = text
                if changed.last != 0x0A { changed.append(0x0A) }
                // In the first two lines a comment can name the encoding of the file (PEP 263).
                while changed.lines.count < 3 { changed.append(0x0A) }
                return try workspace.put(
                    changed + Array("# Edit: \(comment)\n".utf8),
                    at: ExampleProject.programPath
                )
            }
            program = known
        }
        program.addComment(comment)
        try put(program, in: &workspace)
    }

    /// Makes sure that `utils.py` has its function; what else is there stays.
    private static func addUtilities(in workspace: inout Workspace) throws(WorkerError) {
        let text = try workspace.contents(of: ExampleProject.utilitiesPath) ?? []
        guard !text.hasLine(startingWith: "def format_sequence(") else { return }
        let before = text.withoutTrailingSpace
        let function = Array(ExampleProject.utilityFunction.utf8)
        let start = Array("\"\"\"What several programs need.\"\"\"".utf8)
        let changed = (before.isEmpty ? start : before) + [0x0A, 0x0A, 0x0A] + function
        try workspace.put(changed, at: ExampleProject.utilitiesPath)
    }

    // MARK: - Texts

    private static func endReadme(in workspace: inout Workspace) throws(WorkerError) {
        guard let text = try workspace.contents(of: ExampleProject.readmePath) else {
            return try workspace.put(Array("# README\n".utf8), at: ExampleProject.readmePath)
        }
        guard !text.isEmpty, text.last != 0x0A else { return }
        try workspace.put(text + [0x0A], at: ExampleProject.readmePath)
    }

    /// Adds a section to the end of README.md where no line starts with `mark`.
    private static func addSection(
        _ section: String,
        unless mark: String,
        in workspace: inout Workspace
    ) throws(WorkerError) {
        let text = try workspace.contents(of: ExampleProject.readmePath) ?? []
        guard !text.hasLine(startingWith: mark) else { return }
        let before = text.withoutTrailingSpace
        let changed = (before.isEmpty ? [] : before + [0x0A, 0x0A]) + Array(section.utf8)
        try workspace.put(changed, at: ExampleProject.readmePath)
    }
}
