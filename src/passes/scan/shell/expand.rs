//! What statements are once the shell has put in what it puts in: variables, the output of plain commands, `$'…'`, braces.
//!
//! What is not known stays as it stands. What is put in is quoted so that it means what it is: a shell does not look for
//! operators or quotes in it.

use std::ops::Range;

use super::files::Fetched;
use super::tokens::{self, Statement, end_in_quotes, end_of, ends_word, name_length, word_end};
use super::variables::Variables;
use super::{Command, Restated, Script, data, is_assignment, is_name, output, read};
use crate::facts::literal;
use crate::passes::scan::limits;

/// Expansions inside of one another.
const DEPTH_MAX: usize = 16;

impl Script {
    /// Finds out what its statements amount to: those that have something put in, and those that fetch files and run them.
    pub(super) fn restate(&mut self, text: &str) {
        let (mut variables, mut fetched) = (Variables::default(), Fetched::default());
        let mut room = limits::SHELL_EXPANDED_BYTES_MAX;
        for statement in tokens::statements(text) {
            let raw = &text[statement.range.clone()];
            let range = trimmed(text, &statement.range);
            let texts = expanded(text, &statement, &variables, &mut room);
            let shown = texts.last().map_or(raw, String::as_str);
            let commands = read::commands(shown);
            variables.note(&statement, shown, &commands);
            for (range, text) in fetched.follow(&commands, &range) {
                self.restated.push(Restated { range, text, is_fed: true });
            }
            let keeps = |command: &Command| command.is_fed || data::keeps(command);
            let is_fed = !self.is_straight || commands.iter().any(keeps);
            let texts = texts.into_iter().map(|text| text[trimmed(&text, &(0..text.len()))].to_owned());
            self.restated.extend(texts.map(|text| Restated { range: range.clone(), text, is_fed }));
        }
        if room == 0 {
            self.limit = self.limit.or(Some("bytes of a shell script with its variables put in"));
        }
    }
}

/// A statement without what is between it and others.
fn trimmed(text: &str, range: &Range<usize>) -> Range<usize> {
    let own = &text[range.clone()];
    let start = range.start + own.len() - own.trim_start().len();
    let end = range.start + own.trim_end_matches([' ', '\t', '\n', '\r', ';', '&', '|']).len();
    start..end.max(start)
}

/// What a statement may be once everything is put in that is known; none where nothing is, and as many as the variables in it
/// have values.
fn expanded(text: &str, statement: &Statement, variables: &Variables, room: &mut usize) -> Vec<String> {
    let raw = &text[statement.range.clone()];
    if !raw.contains(['$', '`', '{']) {
        return Vec::new();
    }
    let body = statement.document.map_or(raw.len(), |(start, _)| start - statement.range.start);
    let is_literal = statement.document.is_some_and(|(_, is_literal)| is_literal);
    let (mut found, mut choice) = (Vec::new(), 0);
    loop {
        let mut expansion = Expansion::new(variables, choice, 0, room);
        expansion.unquoted(&raw[..body]);
        if is_literal {
            expansion.out.push_str(&raw[body..]);
        } else {
            expansion.quoted(&raw[body..], Within::Document);
        }
        let Expansion { out, is_changed, choices, .. } = expansion;
        if is_changed && !found.contains(&out) {
            found.push(out);
        }
        choice += 1;
        if choice >= choices {
            return found;
        }
    }
}

/// Where text stands in which the shell puts something in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Within {
    /// In double quotes.
    Quotes,
    /// In a here-document.
    Document,
}

/// A statement that is being put together.
struct Expansion<'e> {
    variables: &'e Variables,
    /// Which of the values of each variable is taken, and how many there are at most.
    choice: usize,
    choices: usize,
    out: String,
    is_changed: bool,
    /// Where the word begins in `out`.
    word: usize,
    depth: usize,
    /// Bytes that all statements of the script may still become.
    room: &'e mut usize,
}

impl<'e> Expansion<'e> {
    fn new(variables: &'e Variables, choice: usize, depth: usize, room: &'e mut usize) -> Self {
        Self { variables, choice, choices: 1, out: String::new(), is_changed: false, word: 0, depth, room }
    }

    /// Takes from the room that there is; without any, nothing more is put in.
    fn takes(&mut self, bytes: usize) -> bool {
        let has_room = *self.room > bytes;
        *self.room = self.room.saturating_sub(bytes);
        has_room
    }

    /// What a part of it becomes by itself. What is deeper than anyone writes is not known, and the script not looked at to its
    /// end.
    fn of_part(&mut self, part: impl FnOnce(&mut Expansion<'_>)) -> String {
        let mut inner = Expansion::new(self.variables, self.choice, self.depth + 1, self.room);
        if inner.depth < DEPTH_MAX {
            part(&mut inner);
        } else {
            *inner.room = 0;
        }
        let Expansion { out, choices, .. } = inner;
        self.choices = self.choices.max(choices);
        out
    }

    fn unquoted(&mut self, raw: &str) {
        let mut at = 0;
        while let Some(char) = raw[at..].chars().next() {
            let end = end_of(raw, at);
            let token = &raw[at..end];
            match char {
                '$' if token.starts_with("$'") => {
                    self.put(&literal::python_text(token[2..].trim_end_matches('\''), false), None, false);
                }
                // It is each of the words, not one of all of them.
                '"' if matches!(token, "\"$@\"" | "\"${@}\"") => self.substitution("$@", None),
                '"' => {
                    self.out.push('"');
                    let inside = token[1..].strip_suffix('"').unwrap_or(&token[1..]);
                    self.quoted(inside, Within::Quotes);
                    self.out.push('"');
                }
                '$' | '`' => self.substitution(token, None),
                '{' => {
                    if let Some(end) = self.braces(raw, at) {
                        at = end;
                        continue;
                    }
                    self.out.push(char);
                }
                _ => self.out.push_str(token),
            }
            at = end;
            if ends_word(char) {
                self.word = self.out.len();
            }
        }
    }

    fn quoted(&mut self, raw: &str, within: Within) {
        let mut at = 0;
        while let Some(char) = raw[at..].chars().next() {
            let end = end_in_quotes(raw, at);
            match char {
                '$' | '`' => self.substitution(&raw[at..end], Some(within)),
                _ => self.out.push_str(&raw[at..end]),
            }
            at = end;
        }
    }

    /// `$name`, `${…}`, `$(…)` and its older spelling: what is put in for it, or itself.
    fn substitution(&mut self, token: &str, within: Option<Within>) {
        let inner = |open: &str, close: &str| token.strip_prefix(open)?.strip_suffix(close);
        let value = if token.starts_with("$((") {
            None
        } else if let Some(script) = inner("$(", ")").or_else(|| inner("`", "`")) {
            let script = self.of_part(|part| part.unquoted(script));
            self.takes(script.len()).then(|| output::of_script(&script)).flatten()
        } else if let Some(parameter) = inner("${", "}") {
            self.parameter(parameter)
        } else {
            token.strip_prefix('$').and_then(|name| self.value(name))
        };
        match value {
            Some(value) if self.takes(value.len()) => self.put(&value, within, within.is_none()),
            _ => self.out.push_str(token),
        }
    }

    /// Puts a text in, quoted as it must be there; where it `splits`, spaces in it end words.
    fn put(&mut self, value: &str, within: Option<Within>, splits: bool) {
        self.is_changed = true;
        let separators = self.variables.of("IFS").iter().flatten().next_back().map_or("", String::as_str);
        for char in value.chars() {
            let is_plain = char.is_alphanumeric() || "-_./:=,@%+~".contains(char);
            let is_quoted = match within {
                Some(Within::Document) => false,
                Some(Within::Quotes) => matches!(char, '"' | '\\' | '$' | '`'),
                None if splits && (char.is_whitespace() || separators.contains(char)) => {
                    self.out.push(' ');
                    self.word = self.out.len();
                    continue;
                }
                None => !is_plain && (!splits || !"*?[]".contains(char)),
            };
            if is_quoted {
                self.out.push('\\');
            }
            self.out.push(char);
        }
    }

    /// What a variable holds.
    fn value(&mut self, name: &str) -> Option<String> {
        let values = self.variables.of(name);
        self.choices = self.choices.max(values.len());
        match values.get(self.choice.min(values.len().saturating_sub(1))) {
            Some(value) => value.clone(),
            // What words are split at, unless it is given another value.
            None if name == "IFS" => Some(" ".to_owned()),
            None => None,
        }
    }

    /// What the inside of `${…}` means.
    fn parameter(&mut self, inside: &str) -> Option<String> {
        if let Some(name) = inside.strip_prefix('!').filter(|name| is_name(name)) {
            let name = self.value(name)?;
            return self.value(&name);
        }
        let length = name_length(inside);
        let (name, rest) = inside.split_at(length);
        let value = self.value(name);
        let operator = rest.trim_start_matches(':');
        let has_colon = operator.len() < rest.len();
        match operator.chars().next() {
            None => value,
            Some('-' | '=') => {
                value.filter(|value| !(has_colon && value.is_empty())).or_else(|| self.known_word(&operator[1..]))
            }
            Some('+') => value.and_then(|_| self.known_word(&operator[1..])),
            Some('?') => value,
            _ if has_colon => part(&value?, operator),
            Some(mark @ ('^' | ',')) => Some(cased(&value?, mark, rest.len() > 1)),
            Some('/') => replaced(&value?, &rest[1..]),
            Some(mark @ ('#' | '%')) => {
                let (value, pattern) = (value?, plain(rest.trim_start_matches(mark))?);
                let rest = if mark == '#' { value.strip_prefix(pattern) } else { value.strip_suffix(pattern) };
                Some(rest.unwrap_or(&value).to_owned())
            }
            Some(_) => None,
        }
    }

    /// A word inside of `${…}`, if all of it is known.
    fn known_word(&mut self, raw: &str) -> Option<String> {
        let word = self.of_part(|part| part.quoted(raw, Within::Document));
        (!word.contains(['$', '`'])).then(|| word.replace(['"', '\''], ""))
    }

    /// `{a,b}`: the words that it makes of the word that it stands in; where that ends.
    fn braces(&mut self, raw: &str, at: usize) -> Option<usize> {
        if *self.room == 0 {
            return None;
        }
        let (inside, end) = match alternatives(raw, at) {
            Ok(found) => found,
            // A brace may be looked at again for each that is open before it.
            Err(end) => {
                let _room = self.takes(end - at);
                return None;
            }
        };
        let before = self.out[self.word..].to_owned();
        if is_assignment(&before) {
            return None;
        }
        let behind = &raw[end..word_end(raw, end)];
        self.is_changed = true;
        self.out.truncate(self.word);
        for (number, one) in inside.into_iter().enumerate() {
            let word = format!("{before}{one}{behind}");
            if !self.takes(word.len()) {
                break;
            }
            let word = self.of_part(|part| part.unquoted(&word));
            if number > 0 {
                self.out.push(' ');
                self.word = self.out.len();
            }
            self.out.push_str(&word);
        }
        Some(end + behind.len())
    }
}

/// What stands between the commas of braces that open at a place, and where they end; how far was looked where there are none.
/// There are none without a comma.
fn alternatives(raw: &str, open: usize) -> Result<(Vec<&str>, usize), usize> {
    let (mut found, mut start, mut depth, mut at) = (Vec::new(), open + 1, 0, open + 1);
    while let Some(char) = raw[at..].chars().next() {
        match char {
            '{' => depth += 1,
            '}' if depth == 0 => {
                found.push(&raw[start..at]);
                return if found.len() > 1 { Ok((found, at + 1)) } else { Err(at) };
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                found.push(&raw[start..at]);
                start = at + 1;
            }
            char if ends_word(char) => break,
            _ => {}
        }
        at = end_of(raw, at);
    }
    Err(at)
}

/// `offset` or `offset:length` of a text.
fn part(value: &str, range: &str) -> Option<String> {
    let (offset, length) = range.split_once(':').map_or((range, None), |(offset, length)| (offset, Some(length)));
    let number = |text: &str| text.trim().parse::<i64>().ok();
    let count = i64::try_from(value.chars().count()).ok()?;
    let from_end = |number: i64| if number < 0 { count.saturating_add(number) } else { number };
    let start = from_end(number(offset)?);
    let end = match length {
        Some(length) => match number(length)? {
            length if length < 0 => from_end(length),
            length => start.saturating_add(length),
        },
        None => count,
    };
    let (start, end) = (usize::try_from(start).ok()?, usize::try_from(end).ok()?);
    Some(value.chars().skip(start).take(end.saturating_sub(start)).collect())
}

/// A text in capitals (`^`) or small letters (`,`): all of it, or its first letter.
fn cased(value: &str, mark: char, all: bool) -> String {
    let case = |text: &str| if mark == '^' { text.to_uppercase() } else { text.to_lowercase() };
    let first = value.chars().next().map_or(0, char::len_utf8);
    if all { case(value) } else { case(&value[..first]) + &value[first..] }
}

/// `/pattern/replacement` or `pattern/replacement` of a text: everywhere, or where it is first.
fn replaced(value: &str, rest: &str) -> Option<String> {
    let everywhere = rest.starts_with('/');
    let rest = rest.trim_start_matches('/');
    let (pattern, with) = rest.split_once('/').unwrap_or((rest, ""));
    let (pattern, with) = (plain(pattern)?, plain(with)?);
    if pattern.is_empty() {
        return None;
    }
    Some(if everywhere { value.replace(pattern, with) } else { value.replacen(pattern, with, 1) })
}

/// A pattern that stands for itself.
fn plain(pattern: &str) -> Option<&str> {
    (!pattern.contains(['*', '?', '[', '$', '`', '\\', '"', '\''])).then_some(pattern)
}
