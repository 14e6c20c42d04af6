import Glibc
import SandboxAPI
import SandboxPlan
import ServiceManager

/// What the server was started with, beside its command line.
struct ServeSurroundings {
    /// Without what the service manager meant for this process alone.
    let environment: [OSString]
    let manager: ServiceContext

    /// The name of the credential that holds the token (`LoadCredential=`).
    static let tokenCredential = "api-token"

    /// For the first thread, before there is another.
    static func take() throws(ServeError) -> ServeSurroundings {
        let manager: ServiceContext
        do throws(ServiceContextError) {
            manager = try ServiceContext.take()
        } catch {
            throw ServeError(
                "\(error.what) of the service manager cannot be used: \(ErrnoName.described(error.errno)); start the server by its units, "
                    + "or unset what begins with LISTEN_ and WATCHDOG_"
            )
        }
        let own = ServiceContext.variables.map { Array("\($0)=".utf8) }
        let environment = CallerStrings.all(environ).filter { entry in !own.contains { entry.bytes.starts(with: $0) } }
        return ServeSurroundings(environment: environment, manager: manager)
    }

    /// The environment without what is there only because it stood in the file of settings.
    func environment(without file: DotEnvFile) -> [OSString] {
        environment.filter { entry in
            let parts = entry.bytes.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, let name = OSString(parts[0]).utf8, let value = OSString(parts[1]).utf8 else {
                return true
            }
            return file.values[name] != value
        }
    }

    /// That of `--token-file`.
    func token(of file: OSString) throws(ServeError) -> String {
        try SettingsFile.token(file, credentials: manager.credentials)
    }

    /// The credential, where the manager has given one.
    func token() throws(ServeError) -> String? {
        guard let folder = manager.credentials else { return nil }
        return try SettingsFile.optionalToken(OSString(folder).appending(OSString(Self.tokenCredential)))
    }
}
