import Foundation
import SandboxTestSupport
import Testing

/// Threat list A14: whatever a caller may give as 0, 1 or 2 is refused with its reason, relayed, or a file that cannot be
/// opened again with other rights; and no flag that a job sets stays with the caller.
@Suite(.takesTurns, .timeLimit(.minutes(120)))
struct StreamKindTests {
    /// What becomes of a kind.
    enum Treatment: Equatable, Sendable {
        /// Nothing runs, and these words are said and recorded.
        case refused(String)
        /// The job gets a pipe of ours.
        case relayed
        /// The job gets the thing itself.
        case passed
        /// The job gets a terminal of the place.
        case terminal
        /// The caller had it closed; the job finds the null device.
        case absent
    }

    struct Kind: Sendable, CustomStringConvertible {
        var name: String
        var treatment: Treatment
        /// What the kind lets one do outside, besides being the very thing: then its absence inside says something.
        var control: [String] = []
        /// Acts that must be refused inside although the job has the thing.
        var closed: [String] = []
        /// Whether a line comes in by it (as 0), and one goes out (as 1 and 2).
        var gives = false
        var takes = false
        /// Which of 0, 1, 2.
        var numbers = [0, 1, 2]
        /// What some hosts have none of.
        var mayBeMissing = false
        var description: String { name }
    }

    private static let anonymous = "neither a pipe, a file, a socket nor a terminal"
    private static let path = "an O_PATH descriptor"
    private static let kernels = "a file of the kernel's"

    static let kinds = [
        Kind(name: "folder", treatment: .refused("a folder"), control: ["above", "above_by_link", "enter"]),
        Kind(name: "path-file", treatment: .refused(path), control: ["again_read"]),
        Kind(name: "path-folder", treatment: .refused(path), control: ["above", "again_read", "enter"]),
        Kind(name: "unix-stream", treatment: .relayed, control: ["socket"], gives: true, takes: true),
        Kind(name: "unix-datagram", treatment: .relayed, control: ["socket"], gives: true, takes: true),
        Kind(name: "unix-packets", treatment: .relayed, control: ["socket"], gives: true, takes: true),
        Kind(name: "tcp", treatment: .relayed, control: ["socket"], gives: true, takes: true),
        Kind(name: "udp", treatment: .relayed, control: ["socket"], gives: true, takes: true),
        Kind(name: "listener", treatment: .relayed, control: ["socket"]),
        Kind(name: "pipe-read", treatment: .relayed, control: ["again_read", "again_write"], gives: true),
        Kind(name: "pipe-write", treatment: .relayed, control: ["again_read", "again_write"], takes: true),
        Kind(name: "pipe-packets", treatment: .relayed, control: ["again_write"], gives: true),
        Kind(name: "fifo-both", treatment: .relayed, control: ["again_read", "again_write"], gives: true),
        Kind(name: "file-read", treatment: .passed, control: ["again_write"], closed: ["again_write"], gives: true),
        Kind(
            name: "file-write",
            treatment: .passed,
            control: ["again_read"],
            closed: ["again_read", "again_write"],
            takes: true
        ),
        Kind(
            name: "file-both",
            treatment: .passed,
            control: ["again_read", "again_write"],
            closed: ["again_read", "again_write"],
            gives: true,
            takes: true
        ),
        Kind(
            name: "file-append",
            treatment: .passed,
            control: ["again_read", "again_write"],
            closed: ["again_read", "again_write"],
            takes: true
        ),
        Kind(name: "unlinked-read", treatment: .relayed, control: ["again_write"], gives: true),
        Kind(name: "unlinked-both", treatment: .relayed, control: ["again_write"], takes: true),
        Kind(name: "memory-read", treatment: .relayed, control: ["again_write"], gives: true),
        Kind(name: "memory-both", treatment: .relayed, control: ["again_write"], takes: true),
        Kind(name: "temporary-both", treatment: .relayed, control: ["again_write"], takes: true),
        Kind(name: "eventfd", treatment: .refused(anonymous)),
        Kind(name: "timerfd", treatment: .refused(anonymous)),
        Kind(name: "inotify", treatment: .refused(anonymous)),
        Kind(name: "epoll", treatment: .refused(anonymous)),
        Kind(name: "pidfd", treatment: .refused("")),
        Kind(name: "landlock", treatment: .refused(anonymous)),
        Kind(name: "queue", treatment: .relayed),
        Kind(name: "namespace", treatment: .refused(kernels)),
        Kind(name: "proc-read", treatment: .refused(kernels), control: ["again_read"]),
        Kind(name: "proc-both", treatment: .refused(kernels), control: ["again_read", "again_write"]),
        Kind(name: "sys", treatment: .refused(kernels), control: ["again_read"]),
        Kind(name: "null", treatment: .passed),
        Kind(name: "zero", treatment: .passed),
        Kind(name: "device", treatment: .refused("the device"), mayBeMissing: true),
        Kind(name: "terminal-master", treatment: .relayed),
        Kind(name: "terminal", treatment: .terminal),
        Kind(name: "closed", treatment: .absent),
    ]

    static let cases = kinds.flatMap { kind in kind.numbers.map { (kind, $0) } }

    @Test(arguments: cases, Caller.available)
    func aJobGetsNothingMoreThanItWasGiven(given: (Kind, Int), caller: Caller) throws {
        try tryOut(given.0, given.1, caller)
    }

    @Test(
        .enabled(if: Caller.available.contains(.root), "only root can open a block device"),
        arguments: [0, 1, 2]
    )
    func aBlockDeviceIsRefused(number: Int) throws {
        let kind = Kind(
            name: "block",
            treatment: .refused("a block device"),
            control: ["again_read"],
            mayBeMissing: true
        )
        try tryOut(kind, number, .root)
    }

    // MARK: - One kind as one stream

    /// What the job said, by name.
    private func told(_ scene: Scene) throws -> [String: String] {
        let lines = try scene.text(of: scene.workspace + "/told").split(separator: "\n")
        return Dictionary(
            lines.map { line in
                let parts = line.split(separator: "=", maxSplits: 1)
                return (String(parts[0]), parts.count > 1 ? String(parts[1]) : "")
            },
            uniquingKeysWith: { $1 }
        )
    }

    private func host(_ kind: Kind, _ number: Int, _ command: [String], _ scene: Scene) throws -> RunResult {
        try scene.run(
            ["/usr/bin/python3", "-B", scene.program("stream-kinds.py"), kind.name, "\(number)"] + command,
            keeper: scene.caller.keeperOptions + ["--umask", "0"]
        )
    }

    private func tryOut(_ kind: Kind, _ number: Int, _ caller: Caller) throws {
        let control = try Scene(caller)
        let isUsed = number == 0 ? kind.gives : kind.takes
        let job = [control.program("hostile-stream"), "\(number)", "told", isUsed ? "use" : "leave"]
        // What a thing lets one do does not depend on its number.
        if number == 0 {
            let outside = try host(kind, number, job, control)
            if kind.mayBeMissing && outside.ending == .exited(3) { return warn(kind, outside) }
            let known = try told(control)
            if kind.treatment == .absent {
                #expect(known["identity"] == "EBADF", "no control: \(outside.story)")
            } else {
                #expect(known["identity"] == outside.values("identity").first, "no control: \(known) \(outside.story)")
                for act in kind.control { #expect(known[act] == "ok", "no control, \(act): \(known) \(outside.story)") }
            }
        }

        let scene = try Scene(caller)
        let result = try host(kind, number, scene.sandboxed(job), scene)
        if kind.mayBeMissing && result.ending == .exited(3) { return warn(kind, result) }
        #expect(result.left == 0 && result.zombies == 0, "\(result.story)")
        if case .refused(let words) = kind.treatment {
            #expect(result.values("status") == ["125"] && !scene.exists(scene.workspace + "/told"), "\(result.story)")
            // What is said goes to standard error, which may be the very thing; the record has it all the same.
            let name = ["stdin", "stdout", "stderr"][number]
            let holding = try scene.recordsHolding("\(name) is \(words)")
            #expect(holding.contains { $0.contains("stands in") }, "\(holding) \(result.story)")
            if number != 2 { #expect(result.errorText.contains("\(name) is \(words)"), "\(result.story)") }
            return
        }
        let found = try told(scene)
        #expect(result.values("status") == ["0"] && found["begin stream"] != nil, "\(found) \(result.story)")
        try compare(kind, number, found, result)
    }

    /// Not a failure and not a pass: the run says what this host could not show.
    private func warn(_ kind: Kind, _ result: RunResult) {
        Issue.record("\(kind): \(result.errorText)", severity: .warning)
    }

    private func compare(_ kind: Kind, _ number: Int, _ found: [String: String], _ result: RunResult) throws {
        let story = "\(found) \(result.story)"
        switch kind.treatment {
        case .refused: break
        case .absent:
            #expect(found["format"] == "20000" && found["above"] == "ENOTDIR", "\(story)")
        case .terminal, .relayed:
            #expect(found["identity"] != result.values("identity").first, "\(story)")
            #expect(found["format"] == (kind.treatment == .terminal ? "20000" : "10000"), "\(story)")
            #expect(found["socket"] == "ENOTSOCK" && found["above"] == "ENOTDIR", "\(story)")
            #expect(result.values("during") == ["same"] && result.values("after") == ["same"], "\(story)")
        case .passed:
            #expect(found["identity"] == result.values("identity").first, "\(story)")
            for act in kind.closed { #expect(found[act] == "EACCES", "\(act): \(story)") }
            #expect(found["set"] == "ok" && result.values("after") == ["same"], "\(story)")
        }
        if number == 0 && kind.gives {
            #expect(found["use"] == "ok" && found["bytes"] == "17", "nothing came in: \(story)")
        }
        if number > 0 && kind.takes {
            #expect(found["use"] == "ok" && result.outputText.contains("from the job\\n"), "nothing went out: \(story)")
        }
    }
}
