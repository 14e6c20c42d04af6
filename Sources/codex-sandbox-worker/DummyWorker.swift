/// The worker that needs nothing: writes the example project, whatever the instruction says.
enum DummyWorker {
    static func perform(
        _ request: JobRequest,
        in workspace: inout Workspace,
        log: inout JobLog
    ) throws(WorkerError) -> String {
        log.add("dummy worker used: no model was asked, the instruction was not read")
        log.add("job_type=\(request.type.rawValue)")
        for file in ExampleProject.files {
            try workspace.put(file.bytes, at: file.path, .always)
            log.add("wrote \(file.path.text)")
        }
        // Clients of the API look for the three names among the created ones after an edit, too.
        workspace.listAllAsCreated()
        return "The dummy worker wrote the example: a Python program that prints Fibonacci numbers."
    }
}
