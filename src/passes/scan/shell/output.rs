//! What commands print, as far as their words and what they read tell.

use std::sync::Arc;

use super::{Command, is_flag, read};
use crate::facts::literal;
use crate::passes::scan::fold;

/// What a script prints that is a single pipeline, without the line breaks at its end: what is put in for `$(script)`.
pub(super) fn of_script(text: &str) -> Option<String> {
    let commands = read::commands(text);
    let is_pipeline = commands.iter().skip(1).all(|command| command.after == Some('|'));
    if commands.is_empty() || !is_pipeline || commands.iter().any(|command| !command.into.is_empty()) {
        return None;
    }
    let mut printed: Option<Arc<str>> = None;
    for command in &commands {
        let read = command.input.clone().or(printed);
        printed = command.writes(read.as_ref());
    }
    printed.filter(|text| !text.contains(['$', '`'])).map(|text| text.trim_end_matches('\n').to_owned())
}

impl Command {
    /// What it writes, as far as that is plain.
    pub(super) fn writes(&self, read: Option<&Arc<str>>) -> Option<Arc<str>> {
        let (program, arguments) = self.own().split_first()?;
        let is_known = |word: &&str| !is_flag(word);
        let texts: Vec<&str> = arguments.iter().map(String::as_str).filter(is_known).collect();
        let has = |flags: &[&str]| arguments.iter().any(|word| flags.contains(&word.as_str()));
        let decoded = |bytes: Option<Vec<u8>>| Some(String::from_utf8(bytes?).ok()?.into());
        match program.rsplit('/').next()? {
            "echo" => Some(undone(&texts.join(" ")).into()),
            "printf" => Some(formatted(&texts).into()),
            "cat" if texts.is_empty() || texts == ["-"] => read.cloned(),
            "tee" => read.cloned(),
            "base64" if has(&["-d", "-D", "--decode", "-di"]) => decoded(fold::base64_bytes(read?.as_bytes())),
            "base32" if has(&["-d", "--decode"]) => {
                decoded(crate::passes::scan::decoders::base32(read?.as_bytes(), false))
            }
            "xxd" if has(&["-r", "-rp"]) => decoded(fold::hex_bytes(&read?.split_whitespace().collect::<String>())),
            "rev" => {
                Some(read?.lines().map(|line| line.chars().rev().collect::<String>() + "\n").collect::<String>().into())
            }
            "tr" => translated(read?, arguments).map(Into::into),
            _ => None,
        }
    }
}

/// The line breaks and characters that `printf` and `echo -e` make of escapes.
fn undone(text: &str) -> String {
    if text.contains('\\') { literal::python_text(text, false) } else { text.to_owned() }
}

/// What `printf` makes of a format and its arguments. The format is used again as long as there are arguments.
pub(super) fn formatted(words: &[&str]) -> String {
    let Some((format, mut rest)) = words.split_first() else { return String::new() };
    let format = undone(format);
    let mut found = String::new();
    loop {
        let before = rest.len();
        let mut chars = format.chars();
        while let Some(char) = chars.next() {
            if char != '%' {
                found.push(char);
                continue;
            }
            match chars.find(|char| !char.is_ascii_digit() && !"-.+ #".contains(*char)) {
                Some('%') | None => found.push('%'),
                Some(kind) => {
                    let (next, more) = rest.split_first().map_or(("", rest), |(next, more)| (*next, more));
                    rest = more;
                    match kind {
                        'b' => found.push_str(&undone(next)),
                        'c' => found.extend(next.chars().next()),
                        _ => found.push_str(next),
                    }
                }
            }
        }
        if rest.is_empty() || rest.len() == before {
            // Words that the format has no place for are not printed; they are kept in sight.
            rest.iter().for_each(|word| found.extend([" ", word]));
            return found;
        }
    }
}

/// What `tr` makes of a text.
fn translated(text: &str, arguments: &[String]) -> Option<String> {
    match arguments {
        [flag, drop] if flag == "-d" => {
            let drop = characters(drop)?;
            Some(text.chars().filter(|char| !drop.contains(char)).collect())
        }
        [from, to] if !is_flag(from) => {
            let (from, to) = (characters(from)?, characters(to)?);
            let last = *to.last()?;
            let other = |char: char| match from.iter().rposition(|&one| one == char) {
                Some(at) => to.get(at).copied().unwrap_or(last),
                None => char,
            };
            Some(text.chars().map(other).collect())
        }
        _ => None,
    }
}

/// The characters of a set of `tr`, ranges taken apart.
fn characters(set: &str) -> Option<Vec<char>> {
    if set.contains("[:") {
        return None;
    }
    let signs: Vec<char> = undone(set).chars().collect();
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(&first) = signs.get(at) {
        match (signs.get(at + 1), signs.get(at + 2)) {
            (Some('-'), Some(&last)) if first.is_ascii() && last.is_ascii() => {
                found.extend(first..=last);
                at += 3;
            }
            _ => {
                found.push(first);
                at += 1;
            }
        }
    }
    Some(found)
}
