//! The README tells the truth: every `console` example is run, and what it shows is what is printed.
//!
//! Times, sizes of memory and digests differ from run to run; they are masked on both sides. After a change of output,
//! `VETRUN_UPDATE_README=1 cargo test readme` writes the README anew; read the difference before you commit it.

use std::fmt::Write as _;
use std::process::Command;

use regex::Regex;

use crate::support::root;

const OPEN: &str = "```console\n";
const CLOSE: &str = "```\n";

/// What is printed by the shell line, and the exit code where it is not 0.
fn printed(line: &str) -> String {
    let binary = std::path::Path::new(env!("CARGO_BIN_EXE_vetrun"));
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

#[test]
fn every_example_shows_what_is_printed() {
    let path = root().join("README.md");
    let readme = std::fs::read_to_string(&path).expect("the README");
    let mut fresh = String::new();
    let mut examples = 0;
    let mut rest = readme.as_str();
    while let Some((before, after)) = rest.split_once(OPEN) {
        let (block, behind) = after.split_once(CLOSE).expect("a fence is closed");
        let command = block.lines().next().and_then(|line| line.strip_prefix("$ ")).expect("a command");
        let text = printed(command);
        let shown = block.split_once('\n').map_or("", |(_, shown)| shown);
        if std::env::var_os("VETRUN_UPDATE_README").is_none() {
            assert_eq!(masked(shown), masked(&text), "$ {command}");
        }
        write!(fresh, "{before}{OPEN}$ {command}\n{text}{CLOSE}").expect("a string takes all");
        examples += 1;
        rest = behind;
    }
    fresh.push_str(rest);
    assert!(examples >= 5, "{examples} examples");
    if std::env::var_os("VETRUN_UPDATE_README").is_some() && masked(&fresh) != masked(&readme) {
        std::fs::write(path, fresh).expect("the README can be written");
    }
}
