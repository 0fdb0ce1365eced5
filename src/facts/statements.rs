//! What statements leave behind beside their bindings: flat tables, one for each thing that rules ask for.
//!
//! None of it bears on what an expression may be, so the resolver knows none of these tables. Every lowering fills them
//! through the builder; the order of the rows means nothing.

use std::ops::Range;

use super::builder::Builder;
use super::{Argument, Assignment, ExprId, FunctionId, Kind, OPAQUE, Role, Span, Sym};

/// What a statement is, as far as rules ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StatementKind {
    /// Python's `assert`.
    Assert,
    /// A handler whose whole body is `pass` or `...`; in JavaScript a `catch` whose block holds no statement.
    ExceptPass,
    /// A handler whose whole body is `continue`.
    ExceptContinue,
    /// Any other handler.
    Except,
    /// `with` of either language.
    With,
    /// JavaScript's `debugger`.
    Debugger,
}

/// A statement of a kind that rules ask for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Statement {
    /// Of a handler: the clause, not the `try` around it.
    pub(crate) kind: StatementKind,
    /// Of a handler: the expressions of the types that it catches, in `Facts::lists`; a tuple is taken apart. Empty where it
    /// catches everything (`except:`, JavaScript's `catch`), and for every other statement.
    pub(crate) types: Span,
    /// The whole statement or clause.
    pub(crate) start: u32,
    pub(crate) end: u32,
}

/// What a definition defines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DefinitionKind {
    /// A function, arrow function or method.
    Function,
    Class,
    /// Python's `lambda`.
    Lambda,
}

/// A definition of a function or class.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Definition {
    pub(crate) kind: DefinitionKind,
    /// What it is called: the name, or the key of a method; `None` for lambdas, arrows and computed keys.
    pub(crate) name: Option<Sym>,
    /// Parameters that have a name and a default value, in `Facts::arguments`: the keyword is the parameter, the value the
    /// default.
    pub(crate) defaults: Span,
    /// Its decorators, in `Facts::lists`: for `@a.b(c)` the call.
    pub(crate) decorators: Span,
    /// Of a class, its bases, in `Facts::lists`.
    pub(crate) bases: Span,
    /// The function, where it is one.
    pub(crate) function: Option<FunctionId>,
    /// From its first keyword on, decorators excluded, `async` included.
    pub(crate) start: u32,
    /// The end of its name; of one without a name, that of its parameters.
    pub(crate) head_end: u32,
}

/// How two operands are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparing {
    /// `==`, `!=`, `===`, `!==`, `is`, `is not`.
    Equality,
    /// `in`, `not in`.
    Membership,
    /// `<` and its like, `instanceof`.
    Other,
}

/// A comparison of two operands; `a == b == c` is two.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Comparison {
    pub(crate) how: Comparing,
    pub(crate) left: ExprId,
    pub(crate) right: ExprId,
    pub(crate) start: u32,
    pub(crate) end: u32,
}

/// What a stretch of code is the inside of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BlockKind {
    /// A `for` or `while` statement, or a comprehension.
    Loop,
    /// A loop that no condition ends (`while True`, `while (1)`, `for (;;)`); it has a row as `Loop` as well.
    EndlessLoop,
    /// A function, method or arrow function, its parameters included; a lambda is `Lambda` alone.
    Function,
    Lambda,
    Class,
    /// A handler: `except …:`, `catch (…) {…}`.
    Except,
}

/// A stretch of code that rules ask to be inside of, or outside.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Block {
    pub(crate) kind: BlockKind,
    /// The whole statement, decorators excluded.
    pub(crate) start: u32,
    pub(crate) end: u32,
}

/// The tables.
#[derive(Clone, Debug, Default)]
pub(crate) struct Statements {
    pub(crate) statements: Vec<Statement>,
    pub(crate) definitions: Vec<Definition>,
    pub(crate) comparisons: Vec<Comparison>,
    pub(crate) blocks: Vec<Block>,
    /// Annotations that are written as texts, which are code all the same.
    pub(crate) annotations: Vec<ExprId>,
}

/// What a lowering says of a definition, beside its place.
#[derive(Debug)]
pub(crate) struct Defined {
    pub(crate) kind: DefinitionKind,
    pub(crate) name: Option<Sym>,
    pub(crate) function: Option<FunctionId>,
    pub(crate) bases: Span,
    pub(crate) head_end: usize,
}

fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

impl Builder<'_> {
    /// Notes a statement. `types` are those of a handler.
    pub(crate) fn statement(
        &mut self,
        kind: StatementKind,
        types: impl IntoIterator<Item = ExprId>,
        place: Range<usize>,
    ) {
        let types = self.list(types);
        let (start, end) = (offset(place.start), offset(place.end));
        self.facts.shape.statements.push(Statement { kind, types, start, end });
    }

    /// Notes a handler of exceptions, and its block: `caught` is what it catches, tuples as they are.
    pub(crate) fn handler(
        &mut self,
        kind: StatementKind,
        caught: impl IntoIterator<Item = ExprId>,
        place: Range<usize>,
    ) {
        let mut types = Vec::new();
        for caught in caught {
            match *self.facts.kind(caught) {
                Kind::Sequence(items) => types.extend_from_slice(&self.facts.lists[items.range()]),
                _ => types.push(caught),
            }
        }
        self.block(BlockKind::Except, place.clone());
        self.statement(kind, types, place);
    }

    /// Notes a stretch of code.
    pub(crate) fn block(&mut self, kind: BlockKind, place: Range<usize>) {
        let (start, end) = (offset(place.start), offset(place.end));
        self.facts.shape.blocks.push(Block { kind, start, end });
    }

    /// Notes a loop; `condition` is that of `while`, and absent for a loop that has none.
    pub(crate) fn looped(&mut self, condition: Option<ExprId>, place: Range<usize>) {
        let endless = condition
            .is_none_or(|condition| matches!(self.facts.kind(condition), Kind::Bool(true) | Kind::Int(1..=i64::MAX)));
        if endless {
            self.block(BlockKind::EndlessLoop, place.clone());
        }
        self.block(BlockKind::Loop, place);
    }

    /// Notes a comparison.
    pub(crate) fn comparison(&mut self, how: Comparing, left: ExprId, right: ExprId, place: Range<usize>) {
        let (start, end) = (offset(place.start), offset(place.end));
        self.facts.shape.comparisons.push(Comparison { how, left, right, start, end });
    }

    /// Notes a definition, and its block. `parameters` is the sequence of its patterns, whose default values the builder
    /// knows; decorators are added by [`Builder::decorate`].
    pub(crate) fn definition(&mut self, defined: Defined, parameters: ExprId, place: Range<usize>) {
        let Defined { kind, name, function, bases, head_end } = defined;
        let items: Vec<ExprId> = match self.facts.kind(parameters) {
            Kind::Sequence(items) => self.facts.lists[items.range()].to_vec(),
            Kind::Name(_) => vec![parameters],
            _ => Vec::new(),
        };
        let defaults: Vec<Argument> = items
            .into_iter()
            .filter_map(|item| {
                let &Kind::Name(name) = self.facts.kind(item) else { return None };
                let value = *self.defaults.get(&item.0)?;
                Some(Argument { keyword: Some(name), ..Self::positional(value) })
            })
            .collect();
        let (defaults, decorators) = (self.arguments(defaults), self.list([]));
        self.block(
            match kind {
                DefinitionKind::Function => BlockKind::Function,
                DefinitionKind::Class => BlockKind::Class,
                DefinitionKind::Lambda => BlockKind::Lambda,
            },
            place.clone(),
        );
        let (start, head_end) = (offset(place.start), offset(head_end));
        self.facts.shape.definitions.push(Definition {
            kind,
            name,
            defaults,
            decorators,
            bases,
            function,
            start,
            head_end,
        });
    }

    /// Gives the definition that was noted last its decorators.
    pub(crate) fn decorate(&mut self, decorators: impl IntoIterator<Item = ExprId>) {
        let decorators = self.list(decorators);
        if let Some(definition) = self.facts.shape.definitions.last_mut() {
            definition.decorators = decorators;
        }
    }

    /// Notes that something which no expression names gets the property `name`: a field of a class, an attribute of JSX.
    /// It counts as an assignment to a member of the unknown.
    pub(crate) fn property(&mut self, name: Sym, value: ExprId, place: Range<usize>) {
        let target = self.expr(Kind::Attribute { object: OPAQUE, name }, place.clone());
        self.role(target, Role::Target);
        let (start, end) = (offset(place.start), offset(place.end));
        self.facts.assignments.push(Assignment { target, value, start, end });
    }
}
