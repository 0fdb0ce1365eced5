//! What stands in a script's variables, as far as its text tells.

use std::collections::BTreeMap;

use super::tokens::Statement;
use super::{Command, is_name, output};

/// Values that a variable is followed in.
const VALUES_MAX: usize = 16;

/// Programs that give variables the values that they are told.
const DECLARERS: [&str; 5] = ["declare", "export", "local", "readonly", "typeset"];

/// The variables of a script, at one of its statements.
#[derive(Debug, Default)]
pub(super) struct Variables {
    /// What each may hold; `None` stands for what is not known.
    values: BTreeMap<String, Vec<Option<String>>>,
    /// Conditions, loops and groups that are open.
    depth: usize,
}

impl Variables {
    /// What a variable may hold.
    pub(super) fn of(&self, name: &str) -> &[Option<String>] {
        self.values.get(name).map_or(&[], Vec::as_slice)
    }

    /// Takes note of what a statement does; `text` is what it is once variables are put in, and `commands` are its own.
    pub(super) fn note(&mut self, statement: &Statement, text: &str, commands: &[Command]) {
        for command in commands {
            // `then if a`: words that are none of the command's own come first.
            let first = command.words.len() - command.own().len();
            for word in command.words.iter().take(first + 1) {
                match word.as_str() {
                    "if" | "for" | "while" | "until" | "case" | "select" | "{" => self.depth += 1,
                    "fi" | "done" | "esac" | "}" => self.depth = self.depth.saturating_sub(1),
                    _ => {}
                }
            }
            let is_sure = self.depth == 0 && !statement.is_conditional;
            match command.own() {
                [] => self.assign(command, text, 0, is_sure),
                [program, ..] if DECLARERS.contains(&program.as_str()) => {
                    self.assign(command, text, first + 1, is_sure);
                }
                [looped, name, within, words @ ..] if matches!(&**looped, "for" | "select") && within == "in" => {
                    self.values.remove(name);
                    words.iter().for_each(|word| self.give(name, known(word), false));
                }
                [set, dashes, words @ ..] if set == "set" && dashes == "--" => {
                    for (at, word) in words.iter().enumerate() {
                        self.give(&(at + 1).to_string(), known(word), is_sure);
                    }
                    let all = words.join(" ");
                    ["@", "*"].iter().for_each(|name| self.give(name, known(&all), is_sure));
                }
                [printf, flag, name, words @ ..] if printf == "printf" && flag == "-v" => {
                    let words: Vec<&str> = words.iter().map(String::as_str).collect();
                    self.give(name, known(&output::formatted(&words)), is_sure);
                }
                [read, .., name] if read == "read" && command.input.is_some() => {
                    let input = command.input.as_deref().unwrap_or_default();
                    self.give(name, known(input.lines().next().unwrap_or_default()), is_sure);
                }
                [_, words @ ..] => words.iter().for_each(|word| self.changes(word)),
            }
        }
    }

    /// Notes the assignments among the words of a command, from a word on.
    fn assign(&mut self, command: &Command, text: &str, first: usize, is_sure: bool) {
        for (word, place) in command.words.iter().zip(&command.places).skip(first) {
            let Some((name, value)) = word.split_once('=') else { continue };
            let raw = text.get(place.clone()).and_then(|raw| raw.split_once('=')).map_or("", |(_, raw)| raw);
            let inside = raw.strip_prefix('\'').and_then(|raw| raw.strip_suffix('\''));
            let is_literal = inside.is_some_and(|inside| !inside.contains('\''));
            let value = if is_literal { Some(value.to_owned()) } else { known(value) };
            match name.strip_suffix('+').filter(|name| is_name(name)) {
                Some(name) => self.append(name, value.as_deref()),
                None if is_name(name) => self.give(name, value, is_sure),
                None => {}
            }
        }
    }

    /// A variable is given a value: that alone, if it surely is.
    fn give(&mut self, name: &str, value: Option<String>, is_sure: bool) {
        let values = self.values.entry(name.to_owned()).or_insert_with(|| vec![None]);
        if is_sure {
            values.clear();
        }
        if !values.contains(&value) {
            values.push(value);
        }
        // The newest are those that count.
        if values.len() > VALUES_MAX {
            values.remove(usize::from(values[0].is_none()));
        }
        // Where a variable is empty only as long as nobody has said more, that says nothing.
        if values.contains(&None) {
            values.retain(|value| value.as_deref() != Some(""));
        }
    }

    fn append(&mut self, name: &str, more: Option<&str>) {
        let values = self.values.entry(name.to_owned()).or_insert_with(|| vec![None]);
        for value in values {
            *value = value.take().zip(more).map(|(value, more)| value + more);
        }
    }

    /// A program that is told the name of a variable may change it: `read x`.
    fn changes(&mut self, word: &str) {
        if self.values.contains_key(word) {
            self.give(word, None, false);
        }
    }
}

/// A word that has become what it means, or nothing where something in it is still to be put in.
fn known(word: &str) -> Option<String> {
    (!word.contains(['$', '`'])).then(|| word.to_owned())
}
