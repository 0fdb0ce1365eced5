//! Whole collections: alarms in ordinary code, and dangerous code in which nothing is found.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::Value;
use vetrun::language::Language;

use crate::Error;
use crate::ours::{Found, Ours};

/// Files of one collection.
const FILES_MAX: usize = 200_000;

/// Folders below each other.
const DEPTH_MAX: usize = 64;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Folders of source files, or JSON files with one program in each entry.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// The keys of a JSON entry whose texts, put together, are the program.
    #[arg(long, value_name = "KEY")]
    key: Vec<String>,
    /// The language of all files, and of JSON entries.
    #[arg(long, value_name = "LANGUAGE", default_value = "python", value_parser = ["python", "javascript"])]
    language: String,
    /// Leave out paths with a part of this name.
    #[arg(long, value_name = "NAME")]
    without: Vec<String>,
    /// List every finding that fails (of `alarms`), or every file without one (of `recall`).
    #[arg(long)]
    list: bool,
}

/// One program.
struct Program {
    name: String,
    /// What it is counted under.
    group: String,
    bytes: Vec<u8>,
}

/// What was counted of a group.
#[derive(Default)]
struct Tally {
    files: usize,
    lines: usize,
    findings: usize,
    files_found: usize,
    files_failing: usize,
    failing: usize,
}

impl Args {
    fn extensions(&self) -> &'static [&'static str] {
        if self.language == "javascript" { &["js", "mjs", "cjs", "jsx", "ts", "tsx"] } else { &["py"] }
    }

    fn language_of(&self, name: &str) -> Language {
        match name.rsplit_once('.').map(|(_, extension)| extension) {
            Some("ts" | "tsx") => Language::TypeScript,
            _ if self.language == "javascript" => Language::JavaScript,
            _ => Language::Python,
        }
    }
}

/// Counts what fails at the default gate in ordinary code; the part of the files without any, in percent.
pub(crate) fn alarms(args: &Args, ours: &Ours, out: &mut dyn Write) -> Result<f64, Error> {
    let mut rules: BTreeMap<String, usize> = BTreeMap::new();
    let mut list = Vec::new();
    let tallies = count(args, ours, |program, found| {
        for hit in found.iter().filter(|hit| hit.fails()) {
            *rules.entry(hit.rule.clone()).or_default() += 1;
            list.push(format!("{}:{}: {}: {}", program.name, hit.line, hit.rule, hit.text));
        }
    })?;
    for line in list.iter().filter(|_| args.list) {
        writeln!(out, "{line}")?;
    }
    for (rule, count) in &rules {
        writeln!(out, "{count:6} {rule}")?;
    }
    let mut sum = Tally::default();
    for (group, tally) in &tallies {
        let rate = 10_000.0 * tally.failing as f64 / tally.lines.max(1) as f64;
        let Tally { files, lines, failing, files_failing, findings, .. } = tally;
        writeln!(
            out,
            "{group}: {failing} findings fail in {files_failing} of {files} files ({:.2} %), {lines} lines, {rate:.2} \
             per 10,000 lines; {findings} findings in all",
            percent(*files_failing, *files),
        )?;
        sum.files += files;
        sum.files_failing += files_failing;
    }
    Ok(100.0 - percent(sum.files_failing, sum.files))
}

/// Counts the files in which something is found, and in which something fails at the default gate; the part of those.
pub(crate) fn recall(args: &Args, ours: &Ours, out: &mut dyn Write) -> Result<f64, Error> {
    let mut list = Vec::new();
    let tallies = count(args, ours, |program, found| {
        if !found.iter().any(Found::fails) {
            list.push(program.name.clone());
        }
    })?;
    for line in list.iter().filter(|_| args.list) {
        writeln!(out, "{line}")?;
    }
    let mut sum = Tally::default();
    for (group, tally) in &tallies {
        let (any, failing) = (percent(tally.files_found, tally.files), percent(tally.files_failing, tally.files));
        let Tally { files, files_found, files_failing, .. } = tally;
        writeln!(
            out,
            "{group}: {files} files, any {files_found} ({any:.1} %), failing {files_failing} ({failing:.1} %)"
        )?;
        sum.files += files;
        sum.files_found += files_found;
        sum.files_failing += files_failing;
    }
    let (any, failing) = (percent(sum.files_found, sum.files), percent(sum.files_failing, sum.files));
    writeln!(out, "all: {} files, any {any:.1} %, failing {failing:.1} %", sum.files)?;
    Ok(failing)
}

fn percent(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { 100.0 * part as f64 / whole as f64 }
}

fn count(
    args: &Args,
    ours: &Ours,
    mut see: impl FnMut(&Program, &[Found<'_>]),
) -> Result<BTreeMap<String, Tally>, Error> {
    let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
    for path in &args.paths {
        for program in programs(args, path)? {
            let tally = tallies.entry(program.group.clone()).or_default();
            tally.files += 1;
            tally.lines += program.bytes.iter().filter(|&&byte| byte == b'\n').count();
            let found = ours.find(&program.name, program.bytes.clone(), args.language_of(&program.name));
            let failing = found.iter().filter(|hit| hit.fails()).count();
            tally.findings += found.len();
            tally.files_found += usize::from(!found.is_empty());
            tally.files_failing += usize::from(failing > 0);
            tally.failing += failing;
            see(&program, &found);
        }
    }
    Ok(tallies)
}

/// The programs in a folder, or in a JSON file: an array, or one object in each line.
fn programs(args: &Args, path: &Path) -> Result<Vec<Program>, Error> {
    let read = |path: &Path| fs::read(path).map_err(|source| Error::Read { path: path.to_owned(), source });
    let group = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    if path.is_dir() {
        let mut programs = Vec::new();
        for file in files(path, args.extensions())? {
            let name = file.strip_prefix(path).unwrap_or(&file).to_string_lossy().into_owned();
            if !name.split('/').any(|part| args.without.iter().any(|without| without == part)) {
                programs.push(Program { name, group: group.clone(), bytes: read(&file)? });
            }
        }
        return Ok(programs);
    }
    let text = String::from_utf8_lossy(&read(path)?).into_owned();
    let entries: Vec<Value> = match serde_json::from_str(&text) {
        Ok(Value::Array(entries)) => entries,
        _ => text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect(),
    };
    let text_of = |entry: &Value, key: &String| entry[key].as_str().unwrap_or_default().to_owned();
    let program = |(number, entry): (usize, &Value)| {
        let text: String = args.key.iter().map(|key| text_of(entry, key)).collect();
        let extension = args.extensions()[0];
        Program { name: format!("{group}#{number}.{extension}"), group: group.clone(), bytes: text.into_bytes() }
    };
    let programs: Vec<Program> = entries.iter().enumerate().map(program).collect();
    if programs.iter().all(|program| program.bytes.is_empty()) {
        return Err(Error::Unexpected(format!("{}: no entry has a text under {:?}", path.display(), args.key)));
    }
    Ok(programs)
}

/// The files below a folder whose names end so, sorted; links are not followed.
pub(crate) fn files(folder: &Path, extensions: &[&str]) -> Result<Vec<PathBuf>, Error> {
    let mut found = Vec::new();
    let mut folders = vec![(folder.to_owned(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        let read = |source| Error::Read { path: folder.clone(), source };
        for entry in fs::read_dir(&folder).map_err(read)? {
            let entry = entry.map_err(read)?;
            let (path, kind) = (entry.path(), entry.file_type().map_err(read)?);
            let wanted = || path.extension().is_some_and(|found| extensions.iter().any(|one| found == *one));
            if kind.is_dir() && depth < DEPTH_MAX {
                folders.push((path, depth + 1));
            } else if kind.is_file() && wanted() {
                found.push(path);
            }
        }
        if found.len() > FILES_MAX {
            return Err(Error::Unexpected(format!("{}: more than {FILES_MAX} files", folder.display())));
        }
    }
    found.sort();
    Ok(found)
}
