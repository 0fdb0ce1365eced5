//! Checks over the tokens of Python: indentation as CPython's tokenizer measures it, and tokens that cannot follow one
//! another.

use memchr::memmem;
use ruff_python_ast::PythonVersion;
use ruff_python_ast::token::{Token, TokenKind};
use ruff_text_size::Ranged;

use crate::passes::parse::problem::Problem;

/// CPython's tokenizer has room for 100 levels, the first of which is the margin.
pub(super) const INDENTS_MAX: usize = 99;

/// The indentation of lines, one after the other.
pub(super) struct Indentation<'a> {
    text: &'a str,
    levels: Vec<Width>,
    /// The white space before the line that came last.
    last: &'a [u8],
}

impl<'a> Indentation<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, levels: vec![Width::default()], last: b"" }
    }

    /// What CPython refuses in the indentation of the logical line whose first token begins at `start`.
    pub(super) fn line_before(&mut self, start: usize) -> Option<Problem> {
        let text: &'a str = self.text;
        let before = &text.as_bytes()[..start];
        // Most lines are indented as the one before is.
        if let Some(b"" | [.., b'\n']) = before.strip_suffix(self.last) {
            return None;
        }
        // What stands there is white space, save in code that is not valid.
        let line = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        self.last = &before[line..];
        let (rule, message) = step(&mut self.levels, Width::of(self.last))?;
        Some(Problem::new(rule, message, line..start))
    }
}

/// How wide indentation is, once with tabs to every eighth column and once with tabs as wide as a space.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Width {
    tabs_eight: usize,
    tabs_one: usize,
}

impl Width {
    fn of(space: &[u8]) -> Self {
        space.iter().fold(Self::default(), |width, byte| match byte {
            b'\t' => Self { tabs_eight: (width.tabs_eight / 8 + 1) * 8, tabs_one: width.tabs_one + 1 },
            b' ' => Self { tabs_eight: width.tabs_eight + 1, tabs_one: width.tabs_one + 1 },
            // A form feed sets the column back; so does whatever else may stand before the first token.
            _ => Self::default(),
        })
    }
}

type Fault = (&'static str, &'static str);

fn step(levels: &mut Vec<Width>, width: Width) -> Option<Fault> {
    const MIXED: Fault = (super::RULE, "inconsistent use of tabs and spaces in indentation");
    let top = levels.last().copied().unwrap_or_default();
    if width.tabs_eight > top.tabs_eight {
        if width.tabs_one <= top.tabs_one {
            return Some(MIXED);
        }
        levels.push(width);
        return (levels.len() > INDENTS_MAX + 1).then_some(("nesting-too-deep", "too many levels of indentation"));
    }
    while levels.len() > 1 && levels.last().is_some_and(|level| width.tabs_eight < level.tabs_eight) {
        levels.pop();
    }
    let top = levels.last().copied().unwrap_or_default();
    if width.tabs_eight != top.tabs_eight {
        return Some((super::RULE, "unindent does not match any outer indentation level"));
    }
    (width.tabs_one != top.tabs_one).then_some(MIXED)
}

/// `yield , 1` and `yield / 0`, which the strict parser takes for a yield of nothing: the fault of a token behind `yield`.
pub(super) fn behind_yield(token: &Token) -> Option<Problem> {
    let is_operator = matches!(
        token.kind(),
        TokenKind::Comma
            | TokenKind::Slash
            | TokenKind::DoubleSlash
            | TokenKind::Percent
            | TokenKind::At
            | TokenKind::Vbar
            | TokenKind::Amper
            | TokenKind::CircumFlex
            | TokenKind::Dot
            | TokenKind::Less
            | TokenKind::Greater
            | TokenKind::EqEqual
            | TokenKind::NotEqual
            | TokenKind::DoubleStar
            | TokenKind::GreaterEqual
            | TokenKind::LessEqual
            | TokenKind::LeftShift
            | TokenKind::RightShift
            | TokenKind::And
            | TokenKind::Or
            | TokenKind::In
            | TokenKind::Is
            | TokenKind::If
    );
    let message = "invalid syntax: an expression must follow 'yield'";
    is_operator.then(|| Problem::new(super::RULE, message, super::bytes(token.range())))
}

/// `!=` in a file that imports `barry_as_FLUFL` from the future, which later releases of 3.13 and all of 3.14 refuse.
pub(super) fn unequal_under_flufl(text: &str, tokens: &[Token], version: PythonVersion) -> Option<Problem> {
    if version < PythonVersion::PY313 || memmem::find(text.as_bytes(), b"barry_as_FLUFL").is_none() {
        return None;
    }
    let named = tokens
        .iter()
        .position(|token| token.kind() == TokenKind::Name && &text[super::bytes(token.range())] == "barry_as_FLUFL")?;
    let line = tokens[..named].iter().rev();
    let line = line.take_while(|token| !matches!(token.kind(), TokenKind::Newline | TokenKind::Semi));
    let is_future = line.clone().any(|token| &text[super::bytes(token.range())] == "__future__");
    let unequal = tokens[named..].iter().find(|token| token.kind() == TokenKind::NotEqual).filter(|_| is_future)?;
    let message = "with Barry as BDFL, use '<>' instead of '!='";
    Some(Problem::new(super::RULE, message, super::bytes(unequal.range())))
}
