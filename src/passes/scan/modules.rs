//! The artifact's own modules: which file imports which, in what order they are scanned, and where an import leads.
//!
//! The graph is made from the text alone and rather has an edge too many: an edge only says what is looked at first. Files
//! that import each other in a circle are scanned once more when all of the circle is known, and then taken as they are.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use memchr::memmem;

use super::limits;
use super::portable::Summary;
use crate::artifact::SourceFile;
use crate::language::Language;
use crate::passes::parse::each;

/// The own modules of an artifact.
#[derive(Debug, Default)]
pub(super) struct Modules {
    files: HashMap<String, usize>,
    folders: HashSet<String>,
    summaries: Vec<Option<Arc<Summary>>>,
    /// Which file imports which.
    imports: Vec<Vec<usize>>,
    wanted: Vec<bool>,
}

/// The own modules as one file sees them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Own<'m> {
    pub(super) modules: &'m Modules,
    /// The path of the file that imports.
    pub(super) path: &'m str,
}

/// Modules that are loaded before any script, or are part of the interpreter: no file of the artifact takes their place.
const NEVER_SHADOWED: [&str; 22] = [
    "_abc",
    "_codecs",
    "_io",
    "_signal",
    "_thread",
    "_weakref",
    "abc",
    "atexit",
    "builtins",
    "codecs",
    "errno",
    "faulthandler",
    "gc",
    "io",
    "itertools",
    "marshal",
    "nt",
    "os",
    "posix",
    "site",
    "sys",
    "time",
];

/// Extensions that `require` and bundlers add, in their order.
const EXTENSIONS: [&str; 12] =
    ["", ".js", ".mjs", ".cjs", ".ts", ".mts", ".tsx", ".jsx", "/index.js", "/index.mjs", "/index.cjs", "/index.ts"];

impl Modules {
    /// The modules of the files of an artifact, from their bytes alone: of a file that is not in UTF-8, imports may be missed.
    pub(super) fn of(sources: &[&SourceFile]) -> Self {
        let mut modules = Self {
            summaries: vec![None; sources.len()],
            imports: vec![Vec::new(); sources.len()],
            wanted: vec![false; sources.len()],
            ..Self::default()
        };
        let code = |source: &SourceFile| {
            matches!(source.language, Language::Python | Language::JavaScript | Language::TypeScript)
        };
        for (at, source) in sources.iter().enumerate().filter(|(_, source)| code(source)) {
            modules.files.insert(source.path.clone(), at);
            let mut folder = parent(&source.path);
            while !folder.is_empty() && modules.folders.insert(folder.to_owned()) {
                folder = parent(folder);
            }
        }
        if modules.files.len() < 2 {
            return modules;
        }
        let coded: Vec<usize> = (0..sources.len()).filter(|&at| code(sources[at])).collect();
        let bytes = coded.iter().map(|&at| sources[at].bytes.len() as u64).sum();
        let found = each(&coded, bytes, |&at| {
            let source = sources[at];
            // Most files are UTF-8, which is quicker to see than to mend what is not.
            let text = std::str::from_utf8(&source.bytes);
            let text = text.map_or_else(|_| String::from_utf8_lossy(&source.bytes), Cow::Borrowed);
            (at, modules.imported_by(&source.path, source.language, &text))
        });
        for (at, mut reached) in found {
            reached.sort_unstable();
            reached.dedup();
            reached.retain(|&other| other != at);
            reached.iter().for_each(|&other| modules.wanted[other] = true);
            modules.imports[at] = reached;
        }
        modules
    }

    /// Whether a file is imported by another.
    pub(super) fn is_wanted(&self, file: usize) -> bool {
        self.wanted.get(file).copied().unwrap_or(false)
    }

    /// Notes what a file hands out.
    pub(super) fn add(&mut self, file: usize, summary: Option<Summary>) {
        if let (Some(slot), Some(summary)) = (self.summaries.get_mut(file), summary) {
            *slot = Some(Arc::new(summary));
        }
    }

    /// The files in waves, each of which imports only from those before; and those that import in a circle.
    pub(super) fn waves(&self) -> (Vec<Vec<usize>>, Vec<usize>) {
        let count = self.imports.len();
        let mut wave = vec![None::<usize>; count];
        let mut open = vec![false; count];
        let mut circular = Vec::new();
        for root in 0..count {
            let mut stack = vec![(root, 0)];
            while let Some((file, next)) = stack.pop() {
                if wave[file].is_some() {
                    continue;
                }
                open[file] = true;
                match self.imports[file].get(next) {
                    Some(&other) => {
                        stack.push((file, next + 1));
                        match (wave[other], open[other]) {
                            (Some(_), _) => {}
                            (None, true) => circular.push(file),
                            (None, false) => stack.push((other, 0)),
                        }
                    }
                    None => {
                        let after = self.imports[file].iter().filter_map(|&other| wave[other]).max();
                        wave[file] = Some(after.map_or(0, |wave| wave + 1).min(limits::WAVES_MAX));
                        open[file] = false;
                    }
                }
            }
        }
        let mut waves: Vec<Vec<usize>> = Vec::new();
        for (file, wave) in wave.into_iter().enumerate() {
            let wave = wave.unwrap_or(0);
            waves.resize(waves.len().max(wave + 1), Vec::new());
            waves[wave].push(file);
        }
        circular.sort_unstable();
        circular.dedup();
        (waves, circular)
    }

    fn imported_by(&self, path: &str, language: Language, text: &str) -> Vec<usize> {
        let own = Own { modules: self, path };
        let mut reached = Vec::new();
        if language == Language::Python {
            for names in python_imports(text) {
                for name in names {
                    reached.extend(own.python_files(&name));
                }
            }
            return reached;
        }
        for specifier in relative_specifiers(text) {
            reached.extend(own.javascript(specifier).and_then(|key| self.files.get(&key).copied()));
        }
        reached
    }

    /// What the file at a path hands out, as far as that is known yet.
    fn summary_at(&self, path: &str) -> Option<Arc<Summary>> {
        self.summaries.get(*self.files.get(path)?)?.clone()
    }

    /// What the module with a key hands out.
    pub(super) fn summary(&self, key: &str) -> Option<Arc<Summary>> {
        self.summary_at(key)
            .or_else(|| self.summary_at(&format!("{key}.py")))
            .or_else(|| self.summary_at(&format!("{key}/__init__.py")))
    }

    /// Whether a key is that of a folder.
    pub(super) fn is_folder(&self, key: &str) -> bool {
        self.folders.contains(key)
    }

    /// Whether there is a module or package of Python with this key.
    pub(super) fn has_python(&self, key: &str) -> bool {
        self.files.contains_key(&format!("{key}.py")) || self.folders.contains(key)
    }
}

impl Own<'_> {
    /// The key of the module that `name` is the first part of, of those after so many dots, and whether the language lets
    /// it stand for a library module of that name as well.
    pub(super) fn python(&self, dots: usize, name: &str) -> Option<(String, bool)> {
        let here = parent(self.path);
        if dots > 0 {
            let folder = (1..dots).fold(here, |folder, _| parent(folder));
            let key = joined(folder, name);
            return self.modules.has_python(&key).then_some((key, false));
        }
        if NEVER_SHADOWED.contains(&name) {
            return None;
        }
        let is_package = self.modules.files.contains_key(&joined(here, "__init__.py"));
        let folders = [(here, is_package), ("", false), ("src", true), ("lib", true)];
        folders.into_iter().find_map(|(folder, doubtful)| {
            let key = joined(folder, name);
            self.modules.has_python(&key).then_some((key, doubtful))
        })
    }

    /// The files along a dotted name, dots in front counted.
    fn python_files(&self, dotted: &str) -> Vec<usize> {
        let rest = dotted.trim_start_matches('.');
        let dots = dotted.len() - rest.len();
        let mut parts = rest.split('.').filter(|part| !part.is_empty());
        let mut found = Vec::new();
        let mut key = match parts.next() {
            Some(first) => match self.python(dots, first) {
                Some((key, _)) => key,
                None => return found,
            },
            None => (1..dots).fold(parent(self.path), |folder, _| parent(folder)).to_owned(),
        };
        for _ in 0..limits::SEGMENTS_MAX {
            for path in [format!("{key}.py"), joined(&key, "__init__.py")] {
                found.extend(self.modules.files.get(&path));
            }
            let Some(part) = parts.next() else { break };
            key = joined(&key, part);
        }
        found
    }

    /// The path of the file that a relative specifier of JavaScript means.
    pub(super) fn javascript(&self, specifier: &str) -> Option<String> {
        let specifier = specifier.split(['?', '#']).next().unwrap_or_default();
        if !specifier.starts_with("./") && !specifier.starts_with("../") && !matches!(specifier, "." | "..") {
            return None;
        }
        let mut parts: Vec<&str> = parent(self.path).split('/').filter(|part| !part.is_empty()).collect();
        for part in specifier.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    parts.pop()?;
                }
                part => parts.push(part),
            }
        }
        let plain = parts.join("/");
        let mut path = plain.clone();
        for extension in EXTENSIONS {
            path.truncate(plain.len());
            path.push_str(extension);
            let path = path.trim_start_matches('/');
            if self.modules.files.contains_key(path) {
                return Some(path.to_owned());
            }
        }
        let stem = plain.strip_suffix(".js").map(|stem| format!("{stem}.ts"));
        stem.filter(|path| self.modules.files.contains_key(path))
    }
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn joined(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

/// The names that the import statements of a text may import: `from a import b` gives `a` and `a.b`.
fn python_imports(text: &str) -> impl Iterator<Item = Vec<String>> {
    memmem::find_iter(text.as_bytes(), "import").map(move |at| {
        let start = text[..at].rfind(['\n', ';']).map_or(0, |start| start + 1);
        let mut end = text[at..].find('\n').map_or(text.len(), |end| at + end);
        if text[at..end].contains('(') {
            let most = (at + limits::IMPORT_BYTES_MAX).min(text.len());
            end = text.as_bytes()[at..most].iter().position(|&byte| byte == b')').map_or(end, |end| at + end);
        }
        let word = |char: char| !(char.is_alphanumeric() || matches!(char, '_' | '.'));
        let words = |part: &str| -> Vec<String> {
            part.split(word).filter(|word| !word.is_empty()).take(limits::VALUES_MAX * 32).map(str::to_owned).collect()
        };
        let before = words(text.get(start..at).unwrap_or_default());
        let after = words(text.get(at + "import".len()..end).unwrap_or_default());
        match before.as_slice() {
            [.., from, module] if from == "from" => {
                let separator = if module.ends_with('.') { "" } else { "." };
                let members = after.iter().map(|name| format!("{module}{separator}{name}"));
                std::iter::once(module.clone()).chain(members).collect()
            }
            _ => after,
        }
    })
}

/// The string literals of a text that begin like a relative path.
fn relative_specifiers(text: &str) -> impl Iterator<Item = &str> {
    memmem::find_iter(text.as_bytes(), b".").filter_map(move |at| {
        let quote = *text.as_bytes().get(at.checked_sub(1)?)?;
        matches!(quote, b'"' | b'\'' | b'`').then_some(())?;
        let rest = &text.as_bytes()[at..];
        rest.get(1).is_some_and(|next| matches!(next, b'/' | b'.' | b'"' | b'\'' | b'`')).then_some(())?;
        let end = rest.iter().take(limits::IMPORT_BYTES_MAX).position(|&byte| byte == quote)?;
        text.get(at..at + end)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_are_read_from_the_text() {
        let names: Vec<_> = python_imports("from .a import (b,\n c)\nimport x.y as z").flatten().collect();
        assert_eq!(names, [".a", ".a.b", ".a.c", "x.y", "as", "z"]);
        let found: Vec<_> = relative_specifiers("import a from './a.js'; require(\"../b\"); x = '.'").collect();
        assert_eq!(found, ["./a.js", "../b", "."]);
    }

    #[test]
    fn circles_end() {
        let modules = Modules { imports: vec![vec![1], vec![0], vec![1]], ..Modules::default() };
        let (waves, circular) = modules.waves();
        assert_eq!(waves, [vec![1], vec![0, 2]]);
        assert_eq!(circular, [1]);
    }
}
