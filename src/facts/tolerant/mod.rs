//! Lowering of tolerant trees: one walk by cursor and without recursion, for what no strict parser accepts.
//!
//! The walk is post-order: when a node is left, its children are facts already. A language says which scope a node's
//! children see (`enter`) and what the node is (`leave`).

mod javascript;
mod python;

use tree_sitter::Node;

use super::builder::Builder;
use super::limits;
use super::{Dialect, ExprId, Facts, FunctionId, OPAQUE, ScopeId};

pub(crate) use javascript::lower as javascript;
pub(crate) use python::lower as python;

/// A child of the node that is being left.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Child<'t, N, F> {
    pub(crate) node: Node<'t>,
    pub(crate) kind: N,
    pub(crate) field: F,
    pub(crate) expr: ExprId,
}

/// A node that was entered and not yet left.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame<'t, N> {
    pub(crate) node: Node<'t>,
    pub(crate) kind: N,
    /// The scope that the node's own children may be given.
    pub(crate) inner: Option<ScopeId>,
    /// The function that the node is, if it is one.
    pub(crate) function: Option<FunctionId>,
    /// The scope that the node itself stands in; its siblings may stand in another.
    pub(crate) own_scope: ScopeId,
    /// What held outside.
    outer_scope: ScopeId,
    outer_branches: u32,
    first_child: usize,
}

/// What a language adds to the walk.
pub(crate) trait Language {
    /// The node kinds that mean something.
    type Node: Copy + PartialEq;
    /// The fields that mean something.
    type Field: Copy + PartialEq;

    /// The kind of a node.
    fn kind(node: Node<'_>) -> Self::Node;
    /// The field with a number, as far as it means something.
    fn field(id: Option<std::num::NonZeroU16>) -> Self::Field;
    /// Whether a node without a name is kept as a child.
    fn keeps_anonymous(field: Self::Field) -> bool;
    /// Called before the children of `frame` are walked; may set its inner scope, and the builder's scope.
    fn enter<'t>(
        builder: &mut Builder<'t>,
        parent: Option<&Frame<'t, Self::Node>>,
        field: Self::Field,
        frame: &mut Frame<'t, Self::Node>,
    );
    /// Called after them; says what the node is.
    fn leave<'t>(
        builder: &mut Builder<'t>,
        frame: &Frame<'t, Self::Node>,
        children: &[Child<'t, Self::Node, Self::Field>],
    ) -> ExprId;
}

/// Lowers the tree under `root` into facts.
pub(crate) fn lower<L: Language>(source: &str, root: Node<'_>, dialect: Dialect) -> Facts {
    let mut builder = Builder::new(source, dialect);
    walk::<L>(&mut builder, root);
    builder.finish()
}

fn walk<'t, L: Language>(builder: &mut Builder<'t>, root: Node<'t>) {
    let mut cursor = root.walk();
    let mut frames: Vec<Frame<'t, L::Node>> = Vec::new();
    let mut children: Vec<Child<'t, L::Node, L::Field>> = Vec::new();
    loop {
        let node = cursor.node();
        let field = L::field(cursor.field_id());
        if node.is_named() && builder.facts.exprs.len() < limits::EXPRESSIONS_MAX {
            let mut frame = Frame {
                node,
                kind: L::kind(node),
                inner: None,
                function: None,
                own_scope: builder.scope,
                outer_scope: builder.scope,
                outer_branches: builder.branches,
                first_child: children.len(),
            };
            L::enter(builder, frames.last(), field, &mut frame);
            frames.push(frame);
            if cursor.goto_first_child() {
                continue;
            }
            leave_one::<L>(builder, &mut frames, &mut children, field);
        } else if node.is_named() {
            builder.facts.cut = true;
        } else if L::keeps_anonymous(field) {
            children.push(Child { node, kind: L::kind(node), field, expr: OPAQUE });
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() || frames.is_empty() {
                return;
            }
            let field = L::field(cursor.field_id());
            leave_one::<L>(builder, &mut frames, &mut children, field);
        }
    }
}

fn leave_one<'t, L: Language>(
    builder: &mut Builder<'t>,
    frames: &mut Vec<Frame<'t, L::Node>>,
    children: &mut Vec<Child<'t, L::Node, L::Field>>,
    field: L::Field,
) {
    let frame = frames.pop().expect("a node is left only after it was entered");
    builder.scope = frame.own_scope;
    builder.branches = frame.outer_branches;
    let expr = L::leave(builder, &frame, &children[frame.first_child..]);
    builder.scope = frame.outer_scope;
    if frame.function.is_some() {
        builder.functions.pop();
    }
    children.truncate(frame.first_child);
    children.push(Child { node: frame.node, kind: frame.kind, field, expr });
}

/// Declares an enumeration of node kinds or fields by their names in a grammar, and a look-up of those names.
macro_rules! names {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $text:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum $name {
            Other,
            $($variant),*
        }

        impl $name {
            fn named(text: &str) -> Self {
                match text {
                    $($text => Self::$variant,)*
                    _ => Self::Other,
                }
            }
        }
    };
}

pub(crate) use names;
