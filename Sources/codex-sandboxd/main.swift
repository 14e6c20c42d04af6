// codex-sandboxd: everything that is not on the launch path. People call it through `codex-sandbox`.

import Glibc

exit(Commands.run(Array(CallerStrings.all(CommandLine.unsafeArgv).dropFirst())))
