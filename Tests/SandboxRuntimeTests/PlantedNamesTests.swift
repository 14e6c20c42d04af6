import Foundation
import SandboxPlan
import Testing

@testable import SandboxPolicy
@testable import SandboxRuntime

@Suite struct PlantedNamesTests {
    private let root: OSString = "/w"

    private func missing(
        protect: [OSString],
        entries: HostEntries,
        covered: [OSString] = [],
        access: WorkspaceAccess = .readWrite
    ) -> [MissingNames] {
        var policy = SampleLaunch.policy
        policy.workspace = access
        policy.filesystem.protect = protect
        var host = SampleLaunch.host
        host.entries = entries
        host.entries[root] = .directory(SampleLaunch.identity(1))
        let request = LaunchRequest(
            workspace: root,
            workingDirectory: root,
            arguments: [],
            callerEnvironment: [],
            allowRootOwnedWorkspace: false,
            ownFolders: [],
            homes: [],
            policyFiles: []
        )
        return MissingNames.all(policy, request, host, covered: covered)
    }

    @Test func onlyWhatWasAbsentAndBareIsLookedFor() {
        let found = missing(
            protect: [".a", ".b", ".c", ".d"],
            entries: [
                "/w/.a": .absent, "/w/.b": .absent, "/w/.c": .directory(SampleLaunch.identity(2)),
                "/w/.d": .symlink(target: "x"),
            ],
            covered: ["/w/.b"]
        )
        #expect(found == [MissingNames(root: root, names: [".a"])])
    }

    @Test func firstMissingFolderStandsForAllBelowIt() {
        let folder = HostEntry.directory(SampleLaunch.identity(2))
        let found = missing(
            protect: [".git/config", ".git/hooks", ".x/y"],
            entries: [
                "/w/.git": .absent, "/w/.git/config": .absent, "/w/.git/hooks": .absent, "/w/.x": folder,
                "/w/.x/y": .absent,
            ]
        )
        #expect(found == [MissingNames(root: root, names: [".git", ".x/y"])])
    }

    @Test func folderThatMayNotBeWrittenHasNone() {
        #expect(missing(protect: [".a"], entries: ["/w/.a": .absent], access: .readOnly) == [])
    }

    @Test func namesAreFoundWhateverTheyAre() throws {
        let scratch = try ScratchFolder()
        let hostile = OSString(Array("x\n".utf8) + [0xFF])
        try FileManager.default.createDirectory(atPath: scratch.path("folder"), withIntermediateDirectories: false)
        try FileManager.default.createSymbolicLink(atPath: scratch.path("link"), withDestinationPath: "/nowhere")
        let path = OSString(scratch.path).appending(hostile)
        #expect(path.withPointer { mkdir($0, 0o700) } == 0)
        let names: [OSString] = ["absent", "folder", "link", hostile, "link/below", "folder/below"]
        let found = PlantedNames.found([MissingNames(root: OSString(scratch.path), names: names)])
        // Behind a link nothing can be seen, which is told rather than passed over.
        let expected: [OSString] = ["folder", "link", hostile, "link/below"]
        #expect(found.made == expected.map { OSString(scratch.path).appending($0) } && found.unseen == [])
    }

    @Test func rootThatBecameALinkIsNotFollowed() throws {
        let scratch = try ScratchFolder()
        try FileManager.default.createDirectory(atPath: scratch.path("real/.a"), withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(atPath: scratch.path("link"), withDestinationPath: "real")
        let real = OSString(scratch.path("real"))
        #expect(PlantedNames.found([MissingNames(root: real, names: [".a"])]).made == [real.appending(".a")])
        let link = MissingNames(root: OSString(scratch.path("link")), names: [".a"])
        #expect(PlantedNames.found([link]) == PlantedNames.Found())
    }
}
