//! Classes of cases that came out alike: how the two verdicts compare, and both sides' words without what is of one case
//! alone.

use serde::Serialize;

use super::oracle::Verdict;
use super::vetrun_side::Ours;

/// How a case came out where there is something to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    /// The engine refuses it, vetrun accepts it.
    FalseAccept,
    /// The engine accepts it, vetrun refuses it.
    FalseRefusal,
    /// Both accept it, as different dialects.
    Dialect,
    /// The engine accepts it, vetrun stops at a limit with a name.
    NamedLimit,
    /// The engine gave up for want of room.
    EngineLimit,
    /// The engine failed.
    Crash,
    /// Both refuse it, for reasons in different places.
    Place,
    /// Both refuse it at the same place, in different words.
    Words,
}

/// A class of cases that came out alike: both sides' words with names and numbers blanked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Class {
    pub(crate) kind: Kind,
    pub(crate) engine: String,
    pub(crate) vetrun: String,
}

/// How a case came out; `None` where the two say the same.
pub(crate) fn kind(engine: &Verdict, ours: &Ours) -> Option<Kind> {
    match (engine, ours) {
        (Verdict::Limit(_), _) => Some(Kind::EngineLimit),
        (Verdict::Crash(_), _) => Some(Kind::Crash),
        (Verdict::Valid(theirs), Ours::Accepted(our)) => (!theirs.is_empty() && theirs != our).then_some(Kind::Dialect),
        (Verdict::Invalid { .. }, Ours::Limit(_)) => None,
        (Verdict::Valid(_), Ours::Limit(_)) => Some(Kind::NamedLimit),
        (Verdict::Valid(_), Ours::Refused { .. }) => Some(Kind::FalseRefusal),
        (Verdict::Invalid { .. }, Ours::Accepted(_)) => Some(Kind::FalseAccept),
        (Verdict::Invalid { message, line, column }, Ours::Refused { message: our, line: at, column: by }) => {
            match (line, column) {
                (0, _) => None,
                place if place != (at, by) => Some(Kind::Place),
                _ if !same_words(message, our) => Some(Kind::Words),
                _ => None,
            }
        }
    }
}

/// The class of a case.
pub(crate) fn class(kind: Kind, engine: &Verdict, ours: &Ours) -> Class {
    let engine = match engine {
        Verdict::Valid(dialect) if kind == Kind::Dialect => format!("valid as {dialect}"),
        Verdict::Valid(_) => "valid".to_owned(),
        Verdict::Invalid { message, .. } | Verdict::Limit(message) | Verdict::Crash(message) => blanked(message),
    };
    let vetrun = match ours {
        Ours::Accepted(dialect) => format!("accepted as {dialect}"),
        Ours::Refused { message, .. } => blanked(message),
        Ours::Limit(rule) => format!("limit {rule}"),
    };
    Class { kind, engine, vetrun }
}

/// The class of a case in which the two verdicts differ; `None` where they do not.
pub(crate) fn difference(engine: &Verdict, ours: &Ours) -> Option<Class> {
    let kind = kind(engine, ours).filter(|kind| *kind < Kind::NamedLimit)?;
    Some(class(kind, engine, ours))
}

/// Whether two messages say the same but for the case of letters and a full stop.
pub(crate) fn same_words(engine: &str, ours: &str) -> bool {
    let plain = |text: &str| text.trim().trim_end_matches('.').to_lowercase();
    plain(engine) == plain(ours)
}

/// A message with what it quotes and its numbers blanked, so that messages of one kind are equal.
fn blanked(message: &str) -> String {
    let mut out = String::new();
    let mut rest = message;
    if let Some((head, regex)) = message.split_once(": /") {
        // V8 quotes the whole expression, without marks of its own.
        out = format!("{head}: ");
        rest = regex.rsplit_once(": ").map_or("", |(_, why)| why);
    }
    while let Some(first) = rest.chars().next() {
        let tail = &rest[first.len_utf8()..];
        let close = match first {
            '\'' | '"' | '`' => Some(first),
            '\u{201c}' => Some('\u{201d}'),
            _ => None,
        };
        let quoted = close.and_then(|close| tail.find(close).map(|end| end + close.len_utf8()));
        let apostrophe = first == '\'' && out.ends_with(char::is_alphanumeric);
        match quoted {
            Some(length) if !apostrophe => {
                out.push_str("'…'");
                rest = &tail[length..];
            }
            _ if first.is_ascii_digit() => {
                out.push('N');
                let tail = tail.strip_prefix('x').unwrap_or(tail);
                rest = tail.trim_start_matches(|char: char| char.is_ascii_hexdigit());
            }
            _ => {
                out.push(first);
                rest = tail;
            }
        }
    }
    out
}
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_are_blanked() {
        for (message, expected) in [
            ("'(' was never closed", "'…' was never closed"),
            ("invalid character '“' (U+201C)", "invalid character '…' (U+N)"),
            ("expected 'else' after 'if' on line 27", "expected '…' after '…' on line N"),
            ("can't use `x`", "can't use '…'"),
            ("byte 0xe9 at 12", "byte N at N"),
            ("Invalid regular expression: /(?<a>: /u: Invalid group", "Invalid regular expression: Invalid group"),
        ] {
            assert_eq!(blanked(message), expected);
        }
    }
}
