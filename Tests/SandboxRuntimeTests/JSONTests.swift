import SandboxPlan
import Testing

@testable import SandboxRuntime

@Suite struct JSONTests {
    /// The example of RFC 8785, 3.2.3: keys sort by UTF-16 code units, not by code points and not by UTF-8.
    @Test func keysAreInTheOrderOfTheStandard() {
        let keys = ["\u{20AC}", "\r", "\u{FB33}", "1", "\u{1F600}", "\u{80}", "\u{F6}"]
        let object = JSONObject(keys.map { ($0, .null) })
        #expect(object.members.map(\.key) == ["\r", "1", "\u{80}", "\u{F6}", "\u{20AC}", "\u{1F600}", "\u{FB33}"])
    }

    @Test func orderAgreesWithUTF16() {
        let pieces = [
            "", "a", "b", "\u{7F}", "é", "\u{D7FF}", "\u{E000}", "\u{EFFF}", "\u{F000}", "\u{FFFF}", "\u{10000}",
        ]
        let texts = pieces.flatMap { first in pieces.map { first + $0 } }
        for left in texts {
            for right in texts {
                let expected = left.utf16.lexicographicallyPrecedes(right.utf16)
                #expect(
                    (JSONObject.order(left, right) < 0) == expected,
                    "\(left.debugDescription) \(right.debugDescription)"
                )
            }
        }
    }

    @Test func keysThatOnlyLookAlikeAreTwoKeys() throws {
        let object: JSONValue = ["\u{E9}": 1, "e\u{301}": 2]
        #expect(object["\u{E9}"] == 1)
        #expect(object["e\u{301}"] == 2)
        #expect(try JSONReader.value(in: object.canonical.bytes) == object)
    }

    @Test func escapesAreTheShortest() {
        let text = (0..<0x22).map { String(Unicode.Scalar(UInt8($0))) }.joined() + "\\\u{7F}é\u{1F600}"
        let expected =
            "\"" + #"\u0000\u0001\u0002\u0003\u0004\u0005\u0006\u0007\b\t\n\u000b\f\r\u000e\u000f\u0010\u0011\u0012"#
            + #"\u0013\u0014\u0015\u0016\u0017\u0018\u0019\u001a\u001b\u001c\u001d\u001e\u001f !"# + #"\\"#
            + "\u{7F}é\u{1F600}\""
        let written = JSONValue.string(text).canonical.text
        #expect(written == expected.replacing(" !", with: " !"))
    }

    /// Eight bytes are looked at in one go: every character of one byte, at every place of more than one go.
    @Test func everyCharacterIsSeenAtEveryPlace() throws {
        for value in UInt8(0)...0x7F {
            for place in 0..<19 {
                var text = Array("abcdefghijklmnopqrs".utf8)
                text[place] = value
                let string = String(decoding: text, as: UTF8.self)
                let written = CanonicalJSON(capacity: 64) { $0.string(string) }.bytes
                let isPlain = value >= 0x20 && value != UInt8(ascii: "\"") && value != UInt8(ascii: "\\")
                #expect((written.count == text.count + 2) == isPlain)
                #expect(try JSONReader.value(in: written) == .string(string))
            }
        }
    }

    @Test(arguments: [0, 9, 10, 99, 100, 12_345, UInt64.max / 10, UInt64.max])
    func decimalsAreWhole(number: UInt64) {
        #expect(CanonicalJSON(capacity: 64) { $0.identifier(number) }.text == "\"\(number)\"")
    }

    /// A launch sorts layers by their place, which is that of their names.
    @Test func layersStandInTheOrderOfTheirNames() {
        let byPlace = Layer.allCases.sorted { $0.position < $1.position }
        let byName = Layer.allCases.sorted { JSONObject.order($0.rawValue, $1.rawValue) < 0 }
        #expect(byPlace == byName)
    }

    @Test func amountsBeyondExactIntegersBecomeText() {
        #expect(JSONValue.quantity(9_007_199_254_740_991) == .integer(9_007_199_254_740_991))
        #expect(JSONValue.quantity(9_007_199_254_740_992) == "9007199254740992")
        #expect(CanonicalJSON { $0.quantity(UInt64.max) }.text == "\"18446744073709551615\"")
        #expect(CanonicalJSON { $0.quantity(UInt64(9_007_199_254_740_991)) }.text == "9007199254740991")
        #expect(CanonicalJSON { $0.identifier(UInt64(3)) }.text == "\"3\"")
    }

    @Test(arguments: [
        ("{\"b\":[1,-2,0],\"a\":{}}", "{\"a\":{},\"b\":[1,-2,0]}"),
        (" [ true , false , null ] ", "[true,false,null]"),
        ("\"\\u00e9\\ud83d\\ude00\\/\\b\"", "\"é\u{1F600}/\\b\""),
        ("9007199254740991", "9007199254740991"),
        ("\"\\u0000\"", "\"\\u0000\""),
    ]) func readsAndWritesCanonically(text: String, canonical: String) throws {
        #expect(try JSONReader.value(in: Array(text.utf8)).canonical.text == canonical)
    }

    @Test(arguments: [
        ("", JSONError.Reason.endsEarly), ("  ", .endsEarly), ("{", .endsEarly), ("[1,", .endsEarly),
        ("[1,]", .unexpected),
        ("{\"a\":1,}", .endsEarly), ("{\"a\"}", .unexpected), ("{a:1}", .unexpected), ("'a'", .unexpected),
        ("nul", .endsEarly), ("nulL", .unexpected), ("+1", .unexpected), ("-", .endsEarly), ("01", .unexpected),
        ("1.0", .notAnExactInteger), ("1e2", .notAnExactInteger), ("-0", .notAnExactInteger),
        ("9007199254740992", .notAnExactInteger), ("99999999999999999999", .notAnExactInteger), ("NaN", .unexpected),
        ("\"a", .endsEarly), ("\"\u{1}\"", .controlCharacter), ("\"\\x\"", .badEscape), ("\"\\ud800\"", .badEscape),
        ("\"\\udc00\"", .badEscape), ("\"\\ud800\\u0041\"", .badEscape), ("\"\\u12", .endsEarly), ("\"\\", .endsEarly),
        ("{\"a\":1,\"a\":2}", .keyTwice), ("{\"a\":1,\"\\u0061\":2}", .keyTwice), ("1 2", .moreAfterTheValue),
        ("\u{FEFF}1", .unexpected), ("/**/1", .unexpected),
    ]) func wrongTextIsAnError(text: String, reason: JSONError.Reason) {
        let error = #expect(throws: JSONError.self) { try JSONReader.value(in: Array(text.utf8)) }
        switch (error?.reason, reason) {
        // `{"a":1,}` may be told as the missing key it is.
        case (.unexpected, .endsEarly) where text == "{\"a\":1,}": break
        default: #expect(error?.reason == reason)
        }
    }

    @Test func bytesThatAreNotUTF8AreAnError() {
        let error = #expect(throws: JSONError.self) { try JSONReader.value(in: [0x22, 0xFF, 0x22]) }
        #expect(error?.reason == .notUTF8)
    }

    @Test func depthIsBounded() throws {
        func nested(_ levels: Int) -> [UInt8] {
            [UInt8](repeating: 0x5B, count: levels) + [UInt8](repeating: 0x5D, count: levels)
        }
        #expect(throws: Never.self) { try JSONReader.value(in: nested(JSONReader.defaultDepthLimit)) }
        let error = #expect(throws: JSONError.self) { try JSONReader.value(in: nested(1_000_000)) }
        #expect(error?.reason == .tooDeep(limit: JSONReader.defaultDepthLimit))
    }

    @Test func sizeIsBounded() {
        let error = #expect(throws: JSONError.self) { try JSONReader.value(in: Array("[1, 2]".utf8), sizeLimit: 5) }
        #expect(error?.reason == .tooLarge(limit: 5))
    }

    /// Bytes changed, taken out, put in, doubled: an answer each time, and a value that is read is written and read again.
    @Test func mutatedRecordsNeverTrapTheReader() throws {
        var random = SplitMix64(seed: 20_260_131)
        let seeds = [SampleLaunch.outcome(SampleLaunch.ends[6]).bytes, SampleLaunch.refusals[1].bytes]
        let interesting = Array("\"\\{}[],:-0eu\u{0}\u{1F}".utf8) + [0x80, 0xC0, 0xED, 0xF4, 0xFF]
        var read = 0
        for round in 0..<5_000 {
            var bytes = seeds[round % seeds.count]
            for _ in 0...(random.next() % 3) {
                let place = Int(random.next() % UInt64(bytes.count))
                switch random.next() % 5 {
                case 0: bytes[place] = UInt8(truncatingIfNeeded: random.next())
                case 1: bytes[place] = interesting[Int(random.next() % UInt64(interesting.count))]
                case 2: bytes.remove(at: place)
                case 3: bytes.insert(interesting[Int(random.next() % UInt64(interesting.count))], at: place)
                default: bytes.removeSubrange(place..<min(bytes.count, place + Int(random.next() % 40)))
                }
                if bytes.isEmpty { bytes = [0x22] }
            }
            do throws(JSONError) {
                let value = try JSONReader.value(in: bytes)
                read += 1
                #expect(try JSONReader.value(in: value.canonical.bytes).canonical == value.canonical)
            } catch {
                #expect(error.offset <= bytes.count)
            }
        }
        // Both kinds must have come up, or the test has tested half.
        #expect(read > 250 && read < 4_750, "\(read) of 5,000 were still JSON")
    }
}

@Suite struct OSStringJSONTests {
    @Test(arguments: ["/a b", "", "häß", "a\nb\u{1B}\\", "日本"]) func textIsWrittenAsItIs(text: String) throws {
        #expect(try written(OSString(text)) == .string(text))
    }

    @Test func bytesThatAreNoTextKeepBothForms() throws {
        #expect(try written(OSString([0x61, 0xFF])) == ["bytes": "Yf8=", "text": "a\\xff"])
    }

    /// Canonical JSON does not escape these, and a terminal acts on them.
    @Test(arguments: ["a\u{202E}b", "a\u{9B}2J", "a\u{7F}", "a\u{200B}b", "\u{FEFF}"])
    func charactersThatActOnATerminalAreNeverRaw(text: String) throws {
        let value = try written(OSString(text))
        #expect(value["text"]?.string == OSString(text).description)
        #expect(value.canonical.bytes.allSatisfy { $0 >= 0x20 && $0 < 0x7F })
    }

    @Test(arguments: [
        ([], ""), ([0], "AA=="), ([0, 1], "AAE="), ([0, 1, 2], "AAEC"), ([255, 254, 253, 252], "//79/A=="),
    ])
    func base64(bytes: [UInt8], text: String) {
        #expect(Base64.text(bytes) == text)
    }

    @Test func sentencesAreHarmlessToo() {
        #expect(CanonicalJSON { $0.text("a\u{1B}\u{202E}\\x") }.text == #""a\\x1b\\xe2\\x80\\xae\\x""#)
    }

    private func written(_ string: OSString) throws -> JSONValue {
        try JSONReader.value(in: CanonicalJSON { $0.bytes(string) }.bytes)
    }
}
