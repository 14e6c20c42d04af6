import Glibc

/// Something the tests themselves could not do; never the verdict on the sandbox.
public struct TestFailure: Error, CustomStringConvertible {
    public var description: String

    public init(_ description: String) {
        self.description = description
    }

    /// With the error of the call just made; call it on the line after.
    public init(call: String, on subject: String = "") {
        let code = errno
        self.description = "\(call) \(subject): \(String(cString: strerror(code)))"
    }
}

/// Returns a call's result; throws its error.
@discardableResult
func check(_ call: String, _ subject: String = "", _ result: Int32) throws -> Int32 {
    guard result != -1 else { throw TestFailure(call: call, on: subject) }
    return result
}
