//! Maps from names to lists.

use std::collections::BTreeMap;
use std::ops::Range;

use super::pack::Bytes;
use super::rule::Text;
use super::tables::Hook;

/// A map from names to lists that never changes once it is made. It is packed as it is used, so that of a packed one only
/// the lists are read before it is asked.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Table<L> {
    /// The keys, sorted, one behind the other.
    pub(super) keys: Text,
    /// For each key where it begins in `keys`, and where its list begins in `lists`; both end where the next begin, and
    /// behind the last key stand the ends of both.
    pub(super) places: Bytes,
    /// The lists, one behind the other.
    pub(super) lists: L,
    /// One more than the number of a key, at the first free place from its hash on; a power of two of places.
    pub(super) slots: Bytes,
}

/// Lists, one behind the other.
pub(super) trait Lists: Default {
    /// What they hold.
    type One;

    /// Those that hold all of this.
    fn of(all: Vec<Self::One>) -> Self;
}

impl<T> Lists for Vec<T> {
    type One = T;

    fn of(all: Self) -> Self {
        all
    }
}

/// Numbers of 16 bits, read when they are asked for.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Numbers(pub(super) Bytes);

impl Lists for Numbers {
    type One = u16;

    fn of(all: Vec<u16>) -> Self {
        Self(Bytes::of_u16(&all))
    }
}

/// Hooks, read when they are asked for: the number of a rule and that of its matcher, of 16 bits each.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Hooks(pub(super) Bytes);

impl Lists for Hooks {
    type One = Hook;

    fn of(all: Vec<Hook>) -> Self {
        let number = |number: usize| u16::try_from(number).expect("folders and files of rules are too small for more");
        let numbers: Vec<u16> = all.iter().flat_map(|hook| [number(hook.rule), number(hook.matcher)]).collect();
        Self(Bytes::of_u16(&numbers))
    }
}

impl Table<Hooks> {
    /// The hooks of a key.
    pub(super) fn hooks(&self, key: &str) -> impl Iterator<Item = Hook> {
        let number = |at: usize| usize::from(self.lists.0.u16(at));
        self.place(key).map(move |at| Hook { rule: number(at * 2), matcher: number(at * 2 + 1) })
    }
}

impl<L: Lists> Table<L> {
    /// A table of these lists. More names than a number of 16 bits counts are not made by any folder of rules.
    pub(super) fn new(lists: BTreeMap<String, Vec<L::One>>) -> Self {
        if lists.is_empty() {
            return Self::default();
        }
        let mut slots = vec![0_u16; (lists.len() * 2).next_power_of_two()];
        let (mut keys, mut places, mut all) = (String::new(), Vec::new(), Vec::new());
        let place = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        for (key, list) in lists.into_iter().take(usize::from(u16::MAX)) {
            places.extend([place(keys.len()), place(all.len())]);
            let free = steps(slots.len(), &key).find(|&free| slots[free] == 0);
            if let (Some(free), Ok(number)) = (free, u16::try_from(places.len() / 2)) {
                slots[free] = number;
            }
            keys.push_str(&key);
            all.extend(list);
        }
        places.extend([place(keys.len()), place(all.len())]);
        Self { keys: keys.into(), places: Bytes::of_u32(&places), lists: L::of(all), slots: Bytes::of_u16(&slots) }
    }
}

impl<L> Table<L> {
    /// How many keys there are.
    fn len(&self) -> usize {
        (self.places.0.len() / 8).saturating_sub(1)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.places.0.is_empty()
    }

    /// The key with a number.
    fn key(&self, number: usize) -> &str {
        &self.keys[self.places.u32(number * 2) as usize..self.places.u32(number * 2 + 2) as usize]
    }

    /// The number of a key.
    pub(super) fn number(&self, key: &str) -> Option<usize> {
        if self.is_empty() {
            return None;
        }
        for slot in steps(self.slots.0.len() / 2, key) {
            match self.slots.u16(slot) {
                0 => return None,
                number if self.key(usize::from(number) - 1) == key => return Some(usize::from(number) - 1),
                _ => {}
            }
        }
        None
    }

    /// Whether a key begins so.
    pub(super) fn has_within(&self, beginning: &str) -> bool {
        let (mut first, mut end) = (0, self.len());
        while first < end {
            let middle = usize::midpoint(first, end);
            if self.key(middle) < beginning {
                first = middle + 1;
            } else {
                end = middle;
            }
        }
        first < self.len() && self.key(first).starts_with(beginning)
    }

    /// Where the list of a key stands in all.
    pub(super) fn place(&self, key: &str) -> Range<usize> {
        let end = |number: usize| self.places.u32(number * 2 + 1) as usize;
        self.number(key).map_or(0..0, |number| end(number)..end(number + 1))
    }
}

/// All of so many slots, from that of the key's hash on.
fn steps(slots: usize, key: &str) -> impl Iterator<Item = usize> + use<> {
    let mask = slots - 1;
    let hash = key.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    (0..slots).map(move |step| (hash as usize ^ (hash >> 15) as usize).wrapping_add(step) & mask)
}
