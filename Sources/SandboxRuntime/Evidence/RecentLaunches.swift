/// Launches that ended, as many as there is room for: the oldest are forgotten first, so that no file takes all memory.
struct RecentLaunches {
    private struct Key: Hashable {
        var high: UInt64
        var low: UInt64

        init(_ id: LaunchID) {
            func word(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }
            high = word(id.bytes[..<8])
            low = word(id.bytes[8...])
        }
    }

    private let room: Int
    private var newer: Set<Key> = []
    private var older: Set<Key> = []
    private(set) var forgotten = 0

    /// - Parameter room: at least so many are known, and at most twice as many kept: 16 bytes each.
    init(room: Int = 500_000) {
        self.room = room
    }

    func contains(_ id: LaunchID) -> Bool {
        let key = Key(id)
        return newer.contains(key) || older.contains(key)
    }

    mutating func insert(_ id: LaunchID) {
        if newer.count == room {
            forgotten += older.count
            older = newer
            newer = []
        }
        newer.insert(Key(id))
    }
}
