internal import CShims
internal import Glibc

/// Gate B of one process: it reports and waits here until the supervisor releases it; its exec closes the other end.
public struct Gate: ~Copyable {
    public let ours: OwnedFileDescriptor
    private var theirs: Int32

    /// What happened at the gate.
    public enum Event: Hashable, Sendable {
        /// The process is there and on its way to the gate; `pid` as below.
        case born(pid: Int32)
        /// It has made a terminal for itself; `controlling` is the end that controls it, the receiver's to close.
        case terminal(pid: Int32, controlling: Int32)
        /// Its filter asks whoever holds `listener`, which is the receiver's to close.
        case listener(pid: Int32, listener: Int32)
        /// Every layer is installed; `pid` is the process in the supervisor's pid namespace (SCM_CREDENTIALS).
        case ready(pid: Int32, values: [Int64])
        /// execve(2) answered; the process is gone. `pid` as above: another one has got hold of the gate if it differs.
        case executionFailed(pid: Int32, errno: Int32, candidate: Int)
        /// The gate closed without a word: after the release that is the exec, before it a death.
        case closed
    }

    public init() throws(PlaceError) {
        let pair = try Gate.pair("gate", credentials: true)
        ours = OwnedFileDescriptor(owning: pair.ours)
        theirs = pair.theirs
    }

    /// Two connected ends, both close-on-exec.
    static func pair(_ name: String, credentials: Bool) throws(PlaceError) -> (ours: Int32, theirs: Int32) {
        var pair: [Int32] = [-1, -1]
        do throws(SyscallError) {
            try checkedKernel("socketpair", on: name) { cs_socketpair_seqpacket(&pair) }
        } catch { throw .syscall(error) }
        if credentials {
            let result = cs_pass_credentials(pair[0])
            if result < 0 {
                _ = close(pair[0])
                _ = close(pair[1])
                throw .syscall(SyscallError(call: "setsockopt", subject: "SO_PASSCRED", errno: Int32(-result)))
            }
        }
        return (pair[0], pair[1])
    }

    deinit {
        if theirs >= 0 { _ = close(theirs) }
    }

    /// The end that goes to the process; ours of it is closed by this, so that its exec is seen.
    public mutating func takeTheirs() -> OwnedFileDescriptor {
        precondition(theirs >= 0, "given away already")
        defer { theirs = -1 }
        return OwnedFileDescriptor(owning: theirs)
    }

    public func event(timeout: Int32) throws(PlaceError) -> Event {
        switch try Gate.receive(ours.number, timeout: timeout) {
        case .endOfFile: return .closed
        case .message(let message, let sender, let passed):
            if message.kind == CS_MESSAGE_PROCESS_TERMINAL.rawValue, passed.count == 1 {
                return .terminal(pid: sender, controlling: passed[0])
            }
            if message.kind == CS_MESSAGE_PROCESS_LISTENER.rawValue, passed.count == 1 {
                return .listener(pid: sender, listener: passed[0])
            }
            if !passed.isEmpty {
                for descriptor in passed { _ = close(descriptor) }
                throw .unexpected("a descriptor at the gate")
            }
            switch message.kind {
            case CS_MESSAGE_PROCESS_BORN.rawValue: return .born(pid: sender)
            case CS_MESSAGE_PROCESS_READY.rawValue: return .ready(pid: sender, values: Gate.values(message))
            case CS_MESSAGE_EXEC_FAILED.rawValue:
                return .executionFailed(pid: sender, errno: message.error, candidate: Int(message.value.0))
            case CS_MESSAGE_FAILED.rawValue: throw Gate.failure(message)
            default: throw .unexpected("message \(message.kind) at the gate")
            }
        }
    }

    /// The step that the process says has failed, if it says so before the gate closes.
    ///
    /// For whoever has found that something is wrong with it: what it says itself is the cause.
    ///
    /// - Parameter timeout: milliseconds to wait for each of its words.
    /// - Returns: the failure; nil when it says none.
    public func failure(timeout: Int32) -> PlaceError? {
        // Nothing else can be there than its birth, a terminal or listener, and its readiness.
        for _ in 0..<4 {
            do throws(PlaceError) {
                switch try event(timeout: timeout) {
                case .listener(_, let number), .terminal(_, let number): _ = close(number)
                case .born, .ready: continue
                case .closed, .executionFailed: return nil
                }
            } catch {
                switch error {
                case .step, .setUp: return error
                case .syscall, .gone, .timedOut, .unexpected: return nil
                }
            }
        }
        return nil
    }

    /// What execve(2) answered, if the process said so before the end that it caused; does not wait.
    ///
    /// For whoever knows that the process has ended: whatever else is there is passed over.
    ///
    /// - Parameter worker: the process, as the kernel names it: a sibling may have got hold of the gate.
    /// - Returns: nil when it said nothing of the kind.
    public func executionFailure(of worker: Int32?) -> (errno: Int32, candidate: Int)? {
        var failure: (errno: Int32, candidate: Int)?
        for _ in 0..<Gate.wordLimit {
            do throws(PlaceError) {
                switch try event(timeout: 0) {
                case .executionFailed(let pid, let code, let candidate):
                    if pid == worker { failure = (code, candidate) }
                case .terminal(_, let number), .listener(_, let number): _ = close(number)
                case .born, .ready: continue
                case .closed: return failure
                }
            } catch { return failure }
        }
        return failure
    }

    /// A sibling that has the gate may go on for ever.
    private static let wordLimit = 256

    /// Opens the gate: what comes next is execve(2).
    public func release() throws(PlaceError) {
        var message = cs_message()
        message.kind = CS_MESSAGE_RELEASE.rawValue
        let result = cs_send(ours.number, &message, nil, 0)
        if result == Int(-EPIPE) || result == Int(-ECONNRESET) { throw .gone }
        if result < 0 { throw .syscall(SyscallError(call: "sendmsg", subject: "gate", errno: Int32(-result))) }
    }

    enum Received {
        case endOfFile
        /// `passed` are the descriptors that came along, the receiver's to close.
        case message(cs_message, sender: Int32, passed: [Int32])
    }

    static func receive(_ socket: Int32, timeout: Int32) throws(PlaceError) -> Received {
        var message = cs_message()
        var sender: Int32 = 0
        var passed: (Int32, Int32, Int32, Int32) = (-1, -1, -1, -1)
        let result = withUnsafeMutablePointer(to: &passed) { tuple in
            tuple.withMemoryRebound(to: Int32.self, capacity: Int(CS_PASSED_MOST)) {
                cs_receive(socket, &message, &sender, $0, timeout)
            }
        }
        switch result {
        case 1:
            if passed.0 < 0 { return .message(message, sender: sender, passed: []) }
            let all = [passed.0, passed.1, passed.2, passed.3]
            return .message(message, sender: sender, passed: all.filter { $0 >= 0 })
        case 0, Int(-ECONNRESET): return .endOfFile
        case Int(-EAGAIN): throw .timedOut
        default: throw .syscall(SyscallError(call: "recvmsg", subject: "place", errno: Int32(-result)))
        }
    }

    static func values(_ message: cs_message) -> [Int64] {
        withUnsafeBytes(of: message.value) { Array($0.bindMemory(to: Int64.self)) }
    }

    static func failure(_ message: cs_message) -> PlaceError {
        message.step >= 0
            ? .step(index: Int(message.step), errno: message.error)
            : SetUpStep.failure(message.step, errno: message.error)
    }
}
