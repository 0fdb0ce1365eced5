//! What the command line says.

use std::path::{Path, PathBuf};

use super::trial::Trial;

/// A peer: its name, the language that it is for, and how it is called; `{rules}` is what `--NAME-rules` names.
struct Peer {
    name: &'static str,
    languages: &'static [&'static str],
    arguments: &'static [&'static str],
}

const PEERS: [Peer; 5] = [
    Peer {
        name: "ruff",
        languages: &["Python"],
        arguments: &["check", "--select", "S", "--no-cache", "--isolated", "--exit-zero", "--output-format", "json"],
    },
    Peer { name: "bandit", languages: &["Python"], arguments: &["-q", "-f", "json", "--exit-zero", "-r"] },
    Peer {
        name: "semgrep",
        languages: &["Python", "JavaScript"],
        arguments: &["scan", "--config", "{rules}", "--metrics=off", "--no-git-ignore", "-q", "--json"],
    },
    Peer {
        name: "oxlint",
        languages: &["JavaScript"],
        arguments: &[
            "-A",
            "all",
            "-D",
            "no-eval",
            "-D",
            "no-implied-eval",
            "-D",
            "no-new-func",
            "-D",
            "no-script-url",
            "-D",
            "no-with",
            "--no-ignore",
            "-f",
            "json",
        ],
    },
    Peer {
        name: "ast-grep",
        languages: &["Python", "JavaScript"],
        arguments: &["scan", "--rule", "{rules}", "--json=stream", "--no-ignore", "hidden"],
    },
];

/// What is measured.
pub(crate) struct Options {
    pub(crate) rounds: u32,
    pub(crate) hostile: bool,
    /// How many small artifacts are vetted in a batch, where any are.
    pub(crate) batch: u64,
    pub(crate) python: Option<PathBuf>,
    pub(crate) javascript: Option<PathBuf>,
    /// Names of peers with their commands, and `NAME-rules` with their rules.
    commands: Vec<(String, String)>,
}

impl Options {
    /// Reads the command line.
    pub(crate) fn read(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options =
            Self { rounds: 5, hostile: false, batch: 0, python: None, javascript: None, commands: Vec::new() };
        while let Some(word) = words.next() {
            // Cargo passes it to every benchmark.
            if word == "--bench" {
                continue;
            }
            let name = word.strip_prefix("--").unwrap_or_default();
            let value = words.next().ok_or_else(|| format!("{word} needs a value"))?;
            let is_known = |peer: &Peer| peer.name == name.strip_suffix("-rules").unwrap_or(name);
            match name {
                "rounds" => {
                    options.rounds =
                        value.parse().ok().filter(|&rounds| rounds > 0).ok_or("--rounds needs a number above 0")?;
                }
                "batch" => options.batch = value.parse().map_err(|_| "--batch needs a number of artifacts")?,
                "hostile" => options.hostile = value == "yes",
                "python" => options.python = Some(value.into()),
                "javascript" => options.javascript = Some(value.into()),
                _ if PEERS.iter().any(is_known) => options.commands.push((name.to_owned(), value)),
                _ => return Err(format!("unknown argument {word}")),
            }
        }
        Ok(options)
    }

    fn command(&self, name: &str) -> Option<&str> {
        self.commands.iter().find(|(known, _)| known == name).map(|(_, command)| command.as_str())
    }

    /// The peers that were named for a language, to be run over `path`.
    pub(crate) fn peers(&self, language: &str, path: &Path) -> Vec<Trial> {
        let named = PEERS.iter().filter(|peer| peer.languages.contains(&language));
        let trial = |peer: &Peer| {
            let command = self.command(peer.name)?;
            let rules = self.command(&format!("{}-rules", peer.name)).unwrap_or_default();
            let fill = |argument: &&'static str| if *argument == "{rules}" { rules } else { *argument };
            Some(Trial::new(peer.name, command, &peer.arguments.iter().map(fill).collect::<Vec<_>>(), path))
        };
        named.filter_map(trial).collect()
    }

    /// The peers for a language that were not named.
    pub(crate) fn missing(&self, language: &str) -> Vec<&'static str> {
        let missing = |peer: &&Peer| peer.languages.contains(&language) && self.command(peer.name).is_none();
        PEERS.iter().filter(missing).map(|peer| peer.name).collect()
    }
}
