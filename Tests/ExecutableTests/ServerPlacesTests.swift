import Foundation
import SandboxAPI
import SandboxPlan
import ServiceManager
import Testing

@testable import codex_sandboxd

/// What the server's program makes of paths and of its own answers.
@Suite struct ServerPlacesTests {
    /// A folder of one test, with its own links resolved.
    private func withFolder(_ body: (String) throws -> Void) throws {
        let made = FileManager.default.temporaryDirectory.appending(path: "server-places-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: made, withIntermediateDirectories: true)
        defer { #expect(throws: Never.self) { try FileManager.default.removeItem(at: made) } }
        try body(made.resolvingSymlinksInPath().path(percentEncoded: false))
    }

    @Test func whoHasNamedAPathIsNamed() throws {
        try withFolder { folder in
            let loop = folder + "/loop"
            try FileManager.default.createSymbolicLink(atPath: loop, withDestinationPath: loop)
            for subject in ["--data-dir", "the current folder"] {
                let error = #expect(throws: ServeError.self) {
                    try SettingsFile.absolute(loop + "/x", of: subject, remedy: "mend it")
                }
                let text = try #require(error).text
                #expect(text.hasPrefix("\(subject) \(loop)/x: ELOOP") && text.hasSuffix("; mend it"), "\(text)")
            }
        }
    }

    /// One place is not two for being written in another way.
    @Test func whatIsElsewhereIsFoundByItsPlace() throws {
        try withFolder { folder in
            let data = folder + "/serve"
            try FileManager.default.createDirectory(
                atPath: data + "/workspaces",
                withIntermediateDirectories: true
            )
            try FileManager.default.createSymbolicLink(atPath: folder + "/link", withDestinationPath: data)
            let settings = folder + "/service.env"
            func elsewhere(_ text: String) throws -> [SettingName] {
                try text.write(toFile: settings, atomically: false, encoding: .utf8)
                try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: settings)
                return try RecognisedData.elsewhere(data, settings: settings).map(\.name)
            }
            for place in [
                data + "/workspaces", data + "/workspaces/", data + "/./workspaces", folder + "/link/workspaces",
            ] {
                #expect(try elsewhere("WORKSPACE_ROOT=\(place)\n") == [], "\(place)")
            }
            for place in [data + "/workspaces/x", folder + "/workspaces", "workspaces", "./serve/workspaces"] {
                #expect(try elsewhere("WORKSPACE_ROOT=\(place)\n") == [.workspaceRoot], "\(place)")
            }
            for url in ["sqlite:///\(data)/codex.db", "sqlite:///\(folder)/link/codex.db"] {
                #expect(try elsewhere("DATABASE_URL=\(url)\n") == [], "\(url)")
            }
            for url in ["sqlite:///\(folder)/codex.db", "sqlite:///codex.db", "postgres://u:s3cret@h/d"] {
                #expect(try elsewhere("DATABASE_URL=\(url)\n") == [.databaseURL], "\(url)")
            }
        }
    }

    /// The settings go with a purge: nobody is sent to them.
    @Test func whatIsKeptElsewhereIsSaidWithoutTheSettings() {
        #expect(
            ServiceNotes.elsewhere(.databaseURL, "sqlite:////x/a.db")
                == "not removed: the database in sqlite:////x/a.db, where DATABASE_URL had it; remove it yourself"
        )
        #expect(
            ServiceNotes.elsewhere(.workspaceRoot, "/x/projects")
                == "not removed: the projects in /x/projects, where WORKSPACE_ROOT had them; remove them yourself"
        )
    }

    /// The units are gone, and with them what they said.
    @Test func whatRemovesTheRestIsSaidInFull() {
        let command = ServiceNotes.purge("/a b")
        #expect(command == "codex-sandbox service uninstall --purge --state-dir '/a b'")
        for (folder, word) in [
            ("/srv/a&b", "'/srv/a&b'"), ("/$HOME", "'/$HOME'"), ("/it's", "'/it'\\''s'"), ("/a\nb", "$'/a\\nb'"),
        ] { #expect(ServiceNotes.purge(folder).hasSuffix(" --state-dir \(word)"), "\(word)") }
        #expect(
            ServiceNotes.staying(["/a b/serve/workspaces/x"], purge: command).last
                == "once that is away, `\(command)` removes the rest"
        )
        #expect(ServiceNotes.staying([], purge: command) == [])
    }

    /// One folder is not two for being written in another way, nor one for having the same names in it.
    @Test func theManagersUnitsAreTakenByTheirFolder() throws {
        try withFolder { folder in
            for name in ["/own", "/other"] {
                try FileManager.default.createDirectory(atPath: folder + name, withIntermediateDirectories: false)
            }
            try FileManager.default.createSymbolicLink(atPath: folder + "/link", withDestinationPath: folder + "/own")
            let name = ServiceUnits.serviceName
            func others(_ path: String?, in own: String = folder + "/own") -> [String] {
                let state = UnitState(properties: path.map { ["FragmentPath": $0] } ?? [:])
                return ServicePlaces.others([(state, name), (nil, ServiceUnits.socketName)], own)
            }
            for path in [nil, "", "\(folder)/own/\(name)", "\(folder)/link/\(name)", "\(folder)/./own/\(name)"] {
                #expect(others(path) == [], "\(path ?? "-")")
            }
            for path in ["\(folder)/other/\(name)", "\(folder)/own/x.service", "\(folder)/gone/\(name)", "/dev/null"] {
                #expect(others(path) == [path], "\(path)")
            }
            #expect(others("\(folder)/own/\(name)", in: folder + "/gone") == ["\(folder)/own/\(name)"])
        }
    }

    /// As the manager reads them: through links; whatever cannot be read may say anything.
    @Test func dropInsAreReadAndNamed() throws {
        try withFolder { folder in
            let (file, link, null) = (folder + "/a.conf", folder + "/b.conf", folder + "/c.conf")
            try "[Service]\nExecStart=\n".write(toFile: file, atomically: false, encoding: .utf8)
            try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: file)
            try FileManager.default.createSymbolicLink(atPath: null, withDestinationPath: "/dev/null")
            for path in [file, link] {
                #expect(ServicePlaces.dropIn(path).text == "[Service]\nExecStart=\n", "\(path)")
            }
            #expect(ServicePlaces.dropIn(null).text == "")
            for path in [folder, folder + "/gone.conf", "[unprintable]"] {
                #expect(ServicePlaces.dropIn(path).text == nil, "\(path)")
            }
            #expect(try PlainFile.names(in: folder) == ["a.conf", "b.conf", "c.conf"])
            #expect(try PlainFile.names(in: folder + "/gone") == nil)
            #expect(throws: FileFault.self) { try PlainFile.names(in: file) }
        }
        let note = ServiceNotes.dropIn(DropIn(path: "/d/a.conf", text: "ExecStart=/x"))
        #expect(
            note.hasPrefix("kept: /d/a.conf, a drop-in") || note.hasPrefix("kept: \"/d/a.conf\", a drop-in"),
            "\(note)"
        )
        #expect(note.contains("may say another folder"))
    }

    /// Somebody's own file of settings may be a link to where nothing is mounted now.
    @Test func settingsAreNeverReplaced() throws {
        try withFolder { folder in
            let (file, link) = (folder + "/file", folder + "/link")
            try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: folder + "/gone")
            try PlainFile.add(file, "one", mode: 0o600)
            for path in [file, link, folder] {
                let error = #expect(throws: FileFault.self) { try PlainFile.add(path, "two", mode: 0o600) }
                #expect(error?.why.contains("EEXIST") == true, "\(path)")
            }
            #expect(try String(contentsOfFile: file, encoding: .utf8) == "one")
            #expect(try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int == 0o600)
            #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == folder + "/gone")
            #expect(try PlainFile.names(in: folder) == ["file", "link"])
            // What it says of data elsewhere is not known.
            #expect(throws: ServiceError.self) { try RecognisedData.elsewhere(folder, settings: link) }
            #expect(try RecognisedData.elsewhere(folder, settings: folder + "/none").isEmpty)
            #expect(ServicePlaces.isThere(link))
        }
    }

    /// A killed writer's file goes, whoever has its number now; nobody else's does, nor what is being written.
    @Test func whatAKilledWriterHasLeftIsFound() throws {
        try withFolder { folder in
            let path = folder + "/a.service"
            func leftovers(_ path: String) throws -> [String] {
                try PlainFile.leftovers(of: path) { ServicePlan.isBeginning($0, of: [ServiceUnits.mark]) }.map(\.path)
            }
            // No process has a number above the kernel's greatest (PID_MAX_LIMIT).
            let left = "\(path).new-4194305"
            let lettered = left + "-abcdefgh"
            // One of this account's: the test's own parent may be of another, whose processes write nothing here.
            let writer = try Process.run(URL(filePath: "/bin/sleep"), arguments: ["3600"])
            defer {
                kill(writer.processIdentifier, SIGKILL)
                writer.waitUntilExit()
            }
            let living = writer.processIdentifier
            let others = [
                "a.service.new-", "a.service.new-01", "a.service.new-1x", "a.service.new--4194305", "a.service.new",
                "b.service.new-4194305", "xa.service.new-4194305", "a.service.new-\(living)",
                "a.service.new-\(living)-abcdefgh", "a.service.new-4194305-", "a.service.new-4194305-abcdefg",
                "a.service.new-4194305-Abcdefgh", "a.service.new-4194305-abcdefgh-", "a.service.new--abcdefgh",
            ]
            for name in others { try "".write(toFile: "\(folder)/\(name)", atomically: false, encoding: .utf8) }
            // Somebody's own copies.
            let copy = ServiceUnits.mark + "\n# Mine"
            for (text, number) in [("# Mine", 4_194_308), (copy, 4_194_309)] {
                try text.write(toFile: "\(path).new-\(number)", atomically: false, encoding: .utf8)
            }
            for path in [left, lettered] {
                try "# Written by".write(toFile: path, atomically: false, encoding: .utf8)
            }
            try FileManager.default.createSymbolicLink(
                atPath: "\(path).new-4194306",
                withDestinationPath: left
            )
            try FileManager.default.createDirectory(
                atPath: "\(path).new-4194307",
                withIntermediateDirectories: false
            )
            #expect(try leftovers(path) == [left, lettered])
            #expect(try leftovers(folder + "/none/x") == [])
            let own = "\(path).new-\(getpid())"
            try "".write(toFile: own, atomically: false, encoding: .utf8)
            #expect(try leftovers(path).contains(own))
            try copy.write(toFile: own, atomically: false, encoding: .utf8)
            let before = try PlainFile.names(in: folder)
            try PlainFile.write(path, "whole", mode: 0o644)
            #expect(try String(contentsOfFile: path, encoding: .utf8) == "whole")
            // Whoever has made it; and nothing else is left behind.
            #expect(try String(contentsOfFile: own, encoding: .utf8) == copy)
            #expect(try PlainFile.names(in: folder) == ((before ?? []) + ["a.service"]).sorted())
        }
    }

    /// By the kernel's own word for a process, and for files that were there before it: whatever puts another in their place counts.
    @Test func aProcessIsComparedWithFiles() throws {
        try withFolder { folder in
            let (file, link, older, new) = (folder + "/file", folder + "/link", folder + "/older", folder + "/new")
            for path in [file, older] {
                try "x".write(toFile: path, atomically: false, encoding: .utf8)
                try FileManager.default.setAttributes(
                    [.modificationDate: Date(timeIntervalSinceNow: -365 * 86_400)],
                    ofItemAtPath: path
                )
            }
            try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: file)
            // More than a second, where a file system has no parts of one; being longer asleep changes nothing.
            Thread.sleep(forTimeInterval: 1.2)
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/bin/sleep")
            process.arguments = ["3600"]
            try process.run()
            defer {
                // SIGTERM may be blocked in who runs the tests, and is then so in what they start.
                kill(process.processIdentifier, SIGKILL)
                process.waitUntilExit()
            }
            func isBehind(_ files: String...) -> Bool { ProcessStart.isBehind(process.processIdentifier, files) }
            #expect(!isBehind(file, link, folder + "/gone") && !isBehind())
            // Its name, though what it leads to is as old as before.
            try FileManager.default.removeItem(atPath: link)
            try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: file)
            #expect(isBehind(link) && !isBehind(file))
            // Each link on the way, of a folder and between two others, though what they lead to is as old as before.
            for (link, path) in [("one", "one/file"), ("two", "three/file")] {
                try FileManager.default.createSymbolicLink(atPath: "\(folder)/\(link)", withDestinationPath: folder)
                if link == "two" {
                    try FileManager.default.createSymbolicLink(atPath: folder + "/three", withDestinationPath: "two")
                }
                #expect(isBehind("\(folder)/\(path)"), "\(path)")
            }
            #expect(!isBehind(file))
            try "x".write(toFile: new, atomically: false, encoding: .utf8)
            #expect(isBehind(file, new))
            #expect(rename(older, file) == 0)
            #expect(isBehind(file))
            #expect(!ProcessStart.isBehind(4_194_305, [new]))
        }
    }

    /// A fault that is over when it is looked for was none of the server's either.
    @Test func onlyTheServersOwnFaultIsNotWell() {
        for (status, stops, problem, isWell) in [
            (200, false, "x", true), (503, false, nil, true), (503, false, "the store cannot be used", false),
            (500, false, nil, false), (401, false, nil, false), (nil, false, nil, false), (503, true, "x", true),
            (nil, true, nil, false),
        ] as [(Int?, Bool, String?, Bool)] {
            let found = ServerWatch.isWell(status, stops: stops) { problem }
            #expect(found == isWell, "\(String(describing: status)) \(stops) \(problem ?? "-")")
        }
    }
}
