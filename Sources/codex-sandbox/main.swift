// codex-sandbox: reads the command line and calls the command. Synchronous, without Foundation: it starts on every launch.

internal import CShims
internal import Glibc

// This very executable is also pid 1 of every place; see CShims/init.c.
if cs_init_requested(cs_arguments(), environ) != 0 { cs_init_main() }
if cs_drop_requested(cs_arguments(), environ) != 0 { cs_drop_main(cs_arguments()) }

Program.leave(Program.status(of: Array(CallerStrings.arguments.dropFirst())))
