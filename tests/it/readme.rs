//! The README and the pages of `vetrun help` tell the truth: every `console` example is run, and what it shows is what is
//! printed; tables are made of what they are about.
//!
//! Times, sizes of memory and digests differ from run to run; they are masked on both sides. After a change of output,
//! `VETRUN_UPDATE_README=1 cargo test readme` writes the README anew; read the difference before you commit it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use regex::Regex;
use vetrun::policy::Policy;

use crate::support::root;

const OPEN: &str = "```console\n";
const CLOSE: &str = "```\n";

/// The limits that users meet most, and what each holds.
const LIMITS: &[(&str, &str)] = &[
    ("intake.files_max", "files and folders of an artifact"),
    ("intake.file_bytes_max", "one file"),
    ("intake.total_bytes_max", "all files together"),
    ("parse.nesting_depth_max", "brackets and tags inside one another"),
    ("install.requirements_max", "declared packages"),
    ("install.installed_bytes_max", "all packages, unpacked"),
    ("install.min_age", "how long ago a file must have been uploaded"),
    ("install.timeout", "the whole install"),
    ("execute.timeout", "a run"),
    ("execute.memory", "memory, swap and files in memory included"),
    ("execute.cpus", "processors"),
    ("execute.pids", "processes and threads"),
    ("execute.stream_bytes_max", "each of standard output and standard error"),
    ("execute.out_bytes_max", "the output folder"),
    ("execute.network", "what a run can reach"),
];

/// What is printed by the shell line, and the exit code where it is not 0.
fn printed(line: &str) -> String {
    let binary = Path::new(env!("CARGO_BIN_EXE_vetrun"));
    let path = std::env::var("PATH").unwrap_or_default();
    let output = Command::new("sh")
        .args(["-c", &format!("{line} 2>&1")])
        .current_dir(root())
        .env("PATH", format!("{}:{path}", binary.parent().expect("a folder").display()))
        .env("NO_COLOR", "1")
        .env_remove("GITHUB_ACTIONS")
        .output()
        .expect("a shell");
    let mut text = String::from_utf8(output.stdout).expect("UTF-8");
    if let Some(code) = output.status.code().filter(|code| *code != 0) {
        writeln!(text, "exit code {code}").expect("a string takes all");
    }
    text
}

/// What differs from run to run, masked.
fn masked(text: &str) -> String {
    let masks = [
        (r"\d+(\.\d+)? ?(ms|s)\b", "TIME"),
        (r"\d+(\.\d+)? [KM]i?B\b", "SIZE"),
        (r"sha256:[0-9a-f]+", "DIGEST"),
        (r#""durationMs":\d+"#, "TIME"),
        (r"native sandbox: .*", "SANDBOX"),
        (r"command +\S+/", "command "),
        (r"\d+ processes", "PROCESSES"),
        (r" +", " "),
    ];
    masks.iter().fold(text.to_owned(), |text, (pattern, mask)| {
        Regex::new(pattern).expect("a valid pattern").replace_all(&text, *mask).into_owned()
    })
}

/// Whether pages are to be written anew.
fn updates() -> bool {
    std::env::var_os("VETRUN_UPDATE_README").is_some()
}

/// The README, and the pages of `vetrun help`.
pub(crate) fn pages() -> Vec<PathBuf> {
    let help = std::fs::read_dir(root().join("src/help")).expect("the pages");
    let mut pages: Vec<PathBuf> = help.map(|entry| entry.expect("a page").path()).collect();
    pages.push(root().join("README.md"));
    pages.sort();
    pages
}

/// Runs the examples of a page; how many there are.
fn examples_of(path: &Path) -> usize {
    let page = std::fs::read_to_string(path).expect("a page");
    let mut fresh = String::new();
    let mut examples = 0;
    let mut rest = page.as_str();
    while let Some((before, after)) = rest.split_once(OPEN) {
        let (block, behind) = after.split_once(CLOSE).expect("a fence is closed");
        let command = block.lines().next().and_then(|line| line.strip_prefix("$ ")).expect("a command");
        let text = printed(command);
        let shown = block.split_once('\n').map_or("", |(_, shown)| shown);
        if !updates() {
            assert_eq!(masked(shown), masked(&text), "{}: $ {command}", path.display());
        }
        write!(fresh, "{before}{OPEN}$ {command}\n{text}{CLOSE}").expect("a string takes all");
        examples += 1;
        rest = behind;
    }
    fresh.push_str(rest);
    if updates() && masked(&fresh) != masked(&page) {
        std::fs::write(path, fresh).expect("a page can be written");
    }
    examples
}

#[test]
fn every_example_shows_what_is_printed() {
    let examples: usize = pages().iter().map(|path| examples_of(path)).sum();
    assert!(examples >= 9, "{examples} examples");
}

/// What stands between two marks of the README, which must be `wanted`.
fn between(mark: &str, wanted: &str) {
    let path = root().join("README.md");
    let readme = std::fs::read_to_string(&path).expect("the README");
    let (open, close) = (format!("<!-- {mark} -->\n"), format!("<!-- /{mark} -->\n"));
    let (before, rest) = readme.split_once(&open).expect("the mark");
    let (shown, behind) = rest.split_once(&close).expect("the end of the mark");
    if updates() && shown != wanted {
        std::fs::write(path, format!("{before}{open}{wanted}{close}{behind}")).expect("the README can be written");
        return;
    }
    assert_eq!(shown, wanted, "VETRUN_UPDATE_README=1 writes it anew");
}

#[test]
fn the_limits_are_those_of_the_policy() {
    let policy = toml::Value::try_from(Policy::default()).expect("the policy as TOML");
    let mut table = "| limit | default | what it holds |\n|---|---|---|\n".to_owned();
    for (name, what) in LIMITS {
        let value = name.split('.').try_fold(&policy, |at, key| at.get(key)).expect(name);
        let shown = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        writeln!(table, "| `{name}` | {shown} | {what} |").expect("a string takes all");
    }
    between("limits", &table);
}

#[test]
fn the_topics_are_those_of_the_help() {
    let help = printed("vetrun help");
    let (_, list) = help.split_once("Topics of `vetrun help TOPIC`:\n").expect("the topics");
    let mut table = "| topic | |\n|---|---|\n".to_owned();
    for line in list.lines() {
        let (name, title) = line.trim().split_once("  ").expect("a name and a title");
        writeln!(table, "| [`{name}`](src/help/{name}.md) | {} |", title.trim()).expect("a string takes all");
    }
    between("topics", &table);
}

#[test]
fn the_rule_that_is_shown_is_the_one_that_is_tested() {
    let read = |path: &str| std::fs::read_to_string(root().join(path)).expect("a file");
    let rule = read("fixtures/rules/python/acme-live-payment.toml");
    assert!(read("src/help/rules.md").contains(&format!("```toml\n{rule}```\n")), "the page shows another rule");
}
