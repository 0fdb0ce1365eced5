//! Functions that give a text to a shell or start a program, and where in their arguments its words stand.

use super::RuleLanguage;

/// Which arguments are the words of the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Words {
    /// The first one: a text, or a list of words.
    First,
    /// The first, and the list that follows it.
    FirstAndList,
    /// All from this position on.
    From(usize),
    /// The one at this position: a text, or a list of words.
    At(usize),
}

/// A keyword argument that may stand for the command.
pub(crate) const KEYWORDS: [&str; 3] = ["args", "cmd", "command"];

const PYTHON: [(&str, Words); 44] = [
    ("os.system", Words::First),
    ("os.popen", Words::First),
    ("os.startfile", Words::First),
    ("os.execl", Words::From(1)),
    ("os.execle", Words::From(1)),
    ("os.execlp", Words::From(1)),
    ("os.execlpe", Words::From(1)),
    ("os.execv", Words::At(1)),
    ("os.execve", Words::At(1)),
    ("os.execvp", Words::At(1)),
    ("os.execvpe", Words::At(1)),
    ("os.spawnl", Words::From(2)),
    ("os.spawnle", Words::From(2)),
    ("os.spawnlp", Words::From(2)),
    ("os.spawnlpe", Words::From(2)),
    ("os.spawnv", Words::At(2)),
    ("os.spawnve", Words::At(2)),
    ("os.spawnvp", Words::At(2)),
    ("os.spawnvpe", Words::At(2)),
    ("os.posix_spawn", Words::At(1)),
    ("os.posix_spawnp", Words::At(1)),
    ("subprocess.run", Words::First),
    ("subprocess.call", Words::First),
    ("subprocess.check_call", Words::First),
    ("subprocess.check_output", Words::First),
    ("subprocess.Popen", Words::First),
    ("subprocess.getoutput", Words::First),
    ("subprocess.getstatusoutput", Words::First),
    ("commands.getoutput", Words::First),
    ("commands.getstatusoutput", Words::First),
    ("popen2.popen2", Words::First),
    ("popen2.popen3", Words::First),
    ("popen2.popen4", Words::First),
    ("platform.popen", Words::First),
    ("pty.spawn", Words::First),
    ("pexpect.spawn", Words::FirstAndList),
    ("pexpect.run", Words::First),
    ("asyncio.create_subprocess_shell", Words::First),
    ("asyncio.create_subprocess_exec", Words::From(0)),
    ("invoke.run", Words::First),
    ("fabric.api.run", Words::First),
    ("fabric.api.local", Words::First),
    ("get_ipython.().system", Words::First),
    ("get_ipython.().getoutput", Words::First),
];

const JAVASCRIPT: [(&str, Words); 13] = [
    ("child_process.exec", Words::First),
    ("child_process.execSync", Words::First),
    ("child_process.spawn", Words::FirstAndList),
    ("child_process.spawnSync", Words::FirstAndList),
    ("child_process.execFile", Words::FirstAndList),
    ("child_process.execFileSync", Words::FirstAndList),
    ("shelljs.exec", Words::First),
    ("execa", Words::FirstAndList),
    ("execa.execa", Words::FirstAndList),
    ("execa.command", Words::First),
    ("execa.execaCommand", Words::First),
    ("execa.execaCommandSync", Words::First),
    ("execa.sync", Words::FirstAndList),
];

/// The functions of a language.
pub(crate) fn of(language: RuleLanguage) -> &'static [(&'static str, Words)] {
    match language {
        RuleLanguage::Python => &PYTHON,
        RuleLanguage::JavaScript => &JAVASCRIPT,
        RuleLanguage::Html | RuleLanguage::Any => &[],
    }
}

/// Where the words of the command stand that a call of `name` starts.
pub(crate) fn words(language: RuleLanguage, name: &str) -> Option<Words> {
    of(language).iter().find(|(known, _)| *known == name).map(|(_, words)| *words)
}
