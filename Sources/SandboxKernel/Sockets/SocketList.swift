internal import CShims
internal import Glibc
internal import SandboxPlan

/// The sockets of this network namespace that are bound in a file system.
///
/// Those of other network namespaces are in none of the kernel's lists.
enum SocketList {
    /// The newer list, or else the older one.
    ///
    /// - Returns: in the kernel's order.
    /// - Throws: `SyscallError` when neither list can be had.
    static func current() throws(SyscallError) -> [BoundSocket] {
        do throws(SyscallError) {
            return try diagnosed()
        } catch {
            // A kernel without unix_diag, a caller that may not ask, an answer that is none: the older list says less, and
            // what it does not say counts against the launch.
            return listed(try FileReading.read("/proc/net/unix", limit: 32 << 20))
        }
    }

    /// By netlink: which file each one is, whatever its name.
    static func diagnosed() throws(SyscallError) -> [BoundSocket] {
        let number = try checkedKernel("sendto", on: "NETLINK_SOCK_DIAG") { cs_ask_unix_sockets() }
        let asked = OwnedFileDescriptor(owning: Int32(number))
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Int(CS_SOCKET_ANSWER), alignment: 8)
        defer { buffer.deallocate() }
        var sockets: [BoundSocket] = []
        while true {
            let count = try checkedKernel("recvmsg", on: "NETLINK_SOCK_DIAG") {
                cs_unix_sockets_answer(asked.number, buffer.baseAddress, buffer.count)
            }
            if count == 0 { throw SyscallError(call: "recvmsg", subject: "NETLINK_SOCK_DIAG", errno: EBADMSG) }
            let part = UnsafeRawBufferPointer(rebasing: buffer[..<count])
            if try SocketAnswer.read(part, into: &sockets) { return sockets }
        }
    }

    /// By name: the text of `/proc/net/unix`.
    ///
    /// `ADDRESS: REFERENCES PROTOCOL FLAGS TYPE STATE INODE NAME` (unix(7)), a name only where there is one. What is not of
    /// that form is the rest of a name with a newline in it.
    static func listed(_ text: [UInt8]) -> [BoundSocket] {
        var sockets: [BoundSocket] = []
        var start = (text.firstIndex(of: 0x0A) ?? text.count - 1) + 1
        while start < text.count {
            let end = text[start...].firstIndex(of: 0x0A) ?? text.count
            if let name = boundName(text, start..<end) {
                sockets.append(BoundSocket(name: name, file: nil, owner: nil))
            }
            start = end + 1
        }
        return sockets
    }

    /// Nil for a socket without a name; an empty one where the line tells nothing.
    private static func boundName(_ text: [UInt8], _ line: Range<Int>) -> OSString? {
        var position = line.lowerBound
        for index in 0..<7 {
            guard let word = KernelText.word(text, from: &position, to: line.upperBound) else { return "" }
            if index == 0 && text[word.upperBound - 1] != UInt8(ascii: ":") { return "" }
        }
        // One blank, then the name, which may begin with another.
        return position >= line.upperBound ? nil : OSString(text[(position + 1)..<line.upperBound])
    }
}
