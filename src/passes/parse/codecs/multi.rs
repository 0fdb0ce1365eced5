//! Codecs in which some characters are several bytes: those of China, Japan and Korea.
//!
//! The table says which sequences Python takes, and `encoding_rs` what they are, save for the few that the table spells
//! out because Python takes them for something else. Every sequence was compared.

use std::collections::BTreeMap;

use encoding_rs::Encoding;

use super::{Undecodable, is_named};
use crate::language::PythonVersion;

const TABLES: &str = include_str!("multi_byte.txt");

/// The byte of EUC-JP before characters of three bytes.
const EUC_THREE: u8 = 0x8f;

/// One codec.
#[derive(Debug)]
pub(in crate::passes::parse) struct Multi {
    /// Python's name.
    pub(super) name: &'static str,
    encoding: &'static Encoding,
    /// Single bytes that are characters.
    singles: Bytes,
    /// For each lead byte, the trail bytes that make a character with it.
    pairs: BTreeMap<u8, Bytes>,
    /// For each second byte after 0x8f, the third bytes that make a character with it.
    triples: BTreeMap<u8, Bytes>,
    /// First and last sequences of four bytes.
    quads: Vec<(u32, u32)>,
    /// Sequences that mean something else to `encoding_rs`.
    own: BTreeMap<u32, String>,
}

/// A set of bytes.
#[derive(Clone, Debug)]
struct Bytes([bool; 256]);

/// The parts of one paragraph of the table.
struct Table {
    name: &'static str,
    names: &'static str,
    encoding: &'static str,
    rows: &'static str,
}

/// Every codec. Before them stands a comment.
fn tables() -> impl Iterator<Item = Table> {
    TABLES.split("\n\n").skip(1).filter_map(|paragraph| {
        let (head, rows) = paragraph.split_once('\n')?;
        let mut parts = head.split(" : ");
        Some(Table { name: parts.next()?, names: parts.next()?, encoding: parts.next()?, rows })
    })
}

/// The name of each codec.
#[cfg(test)]
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    tables().map(|table| table.name)
}

/// The codec of that name.
pub(super) fn find(name: &str, version: PythonVersion) -> Option<Multi> {
    let table = tables().find(|table| is_named(table.names, name, version))?;
    let mut codec = Multi {
        name: table.name,
        encoding: Encoding::for_label(table.encoding.as_bytes())?,
        singles: Bytes([false; 256]),
        pairs: BTreeMap::new(),
        triples: BTreeMap::new(),
        quads: Vec::new(),
        own: BTreeMap::new(),
    };
    for row in table.rows.lines() {
        let mut entries = row.split_whitespace();
        match entries.next()? {
            "1" => codec.singles.add(entries),
            "2" => add(&mut codec.pairs, entries),
            "3" => add(&mut codec.triples, entries),
            "4" => codec.quads.extend(entries.map(range)),
            _ => codec.own.extend(entries.filter_map(|entry| {
                let (sequence, chars) = entry.split_once('=')?;
                let chars = chars.split('+').filter_map(|char| char::from_u32(number(char)));
                Some((number(sequence), chars.collect::<String>()))
            })),
        }
    }
    Some(codec)
}

/// Adds rows of the table: lead bytes, then the trail bytes of each.
fn add(to: &mut BTreeMap<u8, Bytes>, mut entries: std::str::SplitWhitespace<'static>) {
    let leads = entries.next().unwrap_or_default();
    let mut trails = Bytes([false; 256]);
    trails.add(entries);
    for (first, last) in leads.split(',').map(range) {
        to.extend((first..=last).filter_map(|lead| Some((u8::try_from(lead).ok()?, trails.clone()))));
    }
}

/// A range as the table writes it: `a1-fe`, or one number.
fn range(entry: &str) -> (u32, u32) {
    let (first, last) = entry.split_once('-').unwrap_or((entry, entry));
    (number(first), number(last))
}

fn number(text: &str) -> u32 {
    u32::from_str_radix(text, 16).expect("the tables are well-formed: a test reads them all")
}

impl Bytes {
    fn add(&mut self, entries: std::str::SplitWhitespace<'static>) {
        for (first, last) in entries.map(range) {
            self.0[first as usize..=last as usize].fill(true);
        }
    }

    fn has(&self, byte: u8) -> bool {
        self.0[usize::from(byte)]
    }
}

impl Multi {
    /// The text that `bytes` are.
    pub(super) fn decode(&self, bytes: &[u8]) -> Result<String, Undecodable> {
        let mut text = String::with_capacity(bytes.len() + bytes.len() / 2);
        // What has been looked at and not yet been decoded.
        let (mut start, mut at) = (0, 0);
        while at < bytes.len() {
            let length = self.length(&bytes[at..]);
            let sequence = bytes.get(at..at + length);
            let own = sequence.and_then(|sequence| self.own.get(&joined(sequence)));
            if own.is_none() && !sequence.is_some_and(|sequence| self.takes(sequence)) {
                self.push(&mut text, &bytes[start..at]);
                let reason = match sequence {
                    Some(_) => "illegal multibyte sequence",
                    None => "incomplete multibyte sequence",
                };
                return Err(Undecodable { at, before: text, reason });
            }
            if let Some(own) = own {
                self.push(&mut text, &bytes[start..at]);
                text.push_str(own);
                start = at + length;
            }
            at += length;
        }
        self.push(&mut text, &bytes[start..]);
        Ok(text)
    }

    /// Adds what `encoding_rs` makes of sequences that it is known to take as Python does.
    fn push(&self, text: &mut String, bytes: &[u8]) {
        text.push_str(&self.encoding.decode_without_bom_handling(bytes).0);
    }

    /// How many bytes the sequence at the start of `bytes` has, valid or not.
    fn length(&self, bytes: &[u8]) -> usize {
        let lead = bytes[0];
        if lead < 0x80 || self.singles.has(lead) || self.own.contains_key(&u32::from(lead)) {
            return 1;
        }
        match bytes.get(1) {
            Some(_) if lead == EUC_THREE && !self.triples.is_empty() => 3,
            Some(b'0'..=b'9') if !self.quads.is_empty() => 4,
            _ => 2,
        }
    }

    /// Whether a sequence is a character, and the same to `encoding_rs`.
    fn takes(&self, sequence: &[u8]) -> bool {
        let has = |map: &BTreeMap<u8, Bytes>, lead: u8, trail: u8| map.get(&lead).is_some_and(|set| set.has(trail));
        match *sequence {
            [single] => single < 0x80 || self.singles.has(single),
            [lead, trail] => has(&self.pairs, lead, trail),
            [_, second, third] => has(&self.triples, second, third),
            [_, _, third, fourth] => {
                let within = |(first, last): &(u32, u32)| (*first..=*last).contains(&joined(sequence));
                (0x81..=0xfe).contains(&third) && fourth.is_ascii_digit() && self.quads.iter().any(within)
            }
            _ => false,
        }
    }
}

/// The bytes of a sequence as one number.
fn joined(sequence: &[u8]) -> u32 {
    sequence.iter().fold(0, |number, byte| number << 8 | u32::from(*byte))
}
