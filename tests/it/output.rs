//! Tests of the output formats: one hostile report, rendered by each of them.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use vetrun::output::sanitize::is_hazard;
use vetrun::output::{Format, RenderContext, RuleHelp, Verbosity, jsonl, render};
use vetrun::policy::Policy;
use vetrun::report::*;

/// A report with everything in it that formats trip over.
fn hostile() -> Report {
    Report {
        schema_version: SCHEMA_VERSION.into(),
        tool: Tool {
            name: "vetrun".into(),
            version: "0.0.0-test".into(),
            rules_digest: "sha256:11".into(),
            policy_digest: "sha256:22".into(),
        },
        id: "0123456789abcdef".into(),
        agent_id: Some("agent-7".into()),
        status: Verdict::Failed,
        started_at: "2026-01-02T03:04:05Z".into(),
        finished_at: "2026-01-02T03:04:06Z".into(),
        duration_ms: 1234,
        artifact: ArtifactSummary {
            name: "shop\u{1b}[2Jbot".into(),
            root: "agents/shop bot".into(),
            digest: "sha256:0123456789abcdef0123456789abcdef".into(),
            files: ["app.py", "bad\u{1b}]0;x\u{7}.py", "naïve.py"].map(file).into(),
            total_bytes: 12_600,
        },
        validation_results: ValidationResults {
            syntax: result(Status::Passed, "3 of 3 files parse", 3),
            structure: result(Status::Failed, "1 finding", 2),
            security: result(Status::Failed, "4 findings, 1 suppressed", 5),
            performance: result(Status::Passed, "within budget", 1),
            dependencies: result(Status::Skipped, "blocked by the passes before", 0),
            execution: result(Status::Failed, "the program ended with exit code 3", 1200),
        },
        findings: findings(),
        dependencies: Some(dependencies()),
        execution: Some(execution()),
        logs: vec!["[2026-01-02T03:04:05Z] read 3 files".into(), "[2026-01-02T03:04:06Z] \u{1b}[1mdone".into()],
    }
}

fn file(path: &str) -> FileSummary {
    FileSummary {
        path: path.into(),
        language: "python".into(),
        size_bytes: 4200,
        lines: Some(12),
        digest: "sha256:33".into(),
    }
}

fn result(status: Status, message: &str, duration_ms: u64) -> ValidationResult {
    let passed = match status {
        Status::Passed => Some(true),
        Status::Failed => Some(false),
        Status::Skipped | Status::Error => None,
    };
    ValidationResult { status, passed, message: message.into(), duration_ms, details: Map::new() }
}

fn finding(rule: &str, severity: Severity, path: &str, message: &str) -> ReportFinding {
    ReportFinding {
        rule_id: rule.into(),
        pass: Pass::Scan,
        severity,
        confidence: Confidence::High,
        message: message.into(),
        hint: None,
        path: path.into(),
        range: None,
        cell: None,
        snippet: None,
        related: Vec::new(),
        resolved: None,
        cwe: Vec::new(),
        fingerprint: Fingerprint(format!("{rule}-fingerprint")),
        suppressed: None,
    }
}

fn at(line: u32, columns: std::ops::Range<u32>, offset: usize, bytes: usize) -> Option<Range> {
    let start = Position { line, column: columns.start, offset };
    Some(Range { start, end: Position { line, column: columns.end, offset: offset + bytes } })
}

fn findings() -> Vec<ReportFinding> {
    let mut findings = bare_findings();
    for (at, finding) in findings.iter_mut().enumerate() {
        finding.fingerprint = Fingerprint(format!("fingerprint-{at}"));
    }
    findings
}

fn bare_findings() -> Vec<ReportFinding> {
    let first_place = Related {
        message: "'(' \u{1b}[31mopened\nhere".into(),
        range: at(5, 4..5, 30, 1).expect("it is a range"),
        cell: None,
        snippet: "x = (\u{202e}1,".into(),
    };
    let same_line = Related {
        message: "this is on the same line".into(),
        range: at(7, 2..3, 56, 1).expect("it is a range"),
        cell: None,
        snippet: "\tr = eval(x)  # \u{202e}harmless\u{1b}[8m".into(),
    };
    vec![
        ReportFinding {
            pass: Pass::Structure,
            hint: Some("add a file that begins the program".into()),
            ..finding("missing-entry-point", Severity::High, ".", "there is no entry point")
        },
        ReportFinding {
            range: at(7, 6..13, 60, 7),
            snippet: Some("\tr = eval(x)  # \u{202e}harmless\u{1b}[8m".into()),
            resolved: Some("builtins.eval".into()),
            hint: Some("use `ast.literal_eval`, see [this](0)".into()),
            cwe: vec!["CWE-95".into()],
            related: vec![first_place, same_line],
            ..finding("python-eval", Severity::Critical, "app.py", "call of `eval`")
        },
        ReportFinding {
            range: at(9, 4001..4008, 5000, 7),
            snippet: Some(format!("{}eval(y){}", "a".repeat(200), "b".repeat(193))),
            confidence: Confidence::Low,
            ..finding("python-eval", Severity::Low, "app.py", "call of `eval` on a long line")
        },
        ReportFinding {
            range: at(3, 1..9, 20, 9),
            snippet: Some("naïve = 1 ##vso[task.x]".into()),
            ..finding("::error::x", Severity::Medium, "bad\u{1b}]0;x\u{7}.py", "100% \u{1b}[31mred\n::warning::x, y")
        },
        ReportFinding {
            range: at(4, 1..2, 40, 1),
            snippet: Some("漢字 = password('é')".into()),
            suppressed: Some(Suppression::Baseline),
            ..finding("hardcoded-password", Severity::High, "naïve.py", "a password in the source")
        },
    ]
}

fn package(name: &str, version: &str, requested: Option<&str>, required_by: &[&str]) -> Package {
    let file = format!("{name}-{version}-py3-none-any.whl");
    Package {
        ecosystem: Ecosystem::Python,
        name: name.into(),
        version: version.into(),
        digest: Some(format!("sha256:{}", "5a".repeat(32))),
        size_bytes: 65_536,
        url: Some(format!("https://files.invalid/{file}")),
        file: Some(file),
        file_bytes: Some(4096),
        uploaded: Some("2025-06-07T08:09:10Z".into()),
        requested: requested.map(Into::into),
        required_by: required_by.iter().copied().map(Into::into).collect(),
        is_known: true,
    }
}

fn dependencies() -> Dependencies {
    Dependencies {
        installer: Some("pip 1.2.3".into()),
        requirements: vec!["requests>=2".into()],
        packages: vec![
            package("requests", "2.0", Some("requests>=2"), &[]),
            package("urllib3", "1!2.0+local", None, &["requests"]),
        ],
        cache_hit: false,
        fallback_triggered: Some("uv is not there".into()),
        environment: Some(Environment {
            platform: "linux-x86_64".into(),
            interpreter: "python 3.11".into(),
            pythonpath: "/deps".into(),
            home: "/tmp/home".into(),
        }),
    }
}

fn execution() -> Execution {
    let limit = |enforced: bool| LimitReport { enforced, by: "rlimit".into() };
    Execution {
        backend: "native".into(),
        isolation: IsolationReport {
            tier: "namespaces".into(),
            layers: BTreeMap::from([("seccomp".into(), true)]),
            limits: BTreeMap::from([("memory".into(), limit(true)), ("cpus".into(), limit(false))]),
        },
        image: None,
        command: ["python3", "app.py", "it's", ""].map(Into::into).into(),
        exit_code: Some(3),
        signal: None,
        outcome: "exited".into(),
        stdout: StreamReport {
            text: (1..=22).map(|line| format!("line {line}\n")).collect::<String>()
                + "::error::forged\n\u{1b}[2Jpassed: shop, no findings\rX\n##[add-mask]x\tend\n",
            bytes: 2_000_000,
            truncated: true,
        },
        stderr: StreamReport { text: "Traceback\n".into(), bytes: 10, truncated: false },
        outputs: vec![OutputFile { path: "out\u{9b}.png".into(), size_bytes: 2048, digest: "sha256:44".into() }],
        refused_outputs: vec![RefusedOutputReport { path: "link".into(), reason: "a symbolic link".into() }],
        metrics: MetricsReport {
            wall_ms: 1180,
            cpu_ms: Some(900),
            memory_peak_bytes: Some(34 << 20),
            pids_peak: Some(3),
            oom_kills: Some(0),
            sampled: true,
        },
        behaviour: BehaviourReport {
            traced: true,
            untraced_because: None,
            attempts: vec![
                attempt("refused", "mount", Some("/mnt\u{1b}[2J\nnext line"), Some("EPERM"), 1),
                attempt("refused", "ptrace", None, Some("EPERM"), 12),
                attempt("network", "connect", Some("203.0.113.7:80"), None, 2),
                attempt("lookup", "sendmmsg", Some("example.invalid"), None, 2),
                attempt("started", "execve", Some("/bin/sh -c 'id; id'"), None, 1),
            ],
            truncated: true,
        },
        network: NetworkReport { mode: "none".into() },
    }
}

fn attempt(kind: &str, call: &str, target: Option<&str>, answer: Option<&str>, count: u64) -> AttemptReport {
    let [target, answer] = [target, answer].map(|text| text.map(str::to_owned));
    AttemptReport { kind: kind.to_owned(), call: call.to_owned(), target, answer, count }
}

/// One that passed without a word, read from standard input.
fn clean() -> Report {
    let passed = |message: &str| result(Status::Passed, message, 1);
    Report {
        status: Verdict::Passed,
        artifact: ArtifactSummary {
            name: "stdin.py".into(),
            root: "-".into(),
            files: vec![file("stdin.py")],
            ..hostile().artifact
        },
        validation_results: ValidationResults {
            syntax: passed("1 of 1 file parses"),
            structure: passed("profile python"),
            security: passed("60 rules"),
            performance: passed("within budget"),
            dependencies: result(Status::Skipped, "not asked for", 0),
            execution: result(Status::Skipped, "not asked for", 0),
        },
        findings: Vec::new(),
        dependencies: None,
        execution: None,
        ..hostile()
    }
}

/// One that could not be vetted.
fn not_vetted() -> Report {
    let mut report = clean();
    report.status = Verdict::Error;
    report.artifact.root = "/srv/one/app.py".into();
    report.artifact.files = vec![file("app.py")];
    report.artifact.name = "app.py".into();
    report.validation_results.execution = result(Status::Error, "the native sandbox is not available", 0);
    report
}

fn rules() -> Vec<RuleHelp> {
    vec![RuleHelp {
        id: "python-eval".into(),
        severity: Severity::Critical,
        message: "a call of `eval`".into(),
        why: "It runs what it is given.".into(),
        instead: "Use `ast.literal_eval`.".into(),
        cwe: vec!["CWE-95".into()],
        owasp: vec!["A03:2021".to_owned()],
        references: vec!["https://example.org/eval".into()],
    }]
}

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
fn every_format_renders_one_hostile_report() {
    for format in Format::ALL {
        insta::assert_snapshot!(format.name(), plain(format, &[&hostile()]));
    }
}

#[test]
fn every_format_says_passed_and_not_vetted() {
    for format in [Format::Human, Format::Junit, Format::Github, Format::Gitlab, Format::Concise, Format::Sarif] {
        insta::assert_snapshot!(format!("two-{format}"), plain(format, &[&clean(), &not_vetted()]));
    }
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
        "findingsBySeverity": { "critical": 1, "high": 1, "medium": 1, "low": 1, "info": 0 }, "durationMs": 7,
    });
    assert_eq!(lines[2], expected);
    match serde_json::from_str(&jsonl::report_line(&hostile())).unwrap() {
        jsonl::Line::Report(report) => assert_eq!(*report, hostile()),
        other @ jsonl::Line::Summary(_) => panic!("{other:?}"),
    }
}

#[test]
fn sarif_holds_what_services_ask_for() {
    let log: Value = serde_json::from_str(&plain(Format::Sarif, &[&hostile(), &not_vetted()])).unwrap();
    let run = &log["runs"][0];
    assert_eq!((&log["version"], &run["columnKind"]), (&json!("2.1.0"), &json!("unicodeCodePoints")));
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    for result in run["results"].as_array().unwrap() {
        let rule = &rules[usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()];
        assert_eq!(rule["id"], result["ruleId"]);
        let place = &result["locations"][0]["physicalLocation"];
        assert!(place["region"]["startLine"].as_u64().unwrap() >= 1);
        let uri = place["artifactLocation"]["uri"].as_str().unwrap();
        assert!(uri.starts_with("agents/shop%20bot/") && uri.is_ascii(), "{uri}");
        assert!(!result["partialFingerprints"]["vetrun/v1"].as_str().unwrap().is_empty());
    }
    let suppressed = run["results"].as_array().unwrap().iter().filter(|result| result["suppressions"] != json!([]));
    assert_eq!(suppressed.count(), 1);
    assert_eq!(run["invocations"][0]["executionSuccessful"], true);
    assert_eq!(run["invocations"][1]["executionSuccessful"], false);
    assert_eq!(run["originalUriBaseIds"]["ARTIFACT1"]["uri"], "file:///srv/one/");
}

#[test]
fn sarif_keeps_the_worst_and_says_that_it_cut() {
    let mut report = hostile();
    report.findings = (0..5001).map(|_| finding("r", Severity::Low, "app.py", "m")).collect();
    report.findings[5000].severity = Severity::High;
    let log: Value = serde_json::from_str(&plain(Format::Sarif, &[&report])).unwrap();
    let results = log["runs"][0]["results"].as_array().unwrap();
    assert_eq!((results.len(), &results[0]["level"]), (5000, &json!("error")));
    assert!(log["runs"][0]["invocations"].to_string().contains("only the worst 5000"));
}

#[test]
fn junit_is_well_formed_and_counts_right() {
    let text = plain(Format::Junit, &[&hostile(), &not_vetted()]);
    let mut reader = quick_xml::Reader::from_str(&text);
    let mut tags: BTreeMap<String, u32> = BTreeMap::new();
    loop {
        match reader.read_event().unwrap() {
            quick_xml::events::Event::Eof => break,
            quick_xml::events::Event::Start(tag) | quick_xml::events::Event::Empty(tag) => {
                *tags.entry(tag.name().as_ref().to_owned()).or_default() += 1;
            }
            _ => {}
        }
    }
    assert_eq!((tags["testcase"], tags["failure"], tags["skipped"], tags["error"]), (12, 3, 2, 1));
    assert!(text.contains(r#"<testsuites name="vetrun" tests="12" failures="3" errors="1" skipped="2""#), "{text}");
}

#[test]
fn gitlab_issues_have_unique_fingerprints_and_known_severities() {
    let (one, mut two) = (hostile(), hostile());
    two.artifact.root = "agents/other".into();
    let issues: Vec<Value> = serde_json::from_str(&plain(Format::Gitlab, &[&one, &two])).unwrap();
    let fingerprints: BTreeSet<_> = issues.iter().map(|issue| issue["fingerprint"].as_str()).collect();
    assert_eq!(fingerprints.len(), issues.len());
    for issue in &issues {
        let severity = issue["severity"].as_str().unwrap();
        assert!(["info", "minor", "major", "critical", "blocker"].contains(&severity));
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

    let document: Value = serde_json::from_str(&plain(Format::Spdx, &[&one])).unwrap();
    let ids = names(&document["packages"], "SPDXID");
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
