//! How a vetting goes on: whether it may, and when what it has cleared may run.

use crate::sandbox::Stop;

/// Who has a say in how a vetting goes on.
pub trait Pace: Sync {
    /// Raised when nothing that the static passes would say counts any more; they look at it before each file.
    fn stop(&self) -> &Stop;

    /// The artifact is cleared: calls `program`, which installs and runs it, once it is its turn.
    fn run(&self, program: &mut dyn FnMut()) {
        program();
    }
}

/// Everything at once, until it is raised.
impl Pace for Stop {
    fn stop(&self) -> &Stop {
        self
    }
}
