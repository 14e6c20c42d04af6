import Glibc
import SandboxPlan
import ServiceManager

/// `scope PID NAME`: has the calling user's service manager put a process into a transient scope that is delegated to it.
///
/// Called by `codex-sandbox run` where its own cgroup is not its to divide: the launcher itself links no libsystemd. With status 1,
/// stdout has a sentence that says why not.
enum ScopeCommand {
    static func run(_ arguments: [OSString]) -> Int32 {
        guard arguments.count == 2, let pid = UInt32(arguments[0].description), pid > 1, isName(arguments[1]) else {
            return Output.misunderstood("scope takes a process and a name", "codex-sandboxd help")
        }
        // The launcher waits for five seconds and kills it; should that one be gone, it ends by itself, whatever it was started with.
        signal(SIGALRM, SIG_DFL)
        alarm(6)
        do throws(BusFailure) {
            try TransientScope.start(around: pid, named: "codex-sandbox-\(arguments[1]).scope")
            return 0
        } catch {
            _ = Output.write("\(error)\n")
            return 1
        }
    }

    /// What a unit's name takes without escaping (systemd.unit(5)).
    private static func isName(_ word: OSString) -> Bool {
        (1...64).contains(word.bytes.count)
            && word.bytes.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }
}
