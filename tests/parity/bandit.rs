//! Bandit: its examples, what its functional tests expect of them, and what it finds there itself.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;
use vetrun::language::Language;

use crate::Error;
use crate::ours::{Found, Ours};
use crate::python::{Count, expected_counts};
use crate::table::{self, Comparison, Expected, Sum};

/// What its checks with options are told for the counts, so that everything that some test expects is found.
const SETTINGS: &str = "\
try_except_pass: {check_typed_exception: true}
try_except_continue: {check_typed_exception: true}
markupsafe_xss: {extend_markup_names: [webhelpers.html.literal]}
";

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Its source distribution, `bandit-….tar.gz`.
    #[arg(long, value_name = "FILE")]
    sdist: PathBuf,
    /// How it is run, for the lines of its findings; only counts are compared where not given.
    #[arg(long, value_name = "CMD")]
    bandit: Option<String>,
}

/// A finding of Bandit's own.
struct Theirs {
    expected: Expected,
    severity: String,
}

/// Prints the tables; the part that was reached, in percent, is that of the lines, or of the counts without them.
pub(crate) fn measure(args: &Args, ours: &Ours, out: &mut dyn Write) -> Result<f64, Error> {
    let folder = unpack(&args.sdist)?;
    let root = only_entry(folder.path())?;
    let functional = root.join("tests/functional/test_functional.py");
    let source = fs::read_to_string(&functional).map_err(|source| Error::Read { path: functional, source })?;
    let counts = expected_counts(&source)
        .ok_or_else(|| Error::Unexpected("the functional tests are not valid Python".to_owned()))?;
    let found = find_all(&root.join("examples"), ours)?;
    let mut reached = Vec::new();
    let theirs = match &args.bandit {
        Some(command) => {
            let default = run(command, &root, false)?;
            let comparisons = compare_lines(&default, &found);
            let sum = table::print(out, &comparisons)?;
            writeln!(out, "lines: {} of {} findings ({:.1} %)", sum.found, sum.expected, sum.percent())?;
            reached.push(sum.percent());
            Some(run(command, &root, true)?)
        }
        None => None,
    };
    let sum = print_counts(out, &counts, &found, theirs.as_ref())?;
    writeln!(out, "counts: {} of {} that the tests expect ({:.1} %)", sum.found, sum.expected, sum.percent())?;
    reached.push(sum.percent());
    Ok(reached.into_iter().fold(100.0, f64::min))
}

fn unpack(sdist: &Path) -> Result<TempDir, Error> {
    let folder = tempfile::tempdir()?;
    let mut tar = Command::new("tar");
    tar.arg("-xzf").arg(sdist).arg("-C").arg(folder.path());
    let failed = |what: String| Error::Program { program: "tar".to_owned(), what };
    let status = tar.status().map_err(|error| failed(error.to_string()))?;
    if status.success() { Ok(folder) } else { Err(failed(format!("{} could not be unpacked", sdist.display()))) }
}

fn only_entry(folder: &Path) -> Result<PathBuf, Error> {
    let read = |source| Error::Read { path: folder.to_owned(), source };
    let entry = fs::read_dir(folder).map_err(read)?.next();
    let entry = entry.ok_or_else(|| Error::Unexpected("the source distribution is empty".to_owned()))?;
    Ok(entry.map_err(read)?.path())
}

/// What vetrun finds in every example, by file name.
fn find_all<'a>(examples: &Path, ours: &'a Ours) -> Result<BTreeMap<String, Vec<Found<'a>>>, Error> {
    let mut all = BTreeMap::new();
    for path in crate::corpus::files(examples, &["py"])? {
        let bytes = fs::read(&path).map_err(|source| Error::Read { path: path.clone(), source })?;
        let name = path.strip_prefix(examples).unwrap_or(&path).to_string_lossy().into_owned();
        // An example that is called like what it imports would import itself.
        let found = ours.find(&format!("example_{name}"), bytes, Language::Python);
        all.insert(name, found);
    }
    Ok(all)
}

/// Runs Bandit over its examples; `all` has it report what comments and settings would hide.
fn run(command: &str, root: &Path, all: bool) -> Result<BTreeMap<String, Vec<Theirs>>, Error> {
    let failed = |what: String| Error::Program { program: "bandit".to_owned(), what };
    let mut words = command.split_whitespace();
    let program = words.next().ok_or_else(|| failed("no command is given".to_owned()))?;
    let mut process = Command::new(program);
    process.args(words).args(["-q", "-r", "examples", "-f", "json"]).current_dir(root);
    if all {
        let settings = root.join("settings.yaml");
        fs::write(&settings, SETTINGS)?;
        process.arg("--ignore-nosec").arg("-c").arg(settings);
    }
    let output = process.output().map_err(|error| failed(error.to_string()))?;
    let report: Value = serde_json::from_slice(&output.stdout).map_err(|error| failed(error.to_string()))?;
    let results = report["results"].as_array().ok_or_else(|| failed("its report has no results".to_owned()))?;
    let mut theirs: BTreeMap<String, Vec<Theirs>> = BTreeMap::new();
    for result in results {
        let one = finding(result).ok_or_else(|| failed("a result has no file, line or id".to_owned()))?;
        theirs.entry(one.0).or_default().push(one.1);
    }
    Ok(theirs)
}

fn finding(result: &Value) -> Option<(String, Theirs)> {
    let file = result["filename"].as_str()?;
    let name = file.split_once("examples/").map_or(file, |(_, name)| name).to_owned();
    let line = u32::try_from(result["line_number"].as_u64()?).ok()?;
    let expected = Expected { line, id: result["test_id"].as_str()?.to_owned() };
    Some((name, Theirs { expected, severity: result["issue_severity"].as_str()?.to_owned() }))
}

fn compare_lines(theirs: &BTreeMap<String, Vec<Theirs>>, found: &BTreeMap<String, Vec<Found<'_>>>) -> Vec<Comparison> {
    let compare = |(name, ours): (&String, &Vec<Found<'_>>)| {
        let expected: Vec<Expected> = theirs.get(name).into_iter().flatten().map(|one| one.expected.clone()).collect();
        table::compare(name, &expected, ours, is_check)
    };
    found.iter().map(compare).collect()
}

/// Whether an id is one of Bandit's: `B` and three digits.
fn is_check(id: &str) -> bool {
    id.strip_prefix('B').is_some_and(|rest| rest.len() == 3 && rest.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Prints the counts that are not reached. A count is reached as far as findings of Bandit's with that severity are
/// found on their lines; without Bandit, as far as rules with an equivalent check find as much in the file.
fn print_counts(
    out: &mut dyn Write,
    counts: &[Count],
    found: &BTreeMap<String, Vec<Found<'_>>>,
    theirs: Option<&BTreeMap<String, Vec<Theirs>>>,
) -> Result<Sum, Error> {
    let mut sum = Sum::default();
    let mut left: BTreeMap<&str, usize> = BTreeMap::new();
    for count in counts {
        let ours = found.get(&count.file).map_or(&[][..], Vec::as_slice);
        let equivalent = match theirs {
            Some(theirs) => {
                let same = theirs.get(&count.file).into_iter().flatten().filter(|one| one.severity == count.severity);
                same.filter(|one| table::is_met(&one.expected, ours)).count().min(count.count)
            }
            None => {
                let equivalent = ours.iter().filter(|hit| hit.references.iter().any(|id| is_check(id))).count();
                let left = left.entry(&count.file).or_insert(equivalent);
                let taken = count.count.min(*left);
                *left -= taken;
                taken
            }
        };
        sum.expected += count.count;
        sum.found += equivalent;
        if equivalent < count.count {
            writeln!(out, "{} {}: expected {}, found {equivalent}", count.file, count.severity, count.count)?;
        }
    }
    Ok(sum)
}
