import Glibc
import SandboxPlan

/// A new folder that is removed with all in it.
struct TemporaryFolder: ~Copyable {
    let path: OSString

    init() throws(SuiteError) {
        // Paths of sockets are short (unix(7)), so a long TMPDIR cannot be used.
        let parent = getenv("TMPDIR").map { String(cString: $0) }.flatMap {
            $0.hasPrefix("/") && $0.utf8.count <= 40 ? $0 : nil
        }
        var template = Array("\(parent ?? "/tmp")/live-suite-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw SuiteError(
                "a temporary folder cannot be made in \(parent ?? "/tmp"): \(ErrnoName.described(errno)); see TMPDIR"
            )
        }
        path = OSString(template.dropLast().map { UInt8(bitPattern: $0) })
    }

    deinit {
        if let why = TemporaryFolder.remove(path) { Output.say("\(path) is not removed: \(why)") }
    }

    /// A folder in it, only ours.
    func folder(_ name: String) throws(SuiteError) -> OSString {
        var front = path
        for component in OSString(name).components {
            front = front.appending(component)
            if front.withCString({ mkdir($0, 0o700) }) != 0, errno != EEXIST {
                throw SuiteError("\(front) cannot be made: \(ErrnoName.described(errno))")
            }
        }
        return front
    }

    /// Why something could not be removed.
    private static func remove(_ path: OSString) -> String? {
        do throws(SuiteError) {
            try FolderWalk.remove(path)
            return nil
        } catch { return error.text }
    }
}
