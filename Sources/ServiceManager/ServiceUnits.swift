/// The units of one user's server, made from those that the package has.
public struct ServiceUnits: Hashable, Sendable {
    /// What `service install` was told, with absolute paths.
    public struct Choice: Hashable, Sendable {
        /// `codex-sandbox`.
        public var launcher: String
        /// Of records; the server's data lies in `serve` below it.
        public var stateFolder: String
        /// Settings, `NAME=VALUE` lines.
        public var settingsFile: String
        /// In the words of ListenStream=; nil for those of the package.
        public var listens: [String]?
        /// A file with the token; nil without one.
        public var tokenFile: String?
        /// How long jobs have to finish at a stop, in seconds; nil where they are ended.
        public var finishSeconds: Int?

        public init(launcher: String, stateFolder: String, settingsFile: String) {
            self.launcher = launcher
            self.stateFolder = stateFolder
            self.settingsFile = settingsFile
        }

        public var dataFolder: String { "\(stateFolder)/serve" }
    }

    public static let serviceName = "codex-sandbox.service"
    public static let socketName = "codex-sandbox.socket"
    /// The first line of what `service install` has written: anything else is somebody's own.
    public static let mark =
        "# Written by `codex-sandbox service install`, which writes it anew; changes belong into a drop-in (systemctl --user edit)."
    /// Beside the bound of the jobs, in seconds: requests, teardowns, the database.
    static let stopSlack = 45

    public let service: String
    public let socket: String
    /// What the server reads at its start: settings, and the token where there is one.
    public let files: [String]

    /// - Throws: `ServiceUnitsError` where a path cannot stand in a unit.
    public init(_ choice: Choice) throws(ServiceUnitsError) {
        let paths = [choice.launcher, choice.stateFolder, choice.settingsFile] + (choice.tokenFile.map { [$0] } ?? [])
        for path in paths where !path.hasPrefix("/") || !UnitText.isPossible(path) {
            throw ServiceUnitsError(path: path)
        }
        for address in choice.listens ?? [] where !UnitText.isPossible(address) {
            throw ServiceUnitsError(path: address)
        }
        service = ServiceUnits.service(choice)
        socket = ServiceUnits.socket(choice)
        files = [choice.settingsFile] + (choice.tokenFile.map { [$0] } ?? [])
    }

    private static func service(_ choice: Choice) -> String {
        var unit = UnitFile(PackagedUnits.service)
        unit.setHead([mark])
        var words = [
            choice.launcher, "serve", "--listen", "fd", "--state-dir", choice.stateFolder, "--data-dir",
            choice.dataFolder,
            "--env-file=-\(choice.settingsFile)",
        ]
        if let seconds = choice.finishSeconds {
            words += ["--stop-jobs", "finish", "--stop-time", "\(seconds)s"]
            unit.set("TimeoutStopSec", ["\(seconds + stopSlack)"])
        }
        unit.set("ExecStart", [words.map(UnitText.word).joined(separator: " ")])
        unit.set("EnvironmentFile", ["-\(UnitText.plain(choice.settingsFile))"])
        if let file = choice.tokenFile {
            unit.add(["LoadCredential=api-token:\(UnitText.plain(file))"], behind: "EnvironmentFile")
        }
        return unit.text
    }

    private static func socket(_ choice: Choice) -> String {
        var unit = UnitFile(PackagedUnits.socket)
        unit.setHead([mark])
        if let listens = choice.listens { unit.set("ListenStream", listens.map(UnitText.plain)) }
        return unit.text
    }

    /// Whether a unit's text is one that `service install` has written.
    public static func isOurs(_ text: String) -> Bool { text.hasPrefix(mark + "\n") }

    /// Whether a path is one of the package's units.
    public static func isPackaged(_ path: String) -> Bool {
        ["/usr/lib/systemd/user/", "/lib/systemd/user/"].contains { folder in
            [serviceName, socketName].contains { path == folder + $0 }
        }
    }
}

/// A path that no unit can name.
public struct ServiceUnitsError: Error, Hashable, Sendable {
    public var path: String
}

extension ServiceUnits {
    /// The folder of the server's data that a unit names; nil for a text that names none in the way of `service install`.
    public static func dataFolder(in service: String) -> String? {
        let folder = word(behind: "--data-dir", in: service)
        return folder?.hasSuffix("/serve") == true ? folder : nil
    }

    /// The folder of the records that a unit names; nil for a text that names none in the way of `service install`, where the data
    /// lies in `serve` below it.
    public static func stateFolder(in service: String) -> String? {
        guard let state = word(behind: "--state-dir", in: service), state.hasPrefix("/") else { return nil }
        return SameBytes.are(dataFolder(in: service), "\(state)/serve") ? state : nil
    }

    /// Only of a command line that is, word by word, one that `service install` writes: what is named here may be removed, and in the
    /// path of the program as in that of a folder may be the words of an option.
    private static func word(behind name: String, in service: String) -> String? {
        // Of two the manager takes the second, of which nothing is known.
        guard DropIn.starts(in: service) == 1 else { return nil }
        let start = "ExecStart="
        let line = service.split(separator: "\n").first { $0.hasPrefix(start) }
        guard let words = line.flatMap({ UnitText.words($0.dropFirst(start.count)) }) else { return nil }
        guard words.count > 2, words[0].hasPrefix("/"), words[1] == "serve" else { return nil }
        var values: [String: String] = [:]
        var rest = words.dropFirst(2)
        while let option = rest.popFirst() {
            if option.hasPrefix("--env-file=") { continue }
            guard options.contains(option), values[option] == nil, let value = rest.popFirst() else { return nil }
            values[option] = value
        }
        return values[name]
    }

    /// Those that `service install` writes with a value in the next word.
    private static let options = ["--listen", "--state-dir", "--data-dir", "--stop-jobs", "--stop-time"]
}

extension UnitText {
    /// All words of a command line, each of which `word` has written, with one blank between; nil for any other line.
    static func words(_ line: Substring) -> [String]? {
        var words: [String] = []
        var scalars = Substring.UnicodeScalarView(line.unicodeScalars)
        while true {
            guard let word = firstWord(&scalars) else { return nil }
            words.append(word)
            // By scalars: what a letter is may begin with a blank, or with a quote.
            guard let next = scalars.popFirst() else { return words }
            guard next == " " else { return nil }
        }
    }

    /// Reads what `word` has written, up to what stands behind it; nil for what it does not write.
    private static func firstWord(_ scalars: inout Substring.UnicodeScalarView) -> String? {
        let isQuoted = scalars.first == "\""
        if isQuoted { scalars.removeFirst() }
        var result = ""
        while let scalar = scalars.first {
            if scalar == " ", !isQuoted { break }
            scalars.removeFirst()
            switch scalar {
            case "\"" where isQuoted: return result
            case "\\" where isQuoted:
                guard let next = scalars.popFirst(), next == "\"" || next == "\\" else { return nil }
                result.unicodeScalars.append(next)
            // Never without quotes.
            case "\"", "\\",
                "'" where !isQuoted, ";" where !isQuoted:
                return nil
            case "%", "$":
                guard scalars.popFirst() == scalar else { return nil }
                result.unicodeScalars.append(scalar)
            default: result.unicodeScalars.append(scalar)
            }
        }
        return isQuoted || result.isEmpty ? nil : result
    }
}
