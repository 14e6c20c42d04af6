/// Files that covers are made of where a folder would not do: a place makes them only if its plan needs them.
public enum CoverFile {
    /// What `Cover.emptyFile` shows.
    public static let empty: OSString = "/.sandbox/nothing"
    /// What `Cover.ownCommonFolder` shows.
    public static let commonFolder: OSString = "/.sandbox/commondir"

    /// The steps that make both.
    public static let steps: [LaunchStep] = [
        .writeFile(path: empty, contents: [], mode: 0o444),
        .writeFile(path: commonFolder, contents: CommonFolder.own, mode: 0o444),
    ]
}
