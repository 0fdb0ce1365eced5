//! Whether a tree has something that the own checks must look at and that only its surroundings tell: jumps out of arrow
//! functions, `var` of the name of what is caught, operators that do not mix.
//!
//! It rides on the walk of [`super::survey`], so that the checks and the store of nodes that they need are for the few
//! files that have such things. More than needed does no harm.

use oxc_ast::AstKind;
use oxc_ast::ast::{BindingPattern, Expression, ForStatementLeft, LogicalExpression, LogicalOperator, Statement};

/// Around a node, within the innermost function: a loop; a loop or a `switch`.
const LOOP: u8 = 1;
const BREAKABLE: u8 = 2;

/// What is known of the surroundings, innermost last.
#[derive(Debug, Default)]
pub(super) struct Watch<'a> {
    around: Vec<u8>,
    /// Labels, and whether each is a loop's.
    labels: Vec<(&'a str, bool)>,
    /// For each open function: how many labels there were.
    bases: Vec<usize>,
    /// Names of what is caught.
    caught: Vec<Option<&'a str>>,
    /// Whether something was seen.
    pub(super) concerns: bool,
}

impl<'a> Watch<'a> {
    /// Before what is in a node.
    #[inline]
    pub(super) fn enter(&mut self, kind: &AstKind<'a>) {
        match kind {
            AstKind::Function(_) | AstKind::ArrowFunctionExpression(_) | AstKind::StaticBlock(_) => {
                self.around.push(0);
                self.bases.push(self.labels.len());
            }
            AstKind::SwitchStatement(_) => self.around.push(self.inner() | BREAKABLE),
            AstKind::WhileStatement(_) | AstKind::DoWhileStatement(_) | AstKind::ForStatement(_) => {
                self.around.push(LOOP | BREAKABLE)
            }
            AstKind::ForInStatement(statement) => self.for_each(&statement.left),
            AstKind::ForOfStatement(statement) => self.for_each(&statement.left),
            AstKind::LabeledStatement(labelled) => {
                self.labels.push((labelled.label.name.as_str(), is_loop(&labelled.body)));
            }
            AstKind::BreakStatement(jump) => match &jump.label {
                None => self.concerns |= self.inner() & BREAKABLE == 0,
                Some(label) => self.concerns |= self.label(&label.name).is_none(),
            },
            AstKind::ContinueStatement(jump) => match &jump.label {
                None => self.concerns |= self.inner() & LOOP == 0,
                Some(label) => self.concerns |= self.label(&label.name) != Some(true),
            },
            AstKind::CatchClause(clause) => {
                let pattern = clause.param.as_ref().map(|parameter| &parameter.pattern);
                self.concerns |= pattern.is_some_and(BindingPattern::is_destructuring_pattern);
                self.caught.push(pattern.and_then(BindingPattern::get_identifier_name).map(|name| name.as_str()));
            }
            AstKind::VariableDeclaration(declaration) if !self.caught.is_empty() && declaration.kind.is_var() => {
                let patterns = declaration.declarations.iter().map(|declarator| &declarator.id);
                let names = patterns.flat_map(BindingPattern::get_binding_identifiers);
                let mut names = names.map(|identifier| identifier.name.as_str());
                self.concerns |= names.any(|name| self.caught.contains(&Some(name)));
            }
            AstKind::LogicalExpression(logical) => self.concerns |= mixes_coalescing(logical),
            _ => {}
        }
    }

    /// After what is in a node.
    #[inline]
    pub(super) fn leave(&mut self, kind: &AstKind<'a>) {
        match kind {
            AstKind::Function(_) | AstKind::ArrowFunctionExpression(_) | AstKind::StaticBlock(_) => {
                self.around.pop();
                self.bases.pop();
            }
            AstKind::SwitchStatement(_)
            | AstKind::WhileStatement(_)
            | AstKind::DoWhileStatement(_)
            | AstKind::ForStatement(_)
            | AstKind::ForInStatement(_)
            | AstKind::ForOfStatement(_) => drop(self.around.pop()),
            AstKind::LabeledStatement(_) => drop(self.labels.pop()),
            AstKind::CatchClause(_) => drop(self.caught.pop()),
            _ => {}
        }
    }

    fn for_each(&mut self, left: &ForStatementLeft<'_>) {
        self.around.push(LOOP | BREAKABLE);
        if let ForStatementLeft::AssignmentTargetIdentifier(name) = left {
            self.concerns |= matches!(name.name.as_str(), "eval" | "arguments");
        }
    }

    fn inner(&self) -> u8 {
        self.around.last().copied().unwrap_or(0)
    }

    /// Whether the label of this name is a loop's; `None` where there is none in the innermost function.
    fn label(&self, name: &str) -> Option<bool> {
        let base = self.bases.last().copied().unwrap_or(0);
        self.labels[base..].iter().rev().find(|(label, _)| *label == name).map(|(_, is_loop)| *is_loop)
    }
}

/// Whether a statement is a loop, with or without labels before it.
fn is_loop(mut statement: &Statement<'_>) -> bool {
    while let Statement::LabeledStatement(labelled) = statement {
        statement = &labelled.body;
    }
    statement.is_iteration_statement()
}

/// `a || b ?? c`, without brackets around either part.
pub(super) fn mixes_coalescing(logical: &LogicalExpression<'_>) -> bool {
    let coalesces = logical.operator == LogicalOperator::Coalesce;
    [&logical.left, &logical.right].into_iter().any(|operand| match operand {
        Expression::LogicalExpression(inner) => (inner.operator == LogicalOperator::Coalesce) != coalesces,
        _ => false,
    })
}
