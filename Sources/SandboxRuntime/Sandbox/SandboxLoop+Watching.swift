internal import Glibc
internal import SandboxKernel
internal import SandboxPlan

/// Looks at times, and at the place.
extension SandboxLoop {
    /// Ends whoever is too late.
    func keepTimes(_ now: Int64, _ place: OpenPlace) {
        for process in Array(processes.values) {
            if !process.isReleased {
                if now >= process.deadline {
                    refuse(process, Refusal(.timedOut, steps: process.plan.steps), .killedAtGate)
                }
                continue
            }
            if let killAt = process.killAt, now >= killAt {
                process.killAt = nil
                signal(process, SIGKILL, place)
            }
            if now >= process.deadline {
                process.deadline = Int64.max
                process.timedOut = true
                signal(process, SIGTERM, place)
                signal(process, SIGCONT, place)
                process.killAt = now + Int64(process.plan.limits.grace.milliseconds) * 1_000_000
            }
        }
    }

    /// What has become of the mounts, if they have changed.
    func lostMounts(_ place: OpenPlace) -> String? {
        do throws(Refusal) {
            return try place.mounts.change()
        } catch {
            return error.errno == ENOENT || error.errno == ESRCH || error.errno == EINVAL
                ? nil : "mountinfo: \(error.errno)"
        }
    }

    /// One look at names, plants and memory; nanoseconds until the next.
    func look(_ place: OpenPlace) -> Int64 {
        let limit = place.preparation.plan.limits.memory
        if let lost = place.names.lost() ?? place.plants.finding() {
            verdict = .protectionLost(what: lost)
            return 0
        }
        if let lost = place.group?.lost() {
            verdict = .protectionLost(what: lost)
            return 0
        }
        var next: Int64 = 50_000_000
        if let watch = place.workspaceWatch {
            do throws(Refusal) {
                switch try watch.look() {
                case .exceeded(let used):
                    verdict = .diskExceeded(used: ByteCount(bytes: used), limit: watch.limit)
                    return 0
                case .again(let nanoseconds): next = nanoseconds
                }
            } catch {
                verdict = .protectionLost(what: "workspace watch: \(error.message)")
                return 0
            }
        }
        if place.preparation.plan.limits.memoryIsHeld { return next }
        do throws(Refusal) {
            let used = try place.memory.look(limit: limit.bytes)
            if used > limit.bytes { verdict = .memoryExceeded(used: ByteCount(bytes: used), limit: limit) }
            return min(next, used > limit.bytes / 2 ? 10_000_000 : 50_000_000)
        } catch {
            verdict = .protectionLost(what: "memory watch: \(error.message)")
            return 0
        }
    }
}
