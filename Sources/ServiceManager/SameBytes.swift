/// Names as the kernel takes them: for a String two ways of writing one letter are the same, and they are two files.
public enum SameBytes {
    /// Whether two names are one, byte by byte; of nothing, nothing is one.
    public static func are(_ one: String?, _ other: String?) -> Bool {
        guard let one, let other else { return one == nil && other == nil }
        return one.utf8.elementsEqual(other.utf8)
    }
}
