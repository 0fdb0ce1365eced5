//! The facts of one region: what both languages are lowered into, and all that the resolver and the matcher know.
//!
//! Facts live in one arena: expressions that point at expressions, scopes that hold variables, variables that hold the
//! expressions which were assigned to them. Statements leave no trace but their bindings, so that what follows is
//! insensitive to flow: a variable has every value that it is given anywhere.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::Range;
use std::rc::Rc;

/// A quick hash for keys that are small numbers of vetrun's own making, which an artifact cannot choose.
#[derive(Default)]
pub(super) struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u32(u32::from(byte));
        }
    }

    fn write_u32(&mut self, word: u32) {
        self.0 = (self.0.rotate_left(5) ^ u64::from(word)).wrapping_mul(0x517c_c1b7_2722_0a95);
    }
}

/// A map whose keys are ids.
pub(super) type IdMap<K, V> = HashMap<K, V, BuildHasherDefault<IdHasher>>;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub(super) struct $name(pub(super) u32);

        impl $name {
            /// Where it stands in its table.
            pub(super) fn at(self) -> usize {
                self.0 as usize
            }
        }
    };
}

id!(
    /// An interned name or text.
    Sym
);
id!(
    /// An expression.
    ExprId
);
id!(
    /// A scope.
    ScopeId
);
id!(
    /// A variable of a scope.
    VarId
);
id!(
    /// A function.
    FunctionId
);

/// A stretch of one of the side tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: u32,
    pub(super) end: u32,
}

impl Span {
    /// The span as a range of indices.
    pub(super) fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// An operator of two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Binary {
    Add,
    Subtract,
    Multiply,
    Modulo,
    Xor,
    Other,
}

/// An operator of one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unary {
    Not,
    Minus,
    Plus,
    TypeOf,
    Void,
}

/// What an expression is.
#[derive(Clone, Debug)]
pub(super) enum Kind {
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
    Slice([Option<ExprId>; 3]),
    Call {
        callee: ExprId,
        arguments: Span,
    },
    Text(Rc<str>),
    Bytes(Rc<[u8]>),
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
    /// `[body for target in iterable]`, of one clause and without a condition; anything else is opaque.
    Comprehension {
        body: ExprId,
        target: ExprId,
        iterable: ExprId,
    },
    /// An object of the class whose body is the scope: `self`, `this`.
    Instance(ScopeId),
    /// What an import binds: a qualified name, outermost first.
    Imported(Rc<[Sym]>),
    /// Every value that a variable is given.
    Variable(VarId),
}

/// Where an expression stands, as far as it matters for whether it escapes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
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
    /// Its value is thrown away, or it is a type.
    Unused,
    /// It stands in no source text by itself.
    Synthetic,
}

/// An expression.
#[derive(Clone, Debug)]
pub(super) struct Expr {
    pub(super) kind: Kind,
    pub(super) scope: ScopeId,
    pub(super) start: u32,
    pub(super) end: u32,
    pub(super) role: Role,
}

/// An argument of a call, or an entry of a mapping: there the key is an expression.
#[derive(Clone, Copy, Debug)]
pub(super) struct Argument {
    pub(super) keyword: Option<Sym>,
    pub(super) value: ExprId,
    /// `*x`, `...x`; with a keyword marker of its own for `**x`.
    pub(super) spread: Spread,
}

/// Whether an argument stands for several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spread {
    No,
    /// `*x`, `...x`.
    Positional,
    /// `**x`.
    Keyword,
}

/// An entry of a mapping; without a key it is spread into it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) key: Option<ExprId>,
    pub(super) value: ExprId,
}

/// How names are looked up through a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ScopeKind {
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
pub(super) struct Scope {
    pub(super) kind: ScopeKind,
    pub(super) parent: Option<ScopeId>,
}

/// A function.
#[derive(Clone, Debug)]
pub(super) struct Function {
    /// The scope of its parameters and body.
    pub(super) scope: ScopeId,
    /// What its parameters are called, in order; a pattern has no name.
    pub(super) parameters: Vec<Option<Sym>>,
    /// What it returns.
    pub(super) returns: Vec<ExprId>,
}

/// A variable.
#[derive(Clone, Debug)]
pub(super) struct Variable {
    /// Everything that it is given anywhere.
    pub(super) values: Vec<ExprId>,
    /// The expression that stands for it.
    pub(super) expr: ExprId,
    /// From which byte on it has surely been bound: before, a name of a module or class means what it means outside.
    pub(super) certain_from: u32,
    /// Whether it is declared nowhere: an assignment made it a global of JavaScript.
    pub(super) implicit: bool,
}

/// `x.name = value`, and the same with a subscript.
#[derive(Clone, Copy, Debug)]
pub(super) struct Assignment {
    pub(super) target: ExprId,
    pub(super) value: ExprId,
    pub(super) start: u32,
    pub(super) end: u32,
}

/// An import statement's one module or member.
#[derive(Clone, Debug)]
pub(super) struct Import {
    pub(super) path: Rc<[Sym]>,
    /// Whether it is surely a module, not a member of one.
    pub(super) module: bool,
    pub(super) start: u32,
    pub(super) end: u32,
}

/// Interned names.
#[derive(Debug, Default)]
pub(super) struct Symbols {
    ids: HashMap<Rc<str>, Sym>,
    texts: Vec<Rc<str>>,
}

impl Symbols {
    /// The symbol of `text`.
    pub(super) fn intern(&mut self, text: &str) -> Sym {
        if let Some(&sym) = self.ids.get(text) {
            return sym;
        }
        let sym = Sym(u32::try_from(self.texts.len()).expect("a text of at most 4 GiB has fewer names"));
        let shared: Rc<str> = text.into();
        self.texts.push(shared.clone());
        self.ids.insert(shared, sym);
        sym
    }

    /// The text of `sym`.
    pub(super) fn text(&self, sym: Sym) -> &Rc<str> {
        &self.texts[sym.at()]
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.texts.len()
    }
}

/// The facts of one region.
#[derive(Debug)]
pub(super) struct Facts {
    /// Which language's rules of names and operators hold.
    pub(super) dialect: Dialect,
    pub(super) symbols: Symbols,
    pub(super) exprs: Vec<Expr>,
    pub(super) lists: Vec<ExprId>,
    pub(super) arguments: Vec<Argument>,
    pub(super) entries: Vec<Entry>,
    pub(super) scopes: Vec<Scope>,
    pub(super) variables: IdMap<(u32, u32), VarId>,
    pub(super) variable_table: Vec<Variable>,
    /// `global` and `nonlocal`: where a scope's name really lives.
    pub(super) redirects: IdMap<(u32, u32), ScopeId>,
    pub(super) functions: Vec<Function>,
    pub(super) assignments: Vec<Assignment>,
    pub(super) imports: Vec<Import>,
    /// Modules of which everything was imported, and into which scope.
    pub(super) star_imports: Vec<(ScopeId, Rc<[Sym]>)>,
    /// Tokens that are strings or comments, for rules that look at their text.
    pub(super) strings: Vec<Range<usize>>,
    pub(super) comments: Vec<Range<usize>>,
    /// Whether lowering stopped at a limit.
    pub(super) cut: bool,
}

/// The language that facts were lowered from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    Python,
    JavaScript,
}

/// The expression that every unknown is.
pub(super) const OPAQUE: ExprId = ExprId(0);

/// The scope of the module.
pub(super) const MODULE: ScopeId = ScopeId(0);

impl Facts {
    /// No facts yet but the module's scope and the unknown.
    pub(super) fn new(dialect: Dialect) -> Self {
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
            strings: Vec::new(),
            comments: Vec::new(),
            cut: false,
        }
    }

    /// The expression `id`.
    pub(super) fn expr(&self, id: ExprId) -> &Expr {
        &self.exprs[id.at()]
    }

    /// What the expression `id` is.
    pub(super) fn kind(&self, id: ExprId) -> &Kind {
        &self.exprs[id.at()].kind
    }

    /// The scope `id`.
    pub(super) fn scope(&self, id: ScopeId) -> &Scope {
        &self.scopes[id.at()]
    }

    /// The text of a name.
    pub(super) fn text(&self, sym: Sym) -> &str {
        self.symbols.text(sym)
    }

    /// The variable `name` of `scope` itself.
    pub(super) fn variable(&self, scope: ScopeId, name: Sym) -> Option<VarId> {
        self.variables.get(&(scope.0, name.0)).copied()
    }

    /// The class whose methods `scope` is one of the scopes of, looking outwards.
    pub(super) fn class_around(&self, mut scope: ScopeId) -> Option<ScopeId> {
        loop {
            let here = self.scope(scope);
            if here.kind == ScopeKind::Class {
                return Some(scope);
            }
            scope = here.parent?;
        }
    }
}
