/// Numbers as the kernel lists them.
enum NumberList {
    /// With a space between two.
    ///
    /// Not by `joined`, whose first use takes as long as everything that is compared at the gate.
    static func spaced(_ numbers: [some FixedWidthInteger]) -> String {
        var text = ""
        for number in numbers {
            if !text.isEmpty { text += " " }
            text += String(number)
        }
        return text
    }
}
