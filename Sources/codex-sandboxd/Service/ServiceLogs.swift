import Glibc
import SandboxCLI
import SandboxPlan
import ServiceManager

/// `service logs`: journalctl(1) takes this process's place, once there is something for it to show, or to wait for.
///
/// journalctl itself ends with 0 where there is no journal, and nobody whose log it could be. It is asked for the unit in every journal
/// that the caller may read (`--user-unit`), not with `--user`: that reads only the account's own files, and there are none where the
/// journal is kept in memory, or the account is one of the system's (journald.conf(5), SplitMode=).
enum ServiceLogs {
    static func show(_ options: ServiceOptions) throws(ServiceError) -> Int32 {
        guard let path = ToolRun.path("journalctl") else {
            throw ServiceError(
                "journalctl is not there: this system has no journal of systemd; what started `codex-sandbox serve` has its standard error"
            )
        }
        // Without --quiet each call would tell who is in none of the system's groups so.
        let unit = ["--quiet", "--user-unit=\(ServiceUnits.serviceName)"]
        let entries = try look(path, unit)
        if entries != .some {
            try checkSource(path, entries)
            Output.say("\(ServiceUnits.serviceName) has logged nothing yet that is still kept")
        }
        var words = [path] + unit + ["--lines=\(options.lines)"]
        if options.follow { words.append("--follow") }
        let pointers = words.map { strdup($0) }
        execv(path, pointers + [nil])
        throw ServiceError("\(path) cannot be started: \(ErrnoName.described(errno))")
    }

    /// Where nothing is logged yet: whether something could be.
    ///
    /// - Throws: `ServiceError` where there is no manager, no service, or no journal that this account may read.
    private static func checkSource(_ journalctl: String, _ found: Entries) throws(ServiceError) {
        let none = "the journal shows nothing of \(ServiceUnits.serviceName)"
        let service: UnitState?
        do throws(ServiceError) {
            service = try UserManager().states().service
        } catch { throw ServiceError("\(none), and \(error.text)") }
        guard service != nil else {
            throw ServiceError("\(none): it is not installed; codex-sandbox service install")
        }
        // Of this boot: a file of the account's from an earlier one tells nothing of where its messages go now.
        var reason = ""
        switch (found, try look(journalctl, ["--quiet", "--boot"])) {
        case (.unread(let said), .some): throw ServiceError("\(none): \(journalctl) fails: \(said); see journalctl(1)")
        case (_, .some): return
        case (_, .unread(let said)), (.unread(let said), .nothing): reason = " (journalctl: \(said))"
        case (_, .nothing): break
        }
        throw ServiceError(
            "\(none), and there is no journal of this boot that \(UserManager.account) may read\(reason); have root add you to the group "
                + "systemd-journal (a new login takes it), or make /var/log/journal and restart systemd-journald"
        )
    }

    private enum Entries: Equatable {
        case some
        case nothing
        /// journalctl failed, with what it says of that.
        case unread(String)
    }

    /// Whether one entry at least is found.
    private static func look(_ journalctl: String, _ matches: [String]) throws(ServiceError) -> Entries {
        let result = try ToolRun.run(journalctl, matches + ["--no-pager", "--output=json", "--lines=1"])
        guard result.status == 0 else {
            let said = result.errors.split(separator: "\n").joined(separator: " ")
            return .unread(said.isEmpty ? "it ends with \(result.status), and says nothing" : said)
        }
        return result.output.isEmpty ? .nothing : .some
    }
}
