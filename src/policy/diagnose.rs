//! What is wrong with a policy file, in words that its owner can act upon.
//!
//! Serde says that something does not fit; this module says what, where, and what was probably meant. It walks the file
//! beside the JSON Schema of policies, so that there is no second list of keys. It is called only for files that were refused.

use serde_json::Value as Json;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Fault;
use super::error::did_you_mean;

/// Characters of a value that are shown.
const SHOWN_CHARS_MAX: usize = 40;

/// `path:line:column`, both counted from 1, the column in characters.
pub(super) fn place(text: &str, path: &str, offset: usize) -> String {
    let before = &text[..text.floor_char_boundary(offset)];
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|&char| char != '\n').count() + 1;
    format!("{path}:{line}:{column}")
}

/// Everything in a file that does not fit the schema of policies, in the order of its places.
pub(super) fn faults(table: &DeTable<'_>, text: &str, path: &str) -> Vec<Fault> {
    let schema = super::schema();
    let mut walk = Walk { root: &schema, text, path, faults: Vec::new() };
    walk.table(table, &schema, &[]);
    walk.faults.sort_by_key(|(offset, _)| *offset);
    walk.faults.into_iter().map(|(_, fault)| fault).collect()
}

struct Walk<'a> {
    root: &'a Json,
    text: &'a str,
    path: &'a str,
    faults: Vec<(usize, Fault)>,
}

impl<'a> Walk<'a> {
    fn table(&mut self, table: &DeTable<'_>, schema: &'a Json, key: &[&str]) {
        let properties = schema.get("properties").and_then(Json::as_object);
        let others = schema.get("additionalProperties").filter(|others| others.is_object());
        for (name, value) in table {
            let below = [key, &[name.get_ref().as_ref()]].concat();
            match properties.and_then(|properties| properties.get(name.get_ref().as_ref())).or(others) {
                Some(schema) => self.value(value, schema, &below),
                None => {
                    let message = self.unknown(name.get_ref(), schema, key);
                    self.fault(name.span().start, message);
                }
            }
        }
    }

    fn value(&mut self, value: &Spanned<DeValue<'_>>, schema: &'a Json, key: &[&str]) {
        let resolved = self.resolved(schema);
        match value.get_ref() {
            DeValue::Table(table) if resolved.get("properties").or(resolved.get("additionalProperties")).is_some() => {
                self.table(table, resolved, key);
                self.required(table, value.span().start, resolved, key);
            }
            DeValue::Array(items) if resolved.get("items").is_some() => {
                let item = &resolved["items"];
                items.iter().for_each(|value| self.value(value, item, key));
            }
            plain if !self.fits(plain, resolved) => {
                let shown = shown(&self.text[value.span()]);
                let (name, of) =
                    (key.last().copied().unwrap_or_default(), section(&key[..key.len().saturating_sub(1)]));
                let expected = self.expected(resolved, schema.get("default"));
                let meant = match plain {
                    DeValue::String(text) => did_you_mean(text, names(resolved)),
                    _ => String::new(),
                };
                self.fault(value.span().start, format!("`{name}`{of} is {shown}, not {expected}{meant}"));
            }
            _ => {}
        }
    }

    fn required(&mut self, table: &DeTable<'_>, offset: usize, schema: &Json, key: &[&str]) {
        let required = schema.get("required").and_then(Json::as_array).into_iter().flatten();
        for name in required.filter_map(Json::as_str).filter(|name| table.get(*name).is_none()) {
            self.fault(offset, format!("the key `{name}`{} is missing", section(key)));
        }
    }

    fn fault(&mut self, offset: usize, message: String) {
        let place = place(self.text, self.path, offset);
        self.faults.push((offset, Fault { place, message }));
    }

    /// A key that does not exist: the nearest that does, else where there is one of this name.
    fn unknown(&self, name: &str, schema: &Json, key: &[&str]) -> String {
        let known = schema.get("properties").and_then(Json::as_object);
        let near = did_you_mean(name, known.into_iter().flat_map(|known| known.keys().map(String::as_str)));
        let message = format!("there is no key `{name}`{}", section(key));
        if !near.is_empty() {
            return message + &near;
        }
        let sections = self.root["properties"].as_object().into_iter().flatten();
        let holding = sections.filter(|(_, section)| self.resolved(section)["properties"].get(name).is_some());
        let holding: Vec<_> = holding.map(|(section, _)| format!("[{section}]")).collect();
        match holding.as_slice() {
            [] => message,
            holding => format!("{message} (there is one in {})", holding.join(" and in ")),
        }
    }

    /// The schema that `schema` stands for, `null` left out, which no file can say.
    fn resolved(&self, schema: &'a Json) -> &'a Json {
        let mut schema = schema;
        // The schema is our own and has no cycle; so much lies between a key and its type.
        for _ in 0..8 {
            let only = |all: &'a Json| {
                let mut some = all.as_array()?.iter().filter(|one| one["type"] != "null");
                some.next().filter(|_| some.next().is_none())
            };
            let next = match schema.get("$ref").and_then(Json::as_str) {
                Some(name) => name.strip_prefix('#').and_then(|pointer| self.root.pointer(pointer)),
                None => schema.get("anyOf").and_then(only),
            };
            match next {
                Some(next) => schema = next,
                None => break,
            }
        }
        schema
    }

    fn fits(&self, value: &DeValue<'_>, schema: &'a Json) -> bool {
        if let Some(some) = schema.get("anyOf").and_then(Json::as_array) {
            return some.iter().any(|one| self.fits(value, self.resolved(one)));
        }
        let all_names = names(schema);
        if !all_names.is_empty() {
            return matches!(value, DeValue::String(text) if all_names.contains(&text.as_ref()));
        }
        let kind = match value {
            DeValue::String(text) => {
                let pattern = schema.get("pattern").and_then(Json::as_str);
                let matches = pattern.and_then(|pattern| regex::Regex::new(pattern).ok());
                return is_type(schema, "string") && matches.is_none_or(|pattern| pattern.is_match(text));
            }
            DeValue::Integer(number) => {
                let number = i64::from_str_radix(number.as_str(), number.radix());
                let minimum = schema.get("minimum").and_then(Json::as_f64);
                let is_enough = |number: i64| minimum.is_none_or(|minimum| number as f64 >= minimum);
                return (is_type(schema, "integer") || is_type(schema, "number")) && number.is_ok_and(is_enough);
            }
            DeValue::Float(_) => "number",
            DeValue::Boolean(_) => "boolean",
            DeValue::Datetime(_) => return false,
            DeValue::Array(_) => "array",
            DeValue::Table(_) => "object",
        };
        is_type(schema, kind)
    }

    /// What a value should be, with its default as an example.
    fn expected(&self, schema: &Json, default: Option<&Json>) -> String {
        let names = names(schema);
        if !names.is_empty() {
            return format!("one of {}", names.join(", "));
        }
        if schema.get("anyOf").is_some() {
            return schema["description"].as_str().unwrap_or("a value of this kind").to_owned();
        }
        let kinds = [
            ("boolean", "true or false"),
            ("string", "a text in quotes"),
            ("integer", "a whole number that is not negative"),
            ("number", "a number"),
            ("array", "a list"),
            ("object", "a table"),
        ];
        let kind = kinds.iter().find(|(name, _)| is_type(schema, name));
        let (name, what) = kind.copied().unwrap_or(("", "a value of this kind"));
        match default.filter(|value| !value.is_null() && !["boolean", "object"].contains(&name)) {
            Some(example) => format!("{what} such as {example}"),
            None => what.to_owned(),
        }
    }
}

/// The names of an enumeration.
fn names(schema: &Json) -> Vec<&str> {
    let of = |key: &str| schema.get(key).and_then(Json::as_array).into_iter().flatten();
    of("enum").chain(of("oneOf").map(|one| &one["const"])).filter_map(Json::as_str).collect()
}

fn is_type(schema: &Json, name: &str) -> bool {
    match &schema["type"] {
        Json::String(kind) => kind == name,
        Json::Array(kinds) => kinds.iter().any(|kind| kind == name),
        _ => false,
    }
}

/// Where a key is, for sentences.
fn section(key: &[&str]) -> String {
    match key {
        [] => " at the top of a policy".to_owned(),
        ["overrides", ..] => " in [[overrides]]".to_owned(),
        _ => format!(" in [{}]", key.join(".")),
    }
}

/// A value as it stands in the file, on one line and not too long.
fn shown(source: &str) -> String {
    let line = source.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use crate::policy::Policy;

    fn said(text: &str) -> Vec<String> {
        Policy::from_toml(text, "vetrun.toml").expect_err(text).lines()
    }

    #[test]
    fn a_key_that_does_not_exist_is_named_with_the_nearest_one() {
        let cases = [
            ("[gate]\n\nfail-on = \"low\"\n", "3:1: there is no key `fail-on` in [gate] (did you mean `fail_on`?)"),
            (
                "[gaet]\nfail_on = \"low\"\n",
                "1:2: there is no key `gaet` at the top of a policy (did you mean `gate`?)",
            ),
            (
                "[gate]\ntimeout = 3\n",
                "2:1: there is no key `timeout` in [gate] (there is one in [vet] and in [install] and in [execute])",
            ),
            ("fail_on = \"low\"\n", "1:1: there is no key `fail_on` at the top of a policy (there is one in [gate])"),
            ("[gate]\nzzzzzzz = 3\n", "2:1: there is no key `zzzzzzz` in [gate]"),
            ("[profiles.p]\nentyr = []\n", "2:1: there is no key `entyr` in [profiles.p] (did you mean `entry`?)"),
            (
                "[budget]\nfiles = { wran = 1 }\n",
                "2:11: there is no key `wran` in [budget.files] (did you mean `warn`?)",
            ),
            (
                "[[overrides]]\npaths = [\"a\"]\nignroe = [\"b\"]\n",
                "3:1: there is no key `ignroe` in [[overrides]] (did you mean `ignore`?)",
            ),
            ("[[overrides]]\nignore = [\"b\"]\n", "1:1: the key `paths` in [[overrides]] is missing"),
        ];
        for (text, expected) in cases {
            assert_eq!(said(text), [format!("vetrun.toml:{expected}")], "{text}");
        }
    }

    #[test]
    fn a_value_of_the_wrong_kind_is_told_with_what_is_expected() {
        let cases = [
            (
                "[gate]\nfail_on = \"hihg\"\n",
                "2:11: `fail_on` in [gate] is \"hihg\", not one of info, low, medium, high, critical (did you mean `high`?)",
            ),
            ("[gate]\nfail_on = 3\n", "2:11: `fail_on` in [gate] is 3, not one of info, low, medium, high, critical"),
            ("[gate]\nignore = \"a\"\n", "2:10: `ignore` in [gate] is \"a\", not a list such as []"),
            (
                "[gate]\nseverity = { a = \"bad\" }\n",
                "2:18: `a` in [gate.severity] is \"bad\", not one of info, low, medium, high, critical",
            ),
            (
                "[intake]\nfiles_max = \"many\"\n",
                "2:13: `files_max` in [intake] is \"many\", not a whole number that is not negative such as 10000",
            ),
            (
                "[intake]\nfiles_max = -1\n",
                "2:13: `files_max` in [intake] is -1, not a whole number that is not negative such as 10000",
            ),
            (
                "[execute]\ntimeout = \"soon\"\n",
                "2:11: `timeout` in [execute] is \"soon\", not a number of seconds, or a time such as \"30s\"",
            ),
            (
                "[execute]\nmemory = \"lots\"\n",
                "2:10: `memory` in [execute] is \"lots\", not a number of bytes, or a size such as \"256MiB\"",
            ),
            ("[execute]\ntrace = \"yes\"\n", "2:9: `trace` in [execute] is \"yes\", not true or false"),
            ("gate = 3\n", "1:8: `gate` at the top of a policy is 3, not a table"),
            (
                "[parse]\npython_version = 3.12\n",
                "2:18: `python_version` in [parse] is 3.12, not one of 3.9, 3.10, 3.11, 3.12, 3.13, 3.14",
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(said(text), [format!("vetrun.toml:{expected}")], "{text}");
        }
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once_in_order() {
        let text = "[execute]\ncpu = 1\nmemory = true\n[gate]\nfial_on = \"low\"\n";
        let places: Vec<_> = said(text).iter().filter_map(|line| line.split(": ").next().map(str::to_owned)).collect();
        assert_eq!(places, ["vetrun.toml:2:1", "vetrun.toml:3:10", "vetrun.toml:5:1"]);
        let first = Policy::from_toml(text, "vetrun.toml").expect_err("it is refused").to_string();
        assert!(first.ends_with("(and 2 more: `vetrun policy check` lists all)"), "{first}");
    }

    #[test]
    fn what_only_the_types_refuse_and_what_is_no_toml_has_its_place_too() {
        assert_eq!(
            said("[[overrides]]\npaths = [\"a[\"]\nignore = [\"b\"]\n")[0].split(": ").next(),
            Some("vetrun.toml:2:9")
        );
        assert_eq!(said("[gate]\nfail_on = \n")[0].split(": ").next(), Some("vetrun.toml:2:11"));
    }
}
