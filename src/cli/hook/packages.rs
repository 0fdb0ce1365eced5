//! The Python packages that a command would install, so that their names are judged before the installer asks for them.

/// Options of installers that take a value which is no package.
const VALUED: [&str; 16] = [
    "-r",
    "--requirement",
    "-c",
    "--constraint",
    "-i",
    "--index-url",
    "--extra-index-url",
    "-f",
    "--find-links",
    "-t",
    "--target",
    "--python",
    "-p",
    "--prefix",
    "--root",
    "-e",
];

/// The packages that these words of a command ask an installer for, one requirement a line; empty where they ask for none.
pub(super) fn asked_for(words: &[String]) -> String {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let Some(arguments) = arguments(&words) else { return String::new() };
    let mut asked = String::new();
    let mut arguments = arguments.iter();
    while let Some(&word) = arguments.next() {
        if VALUED.contains(&word) {
            let _value = arguments.next();
        } else if is_requirement(word) {
            asked.push_str(word);
            asked.push('\n');
        }
    }
    asked
}

/// What stands after `pip install` and its like.
fn arguments<'a>(words: &'a [&'a str]) -> Option<&'a [&'a str]> {
    let program = |word: &str| word.rsplit('/').next().unwrap_or_default().to_owned();
    words.iter().enumerate().find_map(|(at, word)| {
        let rest = &words[at + 1..];
        let taken = match (program(word).as_str(), rest) {
            (name, ["install", ..]) if name.starts_with("pip") => 1,
            ("uv", ["add", ..]) | ("poetry" | "pdm" | "rye", ["add", ..]) => 1,
            ("uv", ["pip", "install", ..]) | ("uv", ["tool", "install" | "run", ..]) => 2,
            ("pipx", ["run", ..]) => 1,
            ("uvx", _) => 0,
            _ => return None,
        };
        // A program that is run is one package; its own arguments follow.
        let runs = matches!(program(word).as_str(), "uvx") || rest.get(taken.max(1) - 1) == Some(&"run");
        let arguments = &rest[taken..];
        let first = arguments.iter().position(|word| is_requirement(word)).map_or(0, |at| at + 1);
        Some(if runs { &arguments[..first] } else { arguments })
    })
}

/// Whether a word names a package, and no option, file, address or variable.
fn is_requirement(word: &str) -> bool {
    word.starts_with(|first: char| first.is_ascii_alphanumeric()) && !word.contains(['/', '$', '\\', '`', '\n'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(command: &str) -> String {
        asked_for(&command.split(' ').map(str::to_owned).collect::<Vec<_>>()).replace('\n', ",")
    }

    #[test]
    fn packages_are_told_from_options_files_and_addresses() {
        let cases = [
            ("pip install requests numpy>=2", "requests,numpy>=2,"),
            ("python3 -m pip install -q --upgrade pandas[all]==2.0", "pandas[all]==2.0,"),
            ("sudo pip3 install -r requirements.txt flask", "flask,"),
            ("uv pip install --index-url https://a.example/simple x", "x,"),
            ("uv add httpx", "httpx,"),
            ("uvx ruff check .", "ruff,"),
            ("pipx run black file", "black,"),
            ("pip install . ./local https://a.example/x.whl", ""),
            ("pip uninstall requests", ""),
            ("echo pip", ""),
        ];
        for (command, expected) in cases {
            assert_eq!(asked(command), expected, "{command}");
        }
    }
}
