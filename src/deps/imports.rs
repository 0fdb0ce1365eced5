//! What the code needs, told from what it imports.
//!
//! Where an artifact declares nothing, the packages that bring its imports are taken as required, each with the place of
//! its import. Where it declares something, the two are compared. Modules of the standard library and of the artifact
//! itself need no package; of several branches that a program can do with, one is enough.

use std::collections::{BTreeMap, BTreeSet};
use std::ops;

use super::names::{NameData, package_like};
use super::{Declared, Requirement, SpecifierSet};
use crate::artifact::{Artifact, SourceText};
use crate::facts::IMPORTS_MAX;
use crate::finding::{Confidence, Finding, Pass, Range, SNIPPET_BYTES_MAX, Severity, WHOLE_ARTIFACT};
use crate::policy::InstallPolicy;

/// Findings about imports that are listed, of each kind.
const FINDINGS_MAX: usize = 50;

/// An import of a Python file of the artifact.
#[derive(Clone, Debug)]
pub struct Import<'a> {
    /// Dotted, from the outermost package on; of `from a import b` it is `a.b`.
    pub path: &'a str,
    /// The file.
    pub file: &'a str,
    /// Its text.
    pub text: &'a SourceText,
    /// Where the import stands in the text.
    pub range: ops::Range<usize>,
    /// Whether it stands in a function, which may never be called.
    pub is_late: bool,
    /// Of which choice in the file it is a branch, and of which branch, where the program can do with another one.
    pub choice: Option<(u32, u32)>,
}

/// A module, or a name in one, that the artifact takes from packages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramImport {
    /// As [`Import::path`].
    pub path: String,
    /// The file that imports it.
    pub imported_in: String,
    /// Where the import stands there.
    pub range: Range,
    /// The source lines there.
    pub snippet: String,
    /// Whether whoever runs the file comes to the import and cannot do without it.
    pub is_certain: bool,
}

impl ProgramImport {
    /// A finding of the install pass at the place of the import.
    #[must_use]
    pub fn finding(&self, rule: &'static str, severity: Severity, message: String) -> Finding {
        let finding = Finding::in_file(rule, Pass::Install, severity, &self.imported_in, message);
        Finding { range: Some(self.range), snippet: Some(self.snippet.clone()), ..finding }
    }
}

/// By what imports are judged.
#[derive(Clone, Copy, Debug)]
pub struct Basis<'a> {
    /// The snapshot that they are of.
    pub artifact: &'a Artifact,
    /// The minor version of Python 3 whose standard library counts.
    pub python_minor: u8,
    /// What is known of names.
    pub data: &'a NameData,
    /// What the policy says.
    pub policy: &'a InstallPolicy,
}

/// Compares what is declared with what is imported; where nothing is declared at all, and the policy lets it, what is
/// imported is required.
#[must_use]
pub fn compare(declared: &mut Declared, imports: &[Import<'_>], basis: Basis<'_>) -> Vec<Finding> {
    if imports.len() > IMPORTS_MAX {
        let message =
            format!("more than {IMPORTS_MAX} modules are imported; they are not compared with what is declared");
        let finding =
            Finding::in_file("dependency-imports-limit", Pass::Install, Severity::High, WHOLE_ARTIFACT, message);
        return vec![finding.hint("split the artifact")];
    }
    let modules = FirstParty::of(basis.artifact);
    let needs: Vec<Need<'_>> = imports.iter().map(|import| Need::of(import, &modules, basis)).collect();
    let wanted = wanted(&needs, declared, basis.data);
    declared.imports = asked_of_packages(&needs);
    let mut findings = Vec::new();
    if declared.sources.is_empty() {
        findings.extend(unknown(&wanted, basis));
        if basis.policy.infer {
            findings.extend(infer(declared, &wanted, basis));
        }
    } else {
        findings.extend(undeclared(&wanted));
        findings.extend(unused(declared, &needs, basis));
    }
    findings
}

/// An import, and what brings it.
#[derive(Debug)]
struct Need<'a> {
    import: &'a Import<'a>,
    by: By,
}

/// What brings a module.
#[derive(Debug, PartialEq, Eq)]
enum By {
    /// The standard library, or the artifact itself.
    Itself,
    /// The package of this normalised name.
    Package(String),
    /// Nothing that is known; the package of this normalised name, if it is called alike.
    Unknown(String),
}

impl<'a> Need<'a> {
    fn of(import: &'a Import<'a>, modules: &FirstParty<'_>, basis: Basis<'_>) -> Self {
        let Basis { data, .. } = basis;
        let module = outermost(import.path);
        let by = if data.is_standard(module, Some(basis.python_minor)) || modules.are_near(module, import.file) {
            By::Itself
        } else {
            let own_name = package_like(module);
            match data.bringer(import.path) {
                Some(bringer) => By::Package(bringer.package.map_or(own_name, str::to_owned)),
                // Which Python will run it may not be known, and another one has the module.
                None if modules.are_anywhere(module) || data.is_standard(module, None) => By::Itself,
                None => By::Unknown(own_name),
            }
        };
        Self { import, by }
    }

    /// Whether it is there without anything being done.
    fn is_met(&self, declared: &BTreeSet<&str>, data: &NameData) -> bool {
        match &self.by {
            By::Itself => true,
            By::Package(name) | By::Unknown(name) => {
                let own_name = package_like(outermost(self.import.path));
                declared.contains(own_name.as_str()) || declared.iter().any(|one| is_variant(one, name, data))
            }
        }
    }
}

/// Whether a declared package is the one that is meant, or brings the same modules for another purpose, as
/// `opencv-python-headless` does: then both names begin alike.
fn is_variant(declared: &str, meant: &str, data: &NameData) -> bool {
    declared == meant || (family(declared) == family(meant) && !data.is_namespace(family(meant)))
}

/// What a name begins with, up to its first hyphen.
fn family(name: &str) -> &str {
    name.split('-').next().unwrap_or(name)
}

/// The imports that nothing meets: each that is surely needed, and of each choice with no branch that is met the first
/// that packages can bring.
fn wanted<'n, 'a>(needs: &'n [Need<'a>], declared: &Declared, data: &NameData) -> Vec<&'n Need<'a>> {
    let names: BTreeSet<&str> = declared.requirements.iter().map(|one| one.name.as_str()).collect();
    let mut choices: BTreeMap<(&str, u32), BTreeMap<u32, Vec<&Need<'a>>>> = BTreeMap::new();
    let mut wanted: Vec<&Need<'a>> = Vec::new();
    for need in needs {
        match need.import.choice {
            Some((of, branch)) => {
                choices.entry((need.import.file, of)).or_default().entry(branch).or_default().push(need);
            }
            None if !need.is_met(&names, data) => wanted.push(need),
            None => {}
        }
    }
    for branches in choices.values() {
        if branches.values().any(|branch| branch.iter().all(|need| need.is_met(&names, data))) {
            continue;
        }
        let can_be_met = |need: &&Need<'_>| need.is_met(&names, data) || matches!(need.by, By::Package(_));
        let branch = branches.values().find(|branch| branch.iter().all(can_be_met));
        wanted.extend(branch.into_iter().flatten().filter(|need| !need.is_met(&names, data)));
    }
    wanted.sort_by_key(|need| (need.import.file, need.import.range.start));
    wanted
}

/// What packages are to bring, each name once, at the place where it is needed most surely.
fn asked_of_packages(needs: &[Need<'_>]) -> Vec<ProgramImport> {
    let mut of_packages: Vec<&Import<'_>> =
        needs.iter().filter(|need| need.by != By::Itself).map(|need| need.import).collect();
    of_packages.sort_by_key(|import| (import.path, import.file, import.is_late || import.choice.is_some()));
    of_packages.dedup_by_key(|import| (import.path, import.file));
    let asked = of_packages.into_iter().map(|import| ProgramImport {
        path: import.path.to_owned(),
        imported_in: import.file.to_owned(),
        range: import.text.range(import.range.clone()),
        snippet: import.text.snippet(import.range.clone(), SNIPPET_BYTES_MAX),
        is_certain: !import.is_late && import.choice.is_none(),
    });
    asked.collect()
}

/// Requires the packages that bring what is wanted.
fn infer(declared: &mut Declared, wanted: &[&Need<'_>], basis: Basis<'_>) -> Option<Finding> {
    let mut first: BTreeMap<&str, &Import<'_>> = BTreeMap::new();
    for need in wanted {
        if let By::Package(name) = &need.by {
            first.entry(name).or_insert(need.import);
        }
    }
    let packages_max = usize::try_from(basis.policy.requirements_max).unwrap_or(usize::MAX);
    let too_many = first.len() > packages_max;
    declared.is_inferred = !first.is_empty();
    declared.requirements.extend(first.into_iter().take(packages_max).map(|(name, import)| Requirement {
        text: name.to_owned(),
        name: name.to_owned(),
        declared_in: import.file.to_owned(),
        range: import.text.range(import.range.clone()),
        snippet: import.text.snippet(import.range.clone(), SNIPPET_BYTES_MAX),
        extras: Vec::new(),
        specifiers: SpecifierSet::default(),
        marker: None,
        hashes: Vec::new(),
        import: Some(import.path.to_owned()),
    }));
    too_many.then(|| {
        let message = format!("more than {packages_max} packages are imported");
        Finding::in_file("dependency-imports-too-many", Pass::Install, Severity::High, WHOLE_ARTIFACT, message)
            .hint("import fewer packages, or raise `install.requirements_max`")
    })
}

/// What is imported and brought by nothing that is known.
fn unknown(wanted: &[&Need<'_>], basis: Basis<'_>) -> Vec<Finding> {
    let unknown = each_once(wanted, |need| matches!(need.by, By::Unknown(_)));
    let found = unknown.into_iter().map(|(name, import)| {
        let module = outermost(import.path);
        let message = format!("no package is known that brings the module `{module}`");
        // A file by itself may be one of many, and what stands beside it is not seen.
        let is_alone = basis.artifact.files.len() == 1;
        let severity = if import.is_late || is_alone { Severity::Low } else { Severity::Medium };
        let near = basis.data.nearest(name).filter(|_| basis.data.rank(name).is_none());
        let hint = match near {
            Some(near) => format!("did you mean `{}`?", near.target),
            None => "declare the package that brings it, or add the module to the artifact".to_owned(),
        };
        at(import, "dependency-import-unknown", severity, message).confidence(Confidence::Medium).hint(hint)
    });
    limited(Severity::Medium, found)
}

/// What is imported and not declared.
fn undeclared(wanted: &[&Need<'_>]) -> Vec<Finding> {
    let missing = each_once(wanted, |need| need.by != By::Itself);
    let found = missing.into_iter().map(|(name, import)| {
        let module = outermost(import.path);
        let message = format!("the module `{module}` is imported, and no declared package is known to bring it");
        let hint = format!("declare `{name}`, if no other package brings it");
        at(import, "dependency-undeclared", Severity::Low, message).confidence(Confidence::Medium).hint(hint)
    });
    limited(Severity::Low, found)
}

/// What is declared and never imported.
fn unused(declared: &Declared, needs: &[Need<'_>], basis: Basis<'_>) -> Vec<Finding> {
    // A lock lists what packages need of one another, too.
    if needs.is_empty() || declared.require_hashes {
        return Vec::new();
    }
    let mut used: BTreeSet<String> = needs.iter().map(|need| package_like(outermost(need.import.path))).collect();
    for need in needs {
        if let By::Package(name) | By::Unknown(name) = &need.by {
            used.insert(name.clone());
        }
    }
    // A package that shares the beginning of its name with one that is used, such as `flask-cors`, may be loaded by it.
    let belongs =
        |name: &str| used.iter().any(|one| name.strip_prefix(one.as_str()).is_some_and(|rest| rest.starts_with('-')));
    let idle = declared.requirements.iter().filter(|one| !used.contains(&one.name) && !belongs(&one.name));
    // Only of a package whose modules are known can it be said that none of them is imported.
    let idle: Vec<&Requirement> = idle.filter(|one| basis.data.rank(&one.name).is_some()).collect();
    let found = idle.into_iter().map(|one| {
        let message = format!("`{}` is declared, and no import is known to need it", one.name);
        one.finding("dependency-unused", Severity::Info, message).confidence(Confidence::Low)
    });
    limited(Severity::Info, found)
}

/// The first import of each package that `counts`.
fn each_once<'a>(wanted: &[&'a Need<'_>], counts: impl Fn(&Need<'_>) -> bool) -> BTreeMap<&'a str, &'a Import<'a>> {
    let mut first = BTreeMap::new();
    for need in wanted.iter().filter(|need| counts(need)) {
        if let By::Package(name) | By::Unknown(name) = &need.by {
            first.entry(name.as_str()).or_insert(need.import);
        }
    }
    first
}

fn at(import: &Import<'_>, rule: &'static str, severity: Severity, message: String) -> Finding {
    Finding::in_file(rule, Pass::Install, severity, import.file, message).at(import.text, import.range.clone())
}

/// The first of `findings`; where there are more, one of `severity` says so.
fn limited(severity: Severity, findings: impl ExactSizeIterator<Item = Finding>) -> Vec<Finding> {
    let count = findings.len();
    let mut listed: Vec<Finding> = findings.take(FINDINGS_MAX).collect();
    if count > FINDINGS_MAX {
        let message = format!("{count} findings about imports; {FINDINGS_MAX} of them are listed");
        let path = WHOLE_ARTIFACT;
        listed.push(Finding::in_file("dependency-findings-limit", Pass::Install, severity, path, message));
    }
    listed
}

fn outermost(path: &str) -> &str {
    path.split('.').next().unwrap_or(path)
}

/// The modules that the artifact itself has: files, and folders with Python files in them.
struct FirstParty<'a> {
    /// By name: the folders that they stand in.
    folders: BTreeMap<&'a str, BTreeSet<&'a str>>,
}

/// Endings of files that are modules.
const MODULE_ENDINGS: &[&str] = &[".py", ".pyi", ".so", ".pyd", ".pyx"];

/// Folders in which modules stand though no import says so, beside the importing file's own and those above it.
const SOURCE_FOLDERS: &[&str] = &["src", "lib", "python"];

impl<'a> FirstParty<'a> {
    fn of(artifact: &'a Artifact) -> Self {
        let mut folders: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for file in &artifact.files {
            let path = file.path.as_str();
            let Some(stem) = MODULE_ENDINGS.iter().find_map(|ending| path.strip_suffix(ending)) else { continue };
            let (mut folder, name) = stem.rsplit_once('/').unwrap_or(("", stem));
            // `x.cpython-311-x86_64-linux-gnu.so` is the module `x`.
            folders.entry(outermost(name)).or_default().insert(folder);
            while !folder.is_empty() {
                let (above, name) = folder.rsplit_once('/').unwrap_or(("", folder));
                if !folders.entry(name).or_default().insert(above) {
                    break;
                }
                folder = above;
            }
        }
        Self { folders }
    }

    /// Whether a file that imports the module finds it: beside itself, in a folder above, or in one of sources there.
    fn are_near(&self, module: &str, file: &str) -> bool {
        let Some(folders) = self.folders.get(module) else { return false };
        let mut folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
        loop {
            let is_source = |name: &&str| match folder {
                "" => folders.contains(*name),
                folder => folders.contains(format!("{folder}/{name}").as_str()),
            };
            if folders.contains(folder) || SOURCE_FOLDERS.iter().any(is_source) {
                return true;
            }
            if folder.is_empty() {
                return false;
            }
            folder = folder.rsplit_once('/').map_or("", |(above, _)| above);
        }
    }

    /// Whether the artifact has the module at all: programs change where modules are looked for.
    fn are_anywhere(&self, module: &str) -> bool {
        self.folders.contains_key(module)
    }
}
