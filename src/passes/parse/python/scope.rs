//! The scopes of Python, as CPython's symbol table keeps them: what each block is, and what its names are bound to.
//!
//! Names are only collected where a rule asks about them: those that stand in a `global`, a `nonlocal` or a `:=`.

use std::borrow::Cow;
use std::collections::HashMap;

use ruff_python_ast::PythonVersion;
use ruff_text_size::TextRange;

use super::names::Watched;

/// What kind of block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Module,
    Class,
    Function {
        is_async: bool,
    },
    Lambda,
    Comprehension {
        is_generator: bool,
    },
    /// Where an annotation is evaluated, if at all.
    Annotation,
    /// The type parameters of a class, function or alias: `[T]`.
    TypeParameters,
    /// The value of a `type` statement.
    TypeAlias,
    /// The bound or default of a type parameter.
    TypeVariable,
}

impl Kind {
    /// Whether it is a function in the sense of `yield`: a `def`, a lambda or a comprehension.
    pub(super) fn is_function(self) -> bool {
        matches!(self, Self::Function { .. } | Self::Lambda | Self::Comprehension { .. })
    }

    /// What CPython calls a block in which nothing may bind or suspend; `None` where both may be done.
    pub(super) fn restricted(self) -> Option<&'static str> {
        match self {
            Self::Annotation => Some("an annotation"),
            Self::TypeVariable => Some("a TypeVar bound"),
            Self::TypeAlias => Some("a type alias"),
            Self::TypeParameters => Some("the definition of a generic"),
            _ => None,
        }
    }
}

/// What is known of a name in a block: a set of the constants below.
pub(super) type Uses = u16;
pub(super) const GLOBAL: Uses = 1;
pub(super) const LOCAL: Uses = 2;
pub(super) const PARAMETER: Uses = 4;
pub(super) const NONLOCAL: Uses = 8;
pub(super) const USED: Uses = 16;
pub(super) const IMPORTED: Uses = 32;
pub(super) const ANNOTATED: Uses = 64;
/// The target of a `for` in a comprehension, or a name within it.
pub(super) const ITERATED: Uses = 128;
pub(super) const TYPE_PARAMETER: Uses = 256;
const BOUND: Uses = LOCAL | PARAMETER | IMPORTED | TYPE_PARAMETER;

/// One block.
#[derive(Debug)]
pub(super) struct Block<'a> {
    pub(super) kind: Kind,
    /// The block around it; the module is its own.
    pub(super) parent: usize,
    names: HashMap<Cow<'a, str>, Uses>,
    /// Whether something in it makes it a coroutine.
    pub(super) is_coroutine: bool,
    /// Whether something in it makes it a generator.
    pub(super) is_generator: bool,
    /// Whether the walk is in the target of a comprehension's `for`.
    pub(super) in_target: bool,
    /// Iterables of comprehensions around the place where the walk is, those of the blocks around included.
    pub(super) iterables: u32,
    /// Whether names of a class around it are seen in it though it is no class.
    pub(super) sees_class: bool,
    /// Whether the walk is in an annotation that is never evaluated.
    pub(super) unevaluated: bool,
    /// Loops around the place where the walk is.
    pub(super) loops: u32,
    /// In an `except*` handler: how many loops were around it.
    pub(super) except_star: Option<u32>,
    /// Nested blocks around the place where the walk is, as CPython's compiler counts them.
    pub(super) depth: u32,
    /// Where the last block that a generator may not have was met.
    pub(super) deepest: Option<TextRange>,
    /// A `return` with a value.
    pub(super) returns: Option<TextRange>,
    /// An asynchronous comprehension whose right to be here is known only at the end of the block.
    pub(super) asynchronous: Option<TextRange>,
    /// The `nonlocal` names, to be looked up when all is known.
    nonlocals: Vec<(Cow<'a, str>, TextRange)>,
}

/// What is wrong with a name, and where.
pub(super) type Fault = (String, TextRange);

/// All blocks that are still of interest, each after the one around it.
#[derive(Debug)]
pub(super) struct Scopes<'a> {
    blocks: Vec<Block<'a>>,
    current: usize,
    /// Whether names are collected.
    pub(super) collects: bool,
    /// Those that are.
    watched: &'a Watched<'a>,
    version: PythonVersion,
    /// The class whose name mangles private names.
    pub(super) class: Option<&'a str>,
}

impl<'a> Scopes<'a> {
    /// The module alone.
    pub(super) fn new(watched: &'a Watched<'a>, version: PythonVersion) -> Self {
        let collects = watched.any();
        let mut scopes = Self { blocks: Vec::new(), current: 0, collects, watched, version, class: None };
        scopes.enter(Kind::Module);
        scopes
    }

    pub(super) fn block(&self) -> &Block<'a> {
        &self.blocks[self.current]
    }

    pub(super) fn block_mut(&mut self) -> &mut Block<'a> {
        &mut self.blocks[self.current]
    }

    /// Opens a block within the current one.
    pub(super) fn enter(&mut self, kind: Kind) {
        let iterables = self.blocks.get(self.current).map_or(0, |block| block.iterables);
        self.blocks.push(Block {
            kind,
            parent: self.current,
            names: HashMap::new(),
            is_coroutine: kind == Kind::Function { is_async: true },
            is_generator: false,
            in_target: false,
            iterables,
            sees_class: false,
            unevaluated: false,
            loops: 0,
            except_star: None,
            depth: 0,
            deepest: None,
            returns: None,
            asynchronous: None,
            nonlocals: Vec::new(),
        });
        self.current = self.blocks.len() - 1;
    }

    /// Leaves the current block for the one around it.
    pub(super) fn leave(&mut self) {
        let left = self.current;
        self.current = self.block().parent;
        if !self.collects {
            self.blocks.truncate(left);
        }
    }

    /// A name as the compiler knows it: `__x` in `class C` is `_C__x`.
    fn mangled(&self, name: &'a str) -> Cow<'a, str> {
        let class = self.class.map(|class| class.trim_start_matches('_')).filter(|class| !class.is_empty());
        match class {
            Some(class) if name.starts_with("__") && !name.ends_with("__") && !name.contains('.') => {
                Cow::Owned(format!("_{class}{name}"))
            }
            _ => Cow::Borrowed(name),
        }
    }

    /// What is known of `name` in the current block.
    pub(super) fn uses(&self, name: &'a str) -> Uses {
        self.block().names.get(&self.mangled(name)).copied().unwrap_or(0)
    }

    /// Notes a use of `name` in the current block.
    pub(super) fn define(&mut self, name: &'a str, uses: Uses, range: TextRange) -> Result<(), Fault> {
        if !self.collects || !self.watched.has(name) {
            return Ok(());
        }
        let name = self.mangled(name);
        self.define_in(self.current, name, uses, range)
    }

    fn define_in(&mut self, at: usize, name: Cow<'a, str>, uses: Uses, range: TextRange) -> Result<(), Fault> {
        let block = &mut self.blocks[at];
        let known = block.names.entry(name.clone()).or_insert(0);
        *known |= uses;
        if block.in_target {
            if *known & (GLOBAL | NONLOCAL) != 0 {
                let message = format!("comprehension inner loop cannot rebind assignment expression target '{name}'");
                return Err((message, range));
            }
            *known |= ITERATED;
        }
        if uses & NONLOCAL != 0 {
            block.nonlocals.push((name, range));
        } else if uses & GLOBAL != 0 {
            *self.blocks[0].names.entry(name).or_insert(0) |= GLOBAL;
        }
        Ok(())
    }

    /// Binds the target of a `:=` that stands in a comprehension in the nearest block that may have it.
    pub(super) fn bind_outside(&mut self, name: &'a str, range: TextRange) -> Result<(), Fault> {
        let mangled = self.mangled(name);
        // Until 3.13 private names were looked for as they are written, and so never found.
        let is_private = matches!(mangled, Cow::Owned(_)) && self.version < PythonVersion::PY313;
        // Until 3.12 it minds a name that is no target itself but stands in one: `for a[x] in …`.
        let binds = if self.version < PythonVersion::PY312 { Uses::MAX } else { LOCAL | GLOBAL };
        let mut at = self.current;
        loop {
            let block = &self.blocks[at];
            let known = block.names.get(&mangled).copied().filter(|_| !is_private).unwrap_or(0);
            match block.kind {
                Kind::Comprehension { .. } if known & ITERATED != 0 && known & binds != 0 => {
                    let message =
                        format!("assignment expression cannot rebind comprehension iteration variable '{name}'");
                    return Err((message, range));
                }
                Kind::Comprehension { .. } | Kind::Annotation => at = block.parent,
                Kind::Function { .. } | Kind::Lambda => {
                    let here = if known & GLOBAL != 0 { GLOBAL } else { NONLOCAL };
                    self.define_in(self.current, mangled.clone(), here, range)?;
                    return self.define_in(at, mangled, LOCAL, range);
                }
                Kind::Module => {
                    self.define_in(self.current, mangled.clone(), GLOBAL, range)?;
                    return self.define_in(at, mangled, GLOBAL, range);
                }
                Kind::Class => {
                    let what = "assignment expression within a comprehension cannot be used in a class body";
                    return Err((what.to_owned(), range));
                }
                Kind::TypeParameters | Kind::TypeAlias | Kind::TypeVariable => {
                    let place = block.kind.restricted().unwrap_or_default();
                    let what = format!("assignment expression within a comprehension cannot be used in {place}");
                    return Err((what, range));
                }
            }
        }
    }

    /// The faults of names that only the whole file tells: those `nonlocal` that name nothing.
    pub(super) fn unresolved(&self) -> Vec<Fault> {
        let blocks = self.blocks.iter().enumerate();
        blocks.flat_map(|(at, block)| block.nonlocals.iter().filter_map(move |name| self.resolve(at, name))).collect()
    }

    /// What is wrong with the `nonlocal` of `name` in block `at`.
    fn resolve(&self, at: usize, (name, range): &(Cow<'a, str>, TextRange)) -> Option<Fault> {
        let own = self.blocks[at].names.get(name).copied().unwrap_or(0);
        if own & GLOBAL != 0 {
            return Some((format!("name '{name}' is nonlocal and global"), *range));
        }
        if at == 0 {
            return Some(("nonlocal declaration not allowed at module level".to_owned(), *range));
        }
        let missing = || Some((format!("no binding for nonlocal '{name}' found"), *range));
        let mut rebound_by_class = false;
        let mut at = self.blocks[at].parent;
        while at != 0 {
            let block = &self.blocks[at];
            let uses = block.names.get(name).copied().unwrap_or(0);
            if block.kind == Kind::Class {
                if self.class_binds(name) {
                    return None;
                }
                rebound_by_class |= uses & BOUND != 0 && uses & (GLOBAL | NONLOCAL) == 0;
            } else if uses & GLOBAL != 0 {
                return missing();
            } else if uses & BOUND != 0 && uses & NONLOCAL == 0 {
                let is_type = uses & TYPE_PARAMETER != 0 && !rebound_by_class;
                let message = format!("nonlocal binding not allowed for type parameter '{name}'");
                return is_type.then_some((message, *range));
            }
            at = block.parent;
        }
        missing()
    }

    /// Names that every class binds for the functions in it.
    fn class_binds(&self, name: &str) -> bool {
        match name {
            "__class__" => true,
            "__classdict__" => self.version >= PythonVersion::PY312,
            "__conditional_annotations__" => self.version >= PythonVersion::PY314,
            _ => false,
        }
    }
}
