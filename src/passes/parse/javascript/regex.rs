//! What V8 refuses in a regular expression that oxc's parser accepts: groups by version of Node, groups of one name that
//! can both take part, and two oddities of Unicode mode.
//!
//! All is read off the pattern's text, which is known to be well formed, in one pass without recursion.

use std::collections::HashSet;

use oxc_ast::ast::{RegExpFlags, RegExpLiteral};

use super::engine::Terms;
use crate::language::NodeVersion;

/// The fault of one literal.
pub(super) fn fault(literal: &RegExpLiteral<'_>, terms: Terms) -> Option<String> {
    let pattern = literal.regex.pattern.text.as_str();
    let unicode = literal.regex.flags.intersects(RegExpFlags::U | RegExpFlags::V);
    if unicode && pattern.contains('\\') {
        if has_bare_control(pattern) {
            return Some("invalid regular expression: invalid Unicode escape".to_owned());
        }
        if UNKNOWN_SCRIPTS.iter().any(|name| pattern.contains(name)) {
            return Some("invalid regular expression: invalid property name".to_owned());
        }
    }
    if !pattern.contains("(?") {
        return None;
    }
    let groups = groups(pattern, literal.regex.flags.contains(RegExpFlags::V));
    let old = terms.node < NodeVersion::Node24 && terms.goal.is_javascript();
    if groups.modifiers && old {
        return Some(format!(
            "invalid regular expression: groups with flags need Node 24, this is Node {}",
            terms.node
        ));
    }
    match groups.same_name {
        Same::Never => None,
        Same::InAlternatives if !old => None,
        Same::InAlternatives => Some(format!(
            "invalid regular expression: two groups of one name need Node 24, this is Node {}",
            terms.node
        )),
        Same::Together => Some("invalid regular expression: duplicate capture group name".to_owned()),
    }
}

/// Values of `Script` that Unicode lists and that no character has; V8 refuses them.
const UNKNOWN_SCRIPTS: &[&str] = &["=Hrkt}", "=Katakana_Or_Hiragana}"];

/// Whether `\c` stands before something else than a letter.
fn has_bare_control(pattern: &str) -> bool {
    let mut bytes = pattern.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'\\'
            && bytes.next() == Some(b'c')
            && !bytes.clone().next().is_some_and(|byte| byte.is_ascii_alphabetic())
        {
            return true;
        }
    }
    false
}

/// How groups of one name stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Same {
    Never,
    InAlternatives,
    Together,
}

#[derive(Debug, PartialEq, Eq)]
struct Groups {
    modifiers: bool,
    same_name: Same,
}

/// The names of the groups within one open group.
#[derive(Default)]
struct Names {
    /// Those in the alternative that is being read.
    here: HashSet<String>,
    /// Those in the alternatives before it.
    before: HashSet<String>,
}

impl Names {
    /// Ends an alternative; true where a name of it stands in an earlier one too.
    fn next_alternative(&mut self) -> bool {
        let here = std::mem::take(&mut self.here);
        merge(&mut self.before, here)
    }
}

/// Adds `from` to `into`, moving the fewer; true where they share a name.
fn merge(into: &mut HashSet<String>, mut from: HashSet<String>) -> bool {
    if into.len() < from.len() {
        std::mem::swap(into, &mut from);
    }
    let mut shared = false;
    for name in from {
        shared |= !into.insert(name);
    }
    shared
}

/// What the groups of a well-formed pattern are. `nested_classes` is so with the flag `v`.
fn groups(pattern: &str, nested_classes: bool) -> Groups {
    let bytes = pattern.as_bytes();
    let mut found = Groups { modifiers: false, same_name: Same::Never };
    let mut open = vec![Names::default()];
    let (mut at, mut class_depth) = (0, 0_usize);
    while let Some(&byte) = bytes.get(at) {
        let names = open.len();
        let worst = match byte {
            b'\\' => {
                at += 1;
                Same::Never
            }
            b'[' => {
                class_depth = if nested_classes { class_depth + 1 } else { 1 };
                Same::Never
            }
            b']' => {
                class_depth = class_depth.saturating_sub(1);
                Same::Never
            }
            b'|' if class_depth == 0 => match open[names - 1].next_alternative() {
                true => Same::InAlternatives,
                false => Same::Never,
            },
            b')' if class_depth == 0 && names > 1 => close(&mut open),
            b'(' if class_depth == 0 => {
                let rest = &pattern[at + 1..];
                found.modifiers |= has_modifiers(rest);
                let twice = group_name(rest).is_some_and(|name| !open[names - 1].here.insert(name));
                open.push(Names::default());
                if twice { Same::Together } else { Same::Never }
            }
            _ => Same::Never,
        };
        found.same_name = found.same_name.max(worst);
        at += 1;
    }
    if open.last_mut().is_some_and(Names::next_alternative) {
        found.same_name = found.same_name.max(Same::InAlternatives);
    }
    found
}

/// Ends the innermost group: its names count for the alternative that it stands in.
fn close(open: &mut Vec<Names>) -> Same {
    let Some(mut inner) = open.pop() else { return Same::Never };
    let alternatives = inner.next_alternative();
    let together = open.last_mut().is_some_and(|outer| merge(&mut outer.here, inner.before));
    match (together, alternatives) {
        (true, _) => Same::Together,
        (false, true) => Same::InAlternatives,
        (false, false) => Same::Never,
    }
}

/// Whether what follows a round bracket are flags of the group: `?i:`, `?-m:`.
fn has_modifiers(rest: &str) -> bool {
    rest.strip_prefix('?').is_some_and(|rest| rest.starts_with(['i', 'm', 's', '-']))
}

/// The name of a group, by what follows its round bracket.
fn group_name(rest: &str) -> Option<String> {
    let rest = rest.strip_prefix("?<").filter(|rest| !rest.starts_with(['=', '!']))?;
    let name = &rest[..rest.find('>')?];
    if !name.contains('\\') {
        return Some(name.to_owned());
    }
    // Escapes are read as UTF-16, so that a pair of surrogates is one character.
    let mut units: Vec<u16> = Vec::new();
    let mut rest = name;
    while let Some(first) = rest.chars().next() {
        let (char, length) = escape(rest).unwrap_or((u32::from(first), first.len_utf8()));
        match char::from_u32(char) {
            Some(char) => units.extend_from_slice(char.encode_utf16(&mut [0; 2])),
            None => units.push(u16::try_from(char).unwrap_or(0xfffd)),
        }
        rest = &rest[length..];
    }
    Some(String::from_utf16_lossy(&units))
}

/// The code point of `\u0041` or `\u{41}` at the start of `text`, and the length of the escape.
fn escape(text: &str) -> Option<(u32, usize)> {
    let rest = text.strip_prefix("\\u")?;
    match rest.strip_prefix('{') {
        Some(rest) => {
            let digits = &rest[..rest.find('}')?];
            Some((u32::from_str_radix(digits, 16).ok()?, digits.len() + 4))
        }
        None => Some((u32::from_str_radix(rest.get(..4)?, 16).ok()?, 6)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_conflict_where_both_groups_can_take_part() {
        for (pattern, expected) in [
            ("(?<a>x)(?<b>y)", Same::Never),
            ("(?<a>x)|(?<a>y)", Same::InAlternatives),
            ("(?:(?<a>x)|(?<a>y))(?<b>z)", Same::InAlternatives),
            ("(?<a>x)|(?:(?<a>x)|(?<b>z))", Same::InAlternatives),
            ("(?<a>x)(?<a>y)", Same::Together),
            ("(?<a>x|(?<a>y))", Same::Together),
            ("(?:(?<a>x)|y)(?<a>z)", Same::Together),
            ("(?<a>x)|[(?<a>]|\\(?<a>", Same::Never),
            ("(?<a>x)(?<\\u0061>y)", Same::Together),
            ("(?<\\ud835\\udc9c>x)(?<\\u{1d49c}>y)", Same::Together),
            ("(?<=a)(?<!a)(?<a>x)", Same::Never),
        ] {
            assert_eq!(groups(pattern, false).same_name, expected, "{pattern}");
        }
    }

    #[test]
    fn classes_nest_with_the_flag_v_only() {
        assert_eq!(groups("[[](?<a>x)[]](?<a>y)", false).same_name, Same::Together);
        assert_eq!(groups("[[(]](?i:x)", true), Groups { modifiers: true, same_name: Same::Never });
    }

    #[test]
    fn a_bare_control_escape_is_found() {
        for (pattern, expected) in [("\\cA", false), ("[\\c]", true), ("\\\\c", false), ("\\c1", true)] {
            assert_eq!(has_bare_control(pattern), expected, "{pattern}");
        }
    }
}
