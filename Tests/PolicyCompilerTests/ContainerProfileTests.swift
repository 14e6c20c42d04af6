import SandboxPlan
import SandboxPolicy
import Testing

@testable import PolicyCompiler

/// The weaker profile `container`: who can ask for it, what it refuses, and what differs from the sandbox.
@Suite struct ContainerProfileTests {
    private static let asking = "version = 1\n[danger]\ncontainer = true\n"
    private static let plain = "version = 1\n"
    private static let null = HostEntry.characterDevice(
        FileIdentity(device: 5, inode: 4, uid: 0, gid: 0),
        major: 1,
        minor: 3
    )

    private func problems(_ text: String, extending texts: Texts = [:], project: String? = nil) -> String {
        do throws(PolicyError) {
            _ = try compiled("top", text, extending: texts, project: project)
            return ""
        } catch {
            return error.description
        }
    }

    private func plan(
        _ text: String,
        entries: [OSString: HostEntry] = [:],
        _ change: (inout HostFacts) -> Void = { _ in }
    ) throws -> LaunchPlan {
        let compiled = try compiled("top", text)
        let policy = try EffectivePolicy(compiled).policy
        var host = SampleHost.facts(policy)
        for (path, entry) in entries { host.entries[path] = entry }
        change(&host)
        return try LaunchPlanner.plan(compiled, policy: policy, request: SampleHost.request, host: host)
    }

    private func refusal(
        _ text: String,
        entries: [OSString: HostEntry] = [:],
        _ change: (inout HostFacts) -> Void = { _ in }
    ) throws -> Refusal? {
        do {
            _ = try plan(text, entries: entries, change)
            return nil
        } catch let refusal as Refusal { return refusal }
    }

    // MARK: - Who asks

    @Test func theFileThatIsNamedHasToSaySo() throws {
        #expect(try compiled("top", Self.asking).policy.confinement == .container)
        let text = "version = 1\nextends = \"base\"\n"
        #expect(problems(text, extending: ["base": Self.asking]).contains("nobody gets without saying so"))
        #expect(problems(text, extending: ["base": Self.asking]).contains("container = true here too"))
        // The other profile is another promise.
        let other = text + "[danger]\nlandlock_only = true\n"
        #expect(problems(other, extending: ["base": Self.asking]).contains("container = true here too"))
        let no = text + "[danger]\ncontainer = false\n"
        #expect(problems(no, extending: ["base": Self.asking]).contains("nobody gets without saying so"))
        let both = text + "[danger]\ncontainer = true\n"
        let found = try compiled("top", both, extending: ["base": "version = 1\n[limits]\ntasks = 10\n"])
        #expect(found.policy.confinement == .container && found.policy.limits.tasks == 10)
    }

    @Test func noProjectAsksForIt() throws {
        let text = problems(Self.plain, project: Self.asking)
        #expect(text.contains("danger.container") && text.contains("no project can ask for that"))
        #expect(problems(Self.asking, project: Self.asking).contains("no project can ask for that"))
        #expect(problems(Self.plain, project: "version = 1\n[danger]\ncontainer = false\n") == "")
    }

    @Test(arguments: [EffectivePolicy.Trust.trusted, .untrusted(why: "")])
    func aProjectCanOnlyTakeItBack(trust: EffectivePolicy.Trust) throws {
        let compiled = try compiled("top", Self.asking, project: "version = 1\n[danger]\ncontainer = false\n")
        let effective = try EffectivePolicy(compiled, PolicyOverrides(), workspace: "/w", trust: trust)
        #expect(effective.policy.confinement == .sandbox)
    }

    @Test func itIsOneConfinement() {
        for other in ["full_access", "landlock_only"] {
            let text = problems(Self.asking + "\(other) = true\n")
            #expect(text.contains("container: true beside danger.\(other)"), "\(text)")
        }
    }

    @Test func theAdministratorHasToAllowIt() throws {
        func confinement(ceiling: String, _ text: String = Self.asking) throws -> Confinement {
            try EffectivePolicy(try compiled("top", text, ceiling: ceiling)).policy.confinement
        }
        let others = ["", "[danger]\ncontainer = false\n", "[danger]\nlandlock_only = true\n"]
        for text in others {
            #expect(throws: Refusal.self, "\(text)") { _ = try confinement(ceiling: Self.plain + text) }
        }
        #expect(try confinement(ceiling: Self.asking) == .container)
        // Allowed is not asked for.
        #expect(try confinement(ceiling: Self.asking, Self.plain) == .sandbox)
    }

    // MARK: - The plan

    /// The sandbox step by step, but for `/proc` and the count that is written there.
    @Test func nothingButProcDiffers() throws {
        let (sandbox, weaker) = (try plan(Self.plain), try plan(Self.asking))
        func isOther(_ step: LaunchStep) -> Bool {
            switch step {
            case .procfs, .forbidUserNamespaces, .cover(path: "/proc/sys", with: .itselfReadOnly): true
            case .bind(let bind): bind.purpose == .containerProc
            case .cover(path: "/proc/sys/fs/binfmt_misc", _): true
            default: false
            }
        }
        #expect(weaker.steps.filter { !isOther($0) } == sandbox.steps.filter { !isOther($0) })
        #expect(sandbox.steps.count { isOther($0) } == 3 && weaker.steps.count { isOther($0) } == 2)
        #expect(weaker.namespaces == sandbox.namespaces && weaker.limits == sandbox.limits)
        #expect(weaker.process == sandbox.process && weaker.identity == sandbox.identity)
        #expect(weaker.landlock.handledFilesystem == sandbox.landlock.handledFilesystem)
        #expect(weaker.confinement == .container && sandbox.confinement == .sandbox)
        #expect(sandbox.weaker == nil)
        // Nothing below /proc can be written, by the mount and by Landlock.
        let write = LandlockRight.writeFile | LandlockRight.truncate
        func rights(_ plan: LaunchPlan) -> UInt64? { plan.landlock.rules.first { $0.path == "/proc" }?.access }
        #expect(try #require(rights(weaker)) & write == 0)
        #expect(try #require(rights(sandbox)) & write == write)
        let mount = try #require(weaker.expectedMounts.first { $0.target == "/proc" })
        #expect(mount.options == [.readOnly, .noSetuid, .noDevices, .noExecute] && mount.recursive)
    }

    @Test func whatIsNotHeldIsListed() throws {
        let weaker = try #require(try plan(Self.asking).weaker)
        #expect(weaker.name == "container" && weaker.landlockOnly == nil)
        let promises = weaker.notHeld.map(\.promise)
        #expect(promises == [.hostProcesses, .hostIdentity, .processDetails, .ownProc, .namespaceCount])
        #expect(promises == ContainerProfile.promises)
        #expect(promises == WeakerPromise.allCases.filter { promises.contains($0) })
        #expect(weaker.warning.hasPrefix("weaker profile container: NOT held: host-processes, "))
        let nested = try plan(Self.asking).layers.first { $0.layer == .nestedNamespaces }
        #expect(nested?.mechanism == "seccomp alone: see what is not held")
    }

    /// A container covers files with its /dev/null: those are covered all the same, the sandbox says what it needs.
    @Test func aMaskedProcIsTakenAsItIs() throws {
        let masked: [OSString: HostEntry] = ["/proc/kcore": Self.null]
        let steps = try plan(Self.asking, entries: masked).steps
        #expect(steps.contains(.cover(path: "/proc/kcore", with: .unreadableFile)))
        let refused = try #require(try refusal(Self.plain, entries: masked))
        #expect(refused.subject == "/proc/kcore" && refused.layer == .mounts)
        #expect(refused.message.contains("as containers do it"))
        for words in ["podman run --security-opt unmask=ALL", "--policy container", "names and command lines"] {
            #expect(refused.remedy.contains(words), "\(refused.remedy)")
        }
    }

    @Test func nothingStandsInForIt() throws {
        #expect(try refusal(Self.asking) == nil)
        let lenient = Self.asking + "[landlock]\nrequirement = \"best-effort\"\n"
        #expect(try refusal(lenient) { $0.landlockABI = 0 }?.layer == .landlock)
        #expect(try refusal(Self.plain + "[landlock]\nrequirement = \"best-effort\"\n") { $0.landlockABI = 0 } == nil)
        let protected = try refusal(Self.asking) { $0.caller.oomScoreAdjustment = -500 }
        #expect(protected?.subject == "/proc/self/oom_score_adj")
        #expect(try refusal(Self.plain) { $0.caller.oomScoreAdjustment = -500 } == nil)
        #expect(try refusal(Self.asking) { $0.caller.oomScoreAdjustment = 500 } == nil)
        #expect(try refusal(Self.asking, entries: ["/proc": .absent])?.subject == "/proc")
        let closed = try refusal(Self.asking, entries: ["/proc/kcore": .unreadable(errno: 13)])
        #expect(closed?.subject == "/proc/kcore")
    }
}
