//! Small plots, as SVG that needs no style of its own: lengths are attributes, colours come from classes.
//!
//! What a plot shows stands beside it in figures, so all of them are hidden from screen readers.

use std::io;

use super::markup::Markup;

/// The widest bar, in units of its picture.
const WIDTH: u64 = 160;

/// The most columns of a chart; of more values each column shows the highest of several.
const COLUMNS_MAX: usize = 160;

/// A part of a whole: the length of `value` on a scale that ends at `most`, from `offset` on.
pub(super) fn bar(page: &mut Markup<'_>, class: &'static str, offset: u64, value: u64, most: u64) -> io::Result<()> {
    let scaled = |value: u64| (u128::from(value) * u128::from(WIDTH) / u128::from(most.max(1))).min(u128::from(WIDTH));
    // What is there can be seen.
    let (x, width) = (scaled(offset), if value == 0 { 0 } else { scaled(value).max(2) });
    let x = x.min(u128::from(WIDTH) - width);
    page.open("svg", &[("class", &"bar"), ("viewBox", &"0 0 160 8"), ("aria-hidden", &"true")])?;
    page.raw(r#"<rect class="track" width="160" height="8"/>"#)?;
    page.element("rect", &[("class", &class), ("x", &x), ("width", &width), ("height", &8)], |_| Ok(()))?;
    page.close("svg")
}

/// Shares of a whole in one bar, in order; nothing where all are zero.
pub(super) fn shares(page: &mut Markup<'_>, shares: &[(&'static str, u64)]) -> io::Result<()> {
    let total: u64 = shares.iter().map(|(_, share)| share).sum();
    page.open(
        "svg",
        &[
            ("class", &"shares"),
            ("viewBox", &"0 0 1000 10"),
            ("preserveAspectRatio", &"none"),
            ("aria-hidden", &"true"),
        ],
    )?;
    let mut before = 0;
    for (class, share) in shares.iter().filter(|(_, share)| *share > 0) {
        let (x, end) = (before * 1000 / total, (before + share) * 1000 / total);
        before += share;
        page.element("rect", &[("class", class), ("x", &x), ("width", &(end - x)), ("height", &10)], |_| Ok(()))?;
    }
    page.close("svg")
}

/// One column for each value, in order.
pub(super) fn columns(page: &mut Markup<'_>, values: &[u64]) -> io::Result<()> {
    let together = values.len().div_ceil(COLUMNS_MAX).max(1);
    let columns: Vec<u64> = values.chunks(together).filter_map(|chunk| chunk.iter().copied().max()).collect();
    let most = columns.iter().copied().max().unwrap_or(1).max(1);
    let view = format!("0 0 {} 40", columns.len().max(24) * 4);
    page.open(
        "svg",
        &[("class", &"columns"), ("viewBox", &view), ("preserveAspectRatio", &"none"), ("aria-hidden", &"true")],
    )?;
    for (at, value) in columns.iter().enumerate() {
        let height = (u128::from(*value) * 40 / u128::from(most)).max(u128::from(*value > 0));
        let y = 40 - height;
        page.element("rect", &[("x", &(at * 4)), ("y", &y), ("width", &3), ("height", &height)], |_| Ok(()))?;
    }
    page.close("svg")
}
