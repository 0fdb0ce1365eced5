//! Commands whose words are data: what they print, search for or store is run by nobody.
//!
//! In doubt a word is no data. A command is held to handle its words as data alone if its program is known to, nothing that is not
//! known to read alone takes its output, and the script does nothing that could turn either around.

use super::{Command, Script, is_flag};
use crate::passes::scan::limits;

/// Programs that run none of their words.
const PROGRAMS: [&str; 17] = [
    ":",
    "[",
    "[[",
    "case",
    "cat",
    "echo",
    "egrep",
    "false",
    "fgrep",
    "grep",
    "jq",
    "logger",
    "notify-send",
    "printf",
    "rg",
    "test",
    "true",
];

/// Of these, the ones that evaluate what their words hold.
const EVALUATORS: [&str; 5] = ["[", "[[", "case", "printf", "test"];

/// Programs that hand on what they read, or count it, and run nothing.
const CONSUMERS: [&str; 16] = [
    "base64",
    "cmp",
    "column",
    "cut",
    "diff",
    "fold",
    "head",
    "md5sum",
    "nl",
    "rev",
    "sha256sum",
    "tail",
    "tee",
    "tr",
    "uniq",
    "wc",
];

/// Sub-commands of git that store or search for words.
const GIT: [&str; 8] = ["blame", "commit", "grep", "log", "notes", "show", "stash", "tag"];

/// Of GitHub's program: what can be written to, and what is done with it.
const GITHUB: ([&str; 3], [&str; 4]) = (["issue", "pr", "release"], ["comment", "create", "edit", "list"]);

/// Endings of files that nobody runs.
const TEXTS: [&str; 7] = [".adoc", ".csv", ".log", ".md", ".rst", ".tsv", ".txt"];

/// Places that keep nothing.
const SINKS: [&str; 4] = ["/dev/null", "/dev/stderr", "/dev/stdout", "/dev/tty"];

/// Programs with which a script can turn around what its other commands do.
const TURNERS: [&str; 7] = ["alias", "builtin", "coproc", "enable", "function", "mkfifo", "mknod"];

/// Whether it is certain what is quoted in a script, and what is a comment.
pub(super) fn is_readable(text: &str, script: &Script) -> bool {
    // Quotes in these end by rules of their own, and an arm of `case` has a bracket that none opens.
    let substitutes = text.contains("$(") || text.contains("<(") || text.contains('`');
    let is_odd = |part: &str| part.split('}').next().is_some_and(|inside| inside.contains(['\'', '"', '`', '\\', '$']));
    let is_unclear = script.is_odd || text.contains("$'") || text.contains("$\"");
    let has_arms = substitutes && text.contains("case");
    let has_odd_braces = text.split("${").skip(1).any(is_odd);
    script.limit.is_none() && !is_unclear && !has_arms && !has_odd_braces
}

/// Whether a script leaves its commands what they are: it defines no function or alias, has no pipe to a descriptor, and
/// hands no group of commands on to something that could run what they print.
pub(super) fn is_straight(text: &str, script: &Script) -> bool {
    let turns = |command: &Command| {
        let own = command.own();
        let before = &command.words[..command.words.len() - own.len()];
        own.first().is_some_and(|word| TURNERS.contains(&word.as_str())) || before.iter().any(|word| word == "exec")
    };
    if script.turns || text.contains("/fd/") || text.contains("/proc/") {
        return false;
    }
    // Groups of commands write where their end says.
    let is_end = |command: &Command| command.words.first().is_none_or(|word| ENDS.contains(&word.as_str()));
    if script.commands.iter().any(|command| is_end(command) && keeps(command)) {
        return false;
    }
    let is_grouped = text.contains(['{', '(']) || text.contains("done") || text.contains("fi");
    let hands_on = |command: &Command| command.after == Some('|') && (!handles_data(command) || keeps(command));
    let is_handed_on = is_grouped && script.commands.iter().any(hands_on);
    !is_handed_on && !script.commands.iter().any(turns)
}

/// Words that end groups of commands.
const ENDS: [&str; 4] = ["}", "done", "esac", "fi"];

/// Whether a command writes anything that stays.
pub(super) fn keeps(command: &Command) -> bool {
    command.files().any(|file| !SINKS.contains(&file.as_str()))
}

/// Whether a command runs nothing of what it reads and none of its words.
fn handles_data(command: &Command) -> bool {
    let words = command.effective();
    is_data(words) || words.first().is_some_and(|program| CONSUMERS.contains(&program.as_str()))
}

/// Whether a program runs none of its words.
fn is_data(words: &[String]) -> bool {
    let Some((program, arguments)) = words.split_first() else { return false };
    let has = |flags: &[&str]| arguments.iter().any(|word| flags.iter().any(|flag| word.starts_with(flag)));
    match program.as_str() {
        "git" => {
            // Before the sub-command, settings can name programs.
            let is_known = arguments.first().is_some_and(|word| GIT.contains(&word.as_str()));
            is_known && !has(&["-O", "--open-files-in-pager", "--ext-diff", "--textconv", "--output"])
        }
        "gh" => {
            let (things, deeds) = GITHUB;
            matches!(arguments, [thing, deed, ..] if things.contains(&thing.as_str()) && deeds.contains(&deed.as_str()))
        }
        "rg" => !has(&["--pre", "--hostname-bin"]),
        "printf" => !has(&["-v"]),
        program => PROGRAMS.contains(&program),
    }
}

/// The commands of a pipeline whose words are data, by their places in it; `script` is all of the script.
pub(super) fn commands(pipeline: &[Command], script: &[Command]) -> Vec<usize> {
    let (mut found, mut is_kept) = (Vec::new(), true);
    for (at, command) in pipeline.iter().enumerate().rev() {
        is_kept &= command.files().all(|file| is_text(file, pipeline, script));
        if is_kept && !command.is_fed && is_data(command.effective()) {
            found.push(at);
        }
        is_kept &= handles_data(command);
    }
    found
}

/// Whether what a pipeline prints may be run by others.
pub(super) fn hands_on(pipeline: &[Command]) -> bool {
    pipeline.iter().any(|command| command.is_fed || keeps(command))
        || pipeline.iter().skip(1).any(|command| !handles_data(command))
}

/// Whether what is written there is run by nobody: it is a text by its name, and no other pipeline that does more than read
/// names it, or could by a pattern or a variable.
fn is_text(file: &str, pipeline: &[Command], script: &[Command]) -> bool {
    if SINKS.contains(&file) {
        return true;
    }
    let name = file.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    let Some(stem) = TEXTS.iter().find_map(|ending| name.strip_suffix(*ending)) else { return false };
    let may_name =
        |word: &String| word.to_ascii_lowercase().contains(stem) || word.contains(['*', '?', '[', '{', '$', '`']);
    let names = |command: &Command| command.words.iter().chain(&command.from).any(may_name);
    let is_harmless = |command: &Command| !command.is_fed && (handles_data(command) || is_stored(command.effective()));
    let is_own = |others: &[Command]| others[0].range == pipeline[0].range;
    name != "cmakelists.txt"
        && script.len() <= limits::SHELL_NAMING_MAX
        && script
            .chunk_by(|_, next| next.after == Some('|'))
            .all(|others| is_own(others) || others.iter().all(is_harmless) || !others.iter().any(names))
}

/// Whether a command puts files under version control, and runs none.
fn is_stored(words: &[String]) -> bool {
    matches!(words, [git, add, ..] if git == "git" && matches!(add.as_str(), "add" | "commit" | "diff" | "status"))
}

/// Whether a word of a command whose words are data may be one that the program evaluates.
pub(super) fn is_evaluated(program: &str, word: &str) -> bool {
    EVALUATORS.contains(&program) && (word.contains("$(") || word.contains('`')) && !is_flag(word)
}
