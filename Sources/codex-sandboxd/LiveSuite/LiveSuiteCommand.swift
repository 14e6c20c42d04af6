import Glibc
import SandboxCLI
import SandboxPlan

/// `live-suite`: one scenario after the other against a running server, until one does not pass.
enum LiveSuiteCommand {
    static func run(_ arguments: [OSString]) -> Int32 {
        let options: LiveSuiteOptions
        do throws(UsageError) {
            guard let parsed = try LiveSuiteOptions.parse(arguments[...]) else {
                return Output.write(HelpText.text(.liveSuite))
            }
            options = parsed
        } catch {
            return Output.misunderstood(error)
        }
        let settings: LiveSuiteSettings
        do throws(SuiteError) {
            settings = try LiveSuiteSettings(options, environment: CallerStrings.all(environ))
        } catch {
            return Output.misunderstood(error.text, "codex-sandbox live-suite --help")
        }
        SuiteWait.blockSignals()
        // Who reads the gates may leave; what was started has to end all the same.
        signal(SIGPIPE, SIG_IGN)
        do throws(SuiteError) {
            return try SuiteRun(settings).run()
        } catch {
            Output.say(settings.secrets.shown(error.text))
            return 1
        }
    }
}
