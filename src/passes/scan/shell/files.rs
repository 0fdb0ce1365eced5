//! Files that a script fetches and then runs: a pipe from the server to the interpreter, with a file between.

use std::collections::HashMap;
use std::ops::Range;

use super::{Command, is_flag};
use crate::passes::scan::layers::Tongue;
use crate::passes::scan::runners;

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
const RUNNERS: [&str; 3] = ["perl", "php", "ruby"];

/// What has been fetched so far.
#[derive(Debug, Default)]
pub(super) struct Fetched {
    /// By what the file is called.
    files: HashMap<String, Origin>,
}

/// Where a file comes from.
#[derive(Clone, Debug)]
struct Origin {
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
                pipeline.iter().for_each(|command| self.check(command));
                if let Some((origin, runner)) = self.run(pipeline) {
                    found.push((origin.start..place.end, format!("{} | {runner}", origin.from)));
                }
            }
            self.fetch(pipeline, place.start);
            pipeline.iter().for_each(|command| self.copy(command));
        }
        found
    }

    /// Where the file comes from that a word names.
    fn origin(&self, word: &str) -> Option<&Origin> {
        self.files.get(plain(word))
    }

    fn fetch(&mut self, pipeline: &[Command], start: usize) {
        let Some(Fetch { from, file }) = pipeline.iter().find_map(Fetch::of) else { return };
        let redirected = pipeline.iter().flat_map(Command::files).cloned();
        for name in file.into_iter().chain(redirected) {
            if name != "-" && !name.starts_with("/dev/") {
                self.files.insert(plain(&name).to_owned(), Origin { from: from.clone(), start });
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
        if let Some(origin) = self.origin(from).cloned() {
            self.files.insert(plain(to).to_owned(), origin);
        }
    }

    /// The file that a pipeline runs, and what runs it.
    fn run<'p>(&self, pipeline: &'p [Command]) -> Option<(&Origin, &'p str)> {
        let mut read = None;
        for command in pipeline {
            let (program, arguments) = command.effective().split_first()?;
            if let Some(origin) = self.origin(program) {
                return Some((origin, "sh"));
            }
            let name = program.rsplit('/').next().unwrap_or_default();
            let runner = runners::interpreter(program).map(Tongue::runner).or_else(|| match name {
                "." | "source" => Some("sh"),
                name => RUNNERS.contains(&name).then_some(name),
            });
            let told = || self.origin(arguments.iter().find(|word| !is_flag(word))?);
            let given = || command.from.iter().find_map(|word| self.origin(word)).or(read);
            let given = || command.reads_code().and_then(|_| given());
            if let (Some(runner), Some(origin)) = (runner, told().or_else(given)) {
                return Some((origin, runner));
            }
            if name == "cat" {
                read = arguments.iter().chain(&command.from).find_map(|word| self.origin(word)).or(read);
            }
        }
        None
    }

    /// Leaves out the files of which a command finds out if they are those that were meant.
    fn check(&mut self, command: &Command) {
        let Some((program, arguments)) = command.effective().split_first() else { return };
        let checks = |text: &str| CHECKERS.iter().any(|checker| text.contains(checker));
        // `[ "$(sha256sum x | cut -c1-64)" = … ]`.
        let compares = matches!(program.as_str(), "[" | "[[" | "test") && arguments.iter().any(|word| checks(word));
        let verifies = checks(program.rsplit('/').next().unwrap_or_default())
            && arguments.iter().any(|word| CHECKS.contains(&word.as_str()));
        if verifies && program.ends_with("sum") {
            // Which files these are stands in the list that they are told.
            self.files.clear();
        } else if compares || verifies {
            for word in arguments.iter().flat_map(|word| word.split([' ', '(', ')', '"', '\'', '`', '|', '<'])) {
                self.files.remove(plain(word));
            }
        }
    }
}

/// The name of a file without what says that it is here.
fn plain(name: &str) -> &str {
    name.trim_start_matches("./").trim_start_matches("$PWD/")
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
