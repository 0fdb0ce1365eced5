//! What is printed: one table of counts, and the classes of differences with an example each.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::class::{Class, Kind};
use super::oracle::Verdict;
use super::tally::{Counts, Group, Tally, percent};
use super::vetrun_side::Ours;

/// Classes listed of each kind, most frequent first.
const CLASSES_MAX: usize = 60;

/// The longest example that is shown whole, in characters.
const EXAMPLE_CHARACTERS_MAX: usize = 300;

/// Tells why a class of differences is known, if it is.
type Reasons<'a> = &'a dyn Fn(&Class) -> Option<&'static str>;

/// The tables of one corpus, as text.
pub(crate) fn print(out: &mut dyn Write, name: &str, tally: &Tally, reason: Reasons<'_>) -> io::Result<()> {
    let counts = &tally.counts;
    writeln!(out, "## {name}")?;
    writeln!(
        out,
        "{:>8} cases: {} invalid, {} valid for the engine; {} false accepts, {} false refusals, {} other dialects; agreement {:.4} %",
        counts.cases,
        counts.engine_invalid,
        counts.engine_valid,
        counts.false_accepts,
        counts.false_refusals,
        counts.dialects,
        counts.agreement(),
    )?;
    writeln!(
        out,
        "{:>8} refused by a named limit of vetrun's, {} beyond the engine's own limits, {} crashes of the engine, {} not \
         asked",
        counts.named_limits, counts.engine_limits, counts.crashes, counts.not_asked,
    )?;
    writeln!(
        out,
        "{:>8} refused by both: first error on the same line {:.2} %, in the same column {:.2} % (of {} placed), in the \
         same words {:.2} %",
        counts.both_refuse,
        percent(counts.same_line, counts.placed),
        percent(counts.same_column, counts.placed),
        counts.placed,
        percent(counts.same_words, counts.both_refuse),
    )?;
    if counts.engine_against_suite + counts.vetrun_against_suite > 0 {
        writeln!(
            out,
            "{:>8} against the suite's own expectation for the engine, {} for vetrun",
            counts.engine_against_suite, counts.vetrun_against_suite,
        )?;
    }
    for kind in KINDS {
        classes(out, *kind, tally, reason)?;
    }
    writeln!(out)?;
    out.flush()
}

const KINDS: &[Kind] = &[
    Kind::FalseAccept,
    Kind::FalseRefusal,
    Kind::Dialect,
    Kind::NamedLimit,
    Kind::EngineLimit,
    Kind::Crash,
    Kind::Place,
    Kind::Words,
];

/// The classes of one kind, most frequent first.
fn sorted(kind: Kind, tally: &Tally) -> Vec<(&Class, &Group)> {
    let mut found: Vec<_> = tally.groups.iter().filter(|(class, _)| class.kind == kind).collect();
    found.sort_by_key(|(_, group)| std::cmp::Reverse(group.count));
    found
}

fn classes(out: &mut dyn Write, kind: Kind, tally: &Tally, reason: Reasons<'_>) -> io::Result<()> {
    let found = sorted(kind, tally);
    if !found.is_empty() {
        let cases: u64 = found.iter().map(|(_, group)| group.count).sum();
        writeln!(out, "  {kind:?}: {cases} cases in {} classes", found.len())?;
    }
    for (class, group) in found.iter().take(CLASSES_MAX) {
        writeln!(out, "    {:>6} × {} | {}", group.count, class.engine, class.vetrun)?;
        writeln!(out, "             {} | {}", engine_words(&group.engine), our_words(&group.ours))?;
        writeln!(out, "             {} [{}]", example(&group.example.bytes), group.example.name)?;
        if let Some(reason) = reason(class) {
            writeln!(out, "             known: {reason}")?;
        }
    }
    if let Some(more) = found.len().checked_sub(CLASSES_MAX).filter(|more| *more > 0) {
        writeln!(out, "    … and {more} classes more")?;
    }
    Ok(())
}

/// An engine's verdict in words.
pub(crate) fn engine_words(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Valid(dialect) if dialect.is_empty() => "valid".to_owned(),
        Verdict::Valid(dialect) => format!("valid as {dialect}"),
        Verdict::Invalid { message, line, column } => format!("{line}:{column} {message}"),
        Verdict::Limit(message) => format!("limit: {message}"),
        Verdict::Crash(message) => format!("crash: {message}"),
    }
}

/// vetrun's verdict in words.
pub(crate) fn our_words(ours: &Ours) -> String {
    match ours {
        Ours::Accepted(dialect) => format!("accepted as {dialect}"),
        Ours::Refused { message, line, column } => format!("{line}:{column} {message}"),
        Ours::Limit(rule) => format!("limit: {rule}"),
    }
}

/// An example on one line, cut in its middle where it is long.
fn example(bytes: &[u8]) -> String {
    let text: Vec<char> = String::from_utf8_lossy(bytes).chars().collect();
    let shown = |chars: &[char]| format!("{:?}", chars.iter().collect::<String>());
    if text.len() <= EXAMPLE_CHARACTERS_MAX {
        return shown(&text);
    }
    let half = EXAMPLE_CHARACTERS_MAX / 2;
    format!("{} … {} ({} characters)", shown(&text[..half]), shown(&text[text.len() - half..]), text.len())
}

/// The same as data.
pub(crate) fn data(name: &str, tally: &Tally, reason: Reasons<'_>) -> Value {
    let classes: Vec<Value> = KINDS
        .iter()
        .flat_map(|kind| sorted(*kind, tally))
        .map(|(class, group)| {
            json!({
                "class": class,
                "count": group.count,
                "case": group.example.name,
                "example": String::from_utf8_lossy(&group.example.bytes),
                "engine": engine_words(&group.engine),
                "vetrun": our_words(&group.ours),
                "known": reason(class),
            })
        })
        .collect();
    json!({ "corpus": name, "counts": tally.counts, "agreementPercent": tally.counts.agreement(), "classes": classes })
}

/// One line for each corpus, at the end.
pub(crate) fn summary(out: &mut dyn Write, rows: &[(String, Counts)]) -> io::Result<()> {
    writeln!(
        out,
        "{:<24} {:>8} {:>8} {:>8} {:>7} {:>8} {:>8} {:>7} {:>10} {:>7} {:>7} {:>7}",
        "corpus",
        "cases",
        "invalid",
        "valid",
        "accepts",
        "refusals",
        "dialects",
        "limits",
        "agree %",
        "line %",
        "col %",
        "words %"
    )?;
    for (name, counts) in rows {
        writeln!(
            out,
            "{:<24} {:>8} {:>8} {:>8} {:>7} {:>8} {:>8} {:>7} {:>10.4} {:>7.2} {:>7.2} {:>7.2}",
            name,
            counts.cases,
            counts.engine_invalid,
            counts.engine_valid,
            counts.false_accepts,
            counts.false_refusals,
            counts.dialects,
            counts.named_limits,
            counts.agreement(),
            percent(counts.same_line, counts.placed),
            percent(counts.same_column, counts.placed),
            percent(counts.same_words, counts.both_refuse),
        )?;
    }
    Ok(())
}
