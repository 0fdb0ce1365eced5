//! From the raw shape to rules that can run, and to tables of names; every fault of a rule is found here.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::OnceLock;

use regex::Regex;
use toml::Spanned;

use super::demand::Demand;
use super::needles::{self, Filter};
use super::raw::{Is, RawCheck, RawMatch, RawRule, Within};
use super::{Rule, RuleLanguage};
use crate::passes::scan::{NameLanguage, canonical_name};

/// A fault, and where in the rule file it stands.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) message: String,
    pub(super) span: Option<Range<usize>>,
}

impl Fault {
    fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), span: None }
    }

    fn at(mut self, span: Range<usize>) -> Self {
        self.span.get_or_insert(span);
        self
    }
}

/// A regular expression that is compiled when it is first needed.
#[derive(Debug)]
pub(crate) struct LazyRegex {
    source: String,
    cell: OnceLock<Regex>,
}

impl LazyRegex {
    fn new(source: String, check: bool) -> Result<Self, Fault> {
        let lazy = Self { source, cell: OnceLock::new() };
        if check {
            let regex =
                Regex::new(&lazy.source).map_err(|error| Fault::new(format!("the regex is not valid: {error}")))?;
            lazy.cell.get_or_init(|| regex);
        }
        Ok(lazy)
    }

    /// The compiled expression.
    pub(crate) fn get(&self) -> &Regex {
        self.cell.get_or_init(|| Regex::new(&self.source).expect("every built-in rule is run by a test"))
    }
}

/// A tree-sitter query that is compiled when it is first needed.
#[derive(Debug)]
pub(crate) struct LazyQuery {
    source: String,
    language: RuleLanguage,
    cell: OnceLock<tree_sitter::Query>,
}

impl LazyQuery {
    fn new(source: String, language: RuleLanguage, check: bool) -> Result<Self, Fault> {
        let lazy = Self { source, language, cell: OnceLock::new() };
        if check {
            let query = lazy.compile().map_err(|error| Fault::new(format!("the query is not valid: {error}")))?;
            lazy.cell.get_or_init(|| query);
        }
        if !lazy.source.contains("@hit") {
            return Err(Fault::new("the query captures nothing as `@hit`; name the node that is reported"));
        }
        Ok(lazy)
    }

    fn compile(&self) -> Result<tree_sitter::Query, tree_sitter::QueryError> {
        let grammar: tree_sitter::Language = match self.language {
            RuleLanguage::Python => tree_sitter_python::LANGUAGE.into(),
            RuleLanguage::JavaScript => tree_sitter_javascript::LANGUAGE.into(),
            RuleLanguage::Html | RuleLanguage::Any => tree_sitter_html::LANGUAGE.into(),
        };
        tree_sitter::Query::new(&grammar, &self.source)
    }

    /// The compiled query.
    pub(crate) fn get(&self) -> &tree_sitter::Query {
        self.cell.get_or_init(|| self.compile().expect("every built-in rule is run by a test"))
    }
}

/// What an argument or value must be.
#[derive(Debug)]
pub(crate) struct Check {
    pub(crate) position: Option<u16>,
    pub(crate) keyword: Option<String>,
    pub(crate) test: Test,
}

/// The test of a [`Check`].
#[derive(Debug)]
pub(crate) enum Test {
    Is(Is),
    Value(LazyRegex),
}

/// One alternative of a rule.
#[derive(Debug)]
pub(crate) enum Matcher {
    Call { names: Vec<String>, references: bool, arguments: Vec<Check>, not_arguments: Vec<Check> },
    Import { names: Vec<String> },
    Assign { names: Vec<String>, value: Vec<Check> },
    Use { names: Vec<String> },
    Regex { regex: LazyRegex, within: Within, demand: Demand },
    Query { query: LazyQuery },
}

/// Checks a raw rule and makes it one that can run. `stem` is the file's name without its extension; `check` compiles
/// expressions and queries at once instead of when they are first needed.
pub(super) fn compile(raw: RawRule, stem: &str, language: RuleLanguage, check: bool) -> Result<Rule, Fault> {
    if raw.id != stem {
        return Err(Fault::new(format!(
            "the id is `{}` but the file is called `{stem}.toml`; give both one name",
            raw.id
        )));
    }
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if raw.id.is_empty() || !raw.id.bytes().all(plain) {
        return Err(Fault::new("the id has other characters than a-z, 0-9 and `-`"));
    }
    for (what, list) in [("bad", &raw.bad), ("good", &raw.good)] {
        if list.is_empty() {
            return Err(Fault::new(format!("there is no {what} example; add one, so that the rule can be tested")));
        }
    }
    for (what, text) in [("message", &raw.message), ("why", &raw.why), ("instead", &raw.instead)] {
        if text.trim().is_empty() {
            return Err(Fault::new(format!("`{what}` is empty")));
        }
    }
    if raw.matches.is_empty() {
        return Err(Fault::new("there is no [[match]]; say what the rule looks for"));
    }
    let mut matchers = Vec::with_capacity(raw.matches.len());
    for one in raw.matches {
        let span = one.span();
        matchers.push(matcher(one.into_inner(), language, check).map_err(|fault| fault.at(span))?);
    }
    Ok(Rule {
        id: raw.id,
        language,
        severity: raw.severity,
        confidence: raw.confidence,
        message: raw.message,
        why: raw.why.trim().to_owned(),
        instead: raw.instead.trim().to_owned(),
        cwe: raw.cwe,
        references: raw.references,
        bad: raw.bad,
        good: raw.good,
        matchers,
    })
}

fn matcher(raw: RawMatch, language: RuleLanguage, check: bool) -> Result<Matcher, Fault> {
    one_kind(&raw)?;
    fitting(&raw, language)?;
    if !raw.call.is_empty() {
        return Ok(Matcher::Call {
            names: names(raw.call, language)?,
            references: raw.references.unwrap_or(true) && raw.argument.is_empty(),
            arguments: checks(raw.argument, true, check)?,
            not_arguments: checks(raw.not_argument, true, check)?,
        });
    }
    if !raw.import.is_empty() {
        return Ok(Matcher::Import { names: names(raw.import, language)? });
    }
    if !raw.assign.is_empty() {
        return Ok(Matcher::Assign { names: names(raw.assign, language)?, value: checks(raw.value, false, check)? });
    }
    if !raw.usage.is_empty() {
        return Ok(Matcher::Use { names: names(raw.usage, language)? });
    }
    if let Some(regex) = raw.regex {
        let demand =
            Demand { entropy_min: raw.entropy_min, checksum: raw.checksum, real: raw.real.unwrap_or_default() };
        let regex = LazyRegex::new(regex, check)?;
        return Ok(Matcher::Regex { regex, within: raw.within.unwrap_or_default(), demand });
    }
    let query = raw.query.expect("one of the six is there");
    Ok(Matcher::Query { query: LazyQuery::new(query, language, check)? })
}

fn one_kind(raw: &RawMatch) -> Result<(), Fault> {
    let kinds = [
        ("call", !raw.call.is_empty()),
        ("import", !raw.import.is_empty()),
        ("assign", !raw.assign.is_empty()),
        ("use", !raw.usage.is_empty()),
        ("regex", raw.regex.is_some()),
        ("query", raw.query.is_some()),
    ];
    let there: Vec<&str> = kinds.iter().filter(|(_, there)| *there).map(|(kind, _)| *kind).collect();
    match there.as_slice() {
        [_] => Ok(()),
        [] => Err(Fault::new("a [[match]] has none of call, import, assign, use, regex and query; give it one")),
        many => Err(Fault::new(format!("a [[match]] has {}; make each its own [[match]]", many.join(" and ")))),
    }
}

/// Refuses keys that mean nothing beside the kind, and kinds that a language does not have.
fn fitting(raw: &RawMatch, language: RuleLanguage) -> Result<(), Fault> {
    let call_only = raw.references.is_some() || !raw.argument.is_empty() || !raw.not_argument.is_empty();
    if call_only && raw.call.is_empty() {
        return Err(Fault::new("references, argument and not_argument go with `call` alone"));
    }
    if !raw.value.is_empty() && raw.assign.is_empty() {
        return Err(Fault::new("[[match.value]] goes with `assign` alone"));
    }
    if raw.within.is_some() && raw.regex.is_none() {
        return Err(Fault::new("within goes with `regex` alone"));
    }
    if (raw.entropy_min.is_some() || raw.checksum.is_some() || raw.real.is_some()) && raw.regex.is_none() {
        return Err(Fault::new("entropy_min, checksum and real go with `regex` alone"));
    }
    let code = matches!(language, RuleLanguage::Python | RuleLanguage::JavaScript);
    let text = raw.regex.is_some() || (raw.query.is_some() && language == RuleLanguage::Html);
    if !code && !text {
        return Err(Fault::new(format!(
            "rules for {} match by regex{}",
            language.name(),
            match language {
                RuleLanguage::Html => " or query",
                _ => " alone",
            }
        )));
    }
    if !code && raw.within.is_some_and(|within| within != Within::Text) {
        return Err(Fault::new(format!("rules for {} look within \"text\" alone", language.name())));
    }
    Ok(())
}

fn names(raw: Vec<String>, language: RuleLanguage) -> Result<Vec<String>, Fault> {
    let which = if language == RuleLanguage::Python { NameLanguage::Python } else { NameLanguage::JavaScript };
    raw.into_iter()
        .map(|name| {
            let name = name.replace("()", ".()").replace("..()", ".()");
            let empty_part = name.split('.').any(str::is_empty) && !name.starts_with('.');
            if name.is_empty() || empty_part || name.chars().any(char::is_whitespace) {
                return Err(Fault::new(format!("`{name}` is not a name; write it like `module.member`")));
            }
            let star_inside = name.strip_prefix("*.").or_else(|| name.strip_suffix(".*")).unwrap_or(&name);
            if star_inside.contains('*') {
                return Err(Fault::new(format!("`{name}` has a `*` other than `*.name` or `module.*`")));
            }
            Ok(match (name.strip_prefix("*."), name.strip_suffix(".*")) {
                (Some(_), _) => name,
                (None, Some(module)) => format!("{}.*", canonical_name(which, module)),
                (None, None) => canonical_name(which, &name),
            })
        })
        .collect()
}

fn checks(raw: Vec<Spanned<RawCheck>>, of_call: bool, check: bool) -> Result<Vec<Check>, Fault> {
    raw.into_iter()
        .map(|one| {
            let span = one.span();
            one_check(one.into_inner(), of_call, check).map_err(|fault| fault.at(span))
        })
        .collect()
}

fn one_check(raw: RawCheck, of_call: bool, check: bool) -> Result<Check, Fault> {
    let placed = raw.position.is_some() || raw.keyword.is_some();
    if of_call && !placed {
        return Err(Fault::new("an argument has neither position nor keyword; say which argument is meant"));
    }
    if !of_call && placed {
        return Err(Fault::new("an assigned value has no position or keyword"));
    }
    let test = match (raw.is, raw.value) {
        (Some(is), None) => Test::Is(is),
        (None, Some(value)) => Test::Value(LazyRegex::new(value, check)?),
        _ => return Err(Fault::new("a check has exactly one of `is` and `value`")),
    };
    Ok(Check { position: raw.position, keyword: raw.keyword, test })
}

/// A rule and one of its matchers, by their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hook {
    pub(crate) rule: usize,
    pub(crate) matcher: usize,
}

/// A name of the form `*.name`, or `*.outer.name`.
#[derive(Debug)]
pub(crate) struct Member {
    /// What stands before the last name, innermost first.
    pub(crate) before: Vec<String>,
    pub(crate) hook: Hook,
}

/// The names that rules look for in one way.
#[derive(Debug, Default)]
pub(crate) struct Names {
    exact: HashMap<String, Vec<Hook>>,
    suffix: HashMap<String, Vec<Member>>,
    prefix: HashMap<String, Vec<Hook>>,
}

impl Names {
    fn add(&mut self, name: &str, hook: Hook, segments: &mut HashSet<String>) {
        segments.extend(name.split('.').filter(|part| *part != "*").map(str::to_owned));
        if let Some(members) = name.strip_prefix("*.") {
            let mut parts = members.rsplit('.').map(str::to_owned);
            let last = parts.next().unwrap_or_default();
            self.suffix.entry(last).or_default().push(Member { before: parts.collect(), hook });
            return;
        }
        let (table, key) = if let Some(module) = name.strip_suffix(".*") {
            (&mut self.prefix, module)
        } else {
            (&mut self.exact, name)
        };
        table.entry(key.to_owned()).or_default().push(hook);
    }

    /// The hooks of a qualified name, those of `module.*` included.
    pub(crate) fn named(&self, name: &str) -> Vec<Hook> {
        let mut hooks = self.exact.get(name).cloned().unwrap_or_default();
        // A method of a class is written like a member of it: `flask.Flask.run` is `flask.Flask().run` as well.
        if name.contains(".().") {
            hooks.extend(self.exact.get(&name.replace(".().", ".")).into_iter().flatten());
        }
        if let Some(own) = name.rsplit_once('.').and_then(|(module, _)| self.prefix.get(module)) {
            hooks.extend_from_slice(own);
        }
        hooks
    }

    /// What is looked for as `*.name`.
    pub(crate) fn member(&self, name: &str) -> &[Member] {
        self.suffix.get(name).map_or(&[], Vec::as_slice)
    }
}

/// All names that the rules of one language look for.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    pub(crate) calls: Names,
    pub(crate) imports: Names,
    pub(crate) assignments: Names,
    pub(crate) uses: Names,
    /// Every part of every name.
    pub(crate) segments: HashSet<String>,
    /// Rules over text and over trees.
    pub(crate) others: Filter,
}

impl Tables {
    /// The tables of the rules of `language`.
    pub(super) fn of(rules: &[Rule], language: RuleLanguage) -> Self {
        let mut tables = Self::default();
        for (number, rule) in rules.iter().enumerate().filter(|(_, rule)| rule.language == language) {
            for (matcher, one) in rule.matchers.iter().enumerate() {
                tables.add(one, Hook { rule: number, matcher });
            }
        }
        tables
    }

    fn add(&mut self, matcher: &Matcher, hook: Hook) {
        let (table, names) = match matcher {
            Matcher::Call { names, .. } => (&mut self.calls, names),
            Matcher::Import { names } => (&mut self.imports, names),
            Matcher::Assign { names, .. } => (&mut self.assignments, names),
            Matcher::Use { names } => (&mut self.uses, names),
            Matcher::Regex { regex, .. } => return self.others.add(hook, needles::of_regex(&regex.source)),
            Matcher::Query { query } => return self.others.add(hook, needles::of_query(&query.source)),
        };
        for name in names {
            table.add(name, hook, &mut self.segments);
        }
    }
}
