import Glibc
import SandboxCLI
import SandboxPlan
import ServiceManager

/// The caller's service manager, through `systemctl --user`.
struct UserManager {
    private let systemctl: String
    /// For a look, in seconds.
    private let lookTime: Int

    /// - Parameters:
    ///   - systemctl: the path of the tool.
    ///   - lookTime: how long it may take to say what there is, in seconds.
    init(systemctl: String, lookTime: Int = ToolRun.lookTime) {
        self.systemctl = systemctl
        self.lookTime = lookTime
    }

    /// - Throws: `ServiceError` that says which of its conditions is missing here, and how to have it.
    init() throws(ServiceError) {
        guard let path = ToolRun.path("systemctl") else {
            throw ServiceError(
                "systemctl is not there: this system has no systemd; start `codex-sandbox serve` in another way"
            )
        }
        self.init(systemctl: path)
        guard getenv("XDG_RUNTIME_DIR") != nil else {
            let folder = "/run/user/\(geteuid())"
            let remedy =
                access("\(folder)/systemd", F_OK) == 0
                ? "export XDG_RUNTIME_DIR=\(folder)"
                : "log in as this user (not by su or sudo), or have root run `loginctl enable-linger \(Shown.shellWord(OSString(UserManager.account)))` and then "
                    + "export XDG_RUNTIME_DIR=\(folder)"
            throw ServiceError("XDG_RUNTIME_DIR is not set, so your service manager cannot be found; \(remedy)")
        }
    }

    /// Who calls, by name.
    static var account: String { getpwuid(geteuid()).map { String(cString: $0.pointee.pw_name) } ?? "\(geteuid())" }

    /// Whether the manager runs from boot on, and stays after the last logout (loginctl(1)).
    static var isLingering: Bool { access("/var/lib/systemd/linger/\(account)", F_OK) == 0 }

    /// The units as the manager has them: the service, then the socket; nil for one that it does not know.
    func states() throws(ServiceError) -> (service: UnitState?, socket: UnitState?) {
        let output = try run(
            [
                "show", ServiceUnits.serviceName, ServiceUnits.socketName,
                "--property=\(UnitState.asked.joined(separator: ","))",
            ],
            within: lookTime
        )
        let units = UnitState.parse(output)
        func unit(_ name: String) -> UnitState? { units.first { $0["Id"] == name && $0["LoadState"] != "not-found" } }
        return (unit(ServiceUnits.serviceName), unit(ServiceUnits.socketName))
    }

    @discardableResult
    func run(_ words: [String], within seconds: Int? = nil) throws(ServiceError) -> String {
        let result = try ToolRun.run(
            systemctl,
            ["--user", "--no-pager", "--no-ask-password"] + words,
            within: seconds
        )
        guard result.status == 0 else { throw UserManager.failure(words, result) }
        return result.output
    }

    private static func failure(_ words: [String], _ result: ToolRun.Result) -> ServiceError {
        let said = result.errors.split(separator: "\n").joined(separator: " ")
        let what = "systemctl --user \(words.first ?? "")"
        if said.hasPrefix("Failed to connect to bus") || said.hasPrefix("Failed to connect to user") {
            return ServiceError(
                "your service manager does not answer (\(said)); log in as this user (not by su or sudo), and see that "
                    + "dbus-user-session is installed and `systemctl --user status` works"
            )
        }
        let remedy =
            words.first == "start" || words.first == "restart"
            ? "`codex-sandbox service logs` says why; an address that is taken: service install --listen ANOTHER"
            : "see systemctl(1)"
        return ServiceError(
            "\(what) fails with \(result.status): \(said.isEmpty ? "it says nothing" : said); \(remedy)"
        )
    }
}
