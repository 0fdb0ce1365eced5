//! Which dialect each JavaScript file of an artifact is meant in, and what says so.
//!
//! The extension comes first. A file that a page of the artifact loads is what the tag makes of it, a script or a module.
//! For Node, the nearest `package.json` decides, and it alone; where it names no type, or there is none, Node takes the file
//! for CommonJS and, if that fails, for a module. A file that both a page and a package could mean is valid if either
//! engine takes it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use memchr::memmem;

use super::goal::Goal;
use crate::artifact::{Artifact, SourceFile};
use crate::language::Language;
use crate::passes::parse::html;
use crate::policy::ParsePolicy;

/// What the nearest `package.json` says of the `.js` files around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PackageType {
    Module,
    CommonJs,
    Unsaid,
}

/// A dialect that a file may be meant in, and what says so, as a phrase for the report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) goal: Goal,
    pub(super) from: Cow<'static, str>,
    /// Whether it counts only if the file has syntax that nothing else has.
    pub(super) if_module_syntax: bool,
}

impl Candidate {
    fn new(goal: Goal, from: impl Into<Cow<'static, str>>) -> Self {
        Self { goal, from: from.into(), if_module_syntax: false }
    }
}

/// Whether a text begins with an element that a page is made of: such a file is HTML under a wrong name, and no JSX.
pub(super) fn begins_page(text: &str) -> bool {
    const ELEMENTS: [&str; 5] = ["script", "style", "html", "head", "body"];
    let Some(tag) = text.trim_start().strip_prefix('<') else { return false };
    let name = tag.split(|char: char| !char.is_ascii_alphanumeric()).next().unwrap_or_default();
    ELEMENTS.iter().any(|element| element.eq_ignore_ascii_case(name))
}

/// Why a file is JSX whose name does not say so.
pub(super) const JSX_IN_JS: &str = "it is JSX, which is compiled before it runs";

/// Pages that load one file that are kept in mind.
const PAGES_MAX: usize = 8;

/// What the other files of an artifact say of its JavaScript.
#[derive(Debug, Default)]
pub(in crate::passes::parse) struct Roles<'a> {
    /// By folder.
    packages: BTreeMap<&'a str, PackageType>,
    /// By the path of what is loaded: as what, and the page.
    loaded: BTreeMap<String, Vec<(Goal, &'a str)>>,
}

impl<'a> Roles<'a> {
    /// Reads the packages and the pages of `artifact`.
    pub(in crate::passes::parse) fn of(artifact: &'a Artifact, policy: &ParsePolicy) -> Self {
        let manifests = artifact.files.iter().filter(|file| file.file_name() == "package.json");
        let packages = manifests.map(|file| (folder(&file.path), package_type(&file.bytes))).collect();
        let mut roles = Self { packages, loaded: BTreeMap::new() };
        if artifact.files.iter().any(|file| file.language == Language::JavaScript) {
            let size_max = policy.file_bytes_max.bytes();
            let pages = artifact.files.iter().filter(|file| file.language == Language::Html);
            for page in pages.filter(|page| page.bytes.len() as u64 <= size_max) {
                roles.page(artifact, page, policy.nesting_depth_max);
            }
        }
        roles
    }

    /// Notes what one page loads.
    fn page(&mut self, artifact: &Artifact, page: &'a SourceFile, depth_max: u64) {
        let text = String::from_utf8_lossy(&page.bytes);
        for (address, goal) in html::loaded_scripts(&text, depth_max) {
            let Some(path) = local_path(artifact, &page.path, &address) else { continue };
            let uses = self.loaded.entry(path).or_default();
            if uses.len() < PAGES_MAX && !uses.iter().any(|(used, _)| *used == goal) {
                uses.push((goal, &page.path));
            }
        }
    }

    /// The dialects to try for a file, in order; the first that takes it is its own.
    pub(super) fn candidates(&self, path: &str, text: &str) -> Vec<Candidate> {
        let lower = path.to_ascii_lowercase();
        let name = lower.rsplit('/').next().unwrap_or_default();
        let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
        let goals: &[Goal] = match extension {
            "mjs" => &[Goal::MODULE],
            "cjs" => &[Goal::COMMONJS],
            "jsx" => &[Goal::JSX],
            "tsx" => &[Goal::TSX],
            "ts" | "mts" | "cts" if name.contains(".d.") => &[Goal::DECLARATIONS],
            "mts" => &[Goal::TS],
            "cts" => &[Goal::TS_COMMONJS],
            "ts" => &[Goal::TS, Goal::TS_COMMONJS],
            _ => return self.plain(path, text),
        };
        goals.iter().map(|&goal| Candidate::new(goal, format!("the extension .{extension}"))).collect()
    }

    /// The same for a file whose extension leaves it open.
    fn plain(&self, path: &str, text: &str) -> Vec<Candidate> {
        let pages = self.loaded.get(path).map_or(&[][..], Vec::as_slice);
        let mut candidates: Vec<Candidate> =
            pages.iter().map(|(goal, page)| Candidate::new(*goal, format!("a script element in {page}"))).collect();
        let package = self.nearest(path);
        // A page without a package is for a browser alone.
        if candidates.is_empty() || package.is_some() {
            candidates.extend(for_node(package, text));
        }
        if !begins_page(text) {
            candidates.push(Candidate::new(Goal::JSX, JSX_IN_JS));
        }
        candidates
    }

    /// The nearest `package.json` in the folders above a file, and what it says; as for Node, it alone counts, and none
    /// beyond a folder `node_modules`.
    fn nearest(&self, path: &str) -> Option<(String, PackageType)> {
        let mut at = folder(path);
        loop {
            if at == "node_modules" || at.ends_with("/node_modules") {
                return None;
            }
            if let Some(found) = self.packages.get(at) {
                let name = if at.is_empty() { "package.json".to_owned() } else { format!("{at}/package.json") };
                return Some((name, *found));
            }
            if at.is_empty() {
                return None;
            }
            at = folder(at);
        }
    }
}

/// What Node tries, in an order that gives the same answer with the least work.
fn for_node(package: Option<(String, PackageType)>, text: &str) -> Vec<Candidate> {
    let unsaid = match package {
        Some((path, PackageType::Module)) => {
            return vec![Candidate::new(Goal::MODULE, format!("\"type\": \"module\" in {path}"))];
        }
        Some((path, PackageType::CommonJs)) => {
            return vec![Candidate::new(Goal::COMMONJS, format!("\"type\": \"commonjs\" in {path}"))];
        }
        Some((path, PackageType::Unsaid)) => format!("{path} names no type"),
        None => "no package.json names a type".to_owned(),
    };
    let commonjs = Candidate::new(Goal::COMMONJS, format!("{unsaid}, and it is CommonJS"));
    // Node tries a file as a module only after some faults, and this one of CommonJS is not among them.
    if text.starts_with("\u{feff}#!") {
        return vec![commonjs];
    }
    let module = Candidate::new(Goal::MODULE, format!("{unsaid}, and its syntax is that of a module"));
    if looks_like_module(text) {
        vec![Candidate { if_module_syntax: true, ..module.clone() }, commonjs, module]
    } else {
        vec![commonjs, module]
    }
}

/// Whether a declaration of `import` or `export` seems to stand in the text: the word begins a line, and what follows it
/// fits. Only the order of work depends on it.
fn looks_like_module(text: &str) -> bool {
    // Both words end alike, so that the text is gone through once.
    const SHARED: &str = "port";
    let declares = |at: usize| {
        let (before, behind) = (&text[..at], &text[at + SHARED.len()..]);
        let Some(before) = before.strip_suffix("im").or_else(|| before.strip_suffix("ex")) else { return false };
        let begins_line = || {
            let before = before.trim_end_matches(|char: char| char.is_whitespace() && char != '\n');
            before.is_empty() || before.ends_with('\n')
        };
        behind.starts_with('{') || (behind.starts_with([' ', '*', '"', '\'']) && begins_line())
    };
    memmem::find_iter(text.as_bytes(), SHARED).any(declares)
}

fn package_type(bytes: &[u8]) -> PackageType {
    #[derive(serde::Deserialize)]
    struct Manifest {
        r#type: Option<String>,
    }
    match serde_json::from_slice::<Manifest>(bytes).ok().and_then(|manifest| manifest.r#type).as_deref() {
        Some("module") => PackageType::Module,
        Some("commonjs") => PackageType::CommonJs,
        _ => PackageType::Unsaid,
    }
}

fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The file of the artifact that `address` names on the page at `page`.
fn local_path(artifact: &Artifact, page: &str, address: &str) -> Option<String> {
    let address = address.split(['?', '#']).next().unwrap_or_default().trim();
    if address.is_empty() || address.contains(':') || address.starts_with("//") {
        return None;
    }
    let (base, rest) = match address.strip_prefix('/') {
        Some(rest) => ("", rest),
        None => (folder(page), address),
    };
    let mut parts: Vec<&str> = base.split('/').filter(|part| !part.is_empty()).collect();
    for part in rest.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            _ => parts.push(part),
        }
    }
    let path = parts.join("/");
    artifact.file(&path).is_some().then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn artifact(files: &[(&str, &str)]) -> Artifact {
        let files = files.iter().map(|(path, text)| SourceFile::new(*path, text.as_bytes().to_vec())).collect();
        Artifact::new("a", "a", files, Vec::new())
    }

    fn tried(files: &[(&str, &str)], path: &str, text: &str) -> Vec<(&'static str, String)> {
        let artifact = artifact(files);
        let roles = Roles::of(&artifact, &ParsePolicy::default());
        let candidates = roles.candidates(path, text);
        candidates.into_iter().map(|found| (found.goal.dialect(), found.from.into_owned())).collect()
    }

    #[test]
    fn the_nearest_package_decides_and_is_named() {
        let files = [
            ("package.json", "{\"type\": \"module\"}"),
            ("lib/package.json", "{\"type\": \"commonjs\"}"),
            ("src/package.json", "{\"type\": 1}"),
        ];
        for (path, dialect, from) in [
            ("a.js", "module", "\"type\": \"module\" in package.json"),
            ("b/c/a.js", "module", "\"type\": \"module\" in package.json"),
            ("lib/x/a.js", "commonjs", "\"type\": \"commonjs\" in lib/package.json"),
            ("lib/x/a.mjs", "module", "the extension .mjs"),
            ("src/a.js", "commonjs", "src/package.json names no type, and it is CommonJS"),
            ("node_modules/p/a.js", "commonjs", "no package.json names a type, and it is CommonJS"),
        ] {
            assert_eq!(tried(&files, path, "")[0], (dialect, from.to_owned()), "{path}");
        }
    }

    #[test]
    fn pages_decide_for_what_they_load() {
        let page = "<script src=./js/a.js?v=1></script><script type=module src='/js/b.js'></script>\
                    <script src=https://x/js/c.js></script><script src=../c.js></script>";
        let files = [("index.html", page), ("js/a.js", ""), ("js/b.js", ""), ("js/c.js", ""), ("c.js", "")];
        let dialects = |files: &[(&str, &str)], path| -> Vec<&str> {
            tried(files, path, "").into_iter().map(|(dialect, _)| dialect).collect()
        };
        assert_eq!(dialects(&files, "js/a.js"), ["script", "jsx"]);
        assert_eq!(dialects(&files, "js/b.js"), ["module", "jsx"]);
        assert_eq!(dialects(&files, "js/c.js"), ["commonjs", "module", "jsx"]);
        assert_eq!(dialects(&files, "c.js"), ["script", "jsx"]);
        let packed = [&files[..], &[("package.json", "{}")]].concat();
        assert_eq!(dialects(&packed, "js/a.js"), ["script", "commonjs", "module", "jsx"]);
        assert_eq!(tried(&packed, "js/a.js", "")[0].1, "a script element in index.html");
    }

    #[test]
    fn what_looks_like_a_module_is_tried_as_one_first() {
        for (text, expected) in [
            ("import a from 'b'", "module"),
            ("'use strict'\n  export default 1", "module"),
            ("import('a')", "commonjs"),
            ("exports.a = 1", "commonjs"),
        ] {
            assert_eq!(tried(&[], "a.js", text)[0].0, expected, "{text}");
        }
    }
}
