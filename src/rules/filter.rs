//! Which rules over text and over trees could match a text: an index of what they ask for.
//!
//! Three bytes of each needle, the rarest, are its key, so that one look at every three bytes of a text finds all needles
//! that stand there (as Wu and Manber's algorithm for many patterns does with blocks of two or three bytes). Most bytes are
//! no key, which one bit tells. The index is made with the rules and used where it is packed; a `haystack` is looked
//! through with it.

use super::Hook;
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
    /// Each rule's hook and what it asks for.
    pub(super) rules: Vec<(Hook, Needles)>,
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
    /// Whether the needles of a unit are in here, one byte each. The units of a rule are its anchor and its clauses, those
    /// of all rules one after the other.
    pub(super) units: Bytes,
    /// Whether every rule has such a unit, so that none matches where no key stands.
    pub(super) is_whole: bool,
}

/// A needle that is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    pub(super) key: u32,
    pub(super) rule: u16,
    pub(super) unit: u16,
    /// Where its text stands in its clause, and how long it is.
    pub(super) start: u16,
    pub(super) length: u16,
    /// Where the key stands in it.
    pub(super) key_at: u16,
    /// Which clause of the rule's it is of: the anchor's, or one of the others.
    pub(super) part: u8,
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
        let last = u16::from_be_bytes([self.part, self.flags]);
        [self.key, both(self.rule, self.unit), both(self.start, self.length), both(self.key_at, last)]
    }

    /// The entry of these numbers.
    pub(super) fn of([key, unit, text, rest]: [u32; Self::NUMBERS]) -> Self {
        let parts = |both: u32| ((both >> 16) as u16, both as u16);
        let ((rule, unit), (start, length), (key_at, last)) = (parts(unit), parts(text), parts(rest));
        let [part, flags] = last.to_be_bytes();
        Self { key, rule, unit, start, length, key_at, part, flags }
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
        Self { index: Index::of(&rules), rules }
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
        let (mut entries, mut all, mut is_whole) = (Vec::new(), Vec::new(), true);
        for (rule, (_, needles)) in rules.iter().enumerate() {
            let first = all.len();
            for (part, clause) in units(needles) {
                let placed = if part == 0 || (part == HEADS && needles.heads) { Entry::PLACED } else { 0 };
                let own = in_clause(clause, (rule, all.len(), part), placed);
                let own = own.filter(|own| entries.len() + own.len() < usize::from(u16::MAX));
                all.push(u8::from(own.is_some()));
                entries.extend(own.into_iter().flatten());
            }
            is_whole &= all[first..].contains(&1);
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
        let slots = Bytes::of_u16(&slots(&entries, keys + 1));
        Self { bits: Bytes(bits.into()), entries: Bytes::of_u32(&packed), slots, units: Bytes(all.into()), is_whole }
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
        own.map(|entry| Entry::of(entry.map(u32::from_le_bytes)))
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

/// The entries of a clause; `None` where a needle has no key, or a number is larger than an entry can hold. What is not in the
/// index is searched for by itself.
fn in_clause(clause: &Clause, (rule, unit, part): (usize, usize, usize), placed: u8) -> Option<Vec<Entry>> {
    let (rule, unit, part) = (u16::try_from(rule).ok()?, u16::try_from(unit).ok()?, u8::try_from(part).ok()?);
    let edge = |is_there: bool, flag: u8| if is_there { flag } else { 0 };
    let entry = |(start, needle): (usize, Needle<'_>)| {
        let (key_at, key) = rarest_key(needle.text)?;
        let (start, key_at) = (u16::try_from(start).ok()?, u16::try_from(key_at).ok()?);
        let length = u16::try_from(needle.text.len()).ok()?;
        let edges = edge(needle.edges.0, Entry::EDGE_BEFORE) | edge(needle.edges.1, Entry::EDGE_BEHIND);
        Some(Entry { key, rule, unit, start, length, key_at, part, flags: edges | placed })
    };
    clause.places().map(entry).collect()
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
