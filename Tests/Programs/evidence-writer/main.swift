// Appends the records of COUNT launches that were refused, as a launcher would, each about SIZE bytes long.
//
// Usage: evidence-writer STATE WORKSPACE COUNT SIZE
// Says `kept N` with the number of records that were kept; exits 3 after the first that was not, with the reason.

import Glibc
import SandboxPlan
import SandboxRuntime

func report(_ text: String) {
    _ = (text + "\n").withCString { write(STDOUT_FILENO, $0, strlen($0)) }
}

let arguments = CommandLine.arguments
guard arguments.count == 5, let count = Int(arguments[3]), let size = Int(arguments[4]) else {
    report("usage: evidence-writer STATE WORKSPACE COUNT SIZE")
    exit(2)
}
let location = EvidenceLocation(stateFolder: OSString(arguments[1]), workspace: OSString(arguments[2]))
let refusal = Refusal(stage: "plan", message: String(repeating: "x", count: size), remedy: "none: this is a test")
var kept = 0
do {
    for _ in 0..<count {
        let started = Timestamp.now
        let context = PreparedContext(
            LaunchContext(
                id: try LaunchID.random(at: started),
                toolVersion: "0.0.0",
                startedAt: started,
                supervisor: .current,
                workspace: RecordedWorkspace(path: OSString(arguments[2])),
                arguments: ["true"]
            )
        )
        var store = try EvidenceStore(opening: location)
        try store.appendRefused(context, refusal, proof: .noProcess, exitStatus: 125)
        kept += 1
    }
    report("kept \(kept)")
} catch let error as EvidenceError {
    report("kept \(kept)")
    report("\(error.message); \(error.remedy)")
    exit(3)
}
