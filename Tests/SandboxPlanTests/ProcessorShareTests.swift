import Testing

@testable import SandboxPlan

@Suite struct ProcessorShareTests {
    @Test(arguments: [
        ("2", 2000, "2"), ("0.5", 500, "0.5"), ("1.25", 1250, "1.25"), ("0.01", 10, "0.01"), ("1.050", 1050, "1.05"),
        ("0", 0, "0"), ("0.001", 1, "0.001"), ("1000", 1_000_000, "1000"),
    ])
    func aNumberIsReadAndWritten(_ text: String, _ thousandths: UInt64, _ written: String) {
        let share = ProcessorShare(parsing: text)
        #expect(share?.thousandths == thousandths)
        #expect(share?.description == written)
        #expect(ProcessorShare(parsing: written) == share)
    }

    @Test(arguments: ["", ".", "1.", ".5", "1.0001", "-1", "+1", "1e3", "1,5", "1.5.5", " 1", "\u{661}", "99999999999"])
    func nothingElseIsOne(_ text: String) {
        #expect(ProcessorShare(parsing: text) == nil)
    }
}
