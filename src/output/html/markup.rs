//! The one place that writes a `<`.
//!
//! Tags, attribute names and raw markup are `&'static str`, which only vetrun's own source can be; whatever comes from a
//! report is text or an attribute's value, sanitized and escaped. So data cannot become markup, whichever way a page is
//! put together.

use std::fmt::{Display, Write as _};
use std::io::{self, Write};

use super::super::sanitize;

/// The longest text of one element, in characters; a cut is marked.
const TEXT_CHARS_MAX: usize = 4000;

/// Attributes of an element: names from vetrun, values from anywhere.
pub(super) type Attributes<'a> = &'a [(&'static str, &'a dyn Display)];

/// A page that is being written.
pub(super) struct Markup<'a> {
    out: &'a mut dyn Write,
}

impl<'a> Markup<'a> {
    pub(super) fn new(out: &'a mut dyn Write) -> Self {
        Self { out }
    }

    /// Markup of vetrun's own.
    pub(super) fn raw(&mut self, markup: &'static str) -> io::Result<()> {
        self.out.write_all(markup.as_bytes())
    }

    /// Begins an element.
    pub(super) fn open(&mut self, tag: &'static str, attributes: Attributes<'_>) -> io::Result<()> {
        write!(self.out, "<{tag}")?;
        for (name, value) in attributes {
            let value = value.to_string();
            write!(self.out, " {name}=\"{}\"", escaped(&sanitize::line(&value)))?;
        }
        self.out.write_all(b">")
    }

    /// Ends an element.
    pub(super) fn close(&mut self, tag: &'static str) -> io::Result<()> {
        write!(self.out, "</{tag}>")
    }

    /// An element around what `inside` writes.
    pub(super) fn element(
        &mut self,
        tag: &'static str,
        attributes: Attributes<'_>,
        inside: impl FnOnce(&mut Self) -> io::Result<()>,
    ) -> io::Result<()> {
        self.open(tag, attributes)?;
        inside(self)?;
        self.close(tag)
    }

    /// An element that holds a text.
    pub(super) fn tagged(&mut self, tag: &'static str, class: &'static str, text: &str) -> io::Result<()> {
        match class {
            "" => self.element(tag, &[], |page| page.text(text)),
            _ => self.element(tag, &[("class", &class)], |page| page.text(text)),
        }
    }

    /// Text on one line.
    pub(super) fn text(&mut self, text: &str) -> io::Result<()> {
        write!(self.out, "{}", escaped(&sanitize::clipped(text, TEXT_CHARS_MAX)))
    }

    /// Text on one line in which what stands between backticks is code.
    pub(super) fn prose(&mut self, text: &str) -> io::Result<()> {
        let text = sanitize::clipped(text, TEXT_CHARS_MAX);
        let mut rest = text.as_ref();
        while let Some((before, code, after)) = code_in(rest) {
            write!(self.out, "{}<code>{}</code>", escaped(before), escaped(code))?;
            rest = after;
        }
        write!(self.out, "{}", escaped(rest))
    }

    /// Text on as many lines as it has; the caller bounds it.
    pub(super) fn block(&mut self, text: &str) -> io::Result<()> {
        write!(self.out, "{}", escaped(&sanitize::block(text)))
    }
}

/// The first stretch of `text` between backticks, and what stands before and behind it.
fn code_in(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once('`')?;
    let (code, after) = rest.split_once('`')?;
    Some((before, code, after))
}

/// Sanitized text as it stands between tags and between double quotes. A colon that begins a line is escaped as well: a
/// page can be printed in a CI job, whose runner looks for commands there.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    let mut is_line_start = true;
    for char in text.chars() {
        let reference = match char {
            '&' => "&amp;",
            '<' => "&lt;",
            '>' => "&gt;",
            '"' => "&quot;",
            '\'' => "&#39;",
            ':' if is_line_start => "&#58;",
            _ => "",
        };
        match reference {
            "" => out.push(char),
            _ => {
                let _infallible = out.write_str(reference);
            }
        }
        is_line_start = char == '\n' || (is_line_start && char.is_whitespace());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_stays_text() {
        let mut out = Vec::new();
        let hostile = "\"><script>alert('1')</script>&\u{202e}";
        let mut page = Markup::new(&mut out);
        page.element("p", &[("title", &hostile)], |page| page.text(hostile)).unwrap();
        page.block(" ::error::x\n::y").unwrap();
        page.prose("`a<b` and `c").unwrap();
        let escaped = "&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;\\u{202e}";
        let expected =
            format!("<p title=\"{escaped}\">{escaped}</p> &#58;:error::x\n&#58;:y<code>a&lt;b</code> and `c");
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
