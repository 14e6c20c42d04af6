import Glibc

/// A job that takes its time: `SLEEP_SECONDS`, from 0 to 3600, with up to three decimals.
struct LongRun {
    static let defaultMilliseconds = 1000
    static let limitMilliseconds = 3_600_000

    private let milliseconds: Int

    static func fromEnvironment() throws(WorkerError) -> LongRun {
        guard let text = Environment.value("SLEEP_SECONDS"), !text.isEmpty else {
            return LongRun(milliseconds: defaultMilliseconds)
        }
        guard let milliseconds = parsed(text), milliseconds <= limitMilliseconds else {
            throw WorkerError(.invalidSetting, "SLEEP_SECONDS must be a number of seconds from 0 to 3600")
        }
        return LongRun(milliseconds: milliseconds)
    }

    /// Digits, and up to three behind a point; nil for everything else.
    private static func parsed(_ text: String) -> Int? {
        let pieces = Array(text.utf8).split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard let whole = pieces.first, (1...4).contains(whole.count), pieces.count <= 2 else { return nil }
        let decimals = pieces.count == 2 ? pieces[1] : [UInt8(ascii: "0")]
        guard (1...3).contains(decimals.count) else { return nil }
        var number = 0
        for byte in whole + decimals {
            guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
            number = number * 10 + Int(byte - UInt8(ascii: "0"))
        }
        for _ in decimals.count..<3 { number *= 10 }
        return number
    }

    /// Sleeps, and says how far it is: each second, but not more than twenty times.
    func wait(_ report: (String) -> Void) {
        let step = max(1000, milliseconds / 20)
        var passed = 0
        report("long_run: \(seconds(0)) of \(seconds(milliseconds)) s")
        while passed < milliseconds {
            let next = min(step, milliseconds - passed)
            var time = timespec(tv_sec: next / 1000, tv_nsec: next % 1000 * 1_000_000)
            var rest = timespec()
            // The one other reason for -1 is a time that is none.
            while nanosleep(&time, &rest) == -1 && errno == EINTR { time = rest }
            passed += next
            report("long_run: \(seconds(passed)) of \(seconds(milliseconds)) s")
        }
    }

    /// Seconds with at most one decimal: `1.5` for 1500.
    private func seconds(_ milliseconds: Int) -> String {
        let tenths = milliseconds % 1000 / 100
        return tenths == 0 ? String(milliseconds / 1000) : "\(milliseconds / 1000).\(tenths)"
    }
}
