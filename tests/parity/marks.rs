//! Files whose comments mark lines: `ruleid: name` above a line that a rule must find, `ok: name` above one that it must
//! not. Semgrep's and GuardDog's fixtures, and njsscan's assets, are written so.
//!
//! Line by line: a marked line counts as found where any rule of ours finds something on it, or on the lines of the same
//! statement, up to three below. It says so apart where that finding fails at the default gate.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

use vetrun::language::Language;

use crate::Error;
use crate::corpus::files;
use crate::ours::{Found, Ours};
use crate::table::Sum;

/// A call that is marked may begin its dangerous part this many lines further down.
const LINES_BELOW_MAX: u32 = 3;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder of marked files.
    #[arg(long, value_name = "DIR")]
    folder: PathBuf,
    /// Extensions of the files that are read.
    #[arg(long, value_name = "EXT", default_values = ["js", "mjs", "cjs", "jsx", "ts", "tsx"])]
    extension: Vec<String>,
    /// Leave out paths with a part of this name.
    #[arg(long, value_name = "NAME")]
    without: Vec<String>,
    /// List every line that is not found, and every line marked as fine in which something fails.
    #[arg(long)]
    list: bool,
}

/// What a comment says of the line below it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Mark {
    line: u32,
    id: String,
    bad: bool,
}

/// Prints the sums by check; the part of the marked lines that are found, in percent.
pub(crate) fn measure(args: &Args, ours: &Ours, out: &mut dyn Write) -> Result<f64, Error> {
    let extensions: Vec<&str> = args.extension.iter().map(String::as_str).collect();
    let (mut bad, mut failing, mut fine) = (Sum::default(), 0, Sum::default());
    let mut checks: BTreeMap<String, Sum> = BTreeMap::new();
    for path in files(&args.folder, &extensions)? {
        let name = path.strip_prefix(&args.folder).unwrap_or(&path).to_string_lossy().into_owned();
        if name.split('/').any(|part| args.without.iter().any(|without| without == part)) {
            continue;
        }
        let bytes = std::fs::read(&path).map_err(|source| Error::Read { path: path.clone(), source })?;
        let marks = marks(&String::from_utf8_lossy(&bytes));
        if marks.is_empty() {
            continue;
        }
        let found = ours.find(&name, bytes, language(&name));
        for mark in &marks {
            let hits: Vec<&Found<'_>> = found.iter().filter(|hit| covers(mark, hit.line)).collect();
            let fails = hits.iter().any(|hit| hit.fails());
            if mark.bad {
                let sum = checks.entry(mark.id.clone()).or_default();
                for sum in [&mut bad, sum] {
                    sum.expected += 1;
                    sum.found += usize::from(!hits.is_empty());
                }
                failing += usize::from(fails);
            } else {
                fine.expected += 1;
                fine.found += usize::from(fails);
            }
            if args.list && mark.bad == hits.is_empty() && (mark.bad || fails) {
                let rules: Vec<&str> = hits.iter().map(|hit| hit.rule.as_str()).collect();
                let what = if mark.bad { "not found" } else { "marked as fine" };
                writeln!(out, "{name}:{}: {what}: {} {}", mark.line, mark.id, rules.join(" "))?;
            }
        }
    }
    for (check, sum) in &checks {
        writeln!(out, "{:4} of {:4} {check}", sum.found, sum.expected)?;
    }
    writeln!(
        out,
        "lines: {} of {} marked lines are found ({:.1} %), {failing} fail at the default gate; {} of {} lines marked as fine \
         fail",
        bad.found,
        bad.expected,
        bad.percent(),
        fine.found,
        fine.expected
    )?;
    Ok(bad.percent())
}

fn covers(mark: &Mark, line: u32) -> bool {
    let below = if mark.bad { LINES_BELOW_MAX } else { 0 };
    (mark.line..=mark.line + below).contains(&line)
}

fn language(name: &str) -> Language {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("ts" | "tsx") => Language::TypeScript,
        Some("py") => Language::Python,
        Some("html") => Language::Html,
        Some("json") => Language::Json,
        Some("js" | "mjs" | "cjs" | "jsx") => Language::JavaScript,
        _ => Language::Text,
    }
}

/// The marks of a text. A mark holds for the next line that is no mark itself.
fn marks(text: &str) -> Vec<Mark> {
    let (mut marks, mut open) = (Vec::new(), Vec::new());
    for (number, line) in (1..).zip(text.lines()) {
        let read = ["ruleid:", "ok:"].iter().find_map(|word| {
            let at = line.find(word)?;
            let before = line[..at].trim_end();
            let comment = ["//", "#", "/*", "<!--", "{/*"]
                .iter()
                .any(|start| before.trim_start().starts_with(start) || before.ends_with(start));
            comment.then(|| (*word == "ruleid:", &line[at + word.len()..]))
        });
        match read {
            Some((bad, ids)) => {
                let ids = ids.split([',', ' ']).map(str::trim).filter(|id| id.chars().any(char::is_alphanumeric));
                open.extend(ids.take(4).map(|id| (bad, id.to_owned())));
            }
            None => marks.extend(open.drain(..).map(|(bad, id)| Mark { line: number, id, bad })),
        }
    }
    marks
}
