//! Qualified names as the scan pass writes them: `posix.system` is `os.system`, `window.eval` is `eval`.
//!
//! The names of rules are made canonical when the rules are packed, so this file is read by the build script as well.

use super::values::{self, Paths};
use crate::facts::{Dialect, Symbols};

/// The canonical form of a name; one that is too long stays as it is.
pub(crate) fn canonical(dialect: Dialect, name: &str) -> String {
    let (mut symbols, mut paths) = (Symbols::default(), Paths::new(dialect));
    let (module, rest) = match dialect {
        Dialect::JavaScript if name.contains('/') || name.contains(':') => {
            let module_end = name.rfind('/').or_else(|| name.find(':')).unwrap_or(0);
            let end = name[module_end..].find('.').map_or(name.len(), |at| module_end + at);
            (&name[..end], name[end..].trim_start_matches('.'))
        }
        _ => ("", name),
    };
    let start = if module.is_empty() { Some(values::ROOT) } else { paths.module(module, &mut symbols) };
    let path = start.and_then(|start| paths.descend(start, rest, &mut symbols));
    path.map_or_else(|| name.to_owned(), |path| paths.name(path, &symbols).to_string())
}
