import Foundation
import SandboxPlan
import Testing

@testable import PolicyCompiler

/// `docs/policy.md` says what the code does.
@Suite struct PolicyPageTests {
    private static let start = "<!-- groups: made from the table in Sources/PolicyCompiler/Seccomp -->\n"
    private static let end = "\n<!-- end of groups -->"

    /// With SANDBOX_UPDATE_GOLDENS=1 the page is written anew; review the difference as a security change.
    @Test func groupsAreTheTable() throws {
        let url = packageFile("docs/policy.md")
        var page = try String(contentsOf: url, encoding: .utf8)
        let from = try #require(page.range(of: Self.start)), to = try #require(page.range(of: Self.end))
        if ProcessInfo.processInfo.environment["SANDBOX_UPDATE_GOLDENS"] == "1" {
            page.replaceSubrange(from.upperBound..<to.lowerBound, with: SyscallGroup.markdownTable)
            try page.write(to: url, atomically: true, encoding: .utf8)
            return
        }
        #expect(page[from.upperBound..<to.lowerBound] == SyscallGroup.markdownTable)
    }

    @Test func defaultsAreListed() throws {
        let page = try String(contentsOf: packageFile("docs/policy.md"), encoding: .utf8)
        let lists = [
            PolicyDefaults.system, PolicyDefaults.etc, PolicyDefaults.protect, PolicyDefaults.coverMissing,
            PolicyDefaults.exclude,
        ]
        for list in lists {
            #expect(page.contains(list.map { "`\($0)`" }.joined(separator: " ")), "\(list)")
        }
    }

    /// Every key has its own row.
    @Test(
        arguments: ["version", "extends", "danger.host_network", "filesystem.toolchains"]
            + PolicyKey.allCases.map(\.path)
    )
    func keyIsDescribed(key: String) throws {
        let page = try String(contentsOf: packageFile("docs/policy.md"), encoding: .utf8)
        #expect(page.contains("\n| `\(key)` | "))
    }
}
