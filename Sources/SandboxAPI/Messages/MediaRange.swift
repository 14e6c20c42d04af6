internal import WebTransport

/// What a client wants to have (RFC 9110, 12.5.1).
enum MediaRange {
    /// Which of `offers` the client likes best; the first of them where it does not say, or likes several as much.
    ///
    /// A client that takes none of them gets the first: that helps it more than a refusal (RFC 9110, 12.5.1).
    static func best(of offers: [String], for headers: HTTPHeaders) -> String {
        let fields = headers.all("Accept")
        guard let first = offers.first, !fields.isEmpty else { return offers.first ?? "" }
        let ranges = fields.flatMap { FieldText.list($0) }.prefix(64).map { Range($0) }
        var best = (offer: first, quality: 0)
        for offer in offers {
            let matching = ranges.filter { $0.contains(offer) }.max { $0.precision < $1.precision }
            if let matching, matching.quality > best.quality { best = (offer, matching.quality) }
        }
        return best.offer
    }

    private struct Range {
        var name: String
        /// Thousandths.
        var quality = 1000

        init(_ text: String) {
            let parts = FieldText.list(text, by: ";")
            name = (parts.first ?? "").lowercased()
            for part in parts.dropFirst() where part.lowercased().hasPrefix("q=") {
                quality = Range.thousandths(part.dropFirst(2))
            }
        }

        /// A malformed weight is 0: what a client does not say clearly it does not get.
        private static func thousandths(_ text: Substring) -> Int {
            let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
            guard let whole = parts.first.flatMap({ Int($0) }), (0...1).contains(whole) else { return 0 }
            let digits = parts.count > 1 ? parts[1] : ""
            guard digits.utf8.count <= 3, digits.utf8.allSatisfy({ (48...57).contains($0) }) else { return 0 }
            let fraction = Int(digits + String(repeating: "0", count: 3 - digits.utf8.count)) ?? 0
            return min(1000, whole * 1000 + fraction)
        }

        var precision: Int { name == "*/*" ? 0 : name.hasSuffix("/*") ? 1 : 2 }

        func contains(_ type: String) -> Bool {
            name == "*/*" || name == type || name.hasSuffix("/*") && type.hasPrefix(name.dropLast())
        }
    }
}
