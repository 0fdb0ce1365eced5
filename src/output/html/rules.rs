//! The rules that found something, explained once each.

use std::io;

use super::limits::ITEMS_MAX;
use super::markup::Markup;
use super::{Batch, Found, count, more};

/// Writes the section that findings point to.
pub(super) fn write(batch: &Batch<'_>, page: &mut Markup<'_>) -> io::Result<()> {
    if batch.rules.is_empty() {
        return Ok(());
    }
    page.raw("<section id=\"rules\" aria-labelledby=\"rules-title\">\n<h2 id=\"rules-title\">Rules</h2>\n")?;
    for (at, rule) in batch.rules.iter().enumerate() {
        // Each has its anchor, so that no link leads nowhere.
        one(at, rule, at < ITEMS_MAX, page)?;
    }
    more(page, batch.rules.len(), ITEMS_MAX, "explanation")?;
    page.raw("</section>\n")
}

fn one(at: usize, rule: &Found<'_>, whole: bool, page: &mut Markup<'_>) -> io::Result<()> {
    let class = format!("rule {}", rule.severity.name());
    page.open("article", &[("id", &format_args!("rule-{at}")), ("class", &class)])?;
    page.raw("<h3>")?;
    page.tagged("span", "severity", rule.severity.name())?;
    page.raw(" ")?;
    page.tagged("span", "name", rule.id)?;
    page.raw(" ")?;
    page.tagged("span", "faint", &count(rule.count, "finding"))?;
    page.raw("</h3>\n")?;
    page.element("p", &[], |page| page.prose(rule.help.map_or(rule.message, |help| &help.message)))?;
    if let (Some(help), true) = (rule.help, whole) {
        page.element("p", &[], |page| page.prose(&joined(&help.why)))?;
        page.element("p", &[], |page| {
            page.tagged("b", "", "Instead: ")?;
            page.prose(&joined(&help.instead))
        })?;
    }
    if !rule.cwe.is_empty() {
        page.tagged("p", "faint", &rule.cwe.join(", "))?;
    }
    page.raw("</article>\n")
}

/// Lines of a rule file are broken where the file is wide enough, which is not where a page is.
fn joined(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
