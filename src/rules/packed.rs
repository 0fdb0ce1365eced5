//! Compiled rules as bytes: the build script writes them, the program reads them at every start.
//!
//! Nothing but the build script of the same source makes these bytes, so they say nothing of their own shape: what one
//! side writes in turn, the other reads in turn. Texts are not copied.

use std::borrow::Cow;

use super::anchor::Anchor;
use super::demand::{Checksum, Demand};
use super::filter::{Filter, Index};
use super::lazy::{Later, LazyQuery, LazyRegex};
use super::needles::{Clause, Needles};
use super::pack::{Bytes, Out, Pack};
use super::program::Program;
use super::raw::{Inside, Is, Scope, StatementWord, Within};
use super::rule::{Check, Keyword, Matcher, Rule, Test, Text, What};
use super::table::{Hooks, Numbers, Table};
use super::tables::{Hook, Labels, Member, Names, Sources, Tables};
use super::{Confidence, RuleLanguage, Severity};

/// What is left of the bytes and the texts. What is read later is passed over unseen, so that the memory of it is not even
/// mapped before.
#[derive(Clone, Debug)]
pub(super) struct Reader {
    bytes: &'static [u8],
    texts: &'static str,
    /// How many bytes of the texts have been read.
    at: usize,
}

impl Reader {
    /// A reader of packed bytes and texts.
    pub(super) fn new(bytes: &'static [u8], texts: &'static str) -> Self {
        Self { bytes, texts, at: 0 }
    }

    /// What is read later: so many bytes and texts as the next numbers say.
    fn later(&mut self) -> Self {
        let (bytes, texts) = (usize::unpack(self), usize::unpack(self));
        self.part(bytes, texts)
    }

    /// The next so many bytes and texts.
    fn part(&mut self, bytes: usize, texts: usize) -> Self {
        let part = Self { bytes: self.bytes(bytes), ..*self };
        self.at += texts;
        part
    }

    fn byte(&mut self) -> u8 {
        let (first, rest) = self.bytes.split_first().expect("the build script wrote as much as is read");
        self.bytes = rest;
        *first
    }

    fn bytes(&mut self, count: usize) -> &'static [u8] {
        let (first, rest) = self.bytes.split_at(count);
        self.bytes = rest;
        first
    }

    fn text(&mut self, length: usize) -> &'static str {
        let text = &self.texts[self.at..self.at + length];
        self.at += length;
        text
    }
}

/// A number in groups of seven bits, the last of which has the eighth bit unset.
impl Pack for usize {
    fn pack(&self, out: &mut Out) {
        let mut left = *self;
        while left >= 0x80 {
            out.bytes.push(u8::try_from(left & 0x7f).expect("seven bits") | 0x80);
            left >>= 7;
        }
        out.bytes.push(u8::try_from(left).expect("seven bits"));
    }

    fn unpack(from: &mut Reader) -> Self {
        let (mut number, mut shift) = (0, 0);
        loop {
            let byte = from.byte();
            number |= usize::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                return number;
            }
        }
    }
}

macro_rules! numbers {
    ($($number:ty),*) => {$(
        impl Pack for $number {
            fn pack(&self, out: &mut Out) {
                usize::try_from(*self).expect("a usize has 64 bits here").pack(out);
            }

            fn unpack(from: &mut Reader) -> Self {
                Self::try_from(usize::unpack(from)).expect("it was written as one")
            }
        }
    )*};
}

numbers!(u8, u16, u32, u64);

impl Pack for bool {
    fn pack(&self, out: &mut Out) {
        out.bytes.push(u8::from(*self));
    }

    fn unpack(from: &mut Reader) -> Self {
        from.byte() == 1
    }
}

impl Pack for () {
    fn pack(&self, _: &mut Out) {}

    fn unpack(_: &mut Reader) -> Self {}
}

impl Pack for f64 {
    fn pack(&self, out: &mut Out) {
        out.bytes.extend_from_slice(&self.to_le_bytes());
    }

    fn unpack(from: &mut Reader) -> Self {
        Self::from_le_bytes(from.bytes(8).try_into().expect("these are eight"))
    }
}

impl Pack for Text {
    fn pack(&self, out: &mut Out) {
        self.len().pack(out);
        out.texts.push_str(self);
    }

    fn unpack(from: &mut Reader) -> Self {
        let length = usize::unpack(from);
        Cow::Borrowed(from.text(length))
    }
}

impl<T: Pack> Pack for Vec<T> {
    fn pack(&self, out: &mut Out) {
        self.len().pack(out);
        self.iter().for_each(|one| one.pack(out));
    }

    fn unpack(from: &mut Reader) -> Self {
        let length = usize::unpack(from);
        (0..length).map(|_| T::unpack(from)).collect()
    }
}

impl<T: Pack> Pack for Option<T> {
    fn pack(&self, out: &mut Out) {
        self.is_some().pack(out);
        self.iter().for_each(|one| one.pack(out));
    }

    fn unpack(from: &mut Reader) -> Self {
        bool::unpack(from).then(|| T::unpack(from))
    }
}

impl<A: Pack, B: Pack> Pack for (A, B) {
    fn pack(&self, out: &mut Out) {
        self.0.pack(out);
        self.1.pack(out);
    }

    fn unpack(from: &mut Reader) -> Self {
        (A::unpack(from), B::unpack(from))
    }
}

impl<T: Pack, const N: usize> Pack for [T; N] {
    fn pack(&self, out: &mut Out) {
        self.iter().for_each(|one| one.pack(out));
    }

    fn unpack(from: &mut Reader) -> Self {
        std::array::from_fn(|_| T::unpack(from))
    }
}

macro_rules! words {
    ($($word:ident { $($variant:ident),* $(,)? })*) => {$(
        impl Pack for $word {
            fn pack(&self, out: &mut Out) {
                // A variant that is missing here is missing in the match as well, which does not compile.
                let all = [$(Self::$variant),*];
                match self { $(Self::$variant => {})* }
                all.iter().position(|one| one == self).expect("all are listed").pack(out);
            }

            fn unpack(from: &mut Reader) -> Self {
                [$(Self::$variant),*][usize::unpack(from)]
            }
        }
    )*};
}

words! {
    Severity { Info, Low, Medium, High, Critical }
    Confidence { Low, Medium, High }
    RuleLanguage { Python, JavaScript, Html, Any }
    Inside { Loop, EndlessLoop, Function, Lambda, Class, Except, Module }
    Is { Present, Absent, Constant, Dynamic, Truthy, Falsy, Text, Built, Arithmetic, Beside }
    Scope { File, Artifact }
    StatementWord { Assert, Except, ExceptPass, ExceptContinue, With, Debugger }
    Within { Text, String, Comment }
    Checksum { Crc32Base62, NotCrc32Base62 }
}

macro_rules! structs {
    ($($name:ident $(<$parameter:ident>)? { $($field:ident),* $(,)? })*) => {$(
        impl $(<$parameter: Pack>)? Pack for $name $(<$parameter>)? {
            fn pack(&self, out: &mut Out) {
                let Self { $($field),* } = self;
                $($field.pack(out);)*
            }

            fn unpack(from: &mut Reader) -> Self {
                $(let $field = Pack::unpack(from);)*
                Self { $($field),* }
            }
        }
    )*};
}

structs! {
    Anchor { needles, between, before, lead, far }
    Check { position, keyword, test }
    Demand { entropy_min, checksum, real }
    Filter { rules, index }
    Hook { rule, matcher }
    Index { bits, entries, slots, texts, units, shares, is_whole }
    Matcher { what, checks, not_checks, of, gives, unless, within, not_within, weigh }
    Member { before, hook }
    Needles { clauses, heads, length_max, beyond_ascii, anchor }
    Names { exact, suffix, prefix, expressions, worth, every }
    Rule {
        id, language, severity, confidence, message, hint, cwe, owasp, label, source, members, capability, matchers, file,
    }
    Sources { calls, uses, checked, checks, definitions, labels, numbers, whole }
    Table<T> { keys, places, lists, slots }
    Tables {
        calls, imports, assignments, keywords, comparisons, uses, definitions, statements, shells, sources, segments,
        others,
    }
}

impl<T: Pack> Pack for Later<T> {
    fn pack(&self, out: &mut Out) {
        let mut packed = Out::default();
        T::pack(self, &mut packed);
        packed.bytes.len().pack(out);
        packed.texts.len().pack(out);
        out.bytes.extend_from_slice(&packed.bytes);
        out.texts.push_str(&packed.texts);
    }

    fn unpack(from: &mut Reader) -> Self {
        Self::packed(from.later())
    }
}

/// Things that are unpacked later, the sizes of all of them before the first.
pub(super) struct Laters<T>(pub(super) Vec<Later<T>>);

impl<T: Pack> Pack for Laters<T> {
    fn pack(&self, out: &mut Out) {
        let packed = |one: &Later<T>| {
            let mut packed = Out::default();
            T::pack(one, &mut packed);
            packed
        };
        let all: Vec<Out> = self.0.iter().map(packed).collect();
        all.len().pack(out);
        for one in &all {
            one.bytes.len().pack(out);
            one.texts.len().pack(out);
        }
        for one in all {
            out.bytes.extend_from_slice(&one.bytes);
            out.texts.push_str(&one.texts);
        }
    }

    fn unpack(from: &mut Reader) -> Self {
        let sizes = Vec::<(usize, usize)>::unpack(from);
        Self(sizes.into_iter().map(|(bytes, texts)| Later::packed(from.part(bytes, texts))).collect())
    }
}

impl Pack for LazyRegex {
    fn pack(&self, out: &mut Out) {
        self.source().pack(out);
        self.program().pack(out);
    }

    fn unpack(from: &mut Reader) -> Self {
        Self::with_program(Pack::unpack(from), Pack::unpack(from))
    }
}

impl Pack for Bytes {
    fn pack(&self, out: &mut Out) {
        self.0.len().pack(out);
        out.bytes.extend_from_slice(&self.0);
    }

    fn unpack(from: &mut Reader) -> Self {
        let length = usize::unpack(from);
        Self(Cow::Borrowed(from.bytes(length)))
    }
}

macro_rules! wrapped {
    ($($name:ident),*) => {$(
        impl Pack for $name {
            fn pack(&self, out: &mut Out) {
                self.0.pack(out);
            }

            fn unpack(from: &mut Reader) -> Self {
                Self(Pack::unpack(from))
            }
        }
    )*};
}

wrapped!(Clause, Hooks, Labels, Numbers, Program);

impl Pack for LazyQuery {
    fn pack(&self, out: &mut Out) {
        self.source().pack(out);
        self.language().pack(out);
    }

    fn unpack(from: &mut Reader) -> Self {
        Self::new(Pack::unpack(from), Pack::unpack(from))
    }
}

macro_rules! kinds {
    ($($kind:ident { $($number:literal = $variant:ident $( { $($field:ident),* } )? $( ( $inner:ident ) )?),* $(,)? })*) => {$(
        impl Pack for $kind {
            fn pack(&self, out: &mut Out) {
                match self {
                    $(Self::$variant $( { $($field),* } )? $( ($inner) )? => {
                        out.bytes.push($number);
                        $( $($field.pack(out);)* )?
                        $( $inner.pack(out); )?
                    })*
                }
            }

            fn unpack(from: &mut Reader) -> Self {
                match from.byte() {
                    $($number => {
                        $( $(let $field = Pack::unpack(from);)* )?
                        $( let $inner = Pack::unpack(from); )?
                        Self::$variant $( { $($field),* } )? $( ($inner) )?
                    })*
                    other => unreachable!("{other} is no kind that was written"),
                }
            }
        }
    )*};
}

kinds! {
    Keyword { 0 = Named(name), 1 = Like(regex) }
    Test { 0 = Is(is), 1 = Value(regex), 2 = From(labels), 3 = Text(regex) }
    What {
        0 = Call { names, references },
        1 = Import { names },
        2 = Assign { names },
        3 = Keyword { names },
        4 = Compare { names },
        5 = Use { names },
        6 = Define { names, decorated, base },
        7 = Statement { kinds, exceptions },
        8 = Shell { regex },
        9 = Regex { regex, within, demand },
        10 = Query { query },
        11 = All { of, scope },
    }
}
