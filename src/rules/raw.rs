//! The shape of a rule file, as TOML says it and before anything is checked. Its JSON Schema is the rule language's
//! reference.

use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

use super::demand::Checksum;
use crate::finding::{Confidence, Severity};

/// One rule: what is dangerous, why, what to do instead, and examples that prove it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRule {
    /// Named after the fault; the same as the file's name without `.toml`.
    pub(super) id: String,
    /// How bad a hit is.
    pub(super) severity: Severity,
    /// How sure a hit is.
    pub(super) confidence: Confidence,
    /// What was found: a lower-case fragment without a full stop.
    pub(super) message: String,
    /// Why it is dangerous, in sentences.
    pub(super) why: String,
    /// What to do instead; the first line is the hint of every finding.
    pub(super) instead: String,
    /// Numbers of the Common Weakness Enumeration.
    #[serde(default)]
    pub(super) cwe: Vec<u32>,
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

/// One alternative; it has exactly one of `call`, `import`, `assign`, `use`, `regex` and `query`.
///
/// Names are qualified (`os.system`, `child_process.exec`); built-in names are bare (`eval`). `*.name` is a member of any
/// receiver that is not known to be something else, and `module.*` any member of a module. `module.?` is a member whose name
/// is not known before run time (`getattr(os, x)`), `builtins.?` and `globalThis.?` one of the built-in names. The result
/// of a call is written `()`: `socket.socket.().connect`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawMatch {
    /// Names that are called, or passed on where they could be called.
    pub(super) call: Vec<String>,
    /// Whether a function that is passed on counts as well, with confidence one step lower; only with `call`, and only
    /// where no `argument` has to hold.
    pub(super) references: Option<bool>,
    /// What the arguments of the call must be: all of these.
    #[schemars(with = "Vec<RawCheck>")]
    pub(super) argument: Vec<Spanned<RawCheck>>,
    /// What they must not be: none of these.
    #[schemars(with = "Vec<RawCheck>")]
    pub(super) not_argument: Vec<Spanned<RawCheck>>,
    /// Modules, or members of modules, that are imported in any way.
    pub(super) import: Vec<String>,
    /// Names that are assigned to.
    pub(super) assign: Vec<String>,
    /// What the assigned value must be: all of these, without `position` and `keyword`.
    #[schemars(with = "Vec<RawCheck>")]
    pub(super) value: Vec<Spanned<RawCheck>>,
    /// Names that are used in any way, called or not.
    #[serde(rename = "use")]
    pub(super) usage: Vec<String>,
    /// A regular expression over the text; a group named `hit` narrows what is reported.
    pub(super) regex: Option<String>,
    /// Where the regular expression looks; only with `regex`.
    pub(super) within: Option<Within>,
    /// Bits of entropy a character that the found text has at least; only with `regex`.
    pub(super) entropy_min: Option<f64>,
    /// A checksum that the found text holds, or must not hold; only with `regex`.
    pub(super) checksum: Option<Checksum>,
    /// Whether placeholders (`xxxx`, `EXAMPLE`, `<token>`, `${VAR}`) are refused; only with `regex`.
    pub(super) real: Option<bool>,
    /// A tree-sitter query; the capture `@hit` is what is reported.
    pub(super) query: Option<String>,
}

/// What an argument or a value must be: `is`, or a `value`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawCheck {
    /// Which argument, counted from 0.
    pub(super) position: Option<u16>,
    /// Which argument, by keyword in Python (then `position` names the same argument), or the key of an object literal
    /// among the arguments in JavaScript (at `position`, where that is given).
    pub(super) keyword: Option<String>,
    /// What is known of it.
    pub(super) is: Option<Is>,
    /// A regular expression over the folded constant; of a list any element.
    pub(super) value: Option<String>,
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
