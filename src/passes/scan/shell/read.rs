//! Takes a shell script apart, character by character.

use super::{Command, Script};
use crate::passes::scan::layers::Tongue;
use crate::passes::scan::limits;
use crate::passes::scan::runners::Run;

/// The commands of a script.
pub(in crate::passes::scan) fn script(text: &str) -> Script {
    script_of(text, false)
}

/// The same; `is_fed` says whether others may run what the script prints.
pub(super) fn script_of(text: &str, is_fed: bool) -> Script {
    let mut reader = Reader::of(text, is_fed);
    reader.read();
    let mut script = reader.script;
    script.find_code();
    script.find_data(text);
    script.restate(text);
    script.settle_substitutions();
    script
}

/// The commands of a text alone.
pub(super) fn commands(text: &str) -> Vec<Command> {
    let mut reader = Reader::of(text, false);
    reader.read();
    reader.script.commands
}

/// What the next word is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Next {
    #[default]
    Word,
    /// A file to read, or a descriptor.
    Nothing,
    /// A descriptor to write to, or a file.
    Copy,
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
    documents: Vec<Document>,
    /// Where the word begins, where the character stands that is looked at, and whether quotes were undone in the word.
    word_start: usize,
    char_start: usize,
    is_quoted: bool,
    /// The brackets that are open: whether what is printed inside is handed on as words or as a file; and how many of those.
    brackets: Vec<bool>,
    feeding: usize,
    /// A backtick is open.
    in_backticks: bool,
    is_fed: bool,
}

/// A here-document whose text follows the line.
struct Document {
    /// Whose it is.
    owner: usize,
    /// How it ends.
    end: String,
    indented: bool,
    /// Nothing in it is put in.
    is_literal: bool,
}

impl<'t> Reader<'t> {
    fn of(text: &'t str, is_fed: bool) -> Self {
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
            word_start: 0,
            char_start: 0,
            is_quoted: false,
            brackets: Vec::new(),
            feeding: 0,
            in_backticks: false,
            is_fed,
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
            self.char_start = start;
            let Some(char) = self.bump() else { break };
            match char {
                '\'' => self.single_quoted(),
                '"' => self.double_quoted(),
                '\\' if self.takes("\n") => {}
                '\\' => {
                    self.quotes();
                    let next = self.bump();
                    self.push(next);
                }
                '#' if !self.inside && self.may_begin(start) => {
                    self.at += self.rest().find('\n').unwrap_or(self.rest().len());
                    self.script.comments.push(start..self.at);
                }
                '\n' => self.line_ends(),
                '<' | '>' => self.redirection(char),
                '&' if self.rest().starts_with('>') => {
                    self.end_word();
                    let _arrow = self.takes(">");
                    let _more = self.takes(">");
                    self.next = Next::Into;
                }
                '|' | ';' | '&' | '(' | ')' | '`' => {
                    self.operator(char, start);
                    self.bracket(char, start);
                }
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
        let start = self.at - char.map_or(0, char::len_utf8);
        if !self.inside && self.command.words.is_empty() && self.next == Next::Word {
            self.command.range.start = start;
        }
        if !self.inside {
            self.word_start = start;
        }
        self.inside = true;
        self.word.extend(char);
    }

    /// Whether a comment may begin at `start`: not right behind a substitution, which is a part of a word.
    fn may_begin(&self, start: usize) -> bool {
        let before = self.text[..start].chars().next_back();
        before.is_none_or(|char| char.is_whitespace() || matches!(char, ';' | '|' | '&' | '('))
    }

    /// Quotes are undone.
    fn quotes(&mut self) {
        (self.command.is_quoted, self.is_quoted) = (true, true);
        self.script.quotes = true;
    }

    /// Brackets and backticks open and close.
    fn bracket(&mut self, char: char, start: usize) {
        match char {
            '(' => {
                let feeds = self.text[..start].ends_with(['$', '<', '>', '=']);
                self.script.turns |= self.text[..start].ends_with('>');
                self.brackets.push(feeds);
                self.feeding += usize::from(feeds);
            }
            ')' => {
                // A function is defined.
                self.script.turns |= self.text[..start].trim_end_matches([' ', '\t']).ends_with('(');
                let feeds = self.brackets.pop().unwrap_or_default();
                self.feeding -= usize::from(feeds);
            }
            '`' => self.in_backticks = !self.in_backticks,
            _ => {}
        }
    }

    fn single_quoted(&mut self) {
        self.quotes();
        let end = self.rest().find('\'').unwrap_or(self.rest().len());
        self.push(None);
        self.word.push_str(&self.rest()[..end]);
        self.at = (self.at + end + 1).min(self.text.len());
    }

    fn double_quoted(&mut self) {
        self.quotes();
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
        let (mut depth, mut quote, mut documents) = (1, None, Vec::new());
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
                (None, '<') if self.takes("<") && !self.takes("<") => documents.extend(self.document_end()),
                (None, '\n') => {
                    for (end, indented) in std::mem::take(&mut documents) {
                        let _text = self.document(&end, indented);
                    }
                }
                (None, _) => {}
            }
            if depth == 0 {
                break;
            }
        }
        self.word.push_str(&self.text[start..self.at]);
        let text = self.text[from..self.at].trim_end_matches(end);
        let owner = self.script.commands.len();
        self.script.substitutions.push((self.script.code.len(), owner));
        self.script.add(&(from..from + text.len()), Run::plain(Tongue::Shell, text), false);
    }

    /// How a here-document ends that is told of here, inside of a substitution, and whether it is indented.
    fn document_end(&mut self) -> Option<(String, bool)> {
        let indented = self.takes("-");
        let rest = self.rest().trim_start_matches([' ', '\t']);
        let length = rest.find(|char: char| char.is_whitespace() || ";|&()<>".contains(char)).unwrap_or(rest.len());
        let word = rest[..length].replace(['\'', '"', '\\'], "");
        (!word.is_empty()).then_some((word, indented))
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
            _ if self.takes("&") => Next::Copy,
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
        let (place, is_literal) = (self.word_start..self.char_start, std::mem::take(&mut self.is_quoted));
        match std::mem::take(&mut self.next) {
            Next::Word if self.command.words.len() < limits::SHELL_WORDS_MAX => {
                self.command.words.push(word);
                self.command.places.push(place);
            }
            Next::Word => self.script.limit = Some("words of a shell command"),
            Next::Nothing => self.command.from.push(word),
            Next::Copy if matches!(word.as_str(), "1" | "2" | "-") => {}
            Next::Copy => self.command.into.push(word),
            Next::Into => self.command.into.push(word),
            Next::Text => {
                self.command.input = Some(word.into());
                self.command.input_place = Some(place);
            }
            Next::Document { indented } => {
                let owner = self.script.commands.len();
                let is_plain = |char: char| char.is_ascii_alphanumeric() || char == '_';
                self.script.is_odd |= word.is_empty() || !word.chars().all(is_plain);
                self.documents.push(Document { owner, end: word, indented, is_literal });
            }
        }
        self.command.range.end = self.at;
    }

    /// Ends the command, which `operator` stands behind.
    fn operator(&mut self, operator: char, start: usize) {
        self.end_word();
        self.next = Next::Word;
        let mut command = std::mem::take(&mut self.command);
        let is_empty =
            command.words.is_empty() && command.into.is_empty() && command.from.is_empty() && command.input.is_none();
        // They are in the order of their commands, so the last one tells.
        let awaited = self.documents.last().is_some_and(|document| document.owner == self.script.commands.len());
        if is_empty && !awaited {
            self.command.after = Some(match (command.after, operator) {
                // Of `||` the second sign is no pipe; `|&` is one, and `| (` goes on.
                (Some('|'), '|') => ';',
                (Some('|'), '&' | '(') => '|',
                _ => operator,
            });
            return;
        }
        command.range.end = start.max(command.range.start);
        command.is_fed = self.is_fed || self.in_backticks || self.feeding > 0;
        self.script.commands.push(command);
        self.command.after = Some(operator);
    }

    fn line_ends(&mut self) {
        let start = self.at - 1;
        // A line that ends in a pipe goes on.
        let piped = self.command.after.filter(|_| self.command.words.is_empty() && !self.inside);
        self.operator(';', start);
        self.command.after = piped.or(self.command.after);
        for Document { owner, end, indented, is_literal } in std::mem::take(&mut self.documents) {
            let from = self.at;
            let text = self.document(&end, indented);
            if let Some(command) = self.script.commands.get_mut(owner) {
                // What is put into it is run.
                let is_plain = is_literal || !text.contains("$(") && !text.contains('`');
                command.input_place = is_plain.then_some(from..self.at);
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
                return text;
            }
            text.push_str(line);
        }
        // Where it ends was not understood.
        self.script.is_odd = true;
        text
    }
}
