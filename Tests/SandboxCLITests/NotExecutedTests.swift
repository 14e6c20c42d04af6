import SandboxPlan
import Testing

@testable import SandboxCLI

@Suite struct NotExecutedTests {
    private func said(
        _ errno: Int32,
        _ command: OSString,
        _ file: NotExecuted.File,
        path: OSString? = nil,
        folders: [OSString] = [],
        isConfined: Bool = true
    ) -> [String] {
        NotExecuted(
            errno: errno,
            command: command,
            path: path,
            folders: folders,
            isConfined: isConfined,
            file: file
        ).lines
    }

    @Test func whatIsNotFoundSaysWhereItWasLookedFor() {
        #expect(
            said(2, "nosuch", .absent, folders: ["/usr/bin", "/a b"]) == [
                "nosuch was not found in the sandbox.",
                "  looked in: /usr/bin, \"/a b\" (the PATH that it has)",
                "  execve: ENOENT (No such file or directory)",
            ]
        )
        #expect(said(2, "./nosuch", .absent).first == "./nosuch does not exist in the sandbox.")
        #expect(said(2, "./nosuch", .absent, isConfined: false).first == "./nosuch does not exist.")
        #expect(
            said(2, "tool", .outside("/opt2/bin/tool"), folders: ["/opt2/bin"]).first
                == "tool is not in the sandbox: found at /opt2/bin/tool; add --read /opt2/bin"
        )
    }

    /// What the remedy names is not refused.
    @Test(
        arguments: [
            ("/home/ann/tool", "/home/ann/tool"), ("/home/tool", "/home/tool"), ("/tool", "/tool"),
            ("/home/ann/bin/tool", "/home/ann/bin"), ("/home/bob/tool", "/home/bob"),
        ] as [(OSString, OSString)]
    )
    func aFolderThatNoSandboxShowsIsNoRemedy(found: OSString, shown: OSString) {
        let finding = NotExecuted(
            errno: 2,
            command: found,
            path: nil,
            folders: [],
            isConfined: true,
            file: .outside(found),
            closedFolders: ["/home/ann", "/tmp"]
        )
        #expect(finding.lines.first == "\(found) is not in the sandbox: found at \(found); add --read \(shown)")
    }

    @Test func whatIsOutsideAndNoProgramSaysBoth() {
        #expect(
            said(2, "/opt2/notes", .outsideNotExecutable("/opt2/notes")) == [
                "/opt2/notes is not in the sandbox: found at /opt2/notes, where it has no execute permission; if it is a "
                    + "program: chmod +x, and add --read /opt2", "  execve: ENOENT (No such file or directory)",
            ]
        )
    }

    /// One of its folders alone would not make it work.
    @Test(
        arguments: [
            ("/home/ada/.cargo/bin/rustup", "rustup"), ("/home/a b/.rustup/toolchains/x/bin/cargo", "rustup"),
            ("/root/.nvm/versions/node/v20.1.0/bin/node", "nvm"), ("/home/ada/.pyenv/shims/python3", "pyenv"),
            ("/home/ada/.local/share/swiftly/toolchains/6.1/usr/bin/swift", "swiftly"), ("/home/ada/.cargo/x", nil),
            ("/home/ada/.nvmrc/node", nil), ("/home/ada/.local/bin/swift", nil), ("/opt2/nvm/node", nil),
        ] as [(OSString, String?)]
    )
    func aToolchainIsNamedByItsKey(path: OSString, chain: String?) {
        #expect(ToolchainFolders.name(of: path) == chain)
        let line = said(2, "tool", .outside(path)).first ?? ""
        #expect(line.hasPrefix("tool is not in the sandbox: found at "))
        #expect(line.contains("add --read ") == (chain == nil))
        if let chain { #expect(line.contains("toolchains = [\"\(chain)\"]") && line.contains("--policy FILE")) }
    }

    @Test func aMissingInterpreterIsNoMissingScript() {
        let absent = said(2, "./s", .script(interpreter: "/no/py", .absent))
        #expect(absent[0] == "./s is there, but the interpreter of its #! line is not: /no/py.")
        let script = NotExecuted.File.script(interpreter: "/opt2/py", .outside("/opt2/py3"))
        let outside = said(2, "s", script, path: "/w/s", folders: ["/w"])
        #expect(outside[0] == "s (/w/s) is there, but the interpreter of its #! line is not: /opt2/py.")
        #expect(outside[1] == "  The host has it; add --read /opt2.")
        let windows = said(2, "./s", .script(interpreter: "/bin/sh\r", .absent))
        #expect(windows[0].contains("/bin/sh\\r") && windows[1].contains("carriage returns"))
        #expect(said(2, "./p", .program)[0].contains("loader"))
    }

    @Test func whatCannotBeExecutedSaysWhy() {
        #expect(said(8, "./t", .text)[0].hasSuffix("no program that this kernel knows, and it has no #! line."))
        #expect(said(8, "./p", .program)[0].contains("another machine"))
        #expect(said(8, "./s", .script(interpreter: "", .absent))[0].contains("names no interpreter"))
        #expect(said(13, "./d", .folder)[0].contains("a folder"))
        #expect(said(13, "./f", .notExecutable)[0].contains("chmod +x"))
        #expect(said(13, "./x", .denied)[0].contains("--deny"))
        #expect(said(13, "./s", .script(interpreter: "/bin/sh", .shown))[0].contains("/bin/sh"))
        #expect(
            said(13, "/etc/hostname", .ofSandbox)[0].contains("one of its own")
                && said(13, "/x", .ofSandbox)[1].contains("cat")
        )
        for file in [NotExecuted.File.absent, .outside("/x"), .outsideNotExecutable("/x"), .unknown] {
            #expect(said(13, "/x", file)[1].contains("chmod +x"))
        }
        for file in [NotExecuted.File.text, .program, .folder, .denied, .unknown, .ofSandbox] {
            #expect(said(13, "./x", file).last == "  execve: EACCES (Permission denied)")
        }
    }

    @Test func anEmptyCommandIsSaidToBeOne() {
        #expect(said(2, "", .absent) == ["The command is empty. Write a program's name after the options."])
    }

    @Test func hostileNamesAreShownAndNotObeyed() {
        let evil = OSString("/a\u{1B}[2J\ncodex-sandbox: fine")
        let files: [NotExecuted.File] = [
            .absent, .outside(evil), .outsideNotExecutable(evil), .ofSandbox,
            .script(interpreter: evil, .outside(evil)), .script(interpreter: evil, .absent),
            .denied,
        ]
        for (file, errno) in files.flatMap({ file in [(file, 2), (file, 13)] as [(NotExecuted.File, Int32)] }) {
            let finding = NotExecuted(
                errno: errno,
                command: evil,
                path: evil,
                folders: [evil],
                isConfined: true,
                file: file
            )
            let text = OwnWords.notExecuted(finding)
            #expect(controlCharacters(in: text).isEmpty)
            #expect(text.split(separator: "\n").allSatisfy { $0.hasPrefix(OwnWords.prefix) })
        }
    }

    @Test(
        arguments: [
            ("#!/bin/sh\nx", "/bin/sh"), ("#! /usr/bin/env python3\n", "/usr/bin/env"), ("#!\t/a -x", "/a"),
            ("#!/bin/sh\r\n", "/bin/sh\r"), ("#!\n", ""), ("#!", ""),
        ] as [(OSString, OSString)]
    )
    func interpretersAreReadAsTheKernelDoes(_ start: OSString, _ interpreter: OSString) {
        #expect(NotExecuted.interpreter(in: start.bytes) == interpreter)
    }

    @Test func whatHasNoLineOfTheKindHasNoInterpreter() {
        for start in ["", "#", "x#!/bin/sh", "\u{7F}ELF"] as [OSString] {
            #expect(NotExecuted.interpreter(in: start.bytes) == nil)
        }
    }
}
