//! Rules over text, and rules over the shape of a tree.

use std::ops::{ControlFlow, Range};

use tree_sitter::{QueryCursor, QueryCursorOptions, QueryCursorState, StreamingIterator as _};

use super::matcher::Hit;
use crate::passes::parse::Region;
use crate::rules::{Candidate, Demand, Expression, Filter, Haystack, RuleSet, Starts, What, Within};

/// Matches of one query that may be open at once; more is a finding.
const QUERY_MATCHES_MAX: u32 = 4096;

/// How often one query may report progress on one region, which it does every hundred steps: on hostile nests its steps
/// grow with the square of their depth. More is a finding.
const QUERY_REPORTS_MAX: u32 = 20_000;

/// Hits of one rule in one region; what comes after them says nothing new.
const HITS_MAX: usize = 1000;

/// A stretch of text that rules look at.
pub(super) struct Stretch<'a> {
    pub(super) text: &'a str,
    pub(super) range: Range<usize>,
    pub(super) strings: &'a [Range<usize>],
    pub(super) comments: &'a [Range<usize>],
    /// The stretch, as needles are searched for in it.
    pub(super) haystack: &'a Haystack,
    /// What has a tree, for rules that are queries.
    pub(super) region: Option<&'a Region>,
}

/// Runs the rules that `filter` takes for worth it over a stretch. Where a limit was reached, it is named.
pub(super) fn run(rules: &RuleSet, filter: &Filter, stretch: &Stretch<'_>) -> (Vec<Hit>, Option<String>) {
    let mut hits = Vec::new();
    let mut limit = None;
    let first = stretch.text.get(stretch.range.clone()).map_or(0, |_| stretch.range.start);
    for Candidate { hook, mut starts, length_max, .. } in filter.candidates(stretch.haystack) {
        match &rules.hooked(hook).1.what {
            What::Regex { regex, within, demand } => {
                let whole = [stretch.range.clone()];
                let ranges = match within {
                    Within::Text => &whole[..],
                    Within::String => stretch.strings,
                    Within::Comment => stretch.comments,
                };
                starts.iter_mut().flatten().for_each(|start| *start += first);
                let search = Search { regex: regex.get(), demand: *demand, rule: hook.rule, starts, length_max };
                search.find(stretch.text, ranges, &mut hits);
            }
            What::Query { query } => {
                let Some(region) = stretch.region else { continue };
                let limited = match region.tree(stretch.text) {
                    Ok(tree) => run_query(query.get(), hook.rule, stretch.text, &tree, &mut hits)
                        .then(|| "a query had too many open matches, or took too long".to_owned()),
                    Err(refused) => Some(refused),
                };
                limit = limit.or(limited);
            }
            _ => {}
        }
    }
    (hits, limit)
}

/// A rule's search in a text.
struct Search<'r> {
    regex: &'r Expression,
    demand: Demand,
    rule: usize,
    /// Where its matches begin, in order; `None` where that could be anywhere.
    starts: Option<Vec<usize>>,
    /// How many bytes they have at most.
    length_max: usize,
}

impl Search<'_> {
    fn find(&self, text: &str, ranges: &[Range<usize>], hits: &mut Vec<Hit>) {
        let before = hits.len();
        for range in ranges {
            let starts = self.starts.as_ref().map(|starts| self.within(starts, range));
            if starts.is_some_and(|starts| starts.places.is_empty()) {
                continue;
            }
            let Some(part) = text.get(range.clone()) else { continue };
            self.regex.each(part, starts, |found| {
                if self.demand.met(&part[found.clone()]) {
                    hits.push(Hit::plain(self.rule, range.start + found.start, range.start + found.end));
                }
                hits.len() - before < HITS_MAX
            });
            if hits.len() - before >= HITS_MAX {
                return;
            }
        }
    }

    /// Those of `starts` that are in a range.
    fn within<'s>(&self, starts: &'s [usize], range: &Range<usize>) -> Starts<'s> {
        let starts = &starts[starts.partition_point(|&start| start < range.start)..];
        let places = &starts[..starts.partition_point(|&start| start < range.end)];
        Starts { places, before: range.start, length_max: self.length_max }
    }
}

fn run_query(
    query: &tree_sitter::Query,
    rule: usize,
    text: &str,
    tree: &tree_sitter::Tree,
    hits: &mut Vec<Hit>,
) -> bool {
    let Some(wanted) = query.capture_index_for_name("hit") else { return false };
    let mut cursor = QueryCursor::new();
    cursor.set_match_limit(QUERY_MATCHES_MAX);
    let before = hits.len();
    let mut reports = 0;
    let mut count = |_: &QueryCursorState| {
        reports += 1;
        if reports > QUERY_REPORTS_MAX { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let options = QueryCursorOptions::new().progress_callback(&mut count);
    let mut matches = cursor.matches_with_options(query, tree.root_node(), text.as_bytes(), options);
    while let Some(found) = matches.next() {
        for capture in found.captures().iter().filter(|capture| capture.index == wanted) {
            let range = capture.node.byte_range();
            hits.push(Hit::plain(rule, range.start, range.end));
        }
        if hits.len() - before >= HITS_MAX {
            break;
        }
    }
    drop(matches);
    cursor.did_exceed_match_limit() || reports > QUERY_REPORTS_MAX
}
