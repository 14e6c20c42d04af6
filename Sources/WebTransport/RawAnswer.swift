import CMicrohttpd
import Glibc

/// An answer as bytes, for where libmicrohttpd takes none: amid a body, and for heads that come too slowly.
enum RawAnswer {
    /// The response with `Connection: close`; a body that is not bytes is left out.
    static func bytes(_ response: HTTPResponse, isHead: Bool) -> [UInt8] {
        var body: [UInt8] = []
        if case .bytes(let known) = response.body { body = known } else { response.body.discard() }
        let phrase = MHD_get_reason_phrase_for(UInt32(response.status)).map { String(cString: $0) } ?? "Unknown"
        var text = "HTTP/1.1 \(response.status) \(phrase)\r\nDate: \(date(time(nil)))\r\nConnection: close\r\n"
        for field in response.headers.fields where !HTTPHeaders.isSame(field.name, "connection") {
            text += "\(field.name): \(field.value)\r\n"
        }
        text += "Content-Length: \(body.count)\r\n\r\n"
        return Array(text.utf8) + (isHead ? [] : body)
    }

    /// As HTTP writes dates (RFC 9110, 5.6.7).
    static func date(_ seconds: Int) -> String {
        var seconds = seconds
        var parts = tm()
        gmtime_r(&seconds, &parts)
        let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let day =
            "\(days[Int(parts.tm_wday)]), \(two(parts.tm_mday)) \(months[Int(parts.tm_mon)]) \(1_900 + parts.tm_year)"
        return "\(day) \(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)) GMT"
    }
}
