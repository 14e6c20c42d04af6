internal import WorkspaceStore

/// Which job is next: in the order of asking, one of a project at a time, so many in all.
struct JobQueue {
    struct Entry: Hashable {
        var job: String
        var project: String
        /// By which its end is told.
        var type = JobType.edit
    }

    private(set) var waiting: [Entry] = []
    private(set) var running: [Entry] = []
    /// Their rows are being written, for which the database may be waited for; each has a place among those that wait.
    private(set) var arriving: [Entry] = []
    /// Projects in which nothing begins for a moment.
    private(set) var held: Set<String> = []
    /// 1 or more; fewer than run now lets those end.
    var mostRunning: Int
    private let mostWaiting: Int

    init(mostRunning: Int, mostWaiting: Int) {
        precondition(mostRunning > 0 && mostWaiting > 0, "a queue that nothing passes")
        self.mostRunning = mostRunning
        self.mostWaiting = mostWaiting
    }

    var hasRoom: Bool { waiting.count + arriving.count < mostWaiting }

    /// One project cannot take the others' places: an eighth is the most that it has.
    func hasRoom(for project: String) -> Bool {
        (waiting + arriving).count { $0.project == project } < max(mostWaiting / 8, 1)
    }

    /// Takes a place for a job that is not stored yet; `add` or `turnAway` follows.
    mutating func expect(_ entry: Entry) { arriving.append(entry) }

    mutating func turnAway(_ job: String) { arriving.removeAll { $0.job == job } }

    mutating func add(_ entry: Entry) {
        turnAway(entry.job)
        waiting.append(entry)
    }

    func isArriving(_ job: String) -> Bool { arriving.contains { $0.job == job } }

    /// Whether a job of a project runs, waits, or is about to.
    func isBusy(_ project: String) -> Bool {
        [running, waiting, arriving].contains { $0.contains { $0.project == project } }
    }

    /// The job that is to be started now.
    ///
    /// - Parameter blocked: projects in which none can be for now.
    /// - Returns: nil where none is, or none can.
    mutating func next(without blocked: Set<String> = []) -> Entry? {
        guard running.count < mostRunning else { return nil }
        let index = waiting.firstIndex { entry in
            !held.contains(entry.project) && !blocked.contains(entry.project)
                && !running.contains { $0.project == entry.project }
        }
        guard let index else { return nil }
        let entry = waiting.remove(at: index)
        running.append(entry)
        return entry
    }

    /// Lets nothing of a project begin until `release`; false where something runs, or it is held already.
    mutating func hold(_ project: String) -> Bool {
        guard !running.contains(where: { $0.project == project }) else { return false }
        return held.insert(project).inserted
    }

    mutating func release(_ project: String) { held.remove(project) }

    mutating func end(_ job: String) { running.removeAll { $0.job == job } }

    /// Makes one that could not begin the next one.
    mutating func putBack(_ entry: Entry) {
        end(entry.job)
        waiting.insert(entry, at: 0)
    }

    /// Takes a job out that has not begun; nil if it does not wait.
    mutating func withdraw(_ job: String) -> Entry? { position(job).map { waiting.remove(at: $0) } }

    /// How many stand before it; nil where it does not wait.
    func position(_ job: String) -> Int? { waiting.firstIndex { $0.job == job } }

    func jobs(of project: String) -> [String] { (running + waiting).filter { $0.project == project }.map(\.job) }
}
