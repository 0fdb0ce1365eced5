//! Names of variables and of characters, by the Unicode of the target's version.
//!
//! The strict parser knows newer characters than CPython does: a letter that Unicode 15 brought is none for 3.11. Every
//! property that CPython asks for is one that a character has had since it was assigned, save for the four of
//! [`LATE_LETTERS`]; so one table of what was assigned when tells all.

use std::cell::LazyCell;
use std::ops::Range;

use memchr::memmem;
use ruff_python_ast::StringFlags as _;
use ruff_python_ast::str_prefix::AnyStringPrefix;
use ruff_python_ast::token::{Token, TokenKind};
use ruff_text_size::Ranged as _;
use unicode_normalization::UnicodeNormalization as _;

use crate::language::PythonVersion;
use crate::passes::parse::problem::Problem;

const ASSIGNED: &str = include_str!("unicode_since.txt");

/// Characters that were assigned long before they were allowed in names, in 3.13: the joiners, and two middle dots.
const LATE_LETTERS: [char; 4] = ['\u{200c}', '\u{200d}', '\u{30fb}', '\u{ff65}'];

/// Other names of characters that are newer than the characters, and since when CPython knows them.
const LATE_NAMES: &[(&str, PythonVersion)] = &[
    ("FVS4", PythonVersion::Py311),
    ("MYANMAR LETTER KHAMTI LLA", PythonVersion::Py311),
    ("ARABIC SMALL HIGH LIGATURE ALEF WITH YEH BARREE", PythonVersion::Py312),
    ("EM", PythonVersion::Py312),
    ("SUNDANESE LETTER ARCHAIC I", PythonVersion::Py312),
    ("BAMUM LETTER PHASE-A MAEMGBIEE", PythonVersion::Py314),
    ("CUNEIFORM SIGN KALAM", PythonVersion::Py314),
    ("MENDE KIKAKUI SYLLABLE M172 MBO", PythonVersion::Py314),
    ("MENDE KIKAKUI SYLLABLE M174 MBOO", PythonVersion::Py314),
];

/// The longest name of a character, in bytes; what is longer is none.
const NAME_BYTES_MAX: usize = 256;

/// What CPython of the target's version refuses in the names of a text that the strict parser accepts.
pub(super) fn faults(text: &str, tokens: &[Token], version: PythonVersion) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut places = Places::new(text);
    // Most of what is not ASCII stands in comments and strings, where no character is too new.
    let assigned = LazyCell::new(|| Assigned::after(version));
    let mut rest = tokens;
    while let Some(place) = places.next() {
        rest = &rest[rest.partition_point(|token| usize::from(token.end()) <= place)..];
        let Some(token) = rest.first() else { break };
        let (kind, range) = token.as_tuple();
        let range = super::bytes(range);
        if range.start > place {
            continue;
        }
        places.skip_to(range.end);
        let source = &text[range.clone()];
        match kind {
            TokenKind::Name => problems.extend(identifier_fault(source, range.start, version, &assigned)),
            TokenKind::String | TokenKind::FStringMiddle | TokenKind::TStringMiddle => {
                let prefix = token.string_flags().map(|flags| flags.prefix());
                let has_escapes =
                    prefix.is_some_and(|prefix| !prefix.is_raw() && !matches!(prefix, AnyStringPrefix::Bytes(_)));
                if has_escapes {
                    problems.extend(escape_fault(source, range.start, version, &assigned));
                }
            }
            _ => {}
        }
    }
    problems
}

/// The places of a text where a name may be at fault: what is not ASCII, and the `\N{…}` of strings.
struct Places<'a> {
    bytes: &'a [u8],
    strange: Option<usize>,
    named: Option<usize>,
}

impl<'a> Places<'a> {
    fn new(text: &'a str) -> Self {
        let bytes = text.as_bytes();
        Self { bytes, strange: beyond_ascii(bytes, 0), named: named(bytes, 0) }
    }

    /// The first of them.
    fn next(&mut self) -> Option<usize> {
        let place = self.strange.unwrap_or(usize::MAX).min(self.named.unwrap_or(usize::MAX));
        if place == usize::MAX {
            return None;
        }
        self.skip_to(place + 1);
        Some(place)
    }

    /// Forgets those before `at`.
    fn skip_to(&mut self, at: usize) {
        if self.strange.is_some_and(|place| place < at) {
            self.strange = beyond_ascii(self.bytes, at);
        }
        if self.named.is_some_and(|place| place < at) {
            self.named = named(self.bytes, at);
        }
    }
}

/// The first `\N{` from `at` on.
fn named(bytes: &[u8], at: usize) -> Option<usize> {
    memmem::find(&bytes[at..], b"\\N{").map(|found| at + found)
}

/// The first byte from `at` on that is not ASCII; many are looked at together.
pub(super) fn beyond_ascii(bytes: &[u8], at: usize) -> Option<usize> {
    const TOGETHER: usize = 64;
    let rest = &bytes[at..];
    let first = TOGETHER * rest.chunks(TOGETHER).position(|chunk| !chunk.is_ascii())?;
    rest[first..].iter().position(|byte| !byte.is_ascii()).map(|found| at + first + found)
}

/// The fault of an identifier that begins at `start`.
fn identifier_fault(name: &str, start: usize, version: PythonVersion, assigned: &Assigned) -> Option<Problem> {
    for (at, char) in name.char_indices().filter(|(_, char)| !char.is_ascii()) {
        let place = start + at..start + at + char.len_utf8();
        let code = u32::from(char);
        if LATE_LETTERS.contains(&char) && version < PythonVersion::Py313 {
            let message = match char {
                '\u{200c}' | '\u{200d}' => format!("invalid non-printable character U+{code:04X}"),
                _ => format!("invalid character '{char}' (U+{code:04X})"),
            };
            return Some(Problem::new(super::RULE, message, place).hint("names may hold it from Python 3.13 on"));
        }
        if assigned.has(char) {
            let message = format!("invalid non-printable character U+{code:04X}");
            let hint = format!("the character is newer than the Unicode of Python {version}");
            return Some(Problem::new(super::RULE, message, place).hint(hint));
        }
    }
    // CPython 3.13 began to check that its own tree holds no name that it took for a keyword.
    let is_constant = |normal: &str| matches!(normal, "None" | "True" | "False");
    let normal: String = name.nfkc().take("False".len() + 1).collect();
    (version >= PythonVersion::Py313 && is_constant(&normal)).then(|| {
        let message = format!("identifier field can't represent '{normal}' constant");
        Problem::new(super::RULE, message, start..start + name.len())
    })
}

/// The first `\N{…}` of a string that begins at `start` whose name the version does not know.
fn escape_fault(string: &str, start: usize, version: PythonVersion, assigned: &Assigned) -> Option<Problem> {
    let mut at = 0;
    while let Some(found) = string[at..].find('\\') {
        at += found;
        let Some(name) = string[at..].strip_prefix("\\N{") else {
            // The backslash and the character that it escapes.
            at += 1 + string[at + 1..].chars().next().map_or(0, char::len_utf8);
            continue;
        };
        let length = name.find('}')?;
        let end = at + "\\N{".len() + length + 1;
        if !is_known(&name[..length], version, assigned) {
            return Some(unknown_name(start + at..start + end));
        }
        at = end;
    }
    None
}

fn unknown_name(range: Range<usize>) -> Problem {
    let message = "(unicode error) 'unicodeescape' codec can't decode bytes: unknown Unicode character name";
    Problem::new(super::RULE, message, range)
}

/// Whether a name that the strict parser knows is one for the version, too.
fn is_known(name: &str, version: PythonVersion, assigned: &Assigned) -> bool {
    let Some(char) = unicode_names2::character(name).filter(|_| name.len() <= NAME_BYTES_MAX) else { return false };
    let upper = name.to_ascii_uppercase();
    let is_late = || LATE_NAMES.iter().any(|(late, since)| *late == upper && version < *since);
    let is_spelled_out = match upper.strip_prefix("CJK UNIFIED IDEOGRAPH-") {
        Some(digits) if version >= PythonVersion::Py313 => !digits.starts_with('0'),
        Some(_) => upper == name,
        None => version >= PythonVersion::Py313 || upper == name || !upper.starts_with("HANGUL SYLLABLE "),
    };
    !assigned.has(char) && !is_late() && is_spelled_out
}

/// The code points that were assigned after a version of CPython.
struct Assigned(Vec<(u32, u32)>);

impl Assigned {
    fn after(version: PythonVersion) -> Self {
        let number = |text: &str| u32::from_str_radix(text, 16).ok();
        let mut ranges: Vec<(u32, u32)> = ASSIGNED
            .split("\n\n")
            .skip(1)
            .filter_map(|paragraph| paragraph.split_once(' '))
            .filter(|(since, _)| since.strip_prefix("3.").and_then(|minor| minor.parse().ok()) > Some(version.minor()))
            .flat_map(|(_, ranges)| ranges.split_whitespace())
            .filter_map(|range| {
                let (first, last) = range.split_once('-').unwrap_or((range, range));
                Some((number(first)?, number(last)?))
            })
            .collect();
        ranges.sort_unstable();
        Self(ranges)
    }

    fn has(&self, char: char) -> bool {
        let code = u32::from(char);
        let before = self.0.partition_point(|(first, _)| *first <= code);
        before.checked_sub(1).is_some_and(|at| code <= self.0[at].1)
    }
}
