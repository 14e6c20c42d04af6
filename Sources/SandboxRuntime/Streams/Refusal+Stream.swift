internal import SandboxPlan

extension Refusal {
    /// A call on a standard stream that failed.
    init(stream name: String, call: String, errno: Int32) {
        self.init(
            stage: "process",
            step: call,
            subject: name,
            errno: errno,
            message: "\(name) could not be prepared for the job",
            remedy: "redirect it to a file, a pipe or /dev/null",
            layer: .descriptors
        )
    }

    /// A standard stream that no job may have.
    init(stream name: String, is what: String) {
        self.init(
            stage: "process",
            subject: name,
            message: "\(name) is \(what)",
            remedy: "redirect it to a file, a pipe or /dev/null",
            layer: .descriptors
        )
    }
}
