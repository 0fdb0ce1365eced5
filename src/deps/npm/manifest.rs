//! `package.json`: what an artifact declares, and whether all of it comes from a registry.

use serde::Deserialize;
use serde_json::Value;

use super::limits::NpmLimits;
use super::lock::Ranges;
use super::name::is_name;

/// What an artifact declares.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Manifest {
    pub(super) dependencies: Ranges,
    pub(super) optional_dependencies: Ranges,
    workspaces: Value,
}

/// A text that no two packages can be meant by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) rule: &'static str,
    pub(super) message: String,
    /// A text of the file that it is about.
    pub(super) about: String,
}

/// Reads a manifest.
///
/// # Errors
/// Why it cannot be read; a fragment.
pub(super) fn read(bytes: &[u8], limits: &NpmLimits) -> Result<Manifest, String> {
    if bytes.len() > limits.manifest_bytes_max {
        return Err(format!("it is larger than {} bytes", limits.manifest_bytes_max));
    }
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    if !bytes.trim_ascii_start().starts_with(b"{") {
        return Err("it is no object".to_owned());
    }
    let mut manifest: Manifest = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    // What is optional is optional, whatever stands beside.
    manifest.dependencies.retain(|name, _| !manifest.optional_dependencies.contains_key(name));
    Ok(manifest)
}

impl Manifest {
    /// All that is to be installed, with whether it may be missing.
    pub(super) fn wanted(&self) -> impl Iterator<Item = (&String, &String, bool)> {
        let required = self.dependencies.iter().map(|(name, range)| (name, range, false));
        required.chain(self.optional_dependencies.iter().map(|(name, range)| (name, range, true)))
    }

    /// The versions of `name` that are asked for, if any are.
    pub(super) fn range(&self, name: &str) -> Option<&String> {
        self.dependencies.get(name).or_else(|| self.optional_dependencies.get(name))
    }

    /// What of it cannot be installed from a registry.
    pub(super) fn refused(&self) -> Vec<Refused> {
        let mut refused = Vec::new();
        for (name, range, _) in self.wanted() {
            if !is_name(name) {
                let message = format!("`{}` is no name of a package", name.escape_debug());
                refused.push(Refused { rule: "node-manifest-invalid", message, about: name.clone() });
            } else if let Some(kind) = elsewhere(range) {
                let message = format!("`{name}` is asked for {kind}, not from the registry");
                refused.push(Refused { rule: "node-package-not-from-registry", message, about: name.clone() });
            }
        }
        let is_there = match &self.workspaces {
            Value::Null => false,
            Value::Array(all) => !all.is_empty(),
            _ => true,
        };
        if is_there {
            let message = "the packages of workspaces do not come from the registry".to_owned();
            refused.push(Refused { rule: "node-package-not-from-registry", message, about: "workspaces".to_owned() });
        }
        refused
    }
}

/// Where a package comes from that is asked for like this, unless that is the registry.
fn elsewhere(range: &str) -> Option<&'static str> {
    let range = range.trim();
    let scheme = range.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
    match scheme.as_deref() {
        Some("npm") => Some("under another name (`npm:`)"),
        Some("file" | "link" | "portal") => Some("as a file or folder"),
        Some("workspace") => Some("as a workspace"),
        Some("http" | "https") => Some("by an address"),
        Some("git" | "github" | "gitlab" | "bitbucket" | "gist") => Some("out of a git repository"),
        Some(scheme) if scheme.starts_with("git") => Some("out of a git repository"),
        Some(_) => Some("in a way that is not known"),
        None if range.starts_with(['.', '/', '~']) && range.contains('/') => Some("as a file or folder"),
        None if range.contains('/') => Some("out of a git repository"),
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_come_from_the_registry_is_told() {
        for range in ["^1.2.3", "*", "", "latest", "1.x || >=2 <3", "~1.0", "1.2.3 - 2", "next"] {
            assert_eq!(elsewhere(range), None, "{range}");
        }
        let others =
            ["npm:x@1", "file:../x", "link:x", "workspace:*", "https://a.invalid/x.tgz", "git+ssh://a.invalid/x"];
        for range in others.into_iter().chain([
            "github:a/b",
            "a/b",
            "a/b#c",
            "../x",
            "~/x",
            "./x.tgz",
            "GIT://a.invalid/b",
            "x:y",
        ]) {
            assert!(elsewhere(range).is_some(), "{range}");
        }
    }

    #[test]
    fn what_is_optional_is_optional() {
        let text =
            br#"{"dependencies":{"a":"1","b":"2"},"optionalDependencies":{"b":"2"},"devDependencies":{"c":"3"}}"#;
        let manifest = read(text, &NpmLimits::default()).unwrap();
        let wanted: Vec<_> = manifest.wanted().map(|(name, _, optional)| (name.as_str(), optional)).collect();
        assert_eq!(wanted, [("a", false), ("b", true)]);
        assert_eq!(manifest.refused(), []);
        for text in ["[]", "{\"dependencies\":[]}", "{\"dependencies\":{\"a\":1}}", "{", ""] {
            assert!(read(text.as_bytes(), &NpmLimits::default()).is_err(), "{text}");
        }
        let text = br#"{"dependencies":{"../a":"1","b":"a/b"},"workspaces":["x"]}"#;
        let rules: Vec<_> =
            read(text, &NpmLimits::default()).unwrap().refused().into_iter().map(|one| one.rule).collect();
        assert_eq!(
            rules,
            ["node-manifest-invalid", "node-package-not-from-registry", "node-package-not-from-registry"]
        );
    }
}
