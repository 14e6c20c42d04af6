import CMicrohttpd

/// What libmicrohttpd calls, on its own threads.
///
/// `context` is the server's core, which outlives the daemons. A connection's object is retained from its begin to its end,
/// a request's from its request line to its completion.
enum Callbacks {
    static func table(_ core: ServerCore) -> wt_callbacks {
        wt_callbacks(
            target: target,
            request: request,
            completed: completed,
            connection: connection,
            fault: fault,
            context: Unmanaged.passUnretained(core).toOpaque()
        )
    }

    private static func core(_ context: UnsafeMutableRawPointer?) -> ServerCore? {
        context.map { Unmanaged<ServerCore>.fromOpaque($0).takeUnretainedValue() }
    }

    private static func connection(of handle: OpaquePointer) -> Connection? {
        wt_socket_context(handle).map { Unmanaged<Connection>.fromOpaque($0).takeUnretainedValue() }
    }

    private static let target: wt_target_callback = { context, target, handle in
        guard let core = core(context), let target, let handle, let connection = connection(of: handle) else {
            return nil
        }
        var bytes = 0
        var mark: Int?
        while target[bytes] != 0 {
            if mark == nil, target[bytes] == 0x3F { mark = bytes }
            bytes += 1
        }
        let copy = Array(UnsafeRawBufferPointer(start: target, count: bytes))
        if let mark {
            // libmicrohttpd would now cut the query into arguments, each with memory of its own; where that does not suffice
            // 0.9.75 loses its place in the request. Nobody reads them: an empty query has none.
            UnsafeMutablePointer(mutating: target)[mark + 1] = 0
        }
        let exchange = Exchange(
            server: core,
            connection: connection,
            handle: handle,
            target: copy,
            targetAddress: UInt(bitPattern: target)
        )
        connection.begins(exchange, headSeconds: core.settings.headSeconds)
        return Unmanaged.passRetained(exchange).toOpaque()
    }

    /// libmicrohttpd is about to refuse something itself.
    ///
    /// What it says of a bad Content-Length has two heads (0.9.75), and the request callback is never called; but it says
    /// so here first. Which connection it means it does not tell: the one of this thread whose head is whole and has not
    /// been handed over, of which there is never a second.
    private static let fault: MHD_LogCallback = { context, format, arguments in
        guard let core = core(context) else { return }
        let all = core.all
        for connection in all {
            guard let exchange = connection.now.exchange, exchange.isUnseen else { continue }
            exchange.refuseLength()
            return
        }
        guard let format, let status = LibraryFault.status(format, arguments) else { return }
        LibraryFault.refuse(status, among: all, of: core)
    }

    private static let request: MHD_AccessHandlerCallback = { _, _, _, method, version, bytes, size, kept in
        guard let method, let version, let size, let kept = kept?.pointee else { return .NO }
        let exchange = Unmanaged<Exchange>.fromOpaque(kept).takeUnretainedValue()
        if case .head = exchange.step { return exchange.begin(method: method, version: version) ? .YES : .NO }
        guard size.pointee > 0 else { return exchange.finish() ? .YES : .NO }
        let piece = UnsafeRawBufferPointer(start: bytes, count: size.pointee)
        size.pointee = 0
        return exchange.take(piece) ? .YES : .NO
    }

    private static let completed: MHD_RequestCompletedCallback = { _, _, kept, _ in
        guard let slot = kept, let pointer = slot.pointee else { return }
        slot.pointee = nil
        Unmanaged<Exchange>.fromOpaque(pointer).takeRetainedValue().over()
    }

    private static let connection: MHD_NotifyConnectionCallback = { context, handle, slot, event in
        guard let core = core(context), let handle, let slot else { return }
        switch event {
        case .CONNECTION_NOTIFY_STARTED:
            guard let connection = core.connection(wt_descriptor(handle)) else { return }
            slot.pointee = Unmanaged.passRetained(connection).toOpaque()
            connection.opened()
        case .CONNECTION_NOTIFY_CLOSED:
            guard let pointer = slot.pointee else { return }
            slot.pointee = nil
            let connection = Unmanaged<Connection>.fromOpaque(pointer).takeRetainedValue()
            connection.closed()
            core.remove(connection)
            // The listener may have been at its limit.
            core.ring()
        @unknown default: return
        }
    }
}
