//! The JSON Schema of a policy file, for editors; errors in policies are told by it, too.

use serde_json::{Map, Value, json};

use super::Policy;
use super::load::EXTENDS;

/// The JSON Schema of `vetrun.toml`: every key with what it means, its default, and the form of its value.
#[must_use]
pub fn schema() -> Value {
    let mut schema = schemars::schema_for!(Policy).to_value();
    let Some(object) = schema.as_object_mut() else { return schema };
    object.insert("$id".to_owned(), Value::from("urn:vetrun:policy:1"));
    object.insert("title".to_owned(), Value::from("vetrun.toml"));
    if let Some(properties) = object.get_mut("properties").and_then(Value::as_object_mut) {
        let rest = std::mem::take(properties);
        *properties = Map::from_iter([(EXTENDS.to_owned(), extends())]);
        properties.extend(rest);
    }
    schema
}

fn extends() -> Value {
    let one = json!({
        "anyOf": [
            {
                "description": "A policy that comes with vetrun.",
                "enum": ["strict", "default", "lenient"],
            },
            {
                "description": "A policy file, relative to this one.",
                "type": "string",
                "minLength": 1,
            },
        ],
    });
    json!({
        "description": "What this policy builds upon: a preset, a policy file, or a list of them. The one named last decides, \
                        and this file above all. Tables merge by key; lists are replaced, but for scan.rule_dirs, \
                        install.deny_names and overrides, which add up.",
        "anyOf": [one.clone(), { "type": "array", "items": one }],
    })
}
