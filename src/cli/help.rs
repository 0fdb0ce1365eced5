//! `vetrun help`: the help of a command, or a page about a topic.
//!
//! The pages are the Markdown files of `src/help/`, whose examples are run by a test. They are shown as they are written, but
//! for what is there for web pages alone.

use std::fmt::Write as _;
use std::io::{self, Write as _};

use clap::{Args, CommandFactory as _};

use super::Failure;
use super::args::{Cli, Color};
use super::reporting::{answer, colored};
use crate::policy::nearest;
use crate::vet::Exit;

/// What help is wanted for.
#[derive(Debug, Args)]
pub(super) struct HelpArgs {
    /// A topic, or a command: `vetrun help policy`, `vetrun help rules explain`
    #[arg(value_name = "TOPIC")]
    words: Vec<String>,
}

/// A page.
struct Topic {
    name: &'static str,
    text: &'static str,
}

impl Topic {
    /// Its first heading.
    fn title(&self) -> &'static str {
        self.text.lines().next().and_then(|line| line.strip_prefix("# ")).unwrap_or(self.name)
    }
}

macro_rules! topics {
    ($($name:literal),+ $(,)?) => {
        &[$(Topic { name: $name, text: include_str!(concat!("../help/", $name, ".md")) }),+]
    };
}

/// All pages, in the order in which they are listed.
const TOPICS: &[Topic] = topics![
    "install",
    "hooks",
    "mcp",
    "python",
    "pre-commit",
    "formats",
    "batch",
    "watch",
    "policy",
    "environment",
    "cache",
    "parse",
    "scan",
    "rules",
    "packages",
    "sandbox",
    "docker",
    "promises"
];

/// `vetrun help`.
pub(super) fn help(args: &HelpArgs) -> Result<Exit, Failure> {
    let text = match args.words.split_first() {
        None => overview(),
        Some((name, [])) if topic(name).is_some() => topic(name).map(page).unwrap_or_default(),
        Some(_) => of_command(&args.words)?,
    };
    answer().write_all(text.as_bytes())?;
    Ok(Exit::Passed)
}

fn topic(name: &str) -> Option<&'static Topic> {
    TOPICS.iter().find(|topic| topic.name == name)
}

/// What `vetrun --help` says, and the topics.
fn overview() -> String {
    format!("{}\n{}", styled(&mut Cli::command()), list())
}

/// The topics, a line each.
pub(super) fn list() -> String {
    let width = TOPICS.iter().map(|topic| topic.name.len()).max().unwrap_or_default();
    let mut text = "Topics of `vetrun help TOPIC`:\n".to_owned();
    for topic in TOPICS {
        let _never_fails = writeln!(text, "  {:width$}  {}", topic.name, topic.title());
    }
    text
}

/// The help of a command, which may be one of another: `rules explain`.
fn of_command(words: &[String]) -> Result<String, Failure> {
    let mut command = Cli::command().bin_name("vetrun");
    command.build();
    let mut found = &mut command;
    for word in words {
        let names: Vec<String> = found.get_subcommands().map(|one| one.get_name().to_owned()).collect();
        if !names.contains(word) {
            return Err(unknown(word, &names).into());
        }
        found = found.find_subcommand_mut(word).ok_or_else(|| format!("there is no command `{word}`"))?;
    }
    Ok(styled(found))
}

fn unknown(word: &str, names: &[String]) -> String {
    let all = names.iter().map(String::as_str).chain(TOPICS.iter().map(|topic| topic.name));
    match nearest(word, all) {
        Some(name) => format!("there is no help about `{word}` (did you mean `{name}`?)"),
        None => format!("there is no help about `{word}` (`vetrun help` lists all)"),
    }
}

fn styled(command: &mut clap::Command) -> String {
    let text = command.render_long_help();
    if is_colored() { text.ansi().to_string() } else { text.to_string() }
}

fn is_colored() -> bool {
    colored(Color::Auto, &io::stdout())
}

/// The text of a page for a terminal.
fn page(topic: &Topic) -> String {
    let (bold, plain) = if is_colored() { ("\u{1b}[1m", "\u{1b}[0m") } else { ("", "") };
    let mut text = String::new();
    for line in topic.text.lines().filter(|line| !is_for_browsers(line)) {
        let _never_fails = match line.split_once("# ") {
            Some((marks, heading)) if marks.bytes().all(|byte| byte == b'#') => {
                writeln!(text, "{bold}{heading}{plain}")
            }
            _ => writeln!(text, "{line}"),
        };
    }
    text
}

/// Comments, and elements of HTML that stand alone.
fn is_for_browsers(line: &str) -> bool {
    line.starts_with("<!--") || line.starts_with("<details>") || line == "</details>"
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_page_is_a_topic_with_a_title() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/help");
        let files = std::fs::read_dir(folder).expect("the pages").map(|file| file.expect("a page").path());
        let files: BTreeSet<String> =
            files.map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned()).collect();
        assert_eq!(files, TOPICS.iter().map(|topic| topic.name.to_owned()).collect());
        for topic in TOPICS {
            assert!(topic.text.starts_with("# ") && topic.title().len() <= 80, "{}", topic.name);
        }
    }

    #[test]
    fn no_topic_hides_a_command_but_one_that_tells_more() {
        let names: BTreeSet<String> = Cli::command().get_subcommands().map(|one| one.get_name().to_owned()).collect();
        for topic in TOPICS.iter().filter(|topic| names.contains(topic.name)) {
            assert!(topic.text.contains(&format!("vetrun {} --help", topic.name)), "{}", topic.name);
        }
    }

    #[test]
    fn what_is_misspelt_is_named() {
        let said = |words: &[&str]| {
            of_command(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>()).unwrap_err().to_string()
        };
        assert_eq!(said(&["packges"]), "there is no help about `packges` (did you mean `packages`?)");
        assert_eq!(said(&["chekc"]), "there is no help about `chekc` (did you mean `check`?)");
        assert_eq!(said(&["rules", "zzz"]), "there is no help about `zzz` (`vetrun help` lists all)");
        let explain = of_command(&["rules".to_owned(), "explain".to_owned()]).expect("a command");
        assert!(explain.contains("vetrun rules explain"), "{explain}");
    }
}
