/// The project that every first job makes: a Python program for the first Fibonacci numbers, and its test.
enum ExampleProject {
    struct File {
        var path: Workspace.Path
        var bytes: [UInt8]
    }

    static let readmePath = Workspace.Path("README.md")
    static let changelogPath = Workspace.Path("CHANGELOG.md")
    static let programPath = Workspace.Path("app.py")
    static let fibonacciPath = Workspace.Path("fibonacci.py")
    static let utilitiesPath = Workspace.Path("utils.py")

    static var files: [File] {
        [
            File(path: readmePath, bytes: Array(readme.utf8)),
            File(path: programPath, bytes: FibonacciProgram().text),
            File(path: Workspace.Path("test_cli.py", in: "tests"), bytes: Array(test.utf8)),
        ]
    }

    /// Has no heading `Usage`: a later edit is asked to add it.
    private static let readme = """
        # Fibonacci numbers

        A small Python program that prints the first Fibonacci numbers on one line, separated by commas.

        - `app.py`: the program, and `fibonacci(n)`
        - `tests/test_cli.py`: its tests

        ## Try it

            python3 app.py
            python3 -m unittest discover -s tests

        """

    /// Holds for the program after every edit, so that no edit needs to change it; finds the program from every folder, with
    /// unittest and with pytest.
    private static let test = """
        import pathlib
        import subprocess
        import sys
        import unittest

        PROJECT = pathlib.Path(__file__).resolve().parent.parent
        sys.path.insert(0, str(PROJECT))

        from app import fibonacci  # noqa: E402


        class FibonacciTest(unittest.TestCase):
            def test_first_ten_numbers(self):
                self.assertEqual(fibonacci(10), [0, 1, 1, 2, 3, 5, 8, 13, 21, 34])

            def test_short_sequences(self):
                self.assertEqual([fibonacci(n) for n in range(3)], [[], [0], [0, 1]])

            def test_program_prints_the_sequence(self):
                run = subprocess.run(
                    [sys.executable, str(PROJECT / "app.py")], capture_output=True, text=True, check=True
                )
                numbers = [int(word) for word in run.stdout.split(",")]
                self.assertEqual(numbers, fibonacci(len(numbers)))


        if __name__ == "__main__":
            unittest.main()

        """

    static let utilityFunction = """
        def format_sequence(seq) -> str:
            \"""Return the items in order, separated by commas.\"""
            return ",".join(str(item) for item in seq)

        """

    static let usage = """
        ## Usage

        Print the sequence:

            python3 app.py

        Run the tests:

            python3 -m unittest discover -s tests

        """

    /// The line by which a README that says this already is known.
    static let argumentExample = "    python3 app.py -n 15"

    static let argumentUsage = """
        ## Arguments

        `-n N` says how many numbers are printed:

        \(argumentExample)

        """

    static func changelog(on date: String) -> String {
        """
        # Changelog

        - \(date): first entry; README.md says how to use the program

        """
    }

    /// One page for each module.
    static let pages = [
        ("app.md", "# app\n\n`app.py` prints the first Fibonacci numbers on one line.\n"),
        ("fibonacci.md", "# fibonacci\n\n`fibonacci(n)` returns the first n Fibonacci numbers as a list.\n"),
        ("utils.md", "# utils\n\n`format_sequence(seq)` returns the items as text, separated by commas.\n"),
    ]
}
