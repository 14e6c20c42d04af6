internal import CShims
internal import Glibc
internal import SandboxPlan

/// Arguments and environment as bytes: `CommandLine.arguments` mends what is not UTF-8, and needs /proc.
enum CallerStrings {
    /// The program's name first; empty when even that was not given.
    static var arguments: [OSString] { all(cs_arguments()) }

    /// `NAME=VALUE` each.
    static var environment: [OSString] { all(UnsafePointer(environ)) }

    /// The strings of a list that ends with a null pointer; the system keeps it for the life of the process.
    private static func all(_ list: UnsafePointer<UnsafeMutablePointer<CChar>?>) -> [OSString] {
        var strings: [OSString] = []
        var next = list
        while let string = next.pointee {
            strings.append(OSString(UnsafeRawBufferPointer(start: string, count: strlen(string))))
            next += 1
        }
        return strings
    }
}
