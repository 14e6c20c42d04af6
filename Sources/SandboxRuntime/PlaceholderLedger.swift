internal import CShims
internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// The file in our state folder that names each placeholder before it is made.
///
/// A path per line in hexadecimal, since a name may hold a newline; before a file's path a letter that is no digit. A text
/// without its newline was cut off by a full disk, and is no line.
struct PlaceholderLedger: ~Copyable {
    let file: OwnedFileDescriptor

    /// What it names; nil when it cannot be read.
    borrowing func entries() -> [Placeholder]? {
        guard lseek(file.number, 0, SEEK_END) != 0 else { return [] }
        guard lseek(file.number, 0, SEEK_SET) == 0 else { return nil }
        var text: [UInt8] = []
        while text.count < 1 << 20 {
            var failed = false
            let number = file.number
            let chunk = [UInt8](unsafeUninitializedCapacity: 16384) { space, count in
                let result = read(number, space.baseAddress, 16384)
                failed = result < 0
                count = max(result, 0)
            }
            if failed { return nil }
            if chunk.isEmpty { break }
            text += chunk
        }
        guard let end = text.lastIndex(of: 0x0A) else { return [] }
        var entries: [Placeholder] = []
        for line in text[...end].split(separator: 0x0A) {
            // What is no line of ours names nothing: it is dropped with the rest.
            guard let entry = PlaceholderLedger.entry(line) else { continue }
            entries.append(entry)
        }
        return entries
    }

    /// Writes down what is not in it yet: what an overlapping run has written need not be, or it would only grow.
    ///
    /// - Throws: `SyscallError` when not everything could be written; nothing of it is left then.
    borrowing func add(_ placeholders: [Placeholder]) throws(SyscallError) {
        guard let known = entries() else { throw SyscallError(call: "read", subject: "placeholders", errno: EIO) }
        var lines: [UInt8] = []
        for placeholder in placeholders where !known.contains(placeholder) {
            lines += PlaceholderLedger.line(placeholder)
        }
        if lines.isEmpty { return }
        let before = lseek(file.number, 0, SEEK_END)
        var last: UInt8 = 0x0A
        if before > 0 && pread(file.number, &last, 1, before - 1) == 1 && last != 0x0A {
            // Whatever the piece would say by itself, it is to say nothing.
            lines = [UInt8(ascii: "!"), 0x0A] + lines
        }
        var written = 0
        while written < lines.count {
            let number = file.number
            let result = lines[written...].withUnsafeBytes { write(number, $0.baseAddress, $0.count) }
            if result < 0 && errno == EINTR { continue }
            if result <= 0 {
                let reason = result < 0 ? errno : EIO
                // Another run may have written behind it meanwhile.
                if lseek(number, 0, SEEK_END) == before + off_t(written) { _ = ftruncate(number, before) }
                throw SyscallError(call: "write", subject: "placeholders", errno: reason)
            }
            written += result
        }
        // At the end they are taken away by what stands here: a yes alone would not do.
        guard lseek(file.number, 0, SEEK_END) >= before + off_t(written) else {
            throw SyscallError(call: "write", subject: "placeholders", errno: EIO)
        }
    }

    borrowing func empty() {
        if lseek(file.number, 0, SEEK_END) > 0 { _ = ftruncate(file.number, 0) }
    }

    private static let digits = Array("0123456789abcdef".utf8)

    private static func line(_ placeholder: Placeholder) -> [UInt8] {
        var line: [UInt8] = []
        line.reserveCapacity(placeholder.path.bytes.count * 2 + 2)
        switch placeholder.kind {
        case .folder: break
        case .emptyFile: line.append(UInt8(ascii: "E"))
        case .commonFolder: line.append(UInt8(ascii: "C"))
        }
        for byte in placeholder.path.bytes {
            line.append(digits[Int(byte >> 4)])
            line.append(digits[Int(byte & 15)])
        }
        line.append(0x0A)
        return line
    }

    private static func entry(_ line: ArraySlice<UInt8>) -> Placeholder? {
        var rest = line
        var kind = Placeholder.Kind.folder
        switch line.first {
        case UInt8(ascii: "E"): kind = .emptyFile
        case UInt8(ascii: "C"): kind = .commonFolder
        case .some, nil: break
        }
        if kind != .folder { rest = rest.dropFirst() }
        guard rest.count % 2 == 0, !rest.isEmpty else { return nil }
        var bytes: [UInt8] = []
        while let first = rest.popFirst(), let second = rest.popFirst() {
            guard let high = value(first), let low = value(second) else { return nil }
            bytes.append(high << 4 | low)
        }
        let path = OSString(bytes)
        return path.isAbsolute ? Placeholder(path: path, kind: kind) : nil
    }

    private static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case 0x30...0x39: digit - 0x30
        case 0x61...0x66: digit - 0x61 + 10
        default: nil
        }
    }
}
