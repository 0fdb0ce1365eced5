//! Expressions and queries that are compiled when they are first needed, because that costs more than most files are worth.

use std::ops::Deref;
use std::sync::OnceLock;

use super::RuleLanguage;
use super::expression::Expression;
use super::pack::Pack;
use super::packed::Reader;
use super::program::Program;
use super::rule::Text;

/// A regular expression that is compiled when it is first needed.
#[derive(Debug)]
pub(crate) struct LazyRegex {
    source: Text,
    program: Program,
    cell: OnceLock<Expression>,
}

impl LazyRegex {
    /// An expression that is not compiled yet.
    pub(super) fn new(source: Text) -> Self {
        let program = Program::of(&source);
        Self::with_program(source, program)
    }

    /// An expression whose program is known.
    pub(super) const fn with_program(source: Text, program: Program) -> Self {
        Self { source, program, cell: OnceLock::new() }
    }

    /// What it was written as.
    pub(super) fn source(&self) -> &Text {
        &self.source
    }

    /// Its program.
    pub(super) fn program(&self) -> &Program {
        &self.program
    }

    /// Compiles it now.
    pub(super) fn check(&self) -> Result<(), String> {
        let expression = Expression::new(self.source.clone(), self.program.clone());
        let expression = expression.map_err(|error| format!("the regex is not valid: {error}"))?;
        self.cell.get_or_init(|| expression);
        Ok(())
    }

    /// The compiled expression.
    pub(crate) fn get(&self) -> &Expression {
        self.cell.get_or_init(|| Expression::with_program(self.source.clone(), self.program.clone()))
    }
}

impl Clone for LazyRegex {
    fn clone(&self) -> Self {
        Self::with_program(self.source.clone(), self.program.clone())
    }
}

impl PartialEq for LazyRegex {
    fn eq(&self, other: &Self) -> bool {
        (&self.source, &self.program) == (&other.source, &other.program)
    }
}

/// What is unpacked when it is first needed: tables of a language when the first text in it is looked at, a rule when it is
/// hit, and its matchers when one of them could match. Until then it takes little room, wherever it is moved.
#[derive(Debug)]
pub(crate) struct Later<T> {
    packed: Option<Reader>,
    cell: OnceLock<Box<T>>,
}

impl<T> Later<T> {
    /// What is still packed.
    pub(super) const fn packed(bytes: Reader) -> Self {
        Self { packed: Some(bytes), cell: OnceLock::new() }
    }
}

impl<T: Pack> Deref for Later<T> {
    type Target = T;

    fn deref(&self) -> &T {
        let packed = || self.packed.clone().expect("what is not there is packed");
        self.cell.get_or_init(|| Box::new(T::unpack(&mut packed())))
    }
}

impl<T> From<T> for Later<T> {
    fn from(value: T) -> Self {
        Self { packed: None, cell: OnceLock::from(Box::new(value)) }
    }
}

impl<T: Pack + PartialEq> PartialEq for Later<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

/// A tree-sitter query that is compiled when it is first needed.
#[derive(Debug)]
pub(crate) struct LazyQuery {
    source: Text,
    language: RuleLanguage,
    cell: OnceLock<tree_sitter::Query>,
}

impl LazyQuery {
    /// A query that is not compiled yet.
    pub(super) const fn new(source: Text, language: RuleLanguage) -> Self {
        Self { source, language, cell: OnceLock::new() }
    }

    /// What it was written as.
    pub(super) fn source(&self) -> &Text {
        &self.source
    }

    /// Whose trees it is about.
    pub(super) fn language(&self) -> RuleLanguage {
        self.language
    }

    /// Compiles it now.
    pub(super) fn check(&self) -> Result<(), String> {
        let query = self.compile().map_err(|error| format!("the query is not valid: {error}"))?;
        self.cell.get_or_init(|| query);
        Ok(())
    }

    fn compile(&self) -> Result<tree_sitter::Query, tree_sitter::QueryError> {
        let grammar: tree_sitter::Language = match self.language {
            RuleLanguage::Python => tree_sitter_python::LANGUAGE.into(),
            RuleLanguage::JavaScript => tree_sitter_javascript::LANGUAGE.into(),
            RuleLanguage::Html | RuleLanguage::Any => tree_sitter_html::LANGUAGE.into(),
        };
        tree_sitter::Query::new(&grammar, &self.source)
    }

    /// The compiled query.
    pub(crate) fn get(&self) -> &tree_sitter::Query {
        self.cell.get_or_init(|| self.compile().expect("every built-in rule is run by a test"))
    }
}

impl PartialEq for LazyQuery {
    fn eq(&self, other: &Self) -> bool {
        (&self.source, self.language) == (&other.source, other.language)
    }
}
