//! Words that lead to other names, whatever rules name.

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

/// Whether a bare name, or one of the names of an import, leads to other names.
pub(super) fn leads_as_name(dialect: Dialect, name: &str) -> bool {
    match dialect {
        Dialect::Python => PYTHON.binary_search(&name).is_ok() || PYTHON_MODULES.iter().any(|(module, _)| *module == name),
        Dialect::JavaScript => JAVASCRIPT.binary_search(&name).is_ok(),
    }
}

/// Whether a member leads to other names.
pub(super) fn leads_as_member(dialect: Dialect, name: &str) -> bool {
    match dialect {
        Dialect::Python => PYTHON_MEMBERS.binary_search(&name).is_ok(),
        Dialect::JavaScript => JAVASCRIPT_MEMBERS.binary_search(&name).is_ok(),
    }
}

/// Of the names that lead to others, modules whose functions give nothing back that does.
const PLAIN: [&str; 14] = [
    "JSON",
    "Object",
    "Reflect",
    "_io",
    "commands",
    "io",
    "os",
    "posix",
    "pty",
    "setImmediate",
    "setInterval",
    "setTimeout",
    "subprocess",
    "sys",
];

/// Whether the members of a bare name, and what their calls give back, may be anything.
pub(super) fn reflects(dialect: Dialect, name: &str) -> bool {
    leads_as_name(dialect, name) && PLAIN.binary_search(&name).is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_sorted_to_be_searched() {
        assert!(PYTHON.is_sorted() && PYTHON_MEMBERS.is_sorted());
        assert!(JAVASCRIPT.is_sorted() && JAVASCRIPT_MEMBERS.is_sorted());
        assert!(PYTHON_MODULES.is_sorted() && PLAIN.is_sorted());
    }
}
