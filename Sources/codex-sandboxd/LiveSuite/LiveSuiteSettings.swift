import Glibc
import SandboxAPI
import SandboxCLI
import SandboxPlan

/// What the suite was told, by flags and environment.
struct LiveSuiteSettings {
    let address: LiveSuiteAddress
    let out: OSString
    let mocked: Bool
    let token: String?
    let workspaceRoot: OSString?
    let stateDirectory: OSString?
    /// For one job, in milliseconds.
    let timeout: UInt64
    let secrets: SecretGuard

    init(_ options: LiveSuiteOptions, environment: [OSString]) throws(SuiteError) {
        if let given = options.address {
            address = given
        } else {
            address = try LiveSuiteSettings.baseURL(environment)
        }
        out = options.out ?? LiveSuiteSettings.outRoot(environment)
        mocked = options.mocked
        token = try LiveSuiteSettings.token(options.tokenFile)
        workspaceRoot = options.workspaceRoot
        stateDirectory = options.stateDirectory
        timeout = options.timeout.milliseconds
        let live = try LiveSuiteSettings.live(options.stateDirectory)
        secrets = SecretGuard(environment: environment + live, token: token)
    }

    /// What the server hands to its workers may stand in this file alone: as entries of an environment.
    private static func live(_ stateFolder: OSString?) throws(SuiteError) -> [OSString] {
        do throws(ServeError) {
            let file = try SettingsFile.live(stateFolder: stateFolder) { Output.say($0) }
            return file?.values.map { OSString("\($0.key)=\($0.value)") } ?? []
        } catch { throw SuiteError(error.text) }
    }

    private static func baseURL(_ environment: [OSString]) throws(SuiteError) -> LiveSuiteAddress {
        guard let text = SettingsFile.variable("BASE_URL", in: environment), !text.isEmpty else {
            return LiveSuiteOptions.defaultAddress
        }
        do throws(LiveSuiteAddress.Problem) {
            return try LiveSuiteAddress(OSString(text))
        } catch { throw SuiteError("BASE_URL cannot be used. \(error.why)") }
    }

    private static func outRoot(_ environment: [OSString]) -> OSString {
        let prefix = Array("OUTROOT=".utf8)
        let value = environment.first { $0.bytes.starts(with: prefix) }.map {
            OSString($0.bytes.dropFirst(prefix.count))
        }
        guard let value, !value.isEmpty else { return LiveSuiteOptions.defaultOut }
        return value
    }

    private static func token(_ file: OSString?) throws(SuiteError) -> String? {
        guard let file else { return nil }
        let token: String
        do throws(ServeError) { token = try SettingsFile.token(file, credentials: nil) } catch {
            throw SuiteError(error.text)
        }
        guard !token.isEmpty, token.utf8.allSatisfy({ (0x21..<0x7F).contains($0) }) else {
            throw SuiteError("\(file): the first line is no token; write one of letters and digits")
        }
        return token
    }
}
