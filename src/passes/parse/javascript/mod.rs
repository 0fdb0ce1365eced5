//! JavaScript and TypeScript: the verdict of `oxc_parser` and `oxc_semantic`, completed to V8's own.
//!
//! Which goal a file is parsed for — module, script, CommonJS — is decided as Node decides it: by the extension, then by
//! the nearest `package.json`, then by trying CommonJS first and module second.

mod checks;
mod hints;
#[cfg(feature = "bench")]
pub mod layers;
mod scan;

use oxc_allocator::Allocator;
use oxc_diagnostics::OxcDiagnostic;
use oxc_parser::{ParseOptions, Parser, ParserReturn};
use oxc_semantic::SemanticBuilder;
use oxc_span::SourceType;

use super::bounds;
use super::file::Basis;
use super::problem::{Judged, Problem};
use crate::language::Language;
use crate::policy::ParsePolicy;

const RULE: &str = "javascript-syntax-error";
const TYPESCRIPT_RULE: &str = "typescript-syntax-error";

/// How often a call that is assigned to is mended before the file is refused, and how many bytes are parsed for that.
const CALL_TARGETS_MAX: usize = 100;
const CALL_TARGETS_BYTES_MAX: usize = 16 << 20;

/// Faults of one parse that are turned into findings; finding the lines of more would take time with their square.
const FAULTS_MAX: usize = 500;

/// What a source is parsed as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Goal {
    source_type: SourceType,
    dialect: &'static str,
}

impl Goal {
    pub(super) const MODULE: Self = Self { source_type: SourceType::mjs(), dialect: "module" };
    pub(super) const SCRIPT: Self = Self { source_type: SourceType::script(), dialect: "script" };
    const COMMONJS: Self = Self { source_type: SourceType::cjs(), dialect: "commonjs" };
    pub(super) const JSX: Self = Self { source_type: SourceType::jsx(), dialect: "jsx" };
    const TS: Self = Self { source_type: SourceType::ts(), dialect: "typescript" };
    const TSX: Self = Self { source_type: SourceType::tsx(), dialect: "tsx" };
    const DECLARATIONS: Self = Self { source_type: SourceType::d_ts(), dialect: "declarations" };
    const TS_COMMONJS: Self =
        Self { source_type: SourceType::ts().with_commonjs(true), dialect: "typescript-commonjs" };

    fn is_plain(self) -> bool {
        self.source_type.is_javascript() && !self.source_type.is_jsx()
    }
}

/// What the nearest `package.json` says of the `.js` files around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PackageType {
    Module,
    CommonJs,
    Unsaid,
}

/// The goals that a file is tried as, in order; the first that accepts it is its dialect.
fn goals(path: &str, package: PackageType) -> &'static [Goal] {
    let lower = path.to_ascii_lowercase();
    let name = lower.rsplit('/').next().unwrap_or_default();
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    match extension {
        "mjs" => &[Goal::MODULE],
        "cjs" => &[Goal::COMMONJS],
        "jsx" => &[Goal::JSX],
        "tsx" => &[Goal::TSX],
        "ts" | "mts" | "cts" if name.contains(".d.") => &[Goal::DECLARATIONS],
        "mts" => &[Goal::TS],
        "cts" => &[Goal::TS_COMMONJS],
        "ts" => &[Goal::TS, Goal::TS_COMMONJS],
        _ => match package {
            PackageType::Module => &[Goal::MODULE, Goal::JSX],
            PackageType::CommonJs => &[Goal::COMMONJS, Goal::JSX],
            PackageType::Unsaid => &[Goal::COMMONJS, Goal::MODULE, Goal::JSX],
        },
    }
}

/// Judges one JavaScript or TypeScript file.
pub(super) fn judge(path: &str, language: Language, text: &str, package: PackageType, basis: Basis<'_>) -> Judged {
    let policy = basis.policy;
    let mut judged = Judged::default();
    let found = scan::scan(text, policy.nesting_depth_max);
    if let Some(problem) = bounded(text, &found, policy) {
        judged.problems.push(problem);
        return judged;
    }
    let rule = if language == Language::TypeScript { TYPESCRIPT_RULE } else { RULE };
    let mut refused: Option<(Goal, Vec<Problem>)> = None;
    for &goal in goals(path, package) {
        if goal == Goal::JSX && refused.is_some() && !text.contains('<') {
            continue;
        }
        let problems = attempt(text, goal, rule);
        if problems.is_empty() {
            judged.dialect = Some(goal.dialect);
            return judged;
        }
        // Of several goals, the one that got furthest has the most to say.
        if refused.as_ref().is_none_or(|(_, best)| reach(&problems) > reach(best)) {
            refused = Some((goal, problems));
        }
    }
    if let Some((goal, problems)) = refused {
        judged.dialect = Some(goal.dialect);
        judged.problems = hints::improve(problems, text, &found, rule, other_language(text, goal));
    }
    judged
}

/// Judges the script of a page, `offset` bytes into its text.
pub(super) fn judge_inline(text: &str, offset: usize, goal: Goal, basis: Basis<'_>) -> Vec<Problem> {
    let policy = basis.policy;
    let found = scan::scan(text, policy.nesting_depth_max);
    let problems = match bounded(text, &found, policy) {
        Some(problem) => vec![problem],
        None => match attempt(text, goal, RULE) {
            problems if problems.is_empty() => problems,
            problems => hints::improve(problems, text, &found, RULE, None),
        },
    };
    problems.into_iter().map(|problem| problem.moved(offset)).collect()
}

fn bounded(text: &str, found: &scan::Scan, policy: &ParsePolicy) -> Option<Problem> {
    let too_deep = found.brackets.too_deep.map(|at| bounds::too_deep("brackets", policy.nesting_depth_max, at));
    too_deep.or_else(|| bounds::too_much_code(text)).or_else(|| {
        let at = bounds::labels_over(text, bounds::LABELS_MAX)?;
        Some(Problem::new("nesting-too-deep", format!("more than {} labels in a row", bounds::LABELS_MAX), at..at + 1))
    })
}

/// How far a goal got: the offset of its first fault.
fn reach(problems: &[Problem]) -> usize {
    problems.iter().filter_map(|problem| problem.range.as_ref()).map(|range| range.start).min().unwrap_or(0)
}

/// The faults of `text` for one goal; none where it is valid.
fn attempt(text: &str, goal: Goal, rule: &'static str) -> Vec<Problem> {
    match once(text, goal, rule) {
        Ok(()) => Vec::new(),
        Err((problems, call_target)) => {
            if call_target.is_some()
                && goal.source_type.is_javascript()
                && valid_but_for_call_targets(text, goal, call_target)
            {
                return Vec::new();
            }
            problems
        }
    }
}

/// V8 makes an assignment to a call (`f() = 1`, `f()++`) an error of the running program, not of its syntax. Whether
/// nothing else is wrong is told by parsing again with `[0]` after each such call.
fn valid_but_for_call_targets(text: &str, goal: Goal, first: Option<usize>) -> bool {
    let mut mended = text.to_owned();
    let mut target = first;
    for _ in 0..(CALL_TARGETS_BYTES_MAX / text.len().max(1)).min(CALL_TARGETS_MAX) {
        let Some(end) = target.filter(|end| mended.is_char_boundary(*end)) else { return false };
        mended.insert_str(end, "[0]");
        match once(&mended, goal, RULE) {
            Ok(()) => return true,
            Err((_, next)) => target = next,
        }
    }
    false
}

/// The faults, and the end of the first call that is assigned to.
type Refused = (Vec<Problem>, Option<usize>);

fn once(text: &str, goal: Goal, rule: &'static str) -> Result<(), Refused> {
    let allocator = Allocator::default();
    let options = ParseOptions { parse_regular_expression: true, ..ParseOptions::default() };
    let parsed = Parser::new(&allocator, text, goal.source_type).with_options(options).parse();
    let ParserReturn { program, diagnostics, irregular_whitespaces, panicked, .. } = parsed;
    let mut errors: Vec<OxcDiagnostic> = diagnostics.into_vec();
    let mut problems = Vec::new();
    if errors.is_empty() && !panicked {
        let built = SemanticBuilder::new().with_build_nodes(true).with_check_syntax_error(true).build(&program);
        errors.extend(built.diagnostics.into_vec());
        if goal.is_plain() || goal == Goal::JSX {
            problems.extend(checks::typescript_in_javascript(built.semantic.nodes()));
        }
        if goal.source_type.is_module() {
            problems.extend(checks::html_comment_in_module(built.semantic.nodes(), text));
        }
    }
    let call_target = errors.iter().find_map(|error| hints::call_target(error, text));
    problems.extend(errors.iter().take(FAULTS_MAX).map(|error| hints::one(error, text, rule)));
    problems
        .extend(irregular_whitespaces.iter().filter_map(|span| checks::not_white_space(*span, text)).take(FAULTS_MAX));
    if panicked && problems.is_empty() {
        problems.push(Problem::whole(rule, "the parser gave up without a reason"));
    }
    if problems.is_empty() { Ok(()) } else { Err((problems, call_target)) }
}

/// What else a file that was refused is valid as.
fn other_language(text: &str, goal: Goal) -> Option<&'static str> {
    if !goal.source_type.is_javascript() {
        return None;
    }
    [Goal::TS, Goal::TSX].into_iter().any(|goal| once(text, goal, RULE).is_ok()).then_some(
        "this is TypeScript, which Node does not run as JavaScript; rename the file to .ts or remove the types",
    )
}
