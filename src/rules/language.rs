//! The languages of rules: each is a folder.

/// What a rule sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RuleLanguage {
    /// Python.
    Python,
    /// JavaScript and TypeScript, scripts in HTML included.
    JavaScript,
    /// HTML.
    Html,
    /// The text of every file.
    Any,
}

impl RuleLanguage {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Python, Self::JavaScript, Self::Html, Self::Any];

    /// The name of its folder.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::JavaScript => "javascript",
            Self::Html => "html",
            Self::Any => "any",
        }
    }

    /// The language whose folder is called `name`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.name() == name)
    }
}
