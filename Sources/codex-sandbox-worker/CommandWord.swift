import Glibc

/// The one argument of the command line.
enum CommandWord {
    /// The argument; nil where there is none, or more than one.
    ///
    /// `CommandLine.arguments` needs /proc, which the place of a job need not have. The arguments lie on the stack right
    /// before the environment, with their number before them and a null pointer behind (System V ABI, AMD64 3.4.1; the same
    /// on all machines of Linux), and this program does not change its environment.
    static var given: String? {
        let end = UnsafeMutableRawPointer(environ) - MemoryLayout<Int>.stride
        func word(_ index: Int) -> Int {
            (end - index * MemoryLayout<Int>.stride).load(as: Int.self)
        }
        // No pointer to an argument is as small as a number of arguments.
        guard word(0) == 0, word(3) == 2, let text = UnsafePointer<CChar>(bitPattern: word(1)) else { return nil }
        return String(cString: text)
    }
}
