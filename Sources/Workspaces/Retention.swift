public import SandboxPlan
public import WorkspaceStore

/// What is removed by itself; nothing where nothing is said.
public struct RetentionSettings: Hashable, Sendable {
    /// A project goes when nothing of it has changed for so long.
    public var projectAge: TimeSpan?
    /// The longest unchanged projects go until the others' folders take no more than this.
    public var projectSize: ByteCount?
    /// The output of a job goes so long after its end.
    public var logAge: TimeSpan?
    /// The oldest output goes until what is kept of all jobs is no more than this.
    public var logSize: ByteCount?

    public init() {}

    public var isEmpty: Bool { self == RetentionSettings() }

    /// The same without ages, for when the clock is not to be believed.
    public var withoutAges: RetentionSettings {
        var settings = self
        settings.projectAge = nil
        settings.logAge = nil
        return settings
    }
}

/// Something that is to go, and why.
public struct Removal: Hashable, Sendable {
    public enum Reason: String, Hashable, Sendable {
        case age
        case size
        /// Enough newer ones are there.
        case number
        /// The one or the other.
        case ageOrNumber = "age,number"
    }

    public enum What: Hashable, Sendable {
        case project(IdleProject)
        case log(KeptLog)
    }

    public var what: What
    public var reason: Reason
    /// Of the disk, or of output.
    public var bytes: UInt64
    /// When it was last changed, or the job ended.
    public var since: StoredTime

    public var project: String {
        switch what {
        case .project(let project): project.id
        case .log(let log): log.project
        }
    }

    /// Nil for a whole project.
    public var job: String? {
        switch what {
        case .project: nil
        case .log(let log): log.job
        }
    }
}

/// Decides what goes; does nothing.
struct RetentionPlan {
    /// A project at rest, as it lies on the disk.
    struct Used {
        var project: IdleProject
        var bytes: UInt64
        /// Of its row or of anything in its folder.
        var changed: StoredTime
    }

    var settings: RetentionSettings
    var now: StoredTime

    /// What is from before this moment is old; nil without an age.
    func limit(_ age: TimeSpan?) -> StoredTime? {
        age.map { StoredTime(microseconds: now.microseconds - Int64($0.milliseconds) * 1000) }
    }

    func projects(_ used: [Used]) -> [Removal] {
        choose(used.map { (.project($0.project), $0.bytes, $0.changed) }, settings.projectAge, settings.projectSize)
    }

    /// Without those of projects that go as a whole.
    func logs(_ logs: [KeptLog], without projects: Set<String>) -> [Removal] {
        let rest = logs.filter { !projects.contains($0.project) }
        return choose(rest.map { (.log($0), UInt64($0.bytes), $0.endedAt) }, settings.logAge, settings.logSize)
    }

    /// The oldest first; what a size asks for goes on where the age has stopped.
    private func choose(
        _ things: [(what: Removal.What, bytes: UInt64, since: StoredTime)],
        _ age: TimeSpan?,
        _ size: ByteCount?
    ) -> [Removal] {
        let limit = limit(age)
        var left = things.reduce(UInt64(0)) { $0 &+ $1.bytes }
        var removals: [Removal] = []
        for thing in things.sorted(by: { $0.since < $1.since }) {
            let isOld = limit.map { thing.since < $0 } ?? false
            let isTooMuch = size.map { left > $0.bytes } ?? false
            guard isOld || isTooMuch else { break }
            left -= thing.bytes
            removals.append(
                Removal(what: thing.what, reason: isOld ? .age : .size, bytes: thing.bytes, since: thing.since)
            )
        }
        return removals
    }
}
