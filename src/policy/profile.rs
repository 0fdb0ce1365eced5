//! Structure profiles: what an artifact of a kind consists of, as data.

use std::collections::BTreeMap;

use globset::Glob;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Budget, Threshold};
use crate::language::Language;

/// What an artifact of one kind must and must not hold. Globs are matched against paths relative to the root; `*` stays
/// within a folder and `**` does not.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Profile {
    /// Globs; each must match at least one file.
    pub required: Vec<String>,
    /// Languages; each must be in at least one file. A `<style>` or `<script>` with content counts for its language.
    pub required_languages: Vec<Language>,
    /// Globs; none may match a file.
    pub forbidden: Vec<String>,
    /// Text that some file that matches the glob must hold, case ignored: glob → texts.
    pub markers: BTreeMap<String, Vec<String>>,
    /// Whether every local `src` and `href` of an HTML file must name a file of the artifact.
    pub local_references: bool,
    /// Globs for the entry point, in order of preference.
    pub entry: Vec<String>,
    /// Whether an artifact without an entry point fails.
    pub entry_required: bool,
    /// Globs for test files.
    pub tests: Vec<String>,
    /// Rows that replace those of the policy's budget, by name.
    pub budget: BTreeMap<String, Threshold>,
}

impl Profile {
    /// What the types cannot hold: rows that no budget has, and globs that are none.
    ///
    /// # Errors
    /// A sentence that names the key and the mend.
    pub fn check(&self, name: &str) -> Result<(), String> {
        let rows = Budget::default().rows().map(|(row, _)| row);
        if let Some(row) = self.budget.keys().find(|row| !rows.contains(&row.as_str())) {
            return Err(format!("profiles.{name}.budget has no row `{row}` (there are: {})", rows.join(", ")));
        }
        let globs = [&self.required, &self.forbidden, &self.entry, &self.tests].into_iter().flatten();
        for text in globs.chain(self.markers.keys()) {
            if let Err(error) = Glob::new(text) {
                return Err(format!("profiles.{name}: `{text}` is not a glob: {}", error.kind()));
            }
        }
        Ok(())
    }
}

/// The names of the built-in profiles, sorted.
pub const BUILTIN_PROFILES: [&str; 4] = ["any", "node", "python", "web"];

/// The built-in profile of a name. It is written out here and not read from a text: that would take longer than to vet a
/// small file.
#[must_use]
pub fn builtin_profile(name: &str) -> Option<Profile> {
    Some(match name {
        "any" => any(),
        "node" => node(),
        "python" => python(),
        "web" => web(),
        _ => return None,
    })
}

fn any() -> Profile {
    Profile {
        entry: words("main.py __main__.py app.py main.mjs main.js index.js *.py *.{js,mjs,cjs}"),
        tests: [words("test_*.py *_test.py tests/**/test_*.py tests/**/*_test.py"), words(SCRIPT_TESTS)].concat(),
        ..Profile::default()
    }
}

fn python() -> Profile {
    Profile {
        required_languages: vec![Language::Python],
        entry: words(
            "main.py __main__.py app.py run.py cli.py server.py script.py *.py src/main.py src/app.py
            */__main__.py src/*/__main__.py */main.py */app.py src/*.py",
        ),
        entry_required: true,
        tests: words("test_*.py *_test.py {test,tests}/**/test_*.py {test,tests}/**/*_test.py"),
        ..Profile::default()
    }
}

fn node() -> Profile {
    Profile {
        required_languages: vec![Language::JavaScript],
        entry: words(
            "main.js main.mjs index.js index.mjs index.cjs app.js server.js cli.js *.{js,mjs,cjs}
            src/{main,index,app,server,cli}.{js,mjs,cjs} {lib,bin,dist}/*.{js,mjs,cjs} src/*.{js,mjs,cjs}
            {index,main,app,server,cli}.{ts,mts,cts} *.{ts,mts,cts} src/{index,main,app,server,cli}.{ts,mts,cts}
            src/*.{ts,mts,cts}",
        ),
        entry_required: true,
        tests: words(SCRIPT_TESTS),
        ..Profile::default()
    }
}

fn web() -> Profile {
    let page = ["<!doctype html", "<html", "<head", "<body", "</html>"];
    Profile {
        required_languages: vec![Language::Html, Language::Css, Language::JavaScript],
        local_references: true,
        entry: words("index.html *.html {public,src,dist,static,www}/index.html **/*.html"),
        entry_required: true,
        tests: words(SCRIPT_TESTS),
        markers: BTreeMap::from([("**/*.{html,htm}".to_owned(), page.map(str::to_owned).to_vec())]),
        budget: BTreeMap::from([("total_bytes".to_owned(), Threshold::new(75_000, 100_000))]),
        ..Profile::default()
    }
}

/// Where tests in JavaScript stand.
const SCRIPT_TESTS: &str = "test.{js,mjs,cjs} {test,tests}/**/*.{js,mjs,cjs} **/*.{test,spec}.{js,mjs,cjs}";

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_four_builtin_profiles_are_there() {
        let all = BUILTIN_PROFILES.map(|name| builtin_profile(name).expect(name));
        assert!(BUILTIN_PROFILES.is_sorted() && all.iter().all(|one| !one.entry.is_empty() && !one.tests.is_empty()));
        assert_eq!(all[3].budget["total_bytes"].fail, Some(100_000));
        assert_eq!(builtin_profile("rust"), None);
    }

    #[test]
    fn builtin_profiles_hold_only_what_a_policy_may() {
        for name in BUILTIN_PROFILES {
            assert_eq!(builtin_profile(name).map(|profile| profile.check(name)), Some(Ok(())));
        }
    }

    #[test]
    fn a_row_or_glob_that_does_not_exist_is_refused_at_load() {
        let cases =
            [("[profiles.p.budget]\nbytes = { fail = 1 }\n", "bytes"), ("[profiles.p]\nentry = [\"a[\"]\n", "a[")];
        for (text, word) in cases {
            let error = crate::policy::Policy::from_toml(text, "vetrun.toml").unwrap_err();
            assert!(error.to_string().contains(word), "{error}");
        }
    }
}
