import Foundation
import Glibc
import ProjectTree
import Testing

@testable import ServiceManager

struct ServiceUnitsTests {
    private func choice(_ change: (inout ServiceUnits.Choice) -> Void = { _ in }) -> ServiceUnits.Choice {
        var choice = ServiceUnits.Choice(
            launcher: "/opt/cs/bin/codex-sandbox",
            stateFolder: "/home/ann/.local/state/codex-sandbox",
            settingsFile: "/home/ann/.config/codex-sandbox/service.env"
        )
        change(&choice)
        return choice
    }

    private func values(_ name: String, _ text: String) -> [String] {
        text.split(separator: "\n").filter { $0.hasPrefix("\(name)=") }.map { String($0.dropFirst(name.count + 1)) }
    }

    /// What the package installs is what `service install` starts from.
    @Test(arguments: [("service", PackagedUnits.service), ("socket", PackagedUnits.socket)])
    func theEmbeddedUnitsAreThoseOfThePackage(kind: String, text: String) throws {
        let root = ProjectTree.url(#filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let file = root.appending(path: "packaging/systemd/codex-sandbox.\(kind)")
        #expect(try String(contentsOf: file, encoding: .utf8) == text, "run scripts/embed-units")
    }

    @Test func everyPathIsAbsoluteAndTheCallersOwn() throws {
        let units = try ServiceUnits(choice())
        #expect(
            values("ExecStart", units.service) == [
                "/opt/cs/bin/codex-sandbox serve --listen fd --state-dir /home/ann/.local/state/codex-sandbox --data-dir "
                    + "/home/ann/.local/state/codex-sandbox/serve --env-file=-/home/ann/.config/codex-sandbox/service.env"
            ]
        )
        #expect(values("EnvironmentFile", units.service) == ["-/home/ann/.config/codex-sandbox/service.env"])
        #expect(units.service.contains("\nType=notify\n") && units.service.contains("\nDelegate=yes\n"))
        #expect(!units.service.contains("%h") && !units.service.contains("StateDirectory=/"))
        #expect(ServiceUnits.isOurs(units.service) && ServiceUnits.isOurs(units.socket))
        #expect(!ServiceUnits.isOurs(PackagedUnits.service) && !ServiceUnits.isOurs(""))
        #expect(values("ListenStream", units.socket) == ["%t/codex-sandbox/api.sock", "127.0.0.1:8000"])
    }

    @Test func whatIsChosenStandsInTheUnits() throws {
        let units = try ServiceUnits(
            choice {
                $0.listens = ["/run/x.sock", "[::1]:9"]
                $0.tokenFile = "/home/ann/token"
                $0.finishSeconds = 600
            }
        )
        #expect(values("ListenStream", units.socket) == ["/run/x.sock", "[::1]:9"])
        #expect(values("LoadCredential", units.service) == ["api-token:/home/ann/token"])
        #expect(values("TimeoutStopSec", units.service) == ["645"])
        #expect(values("ExecStart", units.service)[0].hasSuffix("--stop-jobs finish --stop-time 600s"))
        let plain = try ServiceUnits(choice())
        #expect(values("LoadCredential", plain.service).isEmpty && values("TimeoutStopSec", plain.service) == ["45"])
    }

    /// No name of a folder becomes a specifier, a variable or a further word.
    @Test(arguments: ["/a b", "/50%", "/$HOME", "/a\"b", "/a\\b", "/a;b", "/ä", "/a'b", "/%h $$ \\\" '"])
    func namesStayNames(path: String) throws {
        let units = try ServiceUnits(choice { $0.stateFolder = path })
        #expect(ServiceUnits.dataFolder(in: units.service) == "\(path)/serve")
        #expect(ServiceUnits.stateFolder(in: units.service) == path)
        let line = values("ExecStart", units.service)[0]
        // As systemd reads it: one specifier or variable for each pair.
        var rest = Array(line.unicodeScalars)
        while let index = rest.firstIndex(where: { $0 == "%" || $0 == "$" }) {
            try #require(index + 1 < rest.count && rest[index] == rest[index + 1])
            rest.removeSubrange(index...(index + 1))
        }
    }

    @Test(arguments: ["relative", "", "/a\nExecStartPre=/bin/x", "/a\u{7F}", "/a\\", "/a "])
    func whatCannotStandInAUnitIsRefused(path: String) {
        let error = #expect(throws: ServiceUnitsError.self) { try ServiceUnits(choice { $0.stateFolder = path }) }
        #expect(error?.path == path)
    }

    /// The manager leaves a blank at the end of a line out.
    @Test func aBlankAtTheEndIsRefusedEverywhere() throws {
        for change in [
            { $0.tokenFile = "/k " }, { $0.settingsFile = "/k " }, { $0.listens = ["/a b "] },
        ] as [(inout ServiceUnits.Choice) -> Void] {
            #expect(throws: ServiceUnitsError.self) { try ServiceUnits(choice(change)) }
        }
        let units = try ServiceUnits(choice { $0.tokenFile = "/ k" })
        #expect(values("LoadCredential", units.service) == ["api-token:/ k"])
    }

    private func folder(
        _ unit: String?,
        _ folder: String,
        isNamed: Bool,
        isPurge: Bool = true,
        others: [String] = [],
        dropIns: [DropIn] = []
    ) throws -> String? {
        var found = FoundService()
        found.serviceText = unit
        found.otherUnits = others
        found.dropIns = dropIns
        return try InstalledState.folder(
            of: found,
            units: "/units",
            folder: folder,
            isNamed: isNamed,
            isPurge: isPurge
        )
    }

    /// Of an uninstall: the unit is believed, `--state-dir` where there is none, and no two that differ.
    @Test func theInstalledUnitSaysWhereTheDataLies() throws {
        let unit = try ServiceUnits(choice { $0.stateFolder = "/home/ann/other" }).service
        for isPurge in [false, true] {
            #expect(try folder(unit, "/usual", isNamed: false, isPurge: isPurge) == "/home/ann/other")
        }
        #expect(try folder(unit, "/home/ann/other", isNamed: true) == "/home/ann/other")
        #expect(throws: ServicePlanError.otherState(unit: "/home/ann/other", named: "/named")) {
            try folder(unit, "/named", isNamed: true)
        }
        #expect(try folder(nil, "/named", isNamed: true) == "/named")
        let changed = ServiceUnits.mark + "\nExecStart=/bin/x --state-dir /a --data-dir /b/serve"
        #expect(try folder(changed, "/usual", isNamed: false) == nil)
        #expect(try folder(changed, "/named", isNamed: true) == "/named")
    }

    /// What is named may be removed: an option stands in its place among the words, not in the name of a file.
    @Test func noNameOfAFileIsAnOption() throws {
        let name = "/a --data-dir /b/serve c"
        #expect(try folder(ServiceUnits(choice { $0.stateFolder = name }).service, "/u", isNamed: false) == name)
        for launcher in [
            "/a --state-dir /V --data-dir /V/serve b/codex-sandbox", "/a serve --state-dir /V --data-dir /V/serve",
            "/a\" serve --state-dir /V --data-dir /V/serve \"b",
        ] {
            let unit = try ServiceUnits(
                choice {
                    $0.launcher = launcher
                    $0.stateFolder = "/s"
                    $0.settingsFile = "/x --state-dir /V --data-dir /V/serve"
                    $0.finishSeconds = 9
                }
            ).service
            #expect(try folder(unit, "/u", isNamed: false) == "/s", "\(launcher)")
        }
        // Somebody has changed the line: it says nothing that is known.
        let own = "--state-dir /s --data-dir /s/serve"
        #expect(ServiceUnits.stateFolder(in: "ExecStart=/x serve \(own)\n") == "/s")
        for line in [
            "/x run \(own)", "x serve \(own)", "-/x serve \(own)", "/x \(own)", "/x --listen fd serve \(own)",
            "/x serve \(own) --state-dir /V", "/x serve --log \(own)", "/x serve --state-dir=/V \(own)",
            "/x serve \(own) ; /y", "/x serve '--state-dir' /V --data-dir /V/serve", "/x serve  \(own)",
            "/x serve \(own) \\", "/x serve \(own) ", "/x serve --state-dir /s --data-dir", "/x serve \(own) \"",
            "/x serve --state-dir \"/s\"/t --data-dir /s/t/serve", "/x serve --state-dir /\\x73 --data-dir /x73/serve",
            "/x serve --state-dir %h --data-dir %h/serve", "/x serve --state-dir \"/\\x73\" --data-dir /s/serve",
        ] { #expect(ServiceUnits.stateFolder(in: "ExecStart=\(line)\n") == nil, "\(line)") }
    }

    /// In the usual folder may be the data of a server that was started by hand: the unit of another folder is gone, and was purged.
    @Test func nothingIsPurgedThatNobodyNames() throws {
        #expect(throws: ServicePlanError.unknownState(folder: "/units")) { try folder(nil, "/usual", isNamed: false) }
        #expect(try folder(nil, "/usual", isNamed: false, isPurge: false) == "/usual")
        #expect(throws: ServicePlanError.foreign("/units/codex-sandbox.service")) {
            try folder("[Unit]\n", "/usual", isNamed: false)
        }
        let words = ServicePlanError.unknownState(folder: "/units").words
        #expect(words.contains("uninstall --purge --state-dir DIR"))
    }

    /// Whoever has another HOME or XDG_CONFIG_HOME than the manager would end its service, and purge by another unit, or by none.
    @Test func theManagersUnitOfAnotherFolderIsNotTouched() throws {
        let unit = try ServiceUnits(choice { $0.stateFolder = "/s" }).service
        for name in ["service", "socket"] {
            let other = "/elsewhere/systemd/user/codex-sandbox.\(name)"
            for text in [nil, unit] {
                for (isNamed, isPurge) in [(false, false), (false, true), (true, true)] {
                    #expect(throws: ServicePlanError.otherUnit(manager: other, folder: "/units")) {
                        try folder(text, "/s", isNamed: isNamed, isPurge: isPurge, others: [other])
                    }
                }
            }
        }
        let packaged = ["codex-sandbox.socket", "codex-sandbox.service"].map { "/usr/lib/systemd/user/\($0)" }
        // Of the package they are put to rest; ours beside them says nothing of what has run.
        #expect(try folder(nil, "/s", isNamed: false, isPurge: false, others: packaged) == "/s")
        #expect(try folder(nil, "/s", isNamed: true, others: packaged) == "/s")
        #expect(throws: ServicePlanError.unknownState(folder: "/units")) {
            try folder(nil, "/s", isNamed: false, others: packaged)
        }
        #expect(throws: ServicePlanError.otherUnit(manager: packaged[1], folder: "/units")) {
            try folder(unit, "/usual", isNamed: false, others: packaged)
        }
        #expect(try folder(unit, "/s", isNamed: true, others: packaged) == "/s")
        #expect(!ServiceUnits.isPackaged("/usr/lib/systemd/user/other.service"))
    }

    /// The unit's own words are not what started the server, then.
    @Test func aDropInMaySayAnotherFolder() throws {
        let unit = try ServiceUnits(choice { $0.stateFolder = "/s" }).service
        for text in [
            nil, "[Service]\nExecStart=\nExecStart=/x serve", "[Service]\n \tExecStart = /x\n", "ExecStart=/x\r\n",
            "ExecStart\\\n=/x", "ExecStart=\u{301}", "[Service]\nEnvironmentFile=/x\n", "EnvironmentFile=",
            "Environment=DATABASE_URL=sqlite:////x/a.db", " Environment = A=1 \"WORKSPACE_ROOT=/x\"",
            "PassEnvironment=HOME WORKSPACE_ROOT", "Environment=A=1 \\\n# and\n DATABASE_URL=x",
        ] {
            let dropIn = DropIn(path: "/d/a.conf", text: text)
            #expect(throws: ServicePlanError.overruled(by: "/d/a.conf"), "\(text ?? "-")") {
                try folder(unit, "/usual", isNamed: false, dropIns: [DropIn(path: "/d/0.conf", text: ""), dropIn])
            }
            #expect(try folder(unit, "/s", isNamed: false, isPurge: false, dropIns: [dropIn]) == "/s")
            #expect(try folder(unit, "/named", isNamed: true, dropIns: [dropIn]) == "/named")
        }
        for text in [
            "", "[Service]\nMemoryMax=1G\nExecStartPre=/x\n#ExecStart=/x\n",
            "Environment=MAX_JOBS=1\nPassEnvironment=HOME\n",
            "Environment=MAX_JOBS=1\n;WORKSPACE_ROOT=/x\n#EnvironmentFile=/x\n", "UnsetEnvironment=DATABASE_URL",
        ] {
            #expect(try folder(unit, "/u", isNamed: false, dropIns: [DropIn(path: "/d/a.conf", text: text)]) == "/s")
        }
        #expect(DropIn.paths("/a/b c.conf /d /e.conf") == ["/a/b c.conf", "/d", "/e.conf"])
        #expect(DropIn.paths("") == [])
        // There is one, of which systemctl does not print the path: it may say anything.
        #expect(DropIn.paths("[unprintable]") == ["[unprintable]"])
        #expect(DropIn.paths("/d/a.conf [unprintable] /e.conf") == ["/d/a.conf", "[unprintable]", "/e.conf"])
        #expect(DropIn.paths("a.conf") == ["a.conf"])
        #expect(ServicePlanError.overruled(by: "[unprintable]").words.hasPrefix("a drop-in that systemctl shows as ["))
        #expect(DropIn(path: "/x/codex-sandbox.socket.d/a.conf", text: nil).isOfOurs)
        #expect(!DropIn(path: "/x/service.d/codex-sandbox.service.d", text: nil).isOfOurs)
    }

    /// A wrong name is no reason to remove settings and units.
    @Test func aNamedFolderHasData() throws {
        var found = FoundService()
        let error = ServicePlanError.nothingThere(folder: "/s")
        #expect(throws: error) { try InstalledState.checkNamed(found, folder: "/s") }
        found.hasData = true
        try InstalledState.checkNamed(found, folder: "/s")
        // The server has never run, or a purge was interrupted: the unit means the same folder.
        found.hasData = false
        found.serviceText = try ServiceUnits(choice { $0.stateFolder = "/s" }).service
        try InstalledState.checkNamed(found, folder: "/s")
        #expect(throws: ServicePlanError.nothingThere(folder: "/t")) {
            try InstalledState.checkNamed(found, folder: "/t")
        }
        // Unless somebody else says what is started.
        found.dropIns = [DropIn(path: "/d/a.conf", text: "ExecStart=/x")]
        #expect(throws: error) { try InstalledState.checkNamed(found, folder: "/s") }
        #expect(error.words.hasPrefix("there is no data in /s/serve/") && error.words.contains("nothing was changed"))
        #expect(InstalledState.passedOver(found, folder: "/s") == nil)
        #expect(InstalledState.passedOver(found, folder: "/t") == "/s")
        #expect(InstalledState.passedOver(FoundService(), folder: "/t") == nil)
    }

    /// Somebody has written into ours: what counts is the last one.
    @Test func aUnitWithAnotherStartSaysNoFolder() throws {
        let unit = try ServiceUnits(choice { $0.stateFolder = "/s" }).service
        #expect(try folder(unit, "/u", isNamed: false) == "/s")
        for line in ["ExecStart=", "ExecStart=/x serve", " ExecStart =/x"] {
            #expect(try folder("\(unit)\n[Service]\n\(line)\n", "/u", isNamed: false) == nil, "\(line)")
        }
    }

    @Test func noOtherUnitsFolderIsTaken() {
        #expect(ServiceUnits.dataFolder(in: "") == nil)
        #expect(ServiceUnits.dataFolder(in: "ExecStart=/bin/x serve") == nil)
        #expect(ServiceUnits.dataFolder(in: "ExecStart=/bin/x --data-dir %h/x") == nil)
        #expect(ServiceUnits.dataFolder(in: "ExecStart=/bin/x --data-dir \"/x") == nil)
    }

    /// systemd's own reader says nothing about them (a wrong key is only a warning, with status 0).
    @Test(.enabled(if: access("/usr/bin/systemd-analyze", X_OK) == 0, "systemd is not installed"))
    func systemdUnderstandsEveryLine() throws {
        var template = Array("/tmp/units-XXXXXX".utf8CString)
        let folder = String(cString: try #require(mkdtemp(&template)))
        defer { try? FileManager.default.removeItem(atPath: folder) }
        func verify(_ units: [(String, String)]) throws -> (status: Int32, said: String) {
            for (name, text) in units {
                try text.write(toFile: "\(folder)/\(name)", atomically: false, encoding: .utf8)
            }
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/systemd-analyze")
            process.arguments = ["verify", "--user"] + units.map { "\(folder)/\($0.0)" }
            process.environment = ["XDG_RUNTIME_DIR": folder, "HOME": folder, "PATH": "/usr/bin:/bin"]
            let pipe = Pipe()
            process.standardError = pipe
            process.standardOutput = pipe
            try process.run()
            let said = try pipe.fileHandleForReading.readToEnd() ?? Data()
            process.waitUntilExit()
            return (process.terminationStatus, String(decoding: said, as: UTF8.self))
        }
        let units = try ServiceUnits(
            choice {
                $0.launcher = "/usr/bin/env"
                $0.stateFolder = "/tmp/a b%h$X"
                $0.tokenFile = "/tmp/50%"
                $0.finishSeconds = 60
                $0.listens = ["/tmp/%x.sock", "127.0.0.1:1"]
            }
        )
        for (service, socket) in [
            (units.service, units.socket),
            (
                PackagedUnits.service.replacingOccurrences(of: "=/usr/bin/codex-sandbox ", with: "=/usr/bin/env "),
                PackagedUnits.socket
            ),
        ] {
            let result = try verify([(ServiceUnits.serviceName, service), (ServiceUnits.socketName, socket)])
            #expect(result.status == 0 && result.said == "", "\(result.said)")
        }
        // The control: a key that there is not.
        let wrong = try verify([
            (ServiceUnits.serviceName, units.service.replacingOccurrences(of: "Delegate=", with: "Delegates=")),
            (ServiceUnits.socketName, units.socket),
        ])
        #expect(wrong.said.contains("Delegates"))
    }
}
