import SandboxAPI

/// What the server tells its operator: a line each on standard error, which the journal takes under a service manager.
enum ServerLog {
    static func request(_ entry: LogEntry) { Output.say("\(entry)") }

    static func note(_ text: String) { Output.say(text) }
}
