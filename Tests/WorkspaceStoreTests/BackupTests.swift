import Foundation
import Testing
import WorkspaceStore

@Suite("backup")
struct BackupTests {
    private let place: Place

    init() throws {
        place = try Place()
    }

    private func names() throws -> Set<String> {
        Set(try FileManager.default.contentsOfDirectory(atPath: place.folder))
    }

    @Test func aCopyIsOfOneMomentAndOneFile() throws {
        let store = try place.store()
        let project = someProject()
        try store.add(project, firstJob: someJob(project))
        let schema = try place.administration().backUp(to: place.path("copy.db"))
        #expect(schema == (try place.administration().status().migrations.count))
        let later = someProject(1)
        try store.add(later, firstJob: someJob(later))
        store.close()
        #expect(try !names().contains("copy.db-wal"))
        #expect(try place.administration("copy.db").checkCopy() == schema)
        #expect(try names().isSuperset(of: ["copy.db"]))
        let copy = try place.store("copy.db")
        #expect(try copy.projects(limit: 10, after: nil).map(\.id) == [project.id])
        copy.close()
        // Nothing is written over, and nothing half is left.
        #expect(throws: StoreError.self) { _ = try place.administration().backUp(to: place.path("copy.db")) }
        try place.write(Data(repeating: 7, count: 8192), "none.db")
        #expect(throws: StoreError.self) { _ = try place.administration("none.db").backUp(to: place.path("other.db")) }
        #expect(throws: StoreError.self) {
            _ = try place.administration("nowhere.db").backUp(to: place.path("other.db"))
        }
        #expect(try !names().contains("other.db"))
    }

    @Test func aReplacementGoesOnWhereItWasInterrupted() throws {
        for step in 0...2 {
            let place = try Place()
            let old = try place.store()
            let gone = someProject(1)
            try old.add(gone, firstJob: someJob(gone))
            old.close()
            let new = try place.store("codex.db.restored")
            let project = someProject(2)
            try new.add(project, firstJob: someJob(project))
            new.close()
            // A server that was killed has left its log.
            try place.write(Data("log".utf8), "codex.db-wal")
            try place.write(Data("{}".utf8), "codex.db.restoring")
            #expect(try storeError { _ = try place.store() }.message.contains("interrupted"))
            let replacement = try DatabaseReplacement(try place.url())
            #expect(replacement.isBegun)
            if step > 0 { rename(place.path(), place.path("codex.db.old")) }
            if step > 1 { rename(place.path("codex.db-wal"), place.path("codex.db.old-wal")) }
            try replacement.finish(movingOldTo: ".old")
            try replacement.finish(movingOldTo: ".old")
            try FileManager.default.removeItem(atPath: replacement.markPath)
            let names = Set(try FileManager.default.contentsOfDirectory(atPath: place.folder))
            #expect(names.isSuperset(of: ["codex.db", "codex.db.old", "codex.db.old-wal"]))
            #expect(names.isDisjoint(with: ["codex.db.restored", "codex.db-wal"]))
            withExtendedLifetime(replacement) {
                _ = #expect(throws: StoreError.self) { _ = try place.store() }
            }
        }
    }
}
