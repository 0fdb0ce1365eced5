//! `RECORD`: a wheel's own list of its files, each with a digest and a size. Installers do not check it; here it must
//! account for every file, and for nothing else.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use foldhash::fast::RandomState;
use sha2::{Digest as _, Sha256, Sha384, Sha512};

use super::archive::Entry;
use super::fault::{Faults, shown};
use crate::finding::Severity;

/// A recorded digest, of one of the kinds that the format admits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// SHA-256, what everybody uses.
    Sha256([u8; 32]),
    /// SHA-384.
    Sha384(Box<[u8; 48]>),
    /// SHA-512.
    Sha512(Box<[u8; 64]>),
}

impl Recorded {
    /// `algorithm=digest`, the digest in base64 for addresses, without padding.
    fn read(text: &str) -> Option<Self> {
        let (algorithm, digest) = text.split_once('=')?;
        let bytes = URL_SAFE_NO_PAD.decode(digest.trim_end_matches('=')).ok()?;
        match algorithm {
            "sha256" => bytes.try_into().ok().map(Self::Sha256),
            "sha384" => bytes.try_into().ok().map(|bytes| Self::Sha384(Box::new(bytes))),
            "sha512" => bytes.try_into().ok().map(|bytes| Self::Sha512(Box::new(bytes))),
            _ => None,
        }
    }

    /// Whether it is the digest of `content`, whose SHA-256 is known.
    #[must_use]
    pub fn is_of(&self, content: &[u8], sha256: &[u8; 32]) -> bool {
        match self {
            Self::Sha256(digest) => digest == sha256,
            Self::Sha384(digest) => digest[..] == Sha384::digest(content)[..],
            Self::Sha512(digest) => digest[..] == Sha512::digest(content)[..],
        }
    }
}

/// SHA-256 of some bytes.
#[must_use]
pub fn sha256(content: &[u8]) -> [u8; 32] {
    Sha256::digest(content).into()
}

/// One line of a `RECORD` for a file that is installed.
#[must_use]
pub fn record_line(path: &str, sha256: &[u8; 32], size: u64) -> String {
    let path = if path.contains([',', '"']) { format!("\"{}\"", path.replace('"', "\"\"")) } else { path.to_owned() };
    format!("{path},sha256={},{size}\n", URL_SAFE_NO_PAD.encode(sha256))
}

/// The digests of the files, by name in the archive. `info` is the `.dist-info` folder.
pub(super) fn check<'a>(
    text: &str,
    info: &str,
    entries: &[Entry<'a>],
    faults: &mut Faults,
) -> HashMap<&'a str, Recorded, RandomState> {
    let is_file = |entry: &&Entry<'a>| !entry.is_folder();
    let files: HashMap<&str, &Entry<'a>, RandomState> =
        entries.iter().filter(is_file).map(|entry| (entry.name(), entry)).collect();
    let mut digests = HashMap::with_capacity_and_hasher(files.len(), RandomState::default());
    let mut own_lists = Vec::new();
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.is_empty()) {
        let Some([path, digest, size]) = row(line) else {
            faults.high(
                "package-record-malformed",
                format_args!("line {} of RECORD is not a path, a digest and a size", at + 1),
            );
            continue;
        };
        let Some(entry) = files.get(path.as_str()).copied() else {
            absent(&path, faults);
            continue;
        };
        if is_own_list(entry.name(), info) {
            if entry.name().ends_with("/RECORD") && !digest.is_empty() {
                faults.high("package-record-malformed", format_args!("RECORD has a digest of itself, which cannot be"));
            }
            own_lists.push(entry.name());
            continue;
        }
        let Some(recorded) = Recorded::read(&digest) else {
            faults.high("package-file-unlisted", format_args!("`{}` is recorded without a sound digest", shown(&path)));
            continue;
        };
        if !size.is_empty() && size.parse() != Ok(entry.size()) {
            faults.high("package-file-altered", format_args!("`{}` does not have its recorded size", shown(&path)));
        }
        if digests.insert(entry.name(), recorded).is_some() {
            faults.high("package-record-malformed", format_args!("`{}` is recorded twice", shown(&path)));
        }
    }
    for entry in entries.iter().filter(is_file) {
        let name = entry.name();
        if !digests.contains_key(name) && !own_lists.contains(&name) && !is_own_list(name, info) {
            faults.high("package-file-unlisted", format_args!("`{}` is not in RECORD", shown(name)));
        }
    }
    digests
}

/// A recorded path that no file of the wheel has. Without a module the wheel is not what it says; other files are left out
/// by careless build tools, and what is not there does nothing.
fn absent(path: &str, faults: &mut Faults) {
    let escapes = path.starts_with('/') || path.contains('\\') || path.split('/').any(|part| part == "..");
    if escapes {
        faults.high("package-record-escapes", format_args!("RECORD names `{}`, outside the wheel", shown(path)));
        return;
    }
    let is_module = [".py", ".so", ".pyd"].iter().any(|ending| path.ends_with(ending));
    let severity = if is_module { Severity::High } else { Severity::Low };
    let message = format_args!("`{}` is recorded and is not there", shown(path));
    faults.add("package-file-missing", severity, message);
}

/// The list itself, and its signatures, which cannot hold their own digests.
fn is_own_list(name: &str, info: &str) -> bool {
    let file = name.strip_prefix(info).and_then(|rest| rest.strip_prefix('/'));
    matches!(file, Some("RECORD" | "RECORD.jws" | "RECORD.p7s"))
}

/// The three fields of a line; `None` where there are more or fewer, or its quotes are not those of CSV.
fn row(line: &str) -> Option<[String; 3]> {
    let mut rest = line;
    let path = field(&mut rest)?;
    rest = rest.strip_prefix(',')?;
    let digest = field(&mut rest)?;
    rest = rest.strip_prefix(',')?;
    let size = field(&mut rest)?;
    (rest.is_empty() && !path.contains(['\r', '\n'])).then_some([path, digest, size])
}

fn field(rest: &mut &str) -> Option<String> {
    let Some(quoted) = rest.strip_prefix('"') else {
        let end = rest.find(',').unwrap_or(rest.len());
        let (field, after) = rest.split_at(end);
        *rest = after;
        return (!field.contains('"')).then(|| field.to_owned());
    };
    let (mut field, mut quoted) = (String::new(), quoted);
    loop {
        let (before, after) = quoted.split_once('"')?;
        field.push_str(before);
        match after.strip_prefix('"') {
            Some(more) => {
                field.push('"');
                quoted = more;
            }
            None => {
                *rest = after;
                return Some(field);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_as_csv() {
        let three = |a: &str, b: &str, c: &str| Some([a, b, c].map(str::to_owned));
        let cases = [
            ("a/b.py,sha256=x,0", three("a/b.py", "sha256=x", "0")),
            ("x/RECORD,,", three("x/RECORD", "", "")),
            ("\"a,\"\"b\"\"\",h,1", three("a,\"b\"", "h", "1")),
            ("a,h", None),
            ("a,h,1,2", None),
            ("a\"b,h,1", None),
            ("\"a,h,1", None),
            ("\"a\"b,h,1", None),
            ("a\rb,h,1", None),
        ];
        for (line, expected) in cases {
            assert_eq!(row(line), expected, "{line}");
        }
    }

    #[test]
    fn a_written_line_is_read_back() {
        let digest = sha256(b"x");
        let [path, recorded, size] = row(record_line("a,\"b\"", &digest, 1).trim_end()).unwrap();
        assert_eq!((path.as_str(), size.as_str()), ("a,\"b\"", "1"));
        assert!(Recorded::read(&recorded).unwrap().is_of(b"x", &digest));
    }

    #[test]
    fn weak_and_cut_digests_are_none() {
        for text in ["md5=1B2M2Y8AsgTpgAmY7PhCfg", "sha1=2jmj7l5rSw0yVb_vlWAYkK_YBwk", "sha256=", "sha256=abc", "x", ""]
        {
            assert_eq!(Recorded::read(text), None, "{text}");
        }
        let (content, digest) = (b"abc", sha256(b"abc"));
        for text in [
            format!("sha384={}", URL_SAFE_NO_PAD.encode(Sha384::digest(content))),
            format!("sha512={}=", URL_SAFE_NO_PAD.encode(Sha512::digest(content))),
        ] {
            let recorded = Recorded::read(&text).unwrap();
            assert!(recorded.is_of(content, &digest) && !recorded.is_of(b"abd", &digest));
        }
    }
}
