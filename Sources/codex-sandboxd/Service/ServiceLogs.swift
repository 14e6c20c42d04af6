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
        switch try look(path, unit) {
        case .some: warnOfOldOnes(path, unit)
        case .nothing, .unread:
            try checkSource(path)
            Output.say("\(ServiceUnits.serviceName) has logged nothing yet that is still kept")
        }
        var words = [path] + unit + ["--lines=\(options.lines)"]
        if options.follow { words.append("--follow") }
        let pointers = words.map { strdup($0) }
        execv(path, pointers + [nil])
        throw ServiceError("\(path) cannot be started: \(ErrnoName.described(errno))")
    }

    /// A file of the account's from an earlier boot can be read where what is logged now cannot.
    private static func warnOfOldOnes(_ journalctl: String, _ unit: [String]) {
        do throws(ServiceError) {
            if try look(journalctl, unit + ["--boot"]) == .some { return }
            // Without a manager nothing runs that could log.
            guard try UserManager().states().service?.isActive == true else { return }
            let now = try unreadable(journalctl) ?? "nothing is kept"
            Output.say("what follows is older than this boot; of now \(now)")
        } catch { return }  // Of a large journal that may last too long, which is no reason to show nothing of it.
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
        if let why = try unreadable(journalctl) { throw ServiceError("\(none): \(why)") }
    }

    /// Why this account reads no journal of this boot, with what to do; nil where it does.
    ///
    /// A file of an earlier boot tells nothing of where messages go now.
    private static func unreadable(_ journalctl: String) throws(ServiceError) -> String? {
        switch try look(journalctl, ["--quiet", "--boot"]) {
        case .some: return nil
        case .unread(let said):
            let who = UserManager.account
            return "\(who) may read no journal of this boot (journalctl: \(said)); have root add you to the group "
                + "systemd-journal (a new login takes it), or keep the journal on the disk, where each account has files of its own: "
                + "make /var/log/journal and restart systemd-journald"
        case .nothing:
            return "there is no journal of this boot; Storage= of journald.conf(5) says whether and where one is kept"
        }
    }

    private enum Entries: Equatable {
        case some
        case nothing
        /// journalctl failed, with what it says of that.
        case unread(String)
    }

    /// Whether one entry at least is found.
    private static func look(_ journalctl: String, _ matches: [String]) throws(ServiceError) -> Entries {
        let result = try ToolRun.run(
            journalctl,
            matches + ["--no-pager", "--output=json", "--lines=1"],
            within: ToolRun.lookTime
        )
        guard result.status == 0 else {
            let said = result.errors.split(separator: "\n").joined(separator: " ")
            return .unread(said.isEmpty ? "it ends with \(result.status), and says nothing" : said)
        }
        return result.output.isEmpty ? .nothing : .some
    }
}
