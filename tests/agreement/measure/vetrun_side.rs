//! vetrun's verdict on a case, through the same function that vets every artifact.

use vetrun::artifact::{Artifact, SourceFile};
use vetrun::finding::{Finding, Severity};
use vetrun::language::EngineVersions;
use vetrun::passes::parse::{Target, Validity, parse};
use vetrun::policy::ParsePolicy;

use super::case::{Case, Goal};

/// The rules that name a limit of vetrun's own; none of them says that the code is wrong.
const LIMIT_RULES: &[&str] = &["nesting-too-deep", "parse-limit", "file-too-large-to-parse"];

/// The rule that stands for findings which are not shown.
const REST_RULE: &str = "more-syntax-errors";

/// What stands before and behind a script, so that vetrun judges it as one.
const PAGE: (&str, &str) = ("<script>", "</script>");

/// What vetrun says of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ours {
    /// It is valid, as this dialect.
    Accepted(&'static str),
    /// It is refused: the first fault, and its place (line and column, counted from 1) where it has one.
    Refused { message: String, line: u32, column: u32 },
    /// A limit of vetrun's own was reached; its rule.
    Limit(String),
}

/// Whether vetrun can be asked about a case: a script is judged in a page, which some texts would end too early.
pub(crate) fn can_judge(case: &Case) -> bool {
    let holds = |what: &[u8]| case.bytes.windows(what.len()).any(|window| window.eq_ignore_ascii_case(what));
    case.goal != Goal::Script || !(holds(b"</script") || holds(b"<script"))
}

/// The verdict.
pub(crate) fn judge(case: &Case, engines: EngineVersions) -> Ours {
    let bytes = match case.goal {
        Goal::Script => [PAGE.0.as_bytes(), &case.bytes, PAGE.1.as_bytes()].concat(),
        _ => case.bytes.clone(),
    };
    let mut files = vec![SourceFile::new(case.file_name, bytes)];
    files.extend(case.package.manifest().map(|text| SourceFile::new("package.json", text.as_bytes())));
    let artifact = Artifact::new("case", "case", files, Vec::new());
    let policy = ParsePolicy { python_version: engines.python, node_version: engines.node, ..ParsePolicy::default() };
    let (parsed, findings) = parse(&artifact, &policy, &Target::new(&policy, engines, None));
    let file = parsed.files.iter().find(|file| file.source.path == case.file_name).expect("the artifact holds it");
    let fatal: Vec<&Finding> = findings
        .iter()
        .filter(|finding| finding.path == case.file_name && finding.severity >= Severity::Medium)
        .filter(|finding| finding.rule_id != REST_RULE)
        .collect();
    if file.validity == Validity::Valid {
        return Ours::Accepted(file.dialect.unwrap_or("page"));
    }
    if let Some(limit) = fatal.iter().find(|finding| LIMIT_RULES.contains(&&*finding.rule_id)) {
        return Ours::Limit(limit.rule_id.clone().into_owned());
    }
    let Some(first) = fatal.first() else { return Ours::Limit("no reason given".to_owned()) };
    let (line, column) = first.range.map_or((0, 0), |range| (range.start.line, range.start.column));
    let shift = if case.goal == Goal::Script && line == 1 { PAGE.0.len() as u32 } else { 0 };
    Ours::Refused { message: first.message.clone(), line, column: column.saturating_sub(shift) }
}
