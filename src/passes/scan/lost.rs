//! Qualified names that lead nowhere: members of what has no name itself, as that of an unknown function's result.
//!
//! Rules name what can be reached by a name, and what begins with none ends in none of theirs. There would be many of these
//! names where much is made of what is not known (`x().next.next`), so they are all one.

use super::demand::words;
use super::resolve::Resolver;
use super::values::{PathId, RESULT, ROOT, UNKNOWN};
use crate::facts::Dialect;

/// What is known of names that lead nowhere.
#[derive(Default)]
pub(super) struct Lost {
    /// The one that stands for them all.
    one: Option<PathId>,
    /// Whether a name is one of them, by its path.
    known: Vec<Option<bool>>,
}

impl Lost {
    /// Whether a name is the one that stands for all of them.
    pub(super) fn is_it(&self, path: PathId) -> bool {
        self.one == Some(path)
    }
}

impl Resolver<'_> {
    /// The name itself, or the one that stands for all that lead nowhere.
    pub(super) fn unless_lost(&mut self, path: PathId) -> PathId {
        if self.facts.dialect != Dialect::JavaScript || !self.is_lost(path) {
            return path;
        }
        if self.lost.one.is_none() {
            let (result, unknown) = (self.facts.symbols.intern(RESULT), self.facts.symbols.intern(UNKNOWN));
            let of_nothing = self.paths.child(ROOT, result, &mut self.facts.symbols);
            self.lost.one = of_nothing.and_then(|path| self.paths.child(path, unknown, &mut self.facts.symbols));
        }
        self.lost.one.unwrap_or(path)
    }

    fn is_lost(&mut self, path: PathId) -> bool {
        let at = path.0 as usize;
        if let Some(&Some(known)) = self.lost.known.get(at) {
            return known;
        }
        let (outer, last) = self.paths.split(path);
        // What a member that leads somewhere is a member of does not matter.
        let lost = outer != ROOT
            && !words::leads(self.facts.dialect, self.facts.text(last)).as_member
            && self.begins_nowhere(outer);
        if self.lost.known.len() <= at {
            self.lost.known.resize(at + 1, None);
        }
        self.lost.known[at] = Some(lost);
        lost
    }

    /// Whether what a name begins with is no name, and none that rules begin with either: that of a module may be a path.
    fn begins_nowhere(&self, path: PathId) -> bool {
        let mut first = path;
        while self.paths.split(first).0 != ROOT {
            first = self.paths.split(first).0;
        }
        let text = self.facts.text(self.paths.split(first).1);
        let is_name = text.starts_with(|char: char| char.is_alphabetic() || matches!(char, '_' | '$' | '@'));
        first != ROOT && !is_name && !self.tables.part(text).is_first()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Facts;
    use crate::rules::{RuleLanguage, RuleSet};

    /// The name, by its parts, and whether it is lost.
    fn path(resolver: &mut Resolver<'_>, parts: &[&str]) -> (PathId, bool) {
        let path = parts.iter().fold(ROOT, |path, part| {
            let part = resolver.facts.symbols.intern(part);
            resolver.paths.child(path, part, &mut resolver.facts.symbols).expect("it is short")
        });
        let found = resolver.unless_lost(path);
        (found, resolver.lost.is_it(found))
    }

    #[test]
    fn members_of_what_has_no_name_are_one_name_but_for_those_that_rules_find_there() {
        let folder = tempfile::tempdir().unwrap();
        let rule = r#"
id = "query"
severity = "high"
confidence = "high"
message = "m"
why = "w"
instead = "i"
cwe = [89]
owasp = []
references = []
bad = ["require('./db').query(x)"]
good = ["query(x)"]

[[match]]
call = ["./db.query", "../lib/a.js.run", "./whole.*"]
"#;
        std::fs::create_dir(folder.path().join("javascript")).unwrap();
        std::fs::write(folder.path().join("javascript/query.toml"), rule).unwrap();
        let rules = RuleSet::load(true, &[folder.path()]).unwrap();
        let mut resolver = Resolver::new(Facts::new(Dialect::JavaScript), rules.tables(RuleLanguage::JavaScript));
        let mut lost = |parts: &[&str]| path(&mut resolver, parts);
        let (one, is_lost) = lost(&[RESULT, UNKNOWN, UNKNOWN]);
        assert!(is_lost);
        for parts in [[RESULT, "next", "child"], ["./x.js", "a", RESULT], ["./x.js", "b", "c"]] {
            assert_eq!(lost(&parts), (one, true), "{parts:?}");
        }
        for parts in [
            &["fs", "readFile"][..],
            &["@scope/package", "member"],
            &["./db", "query"],
            &["../lib/a.js", "run"],
            &["./whole", "any"],
            &["./x.js", "executeJavaScript"],
            &["./x.js", "a", "constructor"],
            &["./x.js"],
        ] {
            assert!(!lost(parts).1, "{parts:?}");
        }
    }
}
