//! The shape of a rule file, as TOML says it and before anything is checked. Its JSON Schema is the rule language's
//! reference.

use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

use super::demand::Checksum;
use super::{Confidence, Severity};

/// One rule: what is dangerous, why, what to do instead, and examples that prove it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRule {
    /// Named after the fault; the same as the file's name without `.toml`.
    pub(super) id: String,
    /// How bad a hit is; left out where there is a `label`.
    pub(super) severity: Option<Severity>,
    /// How sure a hit is; left out where there is a `label`.
    pub(super) confidence: Option<Confidence>,
    /// What a hit says that the code can do: a word of a-z and `-`, such as `network`. A rule with a label is no finding of its
    /// own: its hits are capabilities of the report, and stand for the label in `all`.
    pub(super) label: Option<String>,
    /// Whether the value of what is called or used, and the parameters of what is defined, carry the label, for checks `from`.
    #[serde(default)]
    pub(super) source: bool,
    /// Whether what is reached as a single member of it carries the label as well; only with `source`. Where not, the label
    /// means the whole: `dict(os.environ)` carries it, `os.environ["HOME"]` does not.
    #[serde(default = "yes")]
    pub(super) members: bool,
    /// Whether its hits are capabilities of the report; only with `label`. Where not, the label is for other rules alone.
    #[serde(default = "yes")]
    pub(super) capability: bool,
    /// What was found: a lower-case fragment without a full stop.
    pub(super) message: String,
    /// Why it is dangerous, in sentences.
    pub(super) why: String,
    /// What to do instead; the first line is the hint of every finding.
    pub(super) instead: String,
    /// Numbers of the Common Weakness Enumeration.
    #[serde(default)]
    pub(super) cwe: Vec<u32>,
    /// Categories of the OWASP Top 10: `A03:2021`.
    #[serde(default)]
    pub(super) owasp: Vec<String>,
    /// Ids of equivalent checks elsewhere, or titles of documents.
    #[serde(default)]
    pub(super) references: Vec<String>,
    /// Code that the rule must hit; at least one.
    pub(super) bad: Vec<String>,
    /// Code that the rule must not hit; at least one.
    pub(super) good: Vec<String>,
    /// What is looked for: any of these.
    #[serde(rename = "match")]
    #[schemars(with = "Vec<RawMatch>")]
    pub(super) matches: Vec<Spanned<RawMatch>>,
}

/// The default of what is so unless a rule says otherwise.
fn yes() -> bool {
    true
}

/// One alternative; it has exactly one of `call`, `import`, `assign`, `keyword`, `compare`, `use`, `define`, `statement`, `shell`,
/// `regex`, `query` and `all`.
///
/// Names are qualified (`os.system`, `child_process.exec`); built-in names are bare (`eval`). `*.name` is a member of any
/// receiver that is not known to be something else, and `module.*` any member of a module. `module.?` is a member whose name
/// is not known before run time (`getattr(os, x)`), `builtins.?` and `globalThis.?` one of the built-in names. The result
/// of a call is written `()`: `socket.socket.().connect`. Where names are given a value, compared or defined (`assign`,
/// `keyword`, `compare`, `define`, and the `keyword` of a check of `define`), `/regex/` is every name that the regular
/// expression finds something in, as a variable, member or key.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawMatch {
    /// Names that are called, or passed on where they could be called.
    pub(super) call: Vec<String>,
    /// Whether a function that is passed on counts as well, with confidence one step lower; only with `call`, and only
    /// where no `argument` has to hold.
    pub(super) references: Option<bool>,
    /// What the arguments of the call, or the default values of the defined function, must be: all of these.
    #[schemars(with = "Vec<RawCheck>")]
    pub(super) argument: Vec<Spanned<RawCheck>>,
    /// What they must not be: none of these.
    #[schemars(with = "Vec<RawCheck>")]
    pub(super) not_argument: Vec<Spanned<RawCheck>>,
    /// What the method must be called on: all of these, without `position` and `keyword`; only with `call`.
    #[schemars(with = "Vec<RawCheck>")]
    pub(super) receiver: Vec<Spanned<RawCheck>>,
    /// What a computed key must be that is assigned to, and the key that the object itself was reached by: all of these,
    /// without `position` and `keyword`; only with `assign = ["*.?"]`.
    #[schemars(with = "Vec<RawCheck>")]
    pub(super) key: Vec<Spanned<RawCheck>>,
    /// Modules, or members of modules, that are imported in any way.
    pub(super) import: Vec<String>,
    /// Names that are assigned to. `*.name` is a key of a literal mapping, a field of a class and an attribute of JSX as well.
    pub(super) assign: Vec<String>,
    /// Names of keyword arguments, whatever is called.
    pub(super) keyword: Vec<String>,
    /// Names that are compared for equality or membership with something, which `value` is about.
    pub(super) compare: Vec<String>,
    /// What the assigned, passed or compared value must be, or what the defined function gives back: all of these, without
    /// `position` and `keyword`.
    #[schemars(with = "Vec<RawCheck>")]
    pub(super) value: Vec<Spanned<RawCheck>>,
    /// What it must not be: none of these.
    #[schemars(with = "Vec<RawCheck>")]
    pub(super) not_value: Vec<Spanned<RawCheck>>,
    /// Names that are used in any way, called or not.
    #[serde(rename = "use")]
    pub(super) usage: Vec<String>,
    /// Names of functions, methods and classes that are defined; `*` is every one.
    pub(super) define: Vec<String>,
    /// Names of decorators, one of which the definition has; only with `define`.
    pub(super) decorated: Vec<String>,
    /// Names of bases, one of which the class has; only with `define`.
    pub(super) base: Vec<String>,
    /// Statements.
    pub(super) statement: Vec<StatementWord>,
    /// What a handler catches: one of these names, or `*` for everything; only with `except…` of `statement`.
    pub(super) exception: Vec<String>,
    /// A regular expression over the text of a command that is given to a shell or started, however it is put together:
    /// words of a list are joined by spaces, and what is not known is one U+FFFD.
    pub(super) shell: Option<String>,
    /// A regular expression over the text; a group named `hit` narrows what is reported.
    pub(super) regex: Option<String>,
    /// With `regex` where it looks: `"text"`, `"string"` or `"comment"`. With all other kinds but `query` and `all` a list of what
    /// the hit must stand inside of, any of these.
    pub(super) within: Option<RawWithin>,
    /// What the hit must not stand inside of, none of these.
    pub(super) not_within: Vec<Inside>,
    /// Bits of entropy a character that the found text has at least; only with `regex`.
    pub(super) entropy_min: Option<f64>,
    /// A checksum that the found text holds, or must not hold; only with `regex`.
    pub(super) checksum: Option<Checksum>,
    /// Whether placeholders (`xxxx`, `EXAMPLE`, `<token>`, `${VAR}`) are refused; only with `regex`.
    pub(super) real: Option<bool>,
    /// A tree-sitter query; the capture `@hit` is what is reported.
    pub(super) query: Option<String>,
    /// Names: no hit where what the method is called on, or an argument, is one of these or was made by calling it.
    pub(super) unless: Vec<String>,
    /// Positions of arguments (of an assignment and its like: `[0]`, the value) that the confidence hangs on: it is one step
    /// lower where all of them surely are constants, and one step higher where one may come from a source.
    pub(super) weigh: Vec<u16>,
    /// Labels, or ids of rules, all of which occur; the hit is the first place of the last one.
    pub(super) all: Vec<String>,
    /// Where all of them occur; only with `all`.
    pub(super) scope: Option<Scope>,
}

/// What an argument or a value must be: exactly one of `is`, `value`, `text` and `from`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawCheck {
    /// Which argument, counted from 0.
    pub(super) position: Option<u16>,
    /// Which argument, by keyword in Python (then `position` names the same argument), or the key of an object literal
    /// among the arguments in JavaScript (at `position`, where that is given). With `define`, which parameter.
    pub(super) keyword: Option<String>,
    /// What is known of it.
    pub(super) is: Option<Is>,
    /// A regular expression over the folded constant; of a list any element.
    pub(super) value: Option<String>,
    /// A regular expression over the text that it may be, however that is put together: words of a list are joined by spaces,
    /// and what is not known is one U+FFFD.
    pub(super) text: Option<String>,
    /// Labels of sources: it may come from one of these.
    pub(super) from: Vec<String>,
}

/// What is known of a value before run time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Is {
    /// The argument is given.
    Present,
    /// It is not given.
    Absent,
    /// It is known.
    Constant,
    /// It is given and not known, and no function either.
    Dynamic,
    /// It may be a constant that counts as true.
    Truthy,
    /// It may be a constant that counts as false.
    Falsy,
    /// It may be a text, known or put together at run time.
    Text,
    /// It may be a text that is put together at run time.
    Built,
    /// It is a text put together of numbers and signs, none of which comes from a source: an arithmetic expression.
    Arithmetic,
    /// It is a path below where the program itself stands: `__dirname`, `import.meta.url`, `process.cwd()`, and constants.
    Beside,
}

/// Where a hit must stand, by the kind of the match.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(
    untagged,
    expecting = "within is \"text\", \"string\" or \"comment\" with regex, or a list of \"loop\", \"endless-loop\", \"function\", \
                 \"lambda\", \"class\", \"except\" and \"module\""
)]
pub(super) enum RawWithin {
    /// With `regex`.
    Text(Within),
    /// With other kinds.
    Code(Vec<Inside>),
}

/// What code stands inside of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Inside {
    /// A loop or comprehension.
    Loop,
    /// A loop that no condition ends.
    EndlessLoop,
    /// A function or method.
    Function,
    /// A lambda.
    Lambda,
    /// A class.
    Class,
    /// A handler of exceptions.
    Except,
    /// No function, lambda or class: it runs when the module is loaded.
    Module,
}

/// A kind of statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StatementWord {
    /// `assert` of Python.
    Assert,
    /// A handler of exceptions, whatever it does.
    Except,
    /// A handler that does nothing: `pass`, `...`, an empty `catch`.
    ExceptPass,
    /// A handler that only goes on with the next turn of a loop.
    ExceptContinue,
    /// `with` of either language.
    With,
    /// `debugger` of JavaScript.
    Debugger,
}

/// Where all of several labels occur.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// In one file.
    #[default]
    File,
    /// Anywhere in the artifact.
    Artifact,
}

/// Where a regular expression looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Within {
    /// In the whole text.
    #[default]
    Text,
    /// In string literals, quotes included; only in Python and JavaScript.
    String,
    /// In comments; only in Python and JavaScript.
    Comment,
}
