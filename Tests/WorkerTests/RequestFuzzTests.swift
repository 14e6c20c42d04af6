import Foundation
import Fuzzing
import Testing

/// The executable on changed requests: an answer each time, and never anything but the files it makes.
@Suite struct RequestFuzzTests {
    @Test func anyRequestHasAResult() throws {
        let project = try Project()
        let words = [
            "\"job_id\"", "\"job_type\":\"edit\"", "\"instruction\":", "\\u0000", "\\ud83d\\ude00", "{", "}", "[[[[",
            "null", "force_error", "fibonacci.py refactor", "utils.py", "first 15 ", "README newline", "docs/ document",
        ]
        let seeds = try [
            Project.request("initial_project", LadderTests.first), Project.request("edit", Step.comment.rawValue),
            Project.request("edit", Step.split.rawValue), Project.request("edit", "é😀\n\t\"\\"),
        ]
        var fuzzing = Fuzzing(seeds, words: words, lengthLimit: 70_000)
        let allowed: Set<String> = [
            ".codex/request.json", ".codex/result.json", "README.md", "app.py", "tests/test_cli.py", "fibonacci.py",
            "utils.py", "CHANGELOG.md", "docs/app.md", "docs/fibonacci.md", "docs/utils.md",
        ]
        let tally = try fuzzing.run(atLeast: 300) { request in
            try project.write(request, to: ".codex/request.json")
            let outcome = try project.run("minimal")
            let files = Set(try project.files().keys)
            #expect(files.isSubset(of: allowed), "\(files.subtracting(allowed))")
            #expect(try project.bytes(".codex/request.json") == request)
            return !outcome.result.errors.contains { $0.hasPrefix("invalid_request") }
        }
        #expect(tally.taken > 20 && tally.refused > 20, "\(tally)")
        // All of it is still Python.
        let names = try project.files().keys.filter { $0.hasSuffix(".py") }
        let run = try project.python(
            ["-c", "import sys; [compile(open(n).read(), n, 'exec') for n in sys.argv[1:]]"] + names
        )
        #expect(run.status == 0, "\(run.errors)")
    }
}
