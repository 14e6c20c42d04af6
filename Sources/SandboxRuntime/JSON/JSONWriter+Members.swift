internal import SandboxPlan

/// The member of an object in one line: key, kind, value.
extension JSONWriter {
    mutating func member(_ name: StaticString, _ write: (inout JSONWriter) -> Void) {
        key(name)
        write(&self)
    }

    mutating func object(_ name: StaticString, _ members: (inout JSONWriter) -> Void) {
        key(name)
        object(members)
    }

    mutating func member<Element>(
        _ name: StaticString,
        array elements: some Sequence<Element>,
        _ write: (inout JSONWriter, Element) -> Void
    ) {
        key(name)
        array(elements, write)
    }

    mutating func member(_ name: StaticString, string text: String) {
        key(name)
        string(text)
    }

    mutating func member(_ name: StaticString, text: String) {
        key(name)
        self.text(text)
    }

    mutating func member(_ name: StaticString, texts: [String]) {
        key(name)
        array(texts) { $0.text($1) }
    }

    mutating func member(_ name: StaticString, bytes string: OSString) {
        key(name)
        bytes(string)
    }

    mutating func member(_ name: StaticString, bytes strings: some Sequence<OSString>) {
        key(name)
        array(strings) { $0.bytes($1) }
    }

    mutating func member(_ name: StaticString, integer number: some FixedWidthInteger & SignedInteger) {
        key(name)
        integer(Int64(number))
    }

    mutating func member(_ name: StaticString, quantity amount: some FixedWidthInteger & UnsignedInteger) {
        key(name)
        quantity(amount)
    }

    mutating func member(_ name: StaticString, identifier number: some FixedWidthInteger & UnsignedInteger) {
        key(name)
        identifier(number)
    }

    mutating func member(_ name: StaticString, bool value: Bool) {
        key(name)
        bool(value)
    }

    mutating func member(_ name: StaticString, hexadecimal digest: [UInt8]) {
        key(name)
        hexadecimal(digest)
    }

    mutating func member(_ name: StaticString, time: Timestamp) {
        key(name)
        string(time.description)
    }

    /// A DigestSet with one digest (in-toto attestation framework, v1).
    mutating func member(_ name: StaticString, sha256 digest: [UInt8]) {
        key(name)
        object { $0.member("sha256", hexadecimal: digest) }
    }

    /// A mode as people write it: four octal digits.
    mutating func member(_ name: StaticString, mode: UInt32) {
        key(name)
        octal(mode)
    }
}
