import SandboxPlan
import Testing

@Suite struct OSStringTests {
    @Test func controlBytesAreEscaped() {
        #expect(OSString([0x61, 0x1B, 0x5B, 0x0A, 0xFF]).description == "a\\x1b[\\n\\xff")
    }

    @Test func textIsKept() {
        #expect(OSString("häß").description == "häß")
    }

    @Test func directionControlsAreEscaped() {
        #expect(OSString("a\u{202E}b").description == "a\\xe2\\x80\\xaeb")
    }

    @Test func withinNeedsASlash() {
        #expect(OSString("/a/b").isWithin("/a"))
        #expect(OSString("/a").isWithin("/a"))
        #expect(!OSString("/ab").isWithin("/a"))
        #expect(OSString("/ab").isWithin("/"))
    }

    @Test(arguments: [
        ("/a//b/./c/", "/a/b/c"), ("/", "/"), ("//", "/"), ("/a/b", "/a/b"), ("/a/", "/a"), ("/a/.", "/a"), ("/.", "/"),
        ("/a/.b", "/a/.b"), ("/.a/b.", "/.a/b."), ("/a/...", "/a/..."),
    ]) func normalises(from: String, to: String) {
        #expect(OSString(from).normalised == OSString(to))
    }

    @Test func parentOfDotDotIsRefused() {
        #expect(OSString("/a/../b").normalised == nil)
        #expect(OSString("/..").normalised == nil)
        #expect(OSString("a").normalised == nil)
        #expect(OSString("").normalised == nil)
    }

    @Test(arguments: [
        ("/a", "b", "/a/b"), ("/", "b", "/b"), ("", "b", "b"), ("/a/", "b", "/a/b"), ("/a", "", "/a/"), ("", "", ""),
    ])
    func appends(folder: String, name: String, whole: String) {
        #expect(OSString(folder).appending(OSString(name)) == OSString(whole))
    }

    @Test func parentAndName() {
        #expect(OSString("/a/b").parent == "/a")
        #expect(OSString("/a").parent == "/")
        #expect(OSString("/a/b").lastComponent == "b")
    }
}
