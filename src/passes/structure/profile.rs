//! Profiles: which one an artifact is judged by, and what that one demands.
//!
//! Where the user names no profile, the entry point decides, in this order:
//!
//! 1. a Python file at the root with one of the `python` profile's entry names (`main.py`, `app.py`, …) → `python`, so
//!    that a server with pages and templates is a Python program;
//! 2. `index.html` at the root → `web`;
//! 3. any Python file → `python`;
//! 4. `package.json` → `node`, so that a server with pages is a Node program;
//! 5. any HTML file → `web`;
//! 6. any JavaScript or TypeScript file → `node`;
//! 7. nothing of this → `any`.

use super::glob::Glob;
use crate::artifact::Artifact;
use crate::finding::{Finding, Pass, Severity, WHOLE_ARTIFACT};
use crate::language::Language;
use crate::passes::parse::Parsed;
use crate::policy::{PolicyError, Profile};

/// A profile with its globs compiled.
pub(super) struct Compiled<'p> {
    profile: &'p Profile,
    required: Vec<Glob>,
    forbidden: Vec<Glob>,
    markers: Vec<(Glob, &'p [String])>,
    entry: Vec<Glob>,
    tests: Vec<Glob>,
}

/// The name of the profile that fits the artifact, by the order above.
pub(super) fn detect(artifact: &Artifact, python: &Profile) -> &'static str {
    let any = |languages: &[Language]| artifact.files.iter().any(|file| languages.contains(&file.language));
    let is_named_entry =
        |name: &String| name.ends_with(".py") && !name.contains(['*', '/']) && artifact.file(name).is_some();
    if python.entry.iter().any(is_named_entry) {
        "python"
    } else if artifact.file("index.html").is_some() {
        "web"
    } else if any(&[Language::Python]) {
        "python"
    } else if artifact.file("package.json").is_some() {
        "node"
    } else if any(&[Language::Html]) {
        "web"
    } else if any(&[Language::JavaScript, Language::TypeScript]) {
        "node"
    } else {
        "any"
    }
}

impl<'p> Compiled<'p> {
    /// Compiles a profile's globs.
    pub(super) fn new(name: &str, profile: &'p Profile) -> Result<Self, PolicyError> {
        let all = |globs: &[String]| globs.iter().map(|text| glob(name, text)).collect::<Result<Vec<_>, _>>();
        let markers = profile.markers.iter().map(|(text, markers)| Ok((glob(name, text)?, markers.as_slice())));
        Ok(Self {
            required: all(&profile.required)?,
            forbidden: all(&profile.forbidden)?,
            markers: markers.collect::<Result<_, PolicyError>>()?,
            entry: all(&profile.entry)?,
            tests: all(&profile.tests)?,
            profile,
        })
    }

    /// The paths of the artifact's tests, in order.
    pub(super) fn tests(&self, artifact: &Artifact) -> Vec<String> {
        artifact.files.iter().map(|file| &file.path).filter(|path| self.is_test(path)).cloned().collect()
    }

    fn is_test(&self, path: &str) -> bool {
        self.tests.iter().any(|glob| glob.is_match(path))
    }

    /// The entry point: the first glob that matches decides. Of several files that match it, one that says
    /// `__main__` goes first; tests and files that only support others are no entry points. An artifact that is one
    /// file is entered by it, whatever its name; one that is nothing but a library with tests, by its first test.
    pub(super) fn entry(&self, parsed: &Parsed<'_>) -> Option<String> {
        for glob in &self.entry {
            let fits = |path: &str| glob.is_match(path) && !self.is_test(path) && !is_support(path);
            let matching = || parsed.files.iter().filter(|file| fits(&file.source.path));
            let says_main = |text: &str| text.contains("__main__");
            let main = matching().find(|file| file.text.as_ref().is_some_and(|text| says_main(text.as_str())));
            if let Some(file) = main.or_else(|| matching().next()) {
                return Some(file.source.path.clone());
            }
        }
        let holds_page = self.entry.iter().any(|glob| glob.is_match("index.html"));
        if let ([file], true) = (parsed.artifact.files.as_slice(), parsed.artifact.refused.is_empty())
            && !file.path.contains('/')
            && match file.language {
                Language::Python | Language::JavaScript | Language::TypeScript => !holds_page,
                language => language == Language::Html && holds_page,
            }
        {
            // The user says what it is (`--language`), or it does (`#!`): its name decides nothing.
            return Some(file.path.clone());
        }
        let runnable = |path: &&String| Language::detect(path, b"").info().interpreter.is_some() && !is_support(path);
        let tests = self.tests(parsed.artifact);
        if holds_page { None } else { tests.iter().find(runnable).cloned() }
    }

    /// What the profile demands and the artifact does not hold, or the other way round.
    pub(super) fn check(&self, name: &str, parsed: &Parsed<'_>, entry: Option<&str>, findings: &mut Vec<Finding>) {
        self.check_required(name, parsed, findings);
        self.check_forbidden(name, parsed, findings);
        self.check_markers(name, parsed, findings);
        if self.profile.entry_required && entry.is_none() {
            let message =
                format!("there is no entry point; the profile `{name}` looks for {}", list(&self.profile.entry));
            findings.push(
                whole("entry-missing", Severity::High, message)
                    .hint("add one of these files, or name one with --entry"),
            );
        }
    }

    fn check_required(&self, name: &str, parsed: &Parsed<'_>, findings: &mut Vec<Finding>) {
        let paths = || parsed.files.iter().map(|file| file.source.path.as_str());
        for (glob, text) in self.required.iter().zip(&self.profile.required) {
            if !paths().any(|path| glob.is_match(path)) {
                let message = format!("no file matches `{text}`, which the profile `{name}` requires");
                findings.push(whole("required-file-missing", Severity::High, message));
            }
        }
        let holds = |language: Language| {
            parsed.files.iter().any(|file| {
                let inline =
                    || file.regions.iter().any(|region| region.language == language && !region.range.is_empty());
                let typed = language == Language::JavaScript && file.source.language == Language::TypeScript;
                file.source.language == language || typed || inline()
            })
        };
        for language in self.profile.required_languages.iter().filter(|language| !holds(**language)) {
            let message = format!("there is no {}, which the profile `{name}` requires", language.name());
            findings.push(whole("required-language-missing", Severity::High, message).hint(format!(
                "add a file of it, or write it into the page; --profile any asks for nothing ({name} was chosen)"
            )));
        }
    }

    fn check_forbidden(&self, name: &str, parsed: &Parsed<'_>, findings: &mut Vec<Finding>) {
        for (glob, text) in self.forbidden.iter().zip(&self.profile.forbidden) {
            for path in parsed.files.iter().map(|file| &file.source.path).filter(|path| glob.is_match(path)) {
                let message = format!("matches `{text}`, which the profile `{name}` forbids");
                findings.push(Finding::in_file("forbidden-file", Pass::Structure, Severity::High, path, message));
            }
        }
    }

    fn check_markers(&self, name: &str, parsed: &Parsed<'_>, findings: &mut Vec<Finding>) {
        for (glob, markers) in &self.markers {
            let matching: Vec<_> = parsed.files.iter().filter(|file| glob.is_match(&file.source.path)).collect();
            let Some(first) = matching.first() else { continue };
            let texts = matching.iter().filter_map(|file| Some(file.text.as_ref()?.as_str().to_lowercase()));
            let texts: Vec<_> = texts.collect();
            for marker in
                markers.iter().filter(|marker| !texts.iter().any(|text| text.contains(&marker.to_lowercase())))
            {
                let message = format!("does not hold `{marker}`, which the profile `{name}` asks for");
                let path = first.source.path.as_str();
                findings.push(Finding::in_file("marker-missing", Pass::Structure, Severity::Medium, path, message));
            }
        }
    }
}

/// Reads one glob of a profile.
fn glob(profile: &str, text: &str) -> Result<Glob, PolicyError> {
    Glob::new(text).map_err(|error| {
        PolicyError::invalid(format!("profile `{profile}`"), format!("`{text}` is not a glob: {}", error.kind()))
    })
}

/// Files that are never run by themselves.
fn is_support(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    matches!(name, "__init__.py" | "setup.py" | "conftest.py" | "conf.py" | "noxfile.py")
        || name.contains(".config.")
        || name.ends_with(".d.ts")
}

fn whole(rule: &'static str, severity: Severity, message: String) -> Finding {
    Finding::in_file(rule, Pass::Structure, severity, WHOLE_ARTIFACT, message)
}

fn list(globs: &[String]) -> String {
    globs.iter().map(|glob| format!("`{glob}`")).collect::<Vec<_>>().join(", ")
}
