//! The layers of the verdict on JavaScript, for the benchmark alone.

use oxc_allocator::Allocator;
use oxc_ast::ast::Program;
use oxc_parser::{ParseOptions, Parser};
use oxc_semantic::SemanticBuilder;

use super::*;

/// What is looked at before the parser. Whether the file may be parsed.
#[must_use]
pub fn bounds(text: &str) -> bool {
    bounded(text, Language::JavaScript).is_none()
}

/// The parser alone, as the dialect that a verdict named.
#[must_use]
pub fn parse<'a>(allocator: &'a Allocator, text: &'a str, dialect: &str) -> Option<Program<'a>> {
    let goals = [Goal::MODULE, Goal::SCRIPT, Goal::COMMONJS, Goal::JSX];
    let goal = goals.into_iter().find(|goal| goal.dialect() == dialect)?;
    let options = ParseOptions { parse_regular_expression: true, ..ParseOptions::default() };
    let parsed = Parser::new(allocator, text, goal.source_type()).with_options(options).parse();
    (!parsed.panicked).then_some(parsed.program)
}

/// The walk over the tree that tells most valid files from those that are in doubt.
#[must_use]
pub fn own<'t, 'a>(program: &Program<'a>, text: &'t str, dialect: &str) -> survey::Survey<'t, 'a> {
    let goals = [Goal::MODULE, Goal::SCRIPT, Goal::COMMONJS, Goal::JSX];
    let goal = goals.into_iter().find(|goal| goal.dialect() == dialect).unwrap_or(Goal::MODULE);
    survey::Survey::of(program, text, Terms { goal, node: NodeVersion::NEWEST, rule: RULE, harvest: None }, None)
}

/// The semantic checker, for what is in doubt; how many faults it finds.
#[must_use]
pub fn semantic<'a>(program: &'a Program<'a>, survey: &survey::Survey<'_, '_>) -> usize {
    let doubt = || SemanticBuilder::new().with_build_nodes(true).with_check_syntax_error(true).build(program);
    if survey.concerns { doubt().diagnostics.len() } else { 0 }
}
