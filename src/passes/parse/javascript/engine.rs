//! One parse for one goal: `oxc_parser`, then the walk of [`super::survey`], and where that has doubts `oxc_semantic` and the
//! own checks; and what V8 does not mind in what oxc says.
//!
//! V8 and oxc differ in both directions. Where V8 refuses more, a check of [`super::checks`] adds the fault. Where it
//! refuses less, [`super::tolerate`] drops oxc's error if the tree is there nonetheless; if the parser stopped at it, it is
//! turned into a [`Mend`] of the source.

use oxc_ast::ast::Program;
use oxc_diagnostics::OxcDiagnostic;
use oxc_parser::{ParseOptions, Parser, ParserReturn};
use oxc_semantic::SemanticBuilder;

use super::arena::Arena;
use super::checks::{self, Source};
use super::goal::Goal;
use super::hints;
use super::jumps::Jumps;
use super::mend::{Mend, Mends};
use super::notes;
use super::survey::{Survey, TooDeep};
use super::tolerate;
use crate::facts::strict::{self, Frame, Lowered, Sketch, Wanted};
use crate::language::NodeVersion;
use crate::passes::parse::problem::Problem;

/// Faults of one parse that are mended or turned into findings; finding the lines of more would take time with their square.
const FAULTS_MAX: usize = 500;

/// What a text is judged as.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    pub(super) goal: Goal,
    pub(super) node: NodeVersion,
    pub(super) rule: &'static str,
    /// What is made of the tree.
    pub(super) harvest: Option<Harvest>,
}

/// What is made of the tree of a text that is valid, beside the verdict.
#[derive(Clone, Copy, Debug)]
pub(super) struct Harvest {
    pub(super) wanted: Wanted,
    /// Where the text begins in the whole text.
    pub(super) offset: usize,
    pub(super) frame: Frame,
}

impl Harvest {
    /// The outline, ready to be drawn.
    fn sketch(self, text: &str) -> Sketch {
        Sketch::new(text, self.offset)
    }

    /// What the tree was lowered into.
    fn reap(self, program: &Program<'_>, text: &str, sketch: Sketch) -> Lowered {
        let facts = strict::javascript(program, text, self.offset, self.frame);
        let mut outline = sketch.finish(program);
        outline.tests = self.wanted.tests.then(|| strict::javascript_tests(program, text, self.offset));
        Lowered { facts, outline }
    }
}

/// What a text that is valid turned out to be.
#[derive(Debug)]
pub(super) struct Accepted {
    /// Whether it has `import` or `export` declarations or `import.meta`, which only modules have.
    pub(super) has_module_syntax: bool,
    /// What it needs before Node can run it.
    pub(super) note: Option<Problem>,
    /// What its tree was lowered into, where that was wanted. A tree of what was mended stands elsewhere than the text, and is
    /// not.
    pub(super) lowered: Option<Lowered>,
}

/// The faults of a text, and how it would read where V8 does not mind the one at which the parser stopped.
pub(super) struct Refused {
    pub(super) problems: Vec<Problem>,
    pub(super) mends: Vec<Mend>,
}

/// The verdict on `text`, in which `mends` have been made.
pub(super) fn once(text: &str, terms: Terms, mends: &Mends) -> Result<Accepted, Refused> {
    let allocator = Arena::new();
    let options = ParseOptions { parse_regular_expression: true, ..ParseOptions::default() };
    let parsed = Parser::new(&allocator, text, terms.goal.source_type()).with_options(options).parse();
    let ParserReturn { program, module_record, diagnostics, irregular_whitespaces, panicked, .. } = parsed;
    let mut errors: Vec<OxcDiagnostic> = diagnostics.into_vec();
    errors.retain(|error| !tolerate::new_import(error, terms));
    let (mut problems, mut mend, mut note) = (Vec::new(), Vec::new(), None);
    let harvest = terms.harvest.filter(|_| mends.is_empty());
    let mut sketch = harvest.map(|harvest| harvest.sketch(text));
    if errors.is_empty() && !panicked {
        let mut survey = Survey::of(&program, text, terms, sketch.take());
        sketch = survey.sketch.take();
        if let Some(found) = survey.too_deep {
            return Err(Refused { problems: vec![too_deep(found)], mends: Vec::new() });
        }
        // Most files give no doubt; they are spared the tables of `oxc_semantic` and its store of all nodes.
        if survey.concerns || !mends.is_empty() || !terms.goal.is_javascript() {
            let built = SemanticBuilder::new().with_build_nodes(true).with_check_syntax_error(true).build(&program);
            errors.extend(built.diagnostics.into_vec());
            tolerate::old_octals(&mut errors, &built.semantic, terms);
            note = notes::not_erasable(built.semantic.nodes(), terms.goal);
            tolerate::read_names(&mut errors, &built.semantic, terms);
            problems.extend(tolerate::redeclarations(&mut errors, &built.semantic, terms, &survey.twice));
            let jumps = if errors.is_empty() { Jumps::new(built.semantic.nodes()) } else { Jumps::none() };
            let found = checks::all(&built.semantic, Source { text, terms, mends }, jumps);
            problems.extend(found.into_iter().take(FAULTS_MAX));
        }
    }
    mend.extend(errors.iter().take(FAULTS_MAX).find_map(|error| Mend::of(error, text, terms)));
    problems.extend(errors.iter().take(FAULTS_MAX).map(|error| hints::one(error, text, terms.rule)));
    problems
        .extend(irregular_whitespaces.iter().filter_map(|span| checks::not_white_space(*span, text)).take(FAULTS_MAX));
    if panicked && problems.is_empty() {
        problems.push(Problem::whole(terms.rule, "the parser gave up without a reason"));
    }
    match problems.is_empty() {
        true => {
            let lowered = harvest.zip(sketch).map(|(harvest, sketch)| harvest.reap(&program, text, sketch));
            Ok(Accepted { has_module_syntax: module_record.has_module_syntax, note, lowered })
        }
        false => Err(Refused { problems, mends: mend }),
    }
}

/// What nests deeper than V8 reads, or than can be judged.
fn too_deep(found: TooDeep) -> Problem {
    let (span, message) = match found {
        TooDeep::V8(span) => (span, "this nests deeper than the stack of V8 allows"),
        TooDeep::Own(span) => (span, "this nests deeper than can be judged safely"),
    };
    let range = checks::bytes(span);
    Problem::new("nesting-too-deep", message, range.start..range.end.min(range.start + 40))
        .hint("split the code into smaller parts")
}
