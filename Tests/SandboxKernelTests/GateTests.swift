import CShims
import Glibc
import Testing

@testable import SandboxKernel

/// What is read of a gate whose process has ended.
@Suite struct GateTests {
    private func send(_ kind: cs_message_kind, to gate: Int32, _ descriptors: [Int32] = [], error: Int32 = 0) throws {
        var message = cs_message()
        message.kind = kind.rawValue
        message.error = error
        message.value.0 = 1
        let sent = cs_send(gate, &message, descriptors, Int32(descriptors.count))
        try #require(sent >= 0)
    }

    /// Terminals and listeners come with a descriptor, which nobody else would close.
    @Test(arguments: [CS_MESSAGE_PROCESS_TERMINAL, CS_MESSAGE_PROCESS_LISTENER], [true, false])
    func whatComesBeforeTheEndIsClosed(kind: cs_message_kind, isFailed: Bool) throws {
        var gate = try Gate()
        let theirs = gate.takeTheirs()
        var ends: [Int32] = [-1, -1]
        let made = cs_socketpair_seqpacket(&ends)
        try #require(made == 0)
        defer { _ = close(ends[0]) }
        try send(CS_MESSAGE_PROCESS_BORN, to: theirs.number)
        try send(kind, to: theirs.number, [ends[1]])
        if isFailed { try send(CS_MESSAGE_EXEC_FAILED, to: theirs.number, error: ENOENT) }
        try send(kind, to: theirs.number, [ends[1]])
        _ = close(ends[1])
        let failure = gate.executionFailure(of: getpid())
        #expect(failure?.errno == (isFailed ? ENOENT : nil) && failure?.candidate == (isFailed ? 1 : nil))
        // At its end only when no other descriptor of it is open; one that is being started elsewhere has a copy for a moment.
        var waiting = pollfd(fd: ends[0], events: Int16(POLLIN), revents: 0)
        let ready = poll(&waiting, 1, 60_000)
        var byte: UInt8 = 0
        #expect(ready == 1 && recv(ends[0], &byte, 1, Int32(MSG_DONTWAIT)) == 0)
    }

    @Test func anotherProcessSaysNothingOfIt() throws {
        var gate = try Gate()
        let theirs = gate.takeTheirs()
        try send(CS_MESSAGE_EXEC_FAILED, to: theirs.number, error: ENOENT)
        #expect(gate.executionFailure(of: getpid() + 1) == nil)
        try send(CS_MESSAGE_EXEC_FAILED, to: theirs.number, error: ENOENT)
        #expect(gate.executionFailure(of: getpid())?.errno == ENOENT)
    }
}
