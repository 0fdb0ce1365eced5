//! Whether every `break` and `continue` has something to leave, and every label is its own: what can be jumped to around a
//! place, within the innermost function.
//!
//! It rides on the walk of [`super::survey`]. More doubt than needed does no harm.

use std::collections::HashMap;

use oxc_ast::AstKind;
use oxc_ast::ast::{
    Expression, ForStatementLeft, LabelIdentifier, LabeledStatement, LogicalExpression, LogicalOperator, Statement,
};

use super::names::Seed;

/// Around a node, within the innermost function: a loop; a loop or a `switch`.
const LOOP: u8 = 1;
const BREAKABLE: u8 = 2;

/// A label that can be jumped to.
#[derive(Clone, Copy, Debug)]
struct Label {
    /// How many functions were open where it stands.
    function: usize,
    is_loop: bool,
}

/// What is known of the surroundings, innermost last.
#[derive(Debug)]
pub(super) struct Watch<'a> {
    around: Vec<u8>,
    /// How many functions are open.
    functions: usize,
    labels: HashMap<&'a str, Label, Seed>,
    /// The open labelled statements, and what their labels stood for before.
    before: Vec<(&'a str, Option<Label>)>,
    /// Whether something is in doubt.
    pub(super) concerns: bool,
}

impl<'a> Watch<'a> {
    pub(super) fn new() -> Self {
        let labels = HashMap::with_hasher(Seed::new());
        Self { around: Vec::new(), functions: 0, labels, before: Vec::new(), concerns: false }
    }

    /// Begins the body of a function or a static block.
    pub(super) fn open_function(&mut self) {
        self.around.push(0);
        self.functions += 1;
    }

    /// Ends what [`Self::open_function`] began.
    pub(super) fn close_function(&mut self) {
        self.around.pop();
        self.functions -= 1;
    }

    /// Before what is in a node.
    #[inline]
    pub(super) fn enter(&mut self, kind: &AstKind<'a>) {
        match kind {
            AstKind::SwitchStatement(_) => self.around.push(self.inner() | BREAKABLE),
            AstKind::WhileStatement(_) | AstKind::DoWhileStatement(_) | AstKind::ForStatement(_) => {
                self.around.push(LOOP | BREAKABLE);
            }
            AstKind::ForInStatement(statement) => self.for_each(&statement.left),
            AstKind::ForOfStatement(statement) => self.for_each(&statement.left),
            AstKind::LabeledStatement(labelled) => self.labelled(labelled),
            AstKind::BreakStatement(jump) => self.jump(jump.label.as_ref(), BREAKABLE),
            AstKind::ContinueStatement(jump) => self.jump(jump.label.as_ref(), LOOP),
            AstKind::LogicalExpression(logical) => self.concerns |= mixes_coalescing(logical),
            _ => {}
        }
    }

    /// After what is in a node.
    #[inline]
    pub(super) fn leave(&mut self, kind: &AstKind<'a>) {
        match kind {
            AstKind::SwitchStatement(_)
            | AstKind::WhileStatement(_)
            | AstKind::DoWhileStatement(_)
            | AstKind::ForStatement(_)
            | AstKind::ForInStatement(_)
            | AstKind::ForOfStatement(_) => drop(self.around.pop()),
            AstKind::LabeledStatement(_) => self.unlabelled(),
            _ => {}
        }
    }

    fn for_each(&mut self, left: &ForStatementLeft<'_>) {
        self.around.push(LOOP | BREAKABLE);
        if let ForStatementLeft::AssignmentTargetIdentifier(name) = left {
            self.concerns |= matches!(name.name.as_str(), "eval" | "arguments");
        }
    }

    fn labelled(&mut self, labelled: &LabeledStatement<'a>) {
        let name = labelled.label.name.as_str();
        self.concerns |= self.label(name).is_some();
        let label = Label { function: self.functions, is_loop: is_loop(&labelled.body) };
        self.before.push((name, self.labels.insert(name, label)));
    }

    fn unlabelled(&mut self) {
        match self.before.pop() {
            Some((name, Some(label))) => drop(self.labels.insert(name, label)),
            Some((name, None)) => drop(self.labels.remove(name)),
            None => {}
        }
    }

    fn jump(&mut self, label: Option<&LabelIdentifier<'a>>, needs: u8) {
        self.concerns |= match label {
            None => self.inner() & needs == 0,
            Some(label) => match self.label(&label.name) {
                Some(is_loop) => needs == LOOP && !is_loop,
                None => true,
            },
        };
    }

    fn inner(&self) -> u8 {
        self.around.last().copied().unwrap_or(0)
    }

    /// Whether the label of this name is a loop's; `None` where there is none in the innermost function.
    fn label(&self, name: &str) -> Option<bool> {
        let label = self.labels.get(name)?;
        (label.function == self.functions).then_some(label.is_loop)
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
