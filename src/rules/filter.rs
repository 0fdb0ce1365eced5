//! Which rules over text and over trees could match a text: an index of what they ask for.
//!
//! Of each rule the most telling needles lead. Three bytes of each, the rarest, are its key, so that one look at every
//! three bytes of a text finds all rules whose needles stand there (as Wu and Manber's algorithm for many patterns does with
//! blocks of two or three bytes). What is found so is compared, and only rules whose needles are there are asked any further
//! (`haystack`). The index is made with the rules and used where it is packed.

use super::Hook;
use super::needles::{Clause, Needles};
use super::pack::Bytes;

/// The bytes of a key.
pub(super) const KEY_BYTES: usize = 3;

/// The table has so many places for a key, as a power of two, so that few texts' bytes meet one that is taken ...
const PLACES_PER_KEY_POWER: u32 = 2;

/// ... and at most two to the power of this: two bytes each, they stay in a near cache.
const TABLE_POWER_MAX: u32 = 12;

/// Bytes of programs and prose, the most frequent first. Of all others, none is more frequent.
const FREQUENT: &[u8] = b" etaoinsrlcdupmfhg_.,()\"'=:-y/bvwk*#0x1[]{}";

/// Rules over text and trees, and where to look for which.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Filter {
    /// Each rule's hook and what it asks for.
    pub(super) rules: Vec<(Hook, Needles)>,
    pub(super) index: Index,
}

/// Where the leading needles of rules stand, by their keys. All numbers are packed.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Index {
    /// For each place of the table, where its entries begin; they end where those of the next place begin. 16 bits each.
    pub(super) places: Bytes,
    /// [`Entry`] after [`Entry`], three numbers of 32 bits each.
    pub(super) entries: Bytes,
    /// What leads in each rule: a [`Lead`] as one byte.
    pub(super) leads: Bytes,
}

/// A needle that leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    pub(super) key: u32,
    pub(super) rule: u16,
    /// Where the key stands in the needle.
    pub(super) key_at: u16,
    /// Where the needle stands in its clause, and how long it is there.
    pub(super) start: u16,
    pub(super) length: u16,
}

impl Entry {
    /// Numbers of an entry.
    pub(super) const NUMBERS: usize = 3;

    fn packed(self) -> [u32; Self::NUMBERS] {
        let both = |one: u16, other: u16| u32::from(one) << 16 | u32::from(other);
        [self.key, both(self.rule, self.key_at), both(self.start, self.length)]
    }

    /// The entry of these numbers.
    pub(super) fn of([key, rule, place]: [u32; Self::NUMBERS]) -> Self {
        let parts = |both: u32| ((both >> 16) as u16, both as u16);
        let ((rule, key_at), (start, length)) = (parts(rule), parts(place));
        Self { key, rule, key_at, start, length }
    }
}

/// Which needles of a rule lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lead {
    /// None: all are too short, or there are none.
    None,
    /// Those of its anchor.
    Anchor,
    /// Those of a clause.
    Clause(u8),
}

impl Lead {
    /// The longest needles lead, since they are the rarest.
    fn of(needles: &Needles) -> Self {
        let clauses = (0..).map(Self::Clause).zip(&needles.clauses);
        let all = needles.anchor.iter().map(|anchor| (Self::Anchor, &anchor.needles)).chain(clauses);
        let told = all.map(|(lead, clause)| (lead, clause.texts().map(str::len).min().unwrap_or(0)));
        let first = |best: (Self, usize), other: (Self, usize)| if other.1 > best.1 { other } else { best };
        match told.reduce(first) {
            Some((lead, shortest)) if shortest >= KEY_BYTES => lead,
            _ => Self::None,
        }
    }

    fn byte(self) -> u8 {
        match self {
            Self::None => 0,
            Self::Anchor => 1,
            Self::Clause(number) => number + 2,
        }
    }

    /// What leads in a rule.
    pub(super) fn in_rule(leads: &Bytes, rule: usize) -> Self {
        match leads.0.get(rule) {
            None | Some(0) => Self::None,
            Some(1) => Self::Anchor,
            Some(number) => Self::Clause(number - 2),
        }
    }

    /// The needles that lead.
    pub(super) fn clause(self, needles: &Needles) -> Option<&Clause> {
        match self {
            Self::None => None,
            Self::Anchor => needles.anchor.as_ref().map(|anchor| &anchor.needles),
            Self::Clause(number) => needles.clauses.get(usize::from(number)),
        }
    }
}

impl Filter {
    /// A filter of these rules.
    pub(super) fn new(rules: Vec<(Hook, Needles)>) -> Self {
        Self { index: Index::of(&rules), rules }
    }
}

impl Index {
    fn of(rules: &[(Hook, Needles)]) -> Self {
        let leads: Vec<Lead> = rules.iter().map(|(_, needles)| Lead::of(needles)).collect();
        let mut entries = Vec::new();
        for (rule, ((_, needles), lead)) in (0..).zip(rules.iter().zip(&leads)) {
            let clause = lead.clause(needles);
            entries.extend(clause.into_iter().flat_map(|clause| in_clause(rule, clause)));
        }
        let keys = u32::try_from(entries.len()).unwrap_or(u32::MAX).next_power_of_two().trailing_zeros();
        let power = (keys + PLACES_PER_KEY_POWER).min(TABLE_POWER_MAX);
        entries.sort_unstable_by_key(|entry| (place(entry.key, power), *entry));
        let begins = |at: u32| entries.partition_point(|entry| place(entry.key, power) < at as usize);
        let begins = (0..=1 << power).map(|at| u16::try_from(begins(at)).expect("rules have fewer needles"));
        let packed: Vec<u32> = entries.iter().flat_map(|entry| entry.packed()).collect();
        Self {
            places: Bytes::of_u16(&begins.collect::<Vec<u16>>()),
            entries: Bytes::of_u32(&packed),
            leads: Bytes(leads.into_iter().map(Lead::byte).collect()),
        }
    }

    /// How many places the table has, as a power of two.
    pub(super) fn power(&self) -> u32 {
        (self.places.0.len() / size_of::<u16>()).max(1).ilog2()
    }
}

/// The entries of a clause.
fn in_clause(rule: u16, clause: &Clause) -> impl Iterator<Item = Entry> {
    clause.places().map(move |(start, needle)| {
        let (key_at, key) = rarest_key(needle.text);
        let number = |at: usize| u16::try_from(at).expect("needles are short");
        Entry { key, rule, key_at: number(key_at), start: number(start.start), length: number(start.len()) }
    })
}

/// The place of a key in a table: the upper bits of its product with a large odd number (Knuth, multiplicative hashing).
#[inline]
pub(super) fn place(key: u32, power: u32) -> usize {
    (key.wrapping_mul(0x9e37_79b1) >> (u32::BITS - power)) as usize
}

/// Three bytes as a key.
#[inline]
pub(super) fn key([first, second, third]: [u8; KEY_BYTES]) -> u32 {
    u32::from_le_bytes([first, second, third, 0])
}

/// The key of a needle, and where it stands there: those of its bytes that are rarest in most texts.
fn rarest_key(needle: &[u8]) -> (usize, u32) {
    let rank = |byte: &u8| FREQUENT.iter().position(|frequent| frequent == byte).unwrap_or(FREQUENT.len());
    let keys = needle.array_windows().enumerate();
    let rarest = keys.max_by_key(|(_, bytes): &(usize, &[u8; KEY_BYTES])| bytes.iter().map(rank).sum::<usize>());
    rarest.map_or((0, 0), |(at, bytes)| (at, key(*bytes)))
}
