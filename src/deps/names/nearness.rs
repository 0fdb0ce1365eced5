//! Which well-known name another can be taken for: by a slip of the keyboard, by its parts in another order, by letters
//! that look alike, or by the `py` and `python` that are put before and after names.
//!
//! Nearness alone says little, because short names are near to one another by chance: it is asked for names of which
//! nothing else is known, and names the one that was meant. Of several, a much better known one is meant rather than one
//! that is a little nearer.

use super::Near;
use super::Resemblance as Like;
use super::table::Table;

/// Names of fewer letters are near to too many others.
const LETTERS_MIN: usize = 4;

/// Names of so many letters may differ in two of them from one up to this rank; shorter ones only from the best known.
const TWO_EDITS: [(usize, u32); 2] = [(8, 5_000), (6, 200)];

/// Names that attackers imitate though few install a package of that name: platforms, currencies and tools.
const BRANDS: &[&str] = &[
    "anthropic",
    "binance",
    "bitcoin",
    "chatgpt",
    "claude",
    "coinbase",
    "deepseek",
    "detectron2",
    "discord",
    "docker",
    "dogecoin",
    "ethereum",
    "exodus",
    "facebook",
    "github",
    "gitlab",
    "huggingface",
    "instagram",
    "kubernetes",
    "linkedin",
    "litecoin",
    "metamask",
    "microsoft",
    "minecraft",
    "openai",
    "opensea",
    "paypal",
    "polygon",
    "pytorch",
    "python",
    "roblox",
    "solana",
    "spotify",
    "telegram",
    "tensorflow-gpu",
    "tiktok",
    "twitter",
    "uniswap",
    "whatsapp",
    "youtube",
];

/// Bytes between the first and the last difference of two names; two edits lie seldom farther apart.
const REST_BYTES_MAX: usize = 24;

/// As how well known a brand counts.
const BRAND_RANK: u32 = 500;

/// What is put before and after names to say that they are for Python.
const AFFIXES: &[&str] = &["python", "python3", "py", "py3", "lib"];

/// What of each name can be compared at once, in the order of the table.
#[derive(Debug)]
pub(super) struct Nearness {
    names: Vec<Sketch>,
}

#[derive(Debug)]
struct Sketch {
    /// Which characters it has, those that look alike as one.
    mask: u64,
    /// Where its line begins.
    line: u32,
    rank: u32,
    letters: u8,
}

impl Nearness {
    pub(super) fn new(popular: &Table) -> Self {
        let sketch = |(line, name, rank): (usize, &str, &str)| Sketch {
            mask: mask(name),
            line: u32::try_from(line).unwrap_or(u32::MAX),
            rank: rank.parse().unwrap_or(u32::MAX),
            letters: u8::try_from(name.len()).unwrap_or(u8::MAX),
        };
        Self { names: popular.lines().map(sketch).collect() }
    }

    /// The name of `popular` that `name`, which it does not hold, can be taken for.
    pub(super) fn nearest(&self, popular: &Table, name: &str) -> Option<Near> {
        if name.len() < LETTERS_MIN {
            return None;
        }
        let asked = Asked::new(name);
        let affixed = affixed(name).into_iter().filter_map(|form| {
            let (target, rank) = popular.rows(&form).next()?;
            Some((Like::Affix, rank.parse::<u32>().ok()?, target))
        });
        let brands = BRANDS.iter().filter(|brand| **brand != name);
        let brands = brands.filter_map(|brand| Some((asked.resemblance(brand, BRAND_RANK)?, BRAND_RANK, *brand)));
        let close = self.names.iter().filter(|other| asked.may_resemble(other)).filter_map(|other| {
            let (target, _) = popular.at(other.line as usize);
            Some((asked.resemblance(target, other.rank)?, other.rank, target))
        });
        let all = affixed.chain(brands).chain(close);
        let (like, _, target) = all.min_by_key(|(like, rank, target)| (rank.saturating_mul(weight(*like)), *target))?;
        Some(Near { target: target.to_owned(), like })
    }
}

/// The name that is asked about, and what is compared of it with many others.
struct Asked<'n> {
    name: &'n str,
    mask: u64,
    skeleton: Vec<u8>,
    /// Its parts between hyphens, sorted; empty where it has one alone.
    parts: Vec<&'n str>,
}

impl<'n> Asked<'n> {
    fn new(name: &'n str) -> Self {
        let parts = if name.contains('-') { sorted_parts(name) } else { Vec::new() };
        Self { name, mask: mask(name), skeleton: skeleton(name).collect(), parts }
    }

    /// Whether it can resemble a name that is sketched so: an edit changes two characters at most.
    fn may_resemble(&self, other: &Sketch) -> bool {
        let changed_max = if other.rank <= TWO_EDITS[0].1 { 4 } else { 3 };
        (other.mask ^ self.mask).count_ones() <= changed_max
            && usize::from(other.letters).abs_diff(self.name.len()) <= 2
    }

    /// How it is like `target`, which so many names are downloaded more often than.
    fn resemblance(&self, target: &str, rank: u32) -> Option<Like> {
        let admits_two =
            |&(letters, rank_max): &(usize, u32)| self.name.len().min(target.len()) >= letters && rank <= rank_max;
        let edits_max = if TWO_EDITS.iter().any(admits_two) { 2 } else { 1 };
        let edits = edits(self.name.as_bytes(), target.as_bytes()).filter(|edits| *edits <= edits_max);
        if edits.is_some() && without_hyphens(self.name).eq(without_hyphens(target)) {
            return Some(Like::Hyphens);
        }
        if self.skeleton.iter().copied().eq(skeleton(target)) {
            return Some(Like::Letters);
        }
        let is_permuted =
            || self.name.len() == target.len() && target.contains('-') && self.parts == sorted_parts(target);
        match edits {
            Some(1) if target.len() >= LETTERS_MIN => Some(Like::OneEdit),
            _ if !self.parts.is_empty() && is_permuted() => Some(Like::Order),
            Some(2) => Some(Like::TwoEdits),
            _ => None,
        }
    }
}

/// How many times better known a name must be to be meant, though another is like this.
fn weight(like: Like) -> u32 {
    match like {
        Like::Hyphens | Like::Letters | Like::OneEdit => 1,
        Like::Order => 4,
        Like::Affix => 8,
        Like::TwoEdits => 20,
    }
}

/// How many letters more, less, another or exchanged with their neighbour lead from one name to the other, each part of
/// them edited once (the optimal string alignment); `None` where there are more than two.
fn edits(a: &[u8], b: &[u8]) -> Option<usize> {
    let before = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let (a, b) = (&a[before..], &b[before..]);
    let after = a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count();
    let (a, b) = (&a[..a.len() - after], &b[..b.len() - after]);
    if a.len().max(b.len()) > REST_BYTES_MAX || a.len().abs_diff(b.len()) > 2 {
        return None;
    }
    let mut rows = [[0_usize; REST_BYTES_MAX + 1]; 3];
    rows[0] = std::array::from_fn(|at| at);
    for at in 1..=a.len() {
        let (row, above, two_above) = (at % 3, (at + 2) % 3, (at + 1) % 3);
        rows[row][0] = at;
        for to in 1..=b.len() {
            let other = usize::from(a[at - 1] != b[to - 1]);
            let mut least = (rows[above][to - 1] + other).min(rows[above][to] + 1).min(rows[row][to - 1] + 1);
            if at > 1 && to > 1 && a[at - 1] == b[to - 2] && a[at - 2] == b[to - 1] {
                least = least.min(rows[two_above][to - 2] + 1);
            }
            rows[row][to] = least;
        }
    }
    Some(rows[a.len() % 3][b.len()]).filter(|edits| *edits <= 2)
}

/// The name with each affix taken away, put before it, put after it, or exchanged for another.
fn affixed(name: &str) -> Vec<String> {
    let mut cores = vec![name];
    for affix in AFFIXES {
        let before = name.strip_prefix(affix).map(|core| core.strip_prefix('-').unwrap_or(core));
        let after = name.strip_suffix(affix).map(|core| core.strip_suffix('-').unwrap_or(core));
        cores.extend(before.into_iter().chain(after).filter(|core| core.len() >= LETTERS_MIN));
    }
    let mut forms: Vec<String> = cores[1..].iter().map(ToString::to_string).collect();
    for core in cores {
        for affix in &AFFIXES[..4] {
            forms.extend([format!("{affix}-{core}"), format!("{core}-{affix}"), format!("{affix}{core}")]);
        }
    }
    forms.retain(|form| form != name);
    forms
}

/// A bit for each character; those that look alike share one.
fn mask(name: &str) -> u64 {
    name.bytes().map(alike).fold(0, |mask, byte| mask | 1 << (byte & 63))
}

/// The letter that a character looks like.
fn alike(byte: u8) -> u8 {
    match byte {
        b'0' => b'o',
        b'1' | b'i' => b'l',
        b'5' => b's',
        byte => byte,
    }
}

/// The name as it looks: letters for the digits that look like them, and one for two that do.
fn skeleton(name: &str) -> impl Iterator<Item = u8> + '_ {
    let mut bytes = name.bytes().map(alike).peekable();
    std::iter::from_fn(move || {
        let byte = bytes.next()?;
        Some(match byte {
            b'r' if bytes.next_if_eq(&b'n').is_some() => b'm',
            b'v' if bytes.next_if_eq(&b'v').is_some() => b'w',
            byte => byte,
        })
    })
}

fn without_hyphens(name: &str) -> impl Iterator<Item = u8> + '_ {
    name.bytes().filter(|byte| *byte != b'-')
}

fn sorted_parts(name: &str) -> Vec<&str> {
    let mut parts: Vec<&str> = name.split('-').collect();
    parts.sort_unstable();
    parts
}

#[cfg(test)]
mod tests {
    use super::super::NameData;
    use super::*;

    #[test]
    fn edits_are_counted_as_by_the_reference() {
        let words =
            ["abc", "acb", "ab", "abcd", "bac", "abdc", "xbc", "numpy", "nmupy", "numpyy", "nunpy", "munpy", "a", ""];
        for a in words {
            for b in words {
                let reference = Some(strsim::osa_distance(a, b)).filter(|edits| *edits <= 2);
                assert_eq!(edits(a.as_bytes(), b.as_bytes()), reference, "{a} {b}");
            }
        }
    }

    #[test]
    fn each_trick_names_what_it_resembles() {
        let cases = [
            ("reqeusts", "requests", Like::OneEdit),
            ("requets", "requests", Like::OneEdit),
            ("dateutil-python", "python-dateutil", Like::Order),
            ("typingextensions", "typing-extensions", Like::Hyphens),
            ("p1llow", "pillow", Like::Letters),
            ("nurnpy", "numpy", Like::Letters),
            ("matplottlip", "matplotlib", Like::TwoEdits),
            ("python-requests", "requests", Like::Affix),
            ("beautifulsoop", "beautifulsoup4", Like::TwoEdits),
            ("reqest", "requests", Like::TwoEdits),
            ("etherium", "ethereum", Like::OneEdit),
        ];
        for (name, target, like) in cases {
            let near = NameData::builtin().nearest(name);
            assert_eq!(near.map(|near| (near.target, near.like)), Some((target.to_owned(), like)), "{name}");
        }
        for name in ["abc", "zzzzqqqqxxxx", "entirely-own-name-of-nobody"] {
            assert_eq!(NameData::builtin().nearest(name), None, "{name}");
        }
    }
}
