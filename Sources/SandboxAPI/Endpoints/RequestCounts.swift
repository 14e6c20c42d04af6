internal import Synchronization

/// How many requests were answered, by route and status, and the time they took.
final class RequestCounts: Sendable {
    private struct Key: Hashable {
        var method: String
        var route: String
        var status: Int
    }

    private struct Sum {
        var count = 0
        var microseconds: Int64 = 0

        mutating func add(_ more: Int64) {
            count += 1
            microseconds += more
        }
    }

    private let sums = Mutex<[Key: Sum]>([:])

    /// Routes are ours and statuses few, but a method is whatever a client sends.
    private static func known(_ method: String) -> String {
        switch method {
        case "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH": method
        default: "other"
        }
    }

    func count(_ entry: LogEntry) {
        let method = RequestCounts.known(entry.method)
        let key = Key(method: method, route: entry.route, status: entry.status)
        sums.withLock { $0[key, default: Sum()].add(entry.microseconds) }
    }

    func write(to text: inout MetricsText) {
        let known = sums.withLock { $0 }.sorted {
            ($0.key.route, $0.key.method, $0.key.status) < ($1.key.route, $1.key.method, $1.key.status)
        }
        text.head("http_requests_total", "counter", "Answered requests.")
        for (key, sum) in known { text.sample("http_requests_total", labels(key), String(sum.count)) }
        text.head("http_request_seconds_total", "counter", "Time from complete requests to their answers' beginnings.")
        for (key, sum) in known {
            text.sample("http_request_seconds_total", labels(key), "\(Double(sum.microseconds) / 1_000_000)")
        }
    }

    private func labels(_ key: Key) -> [(String, String)] {
        [("method", key.method), ("route", key.route), ("status", String(key.status))]
    }
}
