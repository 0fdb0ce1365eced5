//! The text of commands that are given to a shell or started, however they are put together.

use super::arguments::{self, Given};
use super::fold;
use super::limits;
use super::matcher::{Hit, Matching};
use super::values::Value;
use crate::facts::{Argument, Dialect, ExprId, Kind, OPAQUE, Spread};
use crate::rules::{Candidate, KEYWORDS, RuleLanguage, What, Words, words};

/// What stands in a text for a part that is not known.
const UNKNOWN: &str = "\u{fffd}";

impl Matching<'_, '_> {
    /// Runs the rules over the text of commands over a call of `name`.
    pub(super) fn command(&mut self, expr: ExprId, name: &str, arguments: &[Argument]) {
        if self.tables.shells.is_empty() {
            return;
        }
        let language = match self.resolver.facts.dialect {
            Dialect::Python => RuleLanguage::Python,
            Dialect::JavaScript => RuleLanguage::JavaScript,
        };
        let Some(words) = words(language, name) else { return };
        for text in self.command_texts(words, arguments) {
            for Candidate { hook, .. } in self.tables.shells.candidates(&text) {
                let What::Shell { regex } = &self.rules.hooked(hook).1.what else { continue };
                if regex.get().is_match(&text) {
                    let (start, end) = self.place(expr);
                    self.hit(hook, Hit::plain(hook.rule, start, end));
                }
            }
        }
    }

    /// All texts that the command may be, as far as they are known.
    fn command_texts(&mut self, words: Words, arguments: &[Argument]) -> Vec<String> {
        let at = |position: usize| u16::try_from(position).unwrap_or(u16::MAX);
        match words {
            Words::First => {
                let named = arguments.iter().find(|argument| {
                    argument.keyword.is_some_and(|name| KEYWORDS.contains(&&**self.resolver.facts.symbols.text(name)))
                });
                let first = named.map(|argument| argument.value);
                let first = first.or_else(|| self.word(arguments, 0));
                first.map(|first| self.texts_of(first)).unwrap_or_default()
            }
            Words::At(position) => {
                let word = self.word(arguments, at(position));
                word.map(|word| self.texts_of(word)).unwrap_or_default()
            }
            Words::From(first) => {
                let own = arguments.iter().filter(|argument| argument.keyword.is_none()).skip(first);
                let words: Vec<Argument> = own.copied().take(limits::COMMAND_PARTS_MAX).collect();
                let each = words.into_iter().map(|word| match word.spread {
                    Spread::No | Spread::Positional => self.first_text(word.value),
                    Spread::Keyword => UNKNOWN.to_owned(),
                });
                vec![each.collect::<Vec<_>>().join(" ")]
            }
            Words::FirstAndList => {
                let program = self.word(arguments, 0).map(|first| self.texts_of(first)).unwrap_or_default();
                let Some(list) = self.word(arguments, 1) else { return program };
                let words = self.is_list(list) && !self.is_empty_list(list);
                let rest = if words { self.first_text(list) } else { String::new() };
                program.into_iter().map(|program| format!("{program} {rest}")).collect()
            }
        }
    }

    fn word(&mut self, arguments: &[Argument], position: u16) -> Option<ExprId> {
        match arguments::at_position(&mut self.resolver, arguments, position) {
            Given::Yes(_, expr) => Some(expr),
            Given::No | Given::Perhaps(_) => None,
        }
    }

    fn is_list(&mut self, expr: ExprId) -> bool {
        self.resolver.of(expr).values.iter().any(|value| match value {
            Value::Made(made) => matches!(self.resolver.facts.kind(*made), Kind::Sequence(_)),
            Value::List(_) => true,
            _ => false,
        })
    }

    /// Whether it surely is a list without a word.
    fn is_empty_list(&mut self, expr: ExprId) -> bool {
        let set = self.resolver.of(expr);
        let empty = |value: &Value| match value {
            Value::Made(made) => {
                matches!(self.resolver.facts.kind(*made), Kind::Sequence(items) if items.range().is_empty())
            }
            Value::List(items) => items.is_empty(),
            _ => false,
        };
        !set.open && !set.values.is_empty() && set.values.iter().all(empty)
    }

    fn first_text(&mut self, expr: ExprId) -> String {
        self.texts_of(expr).into_iter().next().unwrap_or_else(|| UNKNOWN.to_owned())
    }

    /// The texts that an expression may be: constants, lists of words joined by spaces, and what is put together at run time.
    fn texts_of(&mut self, expr: ExprId) -> Vec<String> {
        let set = self.resolver.of(expr);
        let dialect = self.resolver.facts.dialect;
        let mut texts = Vec::new();
        for value in set.values.iter().take(limits::COMMAND_TEXTS_MAX) {
            match value {
                Value::Built => texts.push(self.built_text(expr)),
                Value::Bytes(bytes) => texts.push(String::from_utf8_lossy(bytes).into_owned()),
                Value::List(items) => {
                    let word = |item: &Value| fold::display(item, dialect).unwrap_or_else(|| UNKNOWN.to_owned());
                    texts.push(items.iter().map(word).collect::<Vec<_>>().join(" "));
                }
                Value::Made(made) => texts.extend(self.list_text(*made)),
                value => texts.extend(fold::display(value, dialect)),
            }
        }
        texts.retain(|text| text.chars().any(|char| char != '\u{fffd}' && char != ' '));
        texts
    }

    /// The words of a list that is written out in the file.
    fn list_text(&mut self, list: ExprId) -> Option<String> {
        let Kind::Sequence(items) = *self.resolver.facts.kind(list) else { return None };
        let items: Vec<ExprId> =
            self.resolver.facts.lists[items.range()].iter().copied().take(limits::COMMAND_PARTS_MAX).collect();
        Some(items.into_iter().map(|item| self.word_text(item)).collect::<Vec<_>>().join(" "))
    }

    fn word_text(&mut self, item: ExprId) -> String {
        let set = self.resolver.of(item);
        match set.values.first() {
            Some(Value::Built) => self.built_text(item),
            Some(value) => fold::display(value, self.resolver.facts.dialect).unwrap_or_else(|| UNKNOWN.to_owned()),
            None => UNKNOWN.to_owned(),
        }
    }

    /// What is known of a text that is put together at run time.
    fn built_text(&mut self, expr: ExprId) -> String {
        let mut text = String::new();
        let mut todo = vec![expr];
        let mut steps = 0;
        while let Some(part) = todo.pop() {
            steps += 1;
            if steps > limits::COMMAND_PARTS_MAX || text.len() > limits::FOLD_BYTES_MAX {
                text.push_str(UNKNOWN);
                break;
            }
            let set = self.resolver.of(part);
            let known = set.values.first().filter(|value| value.is_constant());
            if let Some(known) = known.and_then(|value| fold::display(value, self.resolver.facts.dialect)) {
                text.push_str(&known);
                continue;
            }
            let parts = self.text_parts(part);
            if parts.is_empty() {
                text.push_str(UNKNOWN);
            }
            todo.extend(parts.into_iter().rev());
        }
        text
    }

    fn text_parts(&self, expr: ExprId) -> Vec<ExprId> {
        match *self.resolver.facts.kind(expr) {
            Kind::Concat(parts) => self.resolver.facts.lists[parts.range()].to_vec(),
            // `"a %s" % b`: the template, and then what it is filled with.
            Kind::Binary(_, left, right) => vec![left, right],
            Kind::Name(_) => match self.resolver.variable_of(expr) {
                Some(variable) => {
                    self.resolver.facts.variable_table[variable.at()].values.iter().take(1).copied().collect()
                }
                None => Vec::new(),
            },
            // `"a {}".format(b)`.
            Kind::Call { callee, .. } => match *self.resolver.facts.kind(callee) {
                Kind::Attribute { object, name } if self.resolver.facts.text(name) == "format" => vec![object, OPAQUE],
                _ => Vec::new(),
            },
            _ => Vec::new(),
        }
    }
}
