//! Which names are declared where, for one question: can two declarations of one name stand together?
//!
//! Two lexical declarations of one scope cannot, nor can a lexical declaration and a `var` within its scope that goes out
//! past it. The table holds for each name only the innermost lexical declaration and the last `var` of the innermost
//! function, and a log of what both were before. So each declaration costs one look into the table, however many scopes
//! and names there are.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};

/// How a name is bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Binding {
    /// `var`, and a function at the top of a function or script.
    Var,
    /// A parameter; two of one name are left to those who know in which lists they may stand.
    Parameter,
    /// `let`, `const`, a class, an import, what is caught.
    Lexical,
    /// A plain function in a block of sloppy code, which can stand there twice.
    BlockFunction,
}

/// Scopes are numbered in the order in which they open, from 1. Those within a scope have higher numbers than it, and
/// those that were closed before it have lower ones.
type ScopeNumber = u32;

/// What is known of one name; 0 where there is no such declaration.
#[derive(Clone, Copy, Debug, Default)]
struct Declared {
    /// The scope of its innermost lexical declaration, and whether that is a [`Binding::BlockFunction`].
    lexical: ScopeNumber,
    is_function: bool,
    /// The scope in which its last `var` in the innermost function is written.
    var: ScopeNumber,
}

/// The names that are declared around one place.
#[derive(Debug)]
pub(super) struct Names<'a> {
    places: HashMap<&'a str, u32, Seed>,
    declared: Vec<Declared>,
    opened: ScopeNumber,
    /// The open scopes, and for each how long [`Self::lexical_before`] was.
    scopes: Vec<(ScopeNumber, usize)>,
    /// The open functions by their scopes, and for each how long [`Self::var_before`] was.
    functions: Vec<(ScopeNumber, usize)>,
    lexical_before: Vec<(u32, Declared)>,
    var_before: Vec<(u32, ScopeNumber)>,
}

impl<'a> Names<'a> {
    /// For a text of so many bytes.
    pub(super) fn new(length: usize) -> Self {
        // About one byte in a hundred begins a new name.
        let room = (length / 128).clamp(16, 1 << 16);
        Self {
            places: HashMap::with_capacity_and_hasher(room, Seed::new()),
            declared: Vec::with_capacity(room),
            opened: 0,
            scopes: Vec::new(),
            functions: Vec::new(),
            lexical_before: Vec::new(),
            var_before: Vec::new(),
        }
    }

    /// Begins a scope.
    #[inline]
    pub(super) fn open(&mut self) {
        self.opened += 1;
        self.scopes.push((self.opened, self.lexical_before.len()));
    }

    /// Ends the innermost scope.
    #[inline]
    pub(super) fn close(&mut self) {
        let Some((_, length)) = self.scopes.pop() else { return };
        while self.lexical_before.len() > length {
            if let Some((place, before)) = self.lexical_before.pop() {
                let declared = &mut self.declared[place as usize];
                (declared.lexical, declared.is_function) = (before.lexical, before.is_function);
            }
        }
    }

    /// Begins the scope of a function, which no `var` in it goes out past.
    pub(super) fn open_function(&mut self) {
        self.open();
        self.functions.push((self.opened, self.var_before.len()));
    }

    /// Ends the innermost function.
    pub(super) fn close_function(&mut self) {
        self.close();
        let Some((_, length)) = self.functions.pop() else { return };
        while self.var_before.len() > length {
            if let Some((place, before)) = self.var_before.pop() {
                self.declared[place as usize].var = before;
            }
        }
    }

    /// Whether the innermost scope is that of a function or of the program.
    pub(super) fn at_function_top(&self) -> bool {
        self.scope() == self.function()
    }

    /// Whether the innermost scope is that of the program.
    pub(super) fn at_program_top(&self) -> bool {
        self.scopes.len() <= 1
    }

    /// Declares `name` in the innermost scope; whether it may not be declared there because of another declaration.
    #[inline]
    pub(super) fn declare(&mut self, name: &'a str, binding: Binding) -> bool {
        let (scope, function) = (self.scope(), self.function());
        let next = self.declared.len();
        let place = *self.places.entry(name).or_insert(u32::try_from(next).unwrap_or(u32::MAX));
        if place as usize == next {
            self.declared.push(Declared::default());
        }
        let declared = &mut self.declared[place as usize];
        let before = *declared;
        match binding {
            Binding::Var | Binding::Parameter => {
                if before.var < function {
                    self.var_before.push((place, before.var));
                }
                declared.var = scope;
                before.lexical >= function || (binding == Binding::Parameter && before.var >= function)
            }
            Binding::Lexical | Binding::BlockFunction => {
                let is_function = binding == Binding::BlockFunction;
                self.lexical_before.push((place, before));
                (declared.lexical, declared.is_function) = (scope, is_function);
                let both_functions = is_function && before.is_function;
                before.var >= scope || (before.lexical == scope && !both_functions)
            }
        }
    }

    /// Whether `name` is declared in a scope that is open, or by a `var` of the innermost function.
    pub(super) fn is_declared(&self, name: &str) -> bool {
        let declared = self.places.get(name).map(|place| self.declared[*place as usize]);
        declared.is_some_and(|declared| declared.lexical > 0 || declared.var > 0)
    }

    fn scope(&self) -> ScopeNumber {
        self.scopes.last().map_or(0, |(scope, _)| *scope)
    }

    fn function(&self) -> ScopeNumber {
        self.functions.last().map_or(0, |(function, _)| *function)
    }
}

/// A quick hash of names that nobody can foresee: names come from the artifact, and such as all have one hash would make
/// each look into the table as long as the table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seed(u64);

impl Seed {
    pub(super) fn new() -> Self {
        Self(RandomState::new().hash_one(0_u8))
    }
}

impl BuildHasher for Seed {
    type Hasher = NameHasher;

    fn build_hasher(&self) -> NameHasher {
        NameHasher { state: self.0, seed: self.0 | 1 }
    }
}

/// Multiplies eight bytes at a time into a state and folds the halves of the product.
#[derive(Debug)]
pub(super) struct NameHasher {
    state: u64,
    seed: u64,
}

impl NameHasher {
    #[inline]
    fn mix(&mut self, word: u64) {
        const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
        let product = u128::from(self.state ^ word ^ ODD) * u128::from(self.seed ^ word.rotate_left(32));
        let [low, high] = [product as u64, (product >> 64) as u64];
        self.state = low ^ high;
    }
}

impl Hasher for NameHasher {
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.mix(u64::from_le_bytes(*word));
        }
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        self.mix(u64::from_le_bytes(last) ^ ((bytes.len() as u64) << 56));
    }

    // What the standard library writes behind a text to tell it from others, which its length does already.
    #[inline]
    fn write_u8(&mut self, _: u8) {}

    #[inline]
    fn finish(&self) -> u64 {
        self.state
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads `{` and `}` as blocks, `(` and `)` as functions, and letters as declarations: `v`ar, `p`arameter, `l`exical,
    /// block `f`unction, each followed by its name.
    fn conflicts(text: &str) -> usize {
        let mut names = Names::new(text.len());
        names.open_function();
        let mut found = 0;
        let mut chars = text.char_indices();
        while let Some((at, char)) = chars.next() {
            let binding = match char {
                'v' => Binding::Var,
                'p' => Binding::Parameter,
                'l' => Binding::Lexical,
                'f' => Binding::BlockFunction,
                _ => {
                    match char {
                        '{' => names.open(),
                        '}' => names.close(),
                        '(' => names.open_function(),
                        _ => names.close_function(),
                    }
                    continue;
                }
            };
            chars.next();
            found += usize::from(names.declare(&text[at + 1..at + 2], binding));
        }
        found
    }

    #[test]
    fn conflicts_are_those_of_one_scope_and_of_what_goes_out_past_it() {
        for (text, expected) in [
            ("vava", 0),
            ("lala", 1),
            ("lava", 1),
            ("vala", 1),
            ("la{la}la", 1),
            ("{va}{la}", 0),
            ("{va}la", 1),
            ("la{va}", 1),
            ("la{{va}}", 1),
            ("{la}va", 0),
            ("{la}{va{}}{la}", 0),
            ("la(va)", 0),
            ("la(la(va))", 0),
            ("(va)la", 0),
            ("va(la)", 0),
            ("va(va)la", 1),
            ("va({va}va{la})", 0),
            ("{fafa}", 0),
            ("{fala}", 1),
            ("{lafa}", 1),
            ("{fava}", 1),
            ("{fa{va}}", 1),
            ("(papa)", 1),
            ("(pava)", 0),
            ("(pala)", 1),
            ("(pa{la})", 0),
            ("(pa(pa))", 0),
            ("{va}{va}{la{va}}", 1),
        ] {
            assert_eq!(conflicts(text), expected, "{text}");
        }
    }

    #[test]
    fn names_that_differ_have_hashes_that_differ() {
        let seed = Seed::new();
        let names: Vec<String> =
            (0..2_000).map(|at| "x".repeat(at)).chain((0..2_000).map(|at| format!("n{at}"))).collect();
        let hashes: std::collections::HashSet<u64> = names.iter().map(|name| seed.hash_one(name.as_str())).collect();
        assert_eq!(hashes.len(), names.len());
    }
}
