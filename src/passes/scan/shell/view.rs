//! What of a script is run: the script with blanks for its comments, for words that are data, and for code that is judged by
//! itself.
//!
//! Rules over the text of commands look at this, and at the words of each pipeline with their quotes undone. Everything stays
//! where it is.

use std::collections::BTreeMap;
use std::ops::Range;

use super::{Script, data};
use crate::artifact::SourceText;
use crate::passes::scan::matcher::Hit;
use crate::passes::scan::text_hits;
use crate::rules::{Haystack, RuleSet};

/// What the ids of rules about the text of commands begin with.
const ABOUT_COMMANDS: &str = "shell-";

/// The hits of rules over text in a script: those about commands where something is run, all others anywhere.
pub(super) fn hits(text: &str, script: &Script, rules: &RuleSet) -> Vec<Hit> {
    let is_about_commands = |hit: &Hit| rules.rule(hit.rule).id.starts_with(ABOUT_COMMANDS);
    let found = |text: &str| text_hits(&SourceText::from_utf8(text), &Haystack::of(text), rules);
    let mut hits = found(text);
    if !hits.iter().any(is_about_commands) && !script.quotes {
        return hits;
    }
    hits.retain(|hit| !is_about_commands(hit));
    let mut ours = found(&run_of(text, script));
    ours.retain(is_about_commands);
    for (range, words) in pipelines(script) {
        let unquoted = found(&words).into_iter().filter(is_about_commands);
        for hit in unquoted {
            let is_known = |known: &Hit| known.rule == hit.rule && known.start < range.end && range.start < known.end;
            if !ours.iter().any(is_known) {
                ours.push(Hit::plain(hit.rule, range.start, range.end));
            }
        }
    }
    hits.extend(ours);
    hits
}

/// The script with blanks for what is not run there.
fn run_of(text: &str, script: &Script) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let words = script.judged.iter().chain(&script.data).map(|(&start, &end)| start..end);
    for range in script.comments.iter().cloned().chain(words) {
        for byte in bytes.get_mut(range).unwrap_or_default() {
            *byte = if *byte == b'\n' { b'\n' } else { b' ' };
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

/// The words of pipelines in which quotes were undone, without those that are data.
fn pipelines(script: &Script) -> impl Iterator<Item = (Range<usize>, String)> {
    let is_data =
        |place: &Range<usize>| [&script.data, &script.judged].iter().any(|all| all.contains_key(&place.start));
    script.commands.chunk_by(|_, next| next.after == Some('|')).filter_map(move |pipeline| {
        let is_quoted = pipeline.iter().any(|command| command.is_quoted);
        let range = pipeline.first()?.range.start..pipeline.last()?.range.end;
        let words = pipeline.iter().map(|command| {
            let words = command.words.iter().zip(&command.places);
            words.filter(|(_, place)| !is_data(place)).map(|(word, _)| word.as_str()).collect::<Vec<_>>().join(" ")
        });
        is_quoted.then(|| (range, words.collect::<Vec<_>>().join(" | ")))
    })
}

impl Script {
    /// Finds the words and texts that are data.
    pub(super) fn find_data(&mut self, text: &str) {
        let is_readable = data::is_readable(text, self);
        if !is_readable {
            self.comments.clear();
            self.judged.clear();
        }
        self.is_straight = is_readable && data::is_straight(text, self);
        if !self.is_straight {
            self.code.iter_mut().for_each(|(_, code)| code.is_fed = true);
            return;
        }
        let mut found = BTreeMap::new();
        for pipeline in self.commands.chunk_by(|_, next| next.after == Some('|')) {
            for at in data::commands(pipeline, &self.commands) {
                let command = &pipeline[at];
                let own = command.effective();
                let first = command.words.len() - own.len() + 1;
                let program = own.first().map(String::as_str).unwrap_or_default();
                let words = command.words.iter().zip(&command.places).skip(first);
                let words = words.filter(|(word, _)| !data::is_evaluated(program, word));
                let places = words.map(|(_, place)| place).chain(&command.input_place);
                found.extend(places.map(|place| (place.start, place.end)));
            }
        }
        self.data = found;
    }
}
