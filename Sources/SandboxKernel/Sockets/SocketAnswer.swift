internal import Glibc
internal import SandboxPlan

/// The kernel's answer about unix sockets (netlink(7), sock_diag(7)), part by part.
///
/// What is no well-formed answer is an error: a list with a gap proves nothing.
enum SocketAnswer {
    private static let headerSize = 16
    /// `struct unix_diag_msg`.
    private static let messageSize = 16

    /// Appends the sockets of one part that are bound in a file system, and that can be connected to or may listen yet.
    ///
    /// - Returns: whether the answer ends with this part.
    /// - Throws: `SyscallError` with the kernel's errno, EINTR for a list that changed meanwhile, EBADMSG for anything else.
    static func read(
        _ part: UnsafeRawBufferPointer,
        into sockets: inout [BoundSocket]
    ) throws(SyscallError) -> Bool {
        var rest = part
        while !rest.isEmpty {
            guard rest.count >= headerSize else { throw failure(EBADMSG) }
            let length = Int(rest.loadUnaligned(as: UInt32.self))
            guard length >= headerSize, length <= rest.count else { throw failure(EBADMSG) }
            let message = UnsafeRawBufferPointer(rebasing: rest[headerSize..<length])
            let flags = rest.loadUnaligned(fromByteOffset: 6, as: UInt16.self)
            if flags & 0x10 != 0 { throw failure(EINTR) }  // NLM_F_DUMP_INTR
            switch rest.loadUnaligned(fromByteOffset: 4, as: UInt16.self) {
            case 20:  // SOCK_DIAG_BY_FAMILY
                if let socket = try socket(message) { sockets.append(socket) }
            case 2, 3:  // NLMSG_ERROR, NLMSG_DONE: both begin with 0 or -errno
                guard message.count >= 4 else { throw failure(EBADMSG) }
                let code = message.loadUnaligned(as: Int32.self)
                if code != 0 { throw failure(code > 0 || code < -4095 ? EBADMSG : -code) }
                return true
            case let type: throw failure(type == 4 ? ENOBUFS : EBADMSG)  // 4: NLMSG_OVERRUN
            }
            rest = UnsafeRawBufferPointer(rebasing: rest[min((length + 3) & ~3, rest.count)...])
        }
        return false
    }

    /// Nil for a socket without a file.
    private static func socket(_ message: UnsafeRawBufferPointer) throws(SyscallError) -> BoundSocket? {
        guard message.count >= messageSize else { throw failure(EBADMSG) }
        // The end of a connection has the name of the socket that it was made by, and nobody connects to it: 1 is
        // TCP_ESTABLISHED, 2 SOCK_DGRAM.
        if message[2] == 1 && message[1] != 2 { return nil }
        var file: BoundSocket.File?
        var owner: UInt32?
        var name = 0..<0
        var position = messageSize
        while position < message.count {
            guard message.count - position >= 4 else { throw failure(EBADMSG) }
            let size = Int(message.loadUnaligned(fromByteOffset: position, as: UInt16.self))
            guard size >= 4, size <= message.count - position else { throw failure(EBADMSG) }
            let value = position + 4..<position + size
            switch message.loadUnaligned(fromByteOffset: position + 2, as: UInt16.self) {
            case 0: name = value  // UNIX_DIAG_NAME
            case 1:  // UNIX_DIAG_VFS
                guard value.count >= 8 else { throw failure(EBADMSG) }
                file = BoundSocket.File(
                    device: message.loadUnaligned(fromByteOffset: value.lowerBound + 4, as: UInt32.self),
                    inode: message.loadUnaligned(fromByteOffset: value.lowerBound, as: UInt32.self)
                )
            case 7:  // UNIX_DIAG_UID
                guard value.count >= 4 else { throw failure(EBADMSG) }
                owner = message.loadUnaligned(fromByteOffset: value.lowerBound, as: UInt32.self)
            default: break  // said without being asked for
            }
            position += (size + 3) & ~3
        }
        guard let file else { return nil }
        return BoundSocket(name: OSString(Array(message[name].prefix { $0 != 0 })), file: file, owner: owner)
    }

    private static func failure(_ code: Int32) -> SyscallError {
        SyscallError(call: "recvmsg", subject: "NETLINK_SOCK_DIAG", errno: code)
    }
}
