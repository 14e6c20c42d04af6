import Glibc
import SandboxPlan

/// Arguments and environment as bytes; Swift's own `CommandLine.arguments` mends what is not UTF-8, and so changes it.
enum CallerStrings {
    /// The strings of a list that ends with a null pointer: `environ`, or `CommandLine.unsafeArgv`.
    static func all(_ list: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> [OSString] {
        var strings: [OSString] = []
        var next = list
        while let string = next.pointee {
            strings.append(OSString(UnsafeRawBufferPointer(start: string, count: strlen(string))))
            next += 1
        }
        return strings
    }
}
