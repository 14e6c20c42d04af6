/// The version that `--version`, results and records give.
public enum ToolVersion {
    public static let current = "0.1.0"
}
