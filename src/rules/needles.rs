//! What a text must hold before a rule over text or over trees is worth compiling.
//!
//! Compiling a regular expression costs up to a millisecond or two and a tree-sitter query about three, so that running
//! every such rule over every file would cost far more than the file is worth. Most of them cannot match without some
//! fixed text (`AKIA`, `__proto__`). These *needles* are derived from the expression itself, never written by hand, so
//! that they cannot be wrong about it; a `haystack` is a text in which they are looked for.
//!
//! A rule has several clauses; a text must hold at least one needle of each. Needles are compared without the case of ASCII
//! letters, and where the expression has words begin and end there, they must: `rm` is in most files, and as a word of its
//! own in few. A rule without clauses always runs. Where every match begins with a needle of the first clause, the rule need
//! only be asked at the places where these stand.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::iter::Peekable;
use std::str::Chars;

use regex_syntax::hir::{Class, Hir, HirKind, Look};

use super::anchor::{self, Anchor};
use super::rule::Text;

/// At least one of these must be there.
pub(super) type OneOf = Vec<String>;

/// The same, packed: one text, in which needles are apart by [`BETWEEN`].
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Clause(pub(super) Text);

/// What stands between the needles of a clause, and in none of them.
const BETWEEN: char = '\0';

/// What stands where a word must begin or end: first or last in a needle, and nowhere else.
const EDGE: char = '\u{1}';

impl Clause {
    /// A clause of these needles.
    pub(super) fn of(needles: &[String]) -> Self {
        Self(needles.join("\0").into())
    }

    /// The needles.
    pub(super) fn needles(&self) -> impl Iterator<Item = Needle<'_>> {
        self.0.split(BETWEEN).map(Needle::of)
    }

    /// Their texts.
    #[cfg(test)]
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        self.0.split(BETWEEN).map(|needle| needle.trim_matches(EDGE))
    }

    /// The same needles, wherever words begin and end.
    fn anywhere(&self) -> Self {
        Self(self.0.replace(EDGE, "").into())
    }
}

/// A fixed text that every match holds, or one of several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Needle<'c> {
    pub(super) text: &'c [u8],
    /// Whether a word begins or ends before it, and behind it.
    pub(super) edges: (bool, bool),
}

impl<'c> Needle<'c> {
    fn of(packed: &'c str) -> Self {
        let text = packed.trim_matches(EDGE).as_bytes();
        Self { text, edges: (packed.starts_with(EDGE), packed.ends_with(EDGE)) }
    }

    /// Whether words must begin or end at it.
    pub(super) fn has_edges(&self) -> bool {
        self.edges != (false, false)
    }

    /// Whether words begin and end as they must where it stands at a place of a text.
    pub(super) fn fits(&self, text: &[u8], at: usize) -> bool {
        let is_word = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
        let before = || is_word(at.checked_sub(1).and_then(|before| text.get(before)));
        let behind = || is_word(text.get(at + self.text.len()));
        (!self.edges.0 || before() != is_word(self.text.first()))
            && (!self.edges.1 || behind() != is_word(self.text.last()))
    }
}

/// A shorter needle is in every file.
const NEEDLE_BYTES_MIN: usize = 2;

/// More needles than this in one clause say too little.
const CLAUSE_NEEDLES_MAX: usize = 64;

/// More clauses than this of one sequence make it little rarer.
const CLAUSES_MAX: usize = 3;

/// Of classes with more characters than this, none are needles: too many texts could be meant.
const CLASS_CHARS_MAX: usize = 3;

/// A longer needle of the same text again and again is no rarer.
const REPEATED_BYTES_MAX: usize = 64;

/// Characters that fold to an ASCII letter although they are not ASCII: a text that holds one is not filtered.
pub(super) const FOLD_TO_ASCII: [char; 2] = ['\u{212a}', '\u{17f}'];

/// What a text must hold for a rule to match it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Needles {
    pub(super) clauses: Vec<Clause>,
    /// Whether every match begins with a needle of the first clause.
    pub(super) heads: bool,
    /// The bytes that a match has at most, where they are bounded.
    pub(super) length_max: Option<u32>,
    /// Whether every match holds a character that is not ASCII.
    pub(super) beyond_ascii: bool,
    /// Needles with what stands before them.
    pub(super) anchor: Option<Anchor>,
}

/// What a text must hold for the regular expression to match.
pub(super) fn of_regex(source: &str) -> Needles {
    let Ok(hir) = regex_syntax::parse(source) else { return Needles::default() };
    let length_max = hir.properties().maximum_len().and_then(|length| u32::try_from(length).ok());
    let (clauses, heads) = with_heads(&hir);
    let beyond_ascii = is_beyond_ascii(&hir);
    // One that only tells where matches begin tells nothing where these begin with needles.
    let anchor = anchor::of_hir(&hir).filter(|anchor| !heads || !anchor.is_open());
    let clauses = clauses.iter().map(|needles| Clause::of(needles)).collect();
    Needles { clauses, heads, length_max, beyond_ascii, anchor }
}

/// The same for an expression that is asked about parts of a text: where one is cut off, a word may end that goes on.
pub(super) fn of_regex_on_parts(source: &str) -> Needles {
    let mut needles = of_regex(source);
    needles.clauses.iter_mut().for_each(|clause| *clause = clause.anywhere());
    needles.anchor.iter_mut().for_each(|anchor| anchor.needles = anchor.needles.anywhere());
    needles
}

/// What every match of the expression holds, and whether that begins with what every match begins with.
fn with_heads(hir: &Hir) -> (Vec<OneOf>, bool) {
    let mut clauses = of_hir(hir);
    let heads = heads_of(hir).and_then(shortest_heads);
    if let Some(heads) = &heads {
        clauses.retain(|clause| clause != heads);
        clauses.insert(0, heads.clone());
    }
    (clauses, heads.is_some())
}

/// Whether every match holds a character that is not ASCII, as far as single classes tell.
fn is_beyond_ascii(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Class(Class::Unicode(class)) => class.iter().all(|range| !range.start().is_ascii()),
        HirKind::Capture(capture) => is_beyond_ascii(&capture.sub),
        HirKind::Repetition(repetition) => repetition.min > 0 && is_beyond_ascii(&repetition.sub),
        HirKind::Concat(parts) => parts.iter().any(is_beyond_ascii),
        HirKind::Alternation(branches) => branches.iter().all(is_beyond_ascii),
        _ => false,
    }
}

/// What a text must hold for the tree-sitter query to match: what the predicates ask for that have to hold.
pub(super) fn of_query(source: &str) -> Needles {
    let clause = |predicate: Predicate| match predicate.name.as_str() {
        "#eq?" | "#any-of?" => usable(predicate.texts.iter().map(|text| text.to_ascii_lowercase()).collect()),
        "#match?" => with_heads(&regex_syntax::parse(predicate.texts.first()?).ok()?).0.into_iter().next(),
        _ => None,
    };
    let clauses = predicates(source).unwrap_or_default().into_iter().filter_map(clause);
    let clauses = clauses.map(|needles: OneOf| Clause::of(&needles)).collect();
    Needles { clauses, ..Needles::default() }
}

/// A predicate of a query: `(#eq? @capture "text")`.
#[derive(Debug, Default)]
struct Predicate {
    name: String,
    capture: String,
    texts: Vec<String>,
}

/// The predicates that have to hold for a query to match: those that stand directly in its one pattern, about a capture
/// that every match has (a predicate about one that a match lacks holds of itself). `None` where the query has several
/// patterns, or optional parts.
fn predicates(source: &str) -> Option<Vec<Predicate>> {
    let (mut depth, mut brackets, mut patterns) = (0_usize, 0_usize, 0_usize);
    let mut found: Vec<Predicate> = Vec::new();
    let mut captured = HashSet::new();
    let mut open = false;
    let mut last = ' ';
    let mut chars = source.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            ';' => drop(chars.by_ref().find(|char| *char == '\n')),
            '(' | '[' => {
                patterns += usize::from(depth == 0);
                depth += 1;
                brackets += usize::from(char == '[');
                open = char == '(' && depth == 2 && brackets == 0 && chars.peek() == Some(&'#');
                if open {
                    found.push(Predicate { name: word(&mut chars), ..Predicate::default() });
                }
            }
            ')' | ']' => {
                depth = depth.checked_sub(1)?;
                brackets = brackets.saturating_sub(usize::from(char == ']'));
                open = false;
            }
            '"' => {
                let text = quoted(&mut chars)?;
                patterns += usize::from(depth == 0);
                if let (true, Some(predicate)) = (open, found.last_mut()) {
                    predicate.texts.push(text);
                }
            }
            '@' => {
                let name = word(&mut chars);
                match found.last_mut().filter(|_| open) {
                    Some(predicate) if predicate.capture.is_empty() => predicate.capture = name,
                    // A comparison of two captures asks for no fixed text.
                    Some(predicate) => predicate.name.clear(),
                    None if brackets == 0 => drop(captured.insert(name)),
                    None => {}
                }
            }
            '?' | '*' if !last.is_alphanumeric() => return None,
            // A text may stand without quotes; what it is then is not looked into.
            _ if open && !char.is_whitespace() => found.last_mut()?.name.clear(),
            '_' if depth == 0 => patterns += 1,
            _ => {}
        }
        if !char.is_whitespace() {
            last = char;
        }
    }
    found.retain(|predicate| captured.contains(&predicate.capture));
    (patterns == 1).then_some(found)
}

/// The rest of a name.
fn word(chars: &mut Peekable<Chars<'_>>) -> String {
    let mut word = String::new();
    while let Some(char) = chars.next_if(|char| !char.is_whitespace() && !matches!(char, '(' | ')' | '[' | ']')) {
        word.push(char);
    }
    word
}

/// The rest of a string of a query, its opening quote already read.
fn quoted(chars: &mut impl Iterator<Item = char>) -> Option<String> {
    let mut text = String::new();
    loop {
        match chars.next()? {
            '"' => return Some(text),
            '\\' => text.push(match chars.next()? {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                '0' => '\0',
                other => other,
            }),
            other => text.push(other),
        }
    }
}

/// A clause that says something; `None` where a needle is too short, or there are none or too many.
pub(super) fn usable(needles: Vec<String>) -> Option<OneOf> {
    let mut needles: Vec<String> = needles.iter().map(|needle| outer_edges(needle)).collect();
    needles.sort_unstable();
    needles.dedup();
    let fits = !needles.is_empty() && needles.len() <= CLAUSE_NEEDLES_MAX;
    let says_something = |needle: &String| bytes(needle) >= NEEDLE_BYTES_MIN && !needle.contains(BETWEEN);
    (fits && needles.iter().all(says_something)).then_some(needles)
}

/// How long a needle is without its edges.
pub(super) fn bytes(needle: &str) -> usize {
    needle.trim_matches(EDGE).len()
}

/// A needle with no edge but its outer ones: what is side by side in it says itself whether a word ends there.
fn outer_edges(needle: &str) -> String {
    let edge = |is_there: bool| if is_there { EDGE.to_string() } else { String::new() };
    let inner = needle.replace(EDGE, "");
    format!("{}{inner}{}", edge(needle.starts_with(EDGE)), edge(needle.ends_with(EDGE)))
}

/// A clause without the needles that hold another of them.
fn rarest(needles: Vec<String>) -> Option<OneOf> {
    without_longer(needles, |needle, other| needle.contains(other))
}

/// Heads without those that begin with another of them.
fn shortest_heads(heads: Vec<String>) -> Option<OneOf> {
    without_longer(heads, |head, other| head.starts_with(other))
}

/// A clause without the needles that are there wherever another is, which `implies` tells.
fn without_longer(needles: Vec<String>, implies: impl Fn(&str, &str) -> bool) -> Option<OneOf> {
    let needles = usable(needles)?;
    let is_longer = |needle: &String| needles.iter().any(|other| other != needle && implies(needle, other));
    Some(needles.iter().filter(|needle| !is_longer(needle)).cloned().collect())
}

/// What every match of the expression holds, the most telling clause first. The recursion is as deep as the parser of
/// regular expressions allows.
fn of_hir(hir: &Hir) -> Vec<OneOf> {
    if let Some(all) = exact(hir) {
        return rarest(all).into_iter().collect();
    }
    match hir.kind() {
        HirKind::Capture(capture) => of_hir(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => match exact(&repetition.sub).as_deref() {
            Some([one]) => usable(vec![repeated(one, repetition.min)]).into_iter().collect(),
            _ => of_hir(&repetition.sub),
        },
        HirKind::Concat(parts) => of_concat(parts),
        HirKind::Alternation(branches) => of_branches(&branches.iter().map(of_hir).collect::<Vec<_>>()),
        _ => Vec::new(),
    }
}

/// The clauses of a choice: a match of a branch holds something of each of the branch's own, so that the first of all
/// branches make one clause together, the second another, and so on.
fn of_branches(branches: &[Vec<OneOf>]) -> Vec<OneOf> {
    let ranks = branches.iter().map(Vec::len).max().unwrap_or(0);
    let of_rank = |rank: usize| {
        let one = |branch: &Vec<OneOf>| branch.get(rank).or(branch.last()).cloned();
        rarest(branches.iter().map(one).collect::<Option<Vec<OneOf>>>()?.concat())
    };
    (0..ranks).filter_map(of_rank).collect()
}

/// The clauses of a sequence: those whose shortest needle is longest first, of these those with the fewest needles. What
/// stands side by side makes one needle, as long as there are few that it can be.
fn of_concat(parts: &[Hir]) -> Vec<OneOf> {
    let mut clauses: Vec<OneOf> = Vec::new();
    let mut run = vec![String::new()];
    for part in parts {
        let own = exact(part);
        if let Some(longer) = own.as_ref().and_then(|own| side_by_side(&run, own)) {
            run = longer;
            continue;
        }
        clauses.extend(rarest(std::mem::replace(&mut run, vec![String::new()])));
        match own {
            Some(own) => run = own,
            None => clauses.extend(of_hir(part)),
        }
    }
    clauses.extend(rarest(run));
    clauses.sort_by_key(|clause| (Reverse(clause.iter().map(String::len).min()), clause.len()));
    clauses.truncate(CLAUSES_MAX);
    clauses
}

/// The texts with one of which every match begins.
fn heads_of(hir: &Hir) -> Option<Vec<String>> {
    if let Some(all) = exact(hir) {
        return Some(all);
    }
    match hir.kind() {
        HirKind::Capture(capture) => heads_of(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => heads_of(&repetition.sub),
        HirKind::Alternation(branches) => {
            Some(branches.iter().map(heads_of).collect::<Option<Vec<Vec<String>>>>()?.concat())
        }
        HirKind::Concat(parts) => {
            let mut run = vec![String::new()];
            for part in parts {
                let Some(longer) = exact(part).and_then(|own| side_by_side(&run, &own)) else {
                    let is_short = run.iter().any(|head| bytes(head) < NEEDLE_BYTES_MIN);
                    return if is_short { side_by_side(&run, &heads_of(part)?) } else { Some(run) };
                };
                run = longer;
            }
            Some(run)
        }
        _ => None,
    }
}

/// Every text that is one of `left` and one of `right` after it; `None` where there are too many.
pub(super) fn side_by_side(left: &[String], right: &[String]) -> Option<Vec<String>> {
    let all = || left.iter().flat_map(|left| right.iter().map(move |right| format!("{left}{right}")));
    (left.len() * right.len() <= CLAUSE_NEEDLES_MAX).then(|| all().collect())
}

/// All the texts, case apart, that the expression matches, where these are few.
pub(super) fn exact(hir: &Hir) -> Option<Vec<String>> {
    let all = match hir.kind() {
        HirKind::Look(look) if is_edge(*look) => vec![EDGE.to_string()],
        HirKind::Empty | HirKind::Look(_) => vec![String::new()],
        // What stands for itself has no other case: letters that have one are classes under `(?i)`.
        HirKind::Literal(literal) if literal.0.contains(&(EDGE as u8)) => return None,
        HirKind::Literal(literal) => vec![String::from_utf8(literal.0.to_vec()).ok()?.to_ascii_lowercase()],
        HirKind::Class(class) => few(class)?,
        HirKind::Capture(capture) => exact(&capture.sub)?,
        HirKind::Repetition(repetition) if (repetition.min, repetition.max) == (0, Some(1)) => {
            let mut all = exact(&repetition.sub)?;
            all.push(String::new());
            all
        }
        HirKind::Concat(parts) => {
            parts.iter().try_fold(vec![String::new()], |run, part| side_by_side(&run, &exact(part)?))?
        }
        HirKind::Alternation(branches) => branches.iter().map(exact).collect::<Option<Vec<_>>>()?.concat(),
        HirKind::Repetition(_) => return None,
    };
    (all.len() <= CLAUSE_NEEDLES_MAX).then_some(all)
}

/// Whether a word begins or ends where this holds. Expressions of rules know the words of ASCII alone (`expression`).
fn is_edge(look: Look) -> bool {
    use Look::{WordAscii, WordEndAscii, WordEndUnicode, WordStartAscii, WordStartUnicode, WordUnicode};
    matches!(look, WordAscii | WordUnicode | WordStartAscii | WordEndAscii | WordStartUnicode | WordEndUnicode)
}

/// A text so many times in a row, or as often as a needle has room for.
fn repeated(text: &str, times: u32) -> String {
    text.repeat((times as usize).min(REPEATED_BYTES_MAX / text.len().max(1)).max(1))
}

/// The characters of a class, case apart, where these are few.
fn few(class: &Class) -> Option<Vec<String>> {
    let mut chars: Vec<char> = match class {
        Class::Unicode(class) => {
            class.iter().flat_map(|range| range.start()..=range.end()).take(CLASS_CHARS_MAX * 3).collect()
        }
        // A byte that is not ASCII is no character.
        Class::Bytes(class) => class.iter().flat_map(|range| range.start()..=range.end()).map(char::from).collect(),
    };
    chars.retain(|char| !FOLD_TO_ASCII.contains(char));
    chars.iter_mut().for_each(|char| *char = char.to_ascii_lowercase());
    chars.sort_unstable();
    chars.dedup();
    let fits = (1..=CLASS_CHARS_MAX).contains(&chars.len())
        && !chars.contains(&EDGE)
        && (matches!(class, Class::Unicode(_)) || chars.iter().all(char::is_ascii));
    fits.then(|| chars.iter().map(char::to_string).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clauses(all: &[Clause]) -> Vec<Vec<&str>> {
        all.iter().map(|clause| clause.0.split(BETWEEN).collect()).collect()
    }

    #[test]
    fn a_regex_tells_what_its_matches_hold() {
        let cases: &[(&str, &[&[&str]], bool)] = &[
            ("AKIA[0-9A-Z]{16}", &[&["akia"]], true),
            ("(?i)Secret_key", &[&["secret_key"]], true),
            (r"(^|\.)(exec|eval)$", &[&[".eval", ".exec", "eval", "exec"], &["eval", "exec"]], true),
            (r"a+b*", &[], false),
            (r"(foo)?bar", &[&["bar", "foobar"], &["bar"]], true),
            (r"(foo|x)bar", &[&["foobar", "xbar"]], true),
            (r"foo|[a-z]+", &[], false),
            (r"\bstratum\+tcp://", &[&["\u{1}stratum+tcp://"]], true),
            // Words begin and end where the expression says, at the outer ends of a needle.
            (r"\b(rm|\bdd)\b\s", &[&["\u{1}dd\u{1}", "\u{1}rm\u{1}"]], true),
            (r"(?-u:\b)ab(x\b|\b-|)", &[&["\u{1}ab"]], true),
            (r"\B(ab|\bcd\b)[e-z]", &[&["\u{1}cd\u{1}", "ab"]], true),
            (r"\b[a-z]+_\bx\b", &[&["_x\u{1}"]], false),
            (r"ab\x01c", &[], false),
            (r"(?i-u)heroku[\w .-]{0,20}", &[&["heroku"]], true),
            (r"(?-u)key-[0-9a-f]{32}", &[&["key-"]], true),
            // What is factored out of a choice stands before each branch again.
            (r"(?i)[a-z]*pass(word|wd)\s*=", &[&["passwd", "password"]], false),
            // Each branch tells its own.
            (r"(curl|wget) .*\| *sh|iex .*http", &[&["curl ", "iex ", "wget "], &["http", "sh"]], true),
            (r"(?: {48}|\t{12}x+)y", &[&["\t\t\t\t\t\t\t\t\t\t\t\t", "            ".repeat(4).leak()]], false),
            (r"忽略.{0,9}指令", &[&["忽略"], &["指令"]], true),
            (r"[\x{E0020}-\x{E007E}]{4,}", &[], false),
        ];
        for (regex, wanted, heads) in cases {
            let needles = of_regex(regex);
            assert_eq!(clauses(&needles.clauses), *wanted, "{regex}");
            assert_eq!(needles.heads, *heads, "{regex}");
        }
        assert!(!of_regex(r"a|[\x{E0020}-\x{E007E}]{4,}").beyond_ascii);
        assert!(of_regex(r"^[\x{E0020}-\x{E007E}]{4,}x").beyond_ascii);
        assert_eq!(of_regex("ab{2,3}").length_max, Some(4));
    }

    #[test]
    fn a_query_tells_what_its_predicates_ask_for() {
        let cases: &[(&str, &[&[&str]])] = &[
            (r#"((pair key: (p) @n) @hit (#eq? @n "noEscape"))"#, &[&["noescape"]]),
            (r#"((c (d) @a (e) @b) @hit (#match? @a "dup2$") (#any-of? @b "x1" "y2"))"#, &[&["dup2"], &["x1", "y2"]]),
            (r#"((c) @hit (#not-match? @hit "fine"))"#, &[]),
            (r#"((c (a) @a (b) @b) @hit (#eq? @a @b))"#, &[]),
            (r#"((a) @hit (#eq? @hit "one")) ((b) @hit)"#, &[]),
            (r#"([((a) @x (#eq? @x "one")) (b)] @hit)"#, &[]),
            (r#"([(a (c) @x) (b)] @hit (#eq? @x "one"))"#, &[]),
            (r#"([(a) (b)] @hit (#eq? @hit "one"))"#, &[&["one"]]),
            (r#"((a (b)? @x) @hit (#eq? @x "one"))"#, &[]),
            (r#"((a) @hit (#match? @hit "^['\"]quoted"))"#, &[&["\"quoted", "'quoted"]]),
            (r"((with_statement) @hit)", &[]),
            // Optional parts, however they are written.
            (r#"((a (b) ? @x) @hit (#eq? @x "one"))"#, &[]),
            (r#"((a (b) @x ?) @hit (#eq? @x "one"))"#, &[]),
            (r#"((a (b) @x *) @hit (#eq? @x "one"))"#, &[]),
            (r#"((a _ * @x) @hit (#eq? @x "one"))"#, &[]),
            (r#"((a ["b" "c"]* @x) @hit (#eq? @x "one"))"#, &[]),
            (r#"((a (b)+ @x) @hit (#eq? @x "one"))"#, &[&["one"]]),
            // What is commented out, other patterns, and texts without quotes.
            ("((a) @hit ; (#eq? @hit \"one\")\n)", &[]),
            ("((a) @hit ; it's (\n (#eq? @hit \"one\"))", &[&["one"]]),
            (r#""word" @hit ((b) @hit (#eq? @hit "one"))"#, &[]),
            (r#"_ @hit ((b) @hit (#eq? @hit "one"))"#, &[]),
            (r#"((b) @hit (#any-of? @hit "one" two))"#, &[]),
            (r#"((b) @hit (#any-of? @hit two "one"))"#, &[]),
            (r#"((b) @hit (#eq? @hit "on\"e"))"#, &[&["on\"e"]]),
            (r#"((b) @hit (#any-eq? @hit "one") (#not-eq? @hit "two"))"#, &[]),
        ];
        for (query, wanted) in cases {
            assert_eq!(clauses(&of_query(query).clauses), *wanted, "{query}");
        }
    }
}
