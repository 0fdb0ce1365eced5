//! Lowering: one walk over a tolerant tree, by cursor and without recursion, that makes [`Facts`] of it.
//!
//! What is common to the languages is here: the walk, scopes, and what an assignment binds. The walk is post-order: when
//! a node is left, its children are facts already. A language says which scope a node's children see (`enter`) and
//! what the node is (`leave`). Patterns are lowered as the expressions that they look like, and taken apart when they
//! are assigned to.

use std::rc::Rc;

use tree_sitter::Node;

use super::facts::{
    Argument, Assignment, Dialect, Entry, Expr, ExprId, Facts, Function, FunctionId, IdMap, Import, Kind, MODULE,
    OPAQUE, Role, Scope, ScopeId, ScopeKind, Span, Spread, Sym, VarId, Variable,
};
use super::limits;

/// A child of the node that is being left.
#[derive(Clone, Copy, Debug)]
pub(super) struct Child<'t, N, F> {
    pub(super) node: Node<'t>,
    pub(super) kind: N,
    pub(super) field: F,
    pub(super) expr: ExprId,
}

/// A node that was entered and not yet left.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame<'t, N> {
    pub(super) node: Node<'t>,
    pub(super) kind: N,
    /// The scope that the node's own children may be given.
    pub(super) inner: Option<ScopeId>,
    /// The function that the node is, if it is one.
    pub(super) function: Option<FunctionId>,
    /// What held outside.
    outer_scope: ScopeId,
    outer_branches: u32,
    first_child: usize,
}

/// What a language adds to the walk.
pub(super) trait Language {
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

/// Facts in the making.
pub(super) struct Builder<'t> {
    pub(super) facts: Facts,
    pub(super) source: &'t str,
    /// The scope that is being lowered.
    pub(super) scope: ScopeId,
    /// How many branches and loops of this scope are around: what is bound in one is not bound for sure.
    pub(super) branches: u32,
    /// The functions around, innermost last.
    pub(super) functions: Vec<FunctionId>,
    /// Default values of patterns.
    pub(super) defaults: IdMap<u32, ExprId>,
    /// Assignments to names whose declaration may still come (JavaScript).
    pub(super) pending: Vec<(ScopeId, Sym, ExprId)>,
}

/// Lowers the tree under `root` into facts.
pub(super) fn lower<L: Language>(source: &str, root: Node<'_>, dialect: Dialect) -> Facts {
    let mut builder = Builder {
        facts: Facts::new(dialect),
        source,
        scope: MODULE,
        branches: 0,
        functions: Vec::new(),
        defaults: IdMap::default(),
        pending: Vec::new(),
    };
    walk::<L>(&mut builder, root);
    builder.settle_pending();
    builder.facts
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
    builder.scope = frame.outer_scope;
    builder.branches = frame.outer_branches;
    let expr = L::leave(builder, &frame, &children[frame.first_child..]);
    if frame.function.is_some() {
        builder.functions.pop();
    }
    children.truncate(frame.first_child);
    children.push(Child { node: frame.node, kind: frame.kind, field, expr });
}

impl<'t> Builder<'t> {
    /// The source of a node.
    pub(super) fn text(&self, node: Node<'_>) -> &'t str {
        self.source.get(node.byte_range()).unwrap_or_default()
    }

    /// Adds an expression that is `node`.
    pub(super) fn expr(&mut self, kind: Kind, node: Node<'_>) -> ExprId {
        self.push(kind, node.start_byte(), node.end_byte(), Role::Value)
    }

    /// Adds an expression that stands nowhere by itself, at the place of another.
    pub(super) fn synthetic(&mut self, kind: Kind, place: ExprId) -> ExprId {
        let (start, end) = (self.facts.expr(place).start, self.facts.expr(place).end);
        self.push(kind, start as usize, end as usize, Role::Synthetic)
    }

    fn push(&mut self, kind: Kind, start: usize, end: usize, role: Role) -> ExprId {
        let id = ExprId(u32::try_from(self.facts.exprs.len()).expect("expressions are limited"));
        let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        self.facts.exprs.push(Expr { kind, scope: self.scope, start: place(start), end: place(end), role });
        id
    }

    /// Says where an expression stands. The unknown stands nowhere.
    pub(super) fn role(&mut self, id: ExprId, role: Role) {
        if id != OPAQUE && self.facts.expr(id).role != Role::Synthetic {
            self.facts.exprs[id.at()].role = role;
        }
    }

    /// Adds a list of expressions.
    pub(super) fn list(&mut self, items: impl IntoIterator<Item = ExprId>) -> Span {
        extend(&mut self.facts.lists, items)
    }

    /// Adds a list of arguments.
    pub(super) fn arguments(&mut self, items: impl IntoIterator<Item = Argument>) -> Span {
        extend(&mut self.facts.arguments, items)
    }

    /// Adds a list of entries.
    pub(super) fn entries(&mut self, items: impl IntoIterator<Item = Entry>) -> Span {
        extend(&mut self.facts.entries, items)
    }

    /// Adds a call.
    pub(super) fn call(
        &mut self,
        node: Node<'_>,
        callee: ExprId,
        arguments: impl IntoIterator<Item = Argument>,
    ) -> ExprId {
        self.role(callee, Role::Callee);
        let arguments = self.arguments(arguments);
        self.expr(Kind::Call { callee, arguments }, node)
    }

    /// Adds a scope inside the present one.
    pub(super) fn new_scope(&mut self, kind: ScopeKind) -> ScopeId {
        let id = ScopeId(u32::try_from(self.facts.scopes.len()).expect("there are fewer scopes than bytes"));
        self.facts.scopes.push(Scope { kind, parent: Some(self.scope) });
        id
    }

    /// Adds a function whose body is about to be lowered.
    pub(super) fn new_function(&mut self, scope: ScopeId) -> FunctionId {
        let id = FunctionId(u32::try_from(self.facts.functions.len()).expect("there are fewer functions than bytes"));
        self.facts.functions.push(Function { scope, parameters: Vec::new(), returns: Vec::new() });
        self.functions.push(id);
        id
    }

    /// The variable `name` of `scope`, made where it does not exist.
    pub(super) fn declare(&mut self, scope: ScopeId, name: Sym) -> VarId {
        if let Some(variable) = self.facts.variable(scope, name) {
            return variable;
        }
        let id = VarId(u32::try_from(self.facts.variable_table.len()).expect("there are fewer variables than bytes"));
        let expr = self.push(Kind::Variable(id), 0, 0, Role::Synthetic);
        self.facts.variable_table.push(Variable { values: Vec::new(), expr, certain_from: u32::MAX, implicit: false });
        self.facts.variables.insert((scope.0, name.0), id);
        id
    }

    /// Gives the variable `name` of `scope` one more value, at the byte `at` of the source.
    pub(super) fn bind(&mut self, scope: ScopeId, name: Sym, value: ExprId, at: u32) {
        let variable = self.declare(scope, name);
        let certain = self.branches == 0;
        let variable = &mut self.facts.variable_table[variable.at()];
        variable.values.push(value);
        if certain {
            variable.certain_from = variable.certain_from.min(at);
        }
    }

    /// The scope in which an assignment to a bare name binds it: Python's rule, and that of JavaScript's `var`.
    pub(super) fn binding_scope(&self, name: Sym) -> ScopeId {
        let mut scope = self.scope;
        loop {
            if let Some(&target) = self.facts.redirects.get(&(scope.0, name.0)) {
                return target;
            }
            let here = self.facts.scope(scope);
            match (here.kind, here.parent) {
                (ScopeKind::Block | ScopeKind::With(_), Some(parent)) => scope = parent,
                _ => return scope,
            }
        }
    }

    /// Binds what the pattern `target` names to `value` (which is unknown where it is [`OPAQUE`]); `how` says in which
    /// scope. Takes the pattern apart with a stack of its own.
    pub(super) fn assign(&mut self, target: ExprId, value: ExprId, how: Binding) {
        let mut todo = vec![(target, value)];
        let mut steps = 0;
        while let Some((target, value)) = todo.pop() {
            steps += 1;
            match self.defaults.get(&target.0).copied() {
                Some(default) if steps > limits::PATTERN_STEPS_MAX => {
                    let either = self.list([value, default]);
                    let either = self.synthetic(Kind::Choice(either), target);
                    self.assign_one(target, either, how, &mut todo);
                }
                Some(default) => {
                    self.assign_one(target, default, how, &mut todo);
                    self.assign_one(target, value, how, &mut todo);
                }
                None => self.assign_one(target, value, how, &mut todo),
            }
        }
    }

    fn assign_one(&mut self, target: ExprId, value: ExprId, how: Binding, todo: &mut Vec<(ExprId, ExprId)>) {
        self.role(target, Role::Target);
        match self.facts.kind(target).clone() {
            Kind::Name(name) => self.assign_name(target, name, value, how),
            Kind::Attribute { .. } | Kind::Subscript { .. } => {
                let (start, end) = (self.facts.expr(target).start, self.facts.expr(value).end);
                let end = end.max(self.facts.expr(target).end);
                self.facts.assignments.push(Assignment { target, value, start, end });
            }
            Kind::Sequence(items) => self.assign_sequence(target, items, value, todo),
            Kind::Mapping(entries) => {
                for at in entries.range() {
                    let Entry { key, value: part } = self.facts.entries[at];
                    // The rest has the members that are left.
                    let from = key.map_or(value, |key| self.member(value, key, target));
                    todo.push((part, from));
                }
            }
            // `*rest` and `...rest`.
            Kind::Element(inner) => todo.push((inner, value)),
            _ => {}
        }
    }

    fn assign_name(&mut self, target: ExprId, name: Sym, value: ExprId, how: Binding) {
        self.role(value, Role::Alias);
        let end = self.facts.expr(target).end;
        match how {
            Binding::Local => {
                let (start, end) = (self.facts.expr(target).start, end.max(self.facts.expr(value).end));
                self.facts.assignments.push(Assignment { target, value, start, end });
                self.bind(self.binding_scope(name), name, value, self.facts.expr(target).end);
            }
            Binding::Here => self.bind(self.scope, name, value, 0),
            Binding::In(scope) => self.bind(scope, name, value, 0),
            Binding::Hoisted => {
                let (start, end) = (self.facts.expr(target).start, end.max(self.facts.expr(value).end));
                self.facts.assignments.push(Assignment { target, value, start, end });
                self.pending.push((self.scope, name, value));
            }
        }
    }

    fn assign_sequence(&mut self, target: ExprId, items: Span, value: ExprId, todo: &mut Vec<(ExprId, ExprId)>) {
        let direct = match self.facts.kind(value) {
            Kind::Sequence(values) => Some(*values),
            _ => None,
        };
        for (index, at) in items.range().enumerate() {
            let item = self.facts.lists[at];
            let spread = matches!(self.facts.kind(item), Kind::Element(_));
            let part = match direct {
                _ if value == OPAQUE || spread => OPAQUE,
                Some(values) if index < values.range().len() => self.facts.lists[values.range().start + index],
                _ => {
                    let index = self.synthetic(Kind::Int(i64::try_from(index).unwrap_or(0)), target);
                    self.synthetic(Kind::Subscript { object: value, index }, target)
                }
            };
            todo.push((item, part));
        }
    }

    fn member(&mut self, object: ExprId, key: ExprId, place: ExprId) -> ExprId {
        if object == OPAQUE {
            return OPAQUE;
        }
        match self.facts.kind(key).clone() {
            Kind::Text(text) => {
                let name = self.facts.symbols.intern(&text);
                self.synthetic(Kind::Attribute { object, name }, place)
            }
            _ => self.synthetic(Kind::Subscript { object, index: key }, place),
        }
    }

    /// Binds the names that were assigned to before their declaration was seen. One that is declared nowhere is a
    /// global, and may be what the engine calls so.
    fn settle_pending(&mut self) {
        for (scope, name, value) in std::mem::take(&mut self.pending) {
            let mut here = Some(scope);
            let declared = std::iter::from_fn(|| {
                let scope = here?;
                here = self.facts.scope(scope).parent;
                Some(scope)
            })
            .take(limits::SCOPE_DEPTH_MAX)
            .find(|&scope| self.facts.variable(scope, name).is_some());
            self.branches = 1;
            self.bind(declared.unwrap_or(MODULE), name, value, 0);
            if declared.is_none() {
                let variable = self.declare(MODULE, name);
                self.facts.variable_table[variable.at()].implicit = true;
            }
        }
    }

    /// Adds the parameters of a function: `parameters` is a sequence of patterns.
    pub(super) fn parameters(
        &mut self,
        function: FunctionId,
        scope: ScopeId,
        parameters: ExprId,
        this: Option<ExprId>,
    ) {
        let items: Vec<ExprId> = match self.facts.kind(parameters) {
            Kind::Sequence(items) => self.facts.lists[items.range()].to_vec(),
            Kind::Name(_) => vec![parameters],
            _ => Vec::new(),
        };
        for (index, item) in items.into_iter().enumerate() {
            let name = match self.facts.kind(item) {
                Kind::Name(name) => Some(*name),
                _ => None,
            };
            let mut value = if index == 0 { this.unwrap_or(OPAQUE) } else { OPAQUE };
            let pattern = matches!(self.facts.kind(item), Kind::Mapping(_) | Kind::Sequence(_));
            let name = name.or_else(|| pattern.then(|| self.facts.symbols.intern(&format!(" {index}"))));
            if let (true, Some(hidden)) = (pattern, name) {
                // What is passed for a pattern has no name in the source, and goes through a variable of its own.
                let variable = self.declare(scope, hidden);
                value = self.facts.variable_table[variable.at()].expr;
            }
            self.facts.functions[function.at()].parameters.push(name);
            self.assign(item, value, Binding::In(scope));
        }
    }

    /// Gives a parameter of a function one more value: the function is called with it at once.
    pub(super) fn give(&mut self, function: FunctionId, index: usize, value: ExprId) {
        let function = &self.facts.functions[function.at()];
        if let Some(&Some(name)) = function.parameters.get(index) {
            let scope = function.scope;
            self.bind(scope, name, value, 0);
        }
    }

    /// Notes an import of `path` (a module, or a member of one), and gives back the expression of what it reaches.
    pub(super) fn import(&mut self, path: Vec<Sym>, module: bool, node: Node<'_>) -> ExprId {
        let path: Rc<[Sym]> = path.into();
        let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let (start, end) = (place(node.start_byte()), place(node.end_byte()));
        self.facts.imports.push(Import { path: path.clone(), module, start, end });
        self.push(Kind::Imported(path), start as usize, end as usize, Role::Synthetic)
    }

    /// Operands that are only compared with something: nothing is passed on.
    pub(super) fn compared(&mut self, operands: impl IntoIterator<Item = ExprId>) {
        for operand in operands {
            if matches!(self.facts.kind(operand), Kind::Name(_) | Kind::Attribute { .. }) {
                self.role(operand, Role::Unused);
            }
        }
    }

    /// An argument given by position.
    pub(super) fn positional(value: ExprId) -> Argument {
        Argument { keyword: None, value, spread: Spread::No }
    }
}

/// In which scope an assignment binds a bare name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Binding {
    /// The function, class or module around.
    Local,
    /// The innermost scope.
    Here,
    /// A given scope.
    In(ScopeId),
    /// Wherever it is declared, which may come later.
    Hoisted,
}

fn extend<T>(table: &mut Vec<T>, items: impl IntoIterator<Item = T>) -> Span {
    let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    let start = place(table.len());
    table.extend(items);
    Span { start, end: place(table.len()) }
}

/// Declares an enumeration of node kinds or fields by their names in a grammar, and a look-up of those names.
macro_rules! names {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $text:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum $name {
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

pub(super) use names;
