//! Python: the verdict of `ruff_python_parser` for the target's version of Python, completed to CPython's own.

mod checks;
mod hints;
mod layout;
mod scan;
mod scope;
mod semantic;

use std::ops::Range;

use ruff_python_ast::PythonVersion;
use ruff_python_parser::{Mode, ParseOptions, parse_unchecked};
use ruff_text_size::{Ranged, TextRange};

use super::file::Basis;
use super::problem::{Judged, Problem};
use super::{Target, bounds};

const RULE: &str = "python-syntax-error";

/// A range of ruff's as one of bytes.
fn bytes(range: TextRange) -> Range<usize> {
    usize::from(range.start())..usize::from(range.end())
}

/// Judges one Python file.
pub(super) fn judge(path: &str, text: &str, basis: Basis<'_>) -> Judged {
    let Basis { policy, target } = basis;
    let mut judged = Judged { dialect: Some(target.python.name()), ..Judged::default() };
    let found = scan::scan(text, policy.nesting_depth_max);
    if let Some(at) = found.brackets.too_deep {
        judged.problems.push(bounds::too_deep("brackets", policy.nesting_depth_max, at));
        return judged;
    }
    if let Some(problem) = bounds::too_much_code(text) {
        judged.problems.push(problem);
        return judged;
    }
    judged.problems = strict(path, text, target, &found);
    judged
}

fn strict(path: &str, text: &str, target: &Target, found: &scan::Scan) -> Vec<Problem> {
    let version = PythonVersion { major: 3, minor: target.python.minor() };
    let parsed = parse_unchecked(text, ParseOptions::from(Mode::Module).with_target_version(version));
    let layout = layout::indentation(text, parsed.tokens());
    if parsed.has_invalid_syntax() {
        return hints::improve(parsed.errors(), text, found, layout);
    }
    let unsupported = parsed.unsupported_syntax_errors().iter().map(|error| {
        let message = super::problem::fragment(&error.to_string());
        Problem::new(RULE, message, bytes(error.range()))
            .hint(format!("judged for Python {version}, because {}", target.python_by.words()))
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
