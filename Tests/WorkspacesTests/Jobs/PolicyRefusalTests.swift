import SandboxPlan
import SandboxRuntime
import Testing

@testable import Workspaces

/// Which policies a server refuses before any job runs under them.
@Suite struct PolicyRefusalTests {
    private static let root: OSString = "/srv/data/workspaces"

    private func policy(_ change: (inout Policy) -> Void) throws -> Policy {
        var policy = try PolicyCatalog(environment: []).load(.named("codex-worker")).policy
        change(&policy)
        return policy
    }

    private func answer(_ policy: Policy, project: OSString? = nil) -> String? {
        let projects = project.map { [$0] } ?? ProjectPaths.standIns.map { Self.root.appending($0) }
        return AnswerRefusal.why(policy, .dummy("/w"), projects: projects)
    }

    @Test func onlyWhatMeansEveryProjectIsRefusedAtTheStart() throws {
        #expect(answer(try policy { _ in }) == nil)
        for text in ["*", "????????-*", "*-4???-*", "*4*", "*-*-*-*-*", "**/result.json"] {
            let policy = try policy { $0.filesystem.denyGlobs = [Self.root.appending(OSString(text))] }
            #expect(answer(policy)?.contains("deny_globs") == true, "\(text)")
        }
        for text in ["00000000-*", "1*", "e*", "*0*", "*-9???-*", "*-a???-*", "11111111-1111-4111-9111-111111111111"] {
            let policy = try policy { $0.filesystem.denyGlobs = [Self.root.appending(OSString(text))] }
            #expect(answer(policy) == nil, "\(text)")
        }
        // Two that mean some each.
        #expect(
            answer(try policy { $0.filesystem.denyGlobs = [Self.root.appending("1*"), Self.root.appending("e*")] })
                == nil
        )
        let one = Self.root.appending("00000000-0000-4000-8000-000000000000")
        let pattern = try policy { $0.filesystem.denyGlobs = [Self.root.appending("00000000-*")] }
        #expect(answer(pattern, project: one)?.contains("deny_globs") == true)
        let path = try policy { $0.filesystem.deny = [one] }
        #expect(answer(path) == nil && answer(path, project: one)?.contains("[filesystem] deny") == true)
        #expect(answer(try policy { $0.filesystem.deny = ["/srv/data"] })?.contains("[filesystem] deny") == true)
    }

    @Test func limitThatHoldsNoAnswerIsRefused() throws {
        for size in [1, 100, 1 << 20 - 1] as [UInt64] {
            let policy = try policy { $0.limits.fileSize = ByteCount(bytes: size) }
            #expect(answer(policy)?.contains("[limits] file_size") == true, "\(size)")
            #expect(AnswerRefusal.why(policy, .codex(["codex"], files: []), projects: [Self.root]) == nil)
        }
        #expect(answer(try policy { $0.limits.fileSize = .mebibytes(1) }) == nil)
    }

    @Test func denialsByTheNameInsideAreRefused() throws {
        func why(_ root: OSString = Self.root, _ change: (inout Policy) -> Void) throws -> String? {
            ProjectPaths.why(try policy(change), root: root)
        }
        for denied in ["/workspace", "/workspace/.codex/result.json"] as [OSString] {
            let found = try why { $0.filesystem.deny = [denied] }
            #expect(found?.contains("\(denied) in [filesystem] deny, which would deny nothing") == true)
            #expect(found?.contains("deny_globs = [") == true)
        }
        for text in ["/workspace/**", "/workspace/*.pem"] as [OSString] {
            #expect(try why { $0.filesystem.denyGlobs = [text] }?.contains("in [filesystem] deny_globs") == true)
        }
        // Of the host, or of any place.
        #expect(try why { $0.filesystem.deny = ["/workspaces", "/srv/workspace"] } == nil)
        #expect(try why { $0.filesystem.denyGlobs = ["workspace/*.pem", "/**/workspace", "/srv/workspace/*"] } == nil)
        // Where the host has such a folder, and jobs are shown something of it, its names mean that.
        #expect(try why("/workspace/data") { $0.filesystem.deny = ["/workspace/data/x"] } == nil)
        #expect(try why("/workspace/data") { $0.filesystem.denyGlobs = ["/workspace/data/*/x"] } == nil)
        #expect(try why("/workspace/data") { $0.filesystem.deny = ["/workspace/other"] } != nil)
        #expect(try why { ($0.filesystem.read, $0.filesystem.deny) = (["/workspace/t"], ["/workspace/t/x"]) } == nil)
    }
}
