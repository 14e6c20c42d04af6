internal import CShims
internal import Glibc
internal import SandboxPlan

/// The names in a folder, one after the other: there may be millions, and they may be removed on the way (readdir(3)).
struct FolderNames: ~Copyable {
    private let list: OpaquePointer

    /// - Parameter folder: its descriptor; it stays the caller's.
    init?(_ folder: Int32) {
        let copy = cs_openat2(folder, ".", UInt64(O_RDONLY) | UInt64(CS_O_DIRECTORY) | UInt64(CS_O_CLOEXEC), 0, 0)
        guard copy >= 0 else { return nil }
        guard let list = fdopendir(Int32(copy)) else {
            _ = close(Int32(copy))
            return nil
        }
        self.list = list
    }

    deinit { closedir(list) }

    /// - Returns: nil at the end, or where reading fails, which errno says.
    borrowing func next() -> OSString? {
        while true {
            Glibc.errno = 0
            guard let entry = readdir(list) else { return nil }
            let name = OSString(of: entry)
            if name != "." && name != ".." { return name }
        }
    }

    /// At most so many; nil where there are more, or reading fails.
    static func few(_ most: Int, in folder: Int32) -> [OSString]? {
        guard let names = FolderNames(folder) else { return nil }
        var found: [OSString] = []
        while let name = names.next() {
            if found.count == most { return nil }
            found.append(name)
        }
        return Glibc.errno == 0 ? found : nil
    }
}
