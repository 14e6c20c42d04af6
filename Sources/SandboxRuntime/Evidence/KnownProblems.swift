/// What did not hold in a file of records at an earlier time, as a backup keeps it: to be compared with what does not hold now.
public struct KnownProblems: Hashable, Sendable {
    /// How many there were.
    public var count: Int64
    /// The first thousand; nil where an earlier version kept their number only.
    public var listed: [ChainReport.Problem]?

    public init(count: Int64, listed: [ChainReport.Problem]?) {
        self.count = count
        self.listed = listed
    }

    public init(_ report: ChainReport) {
        self.init(count: Int64(report.problemCount), listed: report.problems)
    }

    /// Whether a problem is the same: by its line, for its words may name the key of another machine.
    private enum Place: Hashable {
        case line(Int, Int64?)
        case file(String)

        init(_ problem: ChainReport.Problem) {
            self = problem.line.map { .line($0, problem.offset) } ?? .file(problem.what)
        }
    }

    /// Whether the same lines of the same bytes do not hold now: not as many, but these.
    ///
    /// A line that was a problem once and is only torn now is one that this version can tell from damage, and the earlier could not.
    public func agree(with report: ChainReport) -> Bool {
        let now = Int64(report.problemCount)
        guard let listed else { return now == count || report.tornCount > 0 && now < count }
        let (known, found) = (Set(listed.map(Place.init)), Set(report.problems.map(Place.init)))
        guard found.isSubset(of: known), now <= count else { return false }
        let gone = known.subtracting(found)
        if gone.isEmpty { return now == count }
        return gone.isSubset(of: report.torn.map(Place.init))
    }
}
