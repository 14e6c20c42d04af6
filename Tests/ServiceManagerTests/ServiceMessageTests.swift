import Testing

@testable import ServiceManager

struct ServiceMessageTests {
    @Test func messagesAreThoseOfTheProtocol() {
        #expect(ServiceMessage.ready("a").text == "READY=1\nSTATUS=a")
        #expect(ServiceMessage.alive("a").text == "WATCHDOG=1\nSTATUS=a")
        #expect(ServiceMessage.reloading(at: 7).text == "RELOADING=1\nMONOTONIC_USEC=7")
        #expect(
            ServiceMessage.stopping("a", microseconds: 9).text
                == "STOPPING=1\nEXTEND_TIMEOUT_USEC=9\nWATCHDOG=1\nSTATUS=a"
        )
    }

    /// What others have a part in cannot say that the service is ready, or which process it is.
    @Test func aStatusIsOneLine() {
        #expect(ServiceMessage.status("a\nMAINPID=1\r\u{7F}b").text == "STATUS=a MAINPID=1  b")
    }

    @Test func entriesOfTheJournalHaveTheirFields() {
        let lines = Journal.lines("words", .warning, [("CODEX_PEER", "unix")])
        #expect(lines == ["MESSAGE=words", "PRIORITY=4", "SYSLOG_IDENTIFIER=codex-sandbox", "CODEX_PEER=unix"])
    }
}
