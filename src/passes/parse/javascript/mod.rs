//! JavaScript and TypeScript: the verdict of `oxc_parser` and `oxc_semantic`, completed to V8's own.
//!
//! Which goal a file is parsed for — module, script, CommonJS — is decided as Node decides it: by the extension, then by
//! the nearest `package.json`, then by trying CommonJS first and module second.

mod arena;
mod checks;
mod costs;
mod early;
mod engine;
mod goal;
mod hints;
mod jumps;
#[cfg(feature = "bench")]
pub mod layers;
mod mend;
mod names;
mod nesting;
mod notes;
mod privates;
mod redeclare;
mod regex;
mod roles;
mod scan;
mod survey;
mod tolerate;
mod watch;

use super::Region;
use super::bounds;
use super::file::Basis;
use super::problem::{Judged, Problem};
use crate::facts::strict::Lowered;
use crate::language::{Language, NodeVersion};
use engine::{Accepted, Harvest, Refused, Terms};
use mend::Mends;
use roles::Candidate;

pub(super) use crate::facts::strict::Frame;
pub(super) use goal::Goal;
pub(super) use roles::Roles;

/// Brackets inside one another that are parsed. V8 takes at most 3,300; [`survey`] says which nests are too deep for it.
const BRACKETS_MAX: u64 = 5_000;

/// Round brackets inside one another that are parsed; V8 takes at most 2,188. Each may begin the parameters of an arrow
/// function, and where they do not end, the parser reads what is in each again: it takes time and memory with their square.
const ROUND_BRACKETS_MAX: usize = 2_200;

const RULE: &str = "javascript-syntax-error";
const TYPESCRIPT_RULE: &str = "typescript-syntax-error";

/// Judges one JavaScript or TypeScript file.
pub(super) fn judge(path: &str, language: Language, text: &str, roles: &Roles<'_>, basis: Basis<'_>) -> Judged {
    let mut judged = Judged::default();
    if let Some(problem) = bounded(text, language) {
        judged.problems.push(problem);
        return judged;
    }
    let rule = if language == Language::TypeScript { TYPESCRIPT_RULE } else { RULE };
    let node = basis.target.node;
    let harvest = basis.wanted(path).map(|wanted| Harvest { wanted, offset: 0, frame: Frame::File });
    let terms = |goal| Terms { goal, node, rule, harvest };
    match first_accepting(roles.candidates(path, text), text, terms) {
        Ok((candidate, accepted)) => {
            judged.problems.extend(accepted.note);
            let region = |lowered| Region::strict(language, 0..text.len(), lowered, basis.policy);
            judged.regions.extend(accepted.lowered.map(region));
            judged.dialect = Some(candidate.goal.dialect());
            judged.dialect_from = Some(candidate.from);
        }
        Err((candidate, problems)) => {
            judged.dialect = Some(candidate.goal.dialect());
            judged.dialect_from = Some(candidate.from);
            let other = other_language(text, candidate.goal, node);
            let found = scan::scan(text, BRACKETS_MAX);
            judged.problems = hints::improve(problems, text, &found, rule, other);
        }
    }
    judged
}

/// The first candidate that takes `text`; or the one that got furthest, which has the most to say.
fn first_accepting(
    candidates: Vec<Candidate>,
    text: &str,
    terms: impl Fn(Goal) -> Terms,
) -> Result<(Candidate, Accepted), (Candidate, Vec<Problem>)> {
    let mut refused: Option<(Candidate, Vec<Problem>)> = None;
    let mut tried: Vec<(Goal, Option<Accepted>)> = Vec::new();
    for candidate in candidates {
        let goal = candidate.goal;
        if let Some((_, before)) = tried.iter_mut().find(|(before, _)| *before == goal) {
            match before.take() {
                Some(accepted) => return Ok((candidate, Accepted { note: None, ..accepted })),
                None => continue,
            }
        }
        if goal == Goal::JSX && refused.is_some() && !text.contains('<') {
            continue;
        }
        match attempt(text, terms(goal)) {
            Ok(accepted) if candidate.if_module_syntax && !accepted.has_module_syntax => {
                tried.push((goal, Some(accepted)));
            }
            Ok(accepted) if goal != Goal::JSX || candidate.from != roles::JSX_IN_JS => {
                return Ok((candidate, accepted));
            }
            // What is a module without JSX was not refused for its JSX.
            Ok(_) if attempt(text, Terms { harvest: None, ..terms(Goal::MODULE) }).is_ok() => {
                tried.push((goal, None));
            }
            Ok(accepted) => {
                let note = accepted.note.or(Some(notes::jsx()));
                return Ok((candidate, Accepted { note, ..accepted }));
            }
            Err(problems) => {
                tried.push((goal, None));
                if refused.as_ref().is_none_or(|(_, best)| reach(&problems) > reach(best)) {
                    refused = Some((candidate, problems));
                }
            }
        }
    }
    Err(refused.expect("there is a candidate, and if none was accepted one was refused"))
}

/// Judges the script of a page, or the handler of an event in it, `offset` bytes into its text: what its tree was lowered
/// into, or its faults.
pub(super) fn judge_inline(
    text: &str,
    offset: usize,
    (goal, frame): (Goal, Frame),
    basis: Basis<'_>,
) -> Result<Option<Lowered>, Vec<Problem>> {
    let harvest = basis.wanted("").map(|wanted| Harvest { wanted, offset, frame });
    let problems = match bounded(text, Language::JavaScript) {
        Some(problem) => vec![problem],
        None => match attempt(text, Terms { goal, node: basis.target.node, rule: RULE, harvest }) {
            Ok(accepted) => return Ok(accepted.lowered),
            Err(problems) => hints::improve(problems, text, &scan::scan(text, BRACKETS_MAX), RULE, None),
        },
    };
    Err(problems.into_iter().map(|problem| problem.moved(offset)).collect())
}

/// What of a text is too much for the parser.
fn bounded(text: &str, language: Language) -> Option<Problem> {
    let labels = || {
        let at = bounds::labels_over(text, bounds::LABELS_MAX)?;
        Some(Problem::new("nesting-too-deep", format!("more than {} labels in a row", bounds::LABELS_MAX), at..at + 1))
    };
    let type_arguments = || {
        let most = bounds::TYPE_ARGUMENTS_MAX;
        let is_typescript = language == Language::TypeScript;
        let at = is_typescript.then(|| bounds::type_arguments_over(text, most)).flatten()?;
        Some(bounds::too_deep("type arguments", most as u64, at))
    };
    too_deep(text, language).or_else(labels).or_else(type_arguments)
}

/// What nests too deep in a text, or could.
fn too_deep(text: &str, language: Language) -> Option<Problem> {
    let is_typescript = language == Language::TypeScript;
    if nesting::is_slight(text, is_typescript) || nesting::measure(text, is_typescript).fits() {
        return None;
    }
    let found = scan::scan(text, BRACKETS_MAX);
    let brackets = found.brackets.too_deep.map(|at| bounds::too_deep("brackets", BRACKETS_MAX, at));
    let round = || found.round_too_deep.map(|at| bounds::too_deep("round brackets", ROUND_BRACKETS_MAX as u64, at));
    brackets.or_else(round).or_else(|| bounds::too_much_code(text))
}

/// How far a goal got: the offset of its first fault.
fn reach(problems: &[Problem]) -> usize {
    problems.iter().filter_map(|problem| problem.range.as_ref()).map(|range| range.start).min().unwrap_or(0)
}

/// The faults of `text` for one goal, at their places in it.
fn attempt(text: &str, terms: Terms) -> Result<Accepted, Vec<Problem>> {
    // Node drops the byte order mark of a module, and of nothing else: only there a `#!` may follow it.
    let plain = text.strip_prefix("\u{feff}#!").filter(|_| terms.goal.is_module()).map(|rest| format!("//   {rest}"));
    let text = plain.as_deref().unwrap_or(text);
    let mut mends = Mends::default();
    loop {
        let mended = mends.apply(text);
        match engine::once(&mended, terms, &mends) {
            Ok(accepted) => return Ok(accepted),
            Err(Refused { problems, mends: found }) => {
                let length = mended.len();
                let problems = mends.unmended(problems);
                if !mends.add(found, length) {
                    return Err(problems);
                }
            }
        }
    }
}

/// What else a file that was refused is valid as.
fn other_language(text: &str, goal: Goal, node: NodeVersion) -> Option<&'static str> {
    if !goal.is_javascript() || roles::begins_page(text) || bounded(text, Language::TypeScript).is_some() {
        return None;
    }
    let terms = |goal, node| Terms { goal, node, rule: RULE, harvest: None };
    let is_valid = |goal, node| engine::once(text, terms(goal, node), &Mends::default()).is_ok();
    // What another version of Node takes is no TypeScript.
    let others = [NodeVersion::ALL[0], NodeVersion::NEWEST].into_iter().filter(|other| *other != node);
    let mut javascript = others.map(|other| is_valid(goal, other));
    let is_typescript =
        !javascript.any(|valid| valid) && [Goal::TS, Goal::TSX].into_iter().any(|goal| is_valid(goal, node));
    is_typescript.then_some(
        "this is TypeScript, which Node does not run as JavaScript; rename the file to .ts or remove the types",
    )
}
