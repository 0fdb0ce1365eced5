//! A fault of vetrun's own is not the artifact's: a panic becomes an error, and so exit code 2, and ends nothing but the
//! vetting in which it happened.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// vetrun panicked.
#[derive(Debug, thiserror::Error)]
#[error("vetrun has a fault of its own: {0} (please report it, with the artifact if you may)")]
pub(super) struct Bug(String);

/// Runs `work`; a panic in it is an error. Nothing that `work` changed is looked at after a panic, but for what it wrote.
pub(super) fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, Bug> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| Bug(message(panic.as_ref())))
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a panic without a message".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_that_says_what_happened() {
        assert_eq!(guarded(|| 1).ok(), Some(1));
        let number = 7;
        let bug = guarded(|| assert!(number < 7, "number {number}")).unwrap_err();
        assert!(bug.to_string().contains("number 7"), "{bug}");
    }
}
