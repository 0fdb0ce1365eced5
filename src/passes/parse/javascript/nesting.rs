//! How much stack a text can need, by what nests in it, for files too large for the crude bound of [`stack`].
//!
//! The crude bound adds up what every byte could cost and so grows with the file. This one follows the nesting: what a
//! bracket holds is forgotten when it closes, but for a residue, and what a statement or an element of a list is made of
//! is forgotten when it ends. For that it must know which brackets are real, and it reads the text as the parser does:
//! strings, comments, templates, regular expressions.
//!
//! The one thing that only a parser knows is whether a slash divides or begins a regular expression. In nearly all places
//! the token before it says so. Where it does not — after a curly bracket, a word that is a keyword in some places only, a
//! closing bracket of JSX — and where the text is not what it should be, the measure stops trusting what follows: from
//! there on all is added up and nothing forgotten. So whatever a text does to mislead it only makes it heavier.

mod tokens;

use memchr::memchr_iter;
use tokens::{is_plain, is_word, plain_word};

use super::{BRACKETS_MAX, ROUND_BRACKETS_MAX};
use crate::passes::parse::bounds;
use crate::passes::parse::stack::{self, BRACKET, MARK, OPERATOR};

/// What stays of a bracket that was closed: `if (x) {} else if (x) {} else …` nests as deep as it is long. Of `f()()()` only
/// the tree does, and [`survey`](super::survey) has a bound of its own for that.
const CLOSED: usize = 1024;

/// Whether a text is so small, or has so few brackets, that nothing need be measured. Most files are.
pub(super) fn is_slight(text: &str, is_typescript: bool) -> bool {
    if is_typescript {
        // Types nest in more ways than one, and each way may be tried before another.
        return bounds::brackets(text) <= ROUND_BRACKETS_MAX && stack::fits_all(text);
    }
    stack::fits(text) && !parameters_over(text.as_bytes(), ROUND_BRACKETS_MAX)
}

/// Whether more than `most` round brackets may begin the parameters of an arrow function so that the parser has to try. It
/// tries what a pattern follows, or a name before `,` or `=`; all else says with its first two tokens what it is, and
/// `(a)` holds nothing. Nor does it try the arguments of a call.
fn parameters_over(text: &[u8], most: usize) -> bool {
    let may_begin = |at: &usize| !follows_name(&text[..*at]) && holds_parameters(&text[at + 1..]);
    let round = memchr_iter(b'(', text);
    round.clone().count() > most && round.filter(may_begin).nth(most).is_some()
}

/// Whether what follows a round bracket may be parameters that could be something else as well. Behind a byte that is not
/// ASCII, an escape or a comment stands what nobody looked at.
fn holds_parameters(behind: &[u8]) -> bool {
    let is_comment = |rest: &[u8]| [&b"//"[..], b"/*", b"<!--", b"-->"].iter().any(|mark| rest.starts_with(mark));
    let first = behind.trim_ascii_start();
    let rest = &first[plain_word(first)..];
    let is_named = rest.len() < first.len() && !first[0].is_ascii_digit();
    let rest = rest.trim_ascii_start();
    match rest {
        [b'\\' | 0x0b | 0x80.., ..] => true,
        [b'[' | b'{' | b'.', ..] => !is_named,
        [b',', ..] => is_named,
        [b'=', next, ..] => is_named && !matches!(next, b'=' | b'>'),
        _ => is_comment(rest),
    }
}

/// Whether a text ends in a name: what stands in brackets behind it, with no space between, are the arguments of a call, the
/// parameters of a method or the head of a statement. Where an escape may stand in the name, it may be any word.
fn follows_name(before: &[u8]) -> bool {
    let start = before.iter().rposition(|&byte| !is_plain(byte)).map_or(0, |at| at + 1);
    let (before, name) = before.split_at(start);
    let is_escaped = matches!(before.last(), Some(b'\\' | b'}'));
    !name.is_empty() && !is_escaped && !opens_expression(name)
}

/// Whether a word is one behind which an expression may begin with its bracket.
fn opens_expression(word: &[u8]) -> bool {
    matches!(
        word,
        b"async"
            | b"await"
            | b"case"
            | b"default"
            | b"delete"
            | b"do"
            | b"else"
            | b"extends"
            | b"in"
            | b"instanceof"
            | b"new"
            | b"of"
            | b"return"
            | b"throw"
            | b"typeof"
            | b"using"
            | b"void"
            | b"yield"
    )
}

/// The most that nests in a text at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Nest {
    depth: usize,
    round: usize,
    weight: usize,
}

impl Nest {
    /// Whether that can be parsed.
    pub(super) fn fits(&self) -> bool {
        self.depth as u64 <= BRACKETS_MAX && self.round <= ROUND_BRACKETS_MAX && stack::has_room_for(self.weight)
    }
}

/// Measures a text, which is TypeScript or JavaScript.
pub(super) fn measure(text: &str, is_typescript: bool) -> Nest {
    let start = if text.starts_with(BOM) { BOM.len_utf8() } else { 0 };
    let mut scale = Scale {
        bytes: text.as_bytes(),
        at: start,
        is_typescript,
        levels: Vec::new(),
        here: Level::default(),
        kind: Kind::Block,
        base: 0,
        round: 0,
        before: Before::Operator,
        last: 0,
        most: Nest { depth: 0, round: 0, weight: 0 },
    };
    if text[start..].starts_with("#!") {
        scale.line();
    }
    while scale.at < scale.bytes.len() {
        if scale.step().is_none() {
            scale.distrust();
            break;
        }
    }
    scale.note();
    scale.most
}

const BOM: char = '\u{feff}';

/// What kind of bracket holds a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// `{ … }` that may hold statements, and the program.
    Block,
    /// `{ … }` that can hold properties only.
    Object,
    /// `( … )`, and what that says about a slash behind it.
    Round {
        then: Before,
    },
    Square,
    /// `${ … }`.
    Template,
}

/// What was read of what one bracket holds.
#[derive(Clone, Copy, Debug, Default)]
struct Level {
    /// What can nest around the next token: since the last `;`, or in a list since the last comma.
    run: usize,
    /// What the run was at the last `;`; an `else` goes on with it.
    ended: usize,
    /// What only the closing bracket ends: `do`, whose condition stands behind a `;`.
    lasting: usize,
}

/// What the last token says about a slash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Before {
    /// It ends an operand: a slash divides.
    Operand,
    /// An operand must follow: a slash begins a regular expression.
    Operator,
    /// `if`, `for`, `while`, `with`.
    Head,
    /// `.`, after which every word is a name.
    Dot,
    /// `await`, which may be that of a `for`.
    Await,
    /// Only a parser knows.
    Unknown,
}

struct Scale<'a> {
    bytes: &'a [u8],
    at: usize,
    is_typescript: bool,
    /// The open brackets: what they stand in, and what that was before them.
    levels: Vec<(Kind, Level, usize)>,
    here: Level,
    kind: Kind,
    /// What all open brackets weigh, and all that stands before them in theirs.
    base: usize,
    round: usize,
    before: Before,
    /// The last token, if it is a mark.
    last: u8,
    most: Nest,
}

impl Scale<'_> {
    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn weight(&self) -> usize {
        self.base + self.here.lasting + self.here.run
    }

    /// Notes what nests here, before it is forgotten.
    fn note(&mut self) {
        self.most.weight = self.most.weight.max(self.weight());
    }

    /// Counts all that follows as if it were code and nothing of it ever ended.
    fn distrust(&mut self) {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        self.here.run += stack::weight(rest);
        let opened = |byte: &&u8| matches!(byte, b'(' | b'[' | b'{');
        self.most.depth = self.most.depth.max(self.levels.len() + rest.iter().filter(opened).count());
        let round = memchr_iter(b'(', rest).count();
        self.most.round = self.most.round.max(self.round + round);
    }

    /// Reads one token; `None` where what follows cannot be trusted.
    #[inline]
    fn step(&mut self) -> Option<()> {
        let byte = self.bytes[self.at];
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' | 0x0b | 0x0c => {
                let is_space = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
                self.at += 1;
                self.at += self.bytes[self.at..].iter().take_while(is_space).count();
            }
            b'0'..=b'9' => self.number(),
            _ if is_word(byte) => return self.word(),
            b'"' | b'\'' => return self.string(byte),
            b'`' => {
                self.here.run += OPERATOR;
                self.at += 1;
                return self.template();
            }
            b'(' => {
                let then = match self.before {
                    Before::Head => Before::Operator,
                    Before::Await => Before::Unknown,
                    // Arguments, or an expression in brackets.
                    _ => Before::Operand,
                };
                self.open(Kind::Round { then });
            }
            b'[' => self.open(Kind::Square),
            b'{' => {
                let holds_properties = self.before == Before::Operator && self.opens_object();
                self.open(if holds_properties { Kind::Object } else { Kind::Block });
            }
            b')' | b']' | b'}' => return self.close(byte),
            b'/' => return self.slash(),
            b';' => self.semicolon(),
            b',' => self.comma(),
            b'<' => return self.angle(),
            b'.' => self.dot(),
            b'+' | b'-' => return self.sign(byte),
            _ if byte.is_ascii_punctuation() => self.mark(byte),
            _ => return None,
        }
        Some(())
    }

    /// Whether a `{` where an operand must follow is an object: not after `=>`, and not where a statement can begin.
    fn opens_object(&self) -> bool {
        match self.last {
            b'(' | b'[' | b',' | b'?' | b'&' | b'|' | b'=' => true,
            b':' => self.kind == Kind::Object,
            _ => false,
        }
    }

    fn open(&mut self, kind: Kind) {
        self.levels.push((self.kind, self.here, self.base));
        self.last = self.bytes[self.at];
        self.base = self.weight() + BRACKET;
        self.here = Level::default();
        self.kind = kind;
        self.round += usize::from(matches!(kind, Kind::Round { .. }));
        self.most.depth = self.most.depth.max(self.levels.len());
        self.most.round = self.most.round.max(self.round);
        self.before = Before::Operator;
        self.at += 1;
    }

    fn close(&mut self, byte: u8) -> Option<()> {
        let fits = match self.kind {
            Kind::Round { .. } => byte == b')',
            Kind::Square => byte == b']',
            Kind::Block | Kind::Object | Kind::Template => byte == b'}',
        };
        let closed = self.kind;
        if !fits || self.levels.is_empty() {
            return None;
        }
        self.note();
        let (kind, level, base) = self.levels.pop()?;
        (self.kind, self.here, self.base) = (kind, level, base);
        self.here.run += CLOSED;
        self.at += 1;
        self.last = byte;
        self.before = match closed {
            Kind::Round { then } => {
                self.round -= 1;
                then
            }
            Kind::Square | Kind::Object => Before::Operand,
            Kind::Block => Before::Unknown,
            Kind::Template => return self.template(),
        };
        Some(())
    }

    fn semicolon(&mut self) {
        self.note();
        self.here.ended = self.here.run;
        self.here.run = 0;
        self.before = Before::Operator;
        self.last = b';';
        self.at += 1;
    }

    fn comma(&mut self) {
        // Among statements, labels and heads go on past a comma; in TypeScript, type arguments do.
        if !matches!(self.kind, Kind::Block) && !self.is_typescript {
            self.note();
            self.here.run = 0;
        }
        self.before = Before::Operator;
        self.last = b',';
        self.at += 1;
    }

    fn mark(&mut self, byte: u8) {
        self.here.run += if matches!(byte, b'=' | b'?' | b':') { OPERATOR } else { MARK };
        let types = self.is_typescript && matches!(byte, b'!' | b'>');
        self.before = if types { Before::Unknown } else { Before::Operator };
        self.last = byte;
        self.at += 1;
    }

    fn dot(&mut self) {
        self.here.run += MARK;
        let is_spread = self.peek(1) == b'.' && self.peek(2) == b'.';
        self.at += if is_spread { 3 } else { 1 };
        self.last = b'.';
        self.before = if is_spread { Before::Operator } else { Before::Dot };
    }

    /// `+`, `-`, and the two of them that stand before or behind an operand.
    fn sign(&mut self, byte: u8) -> Option<()> {
        self.here.run += MARK;
        self.last = byte;
        if self.peek(1) != byte {
            self.before = Before::Operator;
            self.at += 1;
            return Some(());
        }
        // Behind an operand it stands on its line.
        let before = self.bytes[..self.at].iter().rev().find(|byte| !matches!(byte, b' ' | b'\t'));
        let follows = before.is_some_and(|byte| is_word(*byte) || matches!(byte, b')' | b']'));
        let is_behind = self.before == Before::Operand && follows;
        // `-->` at the start of a line is a comment in a script.
        if byte == b'-' && self.peek(2) == b'>' && !is_behind {
            return None;
        }
        self.before = if is_behind { Before::Operand } else { Before::Unknown };
        self.here.run += MARK;
        self.at += 2;
        Some(())
    }

    fn angle(&mut self) -> Option<()> {
        // Elsewhere it begins JSX, a cast, or a comment.
        if self.before != Before::Operand || self.bytes[self.at..].starts_with(b"<!--") {
            return None;
        }
        // Of `<<` the second follows no operand.
        let length = if self.peek(1) == b'<' { 2 } else { 1 };
        self.here.run += length * if self.is_typescript { BRACKET } else { MARK };
        self.before = Before::Operator;
        self.last = b'<';
        self.at += length;
        Some(())
    }
}

#[cfg(test)]
mod tests;
