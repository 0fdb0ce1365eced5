//! The layers of the verdict on Python, for the benchmark alone.

use super::*;
use crate::policy::ParsePolicy;

/// What is looked at before the parser: brackets, and room to recurse. Whether the file may be parsed.
#[must_use]
pub fn bounds(text: &str, policy: &ParsePolicy) -> bool {
    let is_slight = bounds::brackets(text) <= BRACKETS_UNSEEN_MAX;
    bounds::too_much_code(text).is_none()
        && (is_slight || scan::scan(text, policy.nesting_depth_max).brackets.too_deep.is_none())
}

/// The parser alone.
#[must_use]
pub fn parse(text: &str) -> Option<Parsed<ModModule>> {
    parse_unchecked(text, ParseOptions::from(Mode::Module).with_target_version(PythonVersion::PY314)).try_into_module()
}

/// The checks over tokens.
#[must_use]
pub fn layout<'a>(text: &'a str, parsed: &Parsed<ModModule>) -> Layout<'a> {
    let tokens = parsed.tokens();
    let survey = survey::survey(text, tokens, BRACKETS_MAX);
    let names = identifiers::faults(text, tokens, Target::default().python);
    let flufl = layout::unequal_under_flufl(text, tokens, PythonVersion::PY314);
    let faults = usize::from(survey.layout.is_some()) + usize::from(survey.bare_yield.is_some());
    Layout { faults: faults + names.len() + usize::from(flufl.is_some()), survey }
}

/// What the tokens of a text say.
pub struct Layout<'a> {
    /// How many faults they show.
    pub faults: usize,
    survey: survey::Survey<'a>,
}

/// The semantic checker and the own checks; how many faults they find.
#[must_use]
pub fn semantic<'a>(text: &'a str, parsed: &'a Parsed<ModModule>, layout: &Layout<'a>) -> usize {
    semantic::check(parsed.suite(), text, &Target::default(), Form::Module, &layout.survey).len()
}
