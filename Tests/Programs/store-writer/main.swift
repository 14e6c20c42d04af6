// Uses a store as a server does, in a process of its own that a test can kill or limit.
//
// Usage: store-writer write DATABASE          adds projects until it is killed, and says each id behind its call
//        store-writer hold DATABASE           opens it, says `open`, and waits for the end of its input
//        store-writer full DATABASE BYTES     writes until a file may not grow beyond BYTES, and again without that limit
//        store-writer full DATABASE FILE      writes until there is no room, and again without FILE
//        store-writer measure DATABASE COUNT  times COUNT calls of each kind
// An error is said as `error KIND MESSAGE`, and ends it with 3.

import Glibc
import WorkspaceStore

func report(_ text: String) {
    let bytes = Array((text + "\n").utf8)
    guard write(STDOUT_FILENO, bytes, bytes.count) == bytes.count else { exit(4) }
}

func identifier() -> String {
    func digits(_ number: UInt64, _ count: Int) -> String {
        let text = String(number, radix: 16)
        return String(repeating: "0", count: max(0, count - text.count)) + text.suffix(count)
    }
    let (high, low) = (UInt64.random(in: 0...UInt64.max), UInt64.random(in: 0...UInt64.max))
    return "\(digits(high >> 32, 8))-\(digits(high >> 16 & 0xffff, 4))-4\(digits(high & 0xfff, 3))"
        + "-a\(digits(low >> 52, 3))-\(digits(low & 0xffff_ffff_ffff, 12))"
}

func add(to store: SQLiteStore) throws(StoreError) -> String {
    let now = StoredTime.now()
    let project = Project(
        id: identifier(),
        instruction: "Write a program.",
        status: .queued,
        createdAt: now,
        updatedAt: now
    )
    var job = Job(
        id: identifier(),
        projectID: project.id,
        type: .initialProject,
        instruction: project.instruction,
        status: .queued,
        createdAt: now,
        updatedAt: now
    )
    try store.add(project, firstJob: job)
    job.status = .inProgress
    job.startedAt = now
    let output = [UInt8](repeating: 120, count: 2000)
    try store.update(
        job,
        projectStatus: .inProgress,
        projectSummary: nil,
        events: [
            JobEvent(number: 1, kind: .state, at: now, data: Array("in_progress".utf8)),
            JobEvent(number: 2, kind: .stdout, at: now, data: output),
        ]
    )
    return project.id
}

/// What `count` calls took on average, by the clock and of the processor.
func time(_ what: String, _ count: Int, _ body: (Int) throws -> Void) rethrows {
    let processor = clock()
    let elapsed = try ContinuousClock().measure { for index in 0..<count { try body(index) } }
    let used = clock() - processor
    let each =
        (Double(elapsed.components.seconds) * 1e6 + Double(elapsed.components.attoseconds) / 1e12) / Double(count)
    report("\(what): \(Int(each.rounded())) µs, of the processor \(Int((Double(used) / Double(count)).rounded())) µs")
}

func measure(_ store: SQLiteStore, _ count: Int) throws {
    let now = StoredTime.now()
    try time("add(project, firstJob)", count) { index in
        let time = StoredTime(microseconds: now.microseconds + Int64(index))
        let project = Project(
            id: identifier(),
            instruction: "Write a program.",
            status: .queued,
            createdAt: time,
            updatedAt: time
        )
        try store.add(
            project,
            firstJob: Job(
                id: identifier(),
                projectID: project.id,
                type: .initialProject,
                instruction: project.instruction,
                status: .queued,
                createdAt: time,
                updatedAt: time
            )
        )
    }
    try time("projects(limit: 100)", 500) { _ in _ = try store.projects(limit: 100, after: nil) }
    let first = try store.projects(limit: 1, after: nil)[0]
    try time("project(id)", count) { _ in _ = try store.project(first.id) }
    let job = try store.jobs(of: first.id, limit: 1, after: nil)[0]
    let data = [UInt8](repeating: 120, count: 200)
    try time("add(one event of 200 bytes)", count) { index in
        try store.add([JobEvent(number: Int64(index + 1), kind: .stdout, at: now, data: data)], to: job.id)
    }
    try time("events(limit: 1000)", 50) { _ in _ = try store.events(of: job.id, after: 0, limit: 1000) }
    try time("update(job)", count) { _ in try store.update(job, projectStatus: nil, projectSummary: nil, events: []) }
}

func main() throws {
    let arguments = CommandLine.arguments
    guard arguments.count >= 3 else {
        report("usage: store-writer write|hold|full|measure DATABASE [NUMBER]")
        exit(2)
    }
    let number = arguments.count > 3 ? Int(arguments[3]) ?? 0 : 0
    let opening = ContinuousClock().now
    let store = try SQLiteStore(try DatabaseURL("sqlite:///" + arguments[2]))
    switch arguments[1] {
    case "write":
        report("open")
        while true { report(try add(to: store)) }
    case "hold":
        report("open")
        var byte: UInt8 = 0
        while read(STDIN_FILENO, &byte, 1) > 0 {}
        store.close()
    case "full":
        signal(SIGXFSZ, SIG_IGN)
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
        let before = limit
        if number > 0 { limit.rlim_cur = rlim_t(number) }
        setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
        var kept = 0
        do throws(StoreError) {
            while true {
                _ = try add(to: store)
                kept += 1
            }
        } catch {
            report("\(error.kind) \(error.message)\n kept \(kept)".split(separator: "\n").joined())
        }
        limit = before
        setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
        if number == 0 { unlink(arguments[3]) }
        _ = try add(to: store)
        report("again \(try store.countProjects())")
        store.close()
        try DatabaseAdministration(DatabaseURL("sqlite:///" + arguments[2]), tool: "store-writer").check()
        report("sound")
    case "measure":
        report("opening: \(ContinuousClock().now - opening)")
        try measure(store, number)
        store.close()
    default:
        report("usage: store-writer write|hold|full|measure DATABASE [NUMBER]")
        exit(2)
    }
}

do {
    try main()
} catch let error as StoreError {
    report("error \(error.kind) \(error)")
    exit(3)
} catch {
    report("error \(error)")
    exit(3)
}
