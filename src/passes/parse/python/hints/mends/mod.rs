//! What to do about a fault, where that is plain: one small function a mend, the first that knows one gives it.

mod brackets;
mod characters;
mod dialects;
mod habits;
mod layout;
mod strings;
mod words;

use std::borrow::Cow;
use std::ops::Range;

use super::diagnose::{Found, line_start};
use super::tokens::FaultKind;

/// A mend: a lower-case fragment.
type Mend = Option<Cow<'static, str>>;

/// A fault and the line it is on.
struct Place<'a> {
    text: &'a str,
    message: &'a str,
    kind: Option<FaultKind>,
    /// Where the fault is.
    range: Range<usize>,
    opener: Option<Range<usize>>,
    /// The line from its first character that is no white space.
    code: &'a str,
    /// The line before the fault, without the white space at its beginning.
    before: &'a str,
    /// The line from the fault on.
    rest: &'a str,
}

impl<'a> Place<'a> {
    fn of(found: &'a Found, text: &'a str) -> Self {
        let at = text.floor_char_boundary(found.range.start.min(text.len()));
        let start = line_start(text, at);
        let end = text[at..].find('\n').map_or(text.len(), |length| at + length);
        Self {
            text,
            message: &found.message,
            kind: found.kind,
            range: at..text.floor_char_boundary(found.range.end.clamp(at, text.len())),
            opener: found.opener.clone(),
            code: text[start..end].trim(),
            before: text[start..at].trim_start(),
            rest: &text[at..end],
        }
    }

    /// What the fault covers.
    fn covered(&self) -> &'a str {
        &self.text[self.range.clone()]
    }

    fn is_generic(&self) -> bool {
        self.message == "invalid syntax"
    }
}

/// All mends; what explains a whole file stands before what explains a token.
const MENDS: &[fn(&Place<'_>) -> Mend] = &[
    dialects::markdown,
    dialects::merge_conflict,
    dialects::prompt,
    dialects::shell,
    dialects::escaped_newlines,
    characters::lookalike,
    characters::backtick,
    brackets::unclosed,
    brackets::mismatched,
    strings::unterminated,
    strings::fields,
    strings::numbers,
    layout::tabs,
    layout::indentation,
    habits::statements,
    layout::block,
    layout::continuation,
    dialects::else_if,
    habits::diff,
    habits::comment,
    habits::dots,
    habits::placeholder,
    habits::entity,
    habits::import,
    habits::parted_name,
    habits::key,
    dialects::python_two,
    dialects::operators,
    dialects::declarations,
    dialects::braces,
    words::keyword_as_name,
    words::misspelled,
    words::without_statement,
    words::missing_in,
    words::colon,
    words::assignment,
    words::comma,
    words::order,
    dialects::prose,
    words::inserted,
    words::missing_operand,
    words::doubled,
];

/// The mend of a fault.
pub(super) fn mend(found: &Found, text: &str) -> Mend {
    let place = Place::of(found, text);
    MENDS.iter().find_map(|mend| mend(&place))
}

/// Whether a fault is the fence of a Markdown block.
pub(super) fn is_fence(found: &Found, text: &str) -> bool {
    dialects::markdown(&Place::of(found, text)).is_some()
}

/// Whether the mend of a fault is about the file, not about one line: it is said once.
pub(super) fn is_of_file(found: &Found, text: &str) -> bool {
    let place = Place::of(found, text);
    let of_file =
        [dialects::merge_conflict, habits::diff, dialects::prompt, dialects::escaped_newlines, dialects::prose];
    of_file.iter().any(|mend| mend(&place).is_some())
}
