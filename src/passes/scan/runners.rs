//! Commands: which of their words an interpreter would run as code.

use std::sync::Arc;

use super::fold;
use super::layers::Tongue;
use super::limits;

/// The words of a command as a shell splits them: quotes undone, operators apart.
pub(super) fn split(command: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let (mut word, mut inside) = (String::new(), false);
    let mut chars = command.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '\'' => {
                inside = true;
                word.extend(chars.by_ref().take_while(|&char| char != '\''));
            }
            '"' => {
                inside = true;
                while let Some(char) = chars.next().filter(|&char| char != '"') {
                    let escaped = char == '\\' && matches!(chars.peek(), Some('"' | '\\' | '$' | '`'));
                    word.extend(if escaped { chars.next() } else { Some(char) });
                }
            }
            '\\' => word.extend(chars.next()),
            char if char.is_whitespace() || matches!(char, '|' | ';' | '&' | '(' | ')') => {
                if inside || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                    inside = false;
                }
                if !char.is_whitespace() {
                    words.push(char.to_string());
                }
            }
            char => word.push(char),
        }
        if words.len() >= limits::WORDS_MAX {
            return words;
        }
    }
    if inside || !word.is_empty() {
        words.push(word);
    }
    words
}

/// What a command runs as code: the text after `python -c` and `node -e`, the script of `sh -c`, what is decoded into a
/// shell.
pub(super) fn run_by(words: &[String]) -> Vec<(Tongue, Arc<str>)> {
    let mut found: Vec<(Tongue, Arc<str>)> = Vec::new();
    for (at, word) in words.iter().enumerate() {
        let program = word.rsplit(['/', '\\', '.']).next().unwrap_or_default();
        let name = word.rsplit(['/', '\\']).next().unwrap_or_default().trim_end_matches(".exe");
        let own: Vec<&str> =
            words[at + 1..].iter().map(String::as_str).take_while(|word| !matches!(*word, "|" | ";" | "&")).collect();
        let after = |flags: &[&str]| {
            let flag = own.iter().position(|word| flags.contains(word))?;
            own.get(flag + 1).map(|text| (*text).to_owned())
        };
        if name.starts_with("python") || name.starts_with("pypy") || program == "executable" || name == "py" {
            found.extend(after(&["-c", "-Ic", "-Sc", "-uc"]).map(|text| (Tongue::Python, text.into())));
        } else if matches!(name, "node" | "nodejs" | "bun" | "deno") || program == "execPath" {
            found.extend(
                after(&["-e", "--eval", "-p", "--print", "-pe", "eval"]).map(|t| (Tongue::JavaScript, t.into())),
            );
        } else if matches!(name, "sh" | "bash" | "zsh" | "dash" | "ash" | "cmd") {
            if let Some(text) = after(&["-c", "-lc", "-ic", "-xc", "/c", "/C"]) {
                found.extend(run_once(&split(&text)));
                found.push((Tongue::Shell, text.into()));
            }
        } else if matches!(name, "powershell" | "pwsh") {
            let encoded = after(&["-enc", "-e", "-ec", "-EncodedCommand", "-encodedcommand", "-Enc", "-E"]);
            let decoded = encoded.and_then(|text| fold::base64_bytes(text.as_bytes()));
            if let Some(super::values::Value::Text(text)) = decoded.and_then(|bytes| fold::decode(&bytes, "utf16le")) {
                found.push((Tongue::Shell, text));
            }
        }
    }
    found.extend(decoded_into_shell(words));
    found
}

/// The same for the words inside `sh -c`, one level deep.
fn run_once(words: &[String]) -> Vec<(Tongue, Arc<str>)> {
    let mut found = Vec::new();
    for (at, word) in words.iter().enumerate() {
        let tongue = match word.rsplit('/').next().unwrap_or_default() {
            name if name.starts_with("python") => Tongue::Python,
            "node" => Tongue::JavaScript,
            _ => continue,
        };
        let flag = words.get(at + 1).map(String::as_str);
        if let (Some("-c" | "-e"), Some(text)) = (flag, words.get(at + 2)) {
            found.push((tongue, text.as_str().into()));
        }
    }
    found.extend(decoded_into_shell(words));
    found
}

/// `echo … | base64 -d | sh`.
fn decoded_into_shell(words: &[String]) -> Option<(Tongue, Arc<str>)> {
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
    let bytes = if rest[decodes] == "xxd" { fold::hex_bytes(data) } else { fold::base64_bytes(data.as_bytes()) }?;
    Some((into, String::from_utf8(bytes).ok()?.into()))
}

/// The code in a `data:` URL.
pub(super) fn data_url(url: &str) -> Option<String> {
    let rest = url.trim_start().strip_prefix("data:")?;
    let (kind, data) = rest.split_once(',')?;
    if kind.ends_with("base64") {
        return String::from_utf8(fold::base64_bytes(data.as_bytes())?).ok();
    }
    Some(super::functions::unescape(data))
}
