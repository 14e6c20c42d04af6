import Foundation

/// Files that are executed right after they were written.
///
/// execve(2) answers ETXTBSY while anybody has the file open for writing, and a child that another test's thread forks meanwhile
/// has all descriptors of this process until its own execve: nobody here may ever have had one of the file.
public enum ProgramFile {
    /// A copy made by cp(1), with the mode of the original.
    ///
    /// - Throws: What starting it throws, and its words where it fails.
    public static func copy(_ from: String, to path: String) throws {
        let copy = Process()
        let errors = Foundation.Pipe()
        copy.executableURL = URL(fileURLWithPath: "/bin/cp")
        copy.arguments = ["--preserve=mode", "--", from, path]
        copy.standardError = errors
        try copy.run()
        let text = errors.fileHandleForReading.readDataToEndOfFile()
        copy.waitUntilExit()
        guard copy.terminationStatus == 0 else { throw TestFailure("cp: \(String(decoding: text, as: UTF8.self))") }
    }

    /// Text that is executed: what this process writes is another file.
    ///
    /// - Throws: As `copy`, and where the file cannot be written.
    public static func write(_ text: String, to path: String) throws {
        let draft = path + ".draft"
        try Data(text.utf8).write(to: URL(fileURLWithPath: draft))
        try copy(draft, to: path)
        try FileManager.default.removeItem(atPath: draft)
    }
}
