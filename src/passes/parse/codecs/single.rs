//! Codecs in which each byte is a character.

use super::{Undecodable, is_named};
use crate::language::PythonVersion;

const TABLES: &str = include_str!("single_byte.txt");

/// The names and the characters of each table. Before them stands a comment.
fn tables() -> impl Iterator<Item = (&'static str, &'static str)> {
    let mut paragraphs = TABLES.split("\n\n").skip(1);
    std::iter::from_fn(move || Some((paragraphs.next()?, paragraphs.next()?)))
}

/// One name of each table.
#[cfg(test)]
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    let first = |names: &'static str| names.split(['@', ' ', '\n']).next();
    tables().filter_map(move |(names, _)| first(names)).map(|name| name.trim_start_matches('='))
}

/// The characters of the bytes from 0x80 on.
pub(super) fn find(name: &str, version: PythonVersion) -> Option<[Option<char>; 128]> {
    let (_, characters) = tables().find(|(names, _)| is_named(names, name, version))?;
    let mut table = [None; 128];
    let mut at = 0;
    for entry in characters.split_whitespace() {
        if let Some(holes) = entry.strip_prefix('-') {
            at += holes.parse().unwrap_or(1);
            continue;
        }
        let (first, count) = entry.split_once('+').unwrap_or((entry, "1"));
        let first = u32::from_str_radix(first, 16).expect("the tables are well-formed: a test reads them all");
        for next in first..first + count.parse::<u32>().expect("the tables are well-formed") {
            table[at] = char::from_u32(next);
            at += 1;
        }
    }
    assert_eq!(at, table.len(), "the tables are well-formed");
    Some(table)
}

/// The text of `bytes` by a table of [`find`].
pub(super) fn decode(table: &[Option<char>; 128], bytes: &[u8]) -> Result<String, Undecodable> {
    let mut text = String::with_capacity(bytes.len());
    for (at, &byte) in bytes.iter().enumerate() {
        match byte.checked_sub(0x80).map(|high| table[usize::from(high)]) {
            None => text.push(char::from(byte)),
            Some(Some(char)) => text.push(char),
            Some(None) => {
                let is_ascii = table.iter().all(Option::is_none);
                let reason = if is_ascii { "ordinal not in range(128)" } else { "character maps to <undefined>" };
                return Err(Undecodable { at, before: text, reason });
            }
        }
    }
    Ok(text)
}
