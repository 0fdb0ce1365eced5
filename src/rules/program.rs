//! Regular expressions as small programs, which are made with the rules and need nothing compiled at run time.
//!
//! To compile one expression takes as long as to vet a small file, and most expressions are only asked whether they match
//! at a few places. A program answers that at once. It is what a backtracking matcher does, step by step, in the order in
//! which the expression prefers its matches, so that what it finds is what the `regex` crate finds. `quick` runs it.
//!
//! Of characters beyond ASCII a program knows little: a class holds all of them, none, or says that it does not know. An
//! expression that is too large, or whose loops may go round in place, has no program.

use std::collections::BTreeSet;

use regex_syntax::hir::{Class, Hir, HirKind, Look, Repetition};

use super::pack::Bytes;

/// Bytes of a program, at most.
const BYTES_MAX: usize = 16 << 10;

/// Every match begins where the text does.
pub(super) const AT_START: u8 = 1;
/// A group of the expression is what is reported.
pub(super) const HAS_HIT: u8 = 2;

/// Where the bits stand of the bytes with which a match can begin.
pub(super) const FIRST: usize = 1;
/// Where the number of classes stands.
pub(super) const COUNT: usize = FIRST + 32;
/// Where the classes stand.
pub(super) const CLASSES: usize = COUNT + 2;
/// Bytes of a class: a bit for each ASCII character, and what it holds of others.
pub(super) const CLASS_BYTES: usize = 17;

/// A class holds no character that is not ASCII, all of them, or some.
pub(super) const BEYOND_NONE: u8 = 0;
pub(super) const BEYOND_ALL: u8 = 1;
pub(super) const BEYOND_SOME: u8 = 2;

/// The match is complete.
pub(super) const MATCH: u8 = 0;
/// The text goes on with these bytes: their number, and they.
pub(super) const LITERAL: u8 = 1;
/// It goes on with a character of a class: its number.
pub(super) const CLASS: u8 = 2;
/// It goes on with characters of a class: its number, how many at least and at most, and whether many are preferred.
pub(super) const RUN: u8 = 3;
/// It goes on at the first of two places or, where that leads nowhere, at the second.
pub(super) const SPLIT: u8 = 4;
/// It goes on elsewhere.
pub(super) const JUMP: u8 = 5;
/// Something holds of the place.
pub(super) const LOOK: u8 = 6;

/// No bound.
pub(super) const UNBOUNDED: u16 = u16::MAX;

/// What can hold of a place, by its number.
pub(super) const LOOKS: [Look; 12] = [
    Look::Start,
    Look::End,
    Look::StartLF,
    Look::EndLF,
    Look::StartCRLF,
    Look::EndCRLF,
    Look::WordAscii,
    Look::WordAsciiNegate,
    Look::WordStartAscii,
    Look::WordEndAscii,
    Look::WordStartHalfAscii,
    Look::WordEndHalfAscii,
];

/// An expression as a program, or nothing where it has none.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Program(pub(super) Bytes);

impl Program {
    /// The program of an expression.
    pub(super) fn of(source: &str) -> Self {
        let made = regex_syntax::parse(source).ok().and_then(|hir| Maker::of(&hir));
        Self(Bytes(made.unwrap_or_default().into()))
    }
}

/// A number of two bytes of a program.
#[inline]
pub(super) fn number(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

/// A program in the making.
#[derive(Default)]
struct Maker {
    classes: Vec<[u8; CLASS_BYTES]>,
    code: Vec<u8>,
}

impl Maker {
    fn of(hir: &Hir) -> Option<Vec<u8>> {
        if hir.properties().minimum_len().is_none_or(|least| least == 0) {
            return None;
        }
        let mut maker = Self::default();
        maker.emit(hir)?;
        maker.code.push(MATCH);
        let at_start = hir.properties().look_set_prefix().contains(Look::Start);
        let flags = if at_start { AT_START } else { 0 } | if has_hit(hir) { HAS_HIT } else { 0 };
        let mut bytes = vec![flags];
        bytes.extend(maker.first());
        bytes.extend(u16::try_from(maker.classes.len()).ok()?.to_le_bytes());
        bytes.extend(maker.classes.iter().flatten());
        bytes.extend(&maker.code);
        (bytes.len() <= BYTES_MAX).then_some(bytes)
    }

    /// The recursion is as deep as the parser of regular expressions allows.
    fn emit(&mut self, hir: &Hir) -> Option<()> {
        if self.code.len() > BYTES_MAX {
            return None;
        }
        match hir.kind() {
            HirKind::Empty => {}
            HirKind::Literal(literal) => {
                for part in literal.0.chunks(usize::from(u8::MAX)) {
                    self.code.extend([LITERAL, u8::try_from(part.len()).ok()?]);
                    self.code.extend(part);
                }
            }
            HirKind::Class(class) => {
                let class = self.class(class)?;
                self.code.push(CLASS);
                self.code.extend(class.to_le_bytes());
            }
            HirKind::Look(look) => {
                let look = in_ascii(*look);
                let number = LOOKS.iter().position(|known| *known == look)?;
                self.code.extend([LOOK, u8::try_from(number).ok()?]);
            }
            HirKind::Repetition(repetition) => self.repetition(repetition)?,
            HirKind::Capture(capture) => self.emit(&capture.sub)?,
            HirKind::Concat(parts) => parts.iter().try_for_each(|part| self.emit(part))?,
            HirKind::Alternation(branches) => self.alternation(branches)?,
        }
        Some(())
    }

    fn alternation(&mut self, branches: &[Hir]) -> Option<()> {
        let (last, others) = branches.split_last()?;
        let mut ends = Vec::new();
        for branch in others {
            let split = self.split();
            self.set(split + 1, self.code.len())?;
            self.emit(branch)?;
            ends.push(self.code.len());
            self.code.extend([JUMP, 0, 0]);
            self.set(split + 3, self.code.len())?;
        }
        self.emit(last)?;
        ends.into_iter().try_for_each(|end| self.set(end + 1, self.code.len()))
    }

    fn repetition(&mut self, repetition: &Repetition) -> Option<()> {
        let Repetition { min, max, greedy, sub } = repetition;
        if let Some(class) = self.single(sub) {
            let (least, most) = (u16::try_from(*min).ok()?, max.map_or(Ok(UNBOUNDED), u16::try_from).ok()?);
            self.code.push(RUN);
            self.code.extend([class, least, most].iter().flat_map(|number| number.to_le_bytes()));
            self.code.push(u8::from(*greedy));
            return Some(());
        }
        for _ in 0..*min {
            self.emit(sub)?;
        }
        let (first, second) = if *greedy { (1, 3) } else { (3, 1) };
        let Some(max) = max else {
            // One that may stay in place would go round without an end.
            sub.properties().minimum_len().filter(|&least| least > 0)?;
            let split = self.split();
            self.set(split + first, self.code.len())?;
            self.emit(sub)?;
            self.code.extend([JUMP, 0, 0]);
            self.set(self.code.len() - 2, split)?;
            return self.set(split + second, self.code.len());
        };
        let mut splits = Vec::new();
        for _ in *min..*max {
            let split = self.split();
            self.set(split + first, self.code.len())?;
            self.emit(sub)?;
            splits.push(split);
        }
        splits.into_iter().try_for_each(|split| self.set(split + second, self.code.len()))
    }

    /// A split whose places are not known yet.
    fn split(&mut self) -> usize {
        self.code.extend([SPLIT, 0, 0, 0, 0]);
        self.code.len() - 5
    }

    /// Writes a place of the code at another.
    fn set(&mut self, at: usize, place: usize) -> Option<()> {
        let place = u16::try_from(place).ok()?.to_le_bytes();
        self.code.get_mut(at..at + 2)?.copy_from_slice(&place);
        Some(())
    }

    /// The class of what is a single character.
    fn single(&mut self, hir: &Hir) -> Option<u16> {
        match hir.kind() {
            HirKind::Capture(capture) => self.single(&capture.sub),
            HirKind::Class(class) => self.class(class),
            HirKind::Literal(literal) => match *literal.0 {
                [byte] if byte.is_ascii() => {
                    let mut class = [0; CLASS_BYTES];
                    class[usize::from(byte / 8)] |= 1 << (byte % 8);
                    self.numbered(class)
                }
                _ => None,
            },
            _ => None,
        }
    }

    fn class(&mut self, class: &Class) -> Option<u16> {
        let ranges: Vec<(u32, u32)> = match class {
            Class::Unicode(class) => {
                class.iter().map(|range| (u32::from(range.start()), u32::from(range.end()))).collect()
            }
            Class::Bytes(class) if class.is_ascii() => {
                class.iter().map(|range| (u32::from(range.start()), u32::from(range.end()))).collect()
            }
            Class::Bytes(_) => return None,
        };
        let mut all = [0; CLASS_BYTES];
        for byte in 0..0x80_u8 {
            if ranges.iter().any(|&(start, end)| (start..=end).contains(&u32::from(byte))) {
                all[usize::from(byte / 8)] |= 1 << (byte % 8);
            }
        }
        let beyond: u32 = ranges.iter().map(|&(start, end)| (end + 1).saturating_sub(start.max(0x80))).sum();
        all[CLASS_BYTES - 1] = match beyond {
            0 => BEYOND_NONE,
            // All characters but those of ASCII, with the surrogates between or without them.
            count if count >= 0x0011_0000 - 0x80 - 0x800 => BEYOND_ALL,
            _ => BEYOND_SOME,
        };
        self.numbered(all)
    }

    fn numbered(&mut self, class: [u8; CLASS_BYTES]) -> Option<u16> {
        let known = self.classes.iter().position(|known| *known == class);
        let number = known.unwrap_or_else(|| {
            self.classes.push(class);
            self.classes.len() - 1
        });
        u16::try_from(number).ok()
    }

    /// The bits of the bytes with which a match can begin.
    fn first(&self) -> [u8; 32] {
        let mut first = [0_u8; 32];
        let (mut todo, mut seen) = (vec![0_usize], BTreeSet::new());
        while let Some(at) = todo.pop() {
            if !seen.insert(at) {
                continue;
            }
            match self.code[at] {
                LITERAL => first[usize::from(self.code[at + 2] / 8)] |= 1 << (self.code[at + 2] % 8),
                CLASS => self.begin(at, &mut first),
                RUN => {
                    self.begin(at, &mut first);
                    if number(&self.code, at + 3) == 0 {
                        todo.push(at + 8);
                    }
                }
                SPLIT => todo.extend([1, 3].map(|part| usize::from(number(&self.code, at + part)))),
                JUMP => todo.push(usize::from(number(&self.code, at + 1))),
                LOOK => todo.push(at + 2),
                _ => first = [u8::MAX; 32],
            }
        }
        first
    }

    /// Adds the bytes with which the characters of the class begin that is named behind a place.
    fn begin(&self, at: usize, first: &mut [u8; 32]) {
        let class = &self.classes[usize::from(number(&self.code, at + 1))];
        let bits = class[..16].iter().copied().chain([if class[16] == BEYOND_NONE { 0 } else { u8::MAX }; 16]);
        first.iter_mut().zip(bits).for_each(|(first, bits)| *first |= bits);
    }
}

/// The same, where words end as ASCII's do.
pub(super) fn in_ascii(look: Look) -> Look {
    match look {
        Look::WordUnicode => Look::WordAscii,
        Look::WordUnicodeNegate => Look::WordAsciiNegate,
        Look::WordStartUnicode => Look::WordStartAscii,
        Look::WordEndUnicode => Look::WordEndAscii,
        Look::WordStartHalfUnicode => Look::WordStartHalfAscii,
        Look::WordEndHalfUnicode => Look::WordEndHalfAscii,
        other => other,
    }
}

/// Whether a group is called `hit`.
fn has_hit(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Capture(capture) => capture.name.as_deref() == Some(HIT) || has_hit(&capture.sub),
        HirKind::Repetition(repetition) => has_hit(&repetition.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().any(has_hit),
        _ => false,
    }
}

/// The group that is reported instead of the whole match.
pub(super) const HIT: &str = "hit";
