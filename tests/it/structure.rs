//! Tests of: intake, structure and budget together, on the clean fixtures and on folders that change.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use vetrun::artifact::Artifact;
use vetrun::finding::{Finding, Severity};
use vetrun::intake::{self, DEFAULT_EXCLUDES};
use vetrun::passes::budget::budget;
use vetrun::passes::parse::{Target, parse};
use vetrun::passes::structure::{Structure, structure};
use vetrun::policy::Policy;

/// What lies beside each fixture.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    command: String,
    exit: u8,
    status: String,
    findings: Vec<String>,
    stdout_contains: Option<String>,
    #[serde(default)]
    outputs: Vec<String>,
    passes: BTreeMap<String, String>,
}

fn clean_fixtures() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/clean");
    let mut entries = intake::batch_entries(&folder).expect("the clean fixtures are there");
    entries.retain(|path| path.is_dir());
    entries
}

/// What is expected of the fixture at `path`.
fn expected(path: &Path) -> Expected {
    let beside = path.with_extension("expected.toml");
    let name = beside.display();
    let text = fs::read_to_string(&beside).unwrap_or_else(|error| panic!("{name}: {error}"));
    toml::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn read(path: &Path) -> Artifact {
    let exclude = intake::exclude_set(&DEFAULT_EXCLUDES).expect("they are globs");
    intake::read_path(path, &Policy::default().intake, &exclude).expect("the folder can be read")
}

/// What the passes that need no rules find in an artifact.
fn judge(artifact: &Artifact) -> (Structure, Vec<Finding>) {
    let policy = Policy::default();
    let (parsed, mut findings) = parse(artifact, &policy.parse, &Target::default());
    let (structure, found) = structure(&parsed, &policy).expect("the profile is built in");
    findings.extend(found);
    findings.extend(budget(&parsed, &policy.budget, &structure.profile, 0).0);
    (structure, findings)
}

#[test]
fn nothing_stands_against_a_clean_fixture() {
    let fixtures = clean_fixtures();
    assert!(fixtures.len() >= 13, "there are {}", fixtures.len());
    for path in fixtures {
        let (structure, findings) = judge(&read(&path));
        assert_eq!(findings, [], "{}", path.display());
        assert_eq!(structure.entry.is_some(), expected(&path).command == "run", "{}", path.display());
    }
}

#[test]
fn each_clean_fixture_says_what_is_expected_of_it() {
    for path in clean_fixtures() {
        let name = path.display();
        let expected = expected(&path);
        assert_eq!((expected.exit, expected.status.as_str()), (0, "passed"), "{name}");
        assert!(expected.findings.is_empty(), "{name}");
        if expected.command == "check" {
            continue;
        }
        assert_eq!(expected.command, "run", "{name}");
        assert!(expected.stdout_contains.is_some(), "{name}: what it prints is not told");
        let passes: Vec<_> = expected.passes.keys().map(String::as_str).collect();
        let all = ["dependencies", "execution", "performance", "security", "structure", "syntax"];
        assert_eq!(passes, all, "{name}");
        let writes = fs::read_dir(&path)
            .unwrap()
            .any(|entry| fs::read_to_string(entry.unwrap().path()).is_ok_and(|text| text.contains("OUTPUT_DIR")));
        assert_eq!(writes, !expected.outputs.is_empty(), "{name}");
    }
}

#[test]
fn the_kinds_of_program_are_told_apart_by_their_entry_point() {
    let told: BTreeMap<_, _> = clean_fixtures()
        .iter()
        .map(|path| {
            let (structure, _) = judge(&read(path));
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, format!("{} {}", structure.profile_name, structure.entry.unwrap_or_default()))
        })
        .collect();
    let expected = [
        ("canvas-game", "web index.html"),
        ("flask-app", "python main.py"),
        ("markdown-converter", "python convert.py"),
        ("node-library", "node index.js"),
        ("esm-tool", "node main.js"),
        ("pep723-script", "python fx_table.py"),
        ("todo-web", "web index.html"),
    ];
    for (name, kind) in expected {
        assert_eq!(told[name], kind, "{name}");
    }
}

#[test]
fn one_line_of_a_clean_fixture_spoiled_is_one_finding() {
    let spoil = |fixture: &str, file: &str, change: &dyn Fn(&str) -> String| {
        let folder = tempfile::tempdir().unwrap();
        let source = clean_fixtures().into_iter().find(|path| path.ends_with(fixture)).unwrap();
        intake::write_snapshot(&read(&source), folder.path()).unwrap();
        let path = folder.path().join(file);
        let spoiled = change(&fs::read_to_string(&path).unwrap());
        fs::write(&path, spoiled).unwrap();
        let (_, findings) = judge(&read(folder.path()));
        let severe = findings.iter().filter(|finding| finding.severity >= Severity::Medium);
        severe.map(|finding| finding.rule_id.to_string()).collect::<Vec<_>>()
    };
    let fenced = spoil("node-library", "index.js", &|text| format!("```js\n{text}```\n"));
    assert!(fenced.iter().filter(|id| *id == "markdown-fence").count() == 2, "{fenced:?}");
    let cut = spoil("todo-web", "app.js", &|text| text[..text.len() / 2].to_owned());
    assert!(cut.contains(&"truncated-file".to_owned()), "{cut:?}");
    let renamed = spoil("todo-web", "index.html", &|text| text.replace("style.css", "styles.css"));
    assert_eq!(renamed, ["reference-not-found"]);
    let elided = spoil("cli-tool", "wordcount.py", &|text| format!("{text}\n# ... rest of the code unchanged\n"));
    assert_eq!(elided, ["placeholder-text"]);
    let hollow = spoil("cli-tool", "test_wordcount.py", &|_| "def test_all():\n    pass\n".to_owned());
    assert_eq!(hollow, ["test-without-assertion"]);
    let trojan =
        spoil("flask-app", "notes.py", &|text| text.replace("# ", "").replace("is required", "is \u{202e}required"));
    assert_eq!(trojan, ["bidirectional-control"]);
    let bloated = spoil("canvas-game", "style.css", &|text| text.repeat(600));
    assert_eq!(bloated, ["total-bytes-over-budget"]);
}

#[test]
fn what_runs_is_what_was_judged_even_when_the_folder_is_exchanged() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("main.py"), "print('judged')\n").unwrap();
    let artifact = read(folder.path());
    let (before, _) = judge(&artifact);
    fs::write(folder.path().join("main.py"), "import os\nos.system('harm')\n").unwrap();
    fs::write(folder.path().join("app.py"), "harm()\n").unwrap();
    let (after, _) = judge(&artifact);
    assert_eq!(before.entry, after.entry);
    let run = tempfile::tempdir().unwrap();
    intake::write_snapshot(&artifact, run.path()).unwrap();
    let written: Vec<_> = intake::batch_entries(run.path()).unwrap();
    assert_eq!(written, [run.path().join("main.py")]);
    assert_eq!(fs::read_to_string(&written[0]).unwrap(), "print('judged')\n");
}
