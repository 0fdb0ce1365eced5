//! Checks over the tokens of Python: indentation as CPython's tokenizer measures it, and tokens that cannot follow one
//! another.

use ruff_python_ast::PythonVersion;
use ruff_python_ast::token::{Token, TokenKind};
use ruff_text_size::Ranged;

use crate::passes::parse::problem::Problem;

/// CPython's tokenizer has room for 100 levels, the first of which is the margin.
pub(super) const INDENTS_MAX: usize = 99;

/// The first line whose indentation CPython refuses.
pub(super) fn indentation(text: &str, tokens: &[Token]) -> Option<Problem> {
    let mut levels = vec![Width::default()];
    let mut begins_line = true;
    for token in tokens {
        match token.kind() {
            TokenKind::Newline => begins_line = true,
            TokenKind::NonLogicalNewline | TokenKind::Comment | TokenKind::Indent | TokenKind::Dedent => {}
            TokenKind::EndOfFile => break,
            _ if begins_line => {
                begins_line = false;
                let start = usize::from(token.start());
                let line = text[..start].rfind('\n').map_or(0, |at| at + 1);
                if let Some((rule, message)) = step(&mut levels, Width::of(&text[line..start])) {
                    return Some(Problem::new(rule, message, line..start));
                }
            }
            _ => {}
        }
    }
    None
}

/// How wide indentation is, once with tabs to every eighth column and once with tabs as wide as a space.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Width {
    tabs_eight: usize,
    tabs_one: usize,
}

impl Width {
    fn of(space: &str) -> Self {
        space.bytes().fold(Self::default(), |width, byte| match byte {
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

/// `yield , 1` and `yield / 0`, which the strict parser takes for a yield of nothing.
pub(super) fn yield_before_operator(tokens: &[Token]) -> Option<Problem> {
    let pair = tokens.windows(2).find(|pair| {
        let after = pair[1].kind();
        pair[0].kind() == TokenKind::Yield
            && matches!(
                after,
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
            )
    })?;
    let range = pair[1].range();
    Some(Problem::new(super::RULE, "invalid syntax: an expression must follow 'yield'", super::bytes(range)))
}

/// `!=` in a file that imports `barry_as_FLUFL` from the future, which later releases of 3.13 and all of 3.14 refuse.
pub(super) fn unequal_under_flufl(text: &str, tokens: &[Token], version: PythonVersion) -> Option<Problem> {
    if version < PythonVersion::PY313 || !text.contains("barry_as_FLUFL") {
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
