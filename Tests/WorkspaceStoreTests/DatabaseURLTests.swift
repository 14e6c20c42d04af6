import Testing
import WorkspaceStore

@Suite("DATABASE_URL")
struct DatabaseURLTests {
    @Test(arguments: [
        ("sqlite:///./codex.db", "./codex.db"), ("sqlite:///codex.db", "codex.db"),
        ("sqlite:////var/lib/x/codex.db", "/var/lib/x/codex.db"),
        ("sqlite:///a/../b.db", "a/../b.db"), ("sqlite:///ä b%20#c.db", "ä b%20#c.db"), ("sqlite:///.db", ".db"),
    ])
    func formsAreSQLAlchemys(_ text: String, _ path: String) throws {
        #expect(try DatabaseURL(text).path == path)
    }

    @Test(arguments: [
        ("", "empty"), ("codex.db", "no scheme"), ("/codex.db", "no scheme"), ("sqlite:///", "memory"),
        ("sqlite://", "memory"),
        ("sqlite:///:memory:", "memory"), ("sqlite:///file:x?mode=memory", "file:"),
        ("sqlite:codex.db", "three slashes"),
        ("sqlite:/codex.db", "three slashes"), ("sqlite://host/codex.db", "no host"),
        ("SQLITE:///codex.db", "only SQLite"),
        ("sqlite+pysqlite:///codex.db", "only SQLite"), ("postgresql://user:geheim@host/db", "only SQLite"),
        ("mysql://x", "only SQLite"), ("x?password=geheim:1", "only SQLite"), ("key=geheim:x", "only SQLite"),
        ("sqlite:///codex.db?password=geheim", "query"), ("sqlite:///codex.db?timeout=5", "query"),
        ("sqlite:///codex.db?", "query"),
        ("sqlite:///a\0b.db", "control"), ("sqlite:///a\nb.db", "control"), ("sqlite:///folder/", "folder"),
        ("sqlite:///.", "folder"), ("sqlite:///a/..", "folder"),
    ])
    func othersAreRefusedWithTheForms(_ text: String, _ word: String) throws {
        let error = try #require(throws: DatabaseURLError.self) { try DatabaseURL(text) }
        #expect(error.message.contains(word))
        #expect(error.remedy.contains("sqlite:///./codex.db"))
        #expect(!error.description.contains("geheim"))
    }

    @Test func lengthHasALimit() throws {
        let scheme = "sqlite:///"
        let most = scheme + String(repeating: "a", count: DatabaseURL.lengthLimit - scheme.utf8.count)
        #expect(try DatabaseURL(most).path.utf8.count == DatabaseURL.lengthLimit - scheme.utf8.count)
        #expect(throws: DatabaseURLError.self) { try DatabaseURL(most + "a") }
    }
}
