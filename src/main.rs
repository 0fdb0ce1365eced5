//! The `vetrun` command.

use std::process::ExitCode;

use vetrun::sandbox::native;

/// Trees are many small pieces; this allocator makes and frees them in half the time of the system's. It asks for no
/// huge pages (`no_thp`): for a small file the kernel would clear eight of them, of two megabytes each.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Before anything else: the launcher must not start a thread, read the environment or touch a terminal.
    if std::env::args_os().next().is_some_and(|name| name == native::LAUNCHER_NAME) {
        native::launcher_main();
    }
    vetrun::cli::main(std::env::args_os())
}
