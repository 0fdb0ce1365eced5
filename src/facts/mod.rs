//! The facts of one region: what both languages are lowered into, and all that the resolver and the matcher know.
//!
//! Facts live in one arena: expressions that point at expressions, scopes that hold variables, variables that hold the
//! expressions which were assigned to them. Statements leave no trace there but their bindings, so that what follows is
//! insensitive to flow: a variable has every value that it is given anywhere. What else rules ask of statements is in
//! tables of their own (`statements`).

pub(crate) mod builder;
mod javascript;
mod limits;
pub(crate) mod literal;
pub(crate) mod outline;
pub(crate) mod statements;
pub(crate) mod strict;
mod symbols;
pub(crate) mod tolerant;

use std::ops::Range;
use std::sync::Arc;

pub(crate) use limits::{IMPORTS_MAX, SCOPE_DEPTH_MAX};
pub(crate) use outline::Outline;
pub(crate) use symbols::{Dialect, ExprId, FunctionId, IdMap, IdSet, ScopeId, Sym, Symbols, VarId};

/// A stretch of one of the side tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl Span {
    /// The span as a range of indices.
    pub(crate) fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// An operator of two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Binary {
    Add,
    Subtract,
    Multiply,
    Modulo,
    Xor,
    Other,
}

/// An operator of one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unary {
    Not,
    Minus,
    Plus,
    TypeOf,
    Void,
}

/// A regular expression that is written out.
#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    pub(crate) pattern: Arc<str>,
    pub(crate) flags: Arc<str>,
}

/// What an expression is. There are more of these than of anything else, so what is rare and large is boxed.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// Something that has no name and no value that could be known.
    Opaque,
    Name(Sym),
    /// `this` of JavaScript.
    This,
    Attribute {
        object: ExprId,
        name: Sym,
    },
    Subscript {
        object: ExprId,
        index: ExprId,
    },
    /// The index of a subscript: `start:stop:step`.
    Slice(Box<[Option<ExprId>; 3]>),
    Call {
        callee: ExprId,
        arguments: Span,
    },
    Text(Arc<str>),
    Bytes(Arc<[u8]>),
    /// A regular expression that is written out.
    Pattern(Box<Pattern>),
    Int(i64),
    Float(f64),
    Bool(bool),
    Null,
    Undefined,
    /// The parts of an f-string, a template, or of strings that stand side by side.
    Concat(Span),
    Binary(Binary, ExprId, ExprId),
    Unary(Unary, ExprId),
    /// Any of several: a conditional, `or`, `??`.
    Choice(Span),
    Sequence(Span),
    Mapping(Span),
    Function(FunctionId),
    Class {
        scope: ScopeId,
        bases: Span,
    },
    /// Any element of an iterable.
    Element(ExprId),
    /// `[body for target in iterable]`.
    Comprehension {
        body: ExprId,
        target: ExprId,
        iterable: ExprId,
        /// Whether that is all of it; else it has further clauses or a condition, and only what may be in it is known.
        is_whole: bool,
    },
    /// An object of the class whose body is the scope: `self`, `this`.
    Instance(ScopeId),
    /// What `with value as name` binds: what `__enter__` of the value gives back.
    Entered(ExprId),
    /// What the call of a decorator makes of a definition, where the decorator is a function of the file.
    Decorated(ExprId),
    /// What an import binds: a qualified name, outermost first.
    Imported(Arc<[Sym]>),
    /// Every value that a variable is given.
    Variable(VarId),
}

impl Kind {
    /// Whether it is a constant that is written out, or something unknown.
    pub(crate) fn is_written_out(&self) -> bool {
        matches!(
            self,
            Self::Opaque
                | Self::Text(_)
                | Self::Bytes(_)
                | Self::Pattern(_)
                | Self::Int(_)
                | Self::Float(_)
                | Self::Bool(_)
                | Self::Null
                | Self::Undefined
        )
    }
}

/// Where an expression stands, as far as it matters for whether it escapes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Its value goes somewhere.
    Value,
    /// It is what a call calls.
    Callee,
    /// It is what an attribute is taken of.
    Object,
    /// It is what a plain name is set to.
    Alias,
    /// It is assigned to.
    Target,
    /// Its value is thrown away.
    Unused,
    /// It is an annotation, or the whole of a part of one.
    Type,
    /// It stands in no source text by itself.
    Synthetic,
}

/// An expression.
#[derive(Clone, Debug)]
pub(crate) struct Expr {
    pub(crate) kind: Kind,
    pub(crate) scope: ScopeId,
    pub(crate) start: u32,
    pub(crate) end: u32,
    pub(crate) role: Role,
}

/// An argument of a call, or an entry of a mapping: there the key is an expression.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Argument {
    pub(crate) keyword: Option<Sym>,
    pub(crate) value: ExprId,
    /// `*x`, `...x`; with a keyword marker of its own for `**x`.
    pub(crate) spread: Spread,
}

/// Whether an argument stands for several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spread {
    No,
    /// `*x`, `...x`.
    Positional,
    /// `**x`.
    Keyword,
}

/// An entry of a mapping; without a key it is spread into it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) key: Option<ExprId>,
    pub(crate) value: ExprId,
}

/// How names are looked up through a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ScopeKind {
    Module,
    Function,
    /// A comprehension, or a block of JavaScript.
    Block,
    /// Seen only from its own body in Python; never by bare names in JavaScript.
    Class,
    /// The body of JavaScript's `with`: the members of an object are names there.
    With(ExprId),
}

/// A scope.
#[derive(Clone, Debug)]
pub(crate) struct Scope {
    pub(crate) kind: ScopeKind,
    pub(crate) parent: Option<ScopeId>,
}

/// A function.
#[derive(Clone, Debug)]
pub(crate) struct Function {
    /// The scope of its parameters and body.
    pub(crate) scope: ScopeId,
    /// What its parameters are called, in order; a pattern has no name.
    pub(crate) parameters: Vec<Option<Sym>>,
    /// What the keywords that no parameter has are called: `**options`.
    pub(crate) keywords: Option<Sym>,
    /// What it returns.
    pub(crate) returns: Vec<ExprId>,
    /// What it yields; a function that yields gives back a generator.
    pub(crate) yields: Vec<ExprId>,
    /// Whether it runs when it is read as an attribute: a property, a getter.
    pub(crate) getter: bool,
}

/// What a module of JavaScript hands out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Export {
    /// Under which name; none where the whole of a module is handed on (`export * from`).
    pub(crate) name: Option<Sym>,
    pub(crate) value: ExprId,
}

/// A variable.
#[derive(Clone, Debug)]
pub(crate) struct Variable {
    /// Everything that it is given anywhere.
    pub(crate) values: Vec<ExprId>,
    /// The expression that stands for it.
    pub(crate) expr: ExprId,
    /// From which byte on it has surely been bound: before, a name of a module or class means what it means outside.
    pub(crate) certain_from: u32,
    /// Whether it is declared nowhere: an assignment made it a global of JavaScript.
    pub(crate) implicit: bool,
}

/// `x.name = value`, and the same with a subscript.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Assignment {
    pub(crate) target: ExprId,
    pub(crate) value: ExprId,
    pub(crate) start: u32,
    pub(crate) end: u32,
}

/// An import statement's one module or member.
#[derive(Clone, Debug)]
pub(crate) struct Import {
    pub(crate) path: Arc<[Sym]>,
    /// Whether it is surely a module, not a member of one.
    pub(crate) module: bool,
    pub(crate) start: u32,
    pub(crate) end: u32,
}

/// The facts of one region.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    /// Which language's rules of names and operators hold.
    pub(crate) dialect: Dialect,
    pub(crate) symbols: Symbols,
    pub(crate) exprs: Vec<Expr>,
    pub(crate) lists: Vec<ExprId>,
    pub(crate) arguments: Vec<Argument>,
    pub(crate) entries: Vec<Entry>,
    pub(crate) scopes: Vec<Scope>,
    pub(crate) variables: IdMap<(u32, u32), VarId>,
    pub(crate) variable_table: Vec<Variable>,
    /// `global` and `nonlocal`: where a scope's name really lives.
    pub(crate) redirects: IdMap<(u32, u32), ScopeId>,
    pub(crate) functions: Vec<Function>,
    pub(crate) assignments: Vec<Assignment>,
    pub(crate) imports: Vec<Import>,
    /// Modules of which everything was imported, and into which scope.
    pub(crate) star_imports: Vec<(ScopeId, Arc<[Sym]>)>,
    /// What `export` statements hand out.
    pub(crate) exports: Vec<Export>,
    /// Tokens that are strings or comments, for rules that look at their text.
    pub(crate) strings: Vec<Range<usize>>,
    pub(crate) comments: Vec<Range<usize>>,
    /// What statements leave behind.
    pub(crate) shape: statements::Statements,
    /// Whether lowering stopped at a limit.
    pub(crate) cut: bool,
}

/// The expression that every unknown is.
pub(crate) const OPAQUE: ExprId = ExprId(0);

/// The scope of the module.
pub(crate) const MODULE: ScopeId = ScopeId(0);

impl Facts {
    /// No facts yet but the module's scope and the unknown.
    pub(crate) fn new(dialect: Dialect) -> Self {
        let unknown = Expr { kind: Kind::Opaque, scope: MODULE, start: 0, end: 0, role: Role::Synthetic };
        Self {
            dialect,
            symbols: Symbols::default(),
            exprs: vec![unknown],
            lists: Vec::new(),
            arguments: Vec::new(),
            entries: Vec::new(),
            scopes: vec![Scope { kind: ScopeKind::Module, parent: None }],
            variables: IdMap::default(),
            variable_table: Vec::new(),
            redirects: IdMap::default(),
            functions: Vec::new(),
            assignments: Vec::new(),
            imports: Vec::new(),
            star_imports: Vec::new(),
            exports: Vec::new(),
            strings: Vec::new(),
            comments: Vec::new(),
            shape: statements::Statements::default(),
            cut: false,
        }
    }

    /// The same with room for what so many bytes of source usually come to: to grow little by little is to copy it all again
    /// and again.
    pub(crate) fn with_room(dialect: Dialect, bytes: usize) -> Self {
        let mut facts = Self::new(dialect);
        let bytes = bytes.min(limits::ROOM_BYTES_MAX);
        facts.exprs.reserve(bytes / 9);
        facts.arguments.reserve(bytes / 32);
        facts.assignments.reserve(bytes / 64);
        facts.variable_table.reserve(bytes / 64);
        facts.variables.reserve(bytes / 64);
        facts.symbols.reserve(bytes / 64);
        facts
    }

    /// Moves all expressions to one place.
    fn stand_at(&mut self, place: Range<usize>) {
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let (start, end) = (offset(place.start), offset(place.end));
        self.exprs.iter_mut().for_each(|expr| (expr.start, expr.end) = (start, end));
        self.assignments.iter_mut().for_each(|one| (one.start, one.end) = (start, end));
        self.imports.iter_mut().for_each(|one| (one.start, one.end) = (start, end));
        let bound = self.variable_table.iter_mut().filter(|variable| variable.certain_from != u32::MAX);
        bound.for_each(|variable| variable.certain_from = start);
        (self.strings, self.comments) = (Vec::new(), Vec::new());
    }

    /// The expression `id`.
    pub(crate) fn expr(&self, id: ExprId) -> &Expr {
        &self.exprs[id.at()]
    }

    /// What the expression `id` is.
    pub(crate) fn kind(&self, id: ExprId) -> &Kind {
        &self.exprs[id.at()].kind
    }

    /// The scope `id`.
    pub(crate) fn scope(&self, id: ScopeId) -> &Scope {
        &self.scopes[id.at()]
    }

    /// The text of a name.
    pub(crate) fn text(&self, sym: Sym) -> &str {
        self.symbols.text(sym)
    }

    /// The variable `name` of `scope` itself.
    pub(crate) fn variable(&self, scope: ScopeId, name: Sym) -> Option<VarId> {
        self.variables.get(&(scope.0, name.0)).copied()
    }

    /// Whether a variable holds nothing but functions and classes of the file.
    pub(crate) fn is_defined(&self, variable: VarId) -> bool {
        let values = &self.variable_table[variable.at()].values;
        let is_definition = |&value: &ExprId| matches!(self.kind(value), Kind::Function(_) | Kind::Class { .. });
        !values.is_empty() && values.iter().all(is_definition)
    }

    /// The class whose methods `scope` is one of the scopes of, looking outwards.
    pub(crate) fn class_around(&self, mut scope: ScopeId) -> Option<ScopeId> {
        loop {
            let here = self.scope(scope);
            if here.kind == ScopeKind::Class {
                return Some(scope);
            }
            scope = here.parent?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_is_small() {
        assert_eq!(size_of::<Kind>(), 24);
        assert_eq!(size_of::<Expr>(), 40);
    }
}
