//! Python: the verdict of `ruff_python_parser` for the policy's version of Python, completed to CPython's own.

mod checks;
mod hints;
#[cfg(feature = "bench")]
pub mod layers;
mod layout;
mod scan;
mod scope;
mod semantic;

use std::ops::Range;
use std::str::FromStr as _;

use ruff_python_ast::PythonVersion;
use ruff_python_parser::{Mode, ParseOptions, parse_unchecked};
use ruff_text_size::{Ranged, TextRange};

use super::bounds;
use super::problem::{Judged, Problem};
use crate::policy::ParsePolicy;

const RULE: &str = "python-syntax-error";

/// A range of ruff's as one of bytes.
fn bytes(range: TextRange) -> Range<usize> {
    usize::from(range.start())..usize::from(range.end())
}

/// Judges one Python file.
pub(super) fn judge(path: &str, text: &str, policy: &ParsePolicy) -> Judged {
    let (version, dialect) = version(&policy.python_version);
    let mut judged = Judged { dialect: Some(dialect), ..Judged::default() };
    let found = scan::scan(text, policy.nesting_depth_max);
    if let Some(at) = found.brackets.too_deep {
        judged.problems.push(bounds::too_deep("brackets", policy.nesting_depth_max, at));
        return judged;
    }
    if let Some(problem) = bounds::too_much_code(text) {
        judged.problems.push(problem);
        return judged;
    }
    judged.problems = strict(path, text, version, &found);
    judged
}

fn strict(path: &str, text: &str, version: PythonVersion, found: &scan::Scan) -> Vec<Problem> {
    let parsed = parse_unchecked(text, ParseOptions::from(Mode::Module).with_target_version(version));
    let layout = layout::indentation(text, parsed.tokens());
    if parsed.has_invalid_syntax() {
        return hints::improve(parsed.errors(), text, found, layout);
    }
    let unsupported = parsed.unsupported_syntax_errors().iter().map(|error| {
        let message = super::problem::fragment(&error.to_string());
        Problem::new(RULE, message, bytes(error.range()))
            .hint(format!("the policy judges for Python {version}; set `python_version` to the one that runs it"))
    });
    let too_deep = layout.as_ref().is_some_and(|problem| problem.rule == "nesting-too-deep");
    let mut problems: Vec<Problem> = unsupported.chain(layout).collect();
    if too_deep {
        return problems;
    }
    problems.extend(layout::yield_before_operator(parsed.tokens()));
    if let Some(module) = parsed.try_into_module() {
        problems.extend(semantic::check(module.suite(), text, version, path.ends_with(".pyi")));
    }
    problems
}

/// The version that the policy names; the newest that is known where it names none that is.
fn version(name: &str) -> (PythonVersion, &'static str) {
    const NAMES: [&str; 8] = ["3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14", "3.15"];
    let dialect = NAMES.into_iter().find(|known| *known == name).unwrap_or("3.14");
    (PythonVersion::from_str(dialect).unwrap_or(PythonVersion::PY314), dialect)
}
