//! Which rules over text and over trees could match a text: an index of what they ask for.
//!
//! Three bytes of each needle, the rarest, are its key, so that one look at every three bytes of a text finds all needles
//! that stand there (as Wu and Manber's algorithm for many patterns does with blocks of two or three bytes). Most bytes are
//! no key, which one bit tells. The index is made with the rules and used where it is packed; a `haystack` is looked
//! through with it.

use std::collections::HashMap;

use super::Hook;
use super::lazy::Later;
use super::needles::{Clause, Needle, Needles};
use super::pack::Bytes;

/// The bytes of a key.
pub(super) const KEY_BYTES: usize = 3;

/// There are so many bits for a key, as a power of two, so that few other bytes of texts have the bit of one ...
const BITS_PER_KEY_POWER: u32 = 5;

/// ... and at most two to the power of this: they stay in a near cache.
const BITS_POWER_MAX: u32 = 16;

/// Bytes of programs and prose, the most frequent first. Of all others, none is more frequent.
const FREQUENT: &[u8] = b" etaoinsrlcdupmfhg_.,()\"'=:-y/bvwk*#0x1[]{}";

/// Rules over text and trees, and where to look for which.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Filter {
    /// Each rule's hook and what it asks for, which is unpacked where the index alone does not tell that it is missing.
    pub(super) rules: Vec<(Hook, Later<Needles>)>,
    pub(super) index: Index,
}

/// Where to look for the needles of rules, by their keys.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Index {
    /// A bit for each of the hashes of keys.
    pub(super) bits: Bytes,
    /// [`Entry`] after [`Entry`], sorted by their keys, as numbers of 32 bits.
    pub(super) entries: Bytes,
    /// For each hash, or the next that is free, the number of the first entry of its key, counted from one; 16 bits each.
    pub(super) slots: Bytes,
    /// The texts of the needles, each once.
    pub(super) texts: Bytes,
    /// Whether the needles of a unit are in here, one byte each. The units of a rule are its anchor and its clauses, those
    /// of all rules one after the other.
    pub(super) units: Bytes,
    /// How many units each rule has; 32 bits each.
    pub(super) shares: Bytes,
    /// Whether every rule has such a unit, so that none matches where no key stands.
    pub(super) is_whole: bool,
}

/// A needle that is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    pub(super) key: u32,
    /// Where its text stands among all, and how long it is. Needles of the same text are side by side.
    pub(super) start: u32,
    pub(super) length: u16,
    /// Where the key stands in it.
    pub(super) key_at: u16,
    pub(super) unit: u16,
    /// Whether words must begin or end before and behind it, and whether it is worth to be told where it stands.
    pub(super) flags: u8,
}

impl Entry {
    /// Numbers of an entry.
    pub(super) const NUMBERS: usize = 4;
    pub(super) const EDGE_BEFORE: u8 = 1;
    pub(super) const EDGE_BEHIND: u8 = 2;
    pub(super) const PLACED: u8 = 4;

    fn packed(self) -> [u32; Self::NUMBERS] {
        let both = |one: u16, other: u16| u32::from(one) << 16 | u32::from(other);
        [self.key, self.start, both(self.length, self.key_at), both(self.unit, self.flags.into())]
    }

    /// The entry of these numbers.
    pub(super) fn of([key, start, text, rest]: [u32; Self::NUMBERS]) -> Self {
        let parts = |both: u32| ((both >> 16) as u16, both as u16);
        let ((length, key_at), (unit, flags)) = (parts(text), parts(rest));
        Self { key, start, length, key_at, unit, flags: flags as u8 }
    }
}

/// The units of a rule: its anchor where it has one, and its clauses, with their numbers.
pub(super) fn units(needles: &Needles) -> impl Iterator<Item = (usize, &Clause)> {
    let anchor = needles.anchor.iter().map(|anchor| (0, &anchor.needles));
    anchor.chain((1..).zip(&needles.clauses))
}

/// The number of the clause with which matches begin, where they do.
const HEADS: usize = 1;

impl Filter {
    /// A filter of these rules.
    pub(super) fn new(rules: Vec<(Hook, Needles)>) -> Self {
        let index = Index::of(&rules);
        Self { rules: rules.into_iter().map(|(hook, needles)| (hook, Later::from(needles))).collect(), index }
    }
}

/// The bits of an index, at hand: each byte of a text is held against them.
#[derive(Clone, Copy)]
pub(super) struct Keys<'i> {
    bits: &'i [u8],
    /// How many there are, as a power of two.
    power: u32,
}

impl Keys<'_> {
    /// Whether three bytes may be a key.
    #[inline]
    pub(super) fn may_hold(self, key: u32) -> bool {
        let place = place(key, self.power);
        self.bits[place / 8] >> (place % 8) & 1 == 1
    }
}

impl Index {
    fn of(rules: &[(Hook, Needles)]) -> Self {
        let (mut entries, mut all, mut shares, mut is_whole) = (Vec::new(), Vec::new(), Vec::new(), true);
        let mut texts = Texts::default();
        for (_, needles) in rules {
            let first = all.len();
            for (part, clause) in units(needles) {
                let placed = if part == 0 || (part == HEADS && needles.heads) { Entry::PLACED } else { 0 };
                let own = in_clause(clause, all.len(), placed, &mut texts);
                let own = own.filter(|own| entries.len() + own.len() < usize::from(u16::MAX));
                all.push(u8::from(own.is_some()));
                entries.extend(own.into_iter().flatten());
            }
            is_whole &= all[first..].contains(&1);
            shares.push(u32::try_from(all.len() - first).expect("files of rules are too small for more"));
        }
        entries.sort_unstable();
        let keys = u32::try_from(entries.len()).unwrap_or(u32::MAX).next_power_of_two().trailing_zeros();
        let power = (keys + BITS_PER_KEY_POWER).min(BITS_POWER_MAX);
        let mut bits = vec![0; 1 << power >> 3];
        for entry in &entries {
            let place = place(entry.key, power);
            bits[place / 8] |= 1 << (place % 8);
        }
        let packed: Vec<u32> = entries.iter().flat_map(|entry| entry.packed()).collect();
        Self {
            bits: Bytes(bits.into()),
            entries: Bytes::of_u32(&packed),
            slots: Bytes::of_u16(&slots(&entries, keys + 1)),
            texts: Bytes(texts.all.into()),
            units: Bytes(all.into()),
            shares: Bytes::of_u32(&shares),
            is_whole,
        }
    }

    /// What tells most bytes that are no key.
    pub(super) fn keys(&self) -> Keys<'_> {
        let bits: &[u8] = &self.bits.0;
        Keys { bits, power: (bits.len() * 8).max(1).ilog2() }
    }

    /// The entries of a key.
    pub(super) fn of_key(&self, key: u32) -> impl Iterator<Item = Entry> {
        let entries: &[[u8; 4]] = self.entries.0.as_chunks().0;
        let entries: &[[[u8; 4]; Entry::NUMBERS]] = entries.as_chunks().0;
        let slots: &[[u8; 2]] = self.slots.0.as_chunks().0;
        let has_key = move |entry: &[[u8; 4]; Entry::NUMBERS]| u32::from_le_bytes(entry[0]) == key;
        let mut slot = place(key, slots.len().max(2).ilog2());
        let first = loop {
            match slots.get(slot).map_or(0, |number| usize::from(u16::from_le_bytes(*number))) {
                0 => break entries.len(),
                number if has_key(&entries[number - 1]) => break number - 1,
                _ => slot = (slot + 1) % slots.len(),
            }
        };
        let own = entries[first..].iter().take_while(move |entry| has_key(entry));
        let number = u32::from_le_bytes;
        own.map(move |&[key, start, text, rest]| Entry::of([number(key), number(start), number(text), number(rest)]))
    }
}

/// A table of so many slots, as a power of two, for the keys of entries that are sorted by them: twice as many as keys.
fn slots(entries: &[Entry], power: u32) -> Vec<u16> {
    let mut slots = vec![0; 1 << power];
    for (number, entry) in entries.iter().enumerate() {
        if number > 0 && entries[number - 1].key == entry.key {
            continue;
        }
        let mut slot = place(entry.key, power);
        while slots[slot] != 0 {
            slot = (slot + 1) % slots.len();
        }
        slots[slot] = u16::try_from(number + 1).expect("there are no more entries than that");
    }
    slots
}

/// Texts of needles, one behind the other, and where each begins.
#[derive(Default)]
struct Texts {
    all: Vec<u8>,
    starts: HashMap<Vec<u8>, u32>,
}

impl Texts {
    /// Where a text begins; `None` where there is no room for it.
    fn start(&mut self, text: &[u8]) -> Option<u32> {
        if let Some(&start) = self.starts.get(text) {
            return Some(start);
        }
        let start = u32::try_from(self.all.len()).ok()?;
        self.all.extend_from_slice(text);
        self.starts.insert(text.to_vec(), start);
        Some(start)
    }
}

/// The entries of a clause, which is a rule's unit; `None` where a needle has no key, or a number is larger than an entry can
/// hold. What is not in the index is searched for by itself.
fn in_clause(clause: &Clause, unit: usize, placed: u8, texts: &mut Texts) -> Option<Vec<Entry>> {
    let unit = u16::try_from(unit).ok()?;
    let edge = |is_there: bool, flag: u8| if is_there { flag } else { 0 };
    let entry = |needle: Needle<'_>| {
        let (key_at, key) = rarest_key(needle.text)?;
        let (key_at, length) = (u16::try_from(key_at).ok()?, u16::try_from(needle.text.len()).ok()?);
        let edges = edge(needle.edges.0, Entry::EDGE_BEFORE) | edge(needle.edges.1, Entry::EDGE_BEHIND);
        Some(Entry { key, start: texts.start(needle.text)?, length, key_at, unit, flags: edges | placed })
    };
    clause.needles().map(entry).collect()
}

/// The place of a key among bits: the upper ones of its product with a large odd number (Knuth, multiplicative hashing).
#[inline]
fn place(key: u32, power: u32) -> usize {
    (key.wrapping_mul(0x9e37_79b1) >> (u32::BITS - power)) as usize
}

/// Three bytes as a key.
#[inline]
pub(super) fn key([first, second, third]: [u8; KEY_BYTES]) -> u32 {
    u32::from_le_bytes([first, second, third, 0])
}

/// The key of a needle, and where it stands there: those of its bytes that are rarest in most texts. One that is too short
/// has none, and neither has one byte again and again, which texts are indented with.
fn rarest_key(needle: &[u8]) -> Option<(usize, u32)> {
    let rank = |byte: &u8| FREQUENT.iter().position(|frequent| frequent == byte).unwrap_or(FREQUENT.len());
    let keys = needle.array_windows().enumerate();
    let telling = keys.filter(|(_, bytes): &(usize, &[u8; KEY_BYTES])| bytes.iter().any(|byte| *byte != bytes[0]));
    let rarest = telling.max_by_key(|(_, bytes)| bytes.iter().map(rank).sum::<usize>());
    rarest.map(|(at, bytes)| (at, key(*bytes)))
}
