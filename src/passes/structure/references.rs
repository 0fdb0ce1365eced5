//! The files that pages and style sheets name: each that is local must be there.
//!
//! Looked at are the attributes `src`, `href` and `poster` of HTML elements, and `url(…)` and `@import`
//! of CSS, in files and in pages. A reference is local when it has no scheme and no host.

use std::collections::BTreeSet;
use std::ops::Range;

use tree_sitter::{Node, Tree};

use super::shape::{Step, walk};
use super::view::{Found, View};
use crate::artifact::Artifact;
use crate::finding::Severity;
use crate::language::Language;

/// Attributes that name another file.
const ATTRIBUTES: [&str; 3] = ["src", "href", "poster"];

/// Where a local reference leads.
#[derive(Debug, PartialEq, Eq)]
enum Target {
    /// To a path in the artifact, or to a folder; empty for the root.
    Inside(String),
    /// Out of the artifact's root.
    Outside,
    /// To another place than a file of the artifact, which is not judged here.
    Elsewhere,
}

/// Reports local references of a page or style sheet that lead nowhere, or out of the artifact.
pub(super) fn check(view: &View<'_>, artifact: &Artifact, found: &mut Found) {
    let mut seen = BTreeSet::new();
    for region in view.regions.iter().map(|part| part.region) {
        let Some(tree) = region.judged_tree() else { continue };
        for (range, value) in references(tree, region.language, view.text.as_str()) {
            match target(view.path, &value) {
                Target::Outside if seen.insert(value.clone()) => {
                    let message = format!("`{value}` leads out of the artifact");
                    found.at(view, "reference-outside", Severity::High, range, message);
                }
                Target::Inside(path) if !is_there(artifact, &path) && seen.insert(value.clone()) => {
                    let message = format!("`{value}` names a file that is not there");
                    found.at(view, "reference-not-found", Severity::Medium, range, message);
                }
                Target::Inside(_) | Target::Outside | Target::Elsewhere => {}
            }
        }
    }
}

/// A file of that path, or a folder that holds any file.
fn is_there(artifact: &Artifact, path: &str) -> bool {
    if path.is_empty() || artifact.file(path).is_some() {
        return true;
    }
    let folder = format!("{}/", path.trim_end_matches('/'));
    let at = artifact.files.partition_point(|file| file.path.as_str() < folder.as_str());
    artifact.files.get(at).is_some_and(|file| file.path.starts_with(&folder))
}

/// The references of one tree, as they are written, with where they stand.
fn references(tree: &Tree, language: Language, text: &str) -> Vec<(Range<usize>, String)> {
    let mut all = Vec::new();
    let mut in_import = false;
    // Asking a node for its parent searches from the root, so the walk remembers which tag it is in.
    let mut in_base = false;
    walk(tree, |node, step| {
        if step == Step::Leave {
            in_import &= node.kind() != "import_statement";
            return false;
        }
        match (language, node.kind()) {
            (Language::Html, "tag_name") => in_base = text[node.byte_range()].eq_ignore_ascii_case("base"),
            (Language::Html, "attribute") if !in_base => all.extend(attribute(node, text)),
            (Language::Css, "import_statement") => in_import = true,
            (Language::Css, "call_expression") => all.extend(css_url(node, text)),
            (Language::Css, "string_value") if in_import => {
                all.push((node.byte_range(), unquote(&text[node.byte_range()])))
            }
            _ => {}
        }
        true
    });
    all.dedup_by(|a, b| a.1 == b.1 && a.0.start <= b.0.end && b.0.start <= a.0.end);
    all
}

fn attribute(node: Node<'_>, text: &str) -> Option<(Range<usize>, String)> {
    let name = text[node.named_child(0)?.byte_range()].to_ascii_lowercase();
    let value = node.named_child(1)?;
    let named = ATTRIBUTES.contains(&name.as_str());
    named.then(|| (value.byte_range(), entities(&unquote(&text[value.byte_range()]))))
}

fn css_url(node: Node<'_>, text: &str) -> Option<(Range<usize>, String)> {
    let call = &text[node.byte_range()];
    let inner = call.get(..4).filter(|name| name.eq_ignore_ascii_case("url(")).and_then(|_| call.get(4..))?;
    Some((node.byte_range(), unquote(inner.trim_end_matches(')').trim())))
}

fn unquote(text: &str) -> String {
    text.trim().trim_matches(['"', '\'']).trim().to_owned()
}

/// The few character references that occur in addresses.
fn entities(text: &str) -> String {
    if text.contains('&') {
        text.replace("&#38;", "&")
            .replace("&#x26;", "&")
            .replace("&#39;", "'")
            .replace("&quot;", "\"")
            .replace("&amp;", "&")
    } else {
        text.to_owned()
    }
}

/// Where `value`, written in the file at `from`, leads.
fn target(from: &str, value: &str) -> Target {
    // Browsers drop these characters wherever they stand, and read a backslash as a slash.
    let value: String = value.chars().filter(|char| !matches!(char, '\t' | '\n' | '\r')).collect();
    let value = value.replace('\\', "/");
    let is_template = ["{{", "{%", "<%", "${"].iter().any(|open| value.contains(open));
    if value.starts_with("//") || has_scheme(&value) || is_template {
        return Target::Elsewhere;
    }
    let path = value.split(['?', '#']).next().unwrap_or("");
    if path.is_empty() {
        return Target::Elsewhere;
    }
    let Some(path) = percent_decode(path) else { return Target::Inside(path.to_owned()) };
    let mut parts: Vec<&str> = if path.starts_with('/') { Vec::new() } else { from.split('/').collect() };
    parts.pop();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.pop().is_none() => return Target::Outside,
            ".." => {}
            part => parts.push(part),
        }
    }
    Target::Inside(parts.join("/"))
}

fn has_scheme(value: &str) -> bool {
    let Some((scheme, _)) = value.split_once(':') else { return false };
    scheme.starts_with(|char: char| char.is_ascii_alphabetic())
        && scheme.chars().all(|char| char.is_ascii_alphanumeric() || matches!(char, '+' | '-' | '.'))
}

/// Undoes `%41`; `None` where what comes out is not text.
fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [byte, tail @ ..] = rest {
        let code = tail.get(..2).filter(|_| *byte == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
        match code.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(decoded) => {
                bytes.push(decoded);
                rest = &tail[2..];
            }
            None => {
                bytes.push(*byte);
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_lead_where_a_browser_would_go() {
        let inside = |path: &str| Target::Inside(path.to_owned());
        let cases = [
            ("index.html", "app.js", inside("app.js")),
            ("index.html", "./js/app.js?v=2#x", inside("js/app.js")),
            ("a/b/index.html", "../app.js", inside("a/app.js")),
            ("a/index.html", "/app.js", inside("app.js")),
            ("index.html", "my%20file.css", inside("my file.css")),
            ("index.html", "a\\b.js", inside("a/b.js")),
            ("index.html", "../app.js", Target::Outside),
            ("index.html", "%2e%2e/app.js", Target::Outside),
            ("a/index.html", "/../app.js", Target::Outside),
            ("index.html", "/", inside("")),
            ("index.html", "https://example.org/a.js", Target::Elsewhere),
            ("index.html", "//example.org/a.js", Target::Elsewhere),
            ("index.html", "data:text/plain,x", Target::Elsewhere),
            ("index.html", "mailto:a@example.org", Target::Elsewhere),
            ("index.html", "#top", Target::Elsewhere),
            ("index.html", "?page=2", Target::Elsewhere),
            ("index.html", "{{ url_for('static') }}", Target::Elsewhere),
            ("index.html", "100%", inside("100%")),
        ];
        for (from, value, expected) in cases {
            assert_eq!(target(from, value), expected, "{from}: {value}");
        }
    }
}
