import Glibc
import SandboxCLI
import SandboxPlan
import ServiceManager
import WebTransport

/// What `service install` was told, looked at: what the server would refuse is refused before anything is written.
enum ServiceChoice {
    static func units(_ options: ServiceOptions, _ places: ServicePlaces) throws(ServiceError) -> ServiceUnits {
        let launcher: OSString
        do throws(ServeError) { launcher = try OwnExecutables.launcher() } catch { throw ServiceError(error.text) }
        guard let path = launcher.utf8 else {
            throw ServiceError("\(launcher) is not UTF-8, and a unit has to name it")
        }
        var choice = ServiceUnits.Choice(
            launcher: path,
            stateFolder: places.stateFolder,
            settingsFile: places.settings
        )
        if let file = options.tokenFile { choice.tokenFile = try token(file) }
        if !options.listens.isEmpty {
            var listens: [String] = []
            for listen in options.listens { listens.append(try stream(listen, hasToken: options.tokenFile != nil)) }
            choice.listens = listens
        }
        if options.stopJobs == .finish { choice.finishSeconds = Int(options.stopTime.milliseconds / 1000) }
        do throws(ServiceUnitsError) {
            return try ServiceUnits(choice)
        } catch {
            throw ServiceError(
                "\(error.path) cannot stand in a unit: it has control characters, or a backslash or a blank at its end"
            )
        }
    }

    /// The units of an install without options; nil where it would be refused.
    static func usual(_ places: ServicePlaces) -> ServiceUnits? {
        do {
            guard let launcher = try OwnExecutables.launcher().utf8 else { return nil }
            return try ServiceUnits(
                ServiceUnits.Choice(
                    launcher: launcher,
                    stateFolder: places.stateFolder,
                    settingsFile: places.settings
                )
            )
        } catch { return nil }
    }

    /// The path of the token's file, which holds one, and is nobody else's to read.
    static func token(_ file: OSString) throws(ServiceError) -> String {
        let remedy = "(umask 077; head -c 32 /dev/urandom | base64 >\(Shown.shellWord(file)))"
        guard let found = CString.with(file, { realpath($0, nil) }) else {
            throw ServiceError("--token-file \(file): \(ErrnoName.described(errno)); make one: \(remedy)")
        }
        defer { free(found) }
        var status = stat()
        guard stat(found, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_uid == geteuid() else {
            throw ServiceError("--token-file \(file) is no regular file of your own; make one: \(remedy)")
        }
        guard status.st_mode & 0o077 == 0 else {
            throw ServiceError("--token-file \(file) can be read by others; chmod 600 \(Shown.shellWord(file))")
        }
        do throws(ServeError) {
            let text = try SettingsFile.token(OSString(String(cString: found)), credentials: nil)
            guard (16...512).contains(text.utf8.count) else {
                throw ServeError(
                    "--token-file \(file) has no token of 16 to 512 bytes in its first line; make one: \(remedy)"
                )
            }
        } catch { throw ServiceError(error.text) }
        return try tokenPath(file)
    }

    /// The file as it is named, absolute: where a link leads is for the manager to find, at each start.
    ///
    /// Without `.` and `..`, which it takes in no path; up to the last `..` links are followed, since that is where it leads.
    static func tokenPath(_ file: OSString) throws(ServiceError) -> String {
        var path = file
        if !file.isAbsolute {
            guard let current = getcwd(nil, 0) else {
                throw ServiceError(
                    "the current folder cannot be found (\(ErrnoName.described(errno))); name an absolute path"
                )
            }
            defer { free(current) }
            path = OSString(UnsafeRawBufferPointer(start: current, count: strlen(current))).appending(file)
        }
        let names = path.components
        if let last = names.lastIndex(of: "..") {
            let front = names[...last].reduce(OSString("/")) { $0.appending($1) }
            guard let found = CString.with(front, { realpath($0, nil) }) else {
                throw ServiceError("--token-file \(file): \(ErrnoName.described(errno)); name another")
            }
            defer { free(found) }
            let real = OSString(UnsafeRawBufferPointer(start: found, count: strlen(found)))
            path = names[(last + 1)...].reduce(real) { $0.appending($1) }
        } else {
            path = names.reduce(OSString("/")) { $0.appending($1) }
        }
        guard let text = path.utf8 else {
            throw ServiceError("--token-file \(file) is not UTF-8, and a unit has to name it; name another")
        }
        return text
    }

    /// A wrong value of a flag is a wrong command line, as of `serve`; what depends on other options is judged later.
    static func checkListens(_ options: ServiceOptions) throws(UsageError) {
        for word in options.listens {
            do throws(BadAddress) { _ = try stream(word) } catch {
                throw UsageError(.badValue(option: "--listen", value: word, why: error.why + "."), command: .service)
            }
        }
    }

    private struct BadAddress: Error {
        var why: String
    }

    /// In the words of ListenStream=, and whether other hosts can reach it.
    private static func stream(_ word: OSString) throws(BadAddress) -> (text: String, isPublic: Bool) {
        let address: HTTPListenAddress
        do throws(ListenError) { address = try HTTPListenAddress(word.description) } catch {
            throw BadAddress(why: "\(error.why); name HOST:PORT or unix:/PATH")
        }
        switch address {
        case .tcp(let host, let port):
            guard port > 0 else { throw BadAddress(why: "Clients have to know the port; name one") }
            let text = host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
            return (text, host != "::1" && !host.hasPrefix("127."))
        case .unix(let path):
            guard path.hasPrefix("/") else { throw BadAddress(why: "Name an absolute path") }
            return (path, false)
        case .inherited, .descriptor:
            throw BadAddress(why: "The service manager opens the sockets; name HOST:PORT or unix:/PATH")
        }
    }

    private static func stream(_ word: OSString, hasToken: Bool) throws(ServiceError) -> String {
        let stream: (text: String, isPublic: Bool)
        do throws(BadAddress) { stream = try self.stream(word) } catch {
            throw ServiceError("--listen \(word): \(error.why)")
        }
        guard hasToken || !stream.isPublic else {
            throw ServiceError(ServeError.withoutToken("--listen \(word)").text)
        }
        return stream.text
    }
}
