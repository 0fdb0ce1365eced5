//! Whole declarations with their locks: what is refused, by which rule and where, and what is picked.

use super::{Npm, NpmLimits, Pick, read};
use crate::artifact::{Artifact, SourceFile};
use crate::finding::{Finding, Pass, Severity};
use crate::policy::InstallPolicy;

const DIGEST: &str = "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

fn of(manifest: &str, lock: Option<&str>) -> (Option<Npm>, Vec<Finding>) {
    of_judged(manifest, lock, &|_| None)
}

fn of_judged(manifest: &str, lock: Option<&str>, names: super::NameJudge<'_>) -> (Option<Npm>, Vec<Finding>) {
    let mut files = vec![SourceFile::new("package.json", manifest.as_bytes())];
    files.extend(lock.map(|lock| SourceFile::new("package-lock.json", lock.as_bytes())));
    read(&Artifact::new("a", "a", files, Vec::new()), &InstallPolicy::default(), names)
}

/// A lock whose own declarations are `root`, with these entries.
fn lock(root: &str, entries: &[(&str, &str)]) -> String {
    let entries: String = entries.iter().map(|(place, entry)| format!(",\n\"{place}\": {entry}")).collect();
    format!("{{\"lockfileVersion\": 3, \"packages\": {{\n\"\": {root}{entries}}}}}")
}

/// A sound entry, with what is to be said beside.
fn entry(version: &str, others: &str) -> String {
    format!("{{\"version\": \"{version}\", \"integrity\": \"{DIGEST}\"{others}}}")
}

const ROOT: &str = "{\"dependencies\":{\"a\":\"^1\"}}";

/// The rules and places for a lock of `a` with this entry.
fn rules_of_entry(entry: &str) -> Vec<String> {
    rules(&of(ROOT, Some(&lock(ROOT, &[("node_modules/a", entry)]))))
}

fn rules((npm, findings): &(Option<Npm>, Vec<Finding>)) -> Vec<String> {
    let is_refused = findings.iter().any(|finding| finding.severity >= Severity::High);
    assert_eq!(npm.is_none(), is_refused, "{findings:?}");
    let line = |finding: &Finding| finding.range.map_or(0, |range| range.start.line);
    findings.iter().map(|finding| format!("{} {}:{}", finding.rule_id, finding.path, line(finding))).collect()
}

fn places(picks: &[Pick]) -> Vec<&str> {
    picks.iter().map(|pick| pick.place.as_str()).collect()
}

#[test]
fn without_packages_there_is_nothing_to_say() {
    for manifest in ["{}", "{\"devDependencies\":{\"a\":\"1\"}}", "{\"dependencies\":{}}"] {
        assert_eq!(of(manifest, Some("not a lock")), (None, Vec::new()), "{manifest}");
    }
    let nothing = Artifact::new("a", "a", Vec::new(), Vec::new());
    assert_eq!(read(&nothing, &InstallPolicy::default(), &|_| None), (None, Vec::new()));
}

#[test]
fn without_a_lock_nothing_is_installed_and_that_is_told() {
    let (npm, findings) = of(ROOT, None);
    assert_eq!(npm, None);
    assert!(matches!(&findings[..], [one] if one.rule_id == "node-lock-missing" && one.severity == Severity::Low));
    assert!(findings[0].hint.as_ref().is_some_and(|hint| hint.contains("package-lock.json")), "{findings:?}");
}

#[test]
fn what_is_not_a_file_of_the_registry_with_a_digest_is_refused() {
    let cases = [
        ("{\"resolved\": \"packages/a\", \"link\": true}".to_owned(), "node-package-not-from-registry"),
        (entry("1.0.0", ",\"inBundle\": true"), "node-package-not-from-registry"),
        (entry("1.0.0", ",\"name\": \"b\""), "node-package-not-from-registry"),
        (entry("1.0.0", ",\"resolved\": \"git+ssh://git@a.invalid/b.git#0\""), "node-package-not-from-registry"),
        (entry("1.0.0", ",\"resolved\": \"file:a.tgz\""), "node-package-not-from-registry"),
        ("{\"version\": \"1.0.0\"}".to_owned(), "node-integrity-missing"),
        (
            "{\"version\": \"1.0.0\", \"integrity\": \"sha1-AAAAAAAAAAAAAAAAAAAAAAAAAAA=\"}".to_owned(),
            "node-integrity-weak",
        ),
        ("{\"version\": \"1.0.0\", \"integrity\": \"sha512-x\"}".to_owned(), "node-integrity-weak"),
        (entry("1.0.0/../../b", ""), "node-lock-invalid"),
        (entry("latest", ""), "node-lock-invalid"),
        (format!("{{\"integrity\": \"{DIGEST}\"}}"), "node-lock-invalid"),
    ];
    for (entry, rule) in cases {
        assert_eq!(rules_of_entry(&entry), [format!("{rule} package-lock.json:3")], "{entry}");
    }
    assert_eq!(
        rules_of_entry(&entry("1.0.0", ",\"hasInstallScript\": true")),
        ["node-install-script package-lock.json:3"]
    );
    assert_eq!(rules_of_entry(&entry("1.0.0", ",\"name\": \"a\"")), [""; 0]);
}

#[test]
fn locks_that_are_not_of_the_artifact_are_refused() {
    let sound = entry("1.0.0", "");
    let cases = [
        ("not json".to_owned(), "node-lock-invalid package-lock.json:0"),
        ("{\"lockfileVersion\": 1}".to_owned(), "node-lock-version-unknown package-lock.json:1"),
        (lock(ROOT, &[]), "node-lock-incomplete package-lock.json:2"),
        (lock("{}", &[("node_modules/a", &sound)]), "node-lock-differs package-lock.json:0"),
        (
            lock("{\"dependencies\":{\"a\":\"^2\"}}", &[("node_modules/a", &sound)]),
            "node-lock-differs package-lock.json:2",
        ),
        (
            lock(ROOT, &[("node_modules/a", &sound), ("node_modules/a", &sound)]),
            "node-lock-place-twice package-lock.json:3",
        ),
        (
            lock(ROOT, &[("node_modules/a", &sound), ("node_modules/A", &sound)]),
            "node-lock-place-twice package-lock.json:4",
        ),
        (
            lock(ROOT, &[("node_modules/a", &sound), ("node_modules/../b", &sound)]),
            "node-lock-place-invalid package-lock.json:4",
        ),
        (lock(ROOT, &[("node_modules/a", &sound), ("src/b", &sound)]), "node-lock-place-invalid package-lock.json:4"),
        (
            lock(ROOT, &[("node_modules/a", &entry("1.0.0", ",\"dependencies\":{\"b\":\"1\"}"))]),
            "node-lock-incomplete package-lock.json:3",
        ),
    ];
    for (lock, expected) in cases {
        assert_eq!(rules(&of(ROOT, Some(&lock))), [expected], "{lock}");
    }
    let exact = "{\"dependencies\":{\"a\":\"2.0.0\"}}";
    let found = rules(&of(exact, Some(&lock(exact, &[("node_modules/a", &sound)]))));
    assert_eq!(found, ["node-lock-differs package-lock.json:3"]);
    assert_eq!(NpmLimits::default().depth_max, 16);
    let deep = ["node_modules/a"; 17].join("/");
    let found = rules(&of(ROOT, Some(&lock(ROOT, &[("node_modules/a", &sound), (&deep, &sound)]))));
    assert_eq!(found, ["node-lock-place-invalid package-lock.json:4"]);
}

#[test]
fn what_is_reached_is_picked_and_nothing_else() {
    let root = "{\"dependencies\":{\"a\":\"^1\"},\"optionalDependencies\":{\"mac\":\"1\",\"lin\":\"1\"}}";
    let text = lock(
        root,
        &[
            (
                "node_modules/a",
                &entry("1.0.0", ",\"dependencies\":{\"@s/b\":\"1\",\"c\":\"1\"},\"peerDependencies\":{\"none\":\"1\"}"),
            ),
            ("node_modules/a/node_modules/c", &entry("1.0.0", ",\"dev\": true")),
            ("node_modules/@s/b", &entry("1.0.0", ",\"dependencies\":{\"c\":\"2\",\"a\":\"1\"}")),
            ("node_modules/c", &entry("2.0.0", "")),
            ("node_modules/mac", &entry("1.0.0", ",\"os\":[\"darwin\"],\"dependencies\":{\"only-mac\":\"1\"}")),
            ("node_modules/only-mac", &entry("1.0.0", "")),
            ("node_modules/lin", &entry("1.0.0", ",\"os\":[\"linux\"],\"cpu\":[\"!arm\"]")),
            ("node_modules/dev", "{\"version\": \"1.0.0\", \"dev\": true}"),
        ],
    );
    let (npm, findings) = of(root, Some(&text));
    assert_eq!(findings, []);
    let npm = npm.unwrap();
    assert_eq!(npm.requested(), ["a@^1", "lin@1", "mac@1"]);
    let picks = npm.picks("linux", "x64").unwrap();
    let wanted =
        ["node_modules/@s/b", "node_modules/a", "node_modules/a/node_modules/c", "node_modules/c", "node_modules/lin"];
    assert_eq!(places(&picks), wanted);
    let by: Vec<_> = picks.iter().map(|pick| (pick.requested.as_deref(), pick.required_by.join(" "))).collect();
    let wanted =
        [(None, "a@1.0.0"), (Some("a@^1"), "@s/b@1.0.0"), (None, "a@1.0.0"), (None, "@s/b@1.0.0"), (Some("lin@1"), "")];
    assert_eq!(by, wanted.map(|(own, by)| (own, by.to_owned())));
    assert_eq!(places(&npm.picks("darwin", "arm").unwrap()).len(), 6, "the other one, and what it needs");
    assert_ne!(super::digest(&picks), super::digest(&npm.picks("darwin", "arm").unwrap()));
}

#[test]
fn what_is_needed_must_fit() {
    let (npm, findings) = of(ROOT, Some(&lock(ROOT, &[("node_modules/a", &entry("1.0.0", ",\"cpu\":[\"arm64\"]"))])));
    assert_eq!(findings, []);
    let npm = npm.unwrap();
    assert_eq!(npm.picks("linux", "x64").unwrap_err()[0].rule_id, "node-package-unfit");
    assert!(npm.picks("linux", "arm64").is_ok());
}

#[test]
fn all_names_are_judged_where_they_stand() {
    let text = lock(
        ROOT,
        &[
            ("node_modules/a", &entry("1.0.0", ",\"dependencies\":{\"evil\":\"1\"}")),
            ("node_modules/evil", &entry("1.0.0", "")),
            ("node_modules/evil-dev", &entry("1.0.0", "")),
        ],
    );
    let judge = |name: &str| {
        (name.starts_with("evil") || name == "a")
            .then(|| Finding::in_file("a-name", Pass::Install, Severity::High, ".", name))
    };
    let found = of_judged(ROOT, Some(&text), &judge);
    assert_eq!(rules(&found), ["a-name package.json:1", "a-name package-lock.json:4"]);
    assert!(found.0.is_none());
}

#[test]
fn a_flood_of_findings_is_cut() {
    let entries: Vec<(String, String)> = (0..300).map(|at| (format!("elsewhere/{at}"), entry("1.0.0", ""))).collect();
    let mut all = vec![("node_modules/a".to_owned(), entry("1.0.0", ""))];
    all.extend(entries);
    let all: Vec<(&str, &str)> = all.iter().map(|(place, entry)| (place.as_str(), entry.as_str())).collect();
    let found = rules(&of(ROOT, Some(&lock(ROOT, &all))));
    assert_eq!((found.len(), found[100].as_str()), (101, "node-findings-limit package-lock.json:0"));
}

#[test]
fn declarations_and_needs_are_limited() {
    let many: Vec<String> = (0..201).map(|at| format!("\"p{at}\":\"1\"")).collect();
    let manifest = format!("{{\"dependencies\":{{{}}}}}", many.join(","));
    assert_eq!(rules(&of(&manifest, None)), ["requirements-too-many package.json:0"]);
    let needs: Vec<String> = (0..60_000).map(|at| format!("\"p{at}\":\"1\"")).collect();
    let needs = format!(",\"dependencies\":{{{}}}", needs.join(","));
    let found = of(
        ROOT,
        Some(&lock(ROOT, &[("node_modules/a", &entry("1.0.0", &needs)), ("node_modules/b", &entry("1.0.0", &needs))])),
    );
    assert_eq!(rules(&found), ["node-lock-invalid package-lock.json:0"]);
}
