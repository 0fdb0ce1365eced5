//! Names of packages: what is said of them, what is told from imports, and how well, on sets that others have labelled.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Instant;

use vetrun::artifact::{Artifact, SourceFile};
use vetrun::deps::Requirement;
use vetrun::deps::names::{NameData, Verdict, judge, package_like};
use vetrun::finding::{Finding, Pass};
use vetrun::language::EngineVersions;
use vetrun::policy::{InstallPolicy, Policy, UnknownNames};
use vetrun::rules::RuleSet;
use vetrun::vet::{Baseline, Judging, judge_artifact};

use crate::support::{arg, folder, run, shown};

/// Paths and texts.
type Files<'a> = &'a [(&'a str, &'a str)];

/// The requirements of an artifact, as `name path:line` or their text where they are declared, and its findings of the
/// install pass as `rule severity path:line`.
fn vetted(files: Files<'_>, install: InstallPolicy) -> (Vec<String>, Vec<String>) {
    let files = files.iter().map(|(path, text)| SourceFile::new(*path, text.as_bytes())).collect();
    let artifact = Artifact::new("a", "a", files, Vec::new());
    let policy = Policy { install, ..Policy::default() };
    let rules = RuleSet::load(false, &[] as &[&str]).expect("no rules load");
    let (baseline, names) = (Baseline::new(), NameData::builtin());
    let judging = Judging { policy: &policy, rules: &rules, baseline: &baseline, requirements: None, names };
    let vetted = judge_artifact(&artifact, judging, EngineVersions::default()).expect("no profile is named");
    let requirement = |one: Requirement| match one.import {
        Some(_) => format!("{} {}:{}", one.name, one.declared_in, one.range.start.line),
        None => one.text,
    };
    let finding = |one: &Finding| {
        let line = one.range.map_or(0, |range| range.start.line);
        format!("{} {} {}:{line}", one.rule_id, one.severity.name(), one.path)
    };
    let findings = vetted.findings.iter().filter(|one| one.pass == Pass::Install).map(finding).collect();
    (vetted.declared.requirements.into_iter().map(requirement).collect(), findings)
}

#[test]
fn what_code_imports_is_required_where_nothing_is_declared() {
    let cases: &[(Files<'_>, &[&str])] = &[
        (
            &[("main.py", "import os, numpy as np\nimport cv2\nfrom yaml import safe_load\nimport numpy.linalg\n")],
            &["numpy main.py:1", "opencv-python main.py:2", "pyyaml main.py:3"],
        ),
        (&[("main.py", "import helper, app.core\nfrom . import x\n"), ("helper.py", ""), ("app/core.py", "")], &[]),
        (&[("tests/test_it.py", "import pkg\n"), ("src/pkg/__init__.py", "")], &[]),
        (&[("tools/run.py", "import shared\n"), ("shared/x.py", "")], &[]),
        (&[("main.py", "try:\n    import ujson\nexcept ImportError:\n    import json\n")], &[]),
        (
            &[("main.py", "try:\n    import no_such_thing_at_all\nexcept ImportError:\n    import orjson\n")],
            &["orjson main.py:4"],
        ),
        (
            &[(
                "main.py",
                "import sys\nif sys.version_info >= (3, 11):\n    import tomllib\nelse:\n    import tomli\n",
            )],
            &[],
        ),
        (&[("main.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import pandas\n")], &[]),
        (&[("main.py", "def f():\n    import requests\n")], &["requests main.py:2"]),
        (
            &[("main.py", "import numpy\n"), ("pyproject.toml", "[tool.ruff]\nline-length = 100\n")],
            &["numpy main.py:1"],
        ),
        (&[("main.py", "from google.cloud import storage\n")], &["google-cloud-storage main.py:1"]),
        (
            &[(
                "a.ipynb",
                r#"{"nbformat":4,"nbformat_minor":5,"metadata":{},"cells":[{"cell_type":"code","id":"a","metadata":{},"execution_count":null,"outputs":[],"source":["import pandas as pd\n"]}]}"#,
            )],
            &["pandas a.ipynb:1"],
        ),
    ];
    for (files, expected) in cases {
        assert_eq!(vetted(files, InstallPolicy::default()), (owned(expected), vec![]), "{files:?}");
    }
    let policy = InstallPolicy { infer: false, ..InstallPolicy::default() };
    assert_eq!(vetted(&[("main.py", "import numpy\n")], policy), (vec![], vec![]));
}

#[test]
fn what_is_imported_and_what_is_declared_are_compared() {
    let cases: &[(Files<'_>, &[&str])] = &[
        (&[("main.py", "import numpyy\n"), ("x.txt", "")], &["dependency-import-unknown medium main.py:1"]),
        (&[("main.py", "import numpyy\n")], &["dependency-import-unknown low main.py:1"]),
        (
            &[("main.py", "def f():\n    import zzyzx_unheard_of\n"), ("x.txt", "")],
            &["dependency-import-unknown low main.py:2"],
        ),
        (&[("main.py", "import extra.thing\n"), ("lib/deep/extra/thing.py", "")], &[]),
        (
            &[("main.py", "import yaml\nimport requests\n"), ("requirements.txt", "requests\npandas\n")],
            &["dependency-undeclared low main.py:1", "dependency-unused info requirements.txt:2"],
        ),
        (
            &[("main.py", "import bs4\n"), ("requirements.txt", "beautifulsoup4\nrequests-cache\nrequests\n")],
            &["dependency-unused info requirements.txt:2", "dependency-unused info requirements.txt:3"],
        ),
        (&[("main.py", "import flask\n"), ("requirements.txt", "flask\nflask-cors\n")], &[]),
    ];
    for (files, expected) in cases {
        assert_eq!(vetted(files, InstallPolicy::default()).1, owned(expected), "{files:?}");
    }
}

#[test]
fn each_name_that_is_not_what_it_seems_is_found_at_its_line() {
    let names = "numpy\ncolourama\njson\ndataclasses\nrest-framework\nlodash\nreqeusts\nquite-an-unheard-of-name\nhuggingface-inference\n";
    let files: Files<'_> = &[("requirements.txt", names)];
    let expected = [
        "dependency-known-malicious critical requirements.txt:2",
        "dependency-is-standard-library medium requirements.txt:3",
        "dependency-is-standard-library low requirements.txt:4",
        "dependency-is-import-name high requirements.txt:5",
        "dependency-of-other-registry high requirements.txt:6",
        "dependency-look-alike high requirements.txt:7",
        "dependency-unknown low requirements.txt:8",
        "dependency-hallucinated high requirements.txt:9",
    ];
    assert_eq!(vetted(files, InstallPolicy::default()).1, owned(&expected));
    let policy = InstallPolicy {
        unknown_names: UnknownNames::Block,
        allow_names: owned(&["colourama", "re*", "LODASH", "json", "dataclasses", "huggingface_inference"]),
        deny_names: owned(&["num*"]),
        ..InstallPolicy::default()
    };
    let expected = ["dependency-denied high requirements.txt:1", "dependency-unknown high requirements.txt:8"];
    assert_eq!(vetted(files, policy).1, owned(&expected));
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(ToString::to_string).collect()
}

#[test]
fn a_folder_of_tables_is_made_from_lists_and_takes_the_place_of_what_comes_with_vetrun() {
    let dir = folder(&[
        ("top.json", "{\"packages\": [\"numpy\", \"mycorp-base\"]}"),
        ("rows.txt", "mycorp:mycorp-base\n"),
        ("a/main.py", "import mycorp\n"),
        ("a/requirements.txt", "mycorp-base\nnumpy\npandas\n"),
        ("vetrun.toml", "[install]\nnames_data = \"names\"\nunknown_names = \"block\"\n"),
    ]);
    let path = |name: &str| dir.path().join(name).to_string_lossy().into_owned();
    let made = run(&[
        "deps",
        "update",
        "--into",
        &path("names"),
        "--popular",
        &path("top.json"),
        "--modules",
        &path("rows.txt"),
    ]);
    assert_eq!(made.status.code(), Some(0), "{}", shown(&made));
    let checked = run(&["check", &path("a"), "--policy", &path("vetrun.toml"), "--format", "concise"]);
    let said = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert!(said.contains("`pandas`") && !said.contains("mycorp"), "{}", shown(&checked));

    std::fs::write(dir.path().join("names/modules.txt"), "# x\nb b2\na a2\n").expect("a file");
    let refused = run(&["check", &path("a"), "--policy", &path("vetrun.toml")]);
    assert_eq!(refused.status.code(), Some(2), "{}", shown(&refused));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("modules.txt, line 3"), "{}", shown(&refused));

    let policy = path("inside.toml");
    std::fs::write(&policy, "[install]\nnames_data = \"a\"\n").expect("a file");
    let inside = run(&["check", &path("a"), "--policy", &policy]);
    assert_eq!(inside.status.code(), Some(2), "{}", shown(&inside));
    let nothing = run(&["deps", "update", "--into", arg(dir.path())]);
    assert_eq!(nothing.status.code(), Some(2), "{}", shown(&nothing));
}

#[test]
fn a_flood_of_imports_is_told_and_takes_no_time() {
    let many: String = (0..20_000).map(|at| format!("import unheard_of_{at}\n")).collect();
    let expected = ["dependency-imports-limit high .:0"];
    assert_eq!(vetted(&[("main.py", &many)], InstallPolicy::default()), (vec![], owned(&expected)));
    let some: String = (0..200).map(|at| format!("import unheard_of_{at}\n")).collect();
    let findings = vetted(&[("main.py", &some), ("x.txt", "")], InstallPolicy::default()).1;
    assert_eq!(findings.len(), 51);
    assert!(findings.contains(&"dependency-findings-limit medium .:0".to_owned()), "{findings:?}");
}

/// A set of `VETRUN_NAME_SETS`, a folder of lists that may not be shipped: its lines as words.
fn set(file: &str) -> Option<Vec<Vec<String>>> {
    let folder = PathBuf::from(std::env::var_os("VETRUN_NAME_SETS")?);
    let text = std::fs::read_to_string(folder.join(file)).expect("the set can be read");
    let words = |line: &str| line.split([' ', ',']).map(str::to_owned).collect();
    Some(text.lines().filter(|line| !line.is_empty()).map(words).collect())
}

fn verdicts(file: &str) -> Option<Vec<(Vec<String>, Verdict)>> {
    let data = NameData::builtin();
    let of = |words: Vec<String>| {
        let verdict = judge(&vetrun::deps::normalised(&words[0]), data);
        (words, verdict)
    };
    Some(set(file)?.into_iter().map(of).collect())
}

/// How many of a hundred.
fn percent(part: usize, whole: usize) -> f64 {
    100.0 * part as f64 / whole.max(1) as f64
}

/// Set `VETRUN_NAME_SETS` to a folder with `universal.csv`, `pairs.txt`, `malregistry.txt`, `declared.txt`,
/// `registry_sample.txt`, `pyodide.txt` and `installed.txt` to measure.
#[test]
fn names_are_judged_well_on_labelled_sets() {
    let Some(invented) = verdicts("universal.csv") else {
        println!("VETRUN_NAME_SETS is not set: nothing was measured");
        return;
    };
    let repaired = |verdict: &Verdict| {
        matches!(verdict, Verdict::ModuleName { .. } | Verdict::Invented { meant: Some(_) } | Verdict::LookAlike(_))
    };
    let (left, found): (Vec<_>, Vec<_>) = invented.iter().partition(|(_, verdict)| !repaired(verdict));
    println!("universal inventions repaired: {} of {}; left: {left:?}", found.len(), invented.len());
    assert!(percent(found.len(), invented.len()) >= 80.0);

    let pairs = verdicts("pairs.txt").expect("the set is there");
    let hits = pairs.iter().filter(|(words, verdict)| match verdict {
        Verdict::LookAlike(near) => near.target == vetrun::deps::normalised(&words[1]),
        Verdict::Invented { meant: Some(meant) } => *meant == vetrun::deps::normalised(&words[1]),
        Verdict::ModuleName { package } => *package == vetrun::deps::normalised(&words[1]),
        _ => false,
    });
    let hits = hits.count();
    let known = pairs.iter().filter(|(_, verdict)| matches!(verdict, Verdict::Known { .. })).count();
    let missed: Vec<_> = pairs.iter().filter(|(words, verdict)| !matches!(verdict, Verdict::LookAlike(near) if near.target == vetrun::deps::normalised(&words[1]))).collect();
    println!("typosquats with the right target: {hits} of {}, called known: {known}; others: {missed:?}", pairs.len());
    assert!(hits >= 70 && known == 0);

    let malicious = verdicts("malregistry.txt").expect("the set is there");
    let known: Vec<_> = malicious.iter().filter(|(_, verdict)| matches!(verdict, Verdict::Known { .. })).collect();
    let alike = malicious.iter().filter(|(_, verdict)| matches!(verdict, Verdict::LookAlike(_))).count();
    println!("malicious names called known: {} of {}, look-alikes {alike}", known.len(), malicious.len());
    assert!(percent(known.len(), malicious.len()) <= 1.0);

    let declared = verdicts("declared.txt").expect("the set is there");
    let others: Vec<_> = declared.iter().filter(|(_, verdict)| !matches!(verdict, Verdict::Known { .. })).collect();
    println!("declared names not known: {} of {}: {others:?}", others.len(), declared.len());

    let start = Instant::now();
    let sample = verdicts("registry_sample.txt").expect("the set is there");
    let each = start.elapsed().as_secs_f64() * 1e6 / sample.len() as f64;
    let mut kinds = std::collections::BTreeMap::<String, usize>::new();
    for (_, verdict) in &sample {
        let name = match verdict {
            Verdict::LookAlike(near) => format!("look-alike {:?}", near.like),
            Verdict::Invented { .. } => "invented".to_owned(),
            Verdict::ModuleName { .. } => "module name".to_owned(),
            other => format!("{other:?}").split([' ', '{']).next().unwrap_or_default().to_owned(),
        };
        *kinds.entry(name).or_default() += 1;
    }
    let false_ones: usize = kinds.iter().filter(|(kind, _)| kind.as_str() != "Unknown").map(|(_, count)| count).sum();
    println!(
        "names of the registry that few use: {kinds:?} of {}, {:.1} % flagged, {each:.0} µs each",
        sample.len(),
        percent(false_ones, sample.len())
    );
    let alike = sample.iter().filter(|(_, verdict)| matches!(verdict, Verdict::LookAlike(_))).count();
    assert!(percent(alike, sample.len()) <= 5.0);
}

#[test]
fn modules_lead_to_their_packages_on_labelled_sets() {
    let data = NameData::builtin();
    for (file, least) in [("pyodide.txt", 97.0), ("installed.txt", 99.0)] {
        let Some(rows) = set(file) else { return };
        let modules: BTreeSet<String> = rows.iter().map(|words| words[0].clone()).collect();
        let brings = |module: &str, package: &str| {
            rows.iter().any(|words| words[0] == module && vetrun::deps::normalised(&words[1]) == package)
        };
        let own = |module: &String| match data.bringer(module) {
            Some(bringer) => bringer.package.map_or_else(|| package_like(module), str::to_owned),
            None => package_like(module),
        };
        let wrong: Vec<_> =
            modules.iter().filter(|module| !brings(module, &own(module))).map(|module| (module, own(module))).collect();
        println!("{file}: {} of {} modules lead elsewhere: {wrong:?}", wrong.len(), modules.len());
        assert!(percent(wrong.len(), modules.len()) <= 100.0 - least, "{wrong:?}");
    }
}
