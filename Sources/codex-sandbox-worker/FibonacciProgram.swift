/// `app.py` in all its forms: what edits change is a value here, and the text follows from it.
struct FibonacciProgram: Equatable {
    /// How many numbers it prints without a word from its caller.
    var count = 10
    /// Whether `fibonacci` is in a file of its own.
    var isSplit = false
    /// Whether it prints through `format_sequence` of `utils.py`.
    var usesUtilities = false
    var takesArguments = false
    /// Whether `fibonacci` is the version that keeps two numbers and refuses what is no length.
    var isRefactored = false
    /// Comments behind the program; they stay through all edits.
    var comments: [UInt8] = []

    init() {}

    /// The program of a text; nil if it is not one that this worker has written.
    init?(reading text: [UInt8]) {
        guard let line = text.lines.first(where: { $0.starts(with: "DEFAULT_N = ".utf8) }),
            let count = Int(String(decoding: line.dropFirst(12), as: UTF8.self)), (1...1000).contains(count)
        else { return nil }
        for form in 0..<16 {
            self.init()
            self.count = count
            isSplit = form & 1 != 0
            usesUtilities = form & 2 != 0
            takesArguments = form & 4 != 0
            isRefactored = form & 8 != 0
            let program = self.text
            guard text.starts(with: program) else { continue }
            comments = Array(text[program.count...])
            guard comments.lines.allSatisfy({ $0.isEmpty || $0.first == UInt8(ascii: "#") }) else { return nil }
            return
        }
        return nil
    }

    mutating func addComment(_ comment: String) {
        if comments.isEmpty { comments.append(0x0A) }
        if comments.last != 0x0A { comments.append(0x0A) }
        comments += "# Edit: \(comment)\n".utf8
    }

    var text: [UInt8] {
        var parts = [
            isRefactored ? FibonacciProgram.notedDocstring : "\"\"\"Print the first Fibonacci numbers.\"\"\"\n"
        ]
        if takesArguments { parts.append("import argparse\n") }
        let imports =
            (isSplit ? "from fibonacci import fibonacci\n" : "")
            + (usesUtilities ? "from utils import format_sequence\n" : "")
        if !imports.isEmpty { parts.append(imports) }
        parts.append("DEFAULT_N = \(count)\n")
        var text = parts.joined(separator: "\n") + "\n\n"
        if !isSplit { text += function + "\n\n" }
        text += takesArguments ? FibonacciProgram.mainWithArguments : FibonacciProgram.main
        let sequence = "fibonacci(\(takesArguments ? "n" : "DEFAULT_N"))"
        let line = usesUtilities ? "format_sequence(\(sequence))" : "\",\".join(str(number) for number in \(sequence))"
        text += "    print(\(line))\n\n\nif __name__ == \"__main__\":\n    main()\n"
        return Array(text.utf8) + comments
    }

    /// `fibonacci.py`, when the function is there.
    var module: [UInt8] { Array("\"\"\"The Fibonacci numbers.\"\"\"\n\n\n\(function)".utf8) }

    private var function: String { isRefactored ? FibonacciProgram.guardedFunction : FibonacciProgram.plainFunction }

    private static let notedDocstring = """
        \"""Print the first Fibonacci numbers.

        Note: fibonacci() was refactored; it is iterative and guards its input.
        \"""

        """

    private static let plainFunction = """
        def fibonacci(n: int) -> list[int]:
            \"""Return the first n Fibonacci numbers.\"""
            numbers = [0, 1][: max(n, 0)]
            while len(numbers) < n:
                numbers.append(numbers[-2] + numbers[-1])
            return numbers

        """

    private static let guardedFunction = """
        def fibonacci(n: int) -> list[int]:
            \"""Return the first n Fibonacci numbers.

            Note: iterative, one addition for each number. Raises TypeError unless n is
            an int, and ValueError if it is negative.
            \"""
            if not isinstance(n, int) or isinstance(n, bool):
                raise TypeError("n must be an int")
            if n < 0:
                raise ValueError("n must not be negative")
            numbers = []
            current, following = 0, 1
            for _ in range(n):
                numbers.append(current)
                current, following = following, current + following
            return numbers

        """

    private static let main = """
        def main() -> None:
            \"""Print the sequence on one line.\"""

        """

    private static let mainWithArguments = """
        def main() -> None:
            \"""Print as much of the sequence as the command line asks for.\"""
            parser = argparse.ArgumentParser(description="Print the first N Fibonacci numbers.")
            parser.add_argument(
                "-n", "--N", dest="n", metavar="N", type=int, default=DEFAULT_N, help="how many (default: %(default)s)"
            )
            n = parser.parse_args().n
            if n < 0:
                parser.error("N must not be negative")

        """
}
