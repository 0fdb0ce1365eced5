//! Runs the programs of regular expressions.
//!
//! A matcher that backtracks may take very long where an expression is ambiguous. So it has so much fuel and no more, and
//! where that runs out, or a character is met of which the program knows nothing, it says that it does not know.

use regex_syntax::hir::Look;

use super::program::{
    AT_START, BEYOND_ALL, BEYOND_NONE, CLASS, CLASS_BYTES, CLASSES, COUNT, FIRST, HAS_HIT, JUMP, LITERAL, LOOK, LOOKS,
    MATCH, Program, RUN, SPLIT, UNBOUNDED, number,
};

/// What a program says of a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// A match begins there and ends here.
    End(usize),
    /// No match begins there.
    No,
    /// It does not know.
    Unknown,
}

impl Program {
    fn bytes(&self) -> &[u8] {
        &self.0.0
    }

    /// Whether there is one.
    pub(super) fn is_some(&self) -> bool {
        !self.bytes().is_empty()
    }

    /// Whether every match begins where the text does.
    pub(super) fn is_at_start(&self) -> bool {
        self.bytes()[0] & AT_START != 0
    }

    /// Whether a group is what is reported.
    pub(super) fn has_hit(&self) -> bool {
        self.bytes()[0] & HAS_HIT != 0
    }

    /// Whether a match can begin with a byte.
    pub(super) fn begins_with(&self, byte: u8) -> bool {
        self.bytes()[FIRST + usize::from(byte / 8)] >> (byte % 8) & 1 == 1
    }

    /// Whether a match begins at a place of a text, and where it ends.
    pub(super) fn at(&self, text: &str, start: usize, fuel: &mut u32) -> Answer {
        let text = text.as_bytes();
        if text.get(start).is_none_or(|&byte| !self.begins_with(byte)) {
            return Answer::No;
        }
        let (classes, code) = self.bytes()[CLASSES..].split_at(usize::from(number(self.bytes(), COUNT)) * CLASS_BYTES);
        let mut run = Run { classes, code, text, at: 0, here: start, todo: Vec::new() };
        while *fuel > 0 {
            *fuel -= 1;
            match run.step(fuel) {
                Way::On => {}
                Way::Back => match run.back() {
                    Way::On => {}
                    Way::Back => return Answer::No,
                    Way::Unknown => return Answer::Unknown,
                },
                Way::Unknown => return Answer::Unknown,
            }
            if run.code[run.at] == MATCH {
                return Answer::End(run.here);
            }
        }
        Answer::Unknown
    }
}

/// A program that is run at a place of a text.
struct Run<'p> {
    classes: &'p [u8],
    code: &'p [u8],
    text: &'p [u8],
    /// Where it is in the code.
    at: usize,
    /// Where it is in the text.
    here: usize,
    /// What it tries next where its way leads nowhere, the last first.
    todo: Vec<Other>,
}

/// Another way.
enum Other {
    /// From a place of the code and of the text.
    From(usize, usize),
    /// With one character less of a run: the code behind it, where it ends at the earliest, and where it ended now.
    Less(usize, usize, usize),
    /// With one character more of a run: the code of it, where it ended now, and how many may follow.
    More(usize, usize, usize),
}

/// How a way goes on.
enum Way {
    On,
    /// It leads nowhere.
    Back,
    /// That is not known.
    Unknown,
}

/// One character of a class, if there is one at a place.
enum Character {
    /// It ends here.
    Until(usize),
    No,
    Unknown,
}

impl Run<'_> {
    /// Goes one step on.
    fn step(&mut self, fuel: &mut u32) -> Way {
        let at = self.at;
        match self.code[at] {
            LITERAL => {
                let length = usize::from(self.code[at + 1]);
                (self.at, self.here) = (at + 2 + length, self.here + length);
                when(self.text.get(self.here - length..self.here) == Some(&self.code[at + 2..at + 2 + length]))
            }
            CLASS => {
                self.at += 3;
                match self.character(at, self.here) {
                    Character::Until(end) => {
                        self.here = end;
                        Way::On
                    }
                    Character::No => Way::Back,
                    Character::Unknown => Way::Unknown,
                }
            }
            RUN => self.run(fuel),
            SPLIT => {
                let (first, second) = (self.place(at + 1), self.place(at + 3));
                self.at = first;
                if self.fails_at_once(first, self.here) {
                    self.at = second;
                } else if !self.fails_at_once(second, self.here) {
                    self.todo.push(Other::From(second, self.here));
                }
                Way::On
            }
            JUMP => {
                self.at = self.place(at + 1);
                Way::On
            }
            LOOK => {
                self.at += 2;
                when(holds(LOOKS[usize::from(self.code[at + 1])], self.text, self.here))
            }
            _ => Way::Unknown,
        }
    }

    /// Whether it is plain that a way leads nowhere: the text does not go on with what it needs.
    #[inline]
    fn fails_at_once(&self, at: usize, here: usize) -> bool {
        match self.code[at] {
            LITERAL => self.text.get(here) != Some(&self.code[at + 2]),
            CLASS => matches!(self.character(at, here), Character::No),
            RUN => self.place(at + 3) > 0 && matches!(self.character(at, here), Character::No),
            _ => false,
        }
    }

    /// A place of the code that is written at another.
    #[inline]
    fn place(&self, at: usize) -> usize {
        usize::from(number(self.code, at))
    }

    /// The class that is named behind a place of the code.
    #[inline]
    fn class(&self, at: usize) -> &[u8] {
        &self.classes[self.place(at + 1) * CLASS_BYTES..][..CLASS_BYTES]
    }

    /// One character of the class that is named behind a place of the code.
    #[inline]
    fn character(&self, at: usize, here: usize) -> Character {
        self.character_of(self.class(at), here)
    }

    #[inline]
    fn character_of(&self, class: &[u8], here: usize) -> Character {
        match self.text.get(here) {
            None => Character::No,
            Some(&byte) if byte.is_ascii() => {
                let is_in = class[usize::from(byte / 8)] >> (byte % 8) & 1 == 1;
                if is_in { Character::Until(here + 1) } else { Character::No }
            }
            Some(_) => match class[CLASS_BYTES - 1] {
                BEYOND_NONE => Character::No,
                BEYOND_ALL => Character::Until(after(self.text, here)),
                _ => Character::Unknown,
            },
        }
    }

    /// A run of characters of a class, as long or as short as is preferred; the others are left for later.
    fn run(&mut self, fuel: &mut u32) -> Way {
        let at = self.at;
        let (least, most) = (self.place(at + 3), number(self.code, at + 5));
        let most = if most == UNBOUNDED { usize::MAX } else { usize::from(most) };
        let greedy = self.code[at + 7] == 1;
        let wanted = if greedy { most } else { least };
        let (mut count, mut end, mut earliest) = (0, self.here, self.here);
        let class = self.class(at);
        while count < wanted {
            match self.character_of(class, end) {
                Character::Until(next) => end = next,
                Character::No => break,
                Character::Unknown => return Way::Unknown,
            }
            count += 1;
            if count == least {
                earliest = end;
            }
        }
        *fuel = fuel.saturating_sub(u32::try_from(count / 8).unwrap_or(u32::MAX));
        if count < least {
            return Way::Back;
        }
        if !greedy && most > least {
            self.todo.push(Other::More(at, end, most - least));
        } else if end > earliest {
            self.todo.push(Other::Less(at + 8, earliest, end));
        }
        (self.at, self.here) = (at + 8, end);
        Way::On
    }

    /// Goes the other way that was left last.
    fn back(&mut self) -> Way {
        while let Some(last) = self.todo.pop() {
            match last {
                Other::From(at, here) => (self.at, self.here) = (at, here),
                Other::Less(at, earliest, end) => {
                    let mut end = before(self.text, end);
                    while end > earliest && self.fails_at_once(at, end) {
                        end = before(self.text, end);
                    }
                    if end > earliest {
                        self.todo.push(Other::Less(at, earliest, end));
                    }
                    (self.at, self.here) = (at, end);
                }
                Other::More(at, end, left) => match self.character(at, end) {
                    Character::Until(end) => {
                        if left > 1 {
                            self.todo.push(Other::More(at, end, left - 1));
                        }
                        (self.at, self.here) = (at + 8, end);
                    }
                    Character::No => continue,
                    Character::Unknown => return Way::Unknown,
                },
            }
            return Way::On;
        }
        Way::Back
    }
}

fn when(it_goes_on: bool) -> Way {
    if it_goes_on { Way::On } else { Way::Back }
}

/// Where the character behind a place ends.
fn after(text: &[u8], here: usize) -> usize {
    let rest = &text[here + 1..];
    here + 1 + rest.iter().take_while(|&&byte| is_inside(byte)).count()
}

/// Where the character before a place begins.
fn before(text: &[u8], here: usize) -> usize {
    text[..here].iter().rposition(|&byte| !is_inside(byte)).unwrap_or(0)
}

/// Whether a byte is one of a character that has begun before.
fn is_inside(byte: u8) -> bool {
    byte & 0xc0 == 0x80
}

/// Whether something holds of a place.
fn holds(look: Look, text: &[u8], here: usize) -> bool {
    let left = here.checked_sub(1).map(|before| text[before]);
    let right = text.get(here).copied();
    let is_word = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    match look {
        Look::Start => left.is_none(),
        Look::End => right.is_none(),
        Look::StartLF => left.is_none_or(|byte| byte == b'\n'),
        Look::EndLF => right.is_none_or(|byte| byte == b'\n'),
        Look::StartCRLF => left.is_none_or(|byte| byte == b'\n' || (byte == b'\r' && right != Some(b'\n'))),
        Look::EndCRLF => right.is_none_or(|byte| byte == b'\r' || (byte == b'\n' && left != Some(b'\r'))),
        Look::WordAscii => is_word(left) != is_word(right),
        Look::WordAsciiNegate => is_word(left) == is_word(right),
        Look::WordStartAscii => !is_word(left) && is_word(right),
        Look::WordEndAscii => is_word(left) && !is_word(right),
        Look::WordStartHalfAscii => !is_word(left),
        Look::WordEndHalfAscii => !is_word(right),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use regex_automata::meta::Regex;
    use regex_automata::{Anchored, Input};

    use super::*;
    use crate::rules::{RuleSet, What};

    /// What a program and the compiled expression say of each place of a text; how often the program knew it.
    fn compare(source: &str, regex: &Regex, texts: &[String]) -> usize {
        let program = Program::of(source);
        let mut known = 0;
        if !program.is_some() {
            return 0;
        }
        for text in texts {
            for start in (0..text.len()).filter(|&start| text.is_char_boundary(start)) {
                let answer = program.at(text, start, &mut 10_000);
                let whole = regex.search(&Input::new(text).range(start..).anchored(Anchored::Yes));
                let wanted = whole.map_or(Answer::No, |whole| Answer::End(whole.end()));
                assert!(answer == wanted || answer == Answer::Unknown, "{source} at {start} of {text:?}: {answer:?}");
                known += usize::from(answer != Answer::Unknown);
            }
        }
        known
    }

    #[test]
    fn a_program_says_what_the_compiled_expression_says() {
        let sources = [
            r"(a|ab)(c|bcd)(d*)",
            r"(?:a+|b)*?c",
            r"x{2,4}y{2}?z{0,2}",
            r"(?:ab?){1,3}b",
            r"(?m)^a$|(?R)b$",
            r"\ba\b|\Bb\B",
            r"[^a]b|é.c|.é",
            r"(?i)ks[é-ü]?x",
            r"a.*b.*?c",
            r"(a|b|)c",
            r"(?:a|b){2,}?c",
            r"^(?:ab|a)c",
            r"(?s).\r?\n",
            r"\w+a\d",
            r"[\u{80}-\u{10ffff}]a",
        ];
        let mut state = 1_u64;
        let mut next = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from((state >> 33) % below).unwrap()
        };
        const TEXTS: [&str; 14] = ["a", "b", "c", "d", "x", "y", "z", "é", "\n", "\r", "K", "s", "\u{212a}", "1"];
        let mut texts = || (0..next(9)).map(|_| TEXTS[next(14)]).collect::<String>();
        let texts: Vec<String> = (0..2000).map(|_| texts()).collect();
        for source in sources {
            let ascii = source.replace(r"\b", r"(?-u:\b)").replace(r"\B", r"(?-u:\B)");
            // In bytes, since the boundary of a word may be asked for inside of a character.
            let syntax = regex_automata::util::syntax::Config::new().utf8(false);
            let config = Regex::config().utf8_empty(false);
            let regex = Regex::builder().syntax(syntax).configure(config).build(&ascii).unwrap();
            assert!(compare(source, &regex, &texts) > 1000, "{source}");
        }
    }

    #[test]
    fn nearly_every_rule_has_a_program_which_says_what_its_expression_says() {
        let rules = RuleSet::load(true, &[] as &[&std::path::Path]).unwrap();
        let (mut all, mut with_program, mut known) = (0, 0, 0);
        for rule in rules.rules() {
            let texts = rule.texts();
            let examples: Vec<String> = texts.bad.iter().chain(&texts.good).cloned().collect();
            for matcher in rule.matchers.iter() {
                let (What::Regex { regex, .. } | What::Shell { regex }) = &matcher.what else { continue };
                all += 1;
                with_program += usize::from(regex.program().is_some());
                let compiled = Regex::new(regex.source()).unwrap();
                if !regex.source().contains(r"\b") || regex.source().contains("-u)") {
                    known += compare(regex.source(), &compiled, &examples);
                }
            }
        }
        assert!(with_program * 100 >= all * 95 && all > 100, "{with_program} of {all}");
        assert!(known > 10_000, "{known}");
    }

    #[test]
    fn one_that_backtracks_too_much_does_not_know() {
        let program = Program::of("(?:ab|abab)+c");
        assert_eq!(program.at(&"ab".repeat(40), 0, &mut 4096), Answer::Unknown);
        assert_eq!(program.at("ababc", 0, &mut 4096), Answer::End(5));
        assert!(!Program::of("a*").is_some());
    }
}
