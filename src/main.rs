//! The `vetrun` command.

use std::process::ExitCode;

use vetrun::sandbox::{self, native};

/// Trees are many small pieces; this allocator makes and frees them in half the time of the system's. It asks for no
/// huge pages (`no_thp`): for a small file the kernel would clear eight of them, of two megabytes each.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Before anything else: the launcher must not start a thread, read the environment or touch a terminal.
    let mut args = std::env::args_os();
    let name = args.next();
    if name.as_deref().is_some_and(|name| name == native::LAUNCHER_NAME) {
        native::launcher_main();
    }
    if name.is_some_and(|name| name == sandbox::CLEARER_NAME) {
        return if sandbox::clearer_main(args.next().as_deref()) { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    vetrun::cli::main(std::env::args_os())
}
