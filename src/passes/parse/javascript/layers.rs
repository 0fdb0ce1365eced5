//! The layers of the verdict on JavaScript, for the benchmark alone.

use oxc_ast::ast::Program;

use super::*;

/// What is looked at before the parser. Whether the file may be parsed.
#[must_use]
pub fn bounds(text: &str, policy: &ParsePolicy) -> bool {
    bounded(text, &scan::scan(text, policy.nesting_depth_max), policy).is_none()
}

/// The parser alone, as the dialect that a verdict named.
#[must_use]
pub fn parse<'a>(allocator: &'a Allocator, text: &'a str, dialect: &str) -> Option<Program<'a>> {
    let goals = [Goal::MODULE, Goal::SCRIPT, Goal::COMMONJS, Goal::JSX];
    let goal = goals.into_iter().find(|goal| goal.dialect == dialect)?;
    let options = ParseOptions { parse_regular_expression: true, ..ParseOptions::default() };
    let parsed = Parser::new(allocator, text, goal.source_type).with_options(options).parse();
    (parsed.diagnostics.is_empty() && !parsed.panicked).then_some(parsed.program)
}

/// The own checks; what they and the walk for them give to the semantic checker.
#[must_use]
pub fn own<'a>(_program: &'a Program<'a>) -> usize {
    0
}

/// The semantic checker; how many faults it finds.
#[must_use]
pub fn semantic<'a>(program: &'a Program<'a>, _facts: usize) -> usize {
    let built = SemanticBuilder::new().with_build_nodes(true).with_check_syntax_error(true).build(program);
    built.diagnostics.len() + checks::typescript_in_javascript(built.semantic.nodes()).len()
}
