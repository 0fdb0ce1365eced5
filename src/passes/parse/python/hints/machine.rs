//! Runs the grammar over tokens, and says in CPython's words what does not fit.

use std::ops::Range;

use super::grammar::{Alternative, Grammar, Guard, Kind, Peg, Place, Words};
use super::tokens::{Class, LITERALS, Token, line_number};

/// Rules that may be tried inside one another; CPython's own parser has a limit of that size.
const DEPTH_MAX: u32 = 6_000;

/// Elements of rules that are tried for one file. What needs more keeps the words of the strict parser.
pub(super) const STEPS_MAX: u64 = 8_000_000;

/// Why a parse ends before its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// A fault that has words of its own.
    Fault(Raised),
    /// A rule looked at the place where the tokens end in a fault of theirs.
    Tokens,
    /// A limit was reached.
    Limit,
}

/// A fault of the grammar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Raised {
    pub(super) message: String,
    pub(super) range: Range<usize>,
    /// The token whose line the message names.
    pub(super) opener: Option<Range<usize>>,
}

/// An expression, as far as words depend on it.
#[derive(Debug)]
struct Node {
    kind: Kind,
    /// Its first token, and the one behind its last.
    tokens: Range<usize>,
    children: Box<[usize]>,
}

/// What a mark stands for.
#[derive(Clone, Debug)]
struct Bound {
    tokens: Range<usize>,
    node: Option<usize>,
}

type Marks = [Option<Bound>; 2];

/// A kept result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Memo {
    Unknown,
    Failed,
    Matched { end: u32, node: Option<u32> },
}

/// How an alternative ended.
enum Tried {
    Matched(usize),
    Failed,
    /// It failed behind a cut: no other alternative is tried.
    Cut,
}

pub(super) struct Machine<'a> {
    grammar: &'static Grammar,
    text: &'a str,
    tokens: &'a [Token],
    /// The last token that any rule has looked at.
    pub(super) furthest: usize,
    late: bool,
    plain: u32,
    /// For each token from `base` on, and each rule that keeps results.
    memos: Vec<Box<[Memo]>>,
    base: usize,
    nodes: Vec<Node>,
    stack: Vec<usize>,
    steps: u64,
    depth: u32,
}

type Matching = Result<Option<usize>, Stop>;

impl<'a> Machine<'a> {
    pub(super) fn new(text: &'a str, tokens: &'a [Token], steps: u64) -> Self {
        Self {
            grammar: Grammar::get(),
            text,
            tokens,
            furthest: 0,
            late: false,
            plain: 0,
            memos: Vec::new(),
            base: 0,
            nodes: Vec::new(),
            stack: Vec::new(),
            steps,
            depth: 0,
        }
    }

    /// How many steps are left.
    pub(super) fn steps(&self) -> u64 {
        self.steps
    }

    /// Parses one statement that begins at the token `at`: the token behind it, or `None` where there is none.
    pub(super) fn statement(&mut self, at: usize, late: bool) -> Matching {
        self.late = late;
        self.plain = 0;
        self.depth = 0;
        self.memos.clear();
        self.base = at;
        self.nodes.clear();
        self.stack.clear();
        self.furthest = self.furthest.max(at);
        self.rule(self.grammar.statement, at)
    }

    fn token(&mut self, at: usize) -> Result<Token, Stop> {
        let Some(token) = self.tokens.get(at).copied() else { return Err(Stop::Tokens) };
        self.furthest = self.furthest.max(at);
        if token.class == Class::Broken { Err(Stop::Tokens) } else { Ok(token) }
    }

    fn rule(&mut self, rule: usize, at: usize) -> Matching {
        let grammar = self.grammar;
        let described = &grammar.rules[rule];
        // As CPython's parser does, each rule looks at its first token.
        self.token(at)?;
        let place = described.memo.map(|memo| (at - self.base, memo * 2 + usize::from(self.late && self.plain == 0)));
        if let Some((row, column)) = place
            && let Some(known) = self.memos.get(row).map(|row| row[column])
        {
            match known {
                Memo::Unknown => {}
                Memo::Failed => return Ok(None),
                Memo::Matched { end, node } => {
                    self.stack.extend(node.map(|node| node as usize));
                    return Ok(Some(end as usize));
                }
            }
        }
        if self.depth >= DEPTH_MAX {
            return Err(Stop::Limit);
        }
        self.depth += 1;
        self.plain += u32::from(described.is_plain);
        let mark = self.stack.len();
        let end = self.alternatives(&described.alternatives, at)?;
        self.plain -= u32::from(described.is_plain);
        self.depth -= 1;
        if let Some(end) = end
            && self.stack.len() > mark + 1
        {
            self.node(Kind::Many, at..end, mark);
        }
        if let Some((row, column)) = place {
            let node = self.stack.get(mark).and_then(|node| u32::try_from(*node).ok());
            let memo = match end.and_then(|end| u32::try_from(end).ok()) {
                Some(end) => Memo::Matched { end, node },
                None => Memo::Failed,
            };
            self.keep(row, column, memo);
        }
        Ok(end)
    }

    fn keep(&mut self, row: usize, column: usize, memo: Memo) {
        let columns = self.grammar.memos * 2;
        while self.memos.len() <= row {
            self.memos.push(vec![Memo::Unknown; columns].into_boxed_slice());
        }
        self.memos[row][column] = memo;
    }

    /// Makes one node of what lies on the stack above `mark`.
    fn node(&mut self, kind: Kind, tokens: Range<usize>, mark: usize) {
        let children = self.stack.drain(mark..).collect();
        self.nodes.push(Node { kind, tokens, children });
        self.stack.push(self.nodes.len() - 1);
    }

    fn alternatives(&mut self, alternatives: &'static [Alternative], at: usize) -> Matching {
        for alternative in alternatives {
            if alternative.is_late && (!self.late || self.plain > 0) {
                continue;
            }
            let mark = self.stack.len();
            match self.alternative(alternative, at)? {
                Tried::Matched(end) => {
                    if let Some(kind) = alternative.kind {
                        self.node(kind, at..end, mark);
                    }
                    return Ok(Some(end));
                }
                Tried::Failed => self.stack.truncate(mark),
                Tried::Cut => {
                    self.stack.truncate(mark);
                    return Ok(None);
                }
            }
        }
        Ok(None)
    }

    fn alternative(&mut self, alternative: &'static Alternative, start: usize) -> Result<Tried, Stop> {
        let mut marks: Marks = [None, None];
        let mut at = start;
        let mut cut = false;
        for item in &alternative.items {
            let next = match item {
                Peg::Cut => {
                    cut = true;
                    continue;
                }
                Peg::Marked(which, inner) => {
                    let mark = self.stack.len();
                    let end = self.item(inner, at)?;
                    if let Some(end) = end {
                        let node = (self.stack.len() == mark + 1).then(|| self.stack[mark]);
                        marks[*which] = Some(Bound { tokens: at..end, node });
                    }
                    end
                }
                _ => self.item(item, at)?,
            };
            match next {
                Some(next) => at = next,
                None if cut => return Ok(Tried::Cut),
                None => return Ok(Tried::Failed),
            }
        }
        if let Some(words) = &alternative.fault {
            return match self.raise(words, &marks, at)? {
                Some(raised) => Err(Stop::Fault(raised)),
                None => Ok(Tried::Failed),
            };
        }
        Ok(Tried::Matched(at))
    }

    fn item(&mut self, item: &'static Peg, at: usize) -> Matching {
        self.steps = self.steps.checked_sub(1).ok_or(Stop::Limit)?;
        match item {
            Peg::Literal(literal) => Ok((self.token(at)?.literal == *literal).then_some(at + 1)),
            Peg::Class(class) => Ok((self.token(at)?.class == *class).then_some(at + 1)),
            Peg::Soft => {
                let token = self.token(at)?;
                let word = LITERALS[usize::from(token.literal)];
                Ok(matches!(word, "_" | "case" | "match" | "type").then_some(at + 1))
            }
            Peg::Rule(rule) => self.rule(*rule, at),
            Peg::Group(alternatives) => self.alternatives(alternatives, at),
            Peg::Fold(first, alternatives) => self.fold(first, alternatives, at),
            Peg::Optional(inner) => Ok(Some(self.item(inner, at)?.unwrap_or(at))),
            Peg::Any(inner) => self.repeat(inner, None, at, 0),
            Peg::Several(inner) => self.repeat(inner, None, at, 1),
            Peg::Separated(inner, separator) => self.repeat(inner, Some(separator), at, 1),
            Peg::Ahead(inner) => Ok(self.look(inner, at)?.then_some(at)),
            Peg::NotAhead(inner) => Ok((!self.look(inner, at)?).then_some(at)),
            Peg::Expected(literal) => self.expected(*literal, at),
            Peg::Cut | Peg::Marked(..) => Ok(Some(at)),
        }
    }

    fn look(&mut self, inner: &'static Peg, at: usize) -> Result<bool, Stop> {
        let mark = self.stack.len();
        let found = self.item(inner, at)?.is_some();
        self.stack.truncate(mark);
        Ok(found)
    }

    fn repeat(&mut self, inner: &'static Peg, separator: Option<&'static Peg>, start: usize, least: usize) -> Matching {
        let (mut at, mut count) = (start, 0);
        loop {
            let mark = self.stack.len();
            let before = match separator {
                Some(separator) if count > 0 => self.item(separator, at)?,
                _ => Some(at),
            };
            let next = match before {
                Some(before) => self.item(inner, before)?,
                None => None,
            };
            match next {
                // What matches nothing would match it without end.
                Some(next) if next > at => at = next,
                _ => {
                    self.stack.truncate(mark);
                    return Ok((count >= least).then_some(at));
                }
            }
            count += 1;
        }
    }

    fn fold(&mut self, first: &'static Peg, alternatives: &'static [Alternative], start: usize) -> Matching {
        let mark = self.stack.len();
        let Some(mut at) = self.item(first, start)? else { return Ok(None) };
        'again: loop {
            for alternative in alternatives {
                let inner = self.stack.len();
                if let Tried::Matched(end) = self.alternative(alternative, at)? {
                    if let Some(kind) = alternative.kind {
                        self.node(kind, start..end, mark);
                    }
                    at = end;
                    continue 'again;
                }
                self.stack.truncate(inner);
            }
            return Ok(Some(at));
        }
    }

    fn expected(&mut self, literal: u8, at: usize) -> Matching {
        let token = self.token(at)?;
        if token.literal == literal {
            return Ok(Some(at + 1));
        }
        let message = format!("expected '{}'", LITERALS[usize::from(literal)]);
        Err(Stop::Fault(Raised { message, range: self.place(at), opener: None }))
    }

    /// Where the reader should look for a token.
    pub(super) fn place(&self, at: usize) -> Range<usize> {
        let at = at.min(self.tokens.len().saturating_sub(1));
        let Some(token) = self.tokens.get(at) else { return 0..0 };
        match token.class {
            // The end of the line, and at the end of the file the end of its last line.
            Class::Newline => token.start as usize..token.start as usize,
            Class::End | Class::Dedent if token.start as usize >= self.text.len() => {
                let newline = self.tokens[..at].iter().rev().find(|token| token.class == Class::Newline);
                newline.map_or(token.range(), |newline| newline.start as usize..newline.start as usize)
            }
            // What the line begins with.
            Class::Dedent => {
                let code = self.tokens[at..].iter().find(|token| token.class != Class::Dedent);
                code.map_or(token.range(), |code| code.range())
            }
            _ => token.range(),
        }
    }

    fn span(&self, tokens: &Range<usize>) -> Range<usize> {
        let start = self.place(tokens.start).start;
        let end = self.place(tokens.end.saturating_sub(1).max(tokens.start)).end;
        start..end.max(start)
    }

    fn bound_span(&self, bound: &Bound) -> Range<usize> {
        match bound.node {
            Some(node) => self.span(&self.nodes[node].tokens),
            None => self.span(&bound.tokens),
        }
    }

    fn raise(&mut self, words: &Words, marks: &Marks, at: usize) -> Result<Option<Raised>, Stop> {
        let [a, b] = marks;
        let target = a.as_ref().and_then(|a| a.node).and_then(|node| self.invalid_target(node, words.guard));
        let holds = match words.guard {
            Guard::None | Guard::Parameter => true,
            Guard::Assigned | Guard::Deleted | Guard::Looped => target.is_some(),
            Guard::Comma => !self.is_legacy(a.as_ref()) && at > 0 && self.tokens[at - 1].level > 0,
            Guard::Legacy => self.is_legacy(a.as_ref()),
            Guard::Several => self.arguments(a.as_ref()).len() > 1,
        };
        if !holds {
            return Ok(None);
        }
        let range = match (words.place, target) {
            (_, Some(target)) => self.span(&self.nodes[target].tokens),
            (Place::Marked(which), None) => match &marks[which] {
                Some(bound) if words.guard == Guard::Parameter => {
                    self.span(&(bound.tokens.start..bound.tokens.start + 1))
                }
                Some(bound) => self.bound_span(bound),
                None => self.place(at),
            },
            (Place::Both, None) => {
                let start = a.as_ref().map_or(0, |bound| self.bound_span(bound).start);
                let end = b.as_ref().map_or(start, |bound| self.bound_span(bound).end);
                start..end.max(start)
            }
            (Place::Last, None) => self.place(self.furthest),
            (Place::Next, None) => {
                self.token(at)?;
                self.place(at)
            }
        };
        let message = self.message(&words.message, marks, target);
        let names_line = words.message.contains("{a.line}");
        let opener = a.as_ref().filter(|_| names_line).map(|bound| self.bound_span(bound));
        Ok(Some(Raised { message, range, opener }))
    }

    fn message(&self, message: &str, marks: &Marks, target: Option<usize>) -> String {
        let mut message = message.to_owned();
        for (name, bound) in [("a", &marks[0]), ("b", &marks[1])] {
            let Some(bound) = bound else { continue };
            let node = target.filter(|_| name == "a").or(bound.node);
            let kind = node.map_or(Kind::Name, |node| self.nodes[node].kind);
            let span = self.bound_span(bound);
            let bounded = if kind == Kind::Tuple { "constraints" } else { "bound" };
            let is_unpacking = |argument: &usize| self.nodes[*argument].kind == Kind::Unpacking;
            let unpacking = self.keywords(bound).iter().any(is_unpacking);
            for (what, value) in [
                ("", kind.name().to_owned()),
                (".text", self.text[span.clone()].to_owned()),
                (".line", line_number(self.text, span.start).to_string()),
                (".bound", bounded.to_owned()),
                (".unpacking", if unpacking { " unpacking".to_owned() } else { String::new() }),
            ] {
                let slot = format!("{{{name}{what}}}");
                if message.contains(&slot) {
                    message = message.replace(&slot, &value);
                }
            }
        }
        message
    }

    fn is_legacy(&self, bound: Option<&Bound>) -> bool {
        let token = bound.and_then(|bound| self.tokens.get(bound.tokens.start));
        let is_one = bound.is_some_and(|bound| bound.tokens.len() == 1);
        is_one && token.is_some_and(|token| matches!(LITERALS[usize::from(token.literal)], "print" | "exec"))
    }

    /// All nodes below a mark of arguments, lists of several taken apart.
    fn keywords(&self, bound: &Bound) -> Vec<usize> {
        let mut all = Vec::new();
        let mut open: Vec<usize> = bound.node.into_iter().collect();
        while let Some(node) = open.pop() {
            match self.nodes[node].kind {
                Kind::Arguments | Kind::Many => open.extend(self.nodes[node].children.iter().rev()),
                _ => all.push(node),
            }
        }
        all
    }

    /// The arguments of a call that are no keywords.
    fn arguments(&self, bound: Option<&Bound>) -> Vec<usize> {
        let mut all = bound.map(|bound| self.keywords(bound)).unwrap_or_default();
        all.retain(|node| !matches!(self.nodes[*node].kind, Kind::Keyword | Kind::Unpacking));
        all
    }

    /// The first expression inside `node` that is no target.
    fn invalid_target(&self, node: usize, guard: Guard) -> Option<usize> {
        if !matches!(guard, Guard::Assigned | Guard::Deleted | Guard::Looped) {
            return None;
        }
        let mut open = vec![node];
        while let Some(node) = open.pop() {
            let described = &self.nodes[node];
            match described.kind {
                Kind::Name | Kind::Subscript | Kind::Attribute => {}
                Kind::List | Kind::Tuple | Kind::Many => open.extend(described.children.iter().rev()),
                Kind::Starred if guard != Guard::Deleted => open.extend(described.children.first()),
                Kind::CompareIn if guard == Guard::Looped => open.extend(described.children.first()),
                Kind::Compare if guard == Guard::Looped => {}
                _ => return Some(node),
            }
        }
        None
    }
}
