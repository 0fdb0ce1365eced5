//! What the code can do: the hits of rules with a label, which are no findings, and combinations of them, which are.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::{Value, json};

use super::limits;
use super::matcher::Hit;
use crate::artifact::SourceText;
use crate::rules::{Hook, RuleLanguage, RuleSet, Scope, What};

/// Where one rule was hit first in a file, and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Occurrence {
    place: Range<usize>,
    line: u32,
    count: u64,
}

/// Which rules were hit in a file.
#[derive(Debug, Default)]
pub(super) struct Occurrences(BTreeMap<usize, Occurrence>);

impl Occurrences {
    /// The occurrences of `hits`.
    pub(super) fn of(hits: &[Hit], text: &SourceText) -> Self {
        let mut all: BTreeMap<usize, Occurrence> = BTreeMap::new();
        for hit in hits {
            let first = || Occurrence { place: hit.start..hit.end, line: 0, count: 0 };
            let occurrence = all.entry(hit.rule).or_insert_with(first);
            occurrence.count += 1;
            if hit.start < occurrence.place.start {
                occurrence.place = hit.start..hit.end;
            }
        }
        for occurrence in all.values_mut() {
            occurrence.line = text.position(occurrence.place.start).line;
        }
        Self(all)
    }

    /// The rules, by their numbers.
    pub(super) fn rules(&self) -> impl Iterator<Item = usize> {
        self.0.keys().copied()
    }

    /// The first place of a label, or of a rule's id, that a combination of this language is about.
    fn first(&self, rules: &RuleSet, name: &str, language: RuleLanguage) -> Option<Range<usize>> {
        let named = |rule: usize| {
            let rule = rules.rule(rule);
            let meant = language == RuleLanguage::Any || [language, RuleLanguage::Any].contains(&rule.language);
            meant && (rule.label.as_deref() == Some(name) || rule.id == name)
        };
        let places = self.0.iter().filter(|(rule, _)| named(**rule)).map(|(_, occurrence)| &occurrence.place);
        places.min_by_key(|place| (place.start, place.end)).cloned()
    }

    /// The hits of combinations that this file has in it.
    pub(super) fn combined(&self, rules: &RuleSet) -> Vec<Hit> {
        let mut hits = Vec::new();
        for &hook in rules.combinations() {
            let Some(of) = combination(rules, hook, Scope::File) else { continue };
            let language = rules.rule(hook.rule).language;
            let firsts: Option<Vec<Range<usize>>> = of.iter().map(|name| self.first(rules, name, language)).collect();
            if let Some(place) = firsts.and_then(|mut firsts| firsts.pop()) {
                hits.push(Hit::plain(hook.rule, place.start, place.end));
            }
        }
        hits
    }
}

/// What a combination asks for, if it is of this scope.
fn combination(rules: &RuleSet, hook: Hook, wanted: Scope) -> Option<&[crate::rules::Text]> {
    match &rules.hooked(hook).1.what {
        What::All { of, scope } if *scope == wanted => Some(of),
        _ => None,
    }
}

/// The hits of combinations that the whole artifact has in it, each with the number of the file that it stands in.
pub(super) fn combined(files: &[&Occurrences], rules: &RuleSet) -> Vec<(usize, Hit)> {
    let mut hits = Vec::new();
    for &hook in rules.combinations() {
        let Some(of) = combination(rules, hook, Scope::Artifact) else { continue };
        let language = rules.rule(hook.rule).language;
        let first = |name: &crate::rules::Text| {
            let in_file = |(file, one): (usize, &&Occurrences)| Some((file, one.first(rules, name, language)?));
            files.iter().enumerate().find_map(in_file)
        };
        let firsts: Option<Vec<_>> = of.iter().map(first).collect();
        if let Some((file, place)) = firsts.and_then(|mut firsts| firsts.pop()) {
            hits.push((file, Hit::plain(hook.rule, place.start, place.end)));
        }
    }
    hits
}

/// The capabilities for the report: for each label how often it occurs, and where first in each file.
pub(super) fn summary<'a>(files: impl Iterator<Item = (&'a str, &'a Occurrences)>, rules: &RuleSet) -> Value {
    let mut all: BTreeMap<&str, (u64, Vec<Value>)> = BTreeMap::new();
    for (path, occurrences) in files {
        let mut lines: BTreeMap<&str, u32> = BTreeMap::new();
        for (rule, occurrence) in &occurrences.0 {
            let rule_of_label = rules.rule(*rule);
            let Some(label) = rule_of_label.label.as_deref().filter(|_| rule_of_label.capability) else { continue };
            all.entry(label).or_default().0 += occurrence.count;
            let line = lines.entry(label).or_insert(occurrence.line);
            *line = occurrence.line.min(*line);
        }
        for (label, line) in lines {
            let places = &mut all.entry(label).or_default().1;
            if places.len() < limits::CAPABILITY_PLACES_MAX {
                places.push(json!({ "path": path, "line": line }));
            }
        }
    }
    let one =
        |(name, (count, files)): (&str, (u64, Vec<Value>))| json!({ "name": name, "count": count, "files": files });
    all.into_iter().map(one).collect()
}
