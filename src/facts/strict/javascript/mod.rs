//! JavaScript, TypeScript and JSX: which nodes of the strict tree are which facts.
//!
//! Types are nothing: what only a type checker reads leaves no fact, and what TypeScript writes around an expression is
//! seen through. The frames of the recursion are kept small, each kind of node has a function of its own, and chains of
//! operators, which nest without a limit, are lowered by loops.

mod classes;
mod expressions;
mod functions;
mod jsx;
mod modules;
mod patterns;
mod sketch;
mod statements;
mod tests;

use std::ops::Range;

use oxc_ast::ast::Program;
use oxc_span::Span;

use crate::facts::builder::Builder;
use crate::facts::{Dialect, ExprId, Facts, Kind, ScopeId, ScopeKind, Sym, limits};

pub(crate) use sketch::Sketch;
pub(crate) use tests::of as tests;

/// What a program is the body of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    /// A file, or a script of a page.
    File,
    /// A function: the handler of an event.
    Function,
}

/// Facts in the making, and where they are made from.
struct Lowering<'t> {
    builder: Builder<'t>,
    /// Where the program begins in the whole text.
    offset: usize,
    /// Whether functions of blocks are seen outside of them.
    is_sloppy: bool,
    /// What the classes around extend, innermost last.
    bases: Vec<ExprId>,
}

/// Lowers a program whose source is `text`, and which begins `offset` bytes into the whole text.
pub(crate) fn lower(program: &Program<'_>, text: &str, offset: usize, frame: Frame) -> Facts {
    let is_sloppy = !program.source_type.is_strict() && !program.has_use_strict_directive();
    let builder = Builder::new(text, Dialect::JavaScript);
    let mut lowering = Lowering { builder, offset, is_sloppy, bases: Vec::new() };
    lowering.directives(&program.directives);
    if frame == Frame::Function {
        lowering.builder.scope = lowering.builder.new_scope(ScopeKind::Function);
    }
    lowering.statements(&program.body);
    let comments = program.comments.iter().map(|comment| lowering.place(comment.span));
    let comments: Vec<Range<usize>> = comments.collect();
    lowering.builder.facts.comments = comments;
    lowering.builder.finish()
}

impl Lowering<'_> {
    /// Where a node stands in the whole text.
    fn place(&self, span: Span) -> Range<usize> {
        self.offset + span.start as usize..self.offset + span.end as usize
    }

    fn intern(&mut self, text: &str) -> Sym {
        self.builder.facts.symbols.intern(text)
    }

    /// Whether there are as many facts as there may be; then the rest is not seen, and the facts say so.
    fn is_full(&mut self) -> bool {
        let full = self.builder.facts.exprs.len() >= limits::EXPRESSIONS_MAX;
        self.builder.facts.cut |= full;
        full
    }

    /// Adds an expression where a node stands.
    fn expr(&mut self, kind: Kind, span: Span) -> ExprId {
        let place = self.place(span);
        self.builder.expr(kind, place)
    }

    /// A name that is used.
    fn name(&mut self, name: &str, span: Span) -> ExprId {
        let name = self.intern(name);
        self.expr(Kind::Name(name), span)
    }

    /// A name as a constant: a key.
    fn key_text(&mut self, name: &str, span: Span) -> ExprId {
        let name = self.intern(name);
        let text = self.builder.facts.symbols.text(name).clone();
        self.expr(Kind::Text(text), span)
    }

    /// Lowers what stands in a scope of its own.
    fn within(&mut self, scope: ScopeId, lower: impl FnOnce(&mut Self)) {
        let outer = std::mem::replace(&mut self.builder.scope, scope);
        lower(self);
        self.builder.scope = outer;
    }

    /// Lowers what stands in a new block.
    fn in_block(&mut self, lower: impl FnOnce(&mut Self)) {
        let scope = self.builder.new_scope(ScopeKind::Block);
        self.within(scope, lower);
    }

    /// Lowers what may not be run.
    fn in_branch(&mut self, lower: impl FnOnce(&mut Self)) {
        self.builder.branches += 1;
        lower(self);
        self.builder.branches -= 1;
    }
}
