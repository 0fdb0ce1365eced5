//! One walk over a tree before anything else looks at it: how much there is in it, how deep it nests by V8's measure,
//! and whether the own checks have to look at it.
//!
//! What V8 allows to nest depends on its stack: it gives up with a `RangeError` when about a megabyte is used. How much
//! each construct takes of it was measured: that budget divided by how many of them V8 just takes, the fewest of Node 20,
//! 22, 24 and 26. Costs are rounded up, so that what is accepted here is accepted there; a text that V8 just takes may be
//! refused here, by a limit that says so.

use std::cell::Cell;

use oxc_allocator::ArenaVec;
use oxc_ast::AstKind;
use oxc_ast::ast::{
    Argument, BinaryOperator, BindingIdentifier, ComputedMemberExpression, Expression, IdentifierReference, Program,
    RegExpFlags, RegExpLiteral, UnaryOperator, WithClauseKeyword,
};
use oxc_ast_visit::{Visit, walk};
use oxc_semantic::{ScopeFlags, ScopeId, Stats};
use oxc_span::{GetSpan as _, Span};

use super::checks;
use super::watch::Watch;
use crate::facts::strict::Sketch;

/// Bytes of stack that V8 may use while it reads a program.
const STACK_BYTES: u32 = 960_000;

/// Groups of one regular expression that V8 allows.
const REGEX_GROUPS_MAX: usize = 32_767;

/// What one walk over a tree saw.
#[derive(Debug)]
#[cfg_attr(not(feature = "bench"), expect(unreachable_pub, reason = "the benchmark names it"))]
pub struct Survey<'t, 'a> {
    text: &'t str,
    watch: Watch<'a>,
    scopes: u32,
    symbols: u32,
    references: u32,
    /// Bytes of V8's stack in use where the walk is.
    used: u32,
    is_module: bool,
    /// Whether there is a node that the own checks have to look at.
    pub(super) concerns: bool,
    /// The first node that V8's stack has no room for.
    pub(super) too_deep: Option<Span>,
    /// The outline in the making, where one is wanted.
    pub(super) sketch: Option<Sketch>,
}

impl<'t, 'a> Survey<'t, 'a> {
    /// Walks over a program, whose source is `text`; on the way `sketch` is made.
    pub(super) fn of(program: &Program<'a>, text: &'t str, is_module: bool, sketch: Option<Sketch>) -> Self {
        let watch = Watch::default();
        let mut survey = Self {
            text,
            watch,
            scopes: 0,
            symbols: 0,
            references: 0,
            used: 0,
            is_module,
            concerns: false,
            too_deep: None,
            sketch,
        };
        survey.visit_program(program);
        survey.concerns |= survey.watch.concerns;
        survey
    }

    /// How much room the semantic checker needs, so that it need not count for itself.
    pub(super) fn stats(&self) -> Stats {
        // No nodes are kept.
        Stats::new(0, self.scopes, self.symbols, self.references)
    }

    /// Walks over what takes `bytes` of V8's stack besides the node around it.
    fn deeper(&mut self, bytes: u32, span: Span, walk: impl FnOnce(&mut Self)) {
        self.enter(bytes, span);
        walk(self);
        self.used -= bytes;
    }

    fn name(&mut self, span: Span) {
        if let Some(sketch) = &mut self.sketch {
            sketch.name(span);
        }
    }

    fn enter(&mut self, bytes: u32, span: Span) {
        self.used += bytes;
        if self.used > STACK_BYTES {
            self.too_deep.get_or_insert(span);
        }
    }
}

impl<'a> Visit<'a> for Survey<'_, 'a> {
    #[inline]
    fn enter_node(&mut self, kind: AstKind<'a>) {
        let bytes = cost(&kind);
        if bytes > 0 {
            self.enter(bytes, kind.span());
        }
        self.concerns |= concerns(&kind, self);
        self.watch.enter(&kind);
        if let Some(sketch) = &mut self.sketch {
            sketch.enter(&kind);
        }
    }

    #[inline]
    fn leave_node(&mut self, kind: AstKind<'a>) {
        self.used -= cost(&kind);
        self.watch.leave(&kind);
        if let Some(sketch) = &mut self.sketch {
            sketch.leave(&kind);
        }
    }

    #[inline]
    fn enter_scope(&mut self, _: ScopeFlags, _: &Cell<Option<ScopeId>>) {
        self.scopes += 1;
    }

    #[inline]
    fn visit_binding_identifier(&mut self, name: &BindingIdentifier<'a>) {
        self.symbols += 1;
        self.concerns |= name.name == "await";
        self.name(name.span);
    }

    #[inline]
    fn visit_identifier_reference(&mut self, name: &IdentifierReference<'a>) {
        self.references += 1;
        self.concerns |= name.name == "await";
        self.name(name.span);
    }

    fn visit_arguments(&mut self, arguments: &ArenaVec<'a, Argument<'a>>) {
        if let Some(first) = arguments.first() {
            self.deeper(520, first.span(), |survey| walk::walk_arguments(survey, arguments));
        }
    }

    fn visit_computed_member_expression(&mut self, member: &ComputedMemberExpression<'a>) {
        self.deeper(145, member.span, |survey| {
            survey.visit_expression(&member.object);
            survey.deeper(325, member.span, |survey| survey.visit_expression(&member.expression));
        });
    }

    fn visit_reg_exp_literal(&mut self, literal: &RegExpLiteral<'a>) {
        self.concerns |= regex_concerns(literal);
        if let Some(sketch) = &mut self.sketch {
            sketch.string(literal.span);
        }
        if literal.regex.pattern.text.bytes().filter(|&byte| byte == b'(').count() > REGEX_GROUPS_MAX {
            self.too_deep.get_or_insert(literal.span);
        }
    }
}

/// The bytes of V8's stack that a node takes while what is in it is read.
#[inline]
fn cost(kind: &AstKind<'_>) -> u32 {
    match kind {
        AstKind::StaticMemberExpression(_) | AstKind::PrivateFieldExpression(_) => 145,
        AstKind::CallExpression(_) | AstKind::TaggedTemplateExpression(_) => 220,
        AstKind::BinaryExpression(binary) => match binary.operator {
            BinaryOperator::Exponential => 145,
            operator if operator.is_equality() || operator.is_compare() || operator.is_relational() => 175,
            // Chains of other operators are flat lists.
            _ => 0,
        },
        AstKind::UnaryExpression(unary) => match unary.operator {
            UnaryOperator::Typeof | UnaryOperator::Void => 142,
            UnaryOperator::Delete => 220,
            _ => 82,
        },
        AstKind::ParenthesizedExpression(_) => 612,
        AstKind::ArrayExpression(_) | AstKind::ArrayPattern(_) | AstKind::ArrayAssignmentTarget(_) => 520,
        AstKind::ObjectExpression(_) | AstKind::ObjectPattern(_) | AstKind::ObjectAssignmentTarget(_) => 770,
        AstKind::ArrowFunctionExpression(_) => 1030,
        AstKind::Function(function) => {
            if function.is_declaration() {
                640
            } else {
                1200
            }
        }
        AstKind::Class(_) => 680,
        AstKind::StaticBlock(_) | AstKind::PropertyDefinition(_) | AstKind::MethodDefinition(_) => 250,
        AstKind::ConditionalExpression(_) => 410,
        AstKind::AssignmentExpression(_) | AstKind::LabeledStatement(_) => 240,
        AstKind::NewExpression(_) => 178,
        AstKind::AwaitExpression(_) | AstKind::YieldExpression(_) => 50,
        AstKind::ImportExpression(_) => 324,
        AstKind::TemplateLiteral(_) => 548,
        AstKind::BlockStatement(_) => 490,
        AstKind::IfStatement(_) => 710,
        AstKind::ForStatement(_) | AstKind::ForInStatement(_) | AstKind::ForOfStatement(_) => 2160,
        AstKind::WhileStatement(_) | AstKind::DoWhileStatement(_) => 910,
        AstKind::SwitchStatement(_) => 1005,
        AstKind::TryStatement(_) => 670,
        AstKind::WithStatement(_) => 163,
        AstKind::JSXElement(_) | AstKind::JSXFragment(_) => 612,
        _ => 0,
    }
}

/// Words before the name of a method that JavaScript has.
pub(super) const METHOD_MODIFIERS: &[&str] = &["static", "async", "get", "set"];

/// Whether the own checks have to look at a node; see [`checks`](super::checks). More than needed does no harm.
#[inline]
fn concerns(kind: &AstKind<'_>, survey: &Survey<'_, '_>) -> bool {
    match kind {
        AstKind::PropertyDefinition(field) => {
            field.declare
                || field.r#override
                || field.optional
                || field.definite
                || field.readonly
                || field.accessibility.is_some()
                || checks::has_foreign_modifier(field.span, field.key.span(), &["static"], survey.text)
        }
        AstKind::MethodDefinition(method) => {
            method.r#override
                || method.optional
                || method.r#type.is_abstract()
                || method.accessibility.is_some()
                || checks::has_foreign_modifier(method.span, method.key.span(), METHOD_MODIFIERS, survey.text)
        }
        AstKind::Decorator(_) | AstKind::AccessorProperty(_) => true,
        // `<!--x`.
        AstKind::UnaryExpression(unary) => {
            survey.is_module && matches!(unary.argument, Expression::UpdateExpression(_))
        }
        AstKind::VariableDeclaration(declaration) => declaration.kind.is_using(),
        AstKind::ImportDeclaration(import) => import.phase.is_some(),
        AstKind::WithClause(clause) => clause.keyword == WithClauseKeyword::Assert,
        AstKind::ImportExpression(import) => import.phase.is_some(),
        AstKind::NewExpression(new) => matches!(new.callee, Expression::ImportExpression(_)),
        _ => false,
    }
}

/// Whether a regular expression has what only some versions of V8 take: groups with names or flags, and escapes in
/// Unicode mode.
fn regex_concerns(literal: &RegExpLiteral<'_>) -> bool {
    let pattern = literal.regex.pattern.text.as_str();
    let unicode = literal.regex.flags.intersects(RegExpFlags::U | RegExpFlags::V);
    (unicode && pattern.contains('\\'))
        || pattern.match_indices("(?").any(|(at, _)| {
            let rest = &pattern[at + 2..];
            !rest.starts_with([':', '=', '!']) && !rest.starts_with("<=") && !rest.starts_with("<!")
        })
}
