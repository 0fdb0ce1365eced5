//! From the raw shape to a rule that can run; every fault of a rule is found here, but for what `lazy` finds in expressions.

use std::ops::Range;

use toml::Spanned;

use super::demand::Demand;
use super::lazy::{LazyQuery, LazyRegex};
use super::names::canonical_name;
use super::raw::{Is, RawCheck, RawMatch, RawRule, RawWithin, StatementWord, Within};
use super::rule::{Check, Keyword, Matcher, Rule, Test, Text, What};
use super::{Confidence, RuleLanguage, Severity};

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

/// What most of this file gives back.
type Checked<T> = Result<T, Fault>;

/// Who reads the rule: the build script packs built-in rules, and a test compiles their expressions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expressions {
    /// Compile expressions and queries at once.
    Now,
    /// Compile them when they are first needed.
    Later,
}

/// Checks a raw rule and makes it one that can run. `stem` is the file's name without its extension, `file` its text.
pub(super) fn compile(
    raw: RawRule,
    stem: &str,
    language: RuleLanguage,
    file: Text,
    expressions: Expressions,
) -> Checked<Rule> {
    texts(&raw, stem)?;
    let (severity, confidence) = weight(&raw)?;
    for category in &raw.owasp {
        if !is_owasp(category) {
            let message =
                format!("`{category}` is no category of OWASP; write it like `A03:2021`, `A05:2025` or `LLM01:2025`");
            return Err(Fault::new(message));
        }
    }
    if raw.matches.is_empty() {
        return Err(Fault::new("there is no [[match]]; say what the rule looks for"));
    }
    let mut matchers = Vec::with_capacity(raw.matches.len());
    for one in raw.matches {
        let span = one.span();
        let matcher = matcher(one.into_inner(), language, expressions);
        matchers.push(matcher.and_then(|matcher| is_source(matcher, raw.source)).map_err(|fault| fault.at(span))?);
    }
    Ok(Rule {
        id: raw.id.into(),
        language,
        severity,
        confidence,
        message: raw.message.into(),
        hint: raw.instead.trim().lines().next().unwrap_or_default().to_owned().into(),
        cwe: raw.cwe,
        owasp: raw.owasp.into_iter().map(Text::from).collect(),
        label: raw.label.map(Text::from),
        source: raw.source,
        members: raw.members,
        capability: raw.capability,
        matchers: matchers.into(),
        file,
    })
}

/// The checks of what a rule says of itself.
fn texts(raw: &RawRule, stem: &str) -> Checked<()> {
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
    let word =
        |label: &String| !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    match &raw.label {
        Some(label) if !word(label) => {
            Err(Fault::new(format!("the label `{label}` is no word of a-z and `-`; write it like `network`")))
        }
        None if raw.source => Err(Fault::new("source goes with `label` alone; say which label what is called carries")),
        None if !raw.capability => Err(Fault::new("capability = false goes with `label` alone")),
        _ if !raw.members && !raw.source => Err(Fault::new("members = false goes with `source` alone")),
        _ => Ok(()),
    }
}

/// Severity and confidence, which a label takes the place of.
fn weight(raw: &RawRule) -> Checked<(Severity, Confidence)> {
    match (&raw.label, raw.severity, raw.confidence) {
        (None, Some(severity), Some(confidence)) => Ok((severity, confidence)),
        (None, None, _) => Err(Fault::new("there is no severity; give one, or a label")),
        (None, _, None) => Err(Fault::new("there is no confidence; give one, or a label")),
        (Some(_), None, None) => Ok((Severity::Info, Confidence::Low)),
        (Some(_), _, _) => Err(Fault::new("a rule with a label is no finding; leave severity and confidence out")),
    }
}

/// Whether `category` is one of the OWASP Top 10: of the web in three editions, or of language models.
fn is_owasp(category: &str) -> bool {
    let numbered = |text: &str| matches!(text.parse::<u8>(), Ok(1..=10)) && text.len() == 2;
    match category.split_once(':') {
        Some((name, "2017" | "2021" | "2025")) if name.strip_prefix('A').is_some_and(numbered) => true,
        Some((name, "2025")) => name.strip_prefix("LLM").is_some_and(numbered),
        _ => false,
    }
}

fn is_source(matcher: Matcher, source: bool) -> Checked<Matcher> {
    let from = |check: &Check| matches!(check.test, Test::From(_));
    match matcher.what {
        _ if source && matcher.checks.iter().chain(&matcher.not_checks).any(from) => {
            Err(Fault::new("what a source is cannot hang on where its arguments come from; leave `from` out"))
        }
        What::Call { .. } | What::Use { .. } | What::Define { .. } => Ok(matcher),
        _ if source => {
            Err(Fault::new("a source is what is called, used or defined; match by `call`, `use` or `define`"))
        }
        _ => Ok(matcher),
    }
}

fn matcher(raw: RawMatch, language: RuleLanguage, expressions: Expressions) -> Checked<Matcher> {
    let kind = one_kind(&raw)?;
    fitting(&raw, kind, language)?;
    let (text_within, within) = match raw.within {
        Some(RawWithin::Text(within)) => (within, Vec::new()),
        Some(RawWithin::Code(inside)) => (Within::Text, inside),
        None => (Within::Text, Vec::new()),
    };
    let references = raw.references.unwrap_or(true) && raw.argument.is_empty();
    let names = |raw: Vec<String>| {
        for expression in raw.iter().filter_map(|name| expression_of(name)) {
            regex(expression.to_owned(), expressions)?;
        }
        names(raw, language, kind)
    };
    let what = match kind {
        "call" => What::Call { references, names: names(raw.call)? },
        "import" => What::Import { names: names(raw.import)? },
        "assign" => What::Assign { names: names(raw.assign)? },
        "keyword" => What::Keyword { names: names(raw.keyword)? },
        "compare" => What::Compare { names: names(raw.compare)? },
        "use" => What::Use { names: names(raw.usage)? },
        "define" => What::Define {
            names: names(raw.define)?,
            decorated: self::names(raw.decorated, language, "decorated")?,
            base: self::names(raw.base, language, "base")?,
        },
        "statement" => What::Statement { kinds: raw.statement, exceptions: exceptions(raw.exception, language)? },
        "shell" => What::Shell { regex: regex(raw.shell.unwrap_or_default(), expressions)? },
        "regex" => {
            let demand =
                Demand { entropy_min: raw.entropy_min, checksum: raw.checksum, real: raw.real.unwrap_or_default() };
            What::Regex { regex: regex(raw.regex.unwrap_or_default(), expressions)?, within: text_within, demand }
        }
        "query" => What::Query { query: query(raw.query.unwrap_or_default(), language, expressions)? },
        _ => What::All { of: raw.all.into_iter().map(Text::from).collect(), scope: raw.scope.unwrap_or_default() },
    };
    let (checks, not_checks, gives) = match kind {
        "define" => (raw.argument, raw.not_argument, raw.value),
        "call" => (raw.argument, raw.not_argument, Vec::new()),
        _ => (raw.value, raw.not_value, Vec::new()),
    };
    Ok(Matcher {
        what,
        checks: self::checks(checks, kind, expressions)?,
        not_checks: self::checks(not_checks, kind, expressions)?,
        of: self::checks(if kind == "call" { raw.receiver } else { raw.key }, "what is meant", expressions)?,
        gives: self::checks(gives, "what a function gives back", expressions)?,
        unless: self::names(raw.unless, language, "unless")?,
        within,
        not_within: raw.not_within,
        weigh: raw.weigh,
    })
}

fn regex(source: String, expressions: Expressions) -> Checked<LazyRegex> {
    let lazy = LazyRegex::new(source.into());
    if expressions == Expressions::Now {
        lazy.check().map_err(Fault::new)?;
    }
    Ok(lazy)
}

fn query(source: String, language: RuleLanguage, expressions: Expressions) -> Checked<LazyQuery> {
    let lazy = LazyQuery::new(source.into(), language);
    if expressions == Expressions::Now {
        lazy.check().map_err(Fault::new)?;
    }
    if !lazy.source().contains("@hit") {
        return Err(Fault::new("the query captures nothing as `@hit`; name the node that is reported"));
    }
    Ok(lazy)
}

/// All kinds, as a message lists them.
const KINDS: &str = "call, import, assign, keyword, compare, use, define, statement, shell, regex, query and all";

fn one_kind(raw: &RawMatch) -> Checked<&'static str> {
    let kinds = [
        ("call", !raw.call.is_empty()),
        ("import", !raw.import.is_empty()),
        ("assign", !raw.assign.is_empty()),
        ("keyword", !raw.keyword.is_empty()),
        ("compare", !raw.compare.is_empty()),
        ("use", !raw.usage.is_empty()),
        ("define", !raw.define.is_empty()),
        ("statement", !raw.statement.is_empty()),
        ("shell", raw.shell.is_some()),
        ("regex", raw.regex.is_some()),
        ("query", raw.query.is_some()),
        ("all", !raw.all.is_empty()),
    ];
    let there: Vec<&str> = kinds.iter().filter(|(_, there)| *there).map(|(kind, _)| *kind).collect();
    match there.as_slice() {
        [one] => Ok(one),
        [] => Err(Fault::new(format!("a [[match]] has none of {KINDS}; give it one"))),
        many => Err(Fault::new(format!("a [[match]] has {}; make each its own [[match]]", many.join(" and ")))),
    }
}

/// Refuses keys that mean nothing beside the kind, and kinds that a language does not have.
fn fitting(raw: &RawMatch, kind: &str, language: RuleLanguage) -> Checked<()> {
    let text_within = matches!(raw.within, Some(RawWithin::Text(_)));
    let code_within = matches!(raw.within, Some(RawWithin::Code(_))) || !raw.not_within.is_empty();
    let demands = raw.entropy_min.is_some() || raw.checksum.is_some() || raw.real.is_some();
    let checks = !raw.argument.is_empty() || !raw.not_argument.is_empty();
    let rules: [(bool, &[&str], &str); 14] = [
        (raw.references.is_some(), &["call"], "references"),
        (checks, &["call", "define"], "[[match.argument]] and [[match.not_argument]]"),
        (!raw.receiver.is_empty(), &["call"], "[[match.receiver]]"),
        (!raw.key.is_empty(), &["assign"], "[[match.key]]"),
        (!raw.value.is_empty(), &["assign", "keyword", "compare", "define"], "[[match.value]]"),
        (!raw.not_value.is_empty(), &["assign", "keyword", "compare"], "[[match.not_value]]"),
        (!raw.decorated.is_empty() || !raw.base.is_empty(), &["define"], "decorated and base"),
        (!raw.exception.is_empty(), &["statement"], "exception"),
        (text_within, &["regex"], "within = \"text\", \"string\" or \"comment\""),
        (
            code_within,
            &["call", "import", "assign", "keyword", "compare", "use", "define", "statement", "shell"],
            "a list within, and not_within,",
        ),
        (demands, &["regex"], "entropy_min, checksum and real"),
        (!raw.unless.is_empty(), &["call", "assign", "keyword"], "unless"),
        (!raw.weigh.is_empty(), &["call", "assign", "keyword"], "weigh"),
        (raw.scope.is_some(), &["all"], "scope"),
    ];
    for (there, kinds, keys) in rules {
        if there && !kinds.contains(&kind) {
            let kinds: Vec<_> = kinds.iter().map(|kind| format!("`{kind}`")).collect();
            let verb = if keys.contains(" and ") || keys == "unless" { "go" } else { "goes" };
            return Err(Fault::new(format!("{keys} {verb} with {} alone, not with `{kind}`", kinds.join(", "))));
        }
    }
    if raw.exception.is_empty() || raw.statement.iter().all(|word| is_handler(*word)) {
        fits_language(raw, kind, language)
    } else {
        Err(Fault::new("exception goes with except, except-pass and except-continue alone"))
    }
}

fn is_handler(word: StatementWord) -> bool {
    matches!(word, StatementWord::Except | StatementWord::ExceptPass | StatementWord::ExceptContinue)
}

fn fits_language(raw: &RawMatch, kind: &str, language: RuleLanguage) -> Checked<()> {
    let code = matches!(language, RuleLanguage::Python | RuleLanguage::JavaScript);
    let text = matches!(kind, "regex" | "all") || (kind == "query" && language == RuleLanguage::Html);
    if !code && !text {
        return Err(Fault::new(format!(
            "rules for {} match by regex{} or all, not by {kind}",
            language.name(),
            if language == RuleLanguage::Html { ", query" } else { "" }
        )));
    }
    let elsewhere = raw.within.as_ref().is_some_and(|within| *within != RawWithin::Text(Within::Text));
    if !code && elsewhere {
        return Err(Fault::new(format!("rules for {} look within \"text\" alone", language.name())));
    }
    if raw.all.len() == 1 {
        return Err(Fault::new("`all` has one label alone; name another that occurs beside it"));
    }
    Ok(())
}

fn names(raw: Vec<String>, language: RuleLanguage, kind: &str) -> Checked<Vec<Text>> {
    raw.into_iter().map(|name| one_name(&name, language, kind).map(Text::from)).collect()
}

/// The expression of a name that is written `/expression/`.
pub(super) fn expression_of(name: &str) -> Option<&str> {
    name.strip_prefix('/')?.strip_suffix('/').filter(|expression| !expression.is_empty())
}

fn one_name(name: &str, language: RuleLanguage, kind: &str) -> Checked<String> {
    if expression_of(name).is_some() && matches!(kind, "assign" | "keyword" | "compare" | "define") {
        return Ok(name.to_owned());
    }
    if name == "*" && kind == "define" {
        return Ok(name.to_owned());
    }
    let name = name.replace("()", ".()").replace("..()", ".()");
    let empty_part = name.split('.').any(str::is_empty) && !name.starts_with('.');
    if name.is_empty() || empty_part || name.chars().any(char::is_whitespace) {
        return Err(Fault::new(format!("`{name}` is not a name; write it like `module.member`")));
    }
    let star_inside = name.strip_prefix("*.").or_else(|| name.strip_suffix(".*")).unwrap_or(&name);
    if star_inside.contains('*') {
        return Err(Fault::new(format!("`{name}` has a `*` other than `*.name` or `module.*`")));
    }
    if matches!(kind, "keyword" | "define") && name.trim_start_matches("*.").contains('.') {
        return Err(Fault::new(format!("`{name}` has a dot; {kind} looks at the last name alone")));
    }
    Ok(match (name.strip_prefix("*."), name.strip_suffix(".*")) {
        (Some(last), _) if matches!(kind, "keyword" | "define") => last.to_owned(),
        _ if matches!(kind, "keyword" | "define") => name,
        (Some(_), _) => name,
        (None, Some(module)) => format!("{}.*", canonical_name(language, module)),
        (None, None) => canonical_name(language, &name),
    })
}

/// Names of exceptions; `*` is a handler of everything.
fn exceptions(raw: Vec<String>, language: RuleLanguage) -> Checked<Vec<Text>> {
    let one = |name: String| if name == "*" { Ok(name) } else { one_name(&name, language, "exception") };
    raw.into_iter().map(|name| one(name).map(Text::from)).collect()
}

fn checks(raw: Vec<Spanned<RawCheck>>, kind: &str, expressions: Expressions) -> Checked<Vec<Check>> {
    raw.into_iter()
        .map(|one| {
            let span = one.span();
            one_check(one.into_inner(), kind, expressions).map_err(|fault| fault.at(span))
        })
        .collect()
}

fn one_check(raw: RawCheck, kind: &str, expressions: Expressions) -> Checked<Check> {
    let placed = raw.position.is_some() || raw.keyword.is_some();
    match kind {
        "call" if !placed => {
            return Err(Fault::new("an argument has neither position nor keyword; say which argument is meant"));
        }
        "define" if raw.position.is_some() || raw.keyword.is_none() => {
            return Err(Fault::new("a parameter is meant by its keyword alone; give it keyword and no position"));
        }
        "call" | "define" => {}
        _ if placed => {
            return Err(Fault::new(
                "a value that is assigned, passed, compared or given back has no position or keyword",
            ));
        }
        _ => {}
    }
    let keyword = match raw.keyword {
        Some(keyword) => Some(match expression_of(&keyword) {
            Some(expression) if kind == "define" => Keyword::Like(regex(expression.to_owned(), expressions)?),
            _ => Keyword::Named(keyword.into()),
        }),
        None => None,
    };
    let test = match (raw.is, raw.value, raw.text, raw.from.is_empty()) {
        (Some(is), None, None, true) => Test::Is(is),
        (None, Some(value), None, true) => Test::Value(regex(value, expressions)?),
        (None, None, Some(text), true) => Test::Text(regex(text, expressions)?),
        (None, None, None, false) => Test::From(raw.from.into_iter().map(Text::from).collect()),
        _ => return Err(Fault::new("a check has exactly one of `is`, `value`, `text` and `from`")),
    };
    if kind == "define" && matches!(test, Test::Is(Is::Absent)) {
        return Err(Fault::new("a default value that is absent cannot be looked at"));
    }
    Ok(Check { position: raw.position, keyword, test })
}
