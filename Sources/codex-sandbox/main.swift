// codex-sandbox: reads the command line and calls the command. Synchronous, without Foundation: it starts on every launch.

internal import CShims
internal import Glibc

// This very executable is also pid 1 of every place; see CShims/init.c.
if cs_init_requested(cs_arguments(), environ) != 0 { cs_init_main() }
if cs_drop_requested(cs_arguments(), environ) != 0 { cs_drop_main(cs_arguments()) }
// And the keeper of a job in the profile landlock-only (CShims/landlock_only.c).
if cs_keeper_requested(cs_arguments(), environ) != 0 { cs_keeper_main() }

Program.leave(Program.status(of: Array(CallerStrings.arguments.dropFirst())))
