//! The code of packages is scanned by the rules that generated code is judged by.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use vetrun::artifact::Artifact;
use vetrun::deps::declared;
use vetrun::deps::names::NameData;
use vetrun::finding::Finding;
use vetrun::language::EngineVersions;
use vetrun::passes::install::{Examiner, Installed, Tools, install_declared};
use vetrun::passes::parse::{Target, parse};
use vetrun::passes::scan::scan;
use vetrun::policy::{InstallPolicy, PackageScan, ParsePolicy, ScanPolicy};
use vetrun::rules::RuleSet;
use vetrun::sandbox::Stop;

use super::direct::Direct;
use super::index::{Form, index};
use super::rules;
use super::wheel::{Options, wheel};

/// Runs `print(1)`, and does not say so.
const HIDDEN: &str = "import base64\nexec(base64.b64decode('cHJpbnQoMSk='))\n";

fn install(code: &str, scans: PackageScan) -> Installed {
    let index =
        index(&[wheel("nobody_knows_me", "1.0", &[("nobody_knows_me.py", code)], &Options::default())], Form::Json);
    let policy = InstallPolicy { index_url: Some(index.url.clone()), scan: scans, ..InstallPolicy::default() };
    let nothing = Artifact::new("a", "a", Vec::new(), Vec::new());
    let (declared, _) = declared(&nothing, Some(("requirements.txt", b"nobody-knows-me")), &policy);
    let own_rules = RuleSet::load(true, &[] as &[&std::path::Path]).unwrap();
    let examine = |package: &Artifact| -> Vec<Finding> {
        let target = Target::new(&ParsePolicy::default(), EngineVersions::default(), None);
        let (parsed, _) = parse(package, &ParsePolicy::default(), &target);
        scan(&parsed, &own_rules, &ScanPolicy::default()).0
    };
    let scratch = std::env::temp_dir();
    let tools = Tools {
        sandbox: &Direct,
        stop: &Stop::default(),
        uv: None,
        scratch: &scratch,
        store: None,
        names: NameData::builtin(),
        examine: Some(Examiner { identity: "", examine: &examine }),
        entry: None,
    };
    install_declared(&declared, &tools, &policy).unwrap()
}

#[test]
fn code_that_hides_what_it_runs_is_refused() {
    for scans in [PackageScan::Unknown, PackageScan::All] {
        let refused = install(HIDDEN, scans);
        assert!(rules(&refused).contains(&"package-code-dangerous"), "{:?}", refused.findings);
        assert!(refused.findings.iter().any(|one| one.message.contains("`nobody_knows_me.py`, line 2")));
        assert!(!refused.is_sound() && refused.mounts().is_empty() && refused.imports.is_empty());
    }
    let unseen = install(HIDDEN, PackageScan::None);
    assert!(unseen.is_sound() && unseen.scanned.is_empty());
}

#[test]
fn what_libraries_may_do_is_told_and_stands_against_nothing() {
    let installed = install("def run(text):\n    return eval(text)\n", PackageScan::Unknown);
    assert_eq!(rules(&installed), ["package-code-notable"]);
    assert!(installed.is_sound());
    assert_eq!(installed.scanned, ["nobody-knows-me"]);
}
