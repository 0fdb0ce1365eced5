//! Tests of the output formats: the same reports, rendered by each of them.

mod ci;
mod files;
mod fixture;
mod page;
mod statements;

use std::collections::BTreeSet;

use fixture::{batch, clean, finding, hostile, not_vetted, rules};
use proptest::prelude::*;
use serde_json::{Value, json};
use vetrun::output::sanitize::is_hazard;
use vetrun::output::streamed::Streamed;
use vetrun::output::{Format, RenderContext, Verbosity, jsonl, render};
use vetrun::policy::Policy;
use vetrun::report::*;

fn rendered(format: Format, reports: &[&Report], context: &RenderContext<'_>) -> String {
    let mut out = Vec::new();
    render(format, reports, context, &mut out).expect("a vector takes everything");
    String::from_utf8(out).expect("every format is UTF-8")
}

fn plain(format: Format, reports: &[&Report]) -> String {
    let (rules, mut summary) = (rules(), Summary { exit_code: 2, duration_ms: 7, ..Summary::default() });
    reports.iter().for_each(|report| summary.add(report));
    let context = RenderContext { rules: &rules, summary: Some(&summary), ..RenderContext::default() };
    rendered(format, reports, &context)
}

#[test]
fn every_format_renders_the_shared_reports() {
    let batch = batch();
    let reports: Vec<&Report> = batch.iter().collect();
    for format in Format::ALL.into_iter().filter(|format| *format != Format::Html) {
        insta::assert_snapshot!(format.name(), plain(format, &reports));
    }
    // A lock is of one artifact.
    insta::assert_snapshot!("pylock-one", plain(Format::Pylock, &[&hostile()]));
}

#[test]
fn what_is_written_report_by_report_is_the_same() {
    let batch = batch();
    let rules = rules();
    let looks = [(Verbosity::Quiet, false, 80), (Verbosity::Normal, true, 60), (Verbosity::Verbose, false, 100)];
    let mut streamed = BTreeSet::new();
    for (verbosity, color, width) in looks {
        for count in 0..=4 {
            let reports: Vec<&Report> = batch.iter().chain([&batch[1]]).take(count).collect();
            let mut summary = Summary { exit_code: 2, duration_ms: 7, ..Summary::default() };
            reports.iter().for_each(|report| summary.add(report));
            let context =
                RenderContext { verbosity, color, width, rules: &rules, summary: Some(&summary), token: None };
            for format in Format::ALL {
                let Some(mut parts) = Streamed::begin(format, &context) else { continue };
                streamed.insert(format.name());
                let mut out = Vec::new();
                reports.iter().for_each(|report| parts.add(report, &mut out).expect("a vector takes everything"));
                parts.end(&summary, &mut out).expect("a vector takes everything");
                let out = String::from_utf8(out).expect("UTF-8");
                assert_eq!(out, rendered(format, &reports, &context), "{format} of {count}");
            }
        }
    }
    assert_eq!(streamed, BTreeSet::from(["agent", "concise", "gitlab", "human", "intoto", "json", "jsonl"]));
}

#[test]
fn decoded_text_is_shown_where_there_is_room_for_it() {
    let report = hostile();
    let human = plain(Format::Human, &[&report]);
    assert!(human.contains("= decoded: base64, <i>, zlib: python, 9000 bytes, "), "{human}");
    assert!(human.contains(" | 12      os.system('\\u{202e}"), "{human}");
    let page = plain(Format::Html, &[&report]);
    assert!(page.contains("<summary>decoded from base64, &lt;i&gt;, zlib: python, 9000 bytes, "), "{page}");
    assert!(page.contains("<ol class=\"source\" start=\"10\">") && page.contains("<mark>os.system</mark>"), "{page}");
    let log: Value = serde_json::from_str(&plain(Format::Sarif, &[&report])).unwrap();
    let results = log["runs"][0]["results"].as_array().unwrap();
    let decoded: Vec<_> =
        results.iter().map(|result| &result["properties"]["decoded"]).filter(|one| !one.is_null()).collect();
    assert_eq!(decoded.len(), 1);
    assert_eq!((&decoded[0]["layers"][0], &decoded[0]["bytes"]), (&json!("base64"), &json!(9000)));
    let agent = plain(Format::Agent, &[&report]);
    let line =
        agent.lines().find(|line| line.contains(", decoded from base64, <i>, zlib: \"os.system(")).expect(&agent);
    assert!(line.starts_with("- "), "{line}");
}

#[test]
fn human_quiet_verbose_and_coloured() {
    let report = hostile();
    let with = |verbosity, color| {
        rendered(Format::Human, &[&report], &RenderContext { verbosity, color, ..RenderContext::default() })
    };
    insta::assert_snapshot!("human-verbose", with(Verbosity::Verbose, false));
    insta::assert_snapshot!("human-coloured", with(Verbosity::Normal, true).replace('\u{1b}', "␛"));
    assert_eq!(with(Verbosity::Quiet, false).lines().count(), 1);
}

#[test]
fn colour_changes_nothing_but_colour() {
    let report = hostile();
    let coloured = rendered(Format::Human, &[&report], &RenderContext { color: true, ..RenderContext::default() });
    let stripped = anstream::adapter::strip_str(&coloured).to_string();
    assert_eq!(stripped, plain(Format::Human, &[&report]));
}

#[test]
fn no_format_lets_a_control_character_through() {
    for format in Format::ALL {
        let text = plain(format, &[&hostile(), &not_vetted()]);
        let hostile: Vec<_> = text.chars().filter(|&char| is_hazard(char) && char != '\n').collect();
        assert!(hostile.is_empty(), "{format}: {hostile:?}");
        assert!(!text.contains("##[") && !text.contains("##vso["), "{format} speaks to a CI runner");
    }
}

#[test]
fn program_output_cannot_speak_to_a_runner_or_for_vetrun() {
    for format in [Format::Human, Format::Github, Format::Concise] {
        for line in plain(format, &[&hostile()]).lines() {
            let forged = line.contains("forged") || line.contains("no findings");
            assert!(!forged || line.starts_with("  │ "), "{format}: {line}");
        }
    }
    assert!(!plain(Format::Github, &[&hostile()]).contains("line 22"));
    let commands = plain(Format::Github, &[&hostile()]);
    for line in commands.lines().filter(|line| !line.starts_with("vetrun: ")) {
        let (properties, message) = line.strip_prefix("::").and_then(|line| line.split_once("::")).expect(line);
        assert!(
            properties.starts_with("error ") || properties.starts_with("warning ") || properties.starts_with("notice ")
        );
        assert!(!message.starts_with(':'), "{line}");
    }
}

#[test]
fn what_nobody_watched_is_not_called_quiet() {
    let mut report = hostile();
    let behaviour = &mut report.execution.as_mut().unwrap().behaviour;
    *behaviour = BehaviourReport { traced: true, ..BehaviourReport::default() };
    let quiet = plain(Format::Human, &[&report]);
    assert!(!quiet.contains("  tried ") && !quiet.contains("not traced"), "{quiet}");
    let behaviour = &mut report.execution.as_mut().unwrap().behaviour;
    *behaviour =
        BehaviourReport { untraced_because: Some("it was\nswitched off".into()), ..BehaviourReport::default() };
    let text = plain(Format::Human, &[&report]);
    assert!(text.contains("\n  not traced  it was\\nswitched off\n"), "{text}");
}

#[test]
fn long_lists_are_cut_and_say_so() {
    let mut report = hostile();
    report.findings = (0..60).map(|at| finding("r", Severity::Low, "app.py", &format!("low {at}"))).collect();
    report.findings[59].severity = Severity::High;
    let text = plain(Format::Human, &[&report]);
    assert!(text.contains("low 59") && text.contains("low 48") && !text.contains("low 49"));
    assert!(text.contains("… and 10 findings not shown"), "{text}");
    let context = RenderContext { verbosity: Verbosity::Verbose, ..RenderContext::default() };
    let all = rendered(Format::Human, &[&report], &context);
    assert!(all.contains("low 49") && !all.contains("not shown"));
}

#[test]
fn json_is_an_object_for_one_and_an_array_for_several() {
    let (one, two) = (hostile(), clean());
    assert_eq!(serde_json::from_str::<Report>(&plain(Format::Json, &[&one])).unwrap(), one);
    assert_eq!(serde_json::from_str::<Vec<Report>>(&plain(Format::Json, &[&one, &two])).unwrap(), [one, two]);
    assert_eq!(plain(Format::Json, &[]), "[]\n");
}

#[test]
fn json_fits_its_schema_and_has_every_key() {
    let schema = serde_json::to_value(schemars::schema_for!(Report)).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for report in [hostile(), clean(), not_vetted()] {
        let value: Value = serde_json::from_str(&plain(Format::Json, &[&report])).unwrap();
        assert!(validator.is_valid(&value), "{:?}", validator.iter_errors(&value).collect::<Vec<_>>());
        let keys: Vec<_> = value.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(
            keys,
            [
                "schemaVersion",
                "tool",
                "id",
                "agentId",
                "status",
                "startedAt",
                "finishedAt",
                "durationMs",
                "artifact",
                "validationResults",
                "findings",
                "dependencies",
                "execution",
                "logs"
            ]
        );
    }
}

#[test]
fn json_lines_are_one_object_a_line() {
    let text = plain(Format::Jsonl, &[&hostile(), &clean()]);
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let types: Vec<_> = lines.iter().map(|line| line["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["report", "report", "summary"]);
    assert_eq!(lines[0]["schemaVersion"], "1");
    let expected = json!({
        "type": "summary", "artifacts": 2, "passed": 1, "failed": 1, "error": 0, "exitCode": 2,
        "findingsBySeverity": { "critical": 1, "high": 1, "medium": 2, "low": 1, "info": 0 }, "durationMs": 7,
    });
    assert_eq!(lines[2], expected);
    match serde_json::from_str(&jsonl::report_line(&hostile())).unwrap() {
        jsonl::Line::Report(report) => assert_eq!(*report, hostile()),
        other @ jsonl::Line::Summary(_) => panic!("{other:?}"),
    }
}

#[test]
fn what_did_not_pass_is_said_in_every_format() {
    let mut silent = clean();
    silent.status = Verdict::Failed;
    for (report, word) in [(&silent, "failed"), (&not_vetted(), "native sandbox is not available")] {
        for format in Format::ALL {
            assert!(plain(format, &[report]).contains(word), "{format} says nothing of {word}");
        }
    }
    assert!(plain(Format::Human, &[&not_vetted()]).starts_with("not vetted"));
}

/// Any text at all; `any::<String>()` would leave out just the control characters.
fn any_text() -> impl Strategy<Value = String> {
    let likely: Vec<_> = "\n\n\t\r\u{1b}\u{9b}##[:%,\u{202e}\u{301}a漢".chars().collect();
    let char = prop_oneof![any::<char>(), proptest::sample::select(likely)];
    let text = proptest::collection::vec(char, 0..64).prop_map(|chars| chars.into_iter().collect::<String>());
    (any::<bool>(), text).prop_map(|(command, text)| if command { format!("::error::{text}") } else { text })
}

fn any_finding() -> impl Strategy<Value = ReportFinding> {
    let position = (0..500u32, 0..80u32, 0..200usize);
    let maybe = || proptest::option::of(any_text());
    let texts = (any_text(), any_text(), maybe(), maybe());
    (texts, proptest::option::of((position.clone(), position)), 0..5usize, any::<bool>()).prop_map(
        |((path, message, snippet, hint), range, severity, whole)| {
            let position = |(line, column, offset)| Position { line, column, offset };
            ReportFinding {
                hint,
                snippet,
                range: range.map(|(start, end)| Range { start: position(start), end: position(end) }),
                ..finding("r", Severity::ALL[severity], if whole { "." } else { &path }, &message)
            }
        },
    )
}

proptest! {
    #[test]
    fn any_report_round_trips_and_no_format_panics(
        findings in proptest::collection::vec(any_finding(), 0..4),
        (name, root, stdout) in (any_text(), any_text(), any_text()),
    ) {
        let mut report = hostile();
        (report.findings, report.artifact.name, report.artifact.root) = (findings, name, root);
        report.logs.push(format!("::{stdout}"));
        let execution = report.execution.as_mut().unwrap();
        execution.outputs[0].path = format!(" ::{stdout}");
        execution.refused_outputs[0].path = format!("::{stdout}");
        execution.behaviour.attempts[0].target = Some(format!("::{stdout}"));
        execution.stdout.text = format!("::stop-commands::x\n{stdout}");
        for (format, verbosity) in Format::ALL.map(|format| (format, Verbosity::Normal)).into_iter().chain([(Format::Human, Verbosity::Verbose)]) {
            let text = rendered(format, &[&report], &RenderContext { verbosity, ..RenderContext::default() });
            prop_assert!(!text.chars().any(|char| is_hazard(char) && char != '\n'), "{format}");
            let ours = ["::error ", "::warning ", "::notice "];
            for line in text.lines().map(str::trim_start).filter(|line| line.starts_with("::")) {
                prop_assert!(format == Format::Github && ours.iter().any(|our| line.starts_with(our)), "{}: {}", format, line);
            }
        }
        let json = plain(Format::Json, &[&report]);
        prop_assert_eq!(serde_json::from_str::<Report>(&json).unwrap(), report.clone());
        let xml = plain(Format::Junit, &[&report]);
        let mut reader = quick_xml::Reader::from_str(&xml);
        while !matches!(reader.read_event().unwrap(), quick_xml::events::Event::Eof) {}
    }
}

/// The lines of the template, `# key = value` uncommented; with `examples`, the indented ones that show values which are
/// no defaults too.
fn uncommented(examples: bool) -> String {
    let is_value = |line: &str| {
        let key = line.split_once(" = ").map_or("", |(key, _)| key);
        !key.is_empty() && key.chars().all(|char| char.is_ascii_lowercase() || char == '_')
    };
    let lines = include_str!("../../src/policy/template.toml").lines().map(|line| {
        let example = line.strip_prefix("#   ").filter(|line| examples && (is_value(line) || line.starts_with('[')));
        example.or(line.strip_prefix("# ").filter(|line| is_value(line))).unwrap_or(line)
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_policy_template_holds_every_key_with_its_default() {
    let policy = Policy::from_toml(&uncommented(false), "vetrun.toml").unwrap();
    assert_eq!(policy, Policy::default());
    assert_eq!(Policy::from_toml(include_str!("../../src/policy/template.toml"), "vetrun.toml").unwrap(), policy);

    let written: toml::Table = uncommented(true).parse().unwrap();
    let policy = Policy::from_toml(&uncommented(true), "vetrun.toml").unwrap();
    let schema = vetrun::policy::schema();
    let properties =
        |of: &Value| -> BTreeSet<String> { of["properties"].as_object().unwrap().keys().cloned().collect() };
    for (section, definition) in [
        ("gate", "GatePolicy"),
        ("intake", "IntakeLimits"),
        ("parse", "ParsePolicy"),
        ("scan", "ScanPolicy"),
        ("structure", "StructurePolicy"),
        ("budget", "Budget"),
        ("install", "InstallPolicy"),
        ("execute", "ExecutePolicy"),
    ] {
        let keys: BTreeSet<_> = written[section].as_table().unwrap().keys().cloned().collect();
        assert_eq!(keys, properties(&schema["$defs"][definition]), "[{section}]");
    }
    assert_eq!(written.keys().cloned().collect::<BTreeSet<_>>(), properties(&schema));
    let profile: BTreeSet<_> = written["profiles"]["report"].as_table().unwrap().keys().cloned().collect();
    assert_eq!(profile, properties(&schema["$defs"]["Profile"]));
    assert!(policy.profiles["report"].entry_required);
    let one: BTreeSet<_> = written["overrides"][0].as_table().unwrap().keys().cloned().collect();
    assert_eq!(one, properties(&schema["$defs"]["Override"]));
}

#[test]
fn bills_name_each_package_once_and_who_needs_it() {
    let (one, two) = (hostile(), hostile());
    let bill: Value = serde_json::from_str(&plain(Format::Cyclonedx, &[&one, &two])).unwrap();
    let names = |list: &Value, key: &str| -> Vec<String> {
        list.as_array().unwrap().iter().map(|one| one[key].as_str().unwrap().to_owned()).collect()
    };
    let purls = ["pkg:pypi/requests@2.0", "pkg:pypi/urllib3@1%212.0%2Blocal"];
    assert_eq!(names(&bill["components"], "bom-ref")[2..], purls);
    assert_eq!(bill["components"][2]["hashes"][0]["content"], "5a".repeat(32));
    let depends = bill["dependencies"].as_array().unwrap();
    let of = |reference: &str| depends.iter().find(|one| one["ref"] == reference).unwrap()["dependsOn"].clone();
    assert_eq!(of(&format!("artifact:{}", one.id)), serde_json::json!([purls[0]]));
    assert_eq!(of(purls[0]), serde_json::json!([purls[1]]));

    // What is vetted twice is told apart.
    let bill: Value = serde_json::from_str(&plain(Format::Cyclonedx, &[&one, &one])).unwrap();
    assert_eq!(names(&bill["components"], "bom-ref")[..2], ["", "-2"].map(|end| format!("artifact:{}{end}", one.id)));

    let document: Value = serde_json::from_str(&plain(Format::Spdx, &[&one, &one])).unwrap();
    let ids = names(&document["packages"], "SPDXID");
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
    for relation in document["relationships"].as_array().unwrap() {
        for end in ["spdxElementId", "relatedSpdxElement"] {
            let id = relation[end].as_str().unwrap();
            assert!(id == "SPDXRef-DOCUMENT" || ids.iter().any(|known| known == id), "{id}");
        }
    }
}

#[test]
fn a_lock_is_of_one_artifact_for_which_something_was_installed() {
    let lock = |reports: &[&Report]| plain(Format::Pylock, reports);
    let one: toml::Value = toml::from_str(&lock(&[&hostile()])).unwrap();
    assert_eq!(one["packages"].as_array().unwrap().len(), 2);
    assert_eq!(one["packages"][0]["wheels"][0]["hashes"]["sha256"].as_str(), Some(&*"5a".repeat(32)));
    for (reports, because) in [(lock(&[&clean()]), "nothing was installed"), (lock(&[&clean(), &hostile()]), "several")]
    {
        assert!(reports.contains("\n# No lock: ") && reports.contains(because), "{reports}");
        let none: toml::Value = toml::from_str(&reports).unwrap();
        assert_eq!(none["packages"].as_array().map(Vec::len), Some(0));
    }
}
