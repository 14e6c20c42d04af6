/// How text is shown, as far as a terminal saves it with the cursor (DECSC, VT510; XTerm Control Sequences, modes 1048 and 1049).
struct TerminalLook: Equatable {
    var hasRendition = false
    var hasLineDrawing = false
    /// SO.
    var hasOtherSet = false
    /// Mode 6.
    var hasOrigin = false

    /// What is so in one of both.
    func or(_ other: TerminalLook) -> TerminalLook {
        TerminalLook(
            hasRendition: hasRendition || other.hasRendition,
            hasLineDrawing: hasLineDrawing || other.hasLineDrawing,
            hasOtherSet: hasOtherSet || other.hasOtherSet,
            hasOrigin: hasOrigin || other.hasOrigin
        )
    }
}
