//! What Bandit's functional tests expect, read from their source: `self.check_example(file, expect)`.

use std::collections::BTreeMap;

use ruff_python_ast::{Expr, ExprDict, Stmt, StmtFunctionDef};

/// How many findings a test expects of one severity in one file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Count {
    pub(crate) file: String,
    pub(crate) severity: String,
    pub(crate) count: usize,
}

/// The counts of all tests. Where tests with different settings expect different numbers of the same file, the largest
/// counts: vetrun has no such settings.
pub(crate) fn expected_counts(source: &str) -> Option<Vec<Count>> {
    let module = ruff_python_parser::parse_module(source).ok()?.into_syntax();
    let mut largest: BTreeMap<(String, String), usize> = BTreeMap::new();
    for function in functions(&module.body) {
        for (file, severity, count) in counts_of(function) {
            let entry = largest.entry((file, severity)).or_default();
            *entry = count.max(*entry);
        }
    }
    let counts = largest.into_iter().map(|((file, severity), count)| Count { file, severity, count });
    Some(counts.filter(|count| count.count > 0).collect())
}

fn functions(body: &[Stmt]) -> impl Iterator<Item = &StmtFunctionDef> {
    let classes = body.iter().filter_map(Stmt::as_class_def_stmt);
    classes.flat_map(|class| class.body.iter().filter_map(Stmt::as_function_def_stmt))
}

/// The counts that one test function expects; its variables are followed from the top down.
fn counts_of(function: &StmtFunctionDef) -> Vec<(String, String, usize)> {
    let (mut numbers, mut texts, mut dicts) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    let mut counts = Vec::new();
    for statement in flat(&function.body) {
        if let Stmt::Assign(assign) = statement
            && let [Expr::Name(name)] = assign.targets.as_slice()
        {
            match &*assign.value {
                Expr::Dict(dict) => drop(dicts.insert(name.id.to_string(), severities(dict, &numbers))),
                Expr::StringLiteral(text) => drop(texts.insert(name.id.to_string(), text.value.to_str().to_owned())),
                value => drop(number(value, &numbers).map(|known| numbers.insert(name.id.to_string(), known))),
            }
        }
        let Some((file, expect)) = check_example(statement) else { continue };
        let file = match file {
            Expr::StringLiteral(text) => Some(text.value.to_str().to_owned()),
            Expr::Name(name) => texts.get(name.id.as_str()).cloned(),
            _ => None,
        };
        let expected = match expect {
            Expr::Dict(dict) => Some(severities(dict, &numbers)),
            Expr::Name(name) => dicts.get(name.id.as_str()).cloned(),
            _ => None,
        };
        if let (Some(file), Some(expected)) = (file, expected) {
            counts.extend(expected.into_iter().map(|(severity, count)| (file.clone(), severity, count)));
        }
    }
    counts
}

/// The statements of a body in order, those in `with` among them.
fn flat(body: &[Stmt]) -> Vec<&Stmt> {
    let mut all = Vec::new();
    for statement in body {
        match statement {
            Stmt::With(with) => all.extend(&with.body),
            other => all.push(other),
        }
    }
    all
}

/// The arguments of `self.check_example(file, expect)`.
fn check_example(statement: &Stmt) -> Option<(&Expr, &Expr)> {
    let call = statement.as_expr_stmt()?.value.as_call_expr()?;
    let attribute = call.func.as_attribute_expr()?;
    let (file, expect) = (call.arguments.args.first()?, call.arguments.args.get(1)?);
    (attribute.attr.as_str() == "check_example").then_some((file, expect))
}

/// The numbers under `SEVERITY`.
fn severities(dict: &ExprDict, numbers: &BTreeMap<String, usize>) -> Vec<(String, usize)> {
    let entry = |dict: &ExprDict, wanted: Option<&str>| -> Vec<(String, Expr)> {
        let named = dict.items.iter().filter_map(|item| {
            let key = item.key.as_ref()?.as_string_literal_expr()?.value.to_str().to_owned();
            Some((key, item.value.clone()))
        });
        named.filter(|(key, _)| wanted.is_none_or(|wanted| key == wanted)).collect()
    };
    let Some((_, Expr::Dict(ranks))) = entry(dict, Some("SEVERITY")).into_iter().next() else { return Vec::new() };
    entry(&ranks, None).into_iter().filter_map(|(rank, value)| Some((rank, number(&value, numbers)?))).collect()
}

fn number(value: &Expr, numbers: &BTreeMap<String, usize>) -> Option<usize> {
    match value {
        Expr::NumberLiteral(literal) => usize::try_from(literal.value.as_int()?.as_u64()?).ok(),
        Expr::Name(name) => numbers.get(name.id.as_str()).copied(),
        _ => None,
    }
}
