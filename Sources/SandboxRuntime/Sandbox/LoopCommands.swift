internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// What other threads ask of a sandbox's own thread.
enum LoopCommand: Sendable {
    case start(ProcessOptions, Latch<StartResult>)
    case signal(UInt32, Int32)
    /// Who reads a process's output has read so many bytes, and they are too many.
    case outputExceeded(UInt32, UInt64)
    case close(Latch<SandboxEnd>)
}

typealias StartResult = Result<SandboxedProcess, Refusal>

/// The commands that wait, and a descriptor that says so.
final class LoopCommands: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private var waiting: [LoopCommand] = []
    private var isOver = false
    /// eventfd(2).
    let bell: OwnedFileDescriptor

    /// - Throws: `Refusal` when there is no descriptor to be had.
    init() throws(Refusal) {
        let number = cs_eventfd()
        if number < 0 {
            throw Refusal(
                stage: "place",
                step: "eventfd",
                subject: "sandbox",
                errno: Int32(-number),
                message: "a sandbox cannot be asked for anything",
                remedy: "raise the limit of open files (ulimit -n)"
            )
        }
        bell = OwnedFileDescriptor(owning: Int32(number))
        pthread_mutex_init(mutex, nil)
    }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    /// - Returns: false when nobody will carry it out any more.
    func post(_ command: LoopCommand) -> Bool {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        if isOver { return false }
        waiting.append(command)
        var one: UInt64 = 1
        _ = write(bell.number, &one, 8)
        return true
    }

    func take() -> [LoopCommand] {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        var count: UInt64 = 0
        _ = read(bell.number, &count, 8)
        defer { waiting = [] }
        return waiting
    }

    /// From here on `post` says no.
    ///
    /// - Returns: what came too late.
    func end() -> [LoopCommand] {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        isOver = true
        defer { waiting = [] }
        return waiting
    }
}
