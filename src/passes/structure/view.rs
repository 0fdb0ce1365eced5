//! What every check looks at, and where it puts what it finds.

use std::cell::OnceCell;
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
    /// Each region of the file: the whole file's first, then those of its parts in order.
    pub(super) regions: Vec<Part<'a>>,
    /// Whether it matches the profile's globs for tests.
    pub(super) is_test: bool,
    /// Whether it is the entry point.
    pub(super) is_entry: bool,
}

impl<'a> View<'a> {
    /// A view of a file; `None` where it is not text.
    pub(super) fn of(parsed: &'a ParsedFile<'_>, is_test: bool, is_entry: bool) -> Option<Self> {
        let text = parsed.text.as_ref()?;
        let part = |region: &'a Region| Part { region, text: text.as_str(), shape: OnceCell::new() };
        Some(Self {
            path: &parsed.source.path,
            language: parsed.source.language,
            validity: parsed.validity,
            text,
            regions: parsed.regions.iter().map(part).collect(),
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
    pub(super) fn region_at(&self, at: usize) -> Option<&Part<'a>> {
        let (whole, inner) = self.regions.split_first()?;
        let before = inner.partition_point(|part| part.region.range.start <= at);
        let innermost = before.checked_sub(1).map(|last| &inner[last]);
        innermost.into_iter().chain([whole]).find(|part| part.region.range.contains(&at))
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

/// A region of a file, and its shape once a check asks for it.
pub(super) struct Part<'a> {
    pub(super) region: &'a Region,
    text: &'a str,
    shape: OnceCell<Shape<'a>>,
}

impl<'a> Part<'a> {
    /// The shape of the region: of its strict tree or else of its tolerant one.
    pub(super) fn shape(&self) -> &Shape<'a> {
        self.shape.get_or_init(|| match (&self.region.outline, self.region.judged_tree()) {
            (Some(outline), _) => Shape::of_outline(outline),
            (None, Some(tree)) => Shape::of(tree, self.region.language, self.text),
            (None, None) => Shape::default(),
        })
    }

    /// Whether anything is said in it.
    pub(super) fn has_statement(&self) -> bool {
        match &self.region.outline {
            Some(outline) => outline.has_statement,
            None => self.shape().has_statement,
        }
    }

    /// Its comments, in order.
    pub(super) fn comments(&self) -> Vec<Range<usize>> {
        match &self.region.outline {
            Some(outline) => outline.comments.iter().map(|place| place.range()).collect(),
            None => self.shape().comments.clone(),
        }
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
