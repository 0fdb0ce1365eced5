//! HTML: tags, comments and raw text as a browser's tokenizer sees them, and the scripts and styles within.
//!
//! A browser mends nearly everything, so a tag that is never closed is worth a note only. What a browser cannot mend is
//! a page that stops in the middle of a tag, a comment, a script or a style: that page was cut off.

use std::ops::Range;

use super::bounds;
use super::css;
use super::data;
use super::file::Basis;
use super::javascript::{self, Goal};
use super::problem::{Judged, Problem};
use super::tree;
use crate::finding::Severity;
use crate::language::Language;
use crate::passes::parse::Region;

const RULE: &str = "html-syntax-error";

/// Scripts and styles in one page that are looked into.
const INLINE_MAX: usize = 500;

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
    if page.inline.len() > INLINE_MAX {
        let at = page.inline[INLINE_MAX].content.start;
        let message = format!("more than {INLINE_MAX} scripts and styles in one page");
        judged.problems.push(Problem::new("parse-limit", message, at..at));
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

/// Judges one script or style, and adds its region.
fn inline_code(inline: &Inline, text: &str, ground: &tree::Ground<'_>, basis: Basis<'_>, judged: &mut Judged) {
    let range = inline.content.clone();
    let code = &text[range.clone()];
    if code.trim().is_empty() {
        return;
    }
    let (language, problems) = match inline.kind {
        Kind::Style => (Language::Css, css::verdict(code, range.start, basis.policy)),
        Kind::Script(goal) => (Language::JavaScript, javascript::judge_inline(code, range.start, goal, basis)),
        Kind::Json => (Language::Json, data::json(code, range.start, basis.policy).into_iter().collect()),
    };
    let too_deep = problems.iter().any(|problem| problem.rule == "nesting-too-deep");
    judged.problems.extend(problems);
    if too_deep {
        return;
    }
    match ground.tree(language, range.clone()) {
        Ok(Some(tree)) => {
            if language == Language::Css {
                judged.problems.extend(css::tolerated(&tree));
            }
            judged.regions.push(Region::tolerant(language, range, tree));
        }
        Ok(None) => {}
        Err(problem) => judged.problems.push(problem),
    }
}

/// What the scripts are that a page loads from elsewhere: their addresses as they are written, and as what they run.
pub(super) fn loaded_scripts(text: &str, depth_max: u64) -> Vec<(String, Goal)> {
    Page::read(text, depth_max).loaded
}

/// What stands in a script or style element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Script(Goal),
    Json,
    Style,
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
        let mut tag = Tag { name: text[name_at..at].to_ascii_lowercase(), attributes: Vec::new(), self_closing: false };
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
                    let mut value = "";
                    if bytes.get(at) == Some(&b'=') {
                        at = until(at + 1, &|byte| !byte.is_ascii_whitespace());
                        let quote = *bytes.get(at)?;
                        if matches!(quote, b'"' | b'\'') {
                            let end = until(at + 1, &|byte| byte == quote);
                            value = &text[at + 1..end];
                            bytes.get(end)?;
                            at = end + 1;
                        } else {
                            let end = until(at, &|byte| byte.is_ascii_whitespace() || byte == b'>');
                            value = &text[at..end];
                            at = end;
                        }
                    }
                    if tag.attributes.iter().all(|(key, _)| *key != name) && tag.attributes.len() < 64 {
                        tag.attributes.push((name, value));
                    }
                }
            }
        }
    }

    fn start_tag(&mut self) {
        let start = self.at;
        let Some(tag) = self.tag(start + 1) else { return self.cut_off(start, "a tag") };
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
        let found: Vec<_> = page.inline.iter().map(|inline| (inline.kind, &text[inline.content.clone()])).collect();
        let expected = [(Kind::Script(Goal::MODULE), "a"), (Kind::Json, "{}"), (Kind::Style, "c{}")];
        assert_eq!(found, expected);
        assert_eq!(page.loaded, [("x".to_owned(), Goal::SCRIPT)]);
    }
}
