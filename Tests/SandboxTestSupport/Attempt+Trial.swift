/// What came of an attempt.
public struct Trial: Sendable {
    /// Why the test fails; empty: it holds.
    public var problems: [String] = []
    /// Acts that could not be shown to succeed on this host, each with the reason: they hold, but count for nothing.
    public var uncontrolled: [String] = []
}

extension Attempt {
    /// Makes the attempt outside, then inside.
    public func tried(by caller: Caller) throws -> Trial {
        var trial = Trial()
        do {
            try controlled(by: caller, &trial)
            let scene = try prepared(by: caller)
            let result = try scene.runInside(
                command(in: scene, arguments(scene)),
                options: options(scene),
                keeper: keeper(scene)
            )
            judge(result, in: scene, &trial)
        } catch let error as HostForbids {
            trial.uncontrolled.append(error.reason)
        }
        return trial
    }

    private func prepared(by caller: Caller) throws -> Scene {
        let scene = try Scene(caller)
        scene.environment = environment(scene)
        try prepare(scene)
        return scene
    }

    private func controlled(by caller: Caller, _ trial: inout Trial) throws {
        let scene = try prepared(by: caller)
        let identity: [String]
        switch control {
        case .worker: identity = Caller.workerOptions
        case .capable: identity = Caller.workerOptions + ["--capable"]
        case .root:
            guard Caller.available.contains(.root) else {
                trial.uncontrolled.append("only root can do it outside, and the tests do not run as root")
                return
            }
            identity = []
        case .none(let reason):
            trial.uncontrolled.append(reason)
            return
        }
        let words = try (controlArguments ?? arguments)(scene)
        let result = try scene.run(
            command(in: scene, words),
            keeper: identity + keeper(scene) + controlKeeper(scene)
        )
        guard result.began else {
            trial.problems.append("no control: it did not start outside\n\(result.story)")
            return
        }
        for act in inside.keys.sorted() {
            let values = result.values(act)
            let wanted = outside[act] ?? ["ok"]
            if let missing = values.first(where: { absent[act]?.contains($0) == true }) {
                trial.uncontrolled.append("\(act): outside it ends with \(missing)")
            } else if values.isEmpty || !values.allSatisfy(wanted.contains) {
                trial.problems.append(
                    "no control: \(act) outside gave \(values), not \(wanted.sorted())\n\(result.story)"
                )
            } else if !leaksOutside, reached == nil, let right = inside[act], values.allSatisfy(right.contains) {
                // Where the host can look for itself, an act may well succeed on both sides.
                trial.problems.append("no control: \(act) gives \(values) outside, which would be right inside")
            }
        }
        if leaksOutside && !result.outputText.contains(scene.token) {
            trial.problems.append("no control: the token does not appear outside\n\(result.story)")
        }
        if let reached, try !reached(scene, result) {
            trial.problems.append("no control: outside the canary was not reached\n\(result.story)")
        }
    }

    private func judge(_ result: RunResult, in scene: Scene, _ trial: inout Trial) {
        guard result.began else {
            trial.problems.append("the launch did not come to the attempt\n\(result.story)")
            return
        }
        if !ending.contains(result.ending) {
            trial.problems.append("ended with \(result.ending)\n\(result.story)")
        }
        for (act, wanted) in inside.sorted(by: { $0.key < $1.key }) {
            let values = result.values(act)
            if values.isEmpty || !values.allSatisfy(wanted.contains) {
                trial.problems.append("\(act) gave \(values), not \(wanted.sorted())\n\(result.story)")
            }
        }
        if result.outputText.contains(scene.token) {
            trial.problems.append("the token got out\n\(result.story)")
        }
        if result.left > 0 || result.zombies > 0 {
            trial.problems.append("\(result.left) processes and \(result.zombies) zombies left\n\(result.story)")
        }
        do {
            if let reached, try reached(scene, result) {
                trial.problems.append("the canary was reached\n\(result.story)")
            }
            trial.problems += try after(scene, result)
            if try !scene.secretIsUntouched() { trial.problems.append("the secret's folder was changed") }
        } catch {
            trial.problems.append("the host could not look: \(error)")
        }
    }
}
