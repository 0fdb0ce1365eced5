//! in-toto statements: what is attested, and what is not.

use serde_json::{Value, json};
use vetrun::output::Format;
use vetrun::report::*;

use super::fixture::{batch, clean, hostile, not_vetted, shipped, unread};
use super::plain;

fn statements(reports: &[&Report]) -> Vec<Value> {
    plain(Format::Intoto, reports).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn there_is_a_statement_for_each_artifact_that_was_read() {
    let [passed, failed, error] = batch();
    let statements = statements(&[&passed, &failed, &unread(), &error]);
    let results: Vec<_> = statements.iter().map(|one| one["predicate"]["result"].as_str().unwrap()).collect();
    assert_eq!(results, ["WARNED", "FAILED", "FAILED"]);
    for statement in &statements {
        assert_eq!(statement["_type"], "https://in-toto.io/Statement/v1");
        assert_eq!(statement["predicateType"], "https://in-toto.io/attestation/test-result/v0.1");
        for subject in statement["subject"].as_array().unwrap() {
            assert!(!subject["digest"]["sha256"].as_str().unwrap().is_empty());
        }
        for resource in statement["predicate"]["configuration"].as_array().unwrap() {
            assert!(resource["uri"].is_string() || resource["digest"].is_object(), "{resource}");
        }
    }
}

#[test]
fn tests_are_the_passes_that_were_taken() {
    let predicate = |report: &Report| statements(&[report]).remove(0)["predicate"].take();
    let passed = predicate(&clean());
    assert_eq!(passed["result"], "PASSED");
    assert_eq!(passed["passedTests"], json!(["syntax", "structure", "security", "performance"]));
    let warned = predicate(&shipped());
    assert_eq!(warned["warnedTests"], json!(["security"]));
    assert_eq!(warned["passedTests"].as_array().unwrap().len(), 5);
    let failed = predicate(&hostile());
    assert_eq!(failed["failedTests"], json!(["structure", "security", "execution"]));
    assert_eq!(failed["configuration"][0]["annotations"]["suppressedFindings"], 1);
    let error = predicate(&not_vetted());
    assert_eq!((&error["result"], &error["failedTests"]), (&json!("FAILED"), &json!(["execution"])));
}

#[test]
fn doubt_is_never_attested_as_passed() {
    let result = |report: &Report| statements(&[report]).remove(0)["predicate"]["result"].take();
    let mut unsaid = clean();
    unsaid.status = Verdict::Error;
    assert_eq!(result(&unsaid), "FAILED");
    let mut remark = shipped();
    remark.findings.truncate(1);
    assert_eq!(result(&remark), "PASSED");
    let mut nothing = clean();
    let skipped = nothing.validation_results.execution.clone();
    let results = &mut nothing.validation_results;
    for result in [&mut results.syntax, &mut results.structure, &mut results.security, &mut results.performance] {
        *result = skipped.clone();
    }
    assert_eq!(result(&nothing), "FAILED");
}

#[test]
fn an_artifact_of_one_file_is_known_by_its_own_digest_as_well() {
    let subjects = statements(&[&shipped()]).remove(0)["subject"].take();
    let expected = json!([
        { "name": "report", "digest": { "sha256": "ab".repeat(32) } },
        { "name": "main.py", "digest": { "sha256": "33" } },
    ]);
    assert_eq!(subjects, expected);
    assert_eq!(statements(&[&hostile()]).remove(0)["subject"].as_array().unwrap().len(), 1);
}
