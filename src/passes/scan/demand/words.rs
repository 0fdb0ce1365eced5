//! Words that lead to other names, whatever rules name.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::facts::Dialect;
use crate::passes::scan::values::PYTHON_MODULES;

/// Modules and built-in functions of Python that do.
const PYTHON: [&str; 35] = [
    "__import__",
    "ast",
    "asyncio",
    "cProfile",
    "code",
    "codeop",
    "commands",
    "compile",
    "concurrent",
    "ctypes",
    "eval",
    "exec",
    "functools",
    "get_ipython",
    "getattr",
    "globals",
    "importlib",
    "inspect",
    "io",
    "locals",
    "map",
    "operator",
    "os",
    "pdb",
    "pkgutil",
    "profile",
    "pty",
    "pydoc",
    "setattr",
    "subprocess",
    "sys",
    "timeit",
    "types",
    "vars",
    "wraps",
];

/// Members of Python's objects that do, whatever they are members of.
const PYTHON_MEMBERS: [&str; 40] = [
    "LibraryLoader",
    "__annotations__",
    "__builtins__",
    "__call__",
    "__class__",
    "__dict__",
    "__func__",
    "__getattr__",
    "__getattribute__",
    "__globals__",
    "__import__",
    "__init_subclass__",
    "__loader__",
    "__self__",
    "__subclasses__",
    "__wrapped__",
    "_os",
    "_sys",
    "builtins",
    "ctypes",
    "f_builtins",
    "f_globals",
    "find_spec",
    "get_ipython",
    "get_objects",
    "getdecoder",
    "getencoder",
    "import_module",
    "importlib",
    "load_module",
    "locate",
    "module_from_spec",
    "modules",
    "os",
    "popen",
    "resolve_name",
    "run_cell",
    "runsource",
    "subprocess",
    "sys",
];

/// Modules and built-in names of JavaScript that do.
const JAVASCRIPT: [&str; 31] = [
    "Class?",
    "Function",
    "GLOBAL",
    "JSON",
    "Object",
    "Proxy",
    "Reflect",
    "SharedWorker",
    "Worker",
    "arguments",
    "child_process",
    "document",
    "eval",
    "execScript",
    "frames",
    "global",
    "globalThis",
    "import",
    "module",
    "node:child_process",
    "node:vm",
    "parent",
    "process",
    "require",
    "self",
    "setImmediate",
    "setInterval",
    "setTimeout",
    "top",
    "vm",
    "window",
];

/// Members of JavaScript's objects that do, whatever they are members of.
const JAVASCRIPT_MEMBERS: [&str; 11] = [
    "__proto__",
    "_compile",
    "constructor",
    "contentWindow",
    "createRequire",
    "defaultView",
    "executeJavaScript",
    "executeScript",
    "getBuiltinModule",
    "mainModule",
    "prototype",
];

/// How a word leads to other names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::passes::scan) struct Leads {
    /// As a bare name, or as one of the names of an import.
    pub(in crate::passes::scan) as_name: bool,
    /// As a member, whatever it is a member of.
    pub(in crate::passes::scan) as_member: bool,
}

/// All words of a language.
struct Words(HashMap<&'static str, Leads, foldhash::fast::RandomState>);

static PYTHON_WORDS: LazyLock<Words> = LazyLock::new(|| {
    let modules = PYTHON_MODULES.iter().map(|(module, _)| *module);
    Words::of(PYTHON.into_iter().chain(modules), &PYTHON_MEMBERS)
});

static JAVASCRIPT_WORDS: LazyLock<Words> = LazyLock::new(|| Words::of(JAVASCRIPT.into_iter(), &JAVASCRIPT_MEMBERS));

impl Words {
    fn of(names: impl Iterator<Item = &'static str>, members: &[&'static str]) -> Self {
        let mut words: HashMap<&str, Leads, _> = HashMap::default();
        names.for_each(|name| words.entry(name).or_default().as_name = true);
        members.iter().for_each(|member| words.entry(member).or_default().as_member = true);
        Self(words)
    }
}

/// How a word leads to other names in a language.
pub(in crate::passes::scan) fn leads(dialect: Dialect, word: &str) -> Leads {
    let words = match dialect {
        Dialect::Python => &PYTHON_WORDS,
        Dialect::JavaScript => &JAVASCRIPT_WORDS,
    };
    words.0.get(word).copied().unwrap_or_default()
}

/// Of the names that lead to others, modules whose functions give nothing back that does.
const PLAIN: [&str; 12] = [
    "JSON",
    "Object",
    "Reflect",
    "commands",
    "io",
    "os",
    "pty",
    "setImmediate",
    "setInterval",
    "setTimeout",
    "subprocess",
    "sys",
];

/// Whether the members of a bare name, and what their calls give back, may be anything.
pub(super) fn reflects(dialect: Dialect, name: &str) -> bool {
    leads(dialect, name).as_name && PLAIN.binary_search(&name).is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_lead_as_what_they_are() {
        let leads = |as_name, as_member| Leads { as_name, as_member };
        for (dialect, word, wanted) in [
            (Dialect::Python, "eval", leads(true, false)),
            (Dialect::Python, "posix", leads(true, false)),
            (Dialect::Python, "__dict__", leads(false, true)),
            (Dialect::Python, "os", leads(true, true)),
            (Dialect::Python, "constructor", leads(false, false)),
            (Dialect::JavaScript, "constructor", leads(false, true)),
            (Dialect::JavaScript, "require", leads(true, false)),
        ] {
            assert_eq!(super::leads(dialect, word), wanted, "{word}");
        }
        assert!(PLAIN.is_sorted());
        assert!(reflects(Dialect::Python, "getattr") && !reflects(Dialect::Python, "os"));
        assert!(PLAIN.iter().all(|word| {
            [Dialect::Python, Dialect::JavaScript].into_iter().any(|dialect| super::leads(dialect, word).as_name)
        }));
    }
}
