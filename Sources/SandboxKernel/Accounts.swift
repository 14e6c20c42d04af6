public import SandboxPlan

/// `/etc/passwd`, read by ourselves: a static executable has no name service, and needs none for its own account.
public enum Accounts {
    public struct Account: Hashable, Sendable {
        public var name: OSString
        public var gid: UInt32
        public var home: OSString
    }

    /// The account with this uid; nil when the file has none (it may come from elsewhere).
    public static func account(uid: UInt32) throws(SyscallError) -> Account? {
        let text = try FileReading.read("/etc/passwd", limit: 16 << 20)
        var start = 0
        while start < text.count {
            let end = text[start...].firstIndex(of: 0x0A) ?? text.count
            if let account = account(uid, text, start..<end) { return account }
            start = end + 1
        }
        return nil
    }

    /// `name:password:uid:gid:comment:home:shell` (passwd(5)); nil for another uid, and for a line that is none of these.
    private static func account(_ uid: UInt32, _ text: [UInt8], _ line: Range<Int>) -> Account? {
        var fields: [Range<Int>] = []
        fields.reserveCapacity(7)
        var start = line.lowerBound
        for index in line where text[index] == UInt8(ascii: ":") {
            fields.append(start..<index)
            start = index + 1
        }
        fields.append(start..<line.upperBound)
        guard fields.count >= 6, KernelText.number(text, in: fields[2]) == UInt64(uid),
            let gid = KernelText.number(text, in: fields[3]), gid <= UInt64(UInt32.max)
        else { return nil }
        return Account(
            name: OSString(text[fields[0]]),
            gid: UInt32(truncatingIfNeeded: gid),
            home: OSString(text[fields[5]])
        )
    }
}
