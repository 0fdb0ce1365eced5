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
    /// Where its line begins.
    line: u32,
    letters: u8,
    /// Which characters it has, those that look alike as one.
    mask: u64,
}

impl Nearness {
    pub(super) fn new(popular: &Table) -> Self {
        let sketch = |(line, name, _): (usize, &str, &str)| Sketch {
            line: u32::try_from(line).unwrap_or(u32::MAX),
            letters: u8::try_from(name.len()).unwrap_or(u8::MAX),
            mask: mask(name),
        };
        Self { names: popular.lines().map(sketch).collect() }
    }

    /// The name of `popular` that `name`, which it does not hold, can be taken for.
    pub(super) fn nearest(&self, popular: &Table, name: &str) -> Option<Near> {
        if name.len() < LETTERS_MIN {
            return None;
        }
        let own = mask(name);
        let affixed = affixed(name).into_iter().filter_map(|form| {
            let (target, rank) = popular.rows(&form).next()?;
            Some((Like::Affix, rank.parse::<u32>().ok()?, target))
        });
        let brands = BRANDS
            .iter()
            .filter(|brand| **brand != name)
            .filter_map(|brand| resemblance(name, brand, BRAND_RANK).map(|like| (like, BRAND_RANK, *brand)));
        let close = self.names.iter().filter(|other| {
            usize::from(other.letters).abs_diff(name.len()) <= 2 && (other.mask ^ own).count_ones() <= 4
        });
        let close = close.filter_map(|other| {
            let (target, rank) = popular.at(other.line as usize);
            let rank = rank.parse::<u32>().ok()?;
            Some((resemblance(name, target, rank)?, rank, target))
        });
        let all = affixed.chain(brands).chain(close);
        let (like, _, target) = all.min_by_key(|(like, rank, target)| (rank.saturating_mul(weight(*like)), *target))?;
        Some(Near { target: target.to_owned(), like })
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

/// How `name` is like `target`, which so many names are downloaded more often than.
fn resemblance(name: &str, target: &str, rank: u32) -> Option<Like> {
    if without_hyphens(name).eq(without_hyphens(target)) {
        return Some(Like::Hyphens);
    }
    if name.len() == target.len() && name.contains('-') && sorted_parts(name) == sorted_parts(target) {
        return Some(Like::Order);
    }
    if skeleton(name) == skeleton(target) {
        return Some(Like::Letters);
    }
    if target.len() < LETTERS_MIN {
        return None;
    }
    let admits_two = |&(letters, rank_max): &(usize, u32)| name.len().min(target.len()) >= letters && rank <= rank_max;
    match strsim::osa_distance(name, target) {
        1 => Some(Like::OneEdit),
        2 if TWO_EDITS.iter().any(admits_two) => Some(Like::TwoEdits),
        _ => None,
    }
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
fn skeleton(name: &str) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::with_capacity(name.len());
    for byte in name.bytes().map(alike) {
        match (out.last(), byte) {
            (Some(b'r'), b'n') => *out.last_mut().expect("it has one") = b'm',
            (Some(b'v'), b'v') => *out.last_mut().expect("it has one") = b'w',
            _ => out.push(byte),
        }
    }
    out
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
