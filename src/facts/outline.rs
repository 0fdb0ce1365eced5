//! The outline of one region: what the checks of structure and size look at, gathered in the walk that makes the facts.
//!
//! It holds places, not texts, and only what is cheap to note; lines and names are read from the text by those who need
//! them.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

/// A stretch of the text, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl Place {
    /// As a range of bytes.
    pub(crate) fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

impl From<Range<usize>> for Place {
    fn from(range: Range<usize>) -> Self {
        let at = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Self { start: at(range.start), end: at(range.end) }
    }
}

/// A function: what it is called, which is empty where it has no name, and all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Routine {
    pub(crate) name: Place,
    pub(crate) whole: Place,
}

/// The deepest block of a function or of the module: how many are around it and itself, and where it begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Nest {
    pub(crate) deepest: u32,
    pub(crate) at: u32,
}

/// The outline of one region.
#[derive(Debug, Default)]
pub(crate) struct Outline {
    /// Functions, outer ones before those in them.
    pub(crate) routines: Vec<Routine>,
    /// The deepest block of each function and of the module.
    pub(crate) nests: Vec<Nest>,
    /// Comments, in order.
    pub(crate) comments: Vec<Place>,
    /// Strings, templates, regular expressions and running text, in order; none stands in another.
    pub(crate) strings: Vec<Place>,
    /// Names of more than ASCII; empty where the text is ASCII. Of an ASCII name in such a text, too.
    pub(crate) names: Vec<Place>,
    /// Whether anything is said: comments do not count, nor does a docstring by itself.
    pub(crate) has_statement: bool,
    /// What it tests, where its file is called a test.
    pub(crate) tests: Option<Tests>,
    /// The modules of others that it asks for, in order; each once where it is surely needed. Python alone says them.
    pub(crate) imports: Vec<Imported>,
}

/// A module that an import statement asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Imported {
    /// Dotted, from its outermost package on; of `from a import b` it is `a.b`, whatever `b` is.
    pub(crate) path: String,
    /// Where the statement names it.
    pub(crate) place: Place,
    /// Whether that is in a function, which may never be called.
    pub(crate) is_late: bool,
    /// Of which choice it is a branch, where the program can do with another one.
    pub(crate) choice: Option<Choice>,
}

/// One branch of a choice: the body of a `try` beside the handler of its `ImportError`, or the two sides of a question
/// about the version of Python or the platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Choice {
    /// Which choice, by its place among those of the file.
    pub(crate) of: u32,
    /// Which branch, by its place among all branches of the file.
    pub(crate) branch: u32,
}

/// What a file of tests holds.
#[derive(Debug, Default)]
pub(crate) struct Tests {
    /// Test functions, in the order of their ends.
    pub(crate) done: Vec<Test>,
    /// Whether anything in the file can fail a test.
    pub(crate) asserts: bool,
    /// Whether there is a class, which may inherit its tests.
    pub(crate) has_class: bool,
    /// Whether there is any code that is more than definitions.
    pub(crate) calls: bool,
}

/// A test function.
#[derive(Debug)]
pub(crate) struct Test {
    pub(crate) name: String,
    pub(crate) whole: Range<usize>,
    /// Whether something in it can fail it, or it is decorated as skipped.
    pub(crate) asserts: bool,
    /// Whether nothing is done in it.
    pub(crate) is_hollow: bool,
}

/// What the last part of a called name holds that can fail a test.
static ASSERTS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?i)assert|expect|fail|raise|throw|should|verify|check|equal|doctest|testmod|load_tests|exit|abort|(?-i:_test|test_|[a-z]Test)|^(?:ok|is|same|match|snapshot|t|rejects)$",
    )
    .expect("the pattern is a constant and a test compiles it")
});

/// Whether what is called so can fail a test, by its name.
pub(crate) fn can_fail(name: &str) -> bool {
    ASSERTS.is_match(name)
}

/// An outline in the making: functions and blocks as they are entered and left.
#[derive(Debug)]
pub(crate) struct Outliner {
    pub(crate) outline: Outline,
    /// Of the module and of each function that is open: how many blocks are open, and the deepest so far.
    open: Vec<(u32, Nest)>,
}

impl Default for Outliner {
    fn default() -> Self {
        Self { outline: Outline::default(), open: vec![(0, Nest::default())] }
    }
}

impl Outliner {
    /// A function begins. Its blocks count from 1 again.
    pub(crate) fn enter_function(&mut self, name: impl Into<Place>, whole: impl Into<Place>) {
        self.outline.routines.push(Routine { name: name.into(), whole: whole.into() });
        self.open.push((0, Nest::default()));
    }

    /// The function that began last ends.
    pub(crate) fn leave_function(&mut self) {
        if let Some((_, nest)) = self.open.pop() {
            self.outline.nests.push(nest);
        }
    }

    /// A block begins at the byte `at`.
    pub(crate) fn enter_block(&mut self, at: usize) {
        let Some((depth, nest)) = self.open.last_mut() else { return };
        *depth += 1;
        if *depth > nest.deepest {
            *nest = Nest { deepest: *depth, at: u32::try_from(at).unwrap_or(u32::MAX) };
        }
    }

    /// The block that began last ends.
    pub(crate) fn leave_block(&mut self) {
        if let Some((depth, _)) = self.open.last_mut() {
            *depth = depth.saturating_sub(1);
        }
    }

    /// The outline, with the blocks of the module.
    pub(crate) fn finish(mut self) -> Outline {
        self.outline.nests.extend(self.open.into_iter().map(|(_, nest)| nest));
        self.outline
    }
}
