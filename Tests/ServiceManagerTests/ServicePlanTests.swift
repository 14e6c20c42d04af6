import Testing

@testable import ServiceManager

struct ServicePlanTests {
    private let folder = "/home/ann/.config/systemd/user"
    private let settings = "/home/ann/.config/codex-sandbox/service.env"
    private let units: ServiceUnits

    init() throws {
        units = try ServiceUnits(
            ServiceUnits.Choice(launcher: "/usr/bin/codex-sandbox", stateFolder: "/home/ann/s", settingsFile: settings)
        )
    }

    private func state(_ active: String, _ enabled: String = "enabled", _ more: [String: String] = [:]) -> UnitState {
        UnitState(
            properties: ["LoadState": "loaded", "ActiveState": active, "UnitFileState": enabled].merging(more) { $1 }
        )
    }

    private var installed: FoundService {
        var found = FoundService()
        found.serviceText = units.service
        found.socketText = units.socket
        found.hasUnitFolder = true
        found.hasSettings = true
        found.service = state("active")
        found.socket = state("active")
        return found
    }

    private func install(_ change: (inout FoundService) -> Void) throws -> [String] {
        var found = installed
        change(&found)
        return try ServicePlan.install(units, folder: folder, settings: settings, found: found).map(\.words)
    }

    private func uninstall(_ data: String?, _ change: (inout FoundService) -> Void) throws -> [String] {
        var found = installed
        change(&found)
        return try ServicePlan.uninstall(folder: folder, settings: settings, purging: data, found: found).map(\.words)
    }

    @Test func onAnEmptyMachineAllIsDoneInOrder() throws {
        #expect(
            try install { $0 = FoundService() } == [
                "make \(folder)/", "make /home/ann/.config/codex-sandbox/", "write \(settings)",
                "write \(folder)/codex-sandbox.socket", "write \(folder)/codex-sandbox.service",
                "run systemctl --user daemon-reload",
                "run systemctl --user enable codex-sandbox.socket codex-sandbox.service",
                "run systemctl --user start codex-sandbox.socket codex-sandbox.service",
            ]
        )
    }

    @Test func whatIsThereStays() throws {
        #expect(try install { _ in } == [])
        var found = installed
        found.hasSettings = false
        // Settings that somebody makes meanwhile are his.
        #expect(
            try ServicePlan.install(units, folder: folder, settings: settings, found: found)
                .contains(.addFile(settings, text: ServicePlan.settingsText, mode: 0o600))
        )
    }

    /// The sockets stay open while the server is another one.
    @Test func aNewServerIsRestartedBehindItsSockets() throws {
        let restart = "run systemctl --user restart codex-sandbox.service"
        #expect(try install { $0.isOutdated = true } == [restart])
        #expect(try install { $0.isBehind = true } == [restart])
        // Else the next call would find them younger than the server.
        #expect(try install { $0.hasSettings = false }.last == restart)
        #expect(
            try install { $0.serviceText = ServiceUnits.mark + "\n" } == [
                "write \(folder)/codex-sandbox.service", "run systemctl --user daemon-reload", restart,
            ]
        )
    }

    /// The files are as they are wanted, and whoever wrote them was ended before the manager had read them.
    @Test func anInstallThatWasInterruptedIsCompleted() throws {
        let units = "codex-sandbox.socket codex-sandbox.service"
        let (reload, restart) = (
            "run systemctl --user daemon-reload", "run systemctl --user restart codex-sandbox.service"
        )
        let anew = ["run systemctl --user stop \(units)", reload, "run systemctl --user start \(units)"]
        let unread = ["NeedDaemonReload": "yes"]
        #expect(try install { $0.service = state("active", "enabled", unread) } == [reload, restart])
        #expect(try install { $0.socket = state("active", "enabled", unread) } == anew)
        #expect(
            try install {
                $0.service = state("inactive", "enabled", unread)
                $0.socket = state("inactive", "enabled", unread)
            } == [anew[1], anew[2]]
        )
        // The manager has not seen that there is another file than the package's.
        #expect(try install { $0.socket = listening("127.0.0.1:9000 (Stream)") } == anew)
    }

    private func isBehind(_ started: Int64, _ written: (Int64, Int64)..., now: Int64 = 1_000_000) -> Bool {
        ServerAge.isBehind(
            started: started,
            written: written.map { (seconds: $0.0, nanoseconds: $0.1) },
            now: now
        )
    }

    /// Between daemon-reload and restart nothing but the times of change says that the old server runs.
    @Test func aServerOlderThanItsFilesIsBehind() {
        #expect(isBehind(10_000, (9, 0), (10, 500_000_000)))
        #expect(!isBehind(10_000, (9, 900_000_000), (8, 0)) && !isBehind(10_000))
        // The clocks' steps: it may have been after the start.
        #expect(isBehind(10_000, (9, 985_000_000)) && isBehind(10_000, (10, 1)) && !isBehind(10_000, (9, 979_000_000)))
        // Whole seconds are not known better.
        #expect(isBehind(10_999, (10, 0)) && isBehind(10_000, (9, 0)) && !isBehind(11_001, (10, 0)))
        // No time of day, as a file may have it.
        for seconds in [Int64.max, .min, .max / 1000, .min / 1000] {
            #expect(!isBehind(10_000, (seconds, 999_999_999)), "\(seconds)")
        }
        // The clock was set back: another start would be as old.
        #expect(!isBehind(10_000, (2000, 5)) && isBehind(10_000, (2000, 5), now: 2_000_001))
    }

    /// Each restart begins later than what it reads was written: some install at last finds nothing to do.
    @Test func anInstallThatIsRepeatedEnds() {
        for written: (Int64, Int64) in [(9, 999_999_999), (10, 0), (10, 5_000_000)] {
            var (now, started) = (Int64(10_005), Int64(10_005))
            var restarts = 0
            while isBehind(started, written, now: now), restarts < 1000 {
                restarts += 1
                now += 10
                started = now
            }
            #expect(restarts > 0 && restarts < 200, "\(written): \(restarts)")
        }
    }

    @Test func theStartIsReadBehindAnyName() {
        let fields = (3...52).map { "\($0 == 22 ? "4711" : "\($0)")" }.joined(separator: " ")
        for name in ["x", "a) S 1 2", "a b", ")", ""] {
            #expect(ServerAge.startTicks("1 (\(name)) \(fields)\n") == 4711)
        }
        for text in ["", "1 (x) 3 4 5", "1 2 3", "1 (x) \(fields.split(separator: "4711")[0])x 23"] {
            #expect(ServerAge.startTicks(text) == nil, "\(text)")
        }
    }

    @Test func theFilesThatAServerReadsAreKnown() throws {
        var choice = ServiceUnits.Choice(launcher: "/x", stateFolder: "/s", settingsFile: "/e")
        #expect(try ServiceUnits(choice).files == ["/e"])
        choice.tokenFile = "/t"
        #expect(try ServiceUnits(choice).files == ["/e", "/t"])
    }

    private func listening(_ addresses: String..., more: [String: String] = [:]) -> UnitState {
        state("active", "enabled", ["Listen": addresses.joined(separator: "\n")].merging(more) { $1 })
    }

    @Test func addressesAreComparedWhereTheyAreKnown() throws {
        let usual = "ListenStream=%t/codex-sandbox/api.sock\nListenStream=127.0.0.1:8000\n"
        let (path, port) = ("/run/user/1/codex-sandbox/api.sock (Stream)", "127.0.0.1:8000 (Stream)")
        #expect(!listening(path, port).listensElsewhere(usual) && !listening(port, path).listensElsewhere(usual))
        #expect(try install { $0.socket = listening(path, port) } == [])
        for other in [
            listening(path), listening(port), listening(path, "127.0.0.1:8001 (Stream)"),
            listening("/run/user/1/codex-sandbox/other.sock (Stream)", port),
            listening(path, port, "[::1]:8000 (Stream)"),
        ] { #expect(other.listensElsewhere(usual), "\(other)") }
        #expect(!listening("/a%b (Stream)").listensElsewhere("ListenStream=/a%%b\n"))
        #expect(listening("/a%%b (Stream)").listensElsewhere("ListenStream=/a%%b\n"))
        // Not known: no such property, a person's drop-in, what the manager may write in another way.
        #expect(!state("active").listensElsewhere(usual) && !listening("").listensElsewhere(usual))
        let dropIn = listening(
            port,
            more: ["DropInPaths": "/home/ann/.config/systemd/user/codex-sandbox.socket.d/a.conf"]
        )
        #expect(!dropIn.listensElsewhere(usual))
        #expect(listening(port, more: ["DropInPaths": ""]).listensElsewhere(usual))
        for text in ["[0::1]:8000", "8000", "127.1:8000", "127.0.0.1:08000", "/a//b", "/a/../b", "/a/"] {
            #expect(!listening(port).listensElsewhere("ListenStream=\(text)\n"), "\(text)")
        }
    }

    @Test func otherAddressesNeedOtherSockets() throws {
        let units = "codex-sandbox.socket codex-sandbox.service"
        #expect(
            try install { $0.socketText = ServiceUnits.mark + "\n" } == [
                "write \(folder)/codex-sandbox.socket", "run systemctl --user stop \(units)",
                "run systemctl --user daemon-reload", "run systemctl --user start \(units)",
            ]
        )
    }

    /// An upgrade that only says something else about the socket leaves it open.
    @Test func otherWordsNeedNoOtherSockets() throws {
        #expect(
            try install {
                var lines = UnitFile($0.socketText ?? "").lines
                lines.removeAll { $0.hasPrefix("Description=") }
                $0.socketText = (lines + ["# of old", "", "Description=Older"]).joined(separator: "\n")
            } == ["write \(folder)/codex-sandbox.socket", "run systemctl --user daemon-reload"]
        )
    }

    @Test func whatFailedBeginsAnew() throws {
        let units = "codex-sandbox.socket codex-sandbox.service"
        #expect(
            try install {
                $0.service = state("failed")
                $0.socket = state("failed")
            } == ["run systemctl --user reset-failed \(units)", "run systemctl --user start \(units)"]
        )
        #expect(
            try install { $0.service = state("inactive", "disabled") } == [
                "run systemctl --user enable \(units)", "run systemctl --user start \(units)",
            ]
        )
    }

    @Test func whatAKilledCallHasLeftGoes() throws {
        let (one, two) = (Leftover(path: "/x.new-1", bytes: [1]), Leftover(path: "/y.new-2", bytes: []))
        #expect(try install { $0.leftovers = [one, two] } == ["remove /x.new-1", "remove /y.new-2"])
        let empty = try uninstall(nil) {
            $0 = FoundService()
            $0.leftovers = [one]
        }
        #expect(empty == ["remove /x.new-1"])
        let texts = [units.service, nil, ServiceUnits.mark + "\n# of old\n"]
        for text in ["", "# Wri", ServiceUnits.mark, units.service, ServiceUnits.mark + "\n# of"] {
            #expect(ServicePlan.isBeginning(Array(text.utf8), of: texts), "\(text)")
        }
        // Somebody's own copy begins as ours does.
        for text in ["# Mine", units.service + "# Mine\n", ServiceUnits.mark + "\n# mine", units.socket] {
            #expect(!ServicePlan.isBeginning(Array(text.utf8), of: texts), "\(text)")
        }
        #expect(!ServicePlan.isBeginning([], of: [nil]))
    }

    /// Its server would be ended, and started, in the name of a unit that the manager does not read.
    @Test func aUnitOfAnotherFolderIsNotInstalledOver() {
        for name in ["service", "socket"] {
            let other = "/elsewhere/systemd/user/codex-sandbox.\(name)"
            for text in [units.service, nil] {
                #expect(throws: ServicePlanError.otherUnit(manager: other, folder: folder)) {
                    try install {
                        $0.otherUnits = [other]
                        $0.serviceText = text
                    }
                }
            }
        }
    }

    /// The manager has to have ours before the package's is ended; it says so itself.
    @Test func thePackagesUnitsAreReplacedOnceOursAreRead() throws {
        let names = "codex-sandbox.socket codex-sandbox.service"
        let reload = "run systemctl --user daemon-reload"
        let packaged = ["codex-sandbox.socket", "codex-sandbox.service"].map { "/usr/lib/systemd/user/\($0)" }
        let steps = try install {
            $0.serviceText = nil
            $0.socketText = nil
            $0.otherUnits = packaged
        }
        #expect(
            steps == [
                "write \(folder)/codex-sandbox.socket", "write \(folder)/codex-sandbox.service", reload,
                "run systemctl --user stop \(names)", "run systemctl --user start \(names)",
            ]
        )
        // The files are there, and whoever wrote them was ended before the manager was told.
        #expect(
            try install { $0.otherUnits = packaged } == [reload, "run systemctl --user restart codex-sandbox.service"]
        )
        for found in [installed, FoundService()] {
            var found = found
            found.socketText = nil
            let steps = try ServicePlan.install(units, folder: folder, settings: settings, found: found)
            #expect(steps.contains(.reload(checking: folder)) && !steps.contains(.reload(checking: nil)))
        }
    }

    /// What starts, reloads or has lost its socket is as old as what runs; a start leaves it as it is.
    @Test func anOldServerIsRestartedInEveryStateInWhichItRuns() throws {
        let restart = "run systemctl --user restart codex-sandbox.service"
        let start = "run systemctl --user start codex-sandbox.socket codex-sandbox.service"
        let runs = ["MainPID": "7"]
        func steps(_ service: String, _ socket: String, _ more: [String: String]) throws -> [String] {
            try install {
                $0.service = state(service, "enabled", more)
                $0.socket = state(socket)
                $0.isOutdated = true
            }
        }
        for service in ["activating", "active", "reloading", "refreshing", "maintenance"] {
            #expect(try steps(service, "inactive", runs) == [restart, start], "\(service)")
        }
        #expect(try steps("reloading", "active", runs) == [restart])
        #expect(try steps("activating", "active", runs) == [restart, start])
        // It ends, and what is started then is new.
        #expect(try steps("deactivating", "active", runs) == [start])
        #expect(try steps("activating", "active", ["MainPID": "0"]) == [start])
        for change in [
            { $0.isBehind = true }, { $0.serviceText = ServiceUnits.mark + "\n" },
            { $0.service?.properties["NeedDaemonReload"] = "yes" },
        ] as [(inout FoundService) -> Void] {
            let steps = try install {
                $0.service = state("activating", "enabled", runs)
                change(&$0)
            }
            #expect(steps.suffix(2) == [restart, start])
        }
        // One that is new is left to come up.
        #expect(try install { $0.service = state("activating", "enabled", runs) } == [start])
    }

    /// A purge of one's own folder is no reason to end another service, and to remove its settings.
    @Test func aPurgeBesideThePackagesServiceTakesTheDataOnly() throws {
        func found(_ service: UnitState, _ change: (inout FoundService) -> Void = { _ in }) -> FoundService {
            var found = FoundService()
            found.hasSettings = true
            found.hasData = true
            found.service = service
            change(&found)
            return found
        }
        func isDataOnly(_ found: FoundService, isNamed: Bool = true, isPurge: Bool = true) -> Bool {
            InstalledState.isDataOnly(found, isNamed: isNamed, isPurge: isPurge)
        }
        let path = ["FragmentPath": "/usr/lib/systemd/user/codex-sandbox.service"]
        for (active, enabled) in [
            ("active", "disabled"), ("inactive", "enabled"), ("activating", "disabled"), ("deactivating", "disabled"),
        ] {
            let found = found(state(active, enabled, path))
            #expect(isDataOnly(found), "\(active) \(enabled)")
            #expect(!isDataOnly(found, isNamed: false) && !isDataOnly(found, isPurge: false))
            let steps = try ServicePlan.uninstall(
                folder: folder,
                settings: settings,
                purging: "/a/serve",
                isDataOnly: true,
                found: found
            )
            #expect(steps == [.removeData("/a/serve", isWhole: true)])
        }
        let socket = state("active", "enabled", ["FragmentPath": "/usr/lib/systemd/user/codex-sandbox.socket"])
        #expect(isDataOnly(found(state("inactive", "disabled", path)) { $0.socket = socket }))
        #expect(!isDataOnly(found(state("inactive", "disabled", path))))
        #expect(!isDataOnly(found(state("failed", "disabled", path))))
        #expect(!isDataOnly(found(state("active", "enabled", path)) { $0.serviceText = units.service }))
        #expect(!isDataOnly(found(state("active", "enabled", ["FragmentPath": "\(folder)/codex-sandbox.service"]))))
    }

    /// Its files are gone, and with them all that would say what was purged.
    @Test func aPurgeThatWasEndedBehindItsLastFileIsCompleted() throws {
        func rest(_ change: (inout FoundService) -> Void = { _ in }) -> FoundService {
            var found = FoundService()
            found.service = state("inactive", "")
            found.socket = state("inactive", "")
            found.lostUnits = ["codex-sandbox.service", "codex-sandbox.socket"]
            change(&found)
            return found
        }
        func isRest(_ found: FoundService, isPurge: Bool = true) -> Bool {
            InstalledState.isRest(found, isPurge: isPurge)
        }
        func steps(_ found: FoundService) throws -> [String] {
            try ServicePlan.uninstall(folder: folder, settings: settings, purging: nil, found: found).map(\.words)
        }
        let reload = "run systemctl --user daemon-reload"
        #expect(isRest(rest()))
        #expect(try steps(rest()) == [reload])
        // One without a file cannot be disabled.
        let failed = rest { $0.service = state("failed", "") }
        #expect(isRest(failed))
        #expect(try steps(failed) == ["run systemctl --user reset-failed codex-sandbox.service", reload])
        #expect(!isRest(rest(), isPurge: false))
        for change in [
            // An uninstall keeps them, and the data: it was no purge.
            { $0.hasSettings = true }, { $0.lostUnits = [] }, { $0.serviceText = units.service },
            { $0.socketText = units.socket }, { $0.service = state("active", "") },
            { $0.socket = state("active", "") },
            // Somebody's data is no rest, and somebody's unit is not ours to disable.
            { $0.hasData = true }, { $0.otherUnits = ["/home/ann/x/codex-sandbox.service"] },
        ] as [(inout FoundService) -> Void] { #expect(!isRest(rest(change))) }
    }

    /// For the kernel they are two folders, and two texts.
    @Test func namesAreComparedByTheirBytes() throws {
        let (composed, decomposed) = ("/home/\u{E9}", "/home/e\u{301}")
        #expect(composed == decomposed && !SameBytes.are(composed, decomposed) && SameBytes.are(composed, composed))
        #expect(SameBytes.are(nil, nil) && !SameBytes.are(nil, "") && !SameBytes.are("", nil))
        let text = try install {
            $0.serviceText = units.service + "# \u{E9}"
            $0.socketText = units.socket
        }
        #expect(text.contains { $0.hasPrefix("write ") })
    }

    @Test func somebodysOwnUnitStays() {
        let error = #expect(throws: ServicePlanError.self) { try install { $0.serviceText = "[Service]\n" } }
        #expect(error == .foreign("\(folder)/codex-sandbox.service"))
        #expect(throws: ServicePlanError.self) { try uninstall(nil) { $0.socketText = "" } }
    }

    @Test func uninstallKeepsDataUnlessTold() throws {
        let end = "run systemctl --user disable --now codex-sandbox.socket codex-sandbox.service"
        let units = [
            "remove \(folder)/codex-sandbox.socket", "remove \(folder)/codex-sandbox.service",
            "run systemctl --user daemon-reload",
        ]
        #expect(try uninstall(nil) { $0.hasData = true } == [end] + units)
        // The unit of the service says where the data lies: it goes last, also behind the one of the socket, for whoever is ended in the middle and begins anew.
        #expect(
            try uninstall("/home/ann/s/serve") { $0.hasData = true }
                == [end, "remove /home/ann/s/serve/ and everything in it", "remove \(settings)"] + units
        )
        #expect(
            try uninstall("/home/ann/s/serve") {
                $0.hasData = true
                $0.hasForeignData = true
                $0.service = state("failed")
            } == [
                end, "run systemctl --user reset-failed codex-sandbox.service",
                "remove what a server has made in /home/ann/s/serve/", "remove \(settings)",
            ] + units
        )
        #expect(try uninstall(nil) { $0 = FoundService() } == [])
        // Ended before the manager was told: it has units that are there no more.
        #expect(
            try uninstall(nil) {
                $0.serviceText = nil
                $0.socketText = nil
                $0.service = state("inactive", "disabled", ["NeedDaemonReload": "yes"])
                $0.socket = nil
            } == ["run systemctl --user daemon-reload"]
        )
        // The package's own units are put to rest and stay where they are.
        #expect(
            try uninstall(nil) {
                $0.serviceText = nil
                $0.socketText = nil
            } == [end]
        )
    }

    @Test func statesAreReadAsTheManagerWritesThem() {
        let text = """
            Id=codex-sandbox.socket
            LoadState=loaded
            Listen=/run/user/1/x (Stream)
            Listen=127.0.0.1:8000 (Stream)
            ActiveState=active

            Id=codex-sandbox.service
            MainPID=0
            MemoryCurrent=[not set]
            TasksCurrent=18446744073709551615
            StatusText=a=b
            ActiveState=activating

            """
        let units = UnitState.parse(text)
        #expect(units.count == 2)
        #expect(units[0]["Listen"] == "/run/user/1/x (Stream)\n127.0.0.1:8000 (Stream)" && units[0].isActive)
        #expect(
            units[1].mainPID == nil && units[1].number("MemoryCurrent") == nil && units[1].number("TasksCurrent") == nil
        )
        #expect(units[1]["StatusText"] == "a=b" && !units[1].isActive)
        #expect(UnitState.parse("") == [])
    }

    @Test func aNumberThatNoProcessHasIsNone() {
        for (said, pid) in [
            ("7", 7), ("2147483647", .max), ("2147483648", nil), ("99999999999", nil), ("9223372036854775807", nil),
            ("9223372036854775808", nil), ("-5", nil), ("0", nil), ("", nil), ("x", nil),
        ] as [(String, Int32?)] {
            #expect(UnitState(properties: ["MainPID": said]).mainPID == pid, "\(said)")
        }
    }

    /// Each line is copied once: with all before it that would be two terabytes.
    @Test func manyValuesAreReadInTheirOwnTime() {
        let count = 2 << 20
        let start = ContinuousClock.now
        let units = UnitState.parse(String(repeating: "=\n", count: count))
        #expect(units.count == 1 && units[0][""]?.utf8.count == count - 1)
        #expect(ContinuousClock.now - start < .seconds(60))
    }
}
