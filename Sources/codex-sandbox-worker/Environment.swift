import Glibc

/// The environment of the job, of which little may be said.
enum Environment {
    /// What a worker that asks a model would need; of these only the presence is ever told.
    private static let credentials = ["OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT"]

    static func value(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }
    }

    /// `NAME=present` or `NAME=absent` for each credential; an empty one is absent.
    static func presenceLines() -> [String] {
        credentials.map { name in
            let isPresent = getenv(name).map { $0.pointee != 0 } ?? false
            return "\(name)=\(isPresent ? "present" : "absent")"
        }
    }
}
