//! The text of commands that are given to a shell or started, however they are put together.

use super::arguments::{self, Given};
use super::limits;
use super::matcher::{Hit, Matching};
use super::texts::UNKNOWN_TEXT;
use super::values::Value;
use crate::facts::{Argument, ExprId, Kind, Spread};
use crate::rules::{Candidate, Haystack, KEYWORDS, What, Words, words};

impl Matching<'_, '_> {
    /// Runs the rules over the text of commands over a call of `name`.
    pub(super) fn command(&mut self, expr: ExprId, name: &str, arguments: &[Argument]) {
        if self.tables.shells.is_empty() {
            return;
        }
        let Some(words) = words(self.resolver.language(), name) else { return };
        for text in self.command_texts(words, arguments) {
            for Candidate { hook, .. } in self.tables.shells.candidates(&Haystack::of(&text)) {
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
                first.map(|first| self.resolver.all_texts(first)).unwrap_or_default()
            }
            Words::At(position) => {
                let word = self.word(arguments, at(position));
                word.map(|word| self.resolver.all_texts(word)).unwrap_or_default()
            }
            Words::From(first) => {
                let own = arguments.iter().filter(|argument| argument.keyword.is_none()).skip(first);
                let words: Vec<Argument> = own.copied().take(limits::COMMAND_PARTS_MAX).collect();
                let each = words.into_iter().map(|word| match word.spread {
                    Spread::No | Spread::Positional => self.first_text(word.value),
                    Spread::Keyword => UNKNOWN_TEXT.to_owned(),
                });
                vec![each.collect::<Vec<_>>().join(" ")]
            }
            Words::FirstAndList => {
                let program = self.word(arguments, 0).map(|first| self.resolver.all_texts(first)).unwrap_or_default();
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
        self.resolver.all_texts(expr).into_iter().next().unwrap_or_else(|| UNKNOWN_TEXT.to_owned())
    }
}
