//! Examples made small: lines, then characters, are taken out of a case for as long as its class stays the same.

use super::Error;
use super::case::Case;
use super::class::{Class, difference};
use super::oracle::Oracle;
use super::vetrun_side;
use vetrun::language::EngineVersions;

/// How often both sides are asked about one case while it is made smaller.
const TRIES_MAX: usize = 1_500;

/// A smaller case of the same class; the case itself where none is found.
pub(crate) fn shrink(case: &Case, class: &Class, oracle: &mut Oracle, engines: EngineVersions) -> Result<Case, Error> {
    let mut best = case.clone();
    let mut tries = TRIES_MAX;
    for by_line in [true, false] {
        let mut size = pieces(&best.bytes, by_line).len().div_ceil(2);
        while size > 0 && tries > 0 {
            let mut at = 0;
            while tries > 0 {
                let parts = pieces(&best.bytes, by_line);
                if at >= parts.len() {
                    break;
                }
                let end = (at + size).min(parts.len());
                let smaller = Case { bytes: [parts[..at].concat(), parts[end..].concat()].concat(), ..best.clone() };
                tries -= 1;
                let ours = vetrun_side::judge(&smaller, engines);
                if difference(&oracle.judge(&smaller)?, &ours).as_ref() == Some(class) {
                    best = smaller;
                } else {
                    at = end;
                }
            }
            size /= 2;
        }
    }
    Ok(best)
}

/// The lines of a text, or its characters (bytes, where it is no UTF-8).
fn pieces(bytes: &[u8], by_line: bool) -> Vec<&[u8]> {
    match (by_line, std::str::from_utf8(bytes)) {
        (true, _) => bytes.split_inclusive(|byte| *byte == b'\n').collect(),
        (false, Ok(text)) => {
            let ends = text.char_indices().map(|(at, char)| at..at + char.len_utf8());
            ends.map(|range| &bytes[range]).collect()
        }
        (false, Err(_)) => bytes.chunks(1).collect(),
    }
}
