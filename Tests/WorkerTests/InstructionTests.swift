import Foundation
import Testing

/// Instructions are data: whatever they say, nothing is run and no path is made of them.
@Suite struct InstructionTests {
    @Test(arguments: [
        "x\nimport os; os.system('touch pwned')", "x\rimport os", "x\u{2028}import os", "x\u{85}import os", "x\u{C}y",
        "a \\", "\"\"\" '''", "# coding: utf-7", "%s {0} $(touch pwned) `touch pwned`", "../../../etc/passwd",
        "\u{202E}reversed\u{202C} \u{200B}hidden", "\u{0}nul", "vim: set fileencoding=rot13 :", "😀 naïve e\u{301}",
    ])
    func commentStaysOneLine(_ instruction: String) throws {
        let project = try Project()
        _ = try project.job("minimal", "initial_project", "Generate")
        let before = try project.bytes("app.py")
        #expect(try project.edit(instruction).result.modified == ["app.py"])
        let after = try project.bytes("app.py")
        #expect(after.starts(with: before))
        let added = String(decoding: after[before.count...], as: UTF8.self)
        #expect(added.hasPrefix("\n# Edit: ") && added.hasSuffix("\n"))
        #expect(added.unicodeScalars.filter { $0 == "\n" }.count == 2)
        let invisible: Set<Unicode.GeneralCategory> = [.control, .format, .lineSeparator, .paragraphSeparator]
        #expect(!added.unicodeScalars.contains { $0 != "\n" && invisible.contains($0.properties.generalCategory) })
        #expect(try project.program().output == "0,1,1,2,3,5,8,13,21,34\n")
        #expect(!project.exists("pwned"))
    }

    /// The first two lines of a program can name its encoding (PEP 263), and a comment may not come to stand there.
    @Test(arguments: ["", "\n", "print('mine')", "#!/usr/bin/env python3"])
    func commentNamesNoEncoding(_ program: String) throws {
        let project = try Project()
        try project.write(program, to: "app.py")
        #expect(try project.edit("coding: rot13").result.modified == ["app.py"])
        let run = try project.program()
        #expect(run.status == 0, "\(run.errors)")
    }

    @Test func commentIsCut() throws {
        let project = try Project()
        _ = try project.edit(String(repeating: "é", count: 2000))
        #expect(try project.text("app.py").hasSuffix("# Edit: " + String(repeating: "é", count: 200) + "…\n"))
        _ = try project.edit(String(repeating: "e", count: 200))
        #expect(try project.text("app.py").hasSuffix("# Edit: " + String(repeating: "e", count: 200) + "\n"))
    }

    @Test(
        arguments: ["force_error", "please FORCE_ERROR now", "Error: fail", "error: x"],
        ["initial_project", "edit"]
    )
    func forcedErrorIsAsked(_ instruction: String, _ type: String) throws {
        let project = try Project()
        let outcome = try project.job("minimal", type, instruction)
        #expect(outcome.ending.status == 1)
        #expect(outcome.result.status == "error" && outcome.result.errors == ["forced_error"])
        #expect(try project.sources().isEmpty)
        #expect(outcome.result.logs.contains("job_type=\(type)"))
        // The next job finds nothing in its way.
        #expect(try project.job("minimal", "initial_project", "Generate").result.status == "success")
    }

    @Test(arguments: ["force error", "an error occurs", "errors"])
    func otherErrorsAreNotForced(_ instruction: String) throws {
        #expect(try Project().job("minimal", "initial_project", instruction).result.status == "success")
    }
}
