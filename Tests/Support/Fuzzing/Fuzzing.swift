import Foundation

/// Changed inputs for a reader, the same ones for a seed: what traps does so again.
///
/// Of what the reader takes some is kept and changed further, so that the inputs get further away from the first ones than
/// single changes would. Environment: `FUZZ_SECONDS` for each reader (default 1), `FUZZ_SEED` (default 1).
public struct Fuzzing {
    /// How often a reader took an input, and how often it did not.
    public struct Tally: Sendable {
        public var taken = 0
        public var refused = 0
    }

    private var random: SplitMix64
    private let seed: UInt64
    private var pool: [[UInt8]]
    private let words: [[UInt8]]
    private let lengthLimit: Int

    /// - Parameters:
    ///   - seeds: what the reader takes.
    ///   - words: put in anywhere; the numbers that are the edges of their types always are.
    ///   - lengthLimit: in bytes.
    public init(_ seeds: [[UInt8]], words: [String] = [], lengthLimit: Int = 1 << 16) {
        pool = seeds
        let edges = [
            "0", "-1", "18446744073709551615", "18446744073709551616", "9223372036854775807", "-9223372036854775808",
            "99999999999999999999999999999999999999", "4294967296", "1e400",
        ]
        self.words = (words + edges).map { Array($0.utf8) }
        self.lengthLimit = lengthLimit
        seed = Fuzzing.number("FUZZ_SEED") ?? 1
        random = SplitMix64(seed: seed)
    }

    /// Lets `reader` read changed inputs until the time is up.
    ///
    /// - Parameters:
    ///   - rounds: so many at least, however slow the machine is.
    ///   - reader: says whether it took an input.
    /// - Returns: how often it did, and did not.
    public mutating func run(atLeast rounds: Int = 200, _ reader: ([UInt8]) throws -> Bool) rethrows -> Tally {
        var tally = Tally()
        let clock = ContinuousClock()
        let end = clock.now + .seconds(Int(Fuzzing.number("FUZZ_SECONDS") ?? 1))
        let first = pool.count
        while clock.now < end || tally.taken + tally.refused < rounds {
            let input = changed()
            guard try reader(input) else {
                tally.refused += 1
                continue
            }
            tally.taken += 1
            // A pool that only grows would forget nothing and reach nothing.
            if pool.count < first + 256 {
                pool.append(input)
            } else {
                pool[first + Int(random.next() % 256)] = input
            }
        }
        print("fuzzed with FUZZ_SEED=\(seed): \(tally.taken) taken, \(tally.refused) refused")
        return tally
    }

    private static func number(_ name: String) -> UInt64? {
        ProcessInfo.processInfo.environment[name].flatMap { UInt64($0) }
    }

    // MARK: - Changes

    private mutating func below(_ count: Int) -> Int { Int(random.next() % UInt64(max(count, 1))) }

    private mutating func piece(of bytes: [UInt8]) -> ArraySlice<UInt8> {
        let start = below(bytes.count + 1)
        return bytes[start..<min(bytes.count, start + below(40))]
    }

    private mutating func changed() -> [UInt8] {
        var bytes = pool[below(pool.count)]
        for _ in 0...below(4) {
            let place = below(bytes.count + 1)
            switch below(9) {
            case 0 where place < bytes.count: bytes[place] ^= 1 << UInt8(below(8))
            case 1 where place < bytes.count: bytes[place] = UInt8(truncatingIfNeeded: random.next())
            case 2 where place < bytes.count: bytes[place] = [0, 0x0A, 0x22, 0x7F, 0x80, 0xFF, 0x20, 0x5C][below(8)]
            case 3: bytes.removeSubrange(place..<min(bytes.count, place + below(40)))
            case 4: bytes.insert(contentsOf: words[below(words.count)], at: place)
            case 5: bytes.insert(contentsOf: piece(of: bytes), at: place)
            case 6: bytes.insert(contentsOf: piece(of: pool[below(pool.count)]), at: place)
            case 7 where below(8) == 0: bytes.removeSubrange(place...)
            case 8:
                let word = words[below(words.count)]
                bytes.replaceSubrange(place..<min(bytes.count, place + word.count), with: word)
            default: bytes.insert(UInt8(truncatingIfNeeded: random.next()), at: place)
            }
        }
        if bytes.count > lengthLimit { bytes.removeSubrange(lengthLimit...) }
        return bytes
    }

    private struct SplitMix64 {
        private var state: UInt64

        init(seed: UInt64) {
            state = seed
        }

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = state
            mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
            return mixed ^ (mixed >> 31)
        }
    }
}
