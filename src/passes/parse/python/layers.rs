//! The layers of the verdict on Python, for the benchmark alone.

use super::*;
use crate::policy::ParsePolicy;

/// What is looked at before the parser: brackets, and room to recurse. Whether the file may be parsed.
#[must_use]
pub fn bounds(text: &str, policy: &ParsePolicy) -> bool {
    scan::scan(text, policy.nesting_depth_max).brackets.too_deep.is_none() && bounds::too_much_code(text).is_none()
}

/// The parser alone.
#[must_use]
pub fn parse(text: &str) -> Option<Parsed<ModModule>> {
    parse_unchecked(text, ParseOptions::from(Mode::Module).with_target_version(PythonVersion::PY314)).try_into_module()
}

/// The checks over tokens; how many faults they find.
#[must_use]
pub fn layout(text: &str, parsed: &Parsed<ModModule>) -> usize {
    let tokens = parsed.tokens();
    usize::from(layout::indentation(text, tokens).is_some())
        + usize::from(layout::yield_before_operator(tokens).is_some())
}

/// The semantic checker and the own checks; how many faults they find.
#[must_use]
pub fn semantic(text: &str, parsed: &Parsed<ModModule>) -> usize {
    semantic::check(parsed.suite(), text, &Target::default(), Form::Module).len()
}
