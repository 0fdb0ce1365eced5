//! The outline of a program: gathered node by node in a walk that is made in any case, that of the parse pass.

use std::ops::Range;

use oxc_ast::AstKind;
use oxc_ast::ast::{BindingPattern, Expression, Program, PropertyKind, Statement};
use oxc_span::{GetSpan as _, Span};

use crate::facts::outline::{Outline, Outliner, Place};

/// An outline in the making.
#[derive(Debug)]
pub(crate) struct Sketch {
    outliner: Outliner,
    /// Where the program begins in the whole text.
    offset: usize,
    /// What the function that begins next is called by what holds it.
    held: Option<Held>,
    /// Templates that are open; what stands in one is part of it.
    templates: u32,
    /// Whether names are noted: the text is more than ASCII.
    wants_names: bool,
}

/// What the holder of a function says about it.
#[derive(Clone, Copy, Debug)]
struct Held {
    function: Span,
    name: Span,
    /// Where the function stands with its holder, if that is part of it: a method.
    whole: Span,
}

impl Sketch {
    /// An outline of a program whose source is `text`, and which begins `offset` bytes into the whole text.
    pub(crate) fn new(text: &str, offset: usize) -> Self {
        Self { outliner: Outliner::default(), offset, held: None, templates: 0, wants_names: !text.is_ascii() }
    }

    /// A node begins.
    #[inline]
    pub(crate) fn enter(&mut self, kind: &AstKind<'_>) {
        match kind {
            AstKind::StringLiteral(text) => self.string(text.span),
            AstKind::JSXText(text) => self.string(text.span),
            AstKind::TemplateLiteral(template) => {
                self.string(template.span);
                self.templates += 1;
            }
            AstKind::BlockStatement(block) => self.block(block.span),
            AstKind::FunctionBody(body) => self.block(body.span),
            AstKind::SwitchStatement(switch) => self.block(switch.span),
            AstKind::ClassBody(body) => self.block(body.span),
            AstKind::StaticBlock(block) => self.block(block.span),
            AstKind::Function(function) if function.body.is_some() => {
                self.function(function.span, function.id.as_ref().map(|id| id.span));
            }
            AstKind::ArrowFunctionExpression(arrow) => self.function(arrow.span, None),
            AstKind::VariableDeclarator(one) => {
                if let (BindingPattern::BindingIdentifier(name), Some(value)) = (&one.id, &one.init) {
                    self.hold(value, name.span);
                }
            }
            AstKind::PropertyDefinition(field) => {
                if let Some(value) = &field.value {
                    self.hold(value, field.key.span());
                }
            }
            AstKind::MethodDefinition(method) => {
                let (name, whole) = (method.key.span(), method.span);
                self.held = Some(Held { function: method.value.span, name, whole });
            }
            AstKind::ObjectProperty(property) => {
                let (function, name) = (property.value.span(), property.key.span());
                match property.method || property.kind != PropertyKind::Init {
                    true => self.held = Some(Held { function, name, whole: property.span }),
                    false => self.hold(&property.value, name),
                }
            }
            AstKind::IdentifierName(name) => self.name(name.span),
            AstKind::LabelIdentifier(name) => self.name(name.span),
            AstKind::PrivateIdentifier(name) => self.name(name.span),
            AstKind::JSXIdentifier(name) => self.name(name.span),
            _ => {}
        }
    }

    /// A node ends.
    #[inline]
    pub(crate) fn leave(&mut self, kind: &AstKind<'_>) {
        match kind {
            AstKind::TemplateLiteral(_) => self.templates -= 1,
            AstKind::BlockStatement(_)
            | AstKind::FunctionBody(_)
            | AstKind::SwitchStatement(_)
            | AstKind::ClassBody(_)
            | AstKind::StaticBlock(_) => self.outliner.leave_block(),
            AstKind::Function(function) if function.body.is_some() => self.outliner.leave_function(),
            AstKind::ArrowFunctionExpression(_) => self.outliner.leave_function(),
            _ => {}
        }
    }

    /// A string, or what is read like one.
    #[inline]
    pub(crate) fn string(&mut self, span: Span) {
        if self.templates == 0 {
            let place = self.place(span);
            self.outliner.outline.strings.push(place.into());
        }
    }

    /// A name.
    #[inline]
    pub(crate) fn name(&mut self, span: Span) {
        if self.wants_names {
            let place = self.place(span);
            self.outliner.outline.names.push(place.into());
        }
    }

    fn place(&self, span: Span) -> Range<usize> {
        self.offset + span.start as usize..self.offset + span.end as usize
    }

    fn block(&mut self, span: Span) {
        self.outliner.enter_block(self.offset + span.start as usize);
    }

    /// Notes what a function literal is called that is the value of something.
    fn hold(&mut self, value: &Expression<'_>, name: Span) {
        if matches!(value, Expression::FunctionExpression(_) | Expression::ArrowFunctionExpression(_)) {
            let function = value.span();
            self.held = Some(Held { function, name, whole: function });
        }
    }

    fn function(&mut self, span: Span, name: Option<Span>) {
        let held = self.held.filter(|held| held.function == span);
        let whole = held.map_or(span, |held| held.whole);
        let name = name.or(held.map(|held| held.name)).map_or(0..0, |name| self.place(name));
        self.outliner.enter_function(name, self.place(whole));
    }

    /// The outline, when all of `program` has been walked.
    pub(crate) fn finish(self, program: &Program<'_>) -> Outline {
        let offset = self.offset;
        let mut outline = self.outliner.finish();
        let comments = program.comments.iter().map(|comment| comment.span);
        outline.comments =
            comments.map(|span| (offset + span.start as usize..offset + span.end as usize).into()).collect();
        outline.has_statement = !program.directives.is_empty()
            || program.body.iter().any(|statement| !matches!(statement, Statement::EmptyStatement(_)));
        // A walk visits some parts of a node in another order than they are written.
        outline.strings.sort_unstable_by_key(|place: &Place| place.start);
        outline
    }
}
