//! Commands: which of their words an interpreter would run as code.

use std::collections::HashSet;
use std::sync::Arc;

use super::fold;
use super::layers::Tongue;
use super::limits;

/// Text that a command runs as code.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) tongue: Tongue,
    pub(super) text: Arc<str>,
    /// What it is hidden in, in the command.
    pub(super) codec: Option<&'static str>,
}

impl Run {
    /// Text that stands in the command as it is.
    pub(super) fn plain(tongue: Tongue, text: impl Into<Arc<str>>) -> Self {
        Self { tongue, text: text.into(), codec: None }
    }
}

/// What a program of this name takes for code.
pub(super) fn interpreter(program: &str) -> Option<Tongue> {
    let name = program.rsplit(['/', '\\']).next().unwrap_or_default().trim_end_matches(".exe");
    match name {
        _ if name.starts_with("python") || name.starts_with("pypy") || name == "py" => Some(Tongue::Python),
        "node" | "nodejs" | "bun" | "deno" => Some(Tongue::JavaScript),
        "sh" | "bash" | "zsh" | "dash" | "ash" | "ksh" => Some(Tongue::Shell),
        _ => None,
    }
}

/// What a command runs as code: the text after `python -c` and `node -e`, the script of `sh -c`, what is decoded into a
/// shell.
pub(super) fn run_by(words: &[String]) -> Vec<Run> {
    let mut found: Vec<Run> = Vec::new();
    // Words that several interpreters before them run.
    let mut taken: HashSet<(Tongue, usize)> = HashSet::new();
    for (at, word) in words.iter().enumerate() {
        let program = word.rsplit(['/', '\\', '.']).next().unwrap_or_default();
        let name = word.rsplit(['/', '\\']).next().unwrap_or_default().trim_end_matches(".exe");
        let tongue = match program {
            "executable" => Some(Tongue::Python),
            "execPath" => Some(Tongue::JavaScript),
            _ if name == "cmd" => Some(Tongue::Shell),
            _ => interpreter(word),
        };
        let is_powershell = matches!(name, "powershell" | "pwsh");
        if tongue.is_none() && !is_powershell {
            continue;
        }
        let own: Vec<&str> = words[at + 1..]
            .iter()
            .map(String::as_str)
            .take_while(|word| !matches!(*word, "|" | ";" | "&"))
            .take(limits::WORDS_MAX)
            .collect();
        let after = |flags: &[&str]| {
            let flag = own.iter().position(|word| flags.contains(word))?;
            own.get(flag + 1).map(|text| (at + flag + 2, *text))
        };
        if let Some(tongue) = tongue {
            let flags: &[&str] = match tongue {
                Tongue::Python => &["-c", "-Ic", "-Sc", "-uc"],
                Tongue::JavaScript | Tongue::Html => &["-e", "--eval", "-p", "--print", "-pe", "eval"],
                Tongue::Shell => &["-c", "-lc", "-ic", "-xc", "/c", "/C"],
            };
            let new = after(flags).filter(|(place, _)| taken.insert((tongue, *place)));
            found.extend(new.map(|(_, text)| Run::plain(tongue, text)));
        } else {
            let encoded = after(&["-enc", "-e", "-ec", "-EncodedCommand", "-encodedcommand", "-Enc", "-E"]);
            let decoded = encoded.and_then(|(_, text)| fold::base64_bytes(text.as_bytes()));
            if let Some(super::values::Value::Text(text)) = decoded.and_then(|bytes| fold::decode(&bytes, "utf16le")) {
                found.push(Run { codec: Some("base64"), ..Run::plain(Tongue::Shell, text) });
            }
        }
    }
    found.extend(decoded_into_shell(words));
    found
}

/// `echo … | base64 -d | sh`.
fn decoded_into_shell(words: &[String]) -> Option<Run> {
    let echo = words.iter().position(|word| matches!(word.as_str(), "echo" | "printf"))?;
    let rest = &words[echo + 1..];
    let data = rest.iter().find(|word| !word.starts_with('-') && word.as_str() != "%s")?;
    let decodes = rest.iter().position(|word| matches!(word.rsplit('/').next(), Some("base64" | "xxd" | "openssl")))?;
    let into = rest[decodes..].iter().find_map(|word| match word.rsplit('/').next().unwrap_or_default() {
        "sh" | "bash" | "zsh" | "dash" => Some(Tongue::Shell),
        "node" => Some(Tongue::JavaScript),
        name if name.starts_with("python") => Some(Tongue::Python),
        _ => None,
    })?;
    let (bytes, codec) = match rest[decodes].as_str() {
        "xxd" => (fold::hex_bytes(data)?, "hex"),
        _ => (fold::base64_bytes(data.as_bytes())?, "base64"),
    };
    Some(Run { codec: Some(codec), ..Run::plain(into, String::from_utf8(bytes).ok()?) })
}

/// The code in a `data:` URL, and what it is hidden in there.
pub(super) fn data_url(url: &str) -> Option<(String, Option<&'static str>)> {
    let rest = url.trim_start().strip_prefix("data:")?;
    let (kind, data) = rest.split_once(',')?;
    if kind.ends_with("base64") {
        return Some((String::from_utf8(fold::base64_bytes(data.as_bytes())?).ok()?, Some("base64")));
    }
    Some((super::functions::unescape(data), data.contains('%').then_some("percent")))
}
