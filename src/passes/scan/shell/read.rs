//! Takes a shell script apart, character by character.

use super::{Command, Script};
use crate::passes::scan::layers::Tongue;
use crate::passes::scan::limits;

/// The commands of a script.
pub(in crate::passes::scan) fn script(text: &str) -> Script {
    let mut reader = Reader::of(text);
    reader.read();
    let mut script = reader.script;
    script.find_code();
    script
}

/// What the next word is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Next {
    #[default]
    Word,
    /// A file to read, or a descriptor.
    Nothing,
    /// A file to write.
    Into,
    /// The text to read.
    Text,
    /// The end of a here-document, whose lines may be indented by tabs.
    Document { indented: bool },
}

/// Reads a script from its beginning to its end.
struct Reader<'t> {
    text: &'t str,
    at: usize,
    script: Script,
    command: Command,
    word: String,
    /// There is a word, though it may be empty.
    inside: bool,
    next: Next,
    /// Here-documents whose text follows the line: whose it is, how it ends, whether it is indented.
    documents: Vec<(usize, String, bool)>,
}

impl<'t> Reader<'t> {
    fn of(text: &'t str) -> Self {
        let (script, command) = (Script::default(), Command::default());
        Self {
            text,
            at: 0,
            script,
            command,
            word: String::new(),
            inside: false,
            next: Next::Word,
            documents: Vec::new(),
        }
    }

    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn bump(&mut self) -> Option<char> {
        let char = self.rest().chars().next()?;
        self.at += char.len_utf8();
        Some(char)
    }

    /// Goes on behind `prefix`, if that is what follows.
    fn takes(&mut self, prefix: &str) -> bool {
        let follows = self.rest().starts_with(prefix);
        self.at += if follows { prefix.len() } else { 0 };
        follows
    }

    fn read(&mut self) {
        loop {
            let start = self.at;
            let Some(char) = self.bump() else { break };
            match char {
                '\'' => self.single_quoted(),
                '"' => self.double_quoted(),
                '\\' if self.takes("\n") => {}
                '\\' => {
                    let next = self.bump();
                    self.push(next);
                }
                '#' if !self.inside => self.at += self.rest().find('\n').unwrap_or(self.rest().len()),
                '\n' => self.line_ends(),
                '<' | '>' => self.redirection(char),
                '&' if self.rest().starts_with('>') => {
                    self.end_word();
                    let _arrow = self.takes(">");
                    let _more = self.takes(">");
                    self.next = Next::Into;
                }
                '|' | ';' | '&' | '(' | ')' | '`' => self.operator(char, start),
                char if char.is_whitespace() => self.end_word(),
                char => self.push(Some(char)),
            }
            if self.script.commands.len() >= limits::SHELL_COMMANDS_MAX {
                self.script.limit = Some("commands of a shell script");
                return;
            }
        }
        let end = self.at;
        self.operator(';', end);
    }

    fn push(&mut self, char: Option<char>) {
        if !self.inside && self.command.words.is_empty() && self.next == Next::Word {
            self.command.range.start = self.at - char.map_or(0, char::len_utf8);
        }
        self.inside = true;
        self.word.extend(char);
    }

    fn single_quoted(&mut self) {
        let end = self.rest().find('\'').unwrap_or(self.rest().len());
        self.push(None);
        self.word.push_str(&self.rest()[..end]);
        self.at = (self.at + end + 1).min(self.text.len());
    }

    fn double_quoted(&mut self) {
        self.push(None);
        while let Some(char) = self.bump().filter(|&char| char != '"') {
            let start = self.at;
            match char {
                '\\' if self.rest().starts_with(['"', '\\', '$', '`', '\n']) => {
                    let escaped = self.bump().filter(|&char| char != '\n');
                    self.word.extend(escaped);
                }
                '$' if self.takes("(") => self.substitution(start - 1, start + 1, ')'),
                '`' => self.substitution(start - 1, start, '`'),
                char => self.word.push(char),
            }
        }
    }

    /// A command inside of double quotes, from `start` on; its text begins at `from`. It is part of the word as it stands.
    fn substitution(&mut self, start: usize, from: usize, end: char) {
        let (mut depth, mut quote) = (1, None);
        while let Some(char) = self.bump() {
            match (quote, char) {
                (Some(open), _) if open == char => quote = None,
                (Some(_), _) => {}
                (None, '\\') => {
                    let _escaped = self.bump();
                }
                (None, '\'' | '"') => quote = Some(char),
                (None, _) if char == end => depth -= 1,
                (None, '(') if end == ')' => depth += 1,
                (None, _) => {}
            }
            if depth == 0 {
                break;
            }
        }
        self.word.push_str(&self.text[start..self.at]);
        let text = self.text[from..self.at].trim_end_matches(end);
        self.script.add(&(from..from + text.len()), Tongue::Shell, text.into(), false);
    }

    fn redirection(&mut self, char: char) {
        // `2>` is no word.
        if !self.word.is_empty() && self.word.chars().all(|char| char.is_ascii_digit()) {
            self.word.clear();
            self.inside = false;
        }
        self.end_word();
        self.next = match char {
            '<' if self.takes("<<") => Next::Text,
            '<' if self.takes("<") => Next::Document { indented: self.takes("-") },
            '<' => Next::Nothing,
            _ if self.takes("&") => Next::Nothing,
            _ => {
                let _appended = self.takes(">") || self.takes("|");
                Next::Into
            }
        };
        // `<(command)`: what follows is a command of its own.
        if self.rest().starts_with('(') {
            self.next = Next::Word;
        }
    }

    fn end_word(&mut self) {
        if !self.inside {
            return;
        }
        self.inside = false;
        let word = std::mem::take(&mut self.word);
        match std::mem::take(&mut self.next) {
            Next::Word if self.command.words.len() < limits::SHELL_WORDS_MAX => self.command.words.push(word),
            Next::Word => self.script.limit = Some("words of a shell command"),
            Next::Nothing => {}
            Next::Into => self.command.into.push(word),
            Next::Text => self.command.input = Some(word.into()),
            Next::Document { indented } => self.documents.push((self.script.commands.len(), word, indented)),
        }
        self.command.range.end = self.at;
    }

    /// Ends the command, which `operator` stands behind.
    fn operator(&mut self, operator: char, start: usize) {
        self.end_word();
        self.next = Next::Word;
        let mut command = std::mem::take(&mut self.command);
        let is_empty = command.words.is_empty() && command.into.is_empty() && command.input.is_none();
        // They are in the order of their commands, so the last one tells.
        let awaited = self.documents.last().is_some_and(|(owner, _, _)| *owner == self.script.commands.len());
        if is_empty && !awaited {
            // Of `||` and `&&` the second sign is no pipe.
            self.command.after = Some(if command.after == Some('|') { ';' } else { operator });
            return;
        }
        command.range.end = start.max(command.range.start);
        self.script.commands.push(command);
        self.command.after = Some(operator);
    }

    fn line_ends(&mut self) {
        let start = self.at - 1;
        // A line that ends in a pipe goes on.
        let piped = self.command.after.filter(|_| self.command.words.is_empty() && !self.inside);
        self.operator(';', start);
        self.command.after = piped.or(self.command.after);
        for (owner, end, indented) in std::mem::take(&mut self.documents) {
            let text = self.document(&end, indented);
            if let Some(command) = self.script.commands.get_mut(owner) {
                command.input = Some(text.into());
            }
        }
    }

    /// The lines up to the one that is `end`.
    fn document(&mut self, end: &str, indented: bool) -> String {
        let mut text = String::new();
        while self.at < self.text.len() {
            let rest = self.rest();
            let line = &rest[..rest.find('\n').map_or(rest.len(), |at| at + 1)];
            self.at += line.len();
            let line = if indented { line.trim_start_matches('\t') } else { line };
            if line.trim_end_matches(['\n', '\r']) == end {
                break;
            }
            text.push_str(line);
        }
        text
    }
}
