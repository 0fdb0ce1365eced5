//! Requirements: the parser against a table of its own and, where its path is given, against the reference corpus; the
//! reader against every trick that is known to mislead installers.

mod rows;

use proptest::prelude::*;
use vetrun::artifact::{Artifact, SourceFile};
use vetrun::deps::{Marker, Parsed, SpecifierSet, Version, declared};
use vetrun::finding::Finding;
use vetrun::policy::InstallPolicy;

/// What the parser makes of a text: its canonical form, or `None` where it is refused.
fn canonical(kind: &str, text: &str) -> Option<String> {
    match kind {
        "version" => text.parse::<Version>().ok().map(|value| value.to_string()),
        "specset" => text.parse::<SpecifierSet>().ok().map(|value| value.to_string()),
        "marker" => text.parse::<Marker>().ok().map(|value| value.to_string()),
        "req" => text.parse::<Parsed>().ok().map(|value| value.to_string()),
        other => panic!("unknown kind {other}"),
    }
}

#[test]
fn each_text_is_read_as_the_standards_say() {
    for (kind, text, expected) in rows::ROWS {
        assert_eq!(canonical(kind, text).as_deref(), *expected, "{kind} {text:?}");
    }
}

proptest! {
    /// Whatever the text, the parsers return, and what they accept is a fixed point.
    #[test]
    fn a_canonical_form_is_its_own(kind in 0..4_usize, text in "[a-z0-9.,;()\\[\\]<>=!~@ '\"_*+-]{0,30}|.{0,40}") {
        let kind = ["version", "specset", "marker", "req"][kind];
        if let Some(once) = canonical(kind, &text) {
            prop_assert_eq!(canonical(kind, &once), Some(once));
        }
    }

    #[test]
    fn any_file_is_read_to_its_end(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in "[-rcei# a=\\\\\\n\\r./]{0,60}") {
        let nothing = artifact(&[("requirements.txt", "a"), ("a", "b")]);
        let policy = InstallPolicy::default();
        let _ = declared(&nothing, Some(("x", &bytes)), &policy);
        let own = artifact(&[("requirements.txt", &text), ("a", &text)]);
        let _ = declared(&own, None, &policy);
    }
}

/// Set `VETRUN_PEP508_CORPUS` to a JSON file of rows `[kind, text, valid, canonical]` to measure agreement.
#[test]
fn the_parser_agrees_with_the_reference_corpus() {
    let Ok(path) = std::env::var("VETRUN_PEP508_CORPUS") else {
        println!("VETRUN_PEP508_CORPUS is not set: the corpus was not measured");
        return;
    };
    let rows: Vec<(String, String, bool, String)> =
        serde_json::from_slice(&std::fs::read(path).expect("the corpus can be read")).expect("the corpus is valid");
    let mut wrong = Vec::new();
    for (kind, text, valid, form) in &rows {
        let ours = canonical(kind, text);
        if ours.as_ref() != valid.then_some(form) {
            wrong.push(format!("{kind} {text:.200?}: reference {valid} {form:.200?}, ours {ours:?}"));
        }
    }
    println!("{} of {} rows agree", rows.len() - wrong.len(), rows.len());
    assert!(wrong.len() * 1000 <= rows.len(), "less than 99.9 % agree:\n{}", wrong.join("\n"));
}

/// Paths and texts.
type Files<'a> = &'a [(&'a str, &'a str)];

/// An artifact of these files.
fn artifact(files: &[(&str, &str)]) -> Artifact {
    let files = files.iter().map(|(path, text)| SourceFile::new(*path, text.as_bytes())).collect();
    Artifact::new("a", "a", files, Vec::new())
}

/// The canonical requirements, and `rule path:line` for each finding.
fn read(files: &[(&str, &str)]) -> (Vec<String>, Vec<String>) {
    let (declared, findings) = declared(&artifact(files), None, &InstallPolicy::default());
    let line = |finding: &Finding| finding.range.map_or(0, |range| range.start.line);
    let findings = findings.iter().map(|finding| format!("{} {}:{}", finding.rule_id, finding.path, line(finding)));
    (declared.requirements.into_iter().map(|requirement| requirement.text).collect(), findings.collect())
}

/// A lock file with two packages.
const LOCK: &str = "lock-version = '1.0'
created-by = 'x'
[[packages]]
name = 'B'
version = '1.0'
index = 'https://index.invalid/simple'
[[packages.wheels]]
name = 'b-1.0-py3-none-any.whl'
url = 'https://files.invalid/b-1.0-py3-none-any.whl'
hashes = { sha256 = 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' }
[[packages]]
name = 'c_d'
version = '2'
marker = 'python_version > \"3\"'
wheels = [{ name = 'c_d-2-py3-none-any.whl', hashes = { sha256 = '0000000000000000000000000000000000000000000000000000000000000000' } }]
";

#[test]
fn a_lock_pins_every_file() {
    let own = artifact(&[("pylock.toml", LOCK)]);
    let policy =
        InstallPolicy { index_url: Some("https://mine.invalid/simple/".to_owned()), ..InstallPolicy::default() };
    let (declared, findings) = declared(&own, None, &policy);
    assert!(declared.require_hashes);
    assert_eq!(declared.requirements[0].hashes, [format!("sha256:{}", "a".repeat(64))]);
    assert_eq!(findings.iter().map(|one| one.rule_id.as_ref()).collect::<Vec<_>>(), ["pylock-other-index"]);
}

#[test]
fn each_form_of_declaration_is_read() {
    let cases: &[(Files<'_>, &[&str])] = &[
        (
            &[("requirements.txt", "# x\nFlask[async]>=2,<4 # web\r\nruamel.yaml\n\nflask [async] <4, >=2\n")],
            &["flask[async]<4,>=2", "ruamel-yaml"],
        ),
        (
            &[("requirements.txt", "-r more/base.txt\na"), ("more/base.txt", "-r ../b.txt\nc"), ("b.txt", "d")],
            &["a", "c", "d"],
        ),
        (
            &[("main.py", "# /// script\n# dependencies = [\n#   'b', \"a; python_version>'3'\",\n# ]\n# ///\n")],
            &["a; python_version > \"3\"", "b"],
        ),
        (&[("pyproject.toml", "[project]\nname='x'\ndependencies=['Numpy>=1']\n")], &["numpy>=1"]),
        (&[("requirements.txt", "a"), ("pyproject.toml", "[project]\ndependencies=['b']\n")], &["a"]),
        (&[("requirements.txt", "a"), ("pylock.toml", LOCK)], &["b==1.0", "c-d==2; python_version > \"3\""]),
        (&[("sub/main.py", "# /// script\n# dependencies = ['a']\n# ///\n")], &[]),
        (&[("main.py", "print()")], &[]),
    ];
    for (files, expected) in cases {
        assert_eq!(read(files), (expected.iter().map(ToString::to_string).collect(), vec![]), "{files:?}");
    }
}

#[test]
fn what_a_lock_cannot_ask_for_is_found_at_its_line() {
    let cases: &[(Files<'_>, &[&str])] = &[
        (&[("pylock.toml", "lock-version = '2.0'\n")], &["pylock-invalid pylock.toml:1"]),
        (&[("pylock.toml", "lock-version = '1.0'\npackages = 1\n")], &["pylock-invalid pylock.toml:2"]),
        (
            &[(
                "pylock.toml",
                "lock-version = '1.0'\n[[packages]]\nname = 'a'\nvcs = { url = 'x' }\n[[packages]]\nname = 'b'\ndirectory = { path = 'x' }\n\
                 [[packages]]\nname = 'c'\narchive = { url = 'x' }\n[[packages]]\nname = 'd'\nversion = '1'\n\
                 [[packages]]\nname = 'e'\nversion = '1'\nwheels = [{ url = 'x', hashes = { md5 = '00' } }]\n",
            )],
            &[
                "requirement-vcs pylock.toml:3",
                "requirement-path pylock.toml:6",
                "requirement-url pylock.toml:9",
                "pylock-not-pinned pylock.toml:12",
                "pylock-not-pinned pylock.toml:15",
            ],
        ),
    ];
    for (files, expected) in cases {
        assert_eq!(read(files).1, *expected, "{files:?}");
    }
}

#[test]
fn what_cannot_be_accepted_is_found_at_its_line() {
    let cases: &[(Files<'_>, &[&str])] = &[
        (
            &[("requirements.txt", "a\n\n--index-url http://host.invalid\nb @ file:///x\n")],
            &["requirement-index-url requirements.txt:3", "requirement-path requirements.txt:4"],
        ),
        (
            &[("requirements.txt", "-r /etc/passwd\n-r /proc/self/environ\n")],
            &["requirement-include-outside requirements.txt:1", "requirement-include-outside requirements.txt:2"],
        ),
        (
            &[("requirements.txt", "-r ../x.txt\n-c a/../../x\n-r\n-r C:\\x\n-r ~/x")],
            &[
                "requirement-include-outside requirements.txt:1",
                "requirement-include-outside requirements.txt:2",
                "requirement-include-outside requirements.txt:3",
                "requirement-include-outside requirements.txt:4",
                "requirement-include-outside requirements.txt:5",
            ],
        ),
        (
            &[("requirements.txt", "-r http://host.invalid/x\n-c file:///x")],
            &["requirement-include-remote requirements.txt:1", "requirement-include-remote requirements.txt:2"],
        ),
        (&[("requirements.txt", "-r a.txt"), ("a.txt", "-r requirements.txt")], &["requirement-include-cycle a.txt:1"]),
        (&[("requirements.txt", "-r nowhere.txt")], &["requirement-include-missing requirements.txt:1"]),
        (&[("requirements.txt", "-c c.txt\na"), ("c.txt", "b[x]<2\n")], &["requirement-constraint-extras c.txt:1"]),
        (&[("requirements.txt", "a # x\\\n--pre\n")], &["requirements-continued-comment requirements.txt:1"]),
        (&[("requirements.txt", "a # \u{2028}--pre\n")], &["requirements-hidden-line-break requirements.txt:1"]),
        (
            &[(
                "main.py",
                "# /// script\n# dependencies = ['x @ http://h.invalid/y']\n# [tool.uv]\n# index-url = 'http://h.invalid'\n# ///\n",
            )],
            &["requirement-url main.py:2", "script-block-tool-ignored main.py:1"],
        ),
        (&[("main.py", "# /// script\n# dependencies = [\n# ///\n")], &["script-block-invalid main.py:2"]),
        (
            &[("main.py", "# /// script\n# a=1\n# ///\n\n# /// script\n# b=1\n# ///\n")],
            &["script-block-repeated main.py:5"],
        ),
        (
            &[("main.py", "# /// script\n# dependencies = ['a']\n# ///\n"), ("requirements.txt", "")],
            &["script-block-not-used main.py:0"],
        ),
        (
            &[("pyproject.toml", "[project]\nname='x'\ndynamic=['dependencies']\n")],
            &["pyproject-dynamic-dependencies pyproject.toml:3"],
        ),
        (
            &[("pyproject.toml", "[tool.poetry.dependencies]\npython='^3'\nrequests='*'\n")],
            &["pyproject-tool-dependencies pyproject.toml:0"],
        ),
        (
            &[("pyproject.toml", "[project]\ndependencies=['${X}', 'a b']\n")],
            &["requirement-variable pyproject.toml:2", "requirement-invalid pyproject.toml:2"],
        ),
        (&[("pyproject.toml", "[project]\ndependencies='a'\n")], &["pyproject-invalid pyproject.toml:2"]),
        (&[("package.json", "{\"dependencies\":{\"left-pad\":\"1\"}}")], &["node-lock-missing package.json:0"]),
    ];
    for (files, expected) in cases {
        assert_eq!(read(files).1, *expected, "{files:?}");
    }
}

#[test]
fn groups_and_extras_are_read_where_they_are_wanted() {
    const GROUPS: &str = "[project]\ndependencies = ['a']\n[project.optional-dependencies]\nweb = ['flask>=2']\n\
         [dependency-groups]\nTest_All = ['pytest', { include-group = 'lint' }]\nlint = ['ruff', { include-group = 'test-all' }]\n\
         bad = [1, { other = 'x' }, 'a b']\n";
    let read = |groups: &[&str], text: &str| {
        let policy =
            InstallPolicy { groups: groups.iter().map(ToString::to_string).collect(), ..InstallPolicy::default() };
        let (declared, findings) = declared(&artifact(&[("pyproject.toml", text)]), None, &policy);
        let names: Vec<String> = declared.requirements.into_iter().map(|one| one.text).collect();
        let rules: Vec<String> = findings.into_iter().map(|one| one.rule_id.to_string()).collect();
        (names.join(" "), rules.join(" "))
    };
    let cases = [
        (&[][..], "a", ""),
        (&["web"], "a flask>=2", ""),
        (&["test-all"], "a pytest ruff", ""),
        (&["lint", "web", "web"], "a flask>=2 pytest ruff", ""),
        (&["tset"], "a", "dependency-group-missing"),
        (&["bad"], "a", "dependency-group-invalid dependency-group-invalid requirement-invalid"),
    ];
    for (groups, packages, rules) in cases {
        assert_eq!(read(groups, GROUPS), (packages.to_owned(), rules.to_owned()), "{groups:?}");
    }
    let alone = "[dependency-groups]\ntest = ['pytest']\n";
    assert_eq!(read(&["test"], alone), ("pytest".to_owned(), String::new()));
    assert_eq!(read(&[], alone), (String::new(), String::new()));
}

#[test]
fn includes_and_packages_are_limited() {
    let chain: Vec<(String, String)> =
        (0..20).map(|at| (format!("{at}.txt"), format!("-r {}.txt\n-r {}.txt", at + 1, at + 1))).collect();
    let mut files: Vec<(&str, &str)> = chain.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    files.push(("requirements.txt", "-r 0.txt"));
    assert!(read(&files).1.iter().any(|finding| finding.starts_with("requirement-include-depth")));

    let many = (0..250).map(|at| format!("p{at}\n")).collect::<String>();
    let (requirements, findings) = read(&[("requirements.txt", &many)]);
    assert_eq!((requirements.len(), findings.len()), (200, 1));
    assert_eq!(findings[0], "requirements-too-many requirements.txt:201");

    let refused = read(&[("requirements.txt", &"--pre\n".repeat(5000))]).1;
    assert_eq!((refused.len(), refused[100].as_str()), (101, "requirements-refused-limit requirements.txt:101"));

    let large = "#".repeat(300 << 10);
    assert_eq!(read(&[("requirements.txt", &large)]).1, ["requirements-too-large requirements.txt:0"]);
}

#[test]
fn a_file_of_the_caller_stands_in_and_includes_nothing() {
    let own = artifact(&[("requirements.txt", "a"), ("b.txt", "b")]);
    let (declared, findings) = declared(&own, Some(("mine.txt", b"c==1\n-r b.txt\n")), &InstallPolicy::default());
    assert_eq!(declared.requirements.iter().map(|one| one.text.as_str()).collect::<Vec<_>>(), ["c==1"]);
    assert_eq!(declared.sources, ["mine.txt"]);
    assert_eq!(findings[0].rule_id, "requirement-include-outside");
}
