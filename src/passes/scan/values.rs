//! What an expression may be: qualified names, constants, and things made in the file itself.
//!
//! A qualified name is a path of segments: `os.system`. A call adds the segment `()`, so that the result of
//! `socket.socket()` is the path `socket.socket.()`, and what could not be known adds `?`. Paths are canonical: names that
//! mean the same thing (`posix.system`, `os.system`; `window.eval`, `eval`) are the same path, in rules as well.

use std::cell::OnceCell;
use std::rc::Rc;
use std::sync::Arc;

use smallvec::{SmallVec, smallvec};

use super::limits;
use crate::facts::{Dialect, ExprId, FunctionId, IdMap, ScopeId, Sym, Symbols};

/// A qualified name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct PathId(pub(super) u32);

/// Something made in another file, by its place in the resolver's table of such things.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct ForeignId(pub(super) u32);

/// What the built-in names are members of: Python's `builtins`, JavaScript's `globalThis`.
pub(super) const ROOT: PathId = PathId(0);

/// The segment of a call's result.
pub(super) const RESULT: &str = "()";

/// The segment of an attribute that is not known before run time.
pub(super) const UNKNOWN: &str = "?";

/// Modules of Python that are others by another name; those of the built-in names are no module's.
pub(super) const PYTHON_MODULES: [(&str, &str); 13] = [
    ("__builtin__", ""),
    ("__builtins__", ""),
    ("_io", "io"),
    ("_os", "os"),
    ("_pickle", "pickle"),
    ("_posixsubprocess", "subprocess"),
    ("_socket", "socket"),
    ("_subprocess", "subprocess"),
    ("_sys", "sys"),
    ("builtins", ""),
    ("cPickle", "pickle"),
    ("nt", "os"),
    ("posix", "os"),
];

/// All qualified names of a region, each once.
#[derive(Debug)]
pub(super) struct Paths {
    dialect: Dialect,
    nodes: Vec<Node>,
    index: IdMap<(u32, u32), PathId>,
}

/// A qualified name: a member of another.
#[derive(Debug)]
struct Node {
    parent: PathId,
    name: Sym,
    /// How many segments it has.
    depth: u32,
    /// All of it, written out when it is first asked for.
    whole: OnceCell<Arc<str>>,
}

impl Paths {
    /// No names yet but the root.
    pub(super) fn new(dialect: Dialect) -> Self {
        let root = Node { parent: ROOT, name: Sym(0), depth: 0, whole: OnceCell::new() };
        Self { dialect, nodes: vec![root], index: IdMap::default() }
    }

    /// The member `name` of `parent`; `None` where the path would be too long.
    pub(super) fn child(&mut self, parent: PathId, name: Sym, symbols: &mut Symbols) -> Option<PathId> {
        if let Some(&known) = self.index.get(&(parent.0, name.0)) {
            return Some(known);
        }
        let depth = self.nodes[parent.0 as usize].depth + 1;
        if depth > limits::SEGMENTS_MAX || self.goes_round(parent, name, symbols) {
            return None;
        }
        let id = match self.dialect {
            Dialect::Python => self.python_alias(parent, name, symbols),
            Dialect::JavaScript => self.javascript_alias(parent, name, symbols),
        };
        let id = id.unwrap_or_else(|| {
            let id = PathId(u32::try_from(self.nodes.len()).expect("there are fewer paths than expressions"));
            self.nodes.push(Node { parent, name, depth, whole: OnceCell::new() });
            id
        });
        self.index.insert((parent.0, name.0), id);
        Some(id)
    }

    /// Whether a member's name stands on the path so often that the path is one that a loop makes longer and longer:
    /// `node.next.next.next`. No rule names such a path.
    fn goes_round(&self, mut path: PathId, name: Sym, symbols: &Symbols) -> bool {
        if !symbols.text(name).starts_with(|char: char| char.is_alphanumeric() || matches!(char, '_' | '$')) {
            return false;
        }
        let mut times = 0;
        while path != ROOT {
            let node = &self.nodes[path.0 as usize];
            times += u32::from(node.name == name);
            path = node.parent;
        }
        times >= limits::SAME_SEGMENTS_MAX
    }

    /// The same for a text that may hold several segments.
    pub(super) fn descend(&mut self, mut path: PathId, names: &str, symbols: &mut Symbols) -> Option<PathId> {
        for part in names.split('.').filter(|part| !part.is_empty()) {
            let name = symbols.intern(part);
            path = self.child(path, name, symbols)?;
        }
        Some(path)
    }

    /// The module that is imported as `name`.
    pub(super) fn module(&mut self, name: &str, symbols: &mut Symbols) -> Option<PathId> {
        if self.dialect == Dialect::Python {
            return self.descend(ROOT, name, symbols);
        }
        let name = name.strip_prefix("node:").unwrap_or(name);
        if name.starts_with(['.', '/', '@']) || name.contains(':') {
            let name = symbols.intern(name);
            return self.child(ROOT, name, symbols);
        }
        let mut path = ROOT;
        for part in name.split('/').filter(|part| !part.is_empty()) {
            let part = symbols.intern(part.trim_end_matches(".js"));
            path = self.child(path, part, symbols)?;
        }
        Some(path)
    }

    /// What a path is the member of, and as what.
    pub(super) fn split(&self, path: PathId) -> (PathId, Sym) {
        let node = &self.nodes[path.0 as usize];
        (node.parent, node.name)
    }

    /// The whole name. That of a member of the root is the bare name.
    pub(super) fn name(&self, path: PathId, symbols: &Symbols) -> &Arc<str> {
        self.nodes[path.0 as usize].whole.get_or_init(|| self.written_out(path, symbols).into())
    }

    fn written_out(&self, path: PathId, symbols: &Symbols) -> String {
        let mut parts: Vec<&str> = Vec::new();
        let mut here = path;
        while here != ROOT {
            let (parent, name) = self.split(here);
            parts.push(symbols.text(name));
            here = parent;
        }
        if parts == [UNKNOWN] {
            parts.push(if self.dialect == Dialect::Python { "builtins" } else { "globalThis" });
        }
        parts.reverse();
        parts.join(".")
    }

    /// The parts of a name, outermost first.
    pub(super) fn segments(&self, path: PathId, symbols: &Symbols) -> Arc<[Arc<str>]> {
        let mut parts: Vec<Arc<str>> = Vec::new();
        let mut here = path;
        while here != ROOT {
            let (parent, name) = self.split(here);
            parts.push(Arc::from(&**symbols.text(name)));
            here = parent;
        }
        parts.reverse();
        parts.into()
    }

    /// Names of Python that lead to the same thing.
    fn python_alias(&mut self, parent: PathId, name: Sym, symbols: &mut Symbols) -> Option<PathId> {
        let text = symbols.text(name).clone();
        if parent == ROOT {
            let same = PYTHON_MODULES.iter().find(|(alias, _)| **alias == *text)?.1;
            return if same.is_empty() { Some(ROOT) } else { self.descend(ROOT, same, symbols) };
        }
        if let Some(known) = self.member_of_some_module(parent, &text, symbols) {
            return Some(known);
        }
        match &*text {
            // A module's own imports are its attributes: `shutil.os` is `os`.
            "os" | "_os" | "sys" | "_sys" | "subprocess" | "builtins" | "__builtins__" | "importlib" | "ctypes" => {
                self.child(ROOT, name, symbols)
            }
            // A built-in name in a notebook, and a member of `IPython` and of some of its modules.
            "get_ipython" => self.child(ROOT, name, symbols),
            "open" if &**self.name(parent, symbols) == "io" => self.child(ROOT, name, symbols),
            "__import__" => self.child(ROOT, name, symbols),
            "__call__" | "__wrapped__" | "__func__" => Some(parent),
            _ => None,
        }
    }

    /// What a member of a module that is picked from all of them is, where its name says it: `m.system`.
    fn member_of_some_module(&mut self, parent: PathId, name: &str, symbols: &mut Symbols) -> Option<PathId> {
        let whole = match name {
            "system" => "os.system",
            "popen" => "os.popen",
            "execv" | "execve" | "execvp" | "execl" => "os.execv",
            "spawnv" | "spawnl" | "spawnve" => "os.spawnv",
            "check_output" => "subprocess.check_output",
            "getoutput" => "subprocess.getoutput",
            "Popen" => "subprocess.Popen",
            "eval" => "eval",
            "exec" => "exec",
            "__import__" => "__import__",
            "import_module" => "importlib.import_module",
            _ => return None,
        };
        (&**self.name(parent, symbols) == "sys.modules.?").then(|| self.descend(ROOT, whole, symbols))?
    }

    /// Names of JavaScript that lead to the same thing.
    fn javascript_alias(&mut self, parent: PathId, name: Sym, symbols: &mut Symbols) -> Option<PathId> {
        let text = symbols.text(name).clone();
        if parent == ROOT {
            return match &*text {
                "globalThis" | "window" | "self" | "top" | "parent" | "global" | "frames" | "GLOBAL" => Some(ROOT),
                _ => None,
            };
        }
        let root = {
            let mut here = parent;
            while self.split(here).0 != ROOT {
                here = self.split(here).0;
            }
            symbols.text(self.split(here).1).clone()
        };
        match &*text {
            "default" | "__proto__" => Some(parent),
            // What a descriptor of a module's function holds is that function.
            "value" if matches!(&*root, "child_process" | "vm" | "process") => Some(parent),
            "defaultView" if &*root == "document" => Some(ROOT),
            "contentWindow" => Some(ROOT),
            "require" if matches!(&*root, "module" | "process" | "require") => self.child(ROOT, name, symbols),
            "_load" if matches!(&*root, "module" | "Module") => self.descend(ROOT, "require", symbols),
            "mainModule" if &*root == "process" => self.descend(ROOT, "module", symbols),
            "constructor" if &*root == "module" && self.split(parent).0 == ROOT => Some(parent),
            "constructor" => self.javascript_constructor(parent, &root, symbols),
            _ => None,
        }
    }

    /// `f.constructor` of a function or class is `Function`, that of a prototype its class.
    fn javascript_constructor(&mut self, parent: PathId, root: &str, symbols: &mut Symbols) -> Option<PathId> {
        const CALLABLE: [&str; 26] = [
            "Array",
            "Boolean",
            "Buffer",
            "Date",
            "Error",
            "Function",
            "Map",
            "Number",
            "Object",
            "Promise",
            "RegExp",
            "Set",
            "String",
            "Symbol",
            "alert",
            "atob",
            "eval",
            "fetch",
            "isFinite",
            "isNaN",
            "parseFloat",
            "parseInt",
            "require",
            "setInterval",
            "setTimeout",
            "Class?",
        ];
        let (outer, last) = self.split(parent);
        let last = symbols.text(last).clone();
        if &*last == "prototype" {
            return Some(outer);
        }
        // What these hold are functions: `Math.max`.
        let held = outer != ROOT && matches!(root, "console" | "JSON" | "Math" | "Reflect");
        if (held || CALLABLE.contains(&root)) && &*last != RESULT {
            return self.descend(ROOT, "Function", symbols);
        }
        None
    }
}

/// What an expression may be.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    /// Something reached by a qualified name.
    Path(PathId),
    Text(Arc<str>),
    Bytes(Arc<[u8]>),
    Int(i64),
    Float(f64),
    Bool(bool),
    Null,
    Undefined,
    /// A regular expression and its flags.
    Pattern(Arc<str>, Arc<str>),
    /// A folded list or tuple.
    List(Rc<[Value]>),
    /// A text that is put together from parts of which some are not known.
    Built,
    /// A list, mapping, function or class of the file itself: the expression that makes it.
    Made(ExprId),
    /// An object of a class of the file itself.
    Instance(ScopeId),
    /// The dictionary of the members of a path: `os.__dict__`.
    Members(PathId),
    /// `sys.modules`.
    Modules,
    /// `globals()`.
    Globals,
    /// `operator.attrgetter(name)`.
    Getter(Arc<str>),
    /// `operator.itemgetter(name)`.
    Item(Arc<str>),
    /// The call of `operator.methodcaller`.
    Caller(ExprId),
    /// A function made from source text that gives this back.
    Returning(PathId),
    /// The call of `functools.partial`, or of `bind`.
    Partial(ExprId),
    /// What a generator function of the file gives back.
    Generator(FunctionId),
    /// Something whose attributes are the entries of a mapping, or the keywords of a call: `type('X', (), {…})`.
    Record(ExprId),
    /// The call of `Proxy`.
    Proxy(ExprId),
    /// Something made in another file of the artifact.
    Foreign(ForeignId),
    /// What `codecs` has of an encoding: its decoder, or all of it.
    Codec(Arc<str>),
    /// What was read of an object of JSON.
    Table(Rc<[(Arc<str>, Value)]>),
}

impl Value {
    /// Whether it is known before run time.
    pub(super) fn is_constant(&self) -> bool {
        match self {
            Self::Text(_)
            | Self::Bytes(_)
            | Self::Int(_)
            | Self::Float(_)
            | Self::Bool(_)
            | Self::Null
            | Self::Undefined
            | Self::Pattern(..) => true,
            Self::List(items) => items.iter().all(Self::is_constant),
            _ => false,
        }
    }

    /// Bytes that it holds.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
            Self::List(items) => items.iter().map(|item| 16 + item.size()).sum(),
            _ => 0,
        }
    }
}

/// The values of a set: of most there is one, which needs no memory of its own.
pub(super) type Values = SmallVec<[Value; 1]>;

/// All that an expression may be, as far as it is known.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Set {
    pub(super) values: Values,
    /// Whether it may be something else as well.
    pub(super) open: bool,
}

impl Set {
    /// Nothing is known.
    pub(super) const OPEN: Self = Self { values: Values::new_const(), open: true };

    /// Nothing, to be added to.
    pub(super) const fn empty() -> Self {
        Self { values: Values::new_const(), open: false }
    }

    /// One value.
    pub(super) fn one(value: Value) -> Self {
        Self { values: smallvec![value], open: false }
    }

    /// The one constant that it is, if it is one.
    pub(super) fn constant(&self) -> Option<&Value> {
        match self.values.as_slice() {
            [value] if !self.open && value.is_constant() => Some(value),
            _ => None,
        }
    }
}

/// A set in the making. As long as it is what one other set is, it is that set, and nothing is copied.
#[derive(Debug)]
pub(super) struct Union {
    shared: Option<Rc<Set>>,
    /// What it is where it is shared with none.
    own: Set,
}

impl Union {
    /// Nothing, to be added to.
    pub(super) const fn empty() -> Self {
        Self { shared: None, own: Set::empty() }
    }

    /// Whether nothing is in it, so that it can be shared with a set.
    pub(super) fn is_empty(&self) -> bool {
        self.shared.is_none() && self.own.values.is_empty() && !self.own.open
    }

    /// The set that it is shared with.
    pub(super) fn shared(&self) -> Option<&Rc<Set>> {
        self.shared.as_ref()
    }

    /// It, shared with a set instead of what it was.
    pub(super) fn share(&mut self, set: &Rc<Set>) {
        self.shared = Some(set.clone());
    }

    /// It, to be added to.
    pub(super) fn own(&mut self) -> &mut Set {
        if let Some(shared) = self.shared.take() {
            self.own = (*shared).clone();
        }
        &mut self.own
    }

    /// What it has become.
    pub(super) fn finish(self) -> Rc<Set> {
        self.shared.unwrap_or_else(|| Rc::new(self.own))
    }
}

impl From<Option<Value>> for Set {
    fn from(value: Option<Value>) -> Self {
        value.map_or(Self::OPEN, Self::one)
    }
}
