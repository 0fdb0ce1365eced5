//! Each check on what it must report and on what it must not.

use super::*;
use crate::artifact::{Artifact, Refusal, Refused, SourceFile};
use crate::finding::Severity;
use crate::language::Language;
use crate::passes::testkit::{artifact, parsed};

fn judged(artifact: &Artifact, profile: Option<&str>) -> (Structure, Vec<Finding>) {
    let mut policy = Policy::default();
    policy.structure.profile = profile.map(str::to_owned);
    structure(&parsed(artifact), &policy).unwrap()
}

/// What is found in a single file, with profiles left aside: rule, severity, line (0: the file as a whole).
fn found(path: &str, text: &str) -> Vec<(String, Severity, u32)> {
    let (_, findings) = judged(&artifact(&[(path, text)]), Some("any"));
    let line = |finding: &Finding| finding.range.map_or(0, |range| range.start.line);
    findings.iter().map(|finding| (finding.rule_id.to_string(), finding.severity, line(finding))).collect()
}

fn ids(path: &str, text: &str) -> Vec<String> {
    found(path, text).into_iter().map(|(id, ..)| id).collect()
}

/// A path, its text, and what must be found there: rule, severity, line.
type Case<'a> = (&'a str, &'a str, &'a [(&'a str, Severity, u32)]);

#[track_caller]
fn assert_table(cases: &[Case<'_>]) {
    for (path, text, expected) in cases {
        let found = found(path, text);
        let found: Vec<_> = found.iter().map(|(id, severity, line)| (id.as_str(), *severity, *line)).collect();
        assert_eq!(found, *expected, "{path}: {text}");
    }
}

const PAGE: &str = "<!DOCTYPE html>\n<html><head><title>t</title><link rel=\"stylesheet\" href=\"style.css\"></head>\n\
                    <body><h1>t</h1><script src=\"app.js\"></script></body></html>\n";

#[test]
fn the_profile_is_chosen_by_the_entry_point() {
    let cases: &[(&[&str], &str, Option<&str>)] = &[
        (&["app.py", "templates/index.html", "static/app.js"], "python", Some("app.py")),
        (&["index.html", "style.css", "app.js", "build.py"], "web", Some("index.html")),
        (&["index.html", "style.css", "app.js", "test.js", "package.json"], "web", Some("index.html")),
        (&["report.py", "data.csv"], "python", Some("report.py")),
        (&["pkg/__init__.py", "pkg/core.py", "tests/test_core.py"], "python", Some("tests/test_core.py")),
        (&["package.json", "index.js", "test.js"], "node", Some("index.js")),
        (&["package.json", "server.js", "public/index.html"], "node", Some("server.js")),
        (&["public/index.html", "public/app.js"], "web", Some("public/index.html")),
        (&["tool.mjs"], "node", Some("tool.mjs")),
        (&["README.md", "data.csv"], "any", None),
        (&["conftest.py", "test_a.py", "zeta.py"], "python", Some("zeta.py")),
    ];
    for (paths, profile, entry) in cases {
        let files: Vec<_> = paths.iter().map(|path| (*path, "x = 1\n")).collect();
        let (structure, _) = judged(&artifact(&files), None);
        assert_eq!((structure.profile_name.as_str(), structure.entry.as_deref()), (*profile, *entry), "{paths:?}");
    }
}

#[test]
fn of_several_scripts_the_one_that_says_main_is_the_entry() {
    let files = [("a.py", "x = 1\n"), ("b.py", "if __name__ == '__main__':\n    print(1)\n")];
    assert_eq!(judged(&artifact(&files), None).0.entry.as_deref(), Some("b.py"));
}

#[test]
fn an_artifact_of_one_file_is_entered_by_it_whatever_its_name() {
    for (text, language) in [("print(1)\n", Language::Python), ("let a = 1;\n", Language::JavaScript)] {
        let mut one = artifact(&[("snippet", text)]);
        one.files[0].language = language;
        let (structure, findings) = judged(&one, None);
        assert_eq!((structure.entry.as_deref(), findings), (Some("snippet"), vec![]), "{text}");
    }
}

#[test]
fn typescript_is_what_a_node_program_may_be_written_in() {
    let (structure, findings) = judged(
        &artifact(&[("index.ts", "const a: number = 1;\nconsole.log(a);\n"), ("b.ts", "export const b = 1;\n")]),
        None,
    );
    assert_eq!((structure.entry.as_deref(), findings), (Some("index.ts"), vec![]));
}

#[test]
fn a_whole_web_artifact_has_nothing_missing_and_inline_code_counts() {
    let css = "h1 { color: red; }\n";
    let js = "document.title = 't';\n";
    let whole = artifact(&[("index.html", PAGE), ("style.css", css), ("app.js", js)]);
    assert_eq!(judged(&whole, None).1, []);
    let inline = "<!DOCTYPE html><html><head><style>h1 { color: red }</style></head><body><script>let a = 1</script></body></html>";
    assert_eq!(judged(&artifact(&[("index.html", inline)]), None).1, []);
}

#[test]
fn each_demand_of_a_profile_is_a_finding_of_its_own() {
    let ids = |files: &[(&str, &str)], profile: &str| {
        let (_, findings) = judged(&artifact(files), Some(profile));
        findings.iter().map(|finding| finding.rule_id.to_string()).collect::<Vec<_>>()
    };
    let missing = ["reference-not-found", "reference-not-found"];
    assert_eq!(ids(&[("index.html", PAGE)], "web")[..2], ["required-language-missing", "required-language-missing"]);
    assert_eq!(ids(&[("index.html", PAGE)], "web")[2..], missing);
    let fragment = [("index.html", "<h1>t</h1>\n"), ("a.css", "h1 {}\n"), ("a.js", "f()\n")];
    assert_eq!(ids(&fragment, "web"), ["marker-missing"; 5]);
    assert_eq!(ids(&[("data.csv", "a\n")], "python"), ["entry-missing", "required-language-missing"]);
}

#[test]
fn a_policys_own_profile_requires_and_forbids() {
    let text = "[profiles.p]\nrequired = [\"README.md\"]\nforbidden = [\"**/*.exe\"]\nmarkers = { \"*.py\" = [\"LICENSE\"] }\n\
                [structure]\nprofile = \"p\"\n";
    let policy = Policy::from_toml(text, "vetrun.toml").unwrap();
    let artifact = artifact(&[("a.py", "x = 1\n"), ("bin/b.exe", "x")]);
    let (_, findings) = structure(&parsed(&artifact), &policy).unwrap();
    let found: Vec<_> = findings.iter().map(|finding| (finding.path.as_str(), finding.rule_id.as_ref())).collect();
    let expected = [(".", "required-file-missing"), ("a.py", "marker-missing"), ("bin/b.exe", "forbidden-file")];
    assert_eq!(found, expected);
    let unknown = Policy::from_toml("[structure]\nprofile = \"q\"\n", "vetrun.toml").unwrap();
    assert!(matches!(structure(&parsed(&artifact), &unknown), Err(PolicyError::NoProfile { .. })));
}

#[test]
fn local_references_must_lead_to_a_file() {
    let page = "<!doctype html><html><head>\n<link href='css/a.css?v=1' rel=stylesheet>\n<link href=gone.css>\n</head><body>\n\
                <img src=\"../../etc/passwd\"><a href='#top'>a</a><a href=\"https://example.org\">b</a><a href=\"docs/\">d</a>\n\
                <style>h1 { background: url('pic.png') }</style><script>1</script></body></html>\n";
    let css = "@import \"b.css\";\n@import url(c.css);\nh1 { background: url(../logo.svg) }\n";
    let files = [("index.html", page), ("css/a.css", css), ("css/c.css", "a {}\n"), ("docs/x.txt", "x\n")];
    let (_, findings) = judged(&artifact(&files), Some("web"));
    let found: Vec<_> = findings.iter().map(|finding| (finding.path.as_str(), finding.message.as_str())).collect();
    let gone = |path: &str| format!("`{path}` names a file that is not there");
    let expected = [
        ("css/a.css", gone("b.css")),
        ("css/a.css", gone("../logo.svg")),
        ("index.html", gone("gone.css")),
        ("index.html", "`../../etc/passwd` leads out of the artifact".to_owned()),
        ("index.html", gone("pic.png")),
    ];
    assert_eq!(found, expected.each_ref().map(|(path, message)| (*path, message.as_str())));
}

#[test]
fn what_intake_refused_is_found() {
    let cases = [
        (Refusal::Symlink("/etc/passwd".to_owned()), "symlink-not-followed", Severity::High),
        (Refusal::Special("FIFO"), "special-file", Severity::High),
        (Refusal::HardLink(2), "hard-link", Severity::Medium),
        (Refusal::Name, "file-name-not-text", Severity::High),
        (Refusal::Unreadable("permission denied".to_owned()), "unreadable-file", Severity::High),
        (Refusal::Changed, "file-changed", Severity::High),
        (Refusal::Limit("files_max", 3), "intake-limit", Severity::High),
    ];
    for (reason, id, severity) in cases {
        let refused = vec![Refused { path: "x".to_owned(), reason }];
        let artifact = Artifact::new("a", "a", vec![SourceFile::new("a.txt", &b"x"[..])], refused);
        let (_, findings) = judged(&artifact, Some("any"));
        assert_eq!(findings.len(), 1);
        assert_eq!(
            (findings[0].rule_id.as_ref(), findings[0].severity, findings[0].path.as_str()),
            (id, severity, "x")
        );
    }
}

#[test]
fn fences_are_found_in_code_and_not_in_text_about_code() {
    let fence = |line| ("markdown-fence", Severity::High, line);
    assert_table(&[
        ("a.js", "```js\nlet a = 1;\n```\n", &[fence(1), fence(3)]),
        ("a.css", "```css\nh1 { color: red }\n```\n", &[fence(1), fence(3)]),
        ("a.html", "```html\n<p>a</p>\n```\n", &[fence(1), fence(3)]),
        ("a.py", "import os\n~~~\n", &[fence(2)]),
        ("requirements.txt", "```\nflask\n```\n", &[fence(1), fence(3)]),
        ("a.py", "def f():\n    \"\"\"Use it:\n\n    ```python\n    f()\n    ```\n    \"\"\"\n    return 1\n", &[]),
        ("a.py", "TEXT = '''\n```\ncode\n```\n'''\nprint(TEXT)\n", &[]),
        ("a.js", "/*\n```js\nf()\n```\n*/\nf();\n", &[]),
        ("a.js", "// ```\nf(`\\`\\`\\`\n`);\n", &[]),
        ("a.html", "<pre>\n```js\n```\n</pre>\n", &[]),
        ("README.md", "```\ncode\n```\n", &[]),
    ]);
    assert!(ids("a.py", "```python\nprint(1)\n```\n").contains(&"markdown-fence".to_owned()));
}

#[test]
fn placeholders_are_found_in_comments_and_not_in_prose() {
    let hollow = [
        "... existing code ...",
        "... rest of the code unchanged",
        "Rest of the code remains the same",
        "... (rest of your implementation)",
        "[rest of the functions unchanged]",
        "existing code here",
        "your code here",
        "Add your logic here",
        "insert code here",
        "implementation omitted for brevity",
        "... other methods ...",
        "... (existing imports)",
        "… keep the rest of the file as is",
        "Previous code remains unchanged",
        "implementation goes here",
    ];
    for text in hollow {
        let expected = vec![("placeholder-text".to_owned(), Severity::Medium, 1)];
        assert_eq!(found("a.py", &format!("# {text}\nx = 1\n")), expected, "{text}");
        assert_eq!(found("a.js", &format!("// {text}\nf();\n")), expected, "{text}");
        assert_eq!(found("a.css", &format!("/* {text} */\na {{ color: red }}\n")), expected, "{text}");
        assert_eq!(found("a.html", &format!("<!-- {text} -->\n<p>a</p>\n")), expected, "{text}");
    }
    let sound = [
        "the rest of the code assumes that the lock is held",
        "see the existing implementation for why",
        "copy the remaining bytes",
        "same as above",
        "this code is not here by chance",
        "put the cursor here",
        "the other fields are read below",
        "keep your hands off",
        "TODO: handle the Windows case",
        "content here is cached",
    ];
    for text in sound {
        assert_eq!(found("a.py", &format!("# {text}\nx = 1\n")), [], "{text}");
    }
    assert_table(&[
        ("a.py", "# TODO: implement\nx = 1\n", &[("placeholder-text", Severity::Low, 1)]),
        ("a.py", "# ...\nx = 1\n", &[("elision", Severity::Low, 1)]),
        ("a.py", "x = 'your code here'\n", &[]),
        ("a.py", "def f(): ...\n", &[]),
        ("a.py", "x = 'As an AI language model, I cannot'\n", &[("placeholder-text", Severity::Medium, 1)]),
        ("a.js", "f();\n...\ng();\n", &[("placeholder-text", Severity::Medium, 2)]),
        ("a.js", "f(`\n...\n`);\n", &[]),
        ("a.html", "<pre>\n...\n</pre>\n", &[]),
        ("a.html", "<div>\n...\n</div>\n", &[("placeholder-text", Severity::Medium, 2)]),
    ]);
}

#[test]
fn conflict_markers_come_in_threes() {
    let conflict = "a {}\n<<<<<<< HEAD\nb {}\n=======\nc {}\n>>>>>>> x\n";
    assert!(found("a.css", conflict).contains(&("conflict-marker".to_owned(), Severity::Medium, 2)));
    assert_eq!(ids("a.rst", "Title\n=======\n>>>>>>> x\n"), Vec::<String>::new());
}

#[test]
fn a_file_that_stops_in_the_middle_is_told() {
    let cut = [
        ("a.py", "def f(a,\n"),
        ("a.py", "x = [1, 2,\n     3\n"),
        ("a.py", "def f():\n    \"\"\"Says nothing.\n    x = 1\n"),
        ("a.py", "x = 1 +\n"),
        ("a.py", "import os\nfrom\n"),
        ("a.js", "function f() {\n  return 1;\n"),
        ("a.js", "const a = `x\n"),
        ("a.js", "const a =\n"),
        ("a.js", "f();\n/* and so\n"),
        ("a.css", "h1 {\n  color: red;\n"),
        ("a.html", "<!doctype html>\n<html>\n<body>\n<div>\n<p>one\n"),
        ("a.html", "<!doctype html>\n<html>\n<body>\n<script>\nlet a = 1;\n"),
    ];
    for (path, text) in cut {
        assert!(ids(path, text).contains(&"truncated-file".to_owned()), "{path}: {text}: {:?}", ids(path, text));
    }
    let whole = [
        ("a.py", "x = ')'  # (\n"),
        ("a.js", "f(/[(]/, '{');\n"),
        ("a.css", "h1::before { content: '{' }\n"),
        ("a.html", "<!doctype html>\n<html>\n<body>\n<p>one\n<li>two\n"),
        ("part.html", "<div>\n<p>one\n"),
        ("a.py", "x = 1 1\ny = 2\n"),
        ("a.py", "i = 0\ni++\n"),
        ("a.py", "key = <your-key>\n"),
        ("a.py", "x = 1\nThis code says nothing at all.\n"),
        ("a.py", "x = 'it's fine'\n"),
        ("a.js", "const x = 'it's fine'\n"),
    ];
    for (path, text) in whole {
        assert!(!ids(path, text).contains(&"truncated-file".to_owned()), "{path}: {text}");
    }
}

#[test]
fn a_file_that_says_nothing_is_told() {
    let empty = |severity| [("empty-file".to_owned(), severity, 0)];
    for (path, text) in
        [("main.py", ""), ("main.py", "# nothing\n"), ("main.py", "\"\"\"Doc.\"\"\"\n"), ("main.js", "// x\n")]
    {
        assert_eq!(found(path, text), empty(Severity::Medium), "{path}: {text}");
    }
    for (path, text) in [("style.css", " \n"), ("lib/util.ts", ""), ("a.html", "\n")] {
        assert_eq!(found(path, text), empty(Severity::Low), "{path}: {text}");
    }
    for (path, text) in [("__init__.py", ""), ("py.typed", ""), ("notes.txt", ""), ("main.py", "x = 1\n")] {
        assert_eq!(found(path, text), [], "{path}: {text}");
    }
}

#[test]
fn tests_that_test_nothing_are_told() {
    let rule = "test-without-assertion";
    assert_table(&[
        ("test_a.py", "def test_a():\n    f()\n", &[(rule, Severity::Medium, 0)]),
        ("test_a.py", "def test_a():\n    assert True\n", &[(rule, Severity::Medium, 0)]),
        ("test_a.py", "def test_a():\n    assert f() == 1\ndef test_b():\n    pass\n", &[(rule, Severity::Medium, 3)]),
        ("test_a.py", "def test_a():\n    assert f() == 1\ndef test_b():\n    f()\n", &[(rule, Severity::Low, 3)]),
        ("test.js", "console.log('ok');\n", &[(rule, Severity::Medium, 0)]),
        ("test.js", "test('a', () => { ok(f()) });\nit('b', () => {});\n", &[(rule, Severity::Medium, 2)]),
        ("test_a.py", "class T(TestCase):\n    def test_a(self):\n        self.assertEqual(f(), 1)\n", &[]),
        ("test_a.py", "def test_a():\n    with pytest.raises(ValueError):\n        f()\n", &[]),
        ("test_a.py", "def test_a():\n    if f() != 1:\n        raise ValueError(f())\n", &[]),
        ("test.js", "if (f() !== 1) throw new Error('f');\n", &[]),
        ("test.js", "const assert = require('assert');\nassert.strictEqual(f(), 1);\n", &[]),
        ("tests/test_util.py", "\"\"\"Shared data.\"\"\"\nDATA = [1, 2]\n", &[]),
        ("test_a.py", "def test_a():\n    '''\n    >>> f()\n    1\n    '''\n", &[]),
        ("test_a.py", "class T(Base):\n    x = g()\n", &[]),
        ("test_a.py", "def test_a():\n    def test():\n        pass\n    assert f(test) == 1\n", &[]),
        ("test_a.py", "@unittest.skip('later')\ndef test_a():\n    pass\ndef test_b():\n    assert f() == 1\n", &[]),
        ("util.py", "def test_a():\n    f()\n", &[]),
    ]);
}

#[test]
fn characters_that_nobody_sees_are_told() {
    let found_in = |path: &str, text: &str| {
        let found = found(path, text);
        found.into_iter().map(|(id, severity, _)| (id, severity)).collect::<Vec<_>>()
    };
    let one = |id: &str, severity| vec![(id.to_owned(), severity)];
    for char in "\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}".chars() {
        assert_eq!(found_in("a.py", &format!("x = '{char}'\n")), one("bidirectional-control", Severity::High));
        assert_eq!(found_in("a.md", &format!("x {char}\n")), one("bidirectional-control", Severity::High));
    }
    assert_eq!(found_in("a.js", "let \u{3164} = 1;\n"), one("invisible-identifier", Severity::Medium));
    assert_eq!(found_in("a.py", "x = 'a\u{e0041}'\n"), one("hidden-text", Severity::Medium));
    assert_eq!(found_in("a.py", "x = 'a\u{200b}b'\n"), one("zero-width-character", Severity::Low));
    let rows = [("zero-width-character".to_owned(), Severity::Low), ("hidden-text".to_owned(), Severity::Medium)];
    assert_eq!(found_in("a.py", "x = 'a\u{e0101}\u{e0102}'\n"), rows);
    assert_eq!(found_in("a.py", "x = 'a\u{e0100}'\n"), one("zero-width-character", Severity::Low));
    let long = format!("x = '🏴{}'\n", "\u{e0061}".repeat(20));
    assert_eq!(found_in("a.py", &long), one("hidden-text", Severity::Medium));
    let sound =
        ["x = '👩\u{200d}💻 می\u{200c}خواهم ✔\u{fe0f}'\n", "\u{feff}x = 1\n", "x = '🏴\u{e0067}\u{e0062}\u{e007f}'\n"];
    for text in sound {
        assert_eq!(found_in("a.py", text), [], "{text}");
    }
}

#[test]
fn names_that_read_as_others_are_told() {
    const LOOKS: &str = "confusable-identifier";
    const MIXES: &str = "mixed-script-identifier";
    const UNSEEN: &str = "invisible-identifier";
    assert_table(&[
        // A Cyrillic letter in a word that every reader knows.
        ("a.py", "def \u{435}val(x):\n    return x\n", &[(LOOKS, Severity::Medium, 1)]),
        ("a.js", "const pr\u{43e}cess = {};\nuse(pr\u{43e}cess);\n", &[(LOOKS, Severity::Medium, 1)]),
        ("a.py", "user = 1\nus\u{435}r = 2\n", &[(LOOKS, Severity::Medium, 2)]),
        ("a.js", "let us\u{435}r = 1;\nlet user = 2;\n", &[(LOOKS, Severity::Medium, 1)]),
        ("a.py", "p\u{430}ssw\u{43e}rd = 1\n", &[(MIXES, Severity::Medium, 1)]),
        ("a.py", "c\u{447}\u{435}\u{442} = 1\n", &[(MIXES, Severity::Low, 1)]),
        ("a.py", "c = 1\n\u{441} = 2\n", &[(LOOKS, Severity::Low, 2)]),
        ("a.js", "let a = 1;\nlet a\u{fe0f} = 2;\n", &[(UNSEEN, Severity::Medium, 2)]),
        ("a.py", "\u{1d486}\u{1d497}\u{1d482}\u{1d48d}('1')\n", &[("compatibility-identifier", Severity::Low, 1)]),
    ]);
    let ordinary = [
        ("a.py", "gr\u{f6}\u{df}e = 1\n\u{438}\u{43c}\u{44f} = 2\n\u{540d}\u{524d} = 3\n\u{e9} = 4\ne = 5\n"),
        ("a.py", "get_\u{438}\u{43c}\u{44f} = 1\n\u{394}t = 2\n\u{3bb}_max = 3\n\u{3b1} = 4\n\u{3c3}2 = 5\n"),
        ("a.js", "let \u{fc}ber = 1, \u{30e6}\u{30fc}\u{30b6}\u{30fc} = 2, \u{441}\u{447}\u{451}\u{442} = 3;\n"),
        ("a.py", "x = '\u{435}val'  # \u{435}val\neval_ = 1\n"),
        ("a.js", "let \u{646}\u{645}\u{6cc}\u{200c}\u{62e} = 1;\n"),
    ];
    for (path, text) in ordinary {
        assert_eq!(found(path, text), [], "{text}");
    }
}

#[test]
fn the_number_of_findings_is_bounded_and_what_was_dropped_is_said() {
    let text = "x = '\u{202e}'\n".repeat(1000);
    let found = found("a.py", &text);
    assert_eq!(found.len(), 21);
    assert_eq!(found.iter().filter(|(_, severity, _)| *severity == Severity::High).count(), 21);
}
