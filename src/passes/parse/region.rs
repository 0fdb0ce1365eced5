//! A stretch of a file in one language, and what is known of it: facts and an outline where the strict parser took it, a
//! tolerant tree where it did not, or where a rule asks for one.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use tree_sitter::Tree;

use super::problem::Problem;
use super::tree::Ground;
use crate::facts::strict::Lowered;
use crate::facts::{Facts, Outline};
use crate::language::Language;
use crate::policy::ParsePolicy;

/// A stretch of a file in one language.
#[derive(Debug)]
pub struct Region {
    /// The language of the stretch.
    pub language: Language,
    /// Where it stands in the text; all offsets in its facts and its tree are offsets in the whole text.
    pub range: Range<usize>,
    /// What the strict tree says for the resolver; `None` where there was no strict tree, and once it was taken.
    facts: Mutex<Option<Facts>>,
    /// What the strict tree says for the checks of structure and size; `None` where there was no strict tree.
    pub(crate) outline: Option<Outline>,
    /// The tolerant tree, where that is what the stretch was judged by.
    judged: Option<Tree>,
    /// The one that was made since, until nobody needs it: trees are far larger than their text.
    made: Mutex<Option<Result<Tree, String>>>,
    tree_bytes_max: u64,
}

impl Region {
    /// A stretch that only a tolerant tree is known of.
    pub(super) fn tolerant(language: Language, range: Range<usize>, tree: Tree) -> Self {
        let (facts, judged, made) = (Mutex::new(None), Some(tree), Mutex::new(None));
        Self { language, range, facts, outline: None, judged, made, tree_bytes_max: 0 }
    }

    /// A stretch that the strict parser took. A tolerant tree is made of it when something asks for it, within the limits
    /// of `policy`.
    pub(super) fn strict(language: Language, range: Range<usize>, lowered: Lowered, policy: &ParsePolicy) -> Self {
        let Lowered { facts, outline } = lowered;
        let (facts, tree_bytes_max) = (Mutex::new(Some(facts)), policy.tree_bytes_max.bytes());
        Self { language, range, facts, outline: Some(outline), judged: None, made: Mutex::new(None), tree_bytes_max }
    }

    /// The facts of the strict tree, once: the resolver uses them up, and they are most of what a region holds. Whoever asks
    /// again lowers the tolerant tree.
    pub(crate) fn take_facts(&self) -> Option<Facts> {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// The facts of the strict tree, for one who is not the last to ask.
    pub(crate) fn copy_facts(&self) -> Option<Facts> {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The tolerant tree, error nodes included; `text` is the text of the file.
    ///
    /// # Errors
    /// Which limit was reached, where there is none.
    pub fn tree(&self, text: &str) -> Result<Tree, String> {
        if let Some(judged) = &self.judged {
            return Ok(judged.clone());
        }
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.get_or_insert_with(|| self.make_tree(text).map_err(|problem| problem.message)).clone()
    }

    /// Drops the tolerant tree that was made of what the strict parser took. Whoever asks again has another made.
    pub(crate) fn drop_tree(&self) {
        *self.made.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// The tolerant tree, where that is what the stretch was judged by or there is no other: not of what the strict parser
    /// took.
    pub(crate) fn judged_tree(&self) -> Option<&Tree> {
        self.judged.as_ref()
    }

    fn make_tree(&self, text: &str) -> Result<Tree, Problem> {
        let made = Ground::new(text, self.tree_bytes_max).tree(self.language, self.range.clone())?;
        made.ok_or_else(|| Problem::whole("parse-limit", format!("there is no grammar of {}", self.language.name())))
    }
}
