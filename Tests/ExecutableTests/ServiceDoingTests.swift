import Foundation
import SandboxPlan
import SandboxRuntime
import ServiceManager
import Testing

@testable import codex_sandboxd

/// What `service` does with tools and files, one step at a time, with a systemctl of the test's own.
@Suite struct ServiceDoingTests {
    private func withFolder(_ body: (String) throws -> Void) throws {
        let made = FileManager.default.temporaryDirectory.appending(path: "service-doing-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: made, withIntermediateDirectories: true)
        defer { #expect(throws: Never.self) { try FileManager.default.removeItem(at: made) } }
        try body(made.resolvingSymlinksInPath().path(percentEncoded: false))
    }

    /// What the words behind `--user` and the like are does not matter: only `show` says something.
    private func manager(_ folder: String, _ script: String, lookTime: Int = ToolRun.lookTime) throws -> UserManager {
        let path = folder + "/systemctl"
        try "#!/bin/sh\n\(script)\n".write(toFile: path, atomically: false, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
        return UserManager(systemctl: path, lookTime: lookTime)
    }

    private func write(_ path: String, _ text: String) throws {
        try text.write(toFile: path, atomically: false, encoding: .utf8)
    }

    // MARK: - Tools

    /// Without the bound each of these would go on for an hour, or for ever.
    @Test func aToolThatDoesNotEndIsEnded() throws {
        let start = ContinuousClock.now
        for script in ["exec sleep 3600", "exec >&- 2>&-; exec sleep 3600", "echo x; exec sleep 3600"] {
            let error = #expect(throws: ServiceError.self) { try ToolRun.run("/bin/sh", ["-c", script], within: 1) }
            #expect(error?.text.contains("no answer in time") == true, "\(error?.text ?? "-")")
        }
        for redirection in ["", ">&2"] {
            let error = #expect(throws: ServiceError.self) {
                try ToolRun.run("/bin/sh", ["-c", "exec yes \(redirection)"], within: nil)
            }
            #expect(error?.text.contains("more than 1048576 bytes") == true, "\(error?.text ?? "-")")
        }
        try withFolder { folder in
            let asked = try manager(folder, "exec sleep 3600", lookTime: 1)
            let error = #expect(throws: ServiceError.self) { try asked.states() }
            #expect(error?.text.contains("/systemctl show gave no answer") == true, "\(error?.text ?? "-")")
        }
        #expect(ContinuousClock.now - start < .seconds(900))
    }

    @Test func whatEndsInTimeIsWhole() throws {
        let script = "head -c 1048576 /dev/zero; echo e >&2; exit 3"
        for seconds in [nil, 900] {
            let result = try ToolRun.run("/bin/sh", ["-c", script], within: seconds)
            #expect(result.output.utf8.count == 1 << 20 && result.errors == "e\n" && result.status == 3)
        }
        #expect(try ToolRun.run("/bin/sh", ["-c", "kill -9 $$"], within: 900).status == 137)
        // A stop has no bound: it takes as long as jobs have.
        try withFolder { folder in
            let asked = try manager(folder, "sleep 2", lookTime: 1)
            #expect(throws: Never.self) { try asked.run(["stop", "x"]) }
        }
    }

    // MARK: - Units

    /// The manager has waited for a server to end, and somebody has used the time.
    @Test func onlyWhatIsStillOursIsRemoved() throws {
        try withFolder { folder in
            let manager = try manager(folder, "")
            let unit = folder + "/a.service"
            try write(unit, "[Service]\n")
            let error = #expect(throws: ServiceError.self) {
                try ServiceDoing.carryOut(.removeUnit(unit), manager)
            }
            #expect(error?.text.contains("not written by service install") == true, "\(error?.text ?? "-")")
            #expect(try String(contentsOfFile: unit, encoding: .utf8) == "[Service]\n")
            try write(unit, ServiceUnits.mark + "\n[Service]\n")
            for _ in 0..<2 { #expect(try ServiceDoing.carryOut(.removeUnit(unit), manager) == []) }
            #expect(!ServicePlaces.isThere(unit))

            let leftover = Leftover(path: unit + ".new-4194305", bytes: Array("# Wri".utf8))
            try write(leftover.path, "# Mine")
            #expect(throws: ServiceError.self) { try ServiceDoing.carryOut(.removeLeftover(leftover), manager) }
            #expect(try String(contentsOfFile: leftover.path, encoding: .utf8) == "# Mine")
            try write(leftover.path, "# Wri")
            for _ in 0..<2 { #expect(try ServiceDoing.carryOut(.removeLeftover(leftover), manager) == []) }
            #expect(!ServicePlaces.isThere(leftover.path))
        }
    }

    /// Whoever has another XDG_CONFIG_HOME than the manager has written units that nobody reads.
    @Test func whatTheManagerReadsIsLookedAt() throws {
        try withFolder { folder in
            func reload(_ service: String, _ socket: String, checking units: String? = nil) throws {
                func unit(_ name: String, _ lines: String) -> String { "Id=codex-sandbox.\(name)\n\(lines)\n\n" }
                try write(folder + "/said", unit("service", service) + unit("socket", socket))
                let manager = try manager(
                    folder,
                    "case \" $* \" in *\" show \"*) cat '\(folder)/said';; *) echo \"$*\" >>'\(folder)/log';; esac"
                )
                _ = try ServiceDoing.carryOut(.reload(checking: units), manager)
            }
            func path(_ folder: String, _ name: String) -> String {
                "LoadState=loaded\nFragmentPath=\(folder)/codex-sandbox.\(name)"
            }
            let (service, socket) = (path(folder, "service"), path(folder, "socket"))
            try reload(service, socket, checking: folder)
            for (service, socket, words) in [
                (path("/usr/lib/systemd/user", "service"), socket, "has /usr/lib/systemd/user/codex-sandbox.service,"),
                (service, path("/x", "socket"), "has /x/codex-sandbox.socket,"),
                ("LoadState=not-found", socket, "has no such unit,"),
                (service, "LoadState=loaded", "has no such unit,"),
            ] {
                let error = #expect(throws: ServiceError.self) { try reload(service, socket, checking: folder) }
                #expect(error?.text.contains(words) == true, "\(error?.text ?? "-")")
                try reload(service, socket)
            }
            let log = try String(contentsOfFile: folder + "/log", encoding: .utf8)
            #expect(log.split(separator: "\n").allSatisfy { $0.hasSuffix(" daemon-reload") })
        }
    }

    /// The manager has read them, and nothing is there now.
    @Test func unitsWithoutAFileAreFound() {
        let state = UnitState(properties: ["FragmentPath": "/u/\(ServiceUnits.serviceName)"])
        func lost(_ state: UnitState?, _ text: String?, _ folder: String) -> [String] {
            ServicePlaces.lost([(state, ServiceUnits.serviceName, text)], folder)
        }
        #expect(lost(state, nil, "/u") == [ServiceUnits.serviceName])
        #expect(lost(state, "", "/u") == [] && lost(state, nil, "/v") == [] && lost(nil, nil, "/u") == [])
        #expect(lost(UnitState(properties: ["FragmentPath": ""]), nil, "/u") == [])
    }

    /// A unit that does not act says nothing of where data lies.
    @Test func statusSaysWhichUnitActs() throws {
        let places = try ServicePlaces(stateDirectory: "/s")
        let unit = try ServiceUnits(
            ServiceUnits.Choice(launcher: "/x", stateFolder: "/own", settingsFile: "/e")
        ).service
        func found(_ text: String?, _ path: String?) -> FoundService {
            var found = FoundService()
            found.serviceText = text
            found.service = UnitState(properties: ["LoadState": "loaded", "FragmentPath": path ?? ""])
            found.otherUnits = path.map { [$0] } ?? []
            return found
        }
        let (other, packaged) = ("/x/codex-sandbox.service", "/usr/lib/systemd/user/codex-sandbox.service")
        for (text, path, data, isUnheeded) in [
            (unit, nil, "/own/serve", false), (nil, nil, "/s/serve", false), (unit, packaged, "/s/serve", true),
            (nil, packaged, "/s/serve", false), (unit, other, nil, true), (nil, other, nil, true),
        ] as [(String?, String?, String?, Bool)] {
            let found = found(text, path)
            let name = "\(text == nil) \(path ?? "-")"
            #expect(places.data(found) == data, "\(name)")
            let table = ServiceStatus.table(found, places, [])
            #expect(table.contains("beware     the service manager has ") == isUnheeded, "\(name): \(table)")
            #expect(table.contains("not known: that unit is none of \(places.unitFolder)") == (data == nil), "\(table)")
            #expect(table.contains(places.settings) == (data != nil), "\(table)")
            let json = ServiceStatus.json(found, places, []).canonical.text
            #expect(json.contains("\"problem\":\"the service manager has ") == isUnheeded, "\(json)")
            #expect(json.contains("\"data\":null") == (data == nil), "\(json)")
        }
    }

    /// A drop-in that its author has made the manager read is in no server that was there before.
    @Test func dropInsAreReadByTheServerToo() throws {
        let units = try ServiceUnits(ServiceUnits.Choice(launcher: "/x", stateFolder: "/s", settingsFile: "/e"))
        var found = FoundService()
        found.dropIns = [DropIn(path: "/d/a.conf", text: ""), DropIn(path: "[unprintable]", text: nil)]
        #expect(ServiceCommand.readFiles("/u", units, found) == ["/u", "/e", "/d/a.conf"])
    }

    // MARK: - The token

    /// A link that is switched, and what it led to removed: the unit has the link.
    @Test func theTokensFileIsNamedAsItIsGiven() throws {
        try withFolder { folder in
            try FileManager.default.createDirectory(atPath: folder + "/a/b", withIntermediateDirectories: true)
            try write(folder + "/a/one", "0123456789abcdef\n")
            try FileManager.default.createSymbolicLink(atPath: folder + "/a/tok", withDestinationPath: "one")
            try FileManager.default.createSymbolicLink(atPath: folder + "/deep", withDestinationPath: folder + "/a/b")
            for (given, path) in [
                ("/a/tok", "/a/tok"), ("//a/./tok", "/a/tok"), ("/deep/../tok", "/a/tok"), ("/a/b/../tok", "/a/tok"),
                ("/deep/x", "/deep/x"),
            ] { #expect(try ServiceChoice.tokenPath(OSString(folder + given)) == folder + path, "\(given)") }
            #expect(throws: ServiceError.self) { try ServiceChoice.tokenPath(OSString(folder + "/none/../tok")) }
            let here = FileManager.default.currentDirectoryPath
            #expect(try ServiceChoice.tokenPath("./x") == (here == "/" ? "" : here) + "/x")
            let bytes = Array("/a".utf8) + [0xFF]
            #expect(throws: ServiceError.self) { try ServiceChoice.tokenPath(OSString(bytes)) }
            // Of the whole option, too: the checks look at what the link leads to.
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: folder + "/a/one")
            #expect(try ServiceChoice.token(OSString(folder + "/a/tok")) == folder + "/a/tok")
            try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: folder + "/a/one")
            #expect(throws: ServiceError.self) { try ServiceChoice.token(OSString(folder + "/a/tok")) }
        }
    }
}
