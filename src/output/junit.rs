//! JUnit's XML: a suite for each artifact, a case for each pass.
//!
//! There is no one schema of JUnit's XML. This keeps to what Jenkins' schema (`junit-10.xsd`) allows, which is what most
//! others read; the `testsuites` there count no skipped cases.
//!
//! XML 1.0 has no way to write most control characters, not even as references; the sanitizer has made them visible
//! before they get here.

use std::io::{self, Write};

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use super::verdict::{self, MESSAGE_CHARS_MAX, Problem};
use super::{concise, sanitize};
use crate::report::{Execution, Pass, Report, Status, StreamReport, ValidationResult};

/// The longest end of a program's output that a case carries, in bytes.
const STREAM_BYTES_MAX: usize = 16 << 10;

type Xml<'a> = Writer<&'a mut dyn Write>;

/// Writes a suite for each report.
///
/// # Errors
/// What `out` returned.
pub fn render(reports: &[&Report], out: &mut dyn Write) -> io::Result<()> {
    let mut xml = Writer::new_with_indent(out, b' ', 2);
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let all = reports.iter().map(|report| Counts::of(report)).fold(Counts::default(), Counts::plus);
    let suites = xml.create_element("testsuites").with_attribute(("name", "vetrun"));
    let attributes = all.attributes();
    let attributes = attributes.iter().filter(|(key, _)| *key != "skipped");
    let suites = suites.with_attributes(attributes.map(|(key, value)| (*key, value.as_str())));
    suites.write_inner_content(|xml| reports.iter().try_for_each(|report| suite(report, xml)))?;
    xml.get_mut().write_all(b"\n")
}

/// What the attributes of a suite count.
#[derive(Clone, Copy, Default)]
struct Counts {
    tests: u64,
    failures: u64,
    errors: u64,
    skipped: u64,
    duration_ms: u64,
}

impl Counts {
    fn of(report: &Report) -> Self {
        let mut counts = Self { duration_ms: report.duration_ms, ..Self::default() };
        let statuses = verdict::passes(report).map(|(_, _, result)| result.status);
        for status in statuses.chain(unsaid(report).map(|problem| status_of(&problem))) {
            counts.tests += 1;
            match status {
                Status::Passed => {}
                Status::Failed => counts.failures += 1,
                Status::Skipped => counts.skipped += 1,
                Status::Error => counts.errors += 1,
            }
        }
        counts
    }

    fn plus(self, other: Self) -> Self {
        Self {
            tests: self.tests + other.tests,
            failures: self.failures + other.failures,
            errors: self.errors + other.errors,
            skipped: self.skipped + other.skipped,
            duration_ms: self.duration_ms + other.duration_ms,
        }
    }

    fn attributes(self) -> [(&'static str, String); 5] {
        [
            ("tests", self.tests.to_string()),
            ("failures", self.failures.to_string()),
            ("errors", self.errors.to_string()),
            ("skipped", self.skipped.to_string()),
            ("time", seconds(self.duration_ms)),
        ]
    }
}

/// The verdict itself, where no pass accounts for it.
fn unsaid(report: &Report) -> Option<Problem<'_>> {
    verdict::problems(report).into_iter().find(|problem| problem.key == verdict::REPORT)
}

const fn status_of(problem: &Problem<'_>) -> Status {
    if problem.not_vetted { Status::Error } else { Status::Failed }
}

fn suite(report: &Report, xml: &mut Xml<'_>) -> io::Result<()> {
    let name = sanitize::clipped(&report.artifact.name, MESSAGE_CHARS_MAX);
    let timestamp = sanitize::line(&report.started_at);
    let counts = Counts::of(report).attributes();
    let suite = xml
        .create_element("testsuite")
        .with_attribute(("name", name.as_ref()))
        .with_attributes(counts.iter().map(|(key, value)| (*key, value.as_str())))
        .with_attribute(("timestamp", timestamp.as_ref()));
    suite.write_inner_content(|xml| {
        let properties = [
            ("vetrun.version", report.tool.version.as_str()),
            ("artifact.digest", &report.artifact.digest),
            ("report.id", &report.id),
        ];
        xml.create_element("properties").write_inner_content(|xml| {
            properties.iter().try_for_each(|(name, value)| {
                let value = sanitize::line(value);
                let property = xml.create_element("property").with_attribute(("name", *name));
                property.with_attribute(("value", value.as_ref())).write_empty().map(|_| ())
            })
        })?;
        for (pass, key, result) in verdict::passes(report) {
            let program = report.execution.as_ref().filter(|_| pass == Pass::Execute);
            case(&name, key, result, &findings(report, pass), program, xml)?;
        }
        let Some(problem) = unsaid(report) else { return Ok(()) };
        let result = ValidationResult {
            status: status_of(&problem),
            passed: None,
            message: problem.message.to_owned(),
            duration_ms: 0,
            details: serde_json::Map::new(),
        };
        case(&name, problem.key, &result, "", None, xml)
    })?;
    Ok(())
}

fn case(
    suite: &str,
    key: &str,
    result: &ValidationResult,
    findings: &str,
    program: Option<&Execution>,
    xml: &mut Xml<'_>,
) -> io::Result<()> {
    let time = seconds(result.duration_ms);
    let message = sanitize::clipped(&result.message, MESSAGE_CHARS_MAX);
    let attributes = [("name", key), ("classname", suite), ("time", &time)];
    let case = xml.create_element("testcase").with_attributes(attributes);
    if result.status == Status::Passed && findings.is_empty() && program.is_none() {
        return case.write_empty().map(|_| ());
    }
    case.write_inner_content(|xml| {
        let tag = match result.status {
            Status::Passed => None,
            Status::Failed => Some(("failure", "failed")),
            Status::Error => Some(("error", "not vetted")),
            Status::Skipped => Some(("skipped", "skipped")),
        };
        if let Some((tag, kind)) = tag {
            let attributes = [("type", kind), ("message", message.as_ref())];
            let element = xml.create_element(tag).with_attributes(attributes);
            match findings {
                "" => element.write_empty()?,
                _ => element.write_text_content(BytesText::new(findings))?,
            };
        }
        let program_said = |stream: &StreamReport| end_of(&stream.text);
        let (mut said, warned) = program.map(|run| (program_said(&run.stdout), program_said(&run.stderr))).unzip();
        if tag.is_none() && !findings.is_empty() {
            said = Some(format!("{findings}{}", said.unwrap_or_default()));
        }
        for (tag, text) in [("system-out", said), ("system-err", warned)] {
            if let Some(text) = text.filter(|text| !text.is_empty()) {
                xml.create_element(tag).write_text_content(BytesText::new(&text))?;
            }
        }
        Ok(())
    })?;
    Ok(())
}

/// The findings of one pass that count, one a line, with the places that explain them.
fn findings(report: &Report, pass: Pass) -> String {
    let findings = verdict::counting(report).filter(|finding| finding.pass == pass);
    let text = |finding| concise::finding_line(&report.artifact, finding) + "\n" + &concise::related_lines(finding);
    findings.map(text).collect()
}

/// The sanitized end of a program's output, each line behind a bar: a CI runner that is shown this file must not take
/// one for a command of its own.
fn end_of(text: &str) -> String {
    let end = &text[text.ceil_char_boundary(text.len().saturating_sub(STREAM_BYTES_MAX))..];
    sanitize::block(end).lines().map(|line| format!("| {line}\n")).collect()
}

fn seconds(ms: u64) -> String {
    format!("{}.{:03}", ms / 1000, ms % 1000)
}
