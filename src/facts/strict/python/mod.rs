//! Python: which nodes of ruff's tree are which facts, and its outline.
//!
//! The facts are those of the tolerant lowering, and better where the tree knows better: parameters have their own
//! positions, patterns of `match` bind what they match, type parameters are names.

mod expressions;
mod imports;
mod outline;
mod patterns;
mod statements;
mod tests;

use std::ops::Range;

use ruff_python_ast::token::Tokens;
use ruff_python_ast::{Identifier, Stmt};
use ruff_text_size::TextRange;
use unicode_normalization::UnicodeNormalization as _;

use super::{Lowered, Wanted};
use crate::facts::builder::Builder;
use crate::facts::{Dialect, ExprId, Facts, Kind, OPAQUE, Sym, limits};

/// Lowers the strict tree of `source`, whose tokens are `tokens`.
pub(crate) fn lower(source: &str, body: &[Stmt], tokens: &Tokens, wanted: Wanted) -> Lowered {
    let mut outline = outline::of(source, body, tokens);
    outline.tests = wanted.tests.then(|| tests::of(source, body));
    outline.imports = imports::of(body);
    Lowered { facts: facts(source, body), outline }
}

fn facts(source: &str, body: &[Stmt]) -> Facts {
    let mut lowering = Lowering { builder: Builder::new(source, Dialect::Python) };
    lowering.body(body);
    lowering.builder.finish()
}

/// A strict tree being lowered.
struct Lowering<'t> {
    builder: Builder<'t>,
}

impl Lowering<'_> {
    /// Adds an expression that stands at `range`.
    fn push(&mut self, kind: Kind, range: TextRange) -> ExprId {
        self.builder.expr(kind, bytes(range))
    }

    /// A name as CPython reads it: in NFKC.
    fn symbol(&mut self, name: &str) -> Sym {
        if name.is_ascii() {
            return self.builder.facts.symbols.intern(name);
        }
        let name: String = name.nfkc().collect();
        self.builder.facts.symbols.intern(&name)
    }

    /// An identifier that is bound where it stands, as an expression.
    fn identifier(&mut self, name: &Identifier) -> ExprId {
        let symbol = self.symbol(name.as_str());
        self.push(Kind::Name(symbol), name.range)
    }

    /// Whether there is room for another expression; what lies beyond is not seen, and that is said.
    fn is_full(&mut self) -> bool {
        let full = self.builder.facts.exprs.len() >= limits::EXPRESSIONS_MAX;
        self.builder.facts.cut |= full;
        full
    }
}

/// A range of ruff's as one of bytes.
fn bytes(range: TextRange) -> Range<usize> {
    usize::from(range.start())..usize::from(range.end())
}
