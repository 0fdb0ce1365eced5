//! What stands before a needle, where that tells more than the needle alone.
//!
//! A rule about queries in strings asks for `with` as a word of one, and most Python files hold that word somewhere. But
//! in every match a quote stands before it, with nothing between them but spaces and brackets. That is derived from the
//! expression as needles are, and so it cannot be wrong about it either.

use std::ops::Range;

use regex_syntax::hir::{Class, Hir, HirKind};

use super::needles::{self, Clause, OneOf, exact, side_by_side, usable};

/// Bytes, letters of ASCII in lower case.
type Bytes = [u64; 4];

/// How far one looks to the left of a needle for what must stand there; behind that, anything may.
const LEFT_BYTES_MAX: usize = 64;

/// How far to the left of a needle a match can begin; if it could begin before, it could begin anywhere.
const LEAD_BYTES_MAX: usize = 256;

/// An anchor that lets more bytes than this be before its needles says too little of what stands there.
const BYTES_MAX: u32 = 32;

/// What is as short as a character may be anything at the beginning of a match.
const FAR_BYTES_MAX: usize = 4;

/// All bytes.
const ALL: Bytes = [u64::MAX; 4];

/// Needles, one of which every match holds, and what every match has to the left of that one.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Anchor {
    pub(super) needles: Clause,
    /// What may stand between.
    pub(super) between: Bytes,
    /// One of these stands to its left; if it is any, that need not be.
    pub(super) before: Bytes,
    /// All that a match can hold to the left of it, ...
    pub(super) lead: Bytes,
    /// ... but for so many bytes at its beginning.
    pub(super) far: u8,
}

impl Anchor {
    /// Whether it says nothing of what is to the left of a needle, but where a match can begin.
    pub(super) fn is_open(&self) -> bool {
        self.before == ALL
    }

    /// Whether what is to the left of a needle lets it be one of a match.
    pub(super) fn fits(&self, left: &[u8]) -> bool {
        if self.is_open() {
            return true;
        }
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
        let run = left.iter().rev().take(LEAD_BYTES_MAX).take_while(|&&byte| holds(&self.lead, byte)).count();
        let end = left.len() + usize::from(self.is_open());
        (run < LEAD_BYTES_MAX).then(|| left.len().saturating_sub(run + usize::from(self.far))..end)
    }
}

/// The anchor of an expression, where it has one.
pub(super) fn of_hir(hir: &Hir) -> Option<Anchor> {
    let Found { needles, mut anchor, is_open, .. } = find(hir)?;
    anchor.needles = Clause::of(&needles);
    if is_open || count(merged(anchor.between, anchor.before)) > BYTES_MAX {
        (anchor.between, anchor.before) = (Bytes::default(), ALL);
    }
    Some(anchor)
}

/// An anchor of a part of an expression.
struct Found {
    needles: OneOf,
    /// All else of it.
    anchor: Anchor,
    /// What may stand at the beginning that `anchor.far` is about.
    far: Bytes,
    /// Whether a match of the part can begin with a needle, or with what may stand before it.
    is_open: bool,
}

impl Found {
    /// Needles with which the part begins.
    fn begins(needles: Vec<String>) -> Option<Self> {
        let (between, before, lead) = (Bytes::default(), Bytes::default(), Bytes::default());
        let anchor = Anchor { needles: Clause::default(), between, before, lead, far: 0 };
        Some(Self { needles: usable(needles)?, anchor, far: Bytes::default(), is_open: true })
    }

    /// How much it tells: whether few bytes lead to a needle, and how long the shortest is.
    fn worth(&self) -> (bool, usize) {
        let shortest = self.needles.iter().map(|needle| needles::bytes(needle)).min().unwrap_or(0);
        (count(self.anchor.lead) <= BYTES_MAX, shortest)
    }

    /// The same with these parts to its left.
    fn behind(mut self, parts: &[Hir]) -> Self {
        for part in parts.iter().rev() {
            let own = bytes_of(part);
            self.lead(own, part.properties().maximum_len());
            if !self.is_open {
                continue;
            }
            let may_be_empty = part.properties().minimum_len().is_none_or(|length| length == 0);
            let bytes = if may_be_empty { &mut self.anchor.between } else { &mut self.anchor.before };
            *bytes = merged(*bytes, own);
            self.is_open = may_be_empty;
        }
        self
    }

    /// Adds what stands further to the left, of so many bytes at most.
    fn lead(&mut self, own: Bytes, length_max: Option<usize>) {
        let far = length_max.map(|length| length + usize::from(self.anchor.far)).filter(|far| *far <= FAR_BYTES_MAX);
        match far.and_then(|far| u8::try_from(far).ok()) {
            Some(far) if self.anchor.far > 0 || count(own) > BYTES_MAX => {
                (self.anchor.far, self.far) = (far, merged(self.far, own));
            }
            _ => {
                self.anchor.lead = merged(merged(self.anchor.lead, own), std::mem::take(&mut self.far));
                self.anchor.far = 0;
            }
        }
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
    one.anchor.lead = merged(one.anchor.lead, other.anchor.lead);
    one.anchor.far = one.anchor.far.max(other.anchor.far);
    one.far = merged(one.far, other.far);
    one.is_open |= other.is_open;
    one
}

/// The anchor of a sequence that tells most, the first of these. What stands side by side makes one needle.
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
    all.into_iter().reduce(|best, other| if other.worth() > best.worth() { other } else { best })
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

fn count(bytes: Bytes) -> u32 {
    bytes.iter().map(|bits| bits.count_ones()).sum()
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
        /// An expression; its needles, and what may stand between and before where something must.
        type Case = (&'static str, &'static [&'static str], Option<(&'static str, &'static str)>);
        let cases: &[Case] = &[
            (r#"(?i-u)"\s*(?:\(\s*)?(?:select|with)\s"#, &["select", "with"], Some(("\t\n\u{b}\u{c}\r (", "\""))),
            (r#"("[ ]*|')(?:one|two)"#, &["one", "two"], Some(("", " \"'"))),
            (r#"(?:"|'+)\b(ab|'[ (]*cd)e"#, &["ab", "cd"], Some((" (", "\"'"))),
            (r#"[A-Z]x?"(ab)+"#, &["ab"], Some(("", "\""))),
            // What can begin with a needle has nothing before it, and before some stands nearly anything.
            (r#""?(ab)+"#, &["ab"], None),
            (r"[^a](ab)+", &["ab"], None),
            // What few bytes lead to tells more than what is longer.
            (r#""[ ]*(?:ab)[^x]*long"#, &["ab"], Some((" ", "\""))),
        ];
        for (regex, wanted, before) in cases {
            let anchor = of_hir(&regex_syntax::parse(regex).unwrap()).unwrap();
            assert_eq!(anchor.needles.texts().collect::<Vec<_>>(), *wanted, "{regex}");
            let found = (!anchor.is_open()).then(|| (shown(&anchor.between), shown(&anchor.before)));
            assert_eq!(found, before.map(|(between, before)| (between.to_owned(), before.to_owned())), "{regex}");
        }
        assert_eq!(of_hir(&regex_syntax::parse("x+(a|b)").unwrap()), None);
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
        assert_eq!(anchor.starts(" ".repeat(LEAD_BYTES_MAX).as_bytes()), None);
    }

    #[test]
    fn matches_begin_where_all_before_the_needle_may_be_part_of_them() {
        /// An expression, what is to the left of its needle, and where a match can begin.
        type Case = (&'static str, &'static str, Option<Range<usize>>);
        let cases: &[Case] = &[
            // The needle itself may be the beginning.
            (r"(?m)^[ \t]*import", "x\n  ", Some(2..5)),
            (r"[\w-]*secret", "x = api_", Some(4..9)),
            // At the beginning, one character may be any.
            (r#"(?-u)(?u:[^\w])"\s*select"#, "xé\" ", Some(0..5)),
            (r#"(?-u)(?:^|(?u:[^\w]))"\s*select"#, "abcdefg\" ", Some(3..9)),
            // What stands before that may be anything of its own.
            (r#"(?-u)[a-c]*(?u:[^\w])"\s*select"#, "cab+\" ", Some(0..6)),
            (r#"(?-u)x{5}(?u:[^\w])"\s*select"#, "xxxxx+\" ", Some(0..8)),
            (r"a|[^x]*select", "", None),
        ];
        for (regex, left, wanted) in cases {
            let anchor = of_hir(&regex_syntax::parse(regex).unwrap());
            assert_eq!(anchor.and_then(|anchor| anchor.starts(left.as_bytes())), *wanted, "{regex} {left:?}");
        }
    }
}
