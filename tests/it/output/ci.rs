//! What CI services ask of their formats, and what they take no more of.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use vetrun::output::{Format, RenderContext};
use vetrun::report::*;

use super::fixture::{finding, hostile, not_vetted, shipped};
use super::{plain, rendered};

#[test]
fn sarif_holds_what_services_ask_for() {
    let log: Value = serde_json::from_str(&plain(Format::Sarif, &[&hostile(), &not_vetted()])).unwrap();
    let run = &log["runs"][0];
    assert_eq!((&log["version"], &run["columnKind"]), (&json!("2.1.0"), &json!("unicodeCodePoints")));
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    for result in run["results"].as_array().unwrap() {
        let rule = &rules[usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()];
        assert_eq!(rule["id"], result["ruleId"]);
        for text in ["shortDescription", "fullDescription", "help"] {
            assert!(!rule[text]["text"].as_str().unwrap().is_empty(), "{rule}");
        }
        assert!(rule["properties"]["tags"].as_array().unwrap().len() <= 10);
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
    for (found, kept, said) in
        [(5000, 5000, ""), (5001, 5001, "GitHub shows 5000"), (25_001, 25_000, "only the worst 25000")]
    {
        let mut report = hostile();
        report.findings = vec![finding("r", Severity::Low, "app.py", "m"); found];
        report.findings[4999].severity = Severity::High;
        let log: Value = serde_json::from_str(&plain(Format::Sarif, &[&report])).unwrap();
        let results = log["runs"][0]["results"].as_array().unwrap();
        let worst_first = results[0]["level"] == "error";
        assert_eq!((results.len(), worst_first), (kept, found > 5000));
        let notifications = log["runs"][0]["invocations"].to_string();
        assert_eq!(notifications.contains("vetrun-results-cut"), found > 5000);
        assert!(notifications.contains(said), "{notifications}");
    }
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
    assert!(text.contains(r#"<testsuites name="vetrun" tests="12" failures="3" errors="1" time="#), "{text}");
    assert!(text.contains(r#"tests="6" failures="0" errors="1" skipped="1""#), "{text}");
}

#[test]
fn gitlab_issues_have_unique_fingerprints_and_known_severities() {
    let (one, mut two) = (hostile(), hostile());
    two.artifact.root = "agents/other".into();
    // The first is named twice.
    let issues: Vec<Value> = serde_json::from_str(&plain(Format::Gitlab, &[&one, &two, &one])).unwrap();
    let fingerprints: BTreeSet<_> = issues.iter().map(|issue| issue["fingerprint"].as_str()).collect();
    assert_eq!(fingerprints.len(), issues.len());
    for issue in &issues {
        let severity = issue["severity"].as_str().unwrap();
        assert!(["info", "minor", "major", "critical", "blocker"].contains(&severity));
    }
}

/// The format for GitHub with a token.
fn in_actions(reports: &[&Report]) -> String {
    rendered(Format::Github, reports, &RenderContext { token: Some("t-0123"), ..RenderContext::default() })
}

#[test]
fn github_gets_ten_annotations_of_a_level_and_the_worst_of_all_artifacts() {
    let (mut one, mut two) = (shipped(), hostile());
    let found =
        |severity, count: u32| (0..count).map(move |at| finding("r", severity, "main.py", &format!("number {at}")));
    one.findings = found(Severity::High, 12).chain(found(Severity::Low, 3)).collect();
    two.findings = found(Severity::Critical, 4).collect();
    let text = in_actions(&[&one, &two]);
    let of = |level: &str| text.lines().filter(|line| line.starts_with(level)).count();
    assert_eq!((of("::error "), of("::notice "), of("::warning ")), (10, 3, 0));
    // Two for passes that failed without a finding, four that are critical, and the first four that are high.
    assert_eq!(text.lines().filter(|line| line.starts_with("::error ") && line.contains("title=critical")).count(), 4);
    assert!(text.contains("\nvetrun: 8 more, without annotation: a step shows 10 of each level\n"), "{text}");
    let lines = text.lines().filter(|line| line.starts_with("vetrun: agents/report/main.py: high r number "));
    assert_eq!(lines.count(), 8);
}

#[test]
fn the_runner_reads_no_commands_while_a_program_speaks() {
    let text = in_actions(&[&hostile()]);
    let mut stopped = 0;
    let mut is_stopped = false;
    for line in text.lines() {
        match line {
            "::stop-commands::t-0123" => (is_stopped, stopped) = (true, stopped + 1),
            "::t-0123::" => is_stopped = false,
            _ if is_stopped => assert!(line.starts_with("| "), "{line}"),
            _ => assert!(!line.contains("forged"), "{line}"),
        }
    }
    assert_eq!((stopped, is_stopped), (2, false));
    assert!(text.contains("\n| ::error::forged\n"), "{text}");
    // Without a token nothing could be closed again, so nothing is shown.
    assert!(!plain(Format::Github, &[&hostile()]).contains("forged"));
}
