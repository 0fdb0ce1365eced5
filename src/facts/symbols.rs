//! Names and numbers: interned texts, the ids of rows in the tables of facts, and maps of them.
//!
//! The build script makes the names of rules canonical with these, so nothing else is named here.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

/// A quick hash for keys that are small numbers of vetrun's own making, which an artifact cannot choose.
#[derive(Default)]
pub(crate) struct IdHasher(u64);

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
pub(crate) type IdMap<K, V> = HashMap<K, V, BuildHasherDefault<IdHasher>>;

/// A set of ids.
pub(crate) type IdSet<K> = HashSet<K, BuildHasherDefault<IdHasher>>;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub(crate) struct $name(pub(crate) u32);

        impl $name {
            /// Where it stands in its table.
            pub(crate) fn at(self) -> usize {
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

/// The language that facts were lowered from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Python,
    JavaScript,
}

/// Interned names.
#[derive(Clone, Debug, Default)]
pub(crate) struct Symbols {
    ids: HashMap<Arc<str>, Sym, foldhash::fast::RandomState>,
    texts: Vec<Arc<str>>,
}

impl Symbols {
    /// Makes room for so many more.
    pub(crate) fn reserve(&mut self, count: usize) {
        self.ids.reserve(count);
        self.texts.reserve(count);
    }

    /// The symbol of `text`.
    pub(crate) fn intern(&mut self, text: &str) -> Sym {
        if let Some(&sym) = self.ids.get(text) {
            return sym;
        }
        let sym = Sym(u32::try_from(self.texts.len()).expect("a text of at most 4 GiB has fewer names"));
        let shared: Arc<str> = text.into();
        self.texts.push(shared.clone());
        self.ids.insert(shared, sym);
        sym
    }

    /// The symbol of `text`, where it has one.
    pub(crate) fn known(&self, text: &str) -> Option<Sym> {
        self.ids.get(text).copied()
    }

    /// The text of `sym`.
    pub(crate) fn text(&self, sym: Sym) -> &Arc<str> {
        &self.texts[sym.at()]
    }

    /// All of them.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> {
        self.texts.iter().map(|text| &**text)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.texts.len()
    }
}
