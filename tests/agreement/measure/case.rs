//! A case: bytes, and what both sides are to judge them as.

use std::path::Path;

/// What a case is judged as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Goal {
    /// A Python file.
    Python,
    /// A classic script of a page.
    Script,
    /// An ECMAScript module.
    Module,
    /// A CommonJS module: the body of a function.
    CommonJs,
    /// A `.js` file that no `package.json` speaks of: what Node makes of it.
    Node,
}

/// What a `package.json` says of the `.js` files around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Package {
    /// They are modules.
    Module,
    /// They are CommonJS.
    CommonJs,
    /// Nothing.
    Unsaid,
}

impl Package {
    /// The text of such a `package.json`; `None` where there need not be one.
    pub(crate) fn manifest(self) -> Option<&'static str> {
        match self {
            Self::Module => Some("{\"type\": \"module\"}"),
            Self::CommonJs => Some("{\"type\": \"commonjs\"}"),
            Self::Unsaid => None,
        }
    }
}

/// One case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Case {
    /// Where it is from, for people.
    pub(crate) name: String,
    /// The file's content.
    pub(crate) bytes: Vec<u8>,
    /// What it is judged as.
    pub(crate) goal: Goal,
    /// The file's name, without its folder.
    pub(crate) file_name: &'static str,
    /// What the `package.json` beside it says.
    pub(crate) package: Package,
    /// Whether it must be refused, where its suite says so.
    pub(crate) expected_invalid: Option<bool>,
}

impl Case {
    /// A Python file.
    pub(crate) fn python(name: String, bytes: Vec<u8>) -> Self {
        Self::new(name, bytes, Goal::Python, "case.py", Package::Unsaid)
    }

    /// A JavaScript file, judged as Node judges one with this extension and `package.json`.
    pub(crate) fn javascript(name: String, bytes: Vec<u8>, path: &Path, package: Package) -> Self {
        let (goal, file_name) = match (path.extension().and_then(|extension| extension.to_str()), package) {
            (Some("mjs"), _) => (Goal::Module, "case.mjs"),
            (Some("cjs"), _) => (Goal::CommonJs, "case.cjs"),
            (_, Package::Module) => (Goal::Module, "case.js"),
            (_, Package::CommonJs) => (Goal::CommonJs, "case.js"),
            (_, Package::Unsaid) => (Goal::Node, "case.js"),
        };
        Self::new(name, bytes, goal, file_name, package)
    }

    /// Source for a goal of its own, as test262 has it.
    pub(crate) fn with_goal(name: String, bytes: Vec<u8>, goal: Goal) -> Self {
        let file_name = match goal {
            Goal::Python => "case.py",
            Goal::Script => "case.html",
            Goal::Module => "case.mjs",
            Goal::CommonJs => "case.cjs",
            Goal::Node => "case.js",
        };
        Self::new(name, bytes, goal, file_name, Package::Unsaid)
    }

    fn new(name: String, bytes: Vec<u8>, goal: Goal, file_name: &'static str, package: Package) -> Self {
        Self { name, bytes, goal, file_name, package, expected_invalid: None }
    }
}
