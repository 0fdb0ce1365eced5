//! Environment markers (PEP 508): `python_version < "3.9" and sys_platform == "linux"`, parsed and evaluated for the
//! interpreter that will run the program, which need not be the one on this host.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use super::name::normalised;
use super::specifier::Specifier;
use super::text::{Cursor, Syntax, syntax};
use super::version::Version;

/// Parentheses inside one another; the reference stops at its interpreter's recursion limit.
const MARKER_DEPTH_MAX: usize = 32;

/// A condition on the environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marker(Expression);

/// Terms with `and` or `or` between them, as written: `and` binds tighter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Expression {
    terms: Vec<Term>,
    /// One less than the terms; whether the join before term n + 1 is `or`.
    joins_or: Vec<bool>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Term {
    Comparison(Operand, &'static str, Operand),
    Group(Expression),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Operand {
    Variable(&'static str),
    Value(String),
}

/// All spellings of the variables, and the canonical one.
const VARIABLES: &[(&str, &str)] = &[
    ("python_version", "python_version"),
    ("python_full_version", "python_full_version"),
    ("os_name", "os_name"),
    ("os.name", "os_name"),
    ("sys_platform", "sys_platform"),
    ("sys.platform", "sys_platform"),
    ("platform_release", "platform_release"),
    ("platform_system", "platform_system"),
    ("platform_version", "platform_version"),
    ("platform.version", "platform_version"),
    ("platform_machine", "platform_machine"),
    ("platform.machine", "platform_machine"),
    ("platform_python_implementation", "platform_python_implementation"),
    ("platform.python_implementation", "platform_python_implementation"),
    ("python_implementation", "platform_python_implementation"),
    ("implementation_name", "implementation_name"),
    ("implementation_version", "implementation_version"),
    ("extra", "extra"),
    ("extras", "extras"),
    ("dependency_groups", "dependency_groups"),
];

/// Variables whose values are compared as versions where both sides are versions.
const VERSION_VARIABLES: &[&str] =
    &["python_version", "python_full_version", "implementation_version", "platform_release"];

/// The comparison operators; a longer one stands before its own prefix.
const COMPARISONS: &[&str] = &["===", "==", "~=", "!=", "<=", ">=", "<", ">"];

/// The values of the marker variables in one environment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MarkerEnvironment(BTreeMap<String, String>);

impl MarkerEnvironment {
    /// An environment with these values; `extra` is empty unless it is among them.
    #[must_use]
    pub fn new(values: BTreeMap<String, String>) -> Self {
        Self(values)
    }

    /// The same environment for the requirements of one extra; empty for those of none.
    #[must_use]
    pub fn with_extra(&self, extra: &str) -> Self {
        let mut values = self.0.clone();
        values.insert("extra".to_owned(), normalised(extra));
        Self(values)
    }

    /// The value of a variable.
    #[must_use]
    pub fn get(&self, variable: &str) -> Option<&str> {
        self.0.get(variable).map(String::as_str).or_else(|| (variable == "extra").then_some(""))
    }
}

impl Marker {
    /// Reads a marker up to the first thing that is not part of one.
    pub(super) fn read(cursor: &mut Cursor<'_>) -> Result<Self, Syntax> {
        // Open groups are kept on a stack of our own, so that nesting cannot exhaust the thread's.
        let mut open: Vec<Expression> = Vec::new();
        let mut current = Expression::default();
        loop {
            cursor.skip_blanks();
            if cursor.eat("(") {
                if open.len() == MARKER_DEPTH_MAX {
                    return Err(cursor.fault(format!("more than {MARKER_DEPTH_MAX} parentheses inside one another")));
                }
                open.push(std::mem::take(&mut current));
                continue;
            }
            current.terms.push(read_comparison(cursor)?);
            cursor.skip_blanks();
            while !open.is_empty() && cursor.eat(")") {
                let mut outer = open.pop().unwrap_or_default();
                outer.terms.push(Term::Group(current));
                current = outer;
                cursor.skip_blanks();
            }
            match read_join(cursor) {
                Some(is_or) => current.joins_or.push(is_or),
                None if open.is_empty() => return Ok(Self(current)),
                None => return Err(cursor.fault("a parenthesis of the marker is not closed")),
            }
        }
    }

    /// Whether it holds in `environment`.
    ///
    /// # Errors
    /// When it compares what cannot be compared: two constants, two variables, a variable that is not defined for a
    /// plain requirement (`extras`, `dependency_groups`), or text with `~=` or `===`.
    pub fn evaluate(&self, environment: &MarkerEnvironment) -> Result<bool, Syntax> {
        self.0.evaluate(environment)
    }
}

fn read_join(cursor: &mut Cursor<'_>) -> Option<bool> {
    if cursor.eat_word("or") {
        return Some(true);
    }
    cursor.eat_word("and").then_some(false)
}

fn read_comparison(cursor: &mut Cursor<'_>) -> Result<Term, Syntax> {
    let mut left = read_operand(cursor)?;
    cursor.skip_blanks();
    let operator = read_operator(cursor)?;
    cursor.skip_blanks();
    let mut right = read_operand(cursor)?;
    // Names of extras are compared in normalised form (PEP 685).
    match (&mut left, &mut right) {
        (Operand::Variable("extra" | "extras" | "dependency_groups"), Operand::Value(value))
        | (Operand::Value(value), Operand::Variable("extra" | "extras" | "dependency_groups")) => {
            *value = normalised(value);
        }
        _ => {}
    }
    Ok(Term::Comparison(left, operator, right))
}

fn read_operator(cursor: &mut Cursor<'_>) -> Result<&'static str, Syntax> {
    if cursor.eat_word("in") {
        return Ok("in");
    }
    if cursor.eat_word("not") {
        let blanks = cursor.skip_blanks();
        return if blanks && cursor.eat_word("in") {
            Ok("not in")
        } else {
            Err(cursor.fault("`in` must follow `not`"))
        };
    }
    let found = COMPARISONS.iter().copied().find(|sign| cursor.eat(sign));
    found.ok_or_else(|| cursor.fault("a marker needs a comparison: <=, <, !=, ==, >=, >, ~=, ===, in or not in"))
}

fn read_operand(cursor: &mut Cursor<'_>) -> Result<Operand, Syntax> {
    let start = *cursor;
    for quote in ["'", "\""] {
        if cursor.eat(quote) {
            let text = cursor.take_while(|char| !quote.starts_with(char));
            let sound = !text.contains(|char: char| char == '\\' || (char.is_control() && char != '\t'));
            return match cursor.eat(quote) {
                true if sound => Ok(Operand::Value(text.to_owned())),
                true => Err(start.fault("a marker's text holds a backslash or control character")),
                false => Err(start.fault("a marker's text is not closed")),
            };
        }
    }
    let word = cursor.take_while(|char| char.is_ascii_alphanumeric() || matches!(char, '_' | '.'));
    match VARIABLES.iter().find(|(spelling, _)| *spelling == word) {
        Some((_, canonical)) => Ok(Operand::Variable(canonical)),
        None => Err(start.fault(format!("`{word}` is not a marker variable or quoted text"))),
    }
}

impl Expression {
    /// Recursion is bounded by [`MARKER_DEPTH_MAX`].
    fn evaluate(&self, environment: &MarkerEnvironment) -> Result<bool, Syntax> {
        let mut any = false;
        let mut all = true;
        for (at, term) in self.terms.iter().enumerate() {
            if at > 0 && self.joins_or[at - 1] {
                any |= all;
                all = true;
            }
            let holds = match term {
                Term::Group(group) => group.evaluate(environment)?,
                Term::Comparison(left, operator, right) => compare(left, operator, right, environment)?,
            };
            all &= holds;
        }
        Ok(any || all)
    }
}

fn compare(left: &Operand, operator: &str, right: &Operand, environment: &MarkerEnvironment) -> Result<bool, Syntax> {
    let value_of = |variable: &str| {
        environment
            .get(variable)
            .ok_or_else(|| syntax(0, format!("the marker variable `{variable}` has no value here")))
    };
    let (variable, left, right) = match (left, right) {
        (Operand::Variable(variable), Operand::Value(value)) => (*variable, value_of(variable)?, value.as_str()),
        (Operand::Value(value), Operand::Variable(variable)) => (*variable, value.as_str(), value_of(variable)?),
        _ => return Err(syntax(0, "a marker must compare one variable with one quoted text")),
    };
    if VERSION_VARIABLES.contains(&variable)
        && let Ok(specifier) = format!("{operator}{right}").parse::<Specifier>()
    {
        return Ok(left.parse::<Version>().is_ok_and(|version| specifier.contains(&version)));
    }
    match operator {
        "in" => Ok(right.contains(left)),
        "not in" => Ok(!right.contains(left)),
        "==" | "<=" | ">=" => Ok(left == right),
        "!=" => Ok(left != right),
        "<" | ">" => Ok(false),
        _ => Err(syntax(0, format!("`{operator}` cannot compare `{left}` with `{right}`"))),
    }
}

impl Expression {
    /// The expression without the groups that hold nothing but another group.
    fn unwrapped(&self) -> &Self {
        let mut expression = self;
        while let [Term::Group(group)] = expression.terms.as_slice() {
            expression = group;
        }
        expression
    }
}

impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.0.unwrapped(), f)
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, term) in self.terms.iter().enumerate() {
            if at > 0 {
                f.write_str(if self.joins_or[at - 1] { " or " } else { " and " })?;
            }
            match term {
                Term::Comparison(left, operator, right) => write!(f, "{left} {operator} {right}")?,
                Term::Group(group) if group.unwrapped().terms.len() == 1 => write!(f, "{}", group.unwrapped())?,
                Term::Group(group) => write!(f, "({})", group.unwrapped())?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Operand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(name) => f.write_str(name),
            // A text holds at most one kind of quote: it was written between two of the other.
            Self::Value(text) if text.contains('"') => write!(f, "'{text}'"),
            Self::Value(text) => write!(f, "\"{text}\""),
        }
    }
}

impl FromStr for Marker {
    type Err = Syntax;

    fn from_str(text: &str) -> Result<Self, Syntax> {
        let mut cursor = Cursor::new(text);
        let marker = Self::read(&mut cursor)?;
        if cursor.is_at_end() { Ok(marker) } else { Err(cursor.fault("nothing can follow a marker")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn linux_311() -> MarkerEnvironment {
        let values = [
            ("python_version", "3.11"),
            ("python_full_version", "3.11.7"),
            ("os_name", "posix"),
            ("sys_platform", "linux"),
            ("platform_system", "Linux"),
            ("platform_release", "6.1.0-13-amd64"),
            ("platform_machine", "x86_64"),
            ("platform_python_implementation", "CPython"),
            ("implementation_name", "cpython"),
            ("implementation_version", "3.11.7"),
        ];
        MarkerEnvironment::new(values.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    #[test]
    fn markers_are_evaluated_for_the_given_environment() {
        let cases = [
            ("python_version >= '3.9'", true),
            ("python_version < '3.9'", false),
            ("'3.9' <= python_version", true),
            ("python_version == '3.*'", true),
            ("python_version in '3.10, 3.11'", true),
            ("python_version not in '2.7'", true),
            ("sys_platform == 'win32'", false),
            ("os.name == 'posix' and sys.platform != 'win32'", true),
            ("sys_platform == 'win32' or python_version > '3' and os_name == 'posix'", true),
            ("sys_platform == 'win32' and (python_version > '3' or os_name == 'posix')", false),
            ("platform_release >= '5'", false),
            ("platform_machine in 'x86_64 aarch64'", true),
            ("extra == 'test'", false),
            ("extra != 'test'", true),
            ("implementation_name=='cpython'and(os_name=='posix')", true),
        ];
        for (text, holds) in cases {
            assert_eq!(text.parse::<Marker>().unwrap().evaluate(&linux_311()), Ok(holds), "{text}");
        }
        for text in ["'a' == 'b'", "os_name == sys_platform", "sys_platform ~= 'linux'", "'x' in extras"] {
            assert!(text.parse::<Marker>().unwrap().evaluate(&linux_311()).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_not_a_marker_is_refused_at_its_place() {
        let deep = format!("{}os_name == 'x'{}", "(".repeat(5000), ")".repeat(5000));
        for text in [
            "",
            "python_version",
            "(python_version)",
            "os_name == 'x' and",
            "(os_name == 'x'",
            "os_name == 'x')",
            "os_name == 'x",
            "os_name = 'x'",
            "os_name == \"C:\\\"",
            "'3.7' notin python_version",
            "'3.6'inpython_version",
            "os_name == 'x' xor os_name == 'y'",
            "os_name == 'x'\n",
            &deep,
        ] {
            assert!(text.parse::<Marker>().is_err(), "{text}");
        }
        assert_eq!("os_name == 'x' and nonsense > '1'".parse::<Marker>().unwrap_err().at, 19);
    }
}
