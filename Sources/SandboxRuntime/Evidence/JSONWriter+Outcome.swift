internal import SandboxPlan

extension JSONWriter {
    /// The outcome: its `word`, and what belongs to that word.
    mutating func outcome(_ outcome: Outcome) {
        object { json in
            switch outcome {
            case .exited(let code): json.member("exitCode", integer: code)
            case .signalled(let signal), .interrupted(let signal, _): json.member("signal") { $0.signal(signal) }
            case .timedOut: break
            case .memoryExceeded(let used, let limit), .diskExceeded(let used, let limit),
                .outputExceeded(let used, let limit):
                json.member("limitBytes", quantity: limit.bytes)
                json.member("usedBytes", quantity: used.bytes)
            case .protectionLost(let what, _): json.member("what", text: what)
            case .refused(let refusal): json.member("refusal") { $0.refusal(refusal) }
            case .notExecuted(let errno, let message):
                json.member("errno") { $0.errno(errno) }
                json.member("message", text: message)
            }
            json.member("word", string: outcome.word)
        }
    }

    /// Absent where the job has met none.
    mutating func limitsReached(_ end: LaunchEnd) {
        if end.limitsReached.isEmpty { return }
        member("limitsReached", array: end.limitsReached) { $0.string($1.rawValue) }
    }

    mutating func signal(_ number: Int32) {
        object { json in
            json.member("name", string: SignalName.name(number))
            json.member("number", integer: number)
        }
    }

    /// Null when no system call failed.
    mutating func errno(_ number: Int32) {
        guard number != 0 else { return null() }
        object { json in
            json.member("name", string: ErrnoName.name(number))
            json.member("number", integer: number)
        }
    }

    mutating func refusal(_ refusal: Refusal) {
        object { json in
            json.member("errno") { $0.errno(refusal.errno) }
            if let layer = refusal.layer { json.member("layer", string: layer.rawValue) }
            json.member("message", text: refusal.message)
            json.member("remedy", text: refusal.remedy)
            json.member("stage", text: refusal.stage)
            json.member("step", text: refusal.step)
            json.member("subject", text: refusal.subject)
        }
    }

    mutating func usage(_ usage: Usage) {
        object { json in
            if let cgroup = usage.cgroup { json.object("cgroup") { $0.cgroup(cgroup) } }
            json.member("maximumResidentBytes", quantity: usage.maximumResident.bytes)
            json.member("memoryPeakWatchedBytes", quantity: usage.memoryPeakWatched.bytes)
            json.member("systemMicroseconds", quantity: usage.systemMicroseconds)
            json.member("userMicroseconds", quantity: usage.userMicroseconds)
        }
    }

    /// What the kernel did not count has no member.
    private mutating func cgroup(_ usage: CgroupUsage) {
        if let time = usage.ioPressureMicroseconds { member("ioPressureMicroseconds", quantity: time) }
        member("memoryKills", quantity: usage.memoryKills)
        member("memoryLimitHits", quantity: usage.memoryLimitHits)
        if let peak = usage.memoryPeak { member("memoryPeakBytes", quantity: peak.bytes) }
        if let time = usage.memoryPressureMicroseconds { member("memoryPressureMicroseconds", quantity: time) }
        if let time = usage.processorMicroseconds { member("processorMicroseconds", quantity: time) }
        if let time = usage.processorPressureMicroseconds { member("processorPressureMicroseconds", quantity: time) }
        if let bytes = usage.readBytes { member("readBytes", quantity: bytes.bytes) }
        if let peak = usage.tasksPeak { member("tasksPeak", quantity: peak) }
        member("tasksRefused", quantity: usage.tasksRefused)
        if let time = usage.throttledMicroseconds { member("throttledMicroseconds", quantity: time) }
        if let bytes = usage.writtenBytes { member("writtenBytes", quantity: bytes.bytes) }
    }

    mutating func times(_ end: LaunchEnd) {
        object { json in
            json.member("ended", time: end.endedAt)
            if let released = end.releasedAt { json.member("released", time: released) }
            json.member("started", time: end.startedAt)
            if let wall = end.wallMicroseconds { json.member("wallMicroseconds", quantity: wall) }
        }
    }

    mutating func execve(_ fact: ExecveFact) {
        member("execveKnownBy", string: fact.knownBy)
        switch fact.reached {
        case .some(let reached): member("execveReached", bool: reached)
        case nil: member("execveReached") { $0.null() }
        }
    }
}
