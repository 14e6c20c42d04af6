import CMicrohttpd

extension Exchange {
    /// Queues a response, or a 500 in place of one that cannot be sent; false closes the connection.
    func answer(_ response: HTTPResponse) -> Bool {
        if case .sink(let sink, _) = step { sink.abandon() }
        step = .answered
        if let fault = response.fault {
            response.body.discard()
            return queue(server.refusal(500, fault, head, for: connection.peer))
        }
        return queue(response)
    }

    private func queue(_ response: HTTPResponse) -> Bool {
        guard let made = make(response) else { return false }
        defer { MHD_destroy_response(made) }
        var ends = isLast || server.isStopping
        for field in response.headers.fields {
            if HTTPHeaders.isSame(field.name, "connection") {
                ends = true
            } else {
                guard Exchange.add(field.name, field.value, to: made) else { return false }
            }
        }
        if ends {
            guard Exchange.add("Connection", "close", to: made) else { return false }
        }
        return MHD_queue_response(handle, UInt32(response.status), made) == .YES
    }

    /// A string that is handed to C as it is becomes an array first.
    private static func add(_ name: String, _ value: String, to response: OpaquePointer) -> Bool {
        name.withCString { name in value.withCString { MHD_add_response_header(response, name, $0) } } == .YES
    }

    private func make(_ response: HTTPResponse) -> OpaquePointer? {
        let isHead = head?.method == "HEAD"
        switch response.body {
        case .none:
            entersAnswering(0)
            return MHD_create_response_from_buffer(0, nil, .RESPMEM_PERSISTENT)
        case .bytes(let bytes):
            entersAnswering(UInt64(bytes.count))
            return HeldBytes.response(bytes)
        case .file(let file, let offset, let length):
            return make(file, offset: offset, length: length)
        case .stream(let stream):
            return make(stream, isPulled: !isHead && response.status != 204 && response.status != 304)
        }
    }

    private func make(_ file: HTTPFile, offset: UInt64, length: UInt64) -> OpaquePointer? {
        guard let descriptor = file.release() else { return nil }
        let source = SentFile(descriptor, end: offset + length)
        entersAnswering(length)
        // Its descriptor is libmicrohttpd's from here on.
        guard let made = MHD_create_response_from_fd_at_offset64(length, descriptor, offset) else {
            close(descriptor)
            return nil
        }
        connection.sends(source)
        return made
    }

    private func make(_ stream: HTTPStream, isPulled: Bool) -> OpaquePointer? {
        guard stream.claim() else { return nil }
        stream.attach(handle, of: connection)
        if isPulled {
            connection.streams(stream)
            // Behind the line above: either this or the watch's last look at all connections finds it.
            if server.isClosing { stream.cut() }
        } else {
            entersAnswering(0)
        }
        let held = Unmanaged.passRetained(stream)
        let made = MHD_create_response_from_callback(
            UInt64.max,
            1_024,
            { context, _, buffer, room in
                guard let context, let buffer else { return -2 }
                return Unmanaged<HTTPStream>.fromOpaque(context).takeUnretainedValue().pull(into: buffer, room: room)
            },
            held.toOpaque(),
            { context in
                guard let context else { return }
                Unmanaged<HTTPStream>.fromOpaque(context).takeRetainedValue().close()
            }
        )
        guard let made else {
            held.takeRetainedValue().close()
            return nil
        }
        // Otherwise 0.9.75 sends the last chunk behind the head of an answer without body.
        if !isPulled {
            guard wt_without_body(made) == .YES else {
                MHD_destroy_response(made)
                return nil
            }
        }
        return made
    }

    private func entersAnswering(_ length: UInt64) {
        let slowest = Double(max(server.settings.answerBytesPerSecond, 1))
        let seconds = server.settings.answerSeconds + Double(length) / slowest
        let due = Double(length) / Double(max(server.settings.crowdedBytesPerSecond, 1))
        connection.enter(.answering, until: MonotonicTime.after(seconds), due: MonotonicTime.after(due))
    }
}

/// Keeps an array alive while libmicrohttpd sends from it.
private final class HeldBytes {
    private let bytes: [UInt8]

    private init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Small ones are copied, which costs less than holding them.
    static func response(_ bytes: [UInt8]) -> OpaquePointer? {
        if bytes.count <= 1_024 {
            return bytes.withUnsafeBytes { view in
                MHD_create_response_from_buffer(
                    view.count,
                    UnsafeMutableRawPointer(mutating: view.baseAddress),
                    .RESPMEM_MUST_COPY
                )
            }
        }
        let held = HeldBytes(bytes)
        let context = Unmanaged.passRetained(held).toOpaque()
        // An array's elements stay where they are while it is neither changed nor released: `held` never changes, and is
        // released by the callback.
        let made = held.bytes.withUnsafeBytes { view in
            MHD_create_response_from_buffer_with_free_callback_cls(
                view.count,
                UnsafeMutableRawPointer(mutating: view.baseAddress),
                { context in
                    guard let context else { return }
                    Unmanaged<HeldBytes>.fromOpaque(context).release()
                },
                context
            )
        }
        if made == nil { Unmanaged<HeldBytes>.fromOpaque(context).release() }
        return made
    }
}

extension HTTPResponse {
    /// Why it cannot be sent; nil if it can.
    var fault: String? {
        guard (200...599).contains(status) else { return "the status \(status) cannot be sent" }
        for field in headers.fields {
            guard HTTPHeaders.isToken(field.name) else {
                return "the answer has a header whose name cannot be sent"
            }
            guard HTTPHeaders.isValue(field.value) else {
                return "the answer's header \(field.name) has a value that cannot be sent"
            }
            if HTTPHeaders.isSame(field.name, "content-length") || HTTPHeaders.isSame(field.name, "transfer-encoding")
                || HTTPHeaders.isSame(field.name, "date")
            {
                return "the answer has the transport's header \(field.name)"
            }
            if HTTPHeaders.isSame(field.name, "connection"), !HTTPHeaders.isSame(field.value, "close") {
                return "the answer has the transport's header connection"
            }
        }
        if case .file(let file, let offset, let length) = body {
            guard offset <= file.size, length <= file.size - offset else { return "the answer is longer than its file" }
            guard offset <= UInt64(Int64.max) else { return "the answer's file is too large" }
        }
        return nil
    }
}

extension HTTPResponse.Body {
    /// It is not sent: its stream ends.
    func discard() {
        if case .stream(let stream) = self, stream.claim() { stream.close() }
    }
}
