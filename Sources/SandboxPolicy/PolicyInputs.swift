public import SandboxPlan

/// Everything that a compiled policy is made from, but for what it extends: that is found while it is compiled.
///
/// The launcher reads the files and hands them over, so that the compiler opens none but those that are extended.
public struct PolicyInputs: Hashable, Sendable {
    public struct Text: Hashable, Sendable {
        public var file: PolicyFile
        public var text: [UInt8]

        public init(file: PolicyFile, text: [UInt8]) {
            self.file = file
            self.text = text
        }
    }

    public var named: Text
    public var project: Text?
    public var ceiling: Text?
    /// Where the user's own policies are looked for; empty when nothing names it.
    public var settingsFolder: OSString
    /// What `~` means; empty when nobody knows.
    public var home: OSString
    /// Which executables ask for it and compile it: another one's answer is not this one's.
    public var build: [UInt8]

    public init(
        named: Text,
        project: Text?,
        ceiling: Text?,
        settingsFolder: OSString,
        home: OSString = "",
        build: [UInt8] = []
    ) {
        self.named = named
        self.project = project
        self.ceiling = ceiling
        self.settingsFolder = settingsFolder
        self.home = home
        self.build = build
    }

    private static let magic: [UInt8] = Array("CSINPUT3".utf8)

    /// The bytes that the compiler reads.
    public var bytes: [UInt8] { bytes(withTexts: true) }

    /// What an entry of the cache goes by: the same without the texts, whose digests are there.
    public var identity: [UInt8] { bytes(withTexts: false) }

    private func bytes(withTexts: Bool) -> [UInt8] {
        var writer = PolicyByteWriter()
        writer.bytes = PolicyInputs.magic
        writer.string(settingsFolder)
        writer.string(home)
        writer.string(OSString(build))
        for text in [named, project, ceiling] {
            writer.integer(UInt8(text == nil ? 0 : 1))
            guard let text else { continue }
            writer.file(text.file)
            if withTexts { writer.string(OSString(text.text)) }
        }
        return writer.bytes
    }

    /// Reads the bytes back.
    ///
    /// - Throws: `CompiledPolicyCodingError` when they are not what `bytes` writes.
    public init(_ bytes: UnsafeRawBufferPointer) throws(CompiledPolicyCodingError) {
        var reader = PolicyByteReader(bytes)
        guard try reader.take(PolicyInputs.magic.count).elementsEqual(PolicyInputs.magic) else { throw .notAPolicy }
        let settings = try reader.string("settings")
        let home = try reader.string("home")
        let build = try reader.content()
        guard let named = try PolicyInputs.text(&reader) else { throw .field("named", offset: reader.offset) }
        self.init(
            named: named,
            project: try PolicyInputs.text(&reader),
            ceiling: try PolicyInputs.text(&reader),
            settingsFolder: settings,
            home: home,
            build: build
        )
        guard reader.isAtEnd else { throw .field("end", offset: reader.offset) }
    }

    private static func text(_ reader: inout PolicyByteReader) throws(CompiledPolicyCodingError) -> Text? {
        let isThere: UInt8 = try reader.integer("text", in: 0...1)
        if isThere == 0 { return nil }
        let file = try reader.file()
        // A NUL is the parser's to refuse, with its place.
        return Text(file: file, text: try reader.content())
    }
}
