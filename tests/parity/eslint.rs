//! ESLint's plug-ins `security` and `no-unsanitized`: the cases of their own RuleTester files.
//!
//! An invalid case must be found by a rule that names the check in its `references`, and a valid one must not be. Where
//! vetrun rightly answers otherwise, `differences.toml` says why; a case is known there by a digest, so that no foreign
//! text stands in the repository.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use vetrun::language::Language;

use crate::Error;
use crate::corpus::files;
use crate::ours::Ours;

/// Prints the cases of RuleTester files as JSON.
const SCRIPT: &str = include_str!("ruletester.cjs");

/// Where vetrun rightly answers otherwise.
const DIFFERENCES: &str = include_str!("differences.toml");

/// The check whose equivalent is no rule of the scan but a finding of the structure pass, and that finding.
const STRUCTURE: (&str, &str) = ("detect-bidi-characters", "bidirectional-control");

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A checkout of `eslint-plugin-security`.
    #[arg(long, value_name = "DIR")]
    plugin_security: Option<PathBuf>,
    /// A checkout of `eslint-plugin-no-unsanitized`.
    #[arg(long, value_name = "DIR")]
    no_unsanitized: Option<PathBuf>,
    /// How Node is started.
    #[arg(long, value_name = "CMD", default_value = "node")]
    node: PathBuf,
    /// Print every case that differs.
    #[arg(long)]
    list: bool,
}

/// A case of a RuleTester file.
#[derive(Debug, Deserialize)]
struct Case {
    rule: String,
    kind: String,
    code: String,
    options: String,
    parser: String,
    lines: Vec<u32>,
}

#[derive(Debug, Deserialize)]
struct Differences {
    difference: Vec<Difference>,
}

/// A case, or all cases of one check and kind, that vetrun answers otherwise.
#[derive(Debug, Deserialize)]
struct Difference {
    check: String,
    kind: String,
    /// The beginning of the SHA-256 of the settings and the code.
    digest: String,
    /// Why; at hand for whoever reads the file.
    reason: String,
}

#[derive(Default)]
struct Tally {
    agree: usize,
    reasoned: usize,
    differ: usize,
}

/// Prints what differs and the sums; the part of the cases that agree or are explained, in percent.
pub(crate) fn measure(args: &Args, ours: &Ours, out: &mut dyn Write) -> Result<f64, Error> {
    let differences: Differences =
        toml::from_str(DIFFERENCES).map_err(|error| Error::Unexpected(format!("differences.toml: {error}")))?;
    let plugins = [
        ("eslint-plugin-security", "", "test/rules", &args.plugin_security),
        ("eslint-plugin-no-unsanitized", "no-unsanitized/", "tests/rules", &args.no_unsanitized),
    ];
    let (mut answered, mut all) = (0, 0);
    for (name, prefix, tests, folder) in plugins {
        let Some(folder) = folder else { continue };
        let mut tally = Tally::default();
        for case in cases(&args.node, &folder.join(tests))? {
            let check = format!("{prefix}{}", case.rule);
            if answers(ours, &check, &case) {
                tally.agree += 1;
                continue;
            }
            let digest = digest(&case);
            let known = differences.difference.iter().find(|one| {
                one.check == check && one.kind == case.kind && digest.starts_with(&one.digest) && !one.digest.is_empty()
            });
            match known {
                Some(_) => tally.reasoned += 1,
                None => tally.differ += 1,
            }
            if args.list || known.is_none() {
                let reason = known.map_or("DIFFERS", |one| &one.reason);
                writeln!(
                    out,
                    "{check} {} {digest}: {reason}\n    {}",
                    case.kind,
                    case.code.trim().replace('\n', "\n    ")
                )?;
            }
        }
        let cases = tally.agree + tally.reasoned + tally.differ;
        writeln!(
            out,
            "{name}: {cases} cases, {} agree, {} differ for a reason, {} differ",
            tally.agree, tally.reasoned, tally.differ
        )?;
        answered += tally.agree + tally.reasoned;
        all += cases;
    }
    if all == 0 {
        return Err(Error::Unexpected("there are no cases; name at least one checkout".to_owned()));
    }
    #[expect(clippy::cast_precision_loss, reason = "there are some hundred cases")]
    Ok(100.0 * answered as f64 / all as f64)
}

/// The cases of all test files of a folder.
fn cases(node: &Path, tests: &Path) -> Result<Vec<Case>, Error> {
    let folder = tempfile::tempdir()?;
    let script = folder.path().join("ruletester.cjs");
    std::fs::write(&script, SCRIPT)?;
    let failed = |what: String| Error::Program { program: node.display().to_string(), what };
    let tests = tests.canonicalize().map_err(|source| Error::Read { path: tests.to_owned(), source })?;
    let mut command = Command::new(node);
    command.arg(&script).args(files(&tests, &["js", "cjs", "mjs"])?).current_dir(folder.path());
    let output = command.output().map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        return Err(failed(String::from_utf8_lossy(&output.stderr).into_owned()));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| failed(error.to_string()))
}

/// Whether vetrun says of a case what the check says.
fn answers(ours: &Ours, check: &str, case: &Case) -> bool {
    let (path, language) = if case.parser.contains("typescript") {
        ("case.ts", Language::TypeScript)
    } else {
        ("case.js", Language::JavaScript)
    };
    let bytes = case.code.clone().into_bytes();
    if check == STRUCTURE.0 {
        return Ours::structure_rules(path, bytes, language).iter().any(|rule| rule == STRUCTURE.1)
            == (case.kind == "invalid");
    }
    let found = ours.find(path, bytes, language);
    let mut hits = found.iter().filter(|hit| hit.references.iter().any(|id| id == check));
    let lines: Vec<u32> = case.lines.iter().copied().filter(|&line| line > 0).collect();
    let hit = hits.any(|hit| lines.is_empty() || lines.contains(&hit.line));
    hit == (case.kind == "invalid")
}

fn digest(case: &Case) -> String {
    let digest = Sha256::digest(format!("{}\0{}\0{}", case.options, case.parser.contains("typescript"), case.code));
    digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}
