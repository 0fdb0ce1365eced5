//! What the rules of one language look for, by name.

use std::collections::{BTreeMap, BTreeSet};

use super::compile::expression_of;
use super::filter::Filter;
use super::lazy::LazyRegex;
use super::needles::{self, Needles};
use super::raw::Within;
use super::rule::{Check, Matcher, Rule, Text, What};
use super::table::{Hooks, Numbers, Table};
use super::{RuleLanguage, commands};

/// A rule and one of its matchers, by their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Hook {
    pub(crate) rule: usize,
    pub(crate) matcher: usize,
}

/// A name of the form `*.name`, or `*.outer.name`.
#[derive(Debug, PartialEq)]
pub(crate) struct Member {
    /// What stands before the last name, innermost first.
    pub(crate) before: Vec<Text>,
    pub(crate) hook: Hook,
}

/// The names that rules look for in one way.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Names {
    pub(super) exact: Table<Hooks>,
    pub(super) suffix: Table<Vec<Member>>,
    pub(super) prefix: Table<Hooks>,
    /// Names that are written `/expression/`, ...
    pub(super) expressions: Vec<LazyRegex>,
    /// ... and what tells which of these a name is worth.
    pub(super) worth: Filter,
    /// Those that look at every name.
    pub(crate) every: Vec<Hook>,
}

/// [`Names`] in the making.
#[derive(Default)]
struct NamesMaker {
    exact: BTreeMap<String, Vec<Hook>>,
    suffix: BTreeMap<String, Vec<Member>>,
    prefix: BTreeMap<String, Vec<Hook>>,
    expressions: Vec<LazyRegex>,
    worth: Vec<(Hook, Needles)>,
    every: Vec<Hook>,
}

impl NamesMaker {
    fn add(&mut self, names: &[Text], hook: Hook) {
        for name in names {
            if let Some(expression) = expression_of(name) {
                self.expressions.push(LazyRegex::new(expression.to_owned().into()));
                self.worth.push((hook, needles::of_regex(expression)));
            } else if name == "*" {
                self.every.push(hook);
            } else if let Some(members) = name.strip_prefix("*.") {
                let mut parts = members.rsplit('.').map(|part| Text::from(part.to_owned()));
                let last = parts.next().unwrap_or_default().into_owned();
                self.suffix.entry(last).or_default().push(Member { before: parts.collect(), hook });
            } else if let Some(module) = name.strip_suffix(".*") {
                self.prefix.entry(module.to_owned()).or_default().push(hook);
            } else {
                self.exact.entry(name.clone().into_owned()).or_default().push(hook);
            }
        }
    }

    fn finish(self) -> Names {
        Names {
            exact: Table::new(self.exact),
            suffix: Table::new(self.suffix),
            prefix: Table::new(self.prefix),
            expressions: self.expressions,
            worth: Filter::new(self.worth),
            every: self.every,
        }
    }
}

impl Names {
    /// The hooks of a qualified name, those of `module.*` included.
    pub(crate) fn named(&self, name: &str) -> Vec<Hook> {
        let mut hooks: Vec<Hook> = self.exact.hooks(name).collect();
        // A method of a class is written like a member of it: `flask.Flask.run` is `flask.Flask().run` as well.
        if name.contains(".().") {
            hooks.extend(self.exact.hooks(&name.replace(".().", ".")));
        }
        if let Some((module, _)) = name.rsplit_once('.') {
            hooks.extend(self.prefix.hooks(module));
        }
        hooks
    }

    /// Whether `name` is looked for, or a name that begins with `within`, which is it with a dot.
    fn lead(&self, name: &str, within: &str) -> bool {
        let module = name.rsplit_once('.').is_some_and(|(module, _)| self.prefix.number(module).is_some());
        module
            || self.exact.number(name).is_some()
            || self.prefix.number(name).is_some()
            || self.exact.has_within(within)
            || self.prefix.has_within(within)
    }

    /// What is looked for as `*.name`.
    pub(crate) fn member(&self, name: &str) -> &[Member] {
        &self.suffix.lists[self.suffix.place(name)]
    }

    /// Whether whole modules are looked for, whatever their members are called.
    pub(crate) fn has_modules(&self) -> bool {
        !self.prefix.is_empty()
    }

    /// Whether nothing is looked for in this way.
    pub(crate) fn is_empty(&self) -> bool {
        self.exact.is_empty()
            && self.suffix.is_empty()
            && self.prefix.is_empty()
            && self.expressions.is_empty()
            && self.every.is_empty()
    }
}

/// All that the rules of one language look for.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Tables {
    pub(crate) calls: Names,
    pub(crate) imports: Names,
    pub(crate) assignments: Names,
    pub(crate) keywords: Names,
    pub(crate) comparisons: Names,
    pub(crate) uses: Names,
    pub(crate) definitions: Names,
    pub(crate) statements: Vec<Hook>,
    pub(crate) shells: Filter,
    /// Calls and uses whose value carries the label of their rule.
    pub(crate) sources: Sources,
    /// Every part of every name, and how it stands in them.
    pub(super) segments: Table<Numbers>,
    /// Rules over text and over trees.
    pub(crate) others: Filter,
}

/// How a part of a name stands in the names that rules know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Part(u16);

impl Part {
    /// A part of some name.
    const KNOWN: u16 = 1;
    /// A name ends in it that is called or used.
    const REACHED: u16 = 1 << 1;
    /// A name ends in it that is assigned to.
    const ASSIGNED: u16 = 1 << 2;
    /// A name ends in it that is compared.
    const COMPARED: u16 = 1 << 3;
    /// A name begins with it, of whatever kind.
    const FIRST: u16 = 1 << 4;
    /// It is what a member is called, of whatever object: `*.name`.
    const MEMBER: u16 = 1 << 5;

    /// A name of a table begins with it. The tables have their numbers in [`TablesMaker`].
    const fn begins_in(table: usize) -> u16 {
        1 << (8 + table)
    }

    /// Whether any name has this part.
    pub(crate) fn is_known(self) -> bool {
        self.0 & Self::KNOWN != 0
    }

    /// Whether a name begins with it.
    pub(crate) fn is_first(self) -> bool {
        self.0 & Self::FIRST != 0
    }

    /// Whether rules look for members of this name, whatever they are members of.
    pub(crate) fn is_member(self) -> bool {
        self.0 & Self::MEMBER != 0
    }

    /// Whether a name that is called or used ends in it.
    pub(crate) fn is_reached(self) -> bool {
        self.0 & Self::REACHED != 0
    }

    /// Whether a name that is assigned to ends in it.
    pub(crate) fn is_assigned(self) -> bool {
        self.0 & Self::ASSIGNED != 0
    }

    /// Whether a name that is compared ends in it.
    pub(crate) fn is_compared(self) -> bool {
        self.0 & Self::COMPARED != 0
    }
}

/// Labels of sources, as a set of their numbers in [`Sources`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Labels(pub(super) u64);

impl Labels {
    /// No label.
    pub(crate) const NONE: Self = Self(0);

    /// The labels of either.
    #[must_use]
    pub(crate) fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The labels that are not in the other.
    #[must_use]
    pub(crate) fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether one label is in both.
    pub(crate) fn meet(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether there is no label.
    pub(crate) fn is_empty(self) -> bool {
        self == Self::NONE
    }
}

/// What the arguments of a call must be, and what they must not be.
pub(super) type Asked = (Vec<Check>, Vec<Check>);

/// What carries labels of sources, by name.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Sources {
    pub(super) calls: Names,
    pub(super) uses: Names,
    /// Calls that carry a label only where their arguments are what the source asks for ...
    pub(crate) checked: Names,
    /// ... which is this, sorted by hook: what they must be, and what not.
    pub(super) checks: Vec<(Hook, Asked)>,
    /// Functions whose parameters carry a label.
    pub(crate) definitions: Names,
    /// All labels of sources, sorted; the 65th and those after it share the last number.
    pub(super) labels: Vec<Text>,
    /// The label's number for each rule that is a source, sorted by rule.
    pub(super) numbers: Vec<(usize, u8)>,
    /// Labels that no single member of what carries them has.
    pub(crate) whole: Labels,
}

impl Sources {
    /// What the result of calling the qualified name `name` carries.
    pub(crate) fn of_call(&self, name: &str) -> Labels {
        self.all(&self.calls.named(name))
    }

    /// What the qualified name `name` itself carries.
    pub(crate) fn of_use(&self, name: &str) -> Labels {
        self.all(&self.uses.named(name))
    }

    /// The members `name` whose calls' results carry a label (`*.name`).
    pub(crate) fn member_calls(&self, name: &str) -> &[Member] {
        self.calls.member(name)
    }

    /// The members `name` that carry a label themselves.
    pub(crate) fn member_uses(&self, name: &str) -> &[Member] {
        self.uses.member(name)
    }

    /// What the arguments of a call of [`Sources::checked`] must be, and what they must not be.
    pub(crate) fn checks(&self, hook: Hook) -> (&[Check], &[Check]) {
        match self.checks.binary_search_by_key(&hook, |(hook, _)| *hook) {
            Ok(at) => (&self.checks[at].1.0, &self.checks[at].1.1),
            Err(_) => (&[], &[]),
        }
    }

    /// The label of a hook of these names.
    pub(crate) fn of_hook(&self, hook: Hook) -> Labels {
        self.all(&[hook])
    }

    /// The set of these labels.
    pub(crate) fn named(&self, labels: &[Text]) -> Labels {
        let numbers = labels.iter().filter_map(|label| self.labels.binary_search(label).ok());
        Labels(numbers.fold(0, |set, number| set | 1 << number.min(63)))
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    fn all(&self, hooks: &[Hook]) -> Labels {
        let number = |hook: &Hook| {
            let at = self.numbers.binary_search_by_key(&hook.rule, |(rule, _)| *rule).ok()?;
            Some(self.numbers[at].1)
        };
        Labels(hooks.iter().filter_map(number).fold(0, |set, number| set | 1 << number))
    }
}

/// [`Tables`] in the making.
#[derive(Default)]
struct TablesMaker {
    names: [NamesMaker; 7],
    sources: [NamesMaker; 4],
    checks: Vec<(Hook, Asked)>,
    whole: u64,
    labels: Vec<Text>,
    numbers: Vec<(usize, u8)>,
    statements: Vec<Hook>,
    shells: Vec<(Hook, Needles)>,
    segments: BTreeMap<String, u16>,
    others: Vec<(Hook, Needles)>,
}

impl TablesMaker {
    fn add(&mut self, matcher: &Matcher, is_source: bool, hook: Hook) {
        let (table, names) = match &matcher.what {
            What::Call { names, .. } => (0, names),
            What::Import { names } => (1, names),
            What::Assign { names } => (2, names),
            What::Keyword { names } => (3, names),
            What::Compare { names } => (4, names),
            What::Use { names } => (5, names),
            What::Define { names, decorated, base } => {
                self.segments(decorated, None, 0);
                self.segments(base, None, 0);
                (6, names)
            }
            What::Statement { exceptions, .. } => {
                self.segments(exceptions, None, 0);
                return self.statements.push(hook);
            }
            What::Shell { regex } => return self.shells.push((hook, needles::of_regex(regex.source()))),
            What::Regex { regex, within: Within::Text, .. } => {
                return self.others.push((hook, needles::of_regex(regex.source())));
            }
            What::Regex { regex, .. } => return self.others.push((hook, needles::of_regex_on_parts(regex.source()))),
            What::Query { query } => return self.others.push((hook, needles::of_query(query.source()))),
            What::All { .. } => return,
        };
        let ends = match &matcher.what {
            What::Call { .. } | What::Use { .. } => Part::REACHED,
            What::Assign { .. } => Part::ASSIGNED,
            What::Compare { .. } => Part::COMPARED,
            _ => 0,
        };
        self.segments(names, Some(table), ends);
        self.segments(&matcher.unless, None, 0);
        self.names[table].add(names, hook);
        match &matcher.what {
            What::Call { .. } if is_source && !(matcher.checks.is_empty() && matcher.not_checks.is_empty()) => {
                self.sources[3].add(names, hook);
                self.checks.push((hook, (matcher.checks.clone(), matcher.not_checks.clone())));
            }
            What::Call { .. } if is_source => self.sources[0].add(names, hook),
            What::Use { .. } if is_source => self.sources[1].add(names, hook),
            What::Define { .. } if is_source => self.sources[2].add(names, hook),
            _ => {}
        }
    }

    /// Notes the parts of the names of a table; `ends` is what the last part of each is.
    fn segments(&mut self, names: &[Text], table: Option<usize>, ends: u16) {
        for name in names.iter().filter(|name| expression_of(name).is_none()) {
            let last = name.split('.').count() - 1;
            let ends = if name.starts_with("*.") { ends | Part::MEMBER } else { ends };
            for (at, part) in name.split('.').enumerate().filter(|(_, part)| *part != "*") {
                let first = if at == 0 { Part::FIRST } else { 0 };
                let begins = table.filter(|_| at == 0).map_or(0, Part::begins_in);
                let ends = if at == last { ends } else { 0 };
                *self.segments.entry(part.to_owned()).or_default() |= Part::KNOWN | first | begins | ends;
            }
            // The path of a module is one part, whatever dots are in it: of `./db.js.query` it may end before any of them.
            let file = name.rfind('/').filter(|_| name.starts_with(['.', '/'])).map_or(name.len(), |slash| slash + 1);
            for (dot, _) in name[file..].match_indices('.') {
                let begins = table.map_or(0, Part::begins_in);
                *self.segments.entry(name[..file + dot].to_owned()).or_default() |= Part::KNOWN | Part::FIRST | begins;
            }
        }
    }

    fn finish(self) -> Tables {
        let [calls, imports, assignments, keywords, comparisons, uses, definitions] =
            self.names.map(NamesMaker::finish);
        let [source_calls, source_uses, source_definitions, checked] = self.sources.map(NamesMaker::finish);
        Tables {
            calls,
            imports,
            assignments,
            keywords,
            comparisons,
            uses,
            definitions,
            statements: self.statements,
            shells: Filter::new(self.shells),
            sources: Sources {
                calls: source_calls,
                uses: source_uses,
                definitions: source_definitions,
                checked,
                checks: self.checks,
                labels: self.labels,
                numbers: self.numbers,
                whole: Labels(self.whole),
            },
            segments: Table::new(self.segments.into_iter().map(|(part, stands)| (part, vec![stands])).collect()),
            others: Filter::new(self.others),
        }
    }
}

/// Matchers that ask for several labels at once.
pub(super) fn combinations(rules: &[Rule]) -> Vec<Hook> {
    let mut combinations = Vec::new();
    for (number, rule) in rules.iter().enumerate() {
        for (matcher, one) in rule.matchers.iter().enumerate() {
            if matches!(one.what, What::All { .. }) {
                combinations.push(Hook { rule: number, matcher });
            }
        }
    }
    combinations
}

impl Tables {
    /// The tables of the rules of `language`.
    pub(super) fn of(rules: &[Rule], language: RuleLanguage) -> Self {
        let mut maker = TablesMaker::default();
        let sources = || rules.iter().enumerate().filter(|(_, rule)| rule.language == language && rule.source);
        let labels: BTreeSet<&Text> = sources().filter_map(|(_, rule)| rule.label.as_ref()).collect();
        maker.labels = labels.into_iter().cloned().collect();
        for (number, rule) in sources() {
            let label = rule.label.as_ref().and_then(|label| maker.labels.binary_search(label).ok());
            maker.numbers.extend(label.map(|label| (number, u8::try_from(label.min(63)).unwrap_or(63))));
            if let (Some(label), false) = (label, rule.members) {
                maker.whole |= 1 << label.min(63);
            }
        }
        for (number, rule) in rules.iter().enumerate().filter(|(_, rule)| rule.language == language) {
            for (matcher, one) in rule.matchers.iter().enumerate() {
                maker.add(one, rule.source, Hook { rule: number, matcher });
            }
        }
        if !maker.shells.is_empty() {
            let commands = commands::of(language).iter().map(|(name, _)| Text::from(*name));
            maker.segments(&commands.collect::<Vec<_>>(), None, Part::REACHED);
        }
        maker.finish()
    }

    /// How `segment` stands in the names that rules know.
    pub(crate) fn part(&self, segment: &str) -> Part {
        let place = self.segments.place(segment).next();
        place.map_or(Part::default(), |place| Part(self.segments.lists.0.u16(place)))
    }

    fn all_names(&self) -> [&Names; 7] {
        [
            &self.calls,
            &self.imports,
            &self.assignments,
            &self.keywords,
            &self.comparisons,
            &self.uses,
            &self.definitions,
        ]
    }

    /// Whether rules know names that begin with what a call of the qualified name `function` gives back.
    pub(crate) fn lead_from_result(&self, function: &str) -> bool {
        let goes_on = |result: &str, within: &str| {
            self.all_names().iter().any(|names| {
                let exact = names.exact.number(result).is_some() && result.ends_with(')');
                exact
                    || names.exact.has_within(within)
                    || names.prefix.number(result).is_some()
                    || names.prefix.has_within(within)
            })
        };
        // A method of a class is written like a member of it, as `Names::named` has it.
        let (result, class) = (format!("{function}.()"), function.replace(".()", ""));
        goes_on(&result, &format!("{result}.")) || goes_on(&class, &format!("{class}."))
    }

    /// Whether a qualified name is one that a rule knows, or the beginning of one.
    pub(crate) fn leads(&self, name: &str) -> bool {
        let first = name.split('.').next().unwrap_or_default();
        let begins = self.part(first);
        let lead = |name: &str| {
            let within = format!("{name}.");
            let may = |table: usize| begins.0 & Part::begins_in(table) != 0;
            self.all_names().iter().enumerate().any(|(table, names)| may(table) && names.lead(name, &within))
        };
        // A method of a class is written like a member of it, as `Names::named` has it.
        lead(name) || (name.contains(".()") && lead(&name.replace(".()", "")))
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::{RuleLanguage, RuleSet};

    #[test]
    fn a_part_tells_how_it_stands_in_names() {
        let rules = RuleSet::load(true, &[] as &[&std::path::Path]).unwrap();
        let tables = rules.tables(RuleLanguage::Python);
        let (module, member) = (tables.part("subprocess"), tables.part("Popen"));
        assert!(module.is_known() && member.is_known() && !tables.part("nobody_names_this").is_known());
        assert!(member.is_reached() && !member.is_assigned() && !member.is_compared());
        assert!(tables.part("check_hostname").is_assigned());
        assert!(module.is_first() && !member.is_first());
        assert!(tables.part("rglob").is_member() && !tables.part("execv").is_member());
        assert!(tables.leads("subprocess") && tables.leads("subprocess.Popen") && tables.leads("subprocess.any"));
        assert!(tables.lead_from_result("flask.Flask") && !tables.lead_from_result("os.system"));
        // A member's name begins nothing by itself.
        assert!(!tables.leads("Popen") && !tables.leads("nobody.Popen"));
    }
}
