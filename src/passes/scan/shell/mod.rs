//! Shell scripts: their simple commands, and which text of them is run as code.
//!
//! This is no shell. It undoes quotes, and tells operators, redirections, here-documents and comments from words. Each statement
//! is looked at as it stands, and once more as what it is with its variables put in, as far as the script tells what they
//! hold; a file that is fetched and then run counts as a pipe. Rules over text look at the whole script beside that.

mod data;
mod expand;
mod files;
mod output;
mod read;
mod tokens;
mod variables;
mod view;

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

pub(super) use read::script;

use super::layers::{Layer, Tongue};
use super::limits;
use super::matcher::Hit;
use super::runners::{self, Run};
use crate::artifact::SourceFile;
use crate::finding::Severity;
use crate::language::Language;
use crate::rules::{Candidate, Haystack, RuleLanguage, RuleSet, What};

/// Whether a file is a script for a shell, by its name or its `#!` line.
pub(super) fn is_script(file: &SourceFile) -> bool {
    let extension = file.file_name().rsplit_once('.').map(|(_, extension)| extension);
    let named = matches!(extension, Some("sh" | "bash" | "zsh" | "ksh" | "dash"));
    file.language == Language::Text && (named || extension.is_none() && has_shebang(&file.bytes))
}

fn has_shebang(bytes: &[u8]) -> bool {
    let line = bytes.strip_prefix(b"#!").and_then(|rest| rest.split(|&byte| byte == b'\n').next());
    let words = line.unwrap_or_default().split(|byte| matches!(byte, b' ' | b'/' | b'\t' | b'\r'));
    words.into_iter().any(|word| matches!(word, b"sh" | b"bash" | b"zsh" | b"ksh" | b"dash" | b"ash"))
}

/// What there is to say about a script.
#[derive(Default)]
pub(super) struct Judged {
    pub(super) hits: Vec<Hit>,
    pub(super) layers: Vec<Layer>,
    pub(super) limit: Option<String>,
}

/// Runs the rules over text and those over commands over a script, and finds the code in it; `depth` layers are around it, and
/// `is_fed` says whether others may run what it prints.
pub(super) fn judge(text: &str, is_fed: bool, rules: &RuleSet, depth: usize) -> Judged {
    let script = read::script_of(text, is_fed);
    let limit = script.limit.map(|what| format!("the limit of {what} was reached"));
    let mut judged = Judged { limit, ..Judged::default() };
    judged.hits = view::hits(text, &script, rules);
    for command in &script.commands {
        let is_data = command.places.last().is_some_and(|place| script.data.contains_key(&place.start));
        judged.hits.extend(if is_data { Vec::new() } else { command.hits(rules) });
    }
    for (range, code) in script.code {
        let Code { run: Run { tongue, text, codec }, written, is_fed } = code;
        judged.layers.push(Layer { written, codec, is_fed, ..Layer::new(range, (tongue, text), depth) });
    }
    for Restated { range, text, is_fed } in script.restated {
        // Most of what variables are for is of no interest to anyone.
        if has_something(&text, is_fed, rules) {
            let layer = Layer::new(range, (Tongue::Shell, text.into()), depth);
            judged.layers.push(Layer { is_fed, is_restated: true, ..layer });
        }
    }
    judged
}

/// Whether a script is one that rules have something to say about, or that has code of other languages in it. With many
/// scripts inside of one another it may be.
fn has_something(text: &str, is_fed: bool, rules: &RuleSet) -> bool {
    let (mut scripts, mut next) = (vec![(Arc::from(text), is_fed)], 0);
    while let Some((text, is_fed)) = scripts.get(next).cloned() {
        let script = read::script_of(&text, is_fed);
        let has_code = script.code.iter().any(|(_, code)| code.run.tongue != Tongue::Shell);
        if has_code
            || next >= SCRIPTS_MAX
            || !view::hits(&text, &script, rules).is_empty()
            || script.commands.iter().any(|command| !command.hits(rules).is_empty())
        {
            return true;
        }
        for (_, Code { run, is_fed, .. }) in script.code {
            if !scripts.contains(&(Arc::clone(&run.text), is_fed)) {
                scripts.push((run.text, is_fed));
            }
        }
        next += 1;
    }
    false
}

/// Scripts inside of one another that are looked into for the words of commands.
const SCRIPTS_MAX: usize = 64;

/// The words of every command of a script, those of scripts in it included, as far as they are known.
#[must_use]
pub fn command_words(text: &str) -> Vec<Vec<String>> {
    all_commands(text).into_iter().map(|command| command.own().to_vec()).collect()
}

/// What the commands of a script name that they may write: where their output goes, and every word of those whose program
/// is not known to read alone.
#[must_use]
pub fn may_be_written(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for command in all_commands(text) {
        if !command.only_reads() {
            let words = command.own().iter().skip(1).map(String::as_str);
            found.extend(
                words
                    .flat_map(|word| [Some(word), word.split_once('=').map(|(_, value)| value)])
                    .flatten()
                    .map(str::to_owned),
            );
        }
        found.extend(command.into);
    }
    found
}

fn all_commands(text: &str) -> Vec<Command> {
    let (mut found, mut scripts, mut next) = (Vec::new(), vec![text.to_owned()], 0);
    while let Some(text) = scripts.get(next).filter(|_| next < SCRIPTS_MAX) {
        let script = script(text);
        let inner = script.code.into_iter().filter(|(_, code)| code.run.tongue == Tongue::Shell && !code.written);
        scripts.extend(inner.map(|(_, code)| code.run.text.to_string()));
        scripts.extend(script.restated.into_iter().map(|one| one.text));
        found.extend(script.commands);
        next += 1;
    }
    found
}

/// Programs that write nothing but their output.
const READERS: [&str; 32] = [
    "[",
    "[[",
    "awk",
    "basename",
    "cat",
    "cd",
    "cmp",
    "cut",
    "diff",
    "dirname",
    "echo",
    "egrep",
    "export",
    "fgrep",
    "file",
    "grep",
    "head",
    "jq",
    "less",
    "ls",
    "more",
    "printf",
    "pwd",
    "realpath",
    "rg",
    "sha256sum",
    "source",
    "stat",
    "tail",
    "test",
    "vetrun",
    "wc",
];

/// Sub-commands of git that change no file of the work tree.
const GIT_READERS: [&str; 9] = ["add", "blame", "commit", "diff", "grep", "log", "ls-files", "show", "status"];

/// Text of a script that is code.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Code {
    pub(super) run: Run,
    /// Others may run what it prints.
    pub(super) is_fed: bool,
    /// It goes into a file; else it is run.
    pub(super) written: bool,
}

/// A statement as it is once the shell has put in what it puts in, or several that are one in what they do.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Restated {
    range: Range<usize>,
    pub(super) text: String,
    /// Others may run what it prints.
    is_fed: bool,
}

/// One simple command.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Command {
    /// Its words, quotes undone, without redirections.
    pub(super) words: Vec<String>,
    /// The operator before it.
    pub(super) after: Option<char>,
    /// Where it stands in the script.
    pub(super) range: Range<usize>,
    /// What it is given to read: a here-document or here-string.
    pub(super) input: Option<Arc<str>>,
    /// Where that stands.
    pub(super) input_place: Option<Range<usize>>,
    /// Where its words stand, quotes included.
    pub(super) places: Vec<Range<usize>>,
    /// Quotes were undone in it.
    pub(super) is_quoted: bool,
    /// What it prints is handed on as words or as a file, so that others may run it.
    pub(super) is_fed: bool,
    /// The files that its output goes to, and those that it reads, with descriptors among them.
    pub(super) into: Vec<String>,
    pub(super) from: Vec<String>,
}

/// Words that stand before a command and are none.
const RESERVED: [&str; 12] =
    ["!", "{", "do", "elif", "else", "exec", "if", "then", "time", "until", "while", "command"];

/// Programs that start the one that is named after them.
const STARTERS: [&str; 9] = ["sudo", "env", "/usr/bin/env", "nohup", "nice", "setsid", "stdbuf", "timeout", "xargs"];

impl Command {
    /// Its words from the program on.
    fn own(&self) -> &[String] {
        let is_before = |word: &String| RESERVED.contains(&word.as_str()) || is_assignment(word);
        let first = self.words.iter().position(|word| !is_before(word)).unwrap_or(self.words.len());
        &self.words[first..]
    }

    /// Its words from the program on that other programs start for it.
    fn effective(&self) -> &[String] {
        let mut words = self.own();
        for _ in 0..limits::WRAPPERS_MAX {
            let Some((program, rest)) = words.split_first() else { return words };
            let wrapped = match program.as_str() {
                "sudo" | "env" | "nohup" | "nice" | "setsid" | "stdbuf" | "time" | "xargs" => {
                    rest.iter().position(|word| !is_flag(word) && !is_assignment(word))
                }
                "find" => rest.iter().position(|word| matches!(word.as_str(), "-exec" | "-execdir")).map(|at| at + 1),
                _ => None,
            };
            let Some(inner) = wrapped.and_then(|at| rest.get(at..)) else { return words };
            words = inner;
        }
        words
    }

    /// The hits of rules over commands. Those of less weight are about how another program starts a shell, and say nothing of
    /// what is a script for one.
    fn hits(&self, rules: &RuleSet) -> Vec<Hit> {
        let text = self.own().join(" ");
        let (mut hits, mut told) = (Vec::new(), HashSet::new());
        for language in [RuleLanguage::Python, RuleLanguage::JavaScript] {
            for Candidate { hook, .. } in rules.tables(language).shells.candidates(&Haystack::of(&text)) {
                let (rule, matcher) = rules.hooked(hook);
                let What::Shell { regex } = &matcher.what else { continue };
                let counts = rule.severity >= Severity::High && rule.label.is_none();
                if counts && regex.get().is_match(&text) && told.insert(&*rule.message) {
                    hits.push(Hit::plain(hook.rule, self.range.start, self.range.end));
                }
            }
        }
        hits
    }

    /// The interpreter that takes what this command reads for code.
    fn reads_code(&self) -> Option<Tongue> {
        let is_before = |word: &&String| {
            let number = word.trim_end_matches(['s', 'm', 'h']);
            STARTERS.contains(&word.as_str())
                || is_assignment(word)
                || is_flag(word)
                || (!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
        };
        let mut words = self.own().iter().skip_while(is_before);
        let tongue = runners::interpreter(words.next()?)?;
        let names_code = |word: &str| match tongue {
            Tongue::Python => matches!(word, "-c" | "-m"),
            Tongue::Shell => word.ends_with('c') && !word.starts_with("--"),
            Tongue::JavaScript | Tongue::Html => matches!(word, "-e" | "--eval" | "-p" | "--print" | "-pe"),
        };
        let arguments: Vec<&str> = words.map(String::as_str).collect();
        let reads = arguments.iter().all(|word| is_flag(word) && !names_code(word))
            || arguments.iter().any(|word| matches!(*word, "-" | "-s" | "/dev/stdin"));
        reads.then_some(tongue)
    }

    /// The script for a shell that it starts: what `eval` and `ssh` are given, and what `xargs` makes of what it reads.
    fn started(&self, read: Option<&str>) -> Option<String> {
        let (program, arguments) = self.own().split_first()?;
        let inner = self.effective();
        let script = match program.rsplit('/').next().unwrap_or_default() {
            "eval" => arguments.join(" "),
            "ssh" => {
                // The first word that is neither an option nor what belongs to one is the host.
                let mut words = arguments.iter().peekable();
                while let Some(flag) = words.next_if(|word| is_flag(word)) {
                    let takes = flag.len() == 2 && flag.ends_with(|char: char| "bcDEeFIiJLlmOopQRSWw".contains(char));
                    let _value = takes.then(|| words.next());
                }
                words.skip(1).cloned().collect::<Vec<_>>().join(" ")
            }
            "xargs" if !inner.is_empty() && inner.len() < self.own().len() => {
                let words: Vec<&str> = inner.iter().map(String::as_str).chain(read?.split_whitespace()).collect();
                words.join(" ")
            }
            _ => return None,
        };
        Some(script).filter(|script| !script.trim().is_empty())
    }

    /// Whether the program is known to write nothing but its output.
    fn only_reads(&self) -> bool {
        let Some((program, arguments)) = self.own().split_first() else { return true };
        match program.rsplit('/').next().unwrap_or_default() {
            "git" => {
                arguments.iter().find(|word| !is_flag(word)).is_some_and(|word| GIT_READERS.contains(&word.as_str()))
            }
            "sed" => !arguments.iter().any(|word| word.starts_with("-i") || word.starts_with("--in-place")),
            name => READERS.contains(&name),
        }
    }

    /// The files that it writes.
    fn files(&self) -> impl Iterator<Item = &String> {
        let tees = self.own().first().is_some_and(|program| program.rsplit('/').next() == Some("tee"));
        let named = self.own().iter().skip(1).filter(move |word| tees && !is_flag(word));
        self.into.iter().chain(named)
    }
}

fn is_flag(word: &str) -> bool {
    word.len() > 1 && word.starts_with('-')
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| is_name(name.strip_suffix('+').unwrap_or(name)))
}

/// Whether a variable can be called so.
fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|first: char| first.is_ascii_digit())
        && name.chars().all(|char| char.is_ascii_alphanumeric() || char == '_')
}

/// The language of code in a file of this name.
fn tongue_of(path: &str) -> Option<Tongue> {
    match Language::detect(path, b"") {
        Language::Python => Some(Tongue::Python),
        Language::JavaScript | Language::TypeScript => Some(Tongue::JavaScript),
        Language::Html => Some(Tongue::Html),
        _ => matches!(path.rsplit_once('.'), Some((_, "sh" | "bash" | "zsh"))).then_some(Tongue::Shell),
    }
}

/// A script, taken apart.
#[derive(Debug, Default)]
pub(super) struct Script {
    pub(super) commands: Vec<Command>,
    /// What of it is code, and where: of interpreters, of shells, of substitutions in quotes, of files that it writes.
    pub(super) code: Vec<(Range<usize>, Code)>,
    /// What statements of it amount to.
    pub(super) restated: Vec<Restated>,
    /// Substitutions in double quotes: which code they are, and of which command.
    substitutions: Vec<(usize, usize)>,
    /// Where comments stand.
    comments: Vec<Range<usize>>,
    /// Words and texts that are judged as code of their own.
    judged: BTreeMap<usize, usize>,
    /// Words and texts that nobody runs.
    data: BTreeMap<usize, usize>,
    /// It may end elsewhere than was understood what is quoted in it.
    is_odd: bool,
    /// It defines functions, or hands on what it prints in ways of its own.
    turns: bool,
    /// It is certain what is quoted in it, and its commands are what they are.
    is_straight: bool,
    /// Quotes were undone somewhere.
    quotes: bool,
    /// What the last pipeline prints, as far as that is plain.
    printed: Option<Arc<str>>,
    /// The limit that was reached.
    pub(super) limit: Option<&'static str>,
}

impl Script {
    fn add(&mut self, range: &Range<usize>, run: Run, written: bool) {
        if self.code.len() < limits::SHELL_CODES_MAX {
            self.code.push((range.clone(), Code { run, written, is_fed: false }));
        } else {
            self.limit = Some("texts of code in a shell script");
        }
    }

    /// Finds the code in the commands.
    fn find_code(&mut self) {
        let commands = std::mem::take(&mut self.commands);
        for pipeline in commands.chunk_by(|_, next| next.after == Some('|')) {
            self.find_code_in(pipeline);
        }
        self.commands = commands;
    }

    /// What substitutions in double quotes print is run, unless the command handles its words as data. What is nothing but a
    /// substitution runs what that prints.
    fn settle_substitutions(&mut self) {
        for (code, owner) in std::mem::take(&mut self.substitutions) {
            let is_data = self
                .commands
                .get(owner)
                .is_some_and(|command| command.places.last().is_some_and(|place| self.data.contains_key(&place.start)));
            if let Some((_, code)) = self.code.get_mut(code) {
                code.is_fed = !is_data;
            }
        }
        let is_last = self.commands.iter().all(|command| command.is_fed || command.words == ["$"]);
        let printed = self.printed.take().filter(|_| is_last);
        if let (Some(text), Some(first), Some(last)) = (printed, self.commands.first(), self.commands.last()) {
            let range = first.range.start..last.range.end;
            self.add(&range, Run::plain(Tongue::Shell, text), false);
        }
    }

    /// Finds the code in commands of which each reads what the one before it writes.
    fn find_code_in(&mut self, pipeline: &[Command]) {
        let range = pipeline[0].range.start..pipeline[pipeline.len() - 1].range.end;
        let before = self.code.len();
        let (mut text, mut codec): (Option<Arc<str>>, _) = (None, None);
        for command in pipeline {
            let read = command.input.clone().or(text);
            if let (Some(code), Some(tongue)) = (&read, command.reads_code()) {
                let codec = codec.filter(|_| command.input.is_none());
                self.add(&range, Run { codec, ..Run::plain(tongue, Arc::clone(code)) }, false);
                self.judged.extend(command.input_place.iter().map(|place| (place.start, place.end)));
            }
            if let Some(text) = command.started(read.as_deref()) {
                let words = command.words.iter().zip(&command.places);
                let inside =
                    words.filter(|(word, _)| text.contains(*word) && !word.contains("$(") && !word.contains('`'));
                self.judged.extend(inside.map(|(_, place)| (place.start, place.end)));
                self.add(&range, Run::plain(Tongue::Shell, text), false);
            }
            text = command.writes(read.as_ref());
            codec = match command.own().first().map(String::as_str) {
                Some("base64") => Some("base64"),
                Some("cat" | "tee") => codec,
                _ => None,
            };
            for (code, file) in text.iter().flat_map(|code| command.files().map(move |file| (code, file))) {
                if let Some(tongue) = tongue_of(file) {
                    self.add(&range, Run::plain(tongue, Arc::clone(code)), true);
                }
            }
        }
        self.printed = text;
        let words: Vec<&[String]> = pipeline.iter().map(|command| command.words.as_slice()).collect();
        for run in runners::run_by(&words.join(&"|".to_owned())) {
            let places = pipeline.iter().flat_map(|command| command.words.iter().zip(&command.places));
            // What is put in from a substitution is told by the words around that.
            let same = places.filter(|(word, _)| **word == *run.text && !word.contains("$(") && !word.contains('`'));
            self.judged.extend(same.map(|(_, place)| (place.start, place.end)));
            self.add(&range, run, false);
        }
        let is_fed = data::hands_on(pipeline);
        self.code[before..].iter_mut().for_each(|(_, code)| code.is_fed |= is_fed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<Vec<String>> {
        script(text).commands.into_iter().map(|command| command.words).collect()
    }

    fn code(text: &str) -> Vec<(Tongue, String, bool)> {
        let found = script(text).code;
        found.into_iter().map(|(_, code)| (code.run.tongue, code.run.text.to_string(), code.written)).collect()
    }

    #[test]
    fn commands_are_told_from_operators_redirections_and_comments() {
        assert_eq!(
            words("a 'b c' \"d\\\"e\" f\\ g; h&&i||j"),
            [vec!["a", "b c", "d\"e", "f g"], vec!["h"], vec!["i"], vec!["j"]]
        );
        assert_eq!(words("# it's a comment\nmake -j2 2>&1 >out.txt <in # the rest\n"), [["make", "-j2"]]);
        assert_eq!(
            words("for x in 1 2\ndo echo $x\ndone"),
            [vec!["for", "x", "in", "1", "2"], vec!["do", "echo", "$x"], vec!["done"]]
        );
        assert_eq!(words("a \\\n  b"), [["a", "b"]]);
        assert_eq!(words("x=$(curl y)"), [vec!["x=$"], vec!["curl", "y"]]);
    }

    #[test]
    fn code_in_a_script_is_found() {
        use Tongue::{JavaScript, Python, Shell};
        let cases: &[(&str, Tongue, &str, bool)] = &[
            ("cd x && python3 -c 'import os'", Python, "import os", false),
            ("python3 - <<'EOF'\nimport os\nEOF\n", Python, "import os\n", false),
            ("sudo env A=b python3 <<EOF | tee log\nimport os\nEOF", Python, "import os\n", false),
            ("cat <<-E | node\n\tf()\n\tE\n", JavaScript, "f()\n", false),
            ("echo 'import os' | python3", Python, "import os", false),
            ("echo 'import os' | rev | rev | timeout 5s sh", Shell, "import os\n", false),
            ("printf '%s-%s' a b | sh", Shell, "a-b", false),
            ("printf '\\x61\\154%%s' | sh", Shell, "al%s", false),
            ("echo nop | tr a-z n-za-m | sh", Shell, "abc", false),
            ("echo 6c73 | xxd -r -p | sh", Shell, "ls", false),
            ("echo 'f()' |\n node", JavaScript, "f()", false),
            ("python3 <<< 'import os'", Python, "import os", false),
            ("bash -c 'rm -rf x'", Shell, "rm -rf x", false),
            ("echo \"a $(rm -rf x) b\"", Shell, "rm -rf x", false),
            ("cat > a/b.py <<'EOF'\nimport os\nEOF\nls", Python, "import os\n", true),
            ("printf 'f()\\n' | tee x.js", JavaScript, "f()\n", true),
            ("echo f >> x.sh", Shell, "f", true),
        ];
        for (text, tongue, expected, written) in cases {
            let found = code(text);
            assert!(found.contains(&(*tongue, (*expected).to_owned(), *written)), "{text}: {found:?}");
        }
        assert_eq!(code("sh bash sh -c 'ls'"), [(Shell, "ls".to_owned(), false)], "what is run once is one text");
        for text in
            ["echo 'import os'", "python3 a.py < data", "cat a.py | grep x", "echo a | python3 a.py", "a || python3"]
        {
            assert_eq!(code(text), [], "{text}");
        }
    }

    #[test]
    fn what_commands_may_write_is_named() {
        let cases: [(&str, &[&str]); 7] = [
            ("cat a > b", &["b"]),
            ("cp a b", &["a", "b"]),
            ("sed -n 1p a; sed -i s/x/y/ b", &["-i", "s/x/y/", "b"]),
            ("git diff a && git checkout b", &["checkout", "b"]),
            ("bash -c 'rm a' ", &["-c", "rm a", "a"]),
            ("dd if=x of=a", &["if=x", "x", "of=a", "a"]),
            ("grep x vetrun.toml | wc -l", &[]),
        ];
        for (text, expected) in cases {
            assert_eq!(may_be_written(text), expected, "{text}");
        }
        assert_eq!(
            command_words("cd x && sudo -E pip install y"),
            [vec!["cd", "x"], vec!["sudo", "-E", "pip", "install", "y"]]
        );
    }

    #[test]
    fn any_text_is_read_to_its_end() {
        for text in ["'", "\"$(", "<<", "a <<E", "\\", "`", "((((", "| | &", "a <<A <<B\nx\nA\ny\n", "é\"ü$(ö"] {
            let script = script(text);
            assert!(script.commands.iter().all(|command| text.get(command.range.clone()).is_some()), "{text}");
        }
        let awaiting = format!("a {}{}\n", "<<a ".repeat(100_000), ";".repeat(100_000));
        let started = std::time::Instant::now();
        assert_eq!(words(&awaiting), [["a"]]);
        assert!(
            started.elapsed().as_secs() < 10,
            "every sign is looked at once, not with every document that is awaited"
        );
        let many = "a;".repeat(limits::SHELL_COMMANDS_MAX + 1);
        assert!(judge(&many, false, &RuleSet::load(false, &[] as &[&str]).expect("no rules"), 0).limit.is_some());
    }

    #[test]
    fn what_statements_amount_to_is_told() {
        let cases: [(&str, &[&str]); 16] = [
            ("x=a; $x b", &["a b"]),
            ("x='a b'; $x \"$x\"", &["a b \"a b\""]),
            ("x='a; b'; $x", &["a\\; b"]),
            ("x=a; y=\"$x$z\"; $y", &["y=\"a$z\""]),
            ("x=a; if b; then x=c; fi; $x", &["a", "c"]),
            ("x=; read x; $x b", &[]),
            ("x=a; echo '$x' \\$x", &[]),
            ("x=a; cat <<E\n$x\nE\ncat <<'E'\n$x\nE", &["cat <<E\na\nE"]),
            ("for i in a b; do $i; done", &["do a", "do b"]),
            ("${x:-a} ${y:+b} ${z}", &["a ${y:+b} ${z}"]),
            ("a{b,c}d e{f", &["abd acd e{f"]),
            ("$(echo a b | rev) $((1 + 1)) $(curl x)", &["b a $((1 + 1)) $(curl x)"]),
            ("curl -o a u://v; chmod +x a; ./a", &["curl u://v | sh"]),
            ("curl -o a u://v; ./b", &[]),
            ("curl -o a u://v; gpg --verify b.sig b && sh a", &["curl u://v | sh"]),
            ("curl -o a u://v; gpg --verify a.sig a && sh a", &[]),
        ];
        for (text, expected) in cases {
            let found: Vec<String> = script(text).restated.into_iter().map(|one| one.text).collect();
            assert_eq!(found, expected, "{text}");
        }
        // What is put in of what was put in before grows, up to a limit that is told.
        let doubled: String = (0..60).map(|_| "x=\"$x$x$x$x\"\n").collect();
        assert!(script(&format!("x=aaaa\n{doubled}")).limit.is_some());
        let nested = format!("x=a\n{}", "{a,b}".repeat(60));
        assert!(script(&nested).limit.is_some());
    }
}
