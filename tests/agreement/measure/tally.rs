//! What came of the cases: counts, and the differences grouped by class.

use std::collections::BTreeMap;

use serde::Serialize;

use super::case::Case;
use super::class::{Class, Kind, class, kind, same_words};
use super::oracle::Verdict;
use super::vetrun_side::Ours;

/// The cases of a class.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) count: u64,
    /// The shortest, and of those the first.
    pub(crate) example: Case,
    pub(crate) engine: Verdict,
    pub(crate) ours: Ours,
    index: usize,
}

/// Counts of one corpus.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Counts {
    pub(crate) cases: u64,
    pub(crate) engine_invalid: u64,
    pub(crate) engine_valid: u64,
    pub(crate) false_accepts: u64,
    pub(crate) false_refusals: u64,
    /// Accepted by both, as different dialects.
    pub(crate) dialects: u64,
    /// Refused by a limit of vetrun's own, whatever the engine says.
    pub(crate) named_limits: u64,
    pub(crate) engine_limits: u64,
    pub(crate) crashes: u64,
    /// Cases that vetrun has no form for.
    pub(crate) not_asked: u64,
    /// Refused by both, and the engine tells a place.
    pub(crate) placed: u64,
    pub(crate) same_line: u64,
    pub(crate) same_column: u64,
    pub(crate) both_refuse: u64,
    pub(crate) same_words: u64,
    /// Where the engine and the suite's own expectation differ, and where vetrun and the expectation do.
    pub(crate) engine_against_suite: u64,
    pub(crate) vetrun_against_suite: u64,
}

impl Counts {
    /// The part of the judged cases that both sides judge alike, in percent; 0 where nothing was judged.
    pub(crate) fn agreement(&self) -> f64 {
        let judged = self.engine_invalid + self.engine_valid;
        percent(judged.saturating_sub(self.false_accepts + self.false_refusals + self.dialects), judged)
    }

    fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.each().into_iter().zip(other.clone().each()) {
            *mine += *theirs;
        }
    }

    fn each(&mut self) -> [&mut u64; 17] {
        [
            &mut self.cases,
            &mut self.engine_invalid,
            &mut self.engine_valid,
            &mut self.false_accepts,
            &mut self.false_refusals,
            &mut self.dialects,
            &mut self.named_limits,
            &mut self.engine_limits,
            &mut self.crashes,
            &mut self.not_asked,
            &mut self.placed,
            &mut self.same_line,
            &mut self.same_column,
            &mut self.both_refuse,
            &mut self.same_words,
            &mut self.engine_against_suite,
            &mut self.vetrun_against_suite,
        ]
    }
}

/// `part` of `whole` in percent.
pub(crate) fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { 100.0 * part as f64 / whole as f64 }
}

/// All that came of one corpus.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) counts: Counts,
    pub(crate) groups: BTreeMap<Class, Group>,
}

impl Tally {
    /// Adds a case that vetrun was not asked about.
    pub(crate) fn not_asked(&mut self) {
        self.counts.cases += 1;
        self.counts.not_asked += 1;
    }

    /// Adds a case; tells its kind where the two differ in their verdict.
    pub(crate) fn add(
        &mut self,
        index: usize,
        case: Case,
        engine: Verdict,
        ours: Ours,
        messages: bool,
    ) -> Option<Kind> {
        self.count(&case, &engine, &ours);
        let kind = kind(&engine, &ours)?;
        if matches!(kind, Kind::Place | Kind::Words) && !messages {
            return None;
        }
        let group = Group { count: 1, example: case, engine, ours, index };
        self.keep(class(kind, &group.engine, &group.ours), group);
        (kind < Kind::NamedLimit).then_some(kind)
    }

    fn count(&mut self, case: &Case, engine: &Verdict, ours: &Ours) {
        let counts = &mut self.counts;
        counts.cases += 1;
        counts.named_limits += u64::from(matches!(ours, Ours::Limit(_)));
        match (engine, ours) {
            (Verdict::Limit(_), _) => counts.engine_limits += 1,
            (Verdict::Crash(_), _) => counts.crashes += 1,
            // What vetrun declines to judge, by a limit that it names, is neither right nor wrong.
            (Verdict::Valid(_), Ours::Limit(_)) => {}
            (Verdict::Valid(_), _) => counts.engine_valid += 1,
            (Verdict::Invalid { .. }, _) => counts.engine_invalid += 1,
        }
        match kind(engine, ours) {
            Some(Kind::FalseAccept) => counts.false_accepts += 1,
            Some(Kind::FalseRefusal) => counts.false_refusals += 1,
            Some(Kind::Dialect) => counts.dialects += 1,
            _ => {}
        }
        if let (Verdict::Invalid { message, line, column }, Ours::Refused { message: our, line: at, column: by }) =
            (engine, ours)
        {
            counts.both_refuse += 1;
            counts.same_words += u64::from(same_words(message, our));
            counts.placed += u64::from(*line > 0);
            counts.same_line += u64::from(*line > 0 && line == at);
            counts.same_column += u64::from(*line > 0 && line == at && column == by);
        }
        if let Some(expected) = case.expected_invalid {
            counts.engine_against_suite += u64::from(matches!(engine, Verdict::Valid(_)) == expected);
            counts.vetrun_against_suite += u64::from(matches!(ours, Ours::Accepted(_)) == expected);
        }
    }

    fn keep(&mut self, class: Class, group: Group) {
        let Some(known) = self.groups.get_mut(&class) else {
            self.groups.insert(class, group);
            return;
        };
        let count = known.count + group.count;
        if (group.example.bytes.len(), group.index) < (known.example.bytes.len(), known.index) {
            *known = group;
        }
        known.count = count;
    }

    /// Adds what another thread saw.
    pub(crate) fn merge(&mut self, other: Self) {
        self.counts.add(&other.counts);
        for (class, group) in other.groups {
            self.keep(class, group);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_are_compared_and_limits_are_neither_right_nor_wrong() {
        let valid = |dialect: &str| Verdict::Valid(dialect.to_owned());
        let invalid = || Verdict::Invalid { message: "Bad.".to_owned(), line: 1, column: 2 };
        let refused = |column| Ours::Refused { message: "bad".to_owned(), line: 1, column };
        let mut tally = Tally::default();
        let case = || Case::python("a".to_owned(), vec![b'x']);
        let cases = [
            (invalid(), Ours::Accepted("3.14"), Some(Kind::FalseAccept)),
            (valid(""), refused(2), Some(Kind::FalseRefusal)),
            (valid(""), Ours::Accepted("3.14"), None),
            (valid("module"), Ours::Accepted("module"), None),
            (valid("module"), Ours::Accepted("commonjs"), Some(Kind::Dialect)),
            (valid(""), Ours::Limit("parse-limit".to_owned()), None),
            (invalid(), Ours::Limit("parse-limit".to_owned()), None),
            (invalid(), refused(2), None),
            (invalid(), refused(3), None),
            (Verdict::Crash("signal".to_owned()), refused(3), None),
        ];
        for (index, (engine, ours, expected)) in cases.into_iter().enumerate() {
            assert_eq!(tally.add(index, case(), engine, ours, true), expected, "{index}");
        }
        let counts = &tally.counts;
        assert_eq!((counts.cases, counts.engine_invalid, counts.engine_valid, counts.named_limits), (10, 4, 4, 2));
        assert_eq!((counts.both_refuse, counts.same_words, counts.same_line, counts.same_column), (2, 2, 2, 1));
        assert!((counts.agreement() - 100.0 * 5.0 / 8.0).abs() < 1e-9);
        assert_eq!(tally.groups.len(), 6);
    }

    #[test]
    fn the_shortest_example_stands_for_its_class() {
        let mut tally = Tally::default();
        for (index, text) in ["long one", "abc", "xyz"].iter().enumerate() {
            let case = Case::python(format!("#{index}"), text.as_bytes().to_vec());
            let ours = Ours::Refused { message: "m".to_owned(), line: 1, column: 1 };
            let kind = tally.add(index, case, Verdict::Valid(String::new()), ours, false);
            assert_eq!(kind, Some(Kind::FalseRefusal));
        }
        let group = tally.groups.values().next().expect("there is one class");
        assert_eq!((group.count, group.example.name.as_str()), (3, "#1"));
    }
}
