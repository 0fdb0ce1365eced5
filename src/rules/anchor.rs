//! What stands before a needle, where that tells more than the needle alone.
//!
//! A rule about queries in strings asks for `with` as a word of one, and most Python files hold that word somewhere. But
//! in every match a quote stands before it, with nothing between them but spaces and brackets. That is derived from the
//! expression as needles are, and so it cannot be wrong about it either.

use std::ops::Range;

use regex_syntax::hir::{Class, Hir, HirKind};

use super::needles::{Clause, OneOf, exact, side_by_side, usable};

/// Bytes, letters of ASCII in lower case.
type Bytes = [u64; 4];

/// How far one looks to the left of a needle; behind that, anything may stand there.
const LEFT_BYTES_MAX: usize = 64;

/// An anchor that lets more bytes than this be before its needles says too little.
const BYTES_MAX: u32 = 32;

/// Needles, one of which every match holds, and what every match has to the left of that one.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Anchor {
    pub(super) needles: Clause,
    /// What may stand between.
    pub(super) between: Bytes,
    /// One of these stands to its left.
    pub(super) before: Bytes,
    /// All that a match can hold to the left of it, where that is little.
    pub(super) lead: Option<Bytes>,
}

impl Anchor {
    /// Whether what is to the left of a needle lets it be one of a match.
    pub(super) fn fits(&self, left: &[u8]) -> bool {
        for (count, &byte) in left.iter().rev().enumerate() {
            if holds(&self.before, byte) || count == LEFT_BYTES_MAX {
                return true;
            }
            if !holds(&self.between, byte) {
                return false;
            }
        }
        false
    }

    /// Where a match can begin whose needle has this to its left; `None` where that could be anywhere.
    pub(super) fn starts(&self, left: &[u8]) -> Option<Range<usize>> {
        let lead = self.lead.as_ref()?;
        let run = left.iter().rev().take(LEFT_BYTES_MAX).take_while(|&&byte| holds(lead, byte)).count();
        (run < LEFT_BYTES_MAX).then(|| left.len() - run..left.len())
    }
}

/// The anchor of an expression, where it has a telling one.
pub(super) fn of_hir(hir: &Hir) -> Option<Anchor> {
    let Found { needles, mut anchor, is_open } = find(hir)?;
    anchor.needles = Clause::of(&needles);
    let few = |bytes: &Bytes| bytes.iter().map(|bits| bits.count_ones()).sum::<u32>() <= BYTES_MAX;
    anchor.lead = anchor.lead.filter(few);
    let bytes = merged(anchor.between, anchor.before);
    (!is_open && few(&bytes)).then_some(anchor)
}

/// An anchor of a part of an expression.
struct Found {
    needles: OneOf,
    /// All else of it.
    anchor: Anchor,
    /// Whether a match of the part can begin with a needle, or with what may stand before it.
    is_open: bool,
}

impl Found {
    /// Needles with which the part begins.
    fn begins(needles: Vec<String>) -> Option<Self> {
        let (between, before, lead) = (Bytes::default(), Bytes::default(), Some(Bytes::default()));
        let anchor = Anchor { needles: Clause::default(), between, before, lead };
        Some(Self { needles: usable(needles)?, anchor, is_open: true })
    }

    /// The bytes of the shortest needle.
    fn shortest(&self) -> usize {
        self.needles.iter().map(String::len).min().unwrap_or(0)
    }

    /// The same with these parts to its left.
    fn behind(mut self, parts: &[Hir]) -> Self {
        for part in parts.iter().rev() {
            self.anchor.lead = self.anchor.lead.map(|lead| merged(lead, bytes_of(part)));
            if !self.is_open {
                continue;
            }
            let may_be_empty = part.properties().minimum_len().is_none_or(|length| length == 0);
            let bytes = if may_be_empty { &mut self.anchor.between } else { &mut self.anchor.before };
            *bytes = merged(*bytes, bytes_of(part));
            self.is_open = may_be_empty;
        }
        self
    }
}

/// The recursion is as deep as the parser of regular expressions allows.
fn find(hir: &Hir) -> Option<Found> {
    if let Some(all) = exact(hir) {
        return Found::begins(all);
    }
    match hir.kind() {
        HirKind::Capture(capture) => find(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => find(&repetition.sub),
        HirKind::Alternation(branches) => {
            let branches = branches.iter().map(find).collect::<Option<Vec<Found>>>()?;
            let found = branches.into_iter().reduce(either)?;
            Some(Found { needles: usable(found.needles)?, ..found })
        }
        HirKind::Concat(parts) => in_concat(parts),
        _ => None,
    }
}

/// What is found in one branch or the other.
fn either(mut one: Found, other: Found) -> Found {
    one.needles.extend(other.needles);
    one.anchor.between = merged(one.anchor.between, other.anchor.between);
    one.anchor.before = merged(one.anchor.before, other.anchor.before);
    one.anchor.lead = one.anchor.lead.zip(other.anchor.lead).map(|(one, other)| merged(one, other));
    one.is_open |= other.is_open;
    one
}

/// The anchor of a sequence with the longest needles, the first of these. What stands side by side makes one needle.
fn in_concat(parts: &[Hir]) -> Option<Found> {
    let mut all: Vec<Found> = Vec::new();
    let mut at = 0;
    while at < parts.len() {
        let mut run = vec![String::new()];
        let mut end = at;
        while let Some(longer) = parts.get(end).and_then(exact).and_then(|own| side_by_side(&run, &own)) {
            run = longer;
            end += 1;
        }
        let found = if end > at { Found::begins(run) } else { find(&parts[at]) };
        all.extend(found.map(|found| found.behind(&parts[..at])));
        at = end.max(at + 1);
    }
    all.into_iter().reduce(|best, other| if other.shortest() > best.shortest() { other } else { best })
}

/// All bytes that a match can hold.
fn bytes_of(hir: &Hir) -> Bytes {
    let mut all = Bytes::default();
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => literal.0.iter().for_each(|&byte| add(&mut all, byte)),
        HirKind::Class(Class::Bytes(class)) => {
            class.iter().flat_map(|range| range.start()..=range.end()).for_each(|byte| add(&mut all, byte));
        }
        HirKind::Class(Class::Unicode(class)) => {
            for range in class.iter() {
                let ascii = (range.start()..=range.end()).map_while(|char| u8::try_from(char).ok());
                ascii.filter(u8::is_ascii).for_each(|byte| add(&mut all, byte));
                if !range.end().is_ascii() {
                    (0x80..=u8::MAX).for_each(|byte| add(&mut all, byte));
                }
            }
        }
        HirKind::Repetition(repetition) => all = bytes_of(&repetition.sub),
        HirKind::Capture(capture) => all = bytes_of(&capture.sub),
        HirKind::Concat(parts) => all = parts.iter().map(bytes_of).fold(all, merged),
        HirKind::Alternation(branches) => all = branches.iter().map(bytes_of).fold(all, merged),
    }
    all
}

fn add(bytes: &mut Bytes, byte: u8) {
    let byte = byte.to_ascii_lowercase();
    bytes[usize::from(byte / 64)] |= 1 << (byte % 64);
}

fn holds(bytes: &Bytes, byte: u8) -> bool {
    bytes[usize::from(byte / 64)] >> (byte % 64) & 1 == 1
}

fn merged(one: Bytes, other: Bytes) -> Bytes {
    std::array::from_fn(|at| one[at] | other[at])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(bytes: &Bytes) -> String {
        (0..=u8::MAX).filter(|byte| holds(bytes, *byte)).map(char::from).collect()
    }

    #[test]
    fn a_regex_tells_what_stands_before_its_needles() {
        /// An expression; its needles, and what may stand between and before.
        type Case = (&'static str, Option<(&'static [&'static str], &'static str, &'static str)>);
        let cases: &[Case] = &[
            (r#"(?i-u)"\s*(?:\(\s*)?(?:select|with)\s"#, Some((&["select", "with"], "\t\n\u{b}\u{c}\r (", "\""))),
            (r#"("[ ]*|')(?:one|two)"#, Some((&["one", "two"], "", " \"'"))),
            (r#"(?:"|'+)\b(ab|'[ (]*cd)e"#, Some((&["ab", "cd"], " (", "\"'"))),
            (r#"[A-Z]x?"(ab)+"#, Some((&["ab"], "", "\""))),
            // What can begin with a needle has nothing before it, and before some stands nearly anything.
            (r#""?(ab)+"#, None),
            (r"[^a](ab)+", None),
            (r"x+(a|b)", None),
        ];
        for (regex, wanted) in cases {
            let anchor = of_hir(&regex_syntax::parse(regex).unwrap());
            let needles = |anchor: &Anchor| anchor.needles.iter().map(str::to_owned).collect::<Vec<_>>();
            let found = anchor.as_ref().map(|anchor| (needles(anchor), shown(&anchor.between), shown(&anchor.before)));
            let wanted = wanted.map(|(needles, between, before)| {
                (
                    needles.iter().map(|&needle| needle.to_owned()).collect::<Vec<_>>(),
                    between.to_owned(),
                    before.to_owned(),
                )
            });
            assert_eq!(found.map(|(needles, between, before)| (needles.clone(), between, before)), wanted, "{regex}");
        }
    }

    #[test]
    fn what_is_to_the_left_decides() {
        let anchor = of_hir(&regex_syntax::parse(r#"["'][ (]*with\w"#).unwrap()).unwrap();
        let cases =
            [("x = \"", true), ("x = ' ( ", true), ("x = '\n", false), (" (", false), ("", false), ("'a", false)];
        for (left, wanted) in cases {
            assert_eq!(anchor.fits(left.as_bytes()), wanted, "{left:?}");
        }
        assert!(anchor.fits(" ".repeat(LEFT_BYTES_MAX + 1).as_bytes()));
        assert!(!anchor.fits(" ".repeat(LEFT_BYTES_MAX).as_bytes()));
        // A match begins somewhere in what it may hold before the needle.
        for (left, wanted) in [("x=\"", Some(2..3)), ("x = ' ( ", Some(3..8)), ("", Some(0..0))] {
            assert_eq!(anchor.starts(left.as_bytes()), wanted, "{left:?}");
        }
        assert_eq!(anchor.starts(" ".repeat(LEFT_BYTES_MAX).as_bytes()), None);
    }
}
