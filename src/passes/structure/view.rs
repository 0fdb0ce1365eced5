//! What every check looks at, and where it puts what it finds.

use std::collections::BTreeMap;
use std::ops::Range;

use super::shape::Shape;
use crate::artifact::SourceText;
use crate::finding::{Finding, Pass, Severity};
use crate::language::Language;
use crate::passes::parse::{ParsedFile, Region, Validity};

/// Findings of one rule that are kept for each file; of more than that, only the number is said.
const FINDINGS_PER_RULE_MAX: u64 = 20;

/// One text file with the shapes of its trees.
pub(super) struct View<'a> {
    pub(super) path: &'a str,
    pub(super) language: Language,
    pub(super) validity: Validity,
    pub(super) text: &'a SourceText,
    /// Each tree of the file, with its shape: the whole file's first, then those of its parts in order.
    pub(super) regions: Vec<(&'a Region, Shape<'a>)>,
    /// Whether it matches the profile's globs for tests.
    pub(super) is_test: bool,
    /// Whether it is the entry point.
    pub(super) is_entry: bool,
}

impl<'a> View<'a> {
    /// A view of a file; `None` where it is not text.
    pub(super) fn of(parsed: &'a ParsedFile<'_>, is_test: bool, is_entry: bool) -> Option<Self> {
        let text = parsed.text.as_ref()?;
        let shape = |region: &'a Region| (region, Shape::of(&region.tree, region.language, text.as_str()));
        Some(Self {
            path: &parsed.source.path,
            language: parsed.source.language,
            validity: parsed.validity,
            text,
            regions: parsed.regions.iter().map(shape).collect(),
            is_test,
            is_entry,
        })
    }

    /// A view of what stands in a file beside its code.
    pub(super) fn of_rest(parsed: &'a ParsedFile<'_>) -> Option<Self> {
        Some(Self {
            path: &parsed.source.path,
            language: Language::Json,
            validity: parsed.validity,
            text: parsed.rest.as_ref()?,
            regions: Vec::new(),
            is_test: false,
            is_entry: false,
        })
    }

    /// The innermost region that holds the byte `at`: of a page, the script or style there, or else the page.
    pub(super) fn region_at(&self, at: usize) -> Option<&(&'a Region, Shape<'a>)> {
        let (whole, inner) = self.regions.split_first()?;
        let before = inner.partition_point(|(region, _)| region.range.start <= at);
        let innermost = before.checked_sub(1).map(|last| &inner[last]);
        innermost.into_iter().chain([whole]).find(|(region, _)| region.range.contains(&at))
    }

    /// The lines of the file: each with the offset of its first byte, without its line ending.
    pub(super) fn lines(&self) -> impl Iterator<Item = (usize, &'a str)> {
        let mut at = 0;
        self.text.as_str().split_inclusive('\n').map(move |line| {
            let start = at;
            at += line.len();
            (start, line.trim_end_matches(['\n', '\r']))
        })
    }
}

/// The findings of one check in one file.
#[derive(Default)]
pub(super) struct Found {
    kept: Vec<Finding>,
    counts: BTreeMap<(&'static str, Severity), u64>,
}

impl Found {
    /// Adds a finding about a stretch of the file.
    pub(super) fn at(
        &mut self,
        view: &View<'_>,
        rule: &'static str,
        severity: Severity,
        range: Range<usize>,
        message: impl Into<String>,
    ) -> Option<&mut Finding> {
        let wanted = self.is_wanted(rule, severity);
        wanted
            .then(|| Finding::in_file(rule, Pass::Structure, severity, view.path, message).at(view.text, range))
            .map(|finding| self.keep(finding))
    }

    /// Adds a finding about the file as a whole.
    pub(super) fn whole(
        &mut self,
        path: &str,
        rule: &'static str,
        severity: Severity,
        message: impl Into<String>,
    ) -> Option<&mut Finding> {
        let wanted = self.is_wanted(rule, severity);
        wanted
            .then(|| Finding::in_file(rule, Pass::Structure, severity, path, message))
            .map(|finding| self.keep(finding))
    }

    fn is_wanted(&mut self, rule: &'static str, severity: Severity) -> bool {
        let count = self.counts.entry((rule, severity)).or_insert(0);
        *count += 1;
        *count <= FINDINGS_PER_RULE_MAX
    }

    fn keep(&mut self, finding: Finding) -> &mut Finding {
        self.kept.push(finding);
        self.kept.last_mut().expect("a finding was just pushed")
    }

    /// All that was found; where some of a rule were not kept, one more finding says how many.
    pub(super) fn finish(mut self, path: &str) -> Vec<Finding> {
        for ((rule, severity), count) in self.counts {
            if count > FINDINGS_PER_RULE_MAX {
                let message = format!("{} more of the same in this file", count - FINDINGS_PER_RULE_MAX);
                self.kept.push(Finding::in_file(rule, Pass::Structure, severity, path, message));
            }
        }
        self.kept
    }
}
