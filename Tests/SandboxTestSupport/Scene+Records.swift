import Foundation

extension Scene {
    /// The files of the launcher's records in which a text stands; a launch must have left at least one record.
    public func recordsHolding(_ text: String) throws -> [String] {
        let files = try records()
        guard !files.isEmpty else { return ["there is no record of the launch below \(state)"] }
        return try files.filter { path in
            try Data(contentsOf: URL(fileURLWithPath: path)).range(of: Data(text.utf8)) != nil
        }.map { "\(text) stands in \($0)" }
    }

    /// Every file the launcher wrote below its state folder.
    public func records() throws -> [String] {
        guard let walk = FileManager.default.enumerator(atPath: state) else { return [] }
        return walk.compactMap { $0 as? String }.map { "\(state)/\($0)" }.filter { path in
            var isFolder: ObjCBool = false
            return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && !isFolder.boolValue
        }.sorted()
    }
}
