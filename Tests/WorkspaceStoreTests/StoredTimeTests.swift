import Foundation
import Testing
import WorkspaceStore

@Suite("stored times")
struct StoredTimeTests {
    @Test func bothFormsAreThoseOfPythonAndSQLAlchemy() {
        #expect(someTime.text == "2025-11-14 17:14:05.123456")
        #expect(someTime.iso == "2025-11-14T17:14:05.123456")
        let whole = StoredTime(microseconds: 1_763_140_445_000_000)
        #expect(whole.text == "2025-11-14 17:14:05.000000")
        #expect(whole.iso == "2025-11-14T17:14:05")
        #expect(StoredTime(microseconds: 0).iso == "1970-01-01T00:00:00")
        #expect(StoredTime(microseconds: StoredTime.range.upperBound).text == "9999-12-31 23:59:59.999999")
    }

    @Test func whatLiesOutsideReadsAsItsNearerEnd() {
        #expect(StoredTime(microseconds: -1).iso == "1970-01-01T00:00:00")
        #expect(StoredTime(microseconds: .min).iso == "1970-01-01T00:00:00")
        #expect(StoredTime(microseconds: StoredTime.range.upperBound + 1).iso == "9999-12-31T23:59:59.999999")
        #expect(StoredTime(microseconds: .max).iso == "9999-12-31T23:59:59.999999")
    }

    @Test func agreesWithPythonOnManyDates() throws {
        let place = try Place()
        let program = """
            import datetime, random
            random.seed(1)
            first = datetime.datetime(1970, 1, 1)
            days = [first + datetime.timedelta(days=n) for n in range(0, 2932896, 211)]
            edges = [datetime.datetime(y, m, d, 23, 59, 59, 999999) for y in (1970, 1972, 1999, 2000, 2004, 2099, 2100, 2400, 9999)
                for m, d in ((1, 1), (2, 28), (3, 1), (12, 31))]
            edges += [datetime.datetime(y, 2, 29) for y in (1972, 2000, 2024, 2400, 9996)]
            for day in days + edges:
                t = day + datetime.timedelta(microseconds=random.choice([0, random.randrange(86400000000 - 1)]) if day in days else 0)
                print((t - first) // datetime.timedelta(microseconds=1), t.isoformat())
            """
        let lines = try place.python(program).split(separator: "\n")
        #expect(lines.count > 13_900)
        for line in lines {
            let parts = line.split(separator: " ")
            let time = StoredTime(microseconds: try #require(Int64(parts[0])))
            guard time.iso == parts[1], StoredTime(text: time.iso) == time, StoredTime(text: time.text) == time else {
                Issue.record("\(line): \(time.iso) \(time.text)")
                return
            }
        }
    }

    @Test(arguments: [
        "2025-11-14 17:14:05", "2025-11-14T17:14:05.1", "2025-11-14 17:14:05.12345", "2024-02-29T00:00:00",
    ])
    func shorterFractionsAreRead(_ text: String) throws {
        let time = try #require(StoredTime(text: text))
        #expect(time.iso.hasPrefix(text.prefix(10)))
    }

    @Test(arguments: [
        "", "2025", "2025-11-14", "2025-11-14 17:14", "2025-11-14 17:14:05.", "2025-11-14 17:14:05.1234567",
        "2025-02-29 00:00:00",
        "2100-02-29 00:00:00", "2025-00-14 17:14:05", "2025-13-14 17:14:05", "2025-04-31 17:14:05",
        "2025-11-00 17:14:05",
        "2025-11-14 24:00:00", "2025-11-14 17:60:05", "2025-11-14 17:14:60", "1969-12-31 23:59:59",
        "2025-11-14_17:14:05",
        "2025-11-14 17:14:05Z", "2025-11-14 17:14:05.12345Z", "+025-11-14 17:14:05", "٢٠٢٥-11-14 17:14:05",
        "2025-11-14 17:14:05,1",
    ])
    func nothingElseIs(_ text: String) {
        #expect(StoredTime(text: text) == nil)
    }
}
