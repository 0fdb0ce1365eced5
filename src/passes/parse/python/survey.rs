//! One walk over the tokens, which tells the walk over the tree where there is nothing for it to find.
//!
//! Most expressions are names, calls, attributes and constants, and of those CPython refuses none, whatever stands around
//! them. What may be at fault is known by a token of its own: a star, a `lambda`, a `yield`, a second keyword argument, ….
//! So each such token leaves a mark at its place, and an expression without a mark in it is passed over whole.

use ruff_python_ast::token::{Token, TokenKind};
use ruff_text_size::{Ranged as _, TextRange};

use super::layout::{self, Indentation};
use super::names::Watched;
use crate::passes::parse::problem::Problem;

/// What the tokens of a text say.
pub(super) struct Survey<'a> {
    /// The first line whose indentation CPython refuses.
    pub(super) layout: Option<Problem>,
    /// The first `yield` before an operator that begins no expression.
    pub(super) bare_yield: Option<Problem>,
    /// Whether a logical line has more opening brackets than may be inside one another.
    pub(super) may_nest_too_deep: bool,
    /// Where expressions may be at fault.
    pub(super) marks: Marks,
    /// The names whose scope is asked about.
    pub(super) watched: Watched<'a>,
}

/// What a token is to the walk: a set of the bits below, and most often none.
const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut at = 0;
    while at < TRIVIA.len() {
        classes[TRIVIA[at] as usize] |= IS_TRIVIA;
        at += 1;
    }
    at = 0;
    while at < NOTED.len() {
        classes[NOTED[at] as usize] |= IS_NOTED;
        at += 1;
    }
    classes
};

/// It begins no line.
const IS_TRIVIA: u8 = 1;
/// Something is to be done about it.
const IS_NOTED: u8 = 2;

const TRIVIA: [TokenKind; 6] = [
    TokenKind::Newline,
    TokenKind::NonLogicalNewline,
    TokenKind::Comment,
    TokenKind::Indent,
    TokenKind::Dedent,
    TokenKind::EndOfFile,
];

const NOTED: [TokenKind; 21] = [
    TokenKind::Newline,
    TokenKind::Equal,
    TokenKind::FStringStart,
    TokenKind::TStringStart,
    TokenKind::FStringEnd,
    TokenKind::TStringEnd,
    TokenKind::Lbrace,
    TokenKind::Rbrace,
    TokenKind::Global,
    TokenKind::Nonlocal,
    TokenKind::ColonEqual,
    TokenKind::Star,
    TokenKind::DoubleStar,
    TokenKind::Lambda,
    TokenKind::Yield,
    TokenKind::Await,
    TokenKind::Async,
    TokenKind::For,
    TokenKind::IpyEscapeCommand,
    TokenKind::Question,
    TokenKind::Unknown,
];

/// Walks the tokens of a text.
pub(super) fn survey<'a>(text: &'a str, tokens: &[Token], depth_max: u64) -> Survey<'a> {
    let mut walk = Walk {
        tokens,
        depth_max: usize::try_from(depth_max).unwrap_or(usize::MAX),
        line: 0,
        may_nest_too_deep: false,
        layout: None,
        bare_yield: None,
        marks: Marks::new(text.len()),
        watched: Watched::new(text),
        keywords: 0,
        strings: 0,
        braces: 0,
    };
    let mut indentation = Indentation::new(text);
    let mut begins_line = true;
    for (at, token) in tokens.iter().enumerate() {
        let class = CLASSES[token.kind() as usize];
        if begins_line && class & IS_TRIVIA == 0 {
            begins_line = false;
            if walk.layout.is_none() {
                walk.layout = indentation.line_before(usize::from(token.start()));
            }
        }
        if class & IS_NOTED != 0 {
            begins_line |= token.kind() == TokenKind::Newline;
            walk.note(at, token);
        }
    }
    walk.ends_line(tokens.len());
    let Walk { layout, bare_yield, may_nest_too_deep, mut marks, mut watched, .. } = walk;
    watched.finish(tokens, &mut marks);
    Survey { layout, bare_yield, may_nest_too_deep, marks, watched }
}

struct Walk<'t, 'a> {
    tokens: &'t [Token],
    depth_max: usize,
    /// The token that the logical line begins with.
    line: usize,
    may_nest_too_deep: bool,
    layout: Option<Problem>,
    bare_yield: Option<Problem>,
    marks: Marks,
    watched: Watched<'a>,
    /// What may be keyword arguments on the logical line so far.
    keywords: usize,
    /// Strings with fields that are open.
    strings: usize,
    /// Braces that are open in the outermost of them.
    braces: usize,
}

impl Walk<'_, '_> {
    fn note(&mut self, at: usize, token: &Token) {
        match token.kind() {
            TokenKind::Newline => {
                self.keywords = 0;
                self.ends_line(at);
            }
            TokenKind::Equal => self.equal(at, token),
            TokenKind::FStringStart | TokenKind::TStringStart => {
                if self.strings > 0 {
                    self.marks.set(token.range());
                }
                self.strings += 1;
            }
            TokenKind::FStringEnd | TokenKind::TStringEnd => {
                self.strings = self.strings.saturating_sub(1);
                if self.strings == 0 {
                    self.braces = 0;
                }
            }
            TokenKind::Lbrace if self.strings > 0 => {
                self.braces += 1;
                // Fields in fields of fields are too many for some version.
                if self.braces > 2 {
                    self.marks.set(token.range());
                }
            }
            TokenKind::Lbrace => {}
            TokenKind::Rbrace => self.braces = self.braces.saturating_sub(1),
            TokenKind::Global | TokenKind::Nonlocal => self.watched.declared(&self.tokens[at + 1..]),
            TokenKind::ColonEqual => {
                self.marks.set(token.range());
                self.watched.bound(&self.tokens[..at]);
            }
            TokenKind::Yield => {
                self.marks.set(token.range());
                if self.bare_yield.is_none() {
                    self.bare_yield = self.tokens.get(at + 1).and_then(layout::behind_yield);
                }
            }
            _ => self.marks.set(token.range()),
        }
    }

    /// The logical line ends before the token `at`. Brackets never reach from one into the next.
    fn ends_line(&mut self, at: usize) {
        if at - self.line > self.depth_max {
            let opens = |token: &&Token| matches!(token.kind(), TokenKind::Lpar | TokenKind::Lsqb | TokenKind::Lbrace);
            let most = self.tokens[self.line..at].iter().filter(opens).count();
            self.may_nest_too_deep |= most > self.depth_max;
        }
        self.line = at;
    }

    /// An `=` behind a name that stands behind `(` or `,`, or begins a line in brackets, may be that of a keyword argument.
    /// One alone repeats nothing.
    fn equal(&mut self, at: usize, token: &Token) {
        let before = at.checked_sub(2).map(|at| self.tokens[at].kind());
        let may_be_keyword = matches!(
            before,
            Some(TokenKind::Lpar | TokenKind::Comma | TokenKind::NonLogicalNewline | TokenKind::Comment)
        );
        if may_be_keyword {
            if self.keywords > 0 {
                self.marks.set(token.range());
            }
            self.keywords += 1;
        }
    }
}

/// A set of places in a text, each as exact as eight bytes.
pub(super) struct Marks(Vec<u64>);

/// The places of one word of the set, in bytes.
const WORD_BYTES: usize = 64 * 8;

impl Marks {
    fn new(text_bytes: usize) -> Self {
        Self(vec![0; text_bytes / WORD_BYTES + 1])
    }

    /// Marks the place where a range begins.
    pub(super) fn set(&mut self, range: TextRange) {
        self.set_at(range.start().into());
    }

    /// Marks a place; where the next one is that is not marked with it.
    pub(super) fn set_at(&mut self, place: usize) -> usize {
        if let Some(word) = self.0.get_mut(place / WORD_BYTES) {
            *word |= 1 << (place / 8 % 64);
        }
        (place / 8 + 1) * 8
    }

    /// Marks all of the text.
    pub(super) fn set_all(&mut self) {
        self.0.fill(u64::MAX);
    }

    /// Whether there is no mark in a range.
    #[inline]
    pub(super) fn spares(&self, range: TextRange) -> bool {
        let (first, last) = (usize::from(range.start()) / 8, usize::from(range.end()) / 8);
        let from = u64::MAX << (first % 64);
        let to = u64::MAX >> (63 - last % 64);
        match self.0.get(first / 64..=last / 64) {
            Some([one]) => one & from & to == 0,
            Some([start, middle @ .., end]) => {
                start & from == 0 && end & to == 0 && middle.iter().all(|&word| word == 0)
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use ruff_text_size::TextSize;

    use super::*;

    fn range(start: u32, end: u32) -> TextRange {
        TextRange::new(TextSize::new(start), TextSize::new(end))
    }

    #[test]
    fn marks_are_found_in_every_range_that_holds_them() {
        for place in [0, 7, 8, 511, 512, 1023, 1500, 1999] {
            let mut marks = Marks::new(2000);
            marks.set(range(place, place + 1));
            for start in [0, 1, 8, 505, 512, 1016, 1990].into_iter().filter(|&start| start <= place) {
                for end in [9, 512, 513, 1024, 1999, 2000].into_iter().filter(|&end| end > place) {
                    assert!(!marks.spares(range(start, end)), "{place} in {start}..{end}");
                }
            }
            assert!(marks.spares(range(place + 17, place + 700)) || place > 1300, "{place}");
        }
    }

    #[test]
    fn plain_code_has_no_marks_and_the_rest_has() {
        let spares = |text: &str| {
            let parsed = ruff_python_parser::parse_module(text).expect("the samples are valid");
            survey(text, parsed.tokens(), 200)
                .marks
                .spares(range(0, u32::try_from(text.len()).expect("they are short")))
        };
        for text in ["x = f(a, b=1).c[0]\n", "f'{a:{b}}' + {'a': 1}['a']\n", "if x == 1:\n    del y, z\n"] {
            assert!(spares(text), "{text}");
        }
        for text in
            ["f(a=1,\n  b=2)\n", "[*a]\n", "f'{f\"{a}\"}'\n", "{**a}\n", "lambda: 1\n", "(a := 1)\n", "x = __debug__\n"]
        {
            assert!(!spares(text), "{text}");
        }
    }
}
