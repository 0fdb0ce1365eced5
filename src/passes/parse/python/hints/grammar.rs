//! The grammar of Python that messages come from, read from the `.peg` files beside this one.
//!
//! Rules are tried in order, as CPython's own parser tries its rules; the faults among their alternatives are tried only
//! in a second pass over what did not parse. The notation is explained in `python.peg`.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::tokens::{Class, LITERALS};

/// What a rule is made of.
#[derive(Debug)]
pub(super) enum Peg {
    Literal(u8),
    Class(Class),
    /// A name that is a keyword in some places.
    Soft,
    Rule(usize),
    Group(Vec<Alternative>),
    Fold(Box<Peg>, Vec<Alternative>),
    Optional(Box<Peg>),
    Any(Box<Peg>),
    Several(Box<Peg>),
    Separated(Box<Peg>, Box<Peg>),
    Ahead(Box<Peg>),
    NotAhead(Box<Peg>),
    /// The literal must stand here; anything else is a fault.
    Expected(u8),
    Cut,
    /// Something that words of a fault refer to: 0 for `a`, 1 for `b`.
    Marked(usize, Box<Peg>),
}

/// One way of a rule.
#[derive(Debug, Default)]
pub(super) struct Alternative {
    pub(super) items: Vec<Peg>,
    pub(super) kind: Option<Kind>,
    pub(super) fault: Option<Words>,
    /// Whether it is tried only where the file does not parse.
    pub(super) is_late: bool,
}

/// The words of a fault, and where it is.
#[derive(Debug)]
pub(super) struct Words {
    pub(super) guard: Guard,
    pub(super) place: Place,
    pub(super) message: String,
}

/// Where a fault is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// What is marked by this number.
    Marked(usize),
    /// From the first mark to the end of the second.
    Both,
    /// The last token that any rule has looked at.
    Last,
    /// The next token.
    Next,
}

/// What else must hold for a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Guard {
    None,
    /// Something in the marked expression cannot be assigned to, deleted, or be a loop's target; that is the place.
    Assigned,
    Deleted,
    Looped,
    /// A bracket is open, and the first expression is no `print` or `exec`.
    Comma,
    /// The first expression is `print` or `exec`.
    Legacy,
    /// There is more than one argument.
    Several,
    /// The place is the name of the parameter.
    Parameter,
}

macro_rules! kinds {
    ($($kind:ident $name:literal),+ $(,)?) => {
        /// What sort of expression a node is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Kind { $($kind),+ }

        impl Kind {
            const ALL: &[(&str, Self)] = &[$((stringify!($kind), Self::$kind)),+];

            /// What CPython calls it.
            pub(super) fn name(self) -> &'static str {
                match self { $(Self::$kind => $name),+ }
            }
        }
    };
}

kinds! {
    Name "name", Literal "literal", True "True", False "False", None "None", Ellipsis "ellipsis",
    Attribute "attribute", Subscript "subscript", Call "function call", Starred "starred", List "list", Tuple "tuple",
    Lambda "lambda", Operation "expression", Compare "comparison", CompareIn "comparison",
    Conditional "conditional expression", Generator "generator expression", Yield "yield expression",
    Await "await expression", ListComp "list comprehension", SetComp "set comprehension", DictComp "dict comprehension",
    Dict "dict literal", Set "set display", FString "f-string expression", TString "t-string expression",
    Named "named expression", Arguments "arguments", Keyword "keyword", Unpacking "keyword",
    // Several nodes of one rule, which their own rule is not a kind of.
    Many "expressions",
}

/// One rule.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) alternatives: Vec<Alternative>,
    /// Its column in the table of results, if they are kept.
    pub(super) memo: Option<usize>,
    /// Whether no faults are looked for inside.
    pub(super) is_plain: bool,
}

/// All rules.
#[derive(Debug)]
pub(super) struct Grammar {
    pub(super) rules: Vec<Rule>,
    /// The rule of a statement.
    pub(super) statement: usize,
    /// How many rules keep their results.
    pub(super) memos: usize,
}

impl Grammar {
    /// The one grammar.
    pub(super) fn get() -> &'static Self {
        static GRAMMAR: OnceLock<Grammar> = OnceLock::new();
        GRAMMAR.get_or_init(|| Self::read(&source()))
    }

    fn read(source: &str) -> Self {
        let source = joined(source);
        let heads: Vec<(&str, &str)> = source.iter().filter_map(|line| line.split_once(" = ")).collect();
        let name = |head: &str| head.rsplit(' ').next().unwrap_or_default().to_owned();
        let names: HashMap<String, usize> = heads.iter().enumerate().map(|(at, (head, _))| (name(head), at)).collect();
        let mut memos = 0;
        let rules = heads.iter().map(|(head, body)| {
            let memo = head.starts_with("memo ").then(|| {
                memos += 1;
                memos - 1
            });
            let mut reader = Reader { rest: body, names: &names };
            Rule { alternatives: reader.alternatives(), memo, is_plain: head.starts_with("plain ") }
        });
        let rules = rules.collect();
        Self { rules, statement: names.get("statement").copied().unwrap_or_default(), memos }
    }
}

/// All rules in one text, the templates filled in.
fn source() -> String {
    let parameters = include_str!("parameters.peg");
    let fields = include_str!("fields.peg");
    let of = |pairs: &[(&str, &str)], template: &str| {
        pairs.iter().fold(template.to_owned(), |text, (from, to)| text.replace(from, to))
    };
    let inner = "(def_parameter (',' | &')'))+";
    let def = [
        ("KIND_inner", inner),
        ("KIND", "def"),
        ("CLOSE", "')'"),
        ("TITLE", "Function"),
        ("ANNOTATED", "[':' expression]"),
    ];
    let lambda = [
        ("KIND_inner", "lambda_parameter % ','"),
        ("KIND", "lambda"),
        ("CLOSE", "':'"),
        ("TITLE", "Lambda expression"),
        ("ANNOTATED", ""),
    ];
    [
        include_str!("python.peg").to_owned(),
        of(&[("STARRED", "':' star_expression")], &of(&def, parameters)),
        of(&[("STARRED", "!NAME")], &of(&lambda, parameters)),
        of(&[("LETTER", "f"), ("MIDDLE", "FMIDDLE")], fields),
        of(&[("LETTER", "t"), ("MIDDLE", "TMIDDLE")], fields),
    ]
    .join("\n")
}

/// One line a rule, without comments.
fn joined(source: &str) -> Vec<String> {
    let mut rules: Vec<String> = Vec::new();
    for line in source.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()) {
        match rules.last_mut() {
            Some(rule) if line.starts_with(' ') => *rule = format!("{rule} {}", line.trim()),
            _ => rules.push(line.to_owned()),
        }
    }
    rules
}

/// Reads the right side of a rule.
struct Reader<'a> {
    rest: &'a str,
    names: &'a HashMap<String, usize>,
}

impl Reader<'_> {
    fn skip(&mut self, text: &str) -> bool {
        self.rest = self.rest.trim_start();
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn alternatives(&mut self) -> Vec<Alternative> {
        let mut all = vec![self.alternative()];
        while self.skip("|") {
            all.push(self.alternative());
        }
        all
    }

    fn alternative(&mut self) -> Alternative {
        let mut alternative = Alternative { is_late: self.skip("?"), ..Alternative::default() };
        loop {
            self.rest = self.rest.trim_start();
            if self.rest.is_empty() || self.rest.starts_with(['|', ')', ']']) {
                return alternative;
            }
            if self.skip("=>") {
                alternative.fault = Some(self.words());
                alternative.is_late = true;
            } else if self.skip("{") {
                let kind = self.word();
                assert!(self.skip("}"), "a kind ends with a brace: {}", self.rest);
                alternative.kind = Kind::ALL.iter().find(|(name, _)| *name == kind).map(|(_, kind)| *kind);
                assert!(alternative.kind.is_some(), "there is no kind {kind}");
            } else {
                alternative.items.push(self.item());
            }
        }
    }

    fn words(&mut self) -> Words {
        const GUARDS: &[(&str, Guard)] = &[
            ("assigned", Guard::Assigned),
            ("deleted", Guard::Deleted),
            ("looped", Guard::Looped),
            ("comma", Guard::Comma),
            ("legacy", Guard::Legacy),
            ("several", Guard::Several),
            ("parameter", Guard::Parameter),
        ];
        let mut word = self.word();
        let guard = GUARDS.iter().find(|(name, _)| *name == word).map(|(_, guard)| *guard);
        if guard.is_some() {
            assert!(self.skip("("), "a guard has a place: {}", self.rest);
            word = self.word();
        }
        let place = match word.as_str() {
            "a" if self.skip("..b") => Place::Both,
            "a" => Place::Marked(0),
            "b" => Place::Marked(1),
            "next" => Place::Next,
            _ => Place::Last,
        };
        assert!(guard.is_none() || self.skip(")"), "a guard ends with a bracket: {}", self.rest);
        assert!(self.skip("\""), "words are quoted: {}", self.rest);
        let mut end = 0;
        while !self.rest[end..].starts_with('"') {
            end += if self.rest[end..].starts_with('\\') {
                2
            } else {
                self.rest[end..].chars().next().map_or(1, char::len_utf8)
            };
        }
        let message = self.rest[..end].replace("\\\"", "\"");
        self.rest = &self.rest[end + 1..];
        Words { guard: guard.unwrap_or(Guard::None), place, message }
    }

    fn word(&mut self) -> String {
        self.rest = self.rest.trim_start();
        let end = self.rest.find(|char: char| !char.is_ascii_alphanumeric() && char != '_').unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word.to_owned()
    }

    fn item(&mut self) -> Peg {
        for (mark, label) in ["a:", "b:"].into_iter().enumerate() {
            if self.skip(label) {
                return Peg::Marked(mark, Box::new(self.item()));
            }
        }
        if self.skip("~") {
            return Peg::Cut;
        }
        if self.skip("&") {
            return Peg::Ahead(Box::new(self.single()));
        }
        if self.skip("!") {
            return Peg::NotAhead(Box::new(self.single()));
        }
        if self.skip("^") {
            let Peg::Literal(literal) = self.single() else { panic!("only a literal can be expected: {}", self.rest) };
            return Peg::Expected(literal);
        }
        let single = self.single();
        if self.skip("<<") {
            assert!(self.skip("("), "a fold has alternatives: {}", self.rest);
            let alternatives = self.alternatives();
            assert!(self.skip(")"), "a group ends with a bracket: {}", self.rest);
            return Peg::Fold(Box::new(single), alternatives);
        }
        if self.skip("%") {
            let separator = self.single();
            return Peg::Separated(Box::new(single), Box::new(separator));
        }
        single
    }

    /// One element, and how often it may stand.
    fn single(&mut self) -> Peg {
        let element = self.element();
        match self.rest.as_bytes().first() {
            Some(b'*') => {
                self.rest = &self.rest[1..];
                Peg::Any(Box::new(element))
            }
            Some(b'+') => {
                self.rest = &self.rest[1..];
                Peg::Several(Box::new(element))
            }
            _ => element,
        }
    }

    fn element(&mut self) -> Peg {
        for (open, close) in [("(", ")"), ("[", "]")] {
            if self.skip(open) {
                let group = Peg::Group(self.alternatives());
                assert!(self.skip(close), "a group ends with {close}: {}", self.rest);
                return if open == "[" { Peg::Optional(Box::new(group)) } else { group };
            }
        }
        if self.skip("'") {
            let (literal, rest) = self.rest.split_once('\'').expect("a literal ends with its quote");
            self.rest = rest;
            let found = LITERALS.iter().position(|known| *known == literal);
            let found = found.unwrap_or_else(|| panic!("there is no literal {literal}"));
            return Peg::Literal(u8::try_from(found).expect("there are fewer literals than that"));
        }
        let word = self.word();
        class(&word).unwrap_or_else(|| {
            Peg::Rule(*self.names.get(&word).unwrap_or_else(|| panic!("there is no rule {word}: {}", self.rest)))
        })
    }
}

fn class(word: &str) -> Option<Peg> {
    Some(Peg::Class(match word {
        "NAME" => Class::Name,
        "NUMBER" => Class::Number,
        "STRING" => Class::String,
        "NEWLINE" => Class::Newline,
        "INDENT" => Class::Indent,
        "DEDENT" => Class::Dedent,
        "FSTART" => Class::FStart,
        "FMIDDLE" => Class::FMiddle,
        "FEND" => Class::FEnd,
        "TSTART" => Class::TStart,
        "TMIDDLE" => Class::TMiddle,
        "TEND" => Class::TEnd,
        "SOFT" => return Some(Peg::Soft),
        _ => return None,
    }))
}
