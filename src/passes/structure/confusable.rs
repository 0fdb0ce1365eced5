//! Names that read as other names: letters of another alphabet that look alike, and letters that are drawn as nothing.
//!
//! Only what deceives is told. A name in one alphabet is ordinary, whichever that is, and so is one that joins alphabets
//! at an underline or sets Greek before Latin (`get_имя`, `Δt`).

use std::collections::BTreeMap;

use unicode_normalization::UnicodeNormalization as _;

use super::looks::skeleton;
use super::shape::{Step, walk};
use super::view::{Found, View};
use crate::finding::Severity;
use crate::language::Language;

const LOOKALIKE: &str = "confusable-identifier";

/// Different names of one file that are compared; what is beyond is said.
const NAMES_MAX: usize = 100_000;

/// The longest name that is compared, in bytes; a longer one is compared by its start.
const NAME_BYTES_MAX: usize = 200;

/// Words that a reader knows: of the language, and of what it brings.
const PYTHON_WORDS: &str = "\
    False None True and as assert async await break case class continue def del elif else except finally for from \
    global if import in is lambda match nonlocal not or pass raise return try type while with yield abs all any \
    bool breakpoint bytes callable chr compile delattr dict dir enumerate eval exec exit filter float format \
    getattr globals hasattr hash help id input int isinstance iter len list locals map max min next object open \
    ord os pickle pow print property quit range repr reversed round self set setattr slice sorted str subprocess \
    sum super sys tuple vars zip __import__";
const JAVASCRIPT_WORDS: &str = "\
    async await break case catch class const continue debugger default delete do else export extends false finally \
    for from function if import in instanceof let new null of return static super switch this throw true try \
    typeof undefined var void while with yield Array Buffer Date Error Function JSON Map Math Number Object \
    Promise Proxy Reflect RegExp Set String Symbol alert atob btoa console constructor document eval exec exports \
    fetch global globalThis isNaN location module parseInt process prototype require self setInterval setTimeout \
    window";

/// Reports names that read as other names, each once.
pub(super) fn check(view: &View<'_>, found: &mut Found) {
    if view.text.as_str().is_ascii() {
        return;
    }
    for (language, words) in [(Language::Python, PYTHON_WORDS), (Language::JavaScript, JAVASCRIPT_WORDS)] {
        let names = Names::of(view, language);
        if names.first.keys().any(|name| !name.is_ascii()) {
            names.check(words, view, found);
        }
    }
}

/// The names of one language in a file.
struct Names<'a> {
    language: Language,
    /// Each with where it stands first.
    first: BTreeMap<&'a str, usize>,
    is_cut: bool,
}

impl<'a> Names<'a> {
    fn of(view: &View<'a>, language: Language) -> Self {
        let mut names = Self { language, first: BTreeMap::new(), is_cut: false };
        let text = view.text.as_str();
        for region in view.regions.iter().map(|part| part.region) {
            let is_of = match region.language {
                Language::TypeScript => language == Language::JavaScript,
                other => language == other,
            };
            if !is_of {
                continue;
            }
            if let Some(outline) = &region.outline {
                for place in &outline.names {
                    names.add(text.get(place.range()).unwrap_or_default(), place.range().start);
                }
            }
            let Some(tree) = region.judged_tree() else { continue };
            walk(tree, |node, step| {
                if step == Step::Enter && node.kind().ends_with("identifier") && node.child_count() == 0 {
                    names.add(&text[node.byte_range()], node.start_byte());
                }
                step == Step::Enter
            });
        }
        names
    }

    fn add(&mut self, name: &'a str, at: usize) {
        let name = &name[..name.floor_char_boundary(NAME_BYTES_MAX)];
        if self.first.len() < NAMES_MAX || self.first.contains_key(name) {
            self.first.entry(name).or_insert(at);
        } else {
            self.is_cut = true;
        }
    }

    /// The name as the engine reads it.
    fn read(&self, name: &str) -> String {
        if self.language == Language::Python { name.nfkc().collect() } else { name.to_owned() }
    }

    fn check(&self, words: &'static str, view: &View<'_>, found: &mut Found) {
        let mut looks: BTreeMap<String, Look> = BTreeMap::new();
        for word in words.split_whitespace() {
            looks.entry(skeleton(word)).or_default().word = Some(word);
        }
        for name in self.first.keys() {
            let read = self.read(name);
            let look = looks.entry(skeleton(&read)).or_default();
            if !look.names.contains(&read) && look.names.len() < 2 {
                look.names.push(read);
            }
        }
        let mut others: Vec<(usize, &str)> =
            self.first.iter().filter(|(name, _)| !name.is_ascii()).map(|(name, at)| (*at, *name)).collect();
        others.sort_unstable();
        for (at, name) in others {
            if let Some((rule, severity, message)) = self.fault(name, &looks) {
                found.at(view, rule, severity, at..at + name.len(), message);
            }
        }
        if self.is_cut {
            let message = format!("only the first {NAMES_MAX} names of this file are compared");
            found.whole(view.path, LOOKALIKE, Severity::Low, message);
        }
    }

    fn fault(&self, name: &str, looks: &BTreeMap<String, Look>) -> Option<(&'static str, Severity, String)> {
        if let Some(char) = invisible(name) {
            let message = format!("the name holds U+{:04X}, which nobody sees", u32::from(char));
            return Some(("invisible-identifier", Severity::Medium, message));
        }
        let read = self.read(name);
        if read.is_ascii() {
            return Some((
                "compatibility-identifier",
                Severity::Low,
                format!("Python reads the name `{name}` as `{read}`"),
            ));
        }
        let look = looks.get(&skeleton(&read))?;
        if let Some(word) = look.word {
            let message = format!("the name `{name}` looks like `{word}`, and is another");
            return Some((LOOKALIKE, Severity::Medium, message));
        }
        if let Some(twin) = look.names.iter().find(|twin| **twin != read) {
            let is_word = twin.is_ascii() && twin.len() > 1;
            let severity = if is_word { Severity::Medium } else { Severity::Low };
            let message = format!("the name `{name}` looks like `{twin}` in the same file, and is another");
            return Some((LOOKALIKE, severity, message));
        }
        if !read.split(|char: char| char == '_' || char.is_numeric()).any(mixes) {
            return None;
        }
        let reads_as_ascii = skeleton(&read).is_ascii();
        let severity = if reads_as_ascii { Severity::Medium } else { Severity::Low };
        let message = format!("the name `{name}` mixes letters of the Latin and the Cyrillic alphabet in one word");
        Some(("mixed-script-identifier", severity, message))
    }
}

/// What has the same look.
#[derive(Default)]
struct Look {
    /// A word that readers know.
    word: Option<&'static str>,
    /// At most two different names of the file: one of them is another than any given.
    names: Vec<String>,
}

/// A character of a name that is not drawn. The joiners are part of writing in many scripts, behind their letters.
fn invisible(name: &str) -> Option<char> {
    let mut before = 'a';
    name.chars().find(|&char| {
        let is_bare_joiner = matches!(char, '\u{200c}' | '\u{200d}') && before.is_ascii();
        before = char;
        is_bare_joiner
            || matches!(char, '\u{34f}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{fe00}'..='\u{fe0f}')
    })
}

/// Whether a word has letters of the Latin alphabet and of the Cyrillic.
fn mixes(word: &str) -> bool {
    let is_latin = |char: char| char.is_ascii_alphabetic() || matches!(char, '\u{c0}'..='\u{24f}');
    let is_cyrillic =
        |char: char| matches!(char, '\u{400}'..='\u{52f}' | '\u{1c80}'..='\u{1c8f}' | '\u{a640}'..='\u{a69f}');
    word.chars().any(is_latin) && word.chars().any(is_cyrillic)
}
