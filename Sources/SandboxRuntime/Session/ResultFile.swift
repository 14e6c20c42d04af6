internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// Where `--result` goes: opened before the launch, written once at the end.
struct ResultFile: ~Copyable {
    private var file: OwnedFileDescriptor?
    /// Nil for a descriptor: what the caller has open is the caller's choice.
    private var place: OutputPlace?

    /// - Throws: `Refusal` when it cannot be written to: better before the job than after it.
    init(_ place: LaunchOptions.ResultPlace?) throws(Refusal) {
        self.place = nil
        switch place {
        case .none: file = nil
        case .file(let path):
            do throws(EvidenceError) {
                let opened = try OutputPlace.open(path, option: "--result", access: O_WRONLY)
                self.place = .some(opened.place)
                file = .some(opened.file)
            } catch { throw error.refusal }
        case .descriptor(let given):
            let flags = cs_fcntl_getfl(given)
            if flags < 0 { throw ResultFile.refusal("descriptor \(given)", "fcntl", Int32(-flags)) }
            guard flags & 3 != O_RDONLY, flags & Int(CS_O_PATH) == 0 else {
                throw ResultFile.refusal("descriptor \(given)", "fcntl", EBADF)
            }
            let copy = cs_duplicate(given)
            if copy < 0 { throw ResultFile.refusal("descriptor \(given)", "fcntl", Int32(-copy)) }
            file = OwnedFileDescriptor(owning: Int32(copy))
        }
    }

    /// Settles that the result goes there, and empties the file; until then it is what it was.
    ///
    /// - Parameters:
    ///   - writable: what the job may write.
    ///   - own: our own folders.
    /// - Throws: `Refusal` when the file lies there: nothing is written to it then, and what was made is gone.
    mutating func keep(outside writable: [OSString], own: [OSString]) throws(Refusal) {
        guard var place = place.take(), let file = file.take() else { return }
        do throws(EvidenceError) {
            try place.keep(outside: writable, own: own)
        } catch { throw error.refusal }
        let emptied = ftruncate(file.number, 0)
        let code = errno
        guard emptied == 0 else { throw ResultFile.refusal(place.path.description, "ftruncate", code) }
        self.file = consume file
    }

    /// The open file, for comparing; nil when there is none.
    var descriptor: Int32? {
        switch file {
        case .some(let file): file.number
        case .none: nil
        }
    }

    /// All of it, or a warning.
    borrowing func write(_ bytes: [UInt8], _ warnings: inout [String]) {
        let number: Int32
        switch file {
        case .none: return
        case .some(let file): number = file.number
        }
        let code = PatientOutput.write(bytes, to: number)
        if code != 0 { warnings.append("--result could not be written: \(String(cString: strerror(code)))") }
    }

    private static func refusal(_ subject: String, _ call: String, _ errno: Int32) -> Refusal {
        Refusal(
            stage: "evidence",
            step: call,
            subject: subject,
            errno: errno,
            message: "--result cannot be written to \(subject)",
            remedy: "name a file that you may write, or a descriptor that is open for writing"
        )
    }
}
