import Dispatch
import Foundation
import SandboxPlan
import Testing

@testable import SandboxAPI
@testable import WebTransport

@Suite struct RawFileTests {
    private func file(_ answer: Client.Answer) -> (offset: UInt64, length: UInt64)? {
        if case .file(_, let offset, let length) = answer.body { return (offset, length) }
        return nil
    }

    private func client(_ bytes: [UInt8] = Array("0123456789".utf8)) async throws -> (Client, String, String) {
        let client = try Client()
        let (id, _) = try await client.project()
        client.workspaces.folders.put(id, "f.bin", bytes)
        return (client, "/api/v1/\(id)/raw/f.bin", FakeFolders.tag(bytes))
    }

    @Test func filesAreDownloaded() async throws {
        let (client, target, tag) = try await client()
        let answer = await client.ask("GET", target)
        #expect(answer.status == 200)
        #expect(file(answer)?.length == 10)
        #expect(answer.headers["ETag"] == tag)
        #expect(answer.headers["Accept-Ranges"] == "bytes")
        #expect(answer.headers["X-Content-Type-Options"] == "nosniff")
    }

    @Test(arguments: [
        ("bytes=0-3", 0, 4), ("bytes=3-", 3, 7), ("bytes=-3", 7, 3), ("bytes=-99", 0, 10), ("bytes=9-9", 9, 1),
        ("bytes=0-99", 0, 10), ("BYTES=1-1", 1, 1), ("bytes=5-99999999999999999999999", 5, 5),
    ])
    func rangesAreServed(range: String, offset: UInt64, length: UInt64) async throws {
        let (client, target, _) = try await client()
        let answer = await client.ask("GET", target, [("Range", range)])
        #expect(answer.status == 206)
        #expect(file(answer)?.offset == offset)
        #expect(file(answer)?.length == length)
        #expect(answer.headers["Content-Range"] == "bytes \(offset)-\(offset + length - 1)/10")
    }

    @Test(arguments: ["bytes=10-", "bytes=10-12", "bytes=-0", "bytes=99999999999999999999-"])
    func rangesBehindTheEndAreNot(range: String) async throws {
        let (client, target, _) = try await client()
        let answer = await client.ask("GET", target, [("Range", range)])
        #expect(answer.status == 416)
        #expect(answer.headers["Content-Range"] == "bytes */10")
        #expect(answer.json?["error"] as? String == "http_error")
    }

    /// What is no single range is answered with the whole.
    @Test(arguments: [
        "bytes=0-1,3-4", "lines=1-2", "bytes=", "bytes=-", "bytes=5-3", "bytes=a-b", "0-3", "bytes=1-2-3", "bytes=+1-2",
    ])
    func otherRangesAreTheWhole(range: String) async throws {
        let (client, target, _) = try await client()
        #expect(await client.ask("GET", target, [("Range", range)]).status == 200)
    }

    @Test func emptyFilesHaveNoRange() async throws {
        let (client, target, _) = try await client([])
        #expect(await client.ask("GET", target).status == 200)
        #expect(await client.ask("GET", target, [("Range", "bytes=0-")]).status == 416)
    }

    @Test func conditionsHold() async throws {
        let (client, target, tag) = try await client()
        for known in [tag, "W/\(tag)", "*", "\"a,b\", \(tag)"] {
            let answer = await client.ask("GET", target, [("If-None-Match", known)])
            #expect(answer.status == 304, "\(known)")
            #expect(answer.headers["ETag"] == tag)
            #expect(answer.bytes.isEmpty)
        }
        #expect(await client.ask("GET", target, [("If-None-Match", "\"other\"")]).status == 200)
        let range = ("Range", "bytes=0-1")
        #expect(await client.ask("GET", target, [range, ("If-Range", tag)]).status == 206)
        for other in ["\"other\"", "W/\(tag)", "Wed, 21 Oct 2015 07:28:00 GMT"] {
            #expect(await client.ask("GET", target, [range, ("If-Range", other)]).status == 200)
        }
        #expect(await client.ask("HEAD", target, [range]).status == 200)
    }

    /// RFC 9110, 13.1.1 and 13.2.2: before every other condition, by strong comparison.
    @Test(arguments: ["GET", "HEAD"]) func filesAreReadOnlyAsIfMatchHasThem(method: String) async throws {
        let (client, target, tag) = try await client()
        let range = ("Range", "bytes=0-1")
        for wanted in [tag, "*", "\"other\", \(tag)"] {
            #expect(await client.ask(method, target, [("If-Match", wanted)]).status == 200, "\(wanted)")
        }
        #expect(
            await client.ask(method, target, [range, ("If-Match", tag)]).status == (method == "GET" ? 206 : 200)
        )
        #expect(await client.ask(method, target, [("If-Match", tag), ("If-None-Match", tag)]).status == 304)
        for other in ["\"other\"", "W/\(tag)", "", " , "] {
            for more in [[], [range], [("If-None-Match", tag)], [("Range", "bytes=99-")], [range, ("If-Range", tag)]] {
                let answer = await client.ask(method, target, [("If-Match", other)] + more)
                #expect(answer.status == 412, "\(other) \(more)")
                #expect(file(answer) == nil)
            }
        }
        // What is not there is 404 whatever the condition (13.2.1).
        #expect(await client.ask(method, target + "x", [("If-Match", tag)]).status == 404)
    }

    private static let dates = (
        before: "Sun, 06 Nov 1994 08:49:36 GMT", same: "Sun, 06 Nov 1994 08:49:37 GMT",
        after: "Sun, 06 Nov 1994 08:49:38 GMT"
    )

    /// RFC 9110, 13.2.2: a date counts where there are no tags; what is no date is passed over.
    ///
    /// Not that of `If-Modified-Since`, whichever it is: two files of one second have the same one.
    @Test(arguments: ["GET", "HEAD"]) func conditionsByDateHold(method: String) async throws {
        let (client, target, tag) = try await client()
        func status(_ fields: (String, String)...) async -> Int { await client.ask(method, target, fields).status }
        let whole = await client.ask(method, target)
        #expect(whole.status == 200 && whole.headers["Last-Modified"] == Self.dates.same)
        for date in [Self.dates.same, "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"] {
            let answer = await client.ask(method, target, [("If-Modified-Since", date)])
            #expect(answer.status == 200 && answer.headers["ETag"] == tag, "\(date)")
            #expect(answer.headers["Last-Modified"] == Self.dates.same)
            #expect(await status(("If-Unmodified-Since", date)) == 200, "\(date)")
        }
        #expect(await status(("If-Modified-Since", Self.dates.before)) == 200)
        #expect(await status(("If-Modified-Since", Self.dates.after)) == 200)
        #expect(await status(("If-Unmodified-Since", Self.dates.after)) == 200)
        #expect(await status(("If-Unmodified-Since", Self.dates.before)) == 412)
        for date in ["", "yesterday", "784111777", "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 CET"] {
            #expect(await status(("If-Modified-Since", date)) == 200, "\(date)")
            #expect(await status(("If-Unmodified-Since", date)) == 200, "\(date)")
        }
        let same = ("If-Modified-Since", Self.dates.same)
        #expect(await status(same, same) == 200)
        // The tag wins, either way.
        #expect(await status(("If-None-Match", "\"other\""), same) == 200)
        #expect(await status(("If-None-Match", tag), ("If-Modified-Since", Self.dates.before)) == 304)
        #expect(await status(("If-Match", tag), ("If-Unmodified-Since", Self.dates.before)) == 200)
        #expect(await status(("If-Match", "\"other\""), ("If-Unmodified-Since", Self.dates.after)) == 412)
        #expect(await status(("If-None-Match", tag), same) == 304)
        #expect(await status(("If-Match", tag), same) == 200)
        #expect(await status(("Range", "bytes=0-1"), same) == (method == "GET" ? 206 : 200))
    }

    @Test func writesHoldConditionsByDate() async throws {
        let (client, target, tag) = try await client()
        let (before, after) = (("If-Unmodified-Since", Self.dates.before), ("If-Unmodified-Since", Self.dates.after))
        #expect(await client.ask("PUT", target, [before], body: [1]).status == 412)
        #expect(await client.ask("DELETE", target, [before]).status == 412)
        #expect(await client.ask("PUT", target, [("If-Match", tag), before], body: [1]).status == 200)
        #expect(await client.ask("PUT", target, [after], body: [2]).status == 200)
        // A date of reading says nothing of a write, and a file that is not there has none.
        #expect(await client.ask("PUT", target, [("If-Modified-Since", Self.dates.after)], body: [3]).status == 200)
        #expect(await client.ask("PUT", target + "x", [before], body: [4]).status == 201)
        #expect(await client.ask("DELETE", target, [after]).status == 204)
    }

    @Test func datesAreRead() throws {
        for (text, seconds) in [
            ("Thu, 01 Jan 1970 00:00:00 GMT", 0), ("Tue, 29 Feb 2000 23:59:59 GMT", 951_868_799),
            ("Fri, 31 Dec 9999 23:59:59 GMT", 253_402_300_799), ("Sat, 31 Dec 2016 23:59:60 GMT", 1_483_228_799),
        ] as [(String, Int64)] {
            let date = try #require(HTTPDate(text), "\(text)")
            #expect(date.seconds == seconds && (date.text == text || text.contains(":60")))
        }
        for text in [
            "Tue, 30 Feb 2000 00:00:00 GMT", "Tue, 29 Feb 1999 00:00:00 GMT", "Tue, 29 Feb 2000 24:00:00 GMT",
            "Tue, 29 Feb 2000 00:60:00 GMT", "Tue, 29 feb 2000 00:00:00 GMT", "Tue, +9 Feb 2000 00:00:00 GMT",
            "Tue, 29 Feb 02000 00:00:00 GMT", "Dienstag, 29-Feb-00 00:00:00 GMT", "Tue, 0 Feb 2000 00:00:00 GMT",
            "Tue, 29 Feb 2000 00:00 GMT", "Tue, 29 Feb 2000 0:00:00 GMT", "Tue, 29 Feb 0000 00:00:00 GMT",
        ] { #expect(HTTPDate(text) == nil, "\(text)") }
        #expect(HTTPDate(seconds: -1).text == nil && HTTPDate(seconds: 253_402_300_800).text == nil)
    }

    /// RFC 9110, 14.5: a part would be taken for the whole.
    @Test(arguments: ["bytes 0-0/10", "bytes 3-4/*", "nonsense", ""])
    func partsAreNotUploaded(range: String) async throws {
        let (client, target, _) = try await client()
        let answer = await client.ask("PUT", target, [("Content-Range", range)], body: [1])
        #expect(answer.status == 400)
        #expect(answer.detail?.contains("Content-Range") == true)
        let id = FakeWorkspaces.id(1, 1)
        #expect(client.workspaces.folders.bytes(id, "f.bin") == Array("0123456789".utf8))
        #expect(await client.ask("PUT", target, body: [1]).status == 200)
        #expect(client.workspaces.folders.bytes(id, "f.bin") == [1])
    }

    @Test func aNameThatNoFileCanHaveIsNamedAsSuch() async throws {
        let client = try Client()
        let (id, _) = try await client.project()
        for (count, status) in [(255, 201), (256, 400), (300, 400)] {
            let name = String(repeating: "%61", count: count)
            let answer = await client.ask("PUT", "/api/v1/\(id)/raw/d/\(name)", body: [1])
            #expect(answer.status == status, "\(count)")
            if status == 400 { #expect(answer.detail?.contains("255 bytes") == true) }
        }
    }

    /// What a worker has written never runs as a page of this server.
    @Test(arguments: [
        ("a.html", "text/html; charset=utf-8", false), ("a.SVG", "image/svg+xml", false),
        ("a.js", "text/javascript; charset=utf-8", false),
        ("a.xhtml", "application/xhtml+xml", false), ("a.xml", "application/xml", false),
        ("a.pdf", "application/pdf", false),
        ("a", "application/octet-stream", false), ("a.html.unknown", "application/octet-stream", false),
        ("app.py", "text/plain; charset=utf-8", true), ("a.png", "image/png", true),
        ("a.json", "application/json", true),
    ])
    func activeTypesAreOnlySaved(name: String, type: String, isInline: Bool) async throws {
        let client = try Client()
        let (id, _) = try await client.project()
        client.workspaces.folders.put(id, OSString("d/\(name)"), [1])
        let answer = await client.ask("GET", "/api/v1/\(id)/raw/d/\(name)")
        #expect(answer.headers["Content-Type"] == type)
        #expect(answer.headers["Content-Security-Policy"]?.hasPrefix("sandbox;") == true)
        #expect(answer.headers["X-Content-Type-Options"] == "nosniff")
        #expect(answer.headers["Content-Disposition"] == "\(isInline ? "inline" : "attachment"); filename=\"\(name)\"")
    }

    @Test func namesInFieldsAreHarmless() {
        let type = FileType("a\"b\r\nX: y/é\".py")
        #expect(type.disposition("a\"b\r\nX: y/é\".py") == "inline; filename=\"___.py\"; filename*=UTF-8''%C3%A9%22.py")
        #expect(FileType("x").disposition(OSString([0x61, 0xFF])) == "attachment; filename=\"a_\"")
    }

    @Test func filesAreUploaded() async throws {
        let client = try Client()
        let (id, _) = try await client.project()
        let target = "/api/v1/projects/\(id)/raw/new/a.txt"
        let first = await client.ask("PUT", target, [("If-None-Match", "*")], body: [1, 2, 3])
        #expect(first.status == 201)
        #expect(first.json == ["path": "new/a.txt", "size": 3])
        let tag = try #require(first.headers["ETag"])
        #expect(client.workspaces.folders.bytes(id, "new/a.txt") == [1, 2, 3])
        #expect(await client.ask("PUT", target, [("If-None-Match", "*")], body: [4]).status == 412)
        #expect(await client.ask("PUT", target, [("If-Match", "\"other\"")], body: [4]).status == 412)
        // Both have to hold, and these never do.
        for field in [("If-Match", "*"), ("If-Match", tag)] {
            let both = [field, ("If-None-Match", "*")]
            #expect(await client.ask("PUT", target, both, body: [4]).status == 412)
            #expect(await client.ask("DELETE", target, both).status == 412)
        }
        #expect(
            await client.ask("PUT", "/api/v1/\(id)/raw/new/b", [("If-Match", "*"), ("If-None-Match", "*")], body: [4])
                .status == 412
        )
        #expect(client.workspaces.folders.bytes(id, "new/a.txt") == [1, 2, 3])
        #expect(await client.ask("PUT", target, [("If-Match", "\"other\", \(tag)")], body: []).status == 200)
        #expect(client.workspaces.folders.bytes(id, "new/a.txt") == [])
        #expect(await client.ask("PUT", "/api/v1/\(id)/raw/new/b", [("If-Match", "*")], body: [4]).status == 412)
        #expect(await client.ask("PUT", "/api/v1/\(id)/raw/../b", body: [4]).status == 400)
        #expect(await client.ask("PUT", "/api/v1/\(FakeWorkspaces.id(9, 1))/raw/b", body: [4]).status == 404)
        #expect(await client.ask("DELETE", target, [("If-Match", tag)]).status == 412)
        #expect(await client.ask("DELETE", target).status == 204)
        #expect(await client.ask("DELETE", target).status == 404)
    }

    @Test func uploadsHaveALimit() async throws {
        let client = try Client()
        let (id, _) = try await client.project()
        let target = "/api/v1/\(id)/raw/a"
        #expect(await client.ask("PUT", target, body: [UInt8](repeating: 7, count: 1000)).status == 201)
        let answer = await client.ask("PUT", target, body: [UInt8](repeating: 8, count: 1001))
        #expect(answer.status == 413)
        #expect(client.workspaces.folders.bytes(id, "a")?.first == 7)
    }

    @Test func archiveIsAStreamThatBreaksVisibly() async throws {
        let client = try Client()
        let (id, _) = try await client.project()
        let answer = await client.ask("GET", "/api/v1/\(id)/archive")
        #expect(answer.headers["Content-Type"] == "application/x-tar")
        guard case .stream = answer.body else {
            Issue.record("no stream")
            return
        }
        let folder = try client.workspaces.folders.folder(id, of: client.workspaces)
        let work = HeavyWork()
        let feed = ArchiveFeed(try folder.archive(), try work.beginArchive(), work)
        func next() async throws -> HTTPStream.Piece {
            while true {
                let piece = feed.next(room: 100)
                if piece != .waiting { return piece }
                try await Task.sleep(for: .milliseconds(1))
            }
        }
        #expect(try await next() == .bytes([1, 2, 3]))
        #expect(try await next() == .bytes([4]))
        #expect(try await next() == .broken)
    }

    /// Each keeps the names of a whole workspace for as long as its client reads.
    @Test func archivesHavePlaces() async throws {
        let client = try Client()
        let (id, _) = try await client.project()
        let target = "/api/v1/\(id)/archive"
        var begun: [Client.Answer] = []
        for _ in 0..<HeavyWork.mostArchives { begun.append(await client.ask("GET", target)) }
        #expect(begun.allSatisfy { $0.status == 200 })
        let walked = client.workspaces.folders.archives
        let late = await client.ask("GET", target)
        #expect(late.status == 503 && late.headers["Retry-After"] == "2" && late.headers["Content-Type"] != nil)
        #expect(client.workspaces.folders.archives == walked, "the folder is not walked for it")
        // A HEAD keeps nothing.
        #expect(await client.ask("HEAD", target).status == 200)
        // One leaves: of a stream that is not sent at all, too.
        begun.removeLast().body.discard()
        let next = await client.ask("GET", target)
        #expect(next.status == 200)
        #expect(await client.ask("GET", target).status == 503)
        // One that is read to its end, which is a broken one here.
        begun.append(next)
        let read = begun.removeLast()
        guard case .stream(let stream) = read.body else {
            Issue.record("no stream")
            return
        }
        stream.close()
        #expect(await client.ask("GET", target).status == 200)
    }

    /// What fails gives its place back, and so does what nobody waits for when its turn comes: its folder is not walked.
    @Test func anArchiveThatNobodyGetsKeepsNoPlace() async throws {
        let client = try Client()
        let (id, _) = try await client.project()
        let target = "/api/v1/\(id)/archive"
        let gate = DispatchSemaphore(value: 0)
        // Both threads are busy.
        for _ in 0..<2 { client.api.heavy.begin { gate.wait() } }
        let clients = (0..<HeavyWork.mostArchives).map { _ in Task { await client.ask("GET", target).status } }
        while client.api.heavy.archives < HeavyWork.mostArchives { await Task.yield() }
        #expect(await client.ask("GET", target).status == 503)
        for task in clients { task.cancel() }
        for _ in 0..<2 { gate.signal() }
        for task in clients { #expect(await task.value == 503) }
        #expect(client.workspaces.folders.archives == 0)
        #expect(client.api.heavy.archives == 0)
        #expect(await client.ask("GET", target).status == 200)
    }
}
