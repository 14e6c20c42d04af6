internal import SandboxCLI
internal import SandboxPlan
internal import SandboxRuntime

/// `codex-sandbox explain`.
enum ExplainCommand {
    static func status(_ options: ExplainOptions, closedStreams: Int) -> Int32 {
        do throws(Refusal) {
            let launch = LaunchOptions(options.run, closedStreams: closedStreams)
            let preparation = try RunSession.preparation(launch, ofRun: true)
            if options.json { return Output.show(preparation.plan.json(.digest).text + "\n", status: 0) }
            var origins: [OSString: EnvironmentOrigin] = [:]
            for entry in preparation.plan.process.environment {
                origins[entry.name] = EnvironmentOrigin.of(
                    entry,
                    policy: preparation.compiled.policy.environment,
                    overrides: options.run.overrides,
                    caller: launch.environment
                )
            }
            let notes =
                VainWords.notes(options.run, environment: launch.environment) + preparation.notes
                + ReadableSecrets.notes(in: preparation.request.workspace, preparation.policy)
            Output.say(OwnWords.notes(notes, quiet: options.run.quiet))
            let report = ExplainReport(
                plan: preparation.plan,
                origins: origins,
                style: Output.style,
                finding: CommandFinding.absence(preparation.plan),
                policy: PolicyReport(policy: preparation.policy, origins: preparation.origins, style: Output.style)
            )
            return Output.show(report.text, status: 0)
        } catch {
            Output.say(OwnWords.refusal(error))
            return ExitStatus.refused
        }
    }
}
