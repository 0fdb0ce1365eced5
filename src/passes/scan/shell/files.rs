//! Files that a script fetches and then runs: a pipe from the server to the interpreter, with a file between.

use std::ops::Range;

use super::{Command, is_flag};
use crate::passes::scan::layers::Tongue;
use crate::passes::scan::{limits, runners};

/// Programs that fetch, and the flag after which the file is named that they write.
const FETCHERS: [(&str, char); 4] = [("aria2c", 'o'), ("curl", 'o'), ("fetch", 'o'), ("wget", 'O')];

/// Programs that tell whether a file is the one that was meant.
const CHECKERS: [&str; 12] = [
    "b2sum",
    "cosign",
    "gpg",
    "gpgv",
    "md5sum",
    "minisign",
    "openssl",
    "sha1sum",
    "sha256sum",
    "sha512sum",
    "shasum",
    "signify",
];

/// Words with which they do more than print.
const CHECKS: [&str; 9] = ["-c", "--check", "--verify", "-V", "-Vm", "-verify", "verify", "verify-blob", "--strict"];

/// Programs that run the file that they are told, beside the interpreters that are known elsewhere.
const RUNNERS: [&str; 5] = [".", "perl", "php", "ruby", "source"];

/// What has been fetched so far.
#[derive(Debug, Default)]
pub(super) struct Fetched {
    files: Vec<File>,
}

/// A file that was fetched.
#[derive(Clone, Debug)]
struct File {
    name: String,
    /// The program and the address.
    from: String,
    /// Where the statement stands that fetches it.
    start: usize,
}

impl Fetched {
    /// Follows the commands of the statement at a place. What runs what was fetched is told as the pipe that it is, with where
    /// that begins and ends.
    pub(super) fn follow(&mut self, commands: &[Command], place: &Range<usize>) -> Vec<(Range<usize>, String)> {
        let mut found = Vec::new();
        for pipeline in commands.chunk_by(|_, next| next.after == Some('|')) {
            if !self.files.is_empty() {
                self.files.retain(|file| !pipeline.iter().any(|command| file.is_checked_by(command)));
                for (file, runner) in self.files.iter().filter_map(|file| Some((file, file.runner(pipeline)?))) {
                    found.push((file.start..place.end, format!("{} | {runner}", file.from)));
                }
            }
            self.fetch(pipeline, place.start);
            pipeline.iter().for_each(|command| self.copy(command));
        }
        found
    }

    fn fetch(&mut self, pipeline: &[Command], start: usize) {
        let Some(fetch) = pipeline.iter().find_map(Fetch::of) else { return };
        let redirected = pipeline.iter().flat_map(Command::files).cloned();
        for name in fetch.file.into_iter().chain(redirected) {
            if name != "-" && !name.starts_with("/dev/") && self.files.len() < limits::SHELL_NAMING_MAX {
                self.files.push(File { name, from: fetch.from.clone(), start });
            }
        }
    }

    /// A file that is moved or copied is the same file.
    fn copy(&mut self, command: &Command) {
        let [program, arguments @ ..] = command.effective() else { return };
        if !matches!(program.rsplit('/').next(), Some("cp" | "install" | "ln" | "mv")) {
            return;
        }
        let words: Vec<&String> = arguments.iter().filter(|word| !is_flag(word)).collect();
        let [.., from, to] = words[..] else { return };
        let copied: Vec<File> = self.files.iter().filter(|file| file.is(from)).cloned().collect();
        self.files.extend(copied.into_iter().map(|file| File { name: to.clone(), ..file }));
    }
}

impl File {
    /// Whether a word names it.
    fn is(&self, word: &str) -> bool {
        let plain = |name: &str| name.trim_start_matches("./").trim_start_matches("$PWD/").to_owned();
        let name = plain(&self.name);
        !name.is_empty() && name == plain(word)
    }

    /// What runs it in a pipeline.
    fn runner<'p>(&self, pipeline: &'p [Command]) -> Option<&'p str> {
        let named = |command: &Command| command.words.iter().skip(1).chain(&command.from).any(|word| self.is(word));
        let mut is_read = false;
        for command in pipeline {
            let words = command.effective();
            let (program, arguments) = words.split_first()?;
            if self.is(program) {
                return Some("sh");
            }
            let name = program.rsplit('/').next().unwrap_or_default();
            let runner = runners::interpreter(program).map(Tongue::runner).or_else(|| match name {
                "." | "source" => Some("sh"),
                name => RUNNERS.contains(&name).then_some(name),
            });
            let is_told = arguments.iter().find(|word| !is_flag(word)).is_some_and(|word| self.is(word));
            let is_given = command.reads_code().is_some() && (is_read || command.from.iter().any(|word| self.is(word)));
            if runner.is_some() && (is_told || is_given) {
                return runner;
            }
            is_read |= name == "cat" && named(command);
        }
        None
    }

    /// Whether a command finds out if it is the file that was meant.
    fn is_checked_by(&self, command: &Command) -> bool {
        let words = command.effective();
        let checks = |text: &str| CHECKERS.iter().any(|checker| text.contains(checker));
        match words.split_first() {
            // `[ "$(sha256sum x | cut -c1-64)" = … ]`.
            Some((program, arguments)) if matches!(program.as_str(), "[" | "[[" | "test") => {
                arguments.iter().any(|word| checks(word))
            }
            Some((program, arguments)) => {
                checks(program.rsplit('/').next().unwrap_or_default())
                    && arguments.iter().any(|word| CHECKS.contains(&word.as_str()))
            }
            None => false,
        }
    }
}

/// A command that fetches something.
struct Fetch {
    /// The program and the address, without what would end the command.
    from: String,
    /// The file that it goes to, unless that is told by where its output goes.
    file: Option<String>,
}

impl Fetch {
    fn of(command: &Command) -> Option<Self> {
        let (program, arguments) = command.effective().split_first()?;
        let name = program.rsplit('/').next()?;
        let &(name, flag) = FETCHERS.iter().find(|(fetcher, _)| *fetcher == name)?;
        let (mut file, mut addresses, mut keeps_name) = (None, Vec::new(), name != "curl");
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            if let Some(long) = word.strip_prefix("--") {
                let (long, value) = long.split_once('=').map_or((long, None), |(long, value)| (long, Some(value)));
                match long {
                    "output" | "output-document" | "out" => {
                        file = value.map(str::to_owned).or_else(|| words.next().cloned())
                    }
                    "remote-name" | "remote-name-all" => keeps_name = true,
                    _ => {}
                }
            } else if let Some(short) = word.strip_prefix('-').filter(|short| !short.is_empty()) {
                match short.split_once(flag) {
                    Some((_, "")) => file = words.next().cloned(),
                    Some((_, value)) => file = Some(value.to_owned()),
                    None => keeps_name |= short.contains('O'),
                }
            } else {
                addresses.push(word);
            }
        }
        let address = addresses.iter().find(|word| word.contains("://")).or_else(|| addresses.last())?;
        let last =
            || address.split(['?', '#']).next()?.rsplit('/').next().filter(|last| !last.is_empty()).map(str::to_owned);
        let file = file.or_else(|| if keeps_name { last() } else { None });
        Some(Self { from: format!("{name} {}", address.replace(['\n', ';', '|', ' '], "")), file })
    }
}
