import Glibc
import SandboxCLI
import SandboxPlan
import ServiceManager

/// `service logs`: journalctl(1) takes this process's place, once there is something for it to show, or to wait for.
///
/// journalctl itself ends with 0 where there is no journal, and nobody whose log it could be.
enum ServiceLogs {
    static func show(_ options: ServiceOptions) throws(ServiceError) -> Int32 {
        guard let path = ToolRun.path("journalctl") else {
            throw ServiceError(
                "journalctl is not there: this system has no journal of systemd; what started `codex-sandbox serve` has its standard error"
            )
        }
        let unit = "--unit=\(ServiceUnits.serviceName)"
        if try !hasEntries(path, [unit]) { try checkSource(path) }
        var words = [path, "--user", unit, "--lines=\(options.lines)"]
        if options.follow { words.append("--follow") }
        let pointers = words.map { strdup($0) }
        execv(path, pointers + [nil])
        throw ServiceError("\(path) cannot be started: \(ErrnoName.described(errno))")
    }

    /// Where nothing is logged yet: whether something could be.
    ///
    /// - Throws: `ServiceError` where there is no manager, no service, or no journal that this account may read.
    private static func checkSource(_ journalctl: String) throws(ServiceError) {
        let none = "the journal shows nothing of \(ServiceUnits.serviceName)"
        let service: UnitState?
        do throws(ServiceError) {
            service = try UserManager().states().service
        } catch { throw ServiceError("\(none), and \(error.text)") }
        guard service != nil else {
            throw ServiceError("\(none): it is not installed; codex-sandbox service install")
        }
        guard try hasEntries(journalctl, []) else {
            throw ServiceError(
                "\(none), and nothing else of this account: there is no journal, or none that \(UserManager.account) may read; have root "
                    + "add you to the group systemd-journal (a new login takes it), or make /var/log/journal and restart systemd-journald"
            )
        }
    }

    /// Whether one entry at least is found.
    private static func hasEntries(_ journalctl: String, _ matches: [String]) throws(ServiceError) -> Bool {
        let words = ["--user", "--quiet", "--no-pager", "--output=json", "--lines=1"]
        let result = try ToolRun.run(journalctl, words + matches)
        guard result.status == 0 else {
            let said = result.errors.split(separator: "\n").joined(separator: " ")
            throw ServiceError(
                "\(journalctl) fails with \(result.status): \(said.isEmpty ? "it says nothing" : said); see journalctl(1)"
            )
        }
        return !result.output.isEmpty
    }
}
