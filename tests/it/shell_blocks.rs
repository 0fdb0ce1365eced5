//! The `sh` blocks of the README and the pages of `vetrun help` can be typed as they stand: each is run, or the table says why
//! not, and then at least its commands, options and files are those that there are. So is every `vetrun …` in a sentence.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use regex::Regex;
use rustix::process::{Pid, Signal, kill_process_group};

use crate::readme::pages;
use crate::support::{folder, root, run, shown, vetrun};

/// What becomes of a block.
enum Proof {
    /// It ends by itself with this code, and makes these files.
    Runs(i32, &'static [&'static str]),
    /// It goes on until it is ended, once this file has something in it.
    RunsUntil(&'static str),
    /// It is not run here, and why.
    NotRun(&'static str),
}

use Proof::{NotRun, Runs, RunsUntil};

const BUILDS: &str = "it compiles for minutes";
const BY_CI: &str = "`.ci/run` runs the block as it stands";

/// Every block, by its page and its first line.
const BLOCKS: &[(&str, &str, Proof)] = &[
    ("README.md", "cargo run --release --locked -- run fixtures/clean/pandas-report", NotRun(BY_CI)),
    ("README.md", "cargo test --locked", NotRun(BY_CI)),
    ("batch.md", "vetrun batch artifacts --resume results.jsonl", Runs(1, &["results.jsonl"])),
    ("cache.md", "vetrun check my-artifact --cache ~/.cache/vetrun", Runs(0, &["home/.cache/vetrun"])),
    (
        "docker.md",
        "docker run --rm -v /var/run/docker.sock",
        NotRun("it wants an image that holds vetrun and a client"),
    ),
    ("environment.md", "env -i PATH=/usr/local/bin", NotRun("vetrun is not installed for the whole machine")),
    ("formats.md", "vetrun batch artifacts --run --report html=vetrun.html", Runs(1, &["vetrun.html"])),
    ("formats.md", "vetrun run app --report intoto=app.intoto.jsonl", Runs(0, &["app.intoto.jsonl"])),
    ("install.md", "cargo install --locked --path .", NotRun(BUILDS)),
    ("install.md", "pip install ./src/python", NotRun(BUILDS)),
    ("install.md", "pip install maturin", NotRun("`.ci/run` makes the wheel, installs it and tests it")),
    ("install.md", "rustup target add x86_64-unknown-linux-musl", NotRun(BUILDS)),
    ("install.md", "docker build --file src/packaging/Dockerfile", NotRun(BUILDS)),
    (
        "install.md",
        "mkdir -p ~/.local/share/bash-completion",
        Runs(
            0,
            &[
                "home/.local/share/bash-completion/completions/vetrun",
                "home/.zfunc/_vetrun",
                "home/.config/fish/completions/vetrun.fish",
                "home/.local/share/man/man1/vetrun.1",
            ],
        ),
    ),
    ("packages.md", "vetrun run my-artifact --report", Runs(0, &["bom.json", "bom.spdx.json", "pylock.toml"])),
    ("parse.md", "cargo run --release --example agreement", NotRun(BUILDS)),
    ("policy.md", "vetrun schema policy > vetrun.schema.json", Runs(0, &["vetrun.schema.json"])),
    ("pre-commit.md", "git ls-files -z '*.py' | xargs -0 vetrun check", Runs(0, &[".vetrun-baseline.json"])),
    ("scan.md", "cargo run --release --example parity", NotRun(BUILDS)),
    ("watch.md", "vetrun watch workspace", RunsUntil("printed")),
    ("watch.md", "vetrun watch workspace --format jsonl --quiet | while", RunsUntil("notified")),
];

const BAD: &str = "eval(input())\n";
const GOOD: &str = "print('fine')\n";

/// A folder in which the blocks are run, a repository of git, with a home of its own and a program that is notified.
fn place() -> tempfile::TempDir {
    let files = [
        ("my-artifact/main.py", GOOD),
        ("app/main.py", GOOD),
        ("artifacts/good/main.py", GOOD),
        ("artifacts/bad/main.py", BAD),
        ("workspace/bad.py", BAD),
        ("home/.keep", ""),
        ("programs/notify", "#!/bin/sh\nprintf '%s\\n' \"$1\" >> notified\n"),
    ];
    let place = folder(&files);
    let programs = "chmod +x programs/notify && git init -q && git add -A";
    assert!(
        Command::new("sh").args(["-c", programs]).current_dir(place.path()).status().is_ok_and(|end| end.success())
    );
    place
}

/// A shell that runs `block` there; what it prints goes into the file `printed`.
fn shell(block: &str, place: &Path) -> Command {
    let path = std::env::var("PATH").unwrap_or_default();
    let own = Path::new(env!("CARGO_BIN_EXE_vetrun")).parent().expect("a folder");
    let file = std::fs::File::create(place.join("printed")).expect("a file");
    let errors = file.try_clone().expect("a file");
    let mut command = Command::new("sh");
    command.args(["-ec", block]).current_dir(place).stdin(Stdio::null()).stdout(file).stderr(errors).env_clear();
    command.env("PATH", format!("{}:{}:{path}", own.display(), place.join("programs").display()));
    command.env("HOME", place.join("home")).process_group(0);
    command
}

fn ends(block: &str, code: i32, makes: &[&str]) {
    let place = place();
    let end = shell(block, place.path()).status().expect("a shell").code();
    let printed = std::fs::read_to_string(place.path().join("printed")).expect("text");
    assert_eq!(end, Some(code), "{block}\n{printed}");
    for file in makes {
        let path = place.path().join(file);
        let made = path.metadata().unwrap_or_else(|error| panic!("{block}\n{file}: {error}\n{printed}"));
        assert!(made.is_dir() || made.len() > 0, "{block}\n{file} is empty");
    }
}

fn goes_on(block: &str, sign: &str) {
    let place = place();
    let mut child = shell(block, place.path()).spawn().expect("a shell");
    let started = Instant::now();
    let said = || std::fs::metadata(place.path().join(sign)).is_ok_and(|file| file.len() > 0);
    while !said() && started.elapsed() < Duration::from_secs(30) && child.try_wait().expect("a child").is_none() {
        std::thread::sleep(Duration::from_millis(20));
    }
    let is_at_work = child.try_wait().expect("a child").is_none();
    let _gone = kill_process_group(Pid::from_child(&child), Signal::TERM);
    let _end = child.wait().expect("it ends");
    let printed = std::fs::read_to_string(place.path().join("printed")).expect("text");
    assert!(is_at_work, "{block} ended by itself\n{printed}");
    assert!(said(), "{block}\n`{sign}` is empty\n{printed}");
}

/// The `sh` blocks of a page.
fn blocks(page: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(page).expect("a page");
    let mut rest = text.as_str();
    let mut found = Vec::new();
    while let Some((_, after)) = rest.split_once("```sh\n") {
        let (block, behind) = after.split_once("```\n").expect("a fence is closed");
        found.push(block.to_owned());
        rest = behind;
    }
    found
}

/// What is named beside the commands that are not run: files of this repository, targets of cargo, options of the programs
/// that they are.
fn stands(block: &str) {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).expect("the manifest");
    let recipe = std::fs::read_to_string(root().join("src/packaging/Dockerfile")).expect("the recipe");
    let is_own = Regex::new(r"^(\./)?(src|tests|fixtures)/").expect("a valid pattern");
    for line in block.lines() {
        let words: Vec<&str> = line.split_whitespace().map(|word| word.trim_matches(['(', ')', '"'])).collect();
        let own = words.iter().filter(|word| is_own.is_match(word));
        own.for_each(|path| assert!(root().join(path).exists(), "{path} is not there: {line}"));
        for pair in words.windows(2) {
            match pair {
                ["--example" | "--bench", name] => target_takes(&manifest, name, &words, line),
                ["--features", name] => assert!(manifest.contains(&format!("\n{name} = [")), "{line}"),
                ["--build-arg", value] => {
                    let name = value.split('=').next().expect("a name");
                    assert!(recipe.contains(&format!("ARG {name}")), "{name} is no argument of the recipe: {line}");
                }
                ["vetrun", first] if first.bytes().all(|byte| byte.is_ascii_lowercase()) => {
                    let at = words.iter().rposition(|word| *word == "vetrun").expect("it is there");
                    accepted(&words[at + 1..], line);
                }
                _ => {}
            }
        }
    }
}

/// The target of cargo is there, and its program knows the options behind `--`.
fn target_takes(manifest: &str, name: &str, words: &[&str], line: &str) {
    let (_, entry) =
        manifest.split_once(&format!("name = \"{name}\"\n")).unwrap_or_else(|| panic!("no {name}: {line}"));
    let path = entry.split('"').nth(1).expect("a path");
    let text = sources(root().join(path).parent().expect("a folder"));
    let behind = words.iter().skip_while(|word| **word != "--").skip(1);
    for option in behind.filter(|word| word.starts_with("--")) {
        let name = option.trim_start_matches('-');
        let field = format!(" {}: ", name.replace('-', "_"));
        let known =
            text.contains(&format!("\"{option}\"")) || text.contains(&format!("\"{name}\"")) || text.contains(&field);
        assert!(known, "there is no {option}: {line}");
    }
}

/// All Rust in a folder.
fn sources(folder: &Path) -> String {
    let mut text = String::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("a file").path();
        if path.is_dir() {
            text.push_str(&sources(&path));
        } else if path.extension().is_some_and(|end| end == "rs") {
            text.push_str(&std::fs::read_to_string(&path).expect("text"));
        }
    }
    text
}

/// The command line is one of vetrun's: with `--help` behind it, it asks for help and does nothing.
fn accepted(arguments: &[&str], line: &str) {
    let output = vetrun().args(arguments).arg("--help").output().expect("vetrun starts");
    assert_eq!(output.status.code(), Some(0), "{line}\n{}", shown(&output));
}

#[test]
fn every_shell_block_is_run_or_says_why_not() {
    let mut seen = BTreeSet::new();
    for page in pages() {
        let name = page.file_name().and_then(|name| name.to_str()).expect("a name").to_owned();
        for block in blocks(&page) {
            let is_it = |(page, first, _): &&(&str, &str, Proof)| name == *page && block.starts_with(first);
            let longest =
                BLOCKS.iter().enumerate().filter(|(_, entry)| is_it(entry)).max_by_key(|(_, entry)| entry.1.len());
            let (at, (_, _, proof)) = longest.unwrap_or_else(|| {
                panic!("{name}: this block has no line in the table of tests/it/shell_blocks.rs:\n{block}")
            });
            assert!(seen.insert(at), "{name}: two blocks begin alike:\n{block}");
            match proof {
                Runs(code, makes) => ends(&block, *code, makes),
                RunsUntil(sign) => goes_on(&block, sign),
                NotRun(why) => {
                    assert!(!why.is_empty());
                    stands(&block);
                }
            }
        }
    }
    assert_eq!(seen.len(), BLOCKS.len(), "the table has blocks that no page has");
}

/// `vetrun …` in the sentences of a page, where no sentence of an example is meant.
fn mentioned(page: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(page).expect("a page");
    let prose: String = text.split("```").step_by(2).collect();
    let prose = prose.split_whitespace().collect::<Vec<_>>().join(" ");
    let spans = Regex::new("`vetrun ([^`]+)`").expect("a valid pattern");
    spans.captures_iter(&prose).map(|found| found[1].to_owned()).collect()
}

#[test]
fn commands_and_options_in_sentences_are_there() {
    let mut helps: BTreeMap<Vec<String>, String> = BTreeMap::new();
    let mut count = 0;
    for page in pages() {
        for span in mentioned(&page) {
            let words: Vec<&str> = span.split_whitespace().map(|word| word.trim_matches(['[', ']'])).collect();
            let is_name = |word: &&&str| word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
            let path: Vec<String> = words
                .iter()
                .take_while(|word| !word.starts_with('-'))
                .take_while(is_name)
                .map(|word| (*word).to_owned())
                .collect();
            if path.first().is_some_and(|name| name == "mcp") && !cfg!(feature = "mcp") {
                continue;
            }
            let place = format!("{}: `vetrun {span}`", page.display());
            let help = helps.entry(path.clone()).or_insert_with(|| help_of(&path, &place));
            for option in words.iter().filter(|word| word.starts_with("--")) {
                let option = option.split('=').next().expect("a name");
                let mut known = help.split(|char: char| !char.is_ascii_alphanumeric() && char != '-');
                assert!(known.any(|word| word == option), "{place}: no {option}");
            }
            count += 1;
        }
    }
    assert!(count > 50, "{count} commands in sentences");
}

/// What help says of the command that `path` begins with: words behind it are what it is given.
fn help_of(path: &[String], place: &str) -> String {
    if let [help, topic] = path
        && help == "help"
    {
        let output = run(&["help", topic]);
        assert!(output.status.success(), "{place}: {}", shown(&output));
        return String::new();
    }
    let lengths = (1..=path.len().min(2)).rev();
    let asked = lengths.map(|length| vetrun().args(&path[..length]).arg("--help").output().expect("vetrun starts"));
    let told = asked.into_iter().find(|output| output.status.success());
    let told = told.filter(|_| !path.is_empty()).or_else(|| path.is_empty().then(|| run(&["--help"])));
    let told = told.unwrap_or_else(|| panic!("{place}: there is no such command"));
    String::from_utf8(told.stdout).expect("UTF-8")
}
