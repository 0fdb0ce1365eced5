//! HTML: tags, comments and raw text as a browser's tokenizer sees them, and the scripts and styles within.
//!
//! A browser mends nearly everything, so a tag that is never closed is worth a note only. What a browser cannot mend is
//! a page that stops in the middle of a tag, a comment, a script or a style: that page was cut off. Code in attributes is
//! looked into as well: handlers of events and `javascript:` addresses.

mod attribute;

use std::ops::Range;

use attribute::Code;

use super::bounds;
use super::css;
use super::data;
use super::file::Basis;
use super::javascript::{self, Frame, Goal};
use super::problem::{Judged, Problem};
use super::tree;
use crate::finding::Severity;
use crate::language::Language;
use crate::passes::parse::Region;

const RULE: &str = "html-syntax-error";

/// Scripts and styles in one page that are looked into.
const INLINE_MAX: usize = 500;

/// Handlers and addresses in one page that are looked into.
const ATTRIBUTES_MAX: usize = 5_000;

/// Elements that have no end tag.
const VOID: &[&str] =
    &["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"];

/// Elements whose end tag may be left out.
const OPTIONAL_END: &[&str] = &[
    "html", "head", "body", "p", "li", "dt", "dd", "option", "optgroup", "tr", "td", "th", "thead", "tbody", "tfoot",
    "colgroup", "caption", "rb", "rt", "rtc", "rp",
];

/// Elements whose content is text up to their end tag.
const RAW: &[&str] = &["script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes"];

/// Judges one page.
pub(super) fn judge(text: &str, basis: Basis<'_>) -> Judged {
    let page = Page::read(text, basis.policy.nesting_depth_max);
    let mut judged = Judged { problems: page.problems, ..Judged::default() };
    if page.too_deep {
        return judged;
    }
    if let Some(problem) = too_much(&page.inline) {
        judged.problems.push(problem);
        return judged;
    }
    let ground = tree::Ground::new(text, basis.policy.tree_bytes_max.bytes());
    match ground.whole(Language::Html) {
        Ok(Some(tree)) => judged.regions.push(Region::tolerant(Language::Html, 0..text.len(), tree)),
        Ok(None) => {}
        Err(problem) => judged.problems.push(problem),
    }
    for inline in page.inline {
        inline_code(&inline, text, &ground, basis, &mut judged);
    }
    judged
}

/// What is wrong where there is more code in a page than is looked into.
fn too_much(inline: &[Inline]) -> Option<Problem> {
    let beyond = |attributes: bool, most: usize| {
        let is_one = |inline: &&Inline| matches!(inline.kind, Kind::Attribute(_)) == attributes;
        inline.iter().filter(is_one).nth(most).map(|inline| inline.content.start)
    };
    let (at, message) = match (beyond(false, INLINE_MAX), beyond(true, ATTRIBUTES_MAX)) {
        (Some(at), _) => (at, format!("more than {INLINE_MAX} scripts and styles in one page")),
        (None, Some(at)) => (at, format!("more than {ATTRIBUTES_MAX} attributes with code in one page")),
        (None, None) => return None,
    };
    Some(Problem::new("parse-limit", message, at..at))
}

/// Judges one script, style or attribute, and adds its region.
fn inline_code(inline: &Inline, text: &str, ground: &tree::Ground<'_>, basis: Basis<'_>, judged: &mut Judged) {
    let range = inline.content.clone();
    let code = &text[range.clone()];
    if code.trim().is_empty() {
        return;
    }
    match inline.kind {
        Kind::Script(goal) => script(code, range, goal, ground, basis, judged),
        Kind::Attribute(kind) => attribute_code(kind, code, range, ground, basis, judged),
        Kind::Json => judged.problems.extend(data::json(code, range.start, basis.policy)),
        Kind::Style => {
            let problems = css::verdict(code, range.start, basis.policy);
            if !add_problems(problems, judged)
                && let Some(tree) = add_tree(Language::Css, range, ground, judged)
            {
                let tolerated = css::tolerated(&tree);
                judged.problems.extend(tolerated);
            }
        }
    }
}

fn script(
    code: &str,
    range: Range<usize>,
    goal: Goal,
    ground: &tree::Ground<'_>,
    basis: Basis<'_>,
    judged: &mut Judged,
) {
    match javascript::judge_inline(code, range.start, (goal, Frame::File), basis) {
        Ok(Some(lowered)) => {
            judged.regions.push(Region::strict(Language::JavaScript, range, lowered, basis.policy));
        }
        Ok(None) => drop(add_tree(Language::JavaScript, range, ground, judged)),
        Err(problems) => {
            if !add_problems(problems, judged) {
                add_tree(Language::JavaScript, range, ground, judged);
            }
        }
    }
}

/// The code of an attribute. What is wrong in it is no fault of the page, whose other parts work all the same; it is
/// scanned as far as it can be read.
fn attribute_code(
    kind: Code,
    value: &str,
    range: Range<usize>,
    ground: &tree::Ground<'_>,
    basis: Basis<'_>,
    judged: &mut Judged,
) {
    let Some((code, at)) = kind.read(value) else { return };
    let (goal, frame) = match kind {
        // A function may return, which of all goals only CommonJS may.
        Code::Handler => (Goal::COMMONJS, Frame::Function),
        Code::Address => (Goal::SCRIPT, Frame::File),
    };
    let start = range.start + at.unwrap_or(0);
    match javascript::judge_inline(&code, start, (goal, frame), basis) {
        Ok(Some(mut lowered)) => {
            if at.is_none() {
                lowered.stand_at(range.clone());
            }
            judged.regions.push(Region::strict(Language::JavaScript, start..range.end, lowered, basis.policy));
        }
        Ok(None) => drop(add_tree(Language::JavaScript, start..range.end, ground, judged)),
        Err(problems) => match problems.into_iter().find(|problem| problem.rule == TOO_DEEP) {
            Some(mut problem) => {
                problem.range = Some(range);
                judged.problems.push(problem);
            }
            None => drop(add_tree(Language::JavaScript, start..range.end, ground, judged)),
        },
    }
}

const TOO_DEEP: &str = "nesting-too-deep";

/// Adds faults; whether one of them keeps the code from any other parser.
fn add_problems(problems: Vec<Problem>, judged: &mut Judged) -> bool {
    let too_deep = problems.iter().any(|problem| problem.rule == TOO_DEEP);
    judged.problems.extend(problems);
    too_deep
}

/// Adds the tolerant tree of a stretch.
fn add_tree(
    language: Language,
    range: Range<usize>,
    ground: &tree::Ground<'_>,
    judged: &mut Judged,
) -> Option<tree_sitter::Tree> {
    match ground.tree(language, range.clone()) {
        Ok(tree) => {
            judged.regions.extend(tree.clone().map(|tree| Region::tolerant(language, range, tree)));
            tree
        }
        Err(problem) => {
            judged.problems.push(problem);
            None
        }
    }
}

/// What the scripts are that a page loads from elsewhere: their addresses as they are written, and as what they run.
pub(super) fn loaded_scripts(text: &str, depth_max: u64) -> Vec<(String, Goal)> {
    Page::read(text, depth_max).loaded
}

/// What stands in a script or style element, or in an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Script(Goal),
    Json,
    Style,
    Attribute(Code),
}

struct Inline {
    kind: Kind,
    content: Range<usize>,
}

/// A start tag as it was read.
struct Tag<'a> {
    name: String,
    attributes: Vec<(String, &'a str)>,
    self_closing: bool,
    /// Attributes that may hold code.
    code: Vec<Inline>,
}

impl Tag<'_> {
    fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| *value)
    }

    /// What the content of the element is, if it is code.
    fn code(&self) -> Option<Kind> {
        let kind = self.attribute("type").unwrap_or_default().trim().to_ascii_lowercase();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        match (self.name.as_str(), kind) {
            ("style", "" | "text/css") => Some(Kind::Style),
            ("script", "module") => Some(Kind::Script(Goal::MODULE)),
            ("script", "text/babel" | "text/jsx" | "jsx") => Some(Kind::Script(Goal::JSX)),
            ("script", kind) if kind == "importmap" || kind.ends_with("json") || kind == "speculationrules" => {
                Some(Kind::Json)
            }
            (
                "script",
                ""
                | "text/javascript"
                | "application/javascript"
                | "text/ecmascript"
                | "application/ecmascript"
                | "application/x-javascript"
                | "text/x-javascript"
                | "text/jscript"
                | "text/livescript",
            ) => Some(Kind::Script(Goal::SCRIPT)),
            _ => None,
        }
    }
}

/// A page as its tokens tell it.
struct Page<'a> {
    text: &'a str,
    at: usize,
    open: Vec<(String, usize)>,
    depth_max: u64,
    too_deep: bool,
    inline: Vec<Inline>,
    /// Scripts from elsewhere.
    loaded: Vec<(String, Goal)>,
    problems: Vec<Problem>,
}

impl<'a> Page<'a> {
    fn read(text: &'a str, depth_max: u64) -> Self {
        let mut page = Self {
            text,
            at: 0,
            open: Vec::new(),
            depth_max,
            too_deep: false,
            inline: Vec::new(),
            loaded: Vec::new(),
            problems: Vec::new(),
        };
        while !page.too_deep
            && let Some(found) = page.text[page.at..].find('<')
        {
            page.at += found;
            page.token();
        }
        let unclosed: Vec<Problem> = page
            .open
            .iter()
            .filter(|(name, _)| !OPTIONAL_END.contains(&name.as_str()))
            .map(|(name, at)| {
                Problem::new("html-unclosed-tag", format!("<{name}> is never closed"), *at..at + 1 + name.len())
                    .severity(Severity::Low)
                    .hint(format!("add </{name}>"))
            })
            .collect();
        page.problems.extend(unclosed);
        page
    }

    fn token(&mut self) {
        let rest = &self.text[self.at..];
        let next = |ahead: usize| rest.as_bytes().get(ahead).copied().unwrap_or(0);
        if rest.starts_with("<!--") {
            self.comment();
        } else if matches!(next(1), b'!' | b'?') || (next(1) == b'/' && !next(2).is_ascii_alphabetic()) {
            // A document type, or what a browser takes for a comment.
            self.at += rest.find('>').map_or(rest.len(), |end| end + 1);
        } else if next(1) == b'/' {
            self.end_tag();
        } else if next(1).is_ascii_alphabetic() {
            self.start_tag();
        } else if next(1) == 0 {
            self.cut_off(self.at, "a tag");
        } else {
            self.at += 1;
        }
    }

    fn cut_off(&mut self, start: usize, what: &str) {
        self.problems.push(
            Problem::new(
                RULE,
                format!("the page ends in the middle of {what}"),
                start..self.text.trim_end().len().max(start),
            )
            .hint("the rest of the page is missing"),
        );
        self.at = self.text.len();
    }

    fn comment(&mut self) {
        let start = self.at;
        let body = &self.text[start + 4..];
        if body.starts_with('>') || body.starts_with("->") {
            self.at = start + 4 + body.find('>').map_or(0, |end| end + 1);
            return;
        }
        match comment_end(body) {
            Some(end) => self.at = start + 4 + end,
            None => self.cut_off(start, "a comment"),
        }
    }

    /// Reads a tag from its name on; `None` where the page ends in it.
    fn tag(&mut self, name_at: usize) -> Option<Tag<'a>> {
        let text = self.text;
        let bytes = text.as_bytes();
        let until = |from: usize, stop: &dyn Fn(u8) -> bool| {
            bytes[from..].iter().position(|&byte| stop(byte)).map_or(bytes.len(), |length| from + length)
        };
        let ends_name = |byte: u8| byte.is_ascii_whitespace() || matches!(byte, b'/' | b'>');
        let mut at = until(name_at, &ends_name);
        let mut tag = Tag {
            name: text[name_at..at].to_ascii_lowercase(),
            attributes: Vec::new(),
            self_closing: false,
            code: Vec::new(),
        };
        loop {
            at = until(at, &|byte| !byte.is_ascii_whitespace());
            match bytes.get(at)? {
                b'>' => {
                    self.at = at + 1;
                    return Some(tag);
                }
                b'/' => {
                    tag.self_closing = bytes.get(at + 1) == Some(&b'>');
                    at += 1;
                }
                _ => {
                    // A `=` where a name is due belongs to the name.
                    let name_end = until(at + 1, &|byte| ends_name(byte) || byte == b'=');
                    let name = text[at..name_end].to_ascii_lowercase();
                    at = until(name_end, &|byte| !byte.is_ascii_whitespace());
                    let mut value = 0..0;
                    if bytes.get(at) == Some(&b'=') {
                        at = until(at + 1, &|byte| !byte.is_ascii_whitespace());
                        let quote = *bytes.get(at)?;
                        if matches!(quote, b'"' | b'\'') {
                            let end = until(at + 1, &|byte| byte == quote);
                            value = at + 1..end;
                            bytes.get(end)?;
                            at = end + 1;
                        } else {
                            let end = until(at, &|byte| byte.is_ascii_whitespace() || byte == b'>');
                            value = at..end;
                            at = end;
                        }
                    }
                    if let Some(kind) = Code::of(&name).filter(|kind| kind.read(&text[value.clone()]).is_some()) {
                        tag.code.push(Inline { kind: Kind::Attribute(kind), content: value.clone() });
                    }
                    let value = &text[value];
                    if tag.attributes.iter().all(|(key, _)| *key != name) && tag.attributes.len() < 64 {
                        tag.attributes.push((name, value));
                    }
                }
            }
        }
    }

    fn start_tag(&mut self) {
        let start = self.at;
        let Some(mut tag) = self.tag(start + 1) else { return self.cut_off(start, "a tag") };
        self.inline.append(&mut tag.code);
        if RAW.contains(&tag.name.as_str()) {
            return self.raw_text(start, &tag);
        }
        if VOID.contains(&tag.name.as_str()) || tag.self_closing {
            return;
        }
        self.close_implied(&tag.name);
        self.open.push((tag.name, start));
        if self.open.len() as u64 > self.depth_max {
            self.too_deep = true;
            self.open.clear();
            self.problems.push(bounds::too_deep("tags", self.depth_max, start));
        }
    }

    /// Ends the elements that `name` ends by beginning.
    fn close_implied(&mut self, name: &str) {
        while let Some((top, _)) = self.open.last() {
            let implied = match top.as_str() {
                "p" => ENDS_PARAGRAPH.contains(&name),
                "li" => name == "li",
                "dt" | "dd" => matches!(name, "dt" | "dd"),
                "option" => matches!(name, "option" | "optgroup"),
                "td" | "th" => matches!(name, "td" | "th" | "tr" | "tbody" | "tfoot"),
                "tr" => matches!(name, "tr" | "tbody" | "tfoot"),
                "thead" | "tbody" | "colgroup" => matches!(name, "tbody" | "tfoot" | "thead"),
                "head" => name == "body",
                _ => false,
            };
            if !implied {
                return;
            }
            self.open.pop();
        }
    }

    fn raw_text(&mut self, start: usize, tag: &Tag<'_>) {
        let from = self.at;
        let Some(length) = raw_end(&self.text[from..], &tag.name) else {
            return self.cut_off(start, &format!("a <{}> element", tag.name));
        };
        match (tag.code(), tag.attribute("src")) {
            // What stands in an element that loads a script is never run.
            (Some(Kind::Script(goal)), Some(address)) => self.loaded.push((address.to_owned(), goal)),
            (Some(kind), _) => self.inline.push(Inline { kind, content: from..from + length }),
            (None, _) => {}
        }
        self.at = from + length;
        if self.tag(from + length + 2).is_none() {
            self.cut_off(from + length, "a tag");
        }
    }

    fn end_tag(&mut self) {
        let start = self.at;
        let Some(tag) = self.tag(start + 2) else { return self.cut_off(start, "a tag") };
        match self.open.iter().rposition(|(name, _)| *name == tag.name) {
            Some(at) => {
                let skipped: Vec<_> = self.open.drain(at..).skip(1).collect();
                for (name, opened) in skipped.iter().filter(|(name, _)| !OPTIONAL_END.contains(&name.as_str())) {
                    let range = *opened..opened + 1 + name.len();
                    let message = format!("<{name}> is not closed before </{}>", tag.name);
                    self.problems.push(Problem::new("html-unclosed-tag", message, range).severity(Severity::Low));
                }
            }
            // `</p>` and `</br>` alone make elements of their own.
            None if matches!(tag.name.as_str(), "p" | "br" | "html" | "body" | "head") => {}
            None => self.problems.push(
                Problem::new("html-unexpected-end-tag", format!("</{}> closes nothing", tag.name), start..self.at)
                    .severity(Severity::Low),
            ),
        }
    }
}

/// Elements that end a paragraph which is still open.
const ENDS_PARAGRAPH: &[&str] = &[
    "address",
    "article",
    "aside",
    "blockquote",
    "details",
    "dialog",
    "div",
    "dl",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "main",
    "menu",
    "nav",
    "ol",
    "p",
    "pre",
    "search",
    "section",
    "table",
    "ul",
];

/// How many bytes there are up to and with the end of a comment: `-->` or `--!>`.
fn comment_end(body: &str) -> Option<usize> {
    let mut from = 0;
    while let Some(found) = body[from..].find("--") {
        let at = from + found + 2;
        if body[at..].starts_with('>') {
            return Some(at + 1);
        }
        if body[at..].starts_with("!>") {
            return Some(at + 2);
        }
        from = at - 1;
    }
    None
}

/// The length of raw text up to the end tag of `name`.
fn raw_end(text: &str, name: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut from = 0;
    while let Some(found) = text[from..].find("</") {
        let at = from + found;
        let after = at + 2 + name.len();
        let fits = bytes.get(at + 2..after).is_some_and(|word| word.eq_ignore_ascii_case(name.as_bytes()));
        if fits && bytes.get(after).is_some_and(|byte| byte.is_ascii_whitespace() || matches!(byte, b'/' | b'>')) {
            return Some(at);
        }
        from = at + 2;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(text: &str) -> Vec<(&'static str, usize)> {
        let page = Page::read(text, 200);
        page.problems
            .iter()
            .map(|problem| (problem.rule, problem.range.as_ref().map_or(0, |range| range.start)))
            .collect()
    }

    #[test]
    fn ordinary_pages_have_no_faults() {
        for text in [
            "<!DOCTYPE html><html><head><title>a < b</title></head><body><p>one<p>two<ul><li>a<li>b</ul></body></html>",
            "<table><tr><td>1<td>2<tr><td>3</table><br><img src=a><input disabled>",
            "<a href=\"x>y\">z</a><!-- <div> --><svg><path d='M0 0'/></svg>",
            "<script>if (a < b) { x = '</p>' }</script><style>a > b {}</style><select><option>1<option>2</select>",
            "1 < 2 && 3 > 2",
        ] {
            assert_eq!(rules(text), [], "{text}");
        }
    }

    #[test]
    fn faults_are_found_at_their_place() {
        for (text, expected) in [
            ("<div><p>x", ("html-unclosed-tag", 0)),
            ("<div><span></div>", ("html-unclosed-tag", 5)),
            ("<b>x</b></i>", ("html-unexpected-end-tag", 8)),
            ("<p>x <a hre", (RULE, 5)),
            ("<p>x <a href=\"y", (RULE, 5)),
            ("<p>x <!-- y", (RULE, 5)),
            ("<script>let x = 1;", (RULE, 0)),
            ("<style>a {", (RULE, 0)),
            ("<p>x<", (RULE, 4)),
        ] {
            assert_eq!(rules(text), [expected], "{text}");
        }
    }

    #[test]
    fn scripts_and_styles_are_found_as_a_browser_finds_them() {
        let text = "<SCRIPT type=module>a</Script ><script type='application/ld+json'>{}</script>\
                    <script type=text/template><b></script><!-- <script>no</script> --><style>c{}</style>\
                    <script src=x></script>";
        let page = Page::read(text, 200);
        assert!(too_much(&page.inline).is_none());
        let found: Vec<_> = page.inline.iter().map(|inline| (inline.kind, &text[inline.content.clone()])).collect();
        let expected = [(Kind::Script(Goal::MODULE), "a"), (Kind::Json, "{}"), (Kind::Style, "c{}")];
        assert_eq!(found, expected);
        assert_eq!(page.loaded, [("x".to_owned(), Goal::SCRIPT)]);
    }
}
