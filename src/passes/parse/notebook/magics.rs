//! IPython's own syntax, made into Python as IPython makes it: `!ls` is `get_ipython().system('ls')`, `%cd x` is
//! `get_ipython().run_line_magic('cd', 'x')`, `%%bash` runs a cell magic over the rest of the cell, `name?` asks for help.
//!
//! Where a magic's text is Python that runs in the notebook (`%%time`, `%timeit f()`), that code follows the call as code,
//! so that it is judged and scanned like any other; this alone differs from what IPython does. What this module does not
//! know to be IPython's syntax stays as it is, and is then no valid Python.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;
use ruff_python_parser::{Mode, ParseOptions, parse_unchecked};

use super::cleanup::clean;
use super::lines::{self, Logical};
use super::mapped::{Mapped, first_of, last_of};
use crate::language::Language;
use crate::passes::parse::problem::Problem;

/// IPython gives a cell up after so many translations.
const TRANSLATIONS_MAX: usize = 499;

/// Magics around one another that are looked into: `%%time`, `%%capture`, ….
const NESTED_MAX: usize = 8;

/// Cell magics whose body is Python that runs in the notebook.
const PYTHON_BODIES: &[&str] = &[
    "time",
    "timeit",
    "capture",
    "prun",
    "debug",
    "memit",
    "mprun",
    "lprun",
    "heat",
    "snakeviz",
    "pyinstrument",
    "scalene",
    "mypy",
    "wandb",
    "ipytest",
    "run_pytest",
    "run_pytest[clean]",
    "code_wrap",
    "skip",
];

/// Magics that take a statement, and the letters of their options that take a value.
const STATEMENTS: &[(&str, &str)] = &[
    ("time", ""),
    ("timeit", "nrpv"),
    ("prun", "DlsT"),
    ("debug", "b"),
    ("memit", "rtiT"),
    ("mprun", "fmTD"),
    ("lprun", "fmTDu"),
    ("snakeviz", "f"),
];

/// A cell in Python.
#[derive(Debug, Default)]
pub(super) struct Translated {
    /// The Python that runs.
    pub(super) python: Mapped,
    /// The body of a cell magic in a language that has a judge of its own.
    pub(super) embedded: Option<(Language, Mapped)>,
    /// Why IPython would not run the cell, or why it was not looked into.
    pub(super) problem: Option<Problem>,
}

/// Translates a cell, which ends in a line feed.
pub(super) fn translate(cell: &Mapped) -> Translated {
    let mut out = Translated::default();
    let mut rest = clean(cell);
    for _ in 0..NESTED_MAX {
        let Some(magic) = CellMagic::of(&rest.text) else {
            body(&mut out, &rest);
            return out;
        };
        let name = &rest.text[magic.name.clone()];
        if !PYTHON_BODIES.contains(&name) {
            out.embedded = embedded(name, &rest.text[magic.argument.clone()])
                .map(|language| (language, rest.keep(std::iter::once(magic.body.clone()))));
            cell_magic(&mut out.python, &rest, &magic, magic.body.clone());
            return out;
        }
        cell_magic(&mut out.python, &rest, &magic, magic.body.start..magic.body.start);
        if let Some(statement) = statement(name, &rest.text, magic.argument.clone()) {
            out.python.copy(&rest, statement.clone());
            out.python.insert("\n", &rest, last_of(&rest.text, &statement));
        }
        let inner = rest.keep(std::iter::once(magic.body.clone()));
        rest = clean(&inner);
    }
    let at = out.python.text.len();
    let message = format!("more than {NESTED_MAX} cell magics inside one another");
    out.problem = Some(Problem::new("parse-limit", message, at.saturating_sub(1)..at));
    out
}

/// A cell that begins with `%%`.
struct CellMagic {
    name: Range<usize>,
    argument: Range<usize>,
    body: Range<usize>,
}

impl CellMagic {
    fn of(text: &str) -> Option<Self> {
        let first = lines::split(text).into_iter().next()?;
        let line = text[first.clone()].strip_prefix("%%")?.trim_end();
        let name = line.find(|char: char| char != '_' && !char.is_alphanumeric()).unwrap_or(line.len());
        if name > 0 && line[name..].starts_with('?') {
            return None;
        }
        let (start, end) = (2, 2 + line.len());
        let name = start..start + line.find(' ').unwrap_or(line.len());
        let argument = (name.end + 1).min(end)..end;
        Some(Self { name, argument, body: first.end..text.len() })
    }
}

/// The language of the body of a cell magic, where it has a judge: Python in a process of its own, what a browser shows, a
/// file that is written.
fn embedded(magic: &str, argument: &str) -> Option<Language> {
    match magic {
        "html" | "HTML" => Some(Language::Html),
        "javascript" | "js" => Some(Language::JavaScript),
        "python" | "python3" | "pypy" => Some(Language::Python),
        "script" => {
            let program = argument.split_whitespace().find(|word| !word.starts_with('-'))?;
            let program = program.rsplit('/').next()?;
            match program.trim_end_matches(|char: char| char.is_ascii_digit() || char == '.') {
                "python" => Some(Language::Python),
                "node" => Some(Language::JavaScript),
                _ => None,
            }
        }
        "writefile" | "file" => {
            let path = argument.split_whitespace().next_back()?.trim_matches(['"', '\'']);
            let language = Language::detect(path, b"");
            matches!(language, Language::Python | Language::JavaScript | Language::Html).then_some(language)
        }
        _ => None,
    }
}

fn cell_magic(out: &mut Mapped, cell: &Mapped, magic: &CellMagic, body: Range<usize>) {
    out.insert("get_ipython().run_cell_magic(", cell, 0..2);
    out.literal(cell, magic.name.clone());
    out.insert(", ", cell, last_of(&cell.text, &magic.name));
    out.literal(cell, magic.argument.clone());
    out.insert(", ", cell, last_of(&cell.text, &(0..magic.argument.end)));
    out.literal(cell, body.clone());
    out.insert(")\n", cell, last_of(&cell.text, &(0..body.end.max(1))));
}

/// The statement in the argument of a magic that takes one, its options skipped.
fn statement(magic: &str, text: &str, argument: Range<usize>) -> Option<Range<usize>> {
    let (_, with_value) = STATEMENTS.iter().find(|(name, _)| *name == magic)?;
    let mut at = argument.start;
    loop {
        let rest = &text[at..argument.end];
        at += rest.len() - rest.trim_start().len();
        let rest = &text[at..argument.end];
        let word = rest.split_whitespace().next()?;
        let letter = word
            .strip_prefix('-')
            .filter(|option| option.starts_with(|char: char| char.is_ascii_alphabetic() || char == '-'));
        let Some(letter) = letter else { return Some(at..argument.end) };
        at += word.len();
        if letter.len() == 1 && with_value.contains(letter) {
            let rest = &text[at..argument.end];
            let value = rest.trim_start();
            let value = &value[..value.find(char::is_whitespace).unwrap_or(value.len())];
            at += rest.len() - rest.trim_start().len() + value.len();
        }
    }
}

/// Translates what is left of a cell when its cell magics are done with.
fn body(out: &mut Translated, cell: &Mapped) {
    let text = &cell.text;
    let physical = lines::split(text);
    if let Some(name) = automagic(text, &physical) {
        let line = cell.keep(std::iter::once(0..text.trim_end().len()));
        line_magic(&mut out.python, &line, name.clone());
        code_of_magic(&mut out.python, &line, name, &Line { cell, indent: 0..0, depth: 0 });
        let parsed = parse_unchecked(&line.text, ParseOptions::from(Mode::Module));
        if !parsed.has_invalid_syntax() {
            // Where the notebook has a variable of that name, it runs as what it also is.
            out.python.copy(cell, 0..text.len());
        }
        return;
    }
    let (mut at, mut translations) = (0, 0);
    while at < text.len() {
        let line = lines::logical(text, at);
        let escape = Escape::of(text, &line, &physical);
        let Some(escape) = escape else {
            out.python.copy(cell, at..line.end);
            at = line.end;
            continue;
        };
        translations += 1;
        if translations > TRANSLATIONS_MAX {
            let end = out.python.text.len();
            let message = format!("more than {TRANSLATIONS_MAX} magics in one cell, which IPython does not run");
            out.problem = Some(Problem::new("python-syntax-error", message, end.saturating_sub(1)..end));
            out.python.copy(cell, at..text.len());
            return;
        }
        out.python.copy(cell, at..escape.start);
        call(&mut out.python, cell, &escape, at..line.first);
        at = escape.end;
    }
}

/// A piece of a cell that is IPython's syntax.
struct Escape {
    kind: Kind,
    start: usize,
    /// After the last line of it.
    end: usize,
    /// What it says, without a backslash that continued it.
    content: Vec<Range<usize>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Help,
    /// `!`, `%`, … at the start of a line.
    Command,
    /// `x = !…`.
    SystemAssign,
    /// `x = %…`.
    MagicAssign,
}

impl Escape {
    fn of(text: &str, line: &Logical, physical: &[Range<usize>]) -> Option<Self> {
        if let Some(question) = line.question {
            let last = &physical[line_of(physical, question)];
            if help_end(&text[line.first..last.end]).is_some() {
                let content = std::iter::once(line.first..last.end).collect();
                return Some(Self { kind: Kind::Help, start: line.first, end: last.end, content });
            }
        }
        let (kind, start) = if begins_command(&text[line.first..line.end]) {
            (Kind::Command, line.first)
        } else {
            let assign = line.assign? + 1;
            let value = &text[assign..line.end];
            let start = assign + value.len() - value.trim_start_matches([' ', '\t', '\x0c']).len();
            let mut chars = text[start..line.end].chars();
            match chars.next()? {
                '!' if chars.next() != Some('=') => (Kind::SystemAssign, start),
                '%' if is_name(chars.as_str().trim_start_matches([' ', '\t'])) => (Kind::MagicAssign, start),
                _ => return None,
            }
        };
        let (content, end) = assemble(text, physical, start);
        Some(Self { kind, start, end, content })
    }
}

fn is_name(text: &str) -> bool {
    text.starts_with(|char: char| char == '_' || char.is_alphabetic())
}

/// Whether a line begins with one of IPython's characters, and not with an operator.
fn begins_command(line: &str) -> bool {
    let mut chars = line.chars();
    let (first, second) = (chars.next(), chars.next());
    match first {
        Some('!' | '%') => second != Some('='),
        Some('/') => !matches!(second, Some('=' | '/')),
        Some('?' | ',' | ';') => true,
        _ => false,
    }
}

fn line_of(physical: &[Range<usize>], offset: usize) -> usize {
    physical.partition_point(|line| line.start <= offset).saturating_sub(1)
}

/// The text from `start` to the end of its line, and of those that a backslash continues it on: the pieces of it, and
/// where the last of those lines ends.
fn assemble(text: &str, physical: &[Range<usize>], start: usize) -> (Vec<Range<usize>>, usize) {
    let mut pieces = Vec::new();
    let mut at = line_of(physical, start);
    let mut from = start;
    loop {
        let line = physical[at].clone();
        let continues = text[line.clone()].ends_with("\\\n") && at + 1 < physical.len();
        let written = &text[from..line.end];
        let kept = written.trim_end().len() - usize::from(continues);
        pieces.push(from..from + kept);
        if !continues {
            return (pieces, line.end);
        }
        at += 1;
        from = physical[at].start;
    }
}

/// Adds the call that an escape stands for, and a line feed.
fn call(out: &mut Mapped, cell: &Mapped, escape: &Escape, indent: Range<usize>) {
    let mut content = Mapped::default();
    for (number, piece) in escape.content.iter().enumerate() {
        if number > 0 {
            // A space for the backslash and the line feed.
            content.insert(" ", cell, last_of(&cell.text, &(0..piece.start)));
        }
        content.copy(cell, piece.clone());
    }
    match escape.kind {
        Kind::Help => {
            let (target, marks) = help_end(&content.text).expect("it was found when the escape was");
            help(out, &content, target, marks);
        }
        _ => command(out, &content, escape.kind, &Line { cell, indent, depth: 0 }),
    }
}

/// The line that an escape stands in.
struct Line<'a> {
    cell: &'a Mapped,
    /// Its indentation, in the cell.
    indent: Range<usize>,
    /// Magics around the escape.
    depth: usize,
}

/// `!…`, `%…`, `?…`, `,…`, `;…` and `/…`.
fn command(out: &mut Mapped, content: &Mapped, kind: Kind, line: &Line<'_>) {
    let text = content.text.as_str();
    let whole = text.len();
    let is_double = kind == Kind::Command && (text.starts_with("!!") || text.starts_with("??"));
    let from = if is_double { 2 } else { 1 };
    let method = match (&text[..from], kind) {
        ("!", Kind::Command) => "get_ipython().system(",
        ("!!", _) | ("!", _) => "get_ipython().getoutput(",
        ("%", _) => {
            let name = from..from + text[from..].find(' ').unwrap_or(whole - from);
            line_magic(out, content, name.clone());
            code_of_magic(out, content, name, line);
            return;
        }
        ("?" | "??", _) if whole == from => {
            out.insert("get_ipython().show_usage()\n", content, 0..whole);
            return;
        }
        ("?" | "??", _) => return help(out, content, from..whole, 0..from),
        _ => return autocall(out, content),
    };
    out.insert(method, content, 0..from);
    out.literal(content, from..whole);
    out.insert(")\n", content, last_of(text, &(0..whole)));
}

/// Line magics that are commands of the shell: IPython hands the whole line to it.
const SHELL_ALIASES: &[&str] =
    &["cat", "cp", "ldir", "less", "lf", "lk", "ll", "ls", "lx", "man", "mkdir", "more", "mv", "rm", "rmdir"];

/// The call of a line magic and a line feed.
fn line_magic(out: &mut Mapped, content: &Mapped, name: Range<usize>) {
    let whole = content.text.len();
    let first = first_of(&content.text, &(0..whole));
    if SHELL_ALIASES.contains(&&content.text[name.clone()]) {
        out.insert("get_ipython().system(", content, first);
        out.literal(content, name.start..whole);
        out.insert(")\n", content, last_of(&content.text, &(0..whole)));
        return;
    }
    out.insert("get_ipython().run_line_magic(", content, first);
    out.literal(content, name.clone());
    out.insert(", ", content, last_of(&content.text, &(0..name.end)));
    out.literal(content, (name.end + 1).min(whole)..whole);
    out.insert(")\n", content, last_of(&content.text, &(0..whole)));
}

/// The statement that a magic takes, as a line of its own: it runs in the notebook, and may be a magic again.
fn code_of_magic(out: &mut Mapped, content: &Mapped, name: Range<usize>, line: &Line<'_>) {
    let argument = (name.end + 1).min(content.text.len())..content.text.len();
    let Some(code) = statement(&content.text[name], &content.text, argument) else { return };
    out.copy(line.cell, line.indent.clone());
    let inner = content.keep(std::iter::once(code.clone()));
    if begins_command(&inner.text) && line.depth < NESTED_MAX {
        let line = Line { depth: line.depth + 1, indent: line.indent.clone(), ..*line };
        command(out, &inner, Kind::Command, &line);
    } else {
        out.copy(content, code.clone());
        out.insert("\n", content, last_of(&content.text, &code));
    }
}

/// `,f a b` is `f("a", "b")`, `;f a b` is `f("a b")`, `/f a b` is `f(a, b)`.
fn autocall(out: &mut Mapped, content: &Mapped) {
    let text = content.text.as_str();
    let name = 1..text.find(' ').unwrap_or(text.len());
    let is_plain = is_name(&text[1..])
        && text[name.clone()].chars().all(|char| matches!(char, '_' | '.') || char.is_alphanumeric());
    if !is_plain {
        // What IPython makes of this may be its own syntax again. Nobody writes it; it stays, and is no Python.
        out.copy(content, 0..text.len());
        out.insert("\n", content, last_of(text, &(0..text.len())));
        return;
    }
    let (open, between, close) = match text.as_bytes()[0] {
        b',' => ("(\"", "\", \"", "\")\n"),
        b';' => ("(\"", " ", "\")\n"),
        _ => ("(", ", ", ")\n"),
    };
    let end = last_of(text, &(0..text.len()));
    out.copy(content, name.clone());
    out.insert(open, content, last_of(text, &name));
    let rest = (name.end + 1).min(text.len())..text.len();
    if text.starts_with(';') {
        out.copy(content, rest);
    } else {
        let mut at = rest.start;
        for (number, word) in text[rest].split_whitespace().enumerate() {
            let start = at + text[at..].find(word).unwrap_or(0);
            if number > 0 {
                out.insert(between, content, start - 1..start);
            }
            at = start + word.len();
            out.copy(content, start..at);
        }
    }
    out.insert(close, content, end);
}

static HELP_END: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(%{0,2}[\w*&&[^\d]][\w*]*(?:\.[\w*&&[^\d]][\w*]*|\[-?[0-9]+\])*)(\?\??)\n?\z")
        .expect("the pattern is a constant and a test compiles it")
});

/// What a line that ends in `?` or `??` asks about, and the marks.
fn help_end(content: &str) -> Option<(Range<usize>, Range<usize>)> {
    let found = HELP_END.captures(content)?;
    Some((found.get(1)?.range(), found.get(2)?.range()))
}

fn help(out: &mut Mapped, content: &Mapped, target: Range<usize>, marks: Range<usize>) {
    let method = match (&content.text[marks.clone()], content.text[target.clone()].contains('*')) {
        ("??", _) => "pinfo2",
        (_, true) => "psearch",
        (_, false) => "pinfo",
    };
    let around = marks.start.min(target.start)..marks.end.max(target.end);
    out.insert(&format!("get_ipython().run_line_magic('{method}', "), content, first_of(&content.text, &around));
    out.literal(content, target);
    out.insert(")\n", content, last_of(&content.text, &around));
}

/// The longest line that is taken for a magic without `%`, in bytes.
const AUTOMAGIC_BYTES_MAX: usize = 4096;

/// Line magics and aliases that may be called without `%`.
const AUTOMAGICS: &[&str] = &[
    "alias",
    "autoreload",
    "bookmark",
    "cat",
    "cd",
    "conda",
    "cp",
    "env",
    "history",
    "ldir",
    "less",
    "lf",
    "lk",
    "ll",
    "load",
    "load_ext",
    "ls",
    "lsmagic",
    "lx",
    "macro",
    "magic",
    "man",
    "matplotlib",
    "mkdir",
    "more",
    "mv",
    "notebook",
    "pdoc",
    "pfile",
    "pinfo",
    "pip",
    "popd",
    "prun",
    "psource",
    "pushd",
    "pwd",
    "pylab",
    "recall",
    "reload_ext",
    "reset",
    "rm",
    "rmdir",
    "run",
    "save",
    "set_env",
    "store",
    "sx",
    "system",
    "time",
    "timeit",
    "uv",
    "who",
    "whos",
    "xdel",
];

/// The name of a magic in a cell of one line that calls it without `%`: `pip install x`, `cd data`.
fn automagic(text: &str, physical: &[Range<usize>]) -> Option<Range<usize>> {
    let line = text.trim_end();
    if physical.len() != 1 || line.len() > AUTOMAGIC_BYTES_MAX {
        return None;
    }
    let length = line.find(' ').unwrap_or(line.len());
    let rest = line[length..].trim_start();
    let is_operation =
        rest.starts_with(|char| "!=()<>,+*/%^&|".contains(char)) || rest.starts_with("in ") || rest.starts_with("is ");
    (AUTOMAGICS.contains(&&line[..length]) && !is_operation).then_some(0..length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn python(cell: &str) -> String {
        translate(&Mapped::of(cell, 0..cell.len())).python.text
    }

    #[test]
    fn code_of_magics_is_code() {
        for (cell, expected) in [
            ("%%time\nx = 1\n", "get_ipython().run_cell_magic('time', '', '')\nx = 1\n"),
            (
                "%%timeit -n 10 a = 1\n!ls\n",
                "get_ipython().run_cell_magic('timeit', '-n 10 a = 1', '')\na = 1\nget_ipython().system('ls')\n",
            ),
            (
                "%%capture out\n%%time\nf()\n",
                "get_ipython().run_cell_magic('capture', 'out', '')\nget_ipython().run_cell_magic('time', '', '')\nf()\n",
            ),
            ("%timeit -r3 f( 1)\n", "get_ipython().run_line_magic('timeit', '-r3 f( 1)')\nf( 1)\n"),
            (
                "if a:\n    %time !ls\n",
                "if a:\n    get_ipython().run_line_magic('time', '!ls')\n    get_ipython().system('ls')\n",
            ),
            ("x = %time f()\n", "x = get_ipython().run_line_magic('time', 'f()')\nf()\n"),
            ("%time\n", "get_ipython().run_line_magic('time', '')\n"),
            ("pip install x\n", "get_ipython().run_line_magic('pip', 'install x')\n"),
            ("ls = 1\n", "ls = 1\n"),
            ("rm -rf ~\n", "get_ipython().system('rm -rf ~')\n"),
            ("%rm -rf ~\n", "get_ipython().system('rm -rf ~')\n"),
            ("timeit f()\n", "get_ipython().run_line_magic('timeit', 'f()')\nf()\n"),
            ("run -eval(x)\n", "get_ipython().run_line_magic('run', '-eval(x)')\nrun -eval(x)\n"),
        ] {
            assert_eq!(python(cell), expected, "{cell}");
        }
    }

    #[test]
    fn too_much_magic_is_a_problem() {
        let many = "!ls\n".repeat(TRANSLATIONS_MAX + 1);
        assert!(translate(&Mapped::of(&many, 0..many.len())).problem.is_some());
        let deep = "%%time\n".repeat(NESTED_MAX + 1);
        assert!(translate(&Mapped::of(&deep, 0..deep.len())).problem.is_some());
        let deep = format!("{}!ls\n", "%time ".repeat(20));
        assert!(python(&deep).lines().count() <= NESTED_MAX + 3);
    }
}
