//! What one logical line of a requirements file asks for: a requirement, an include, or something that only the
//! policy's owner may decide.

use super::lines::Refusal;
use super::requirement::Parsed;

/// A line, understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// A package by name, with the hashes that admit its files.
    Requirement(Box<Parsed>, Vec<String>),
    /// Another requirements file.
    Include(&'a str),
    /// A constraints file.
    Constraint(&'a str),
    /// `--require-hashes`.
    RequireHashes,
    /// An option that asks for what vetrun does anyway.
    Redundant,
}

/// Options that an artifact cannot set: long names, the short one, and why.
struct Refused {
    long: &'static [&'static str],
    short: Option<&'static str>,
    rule: &'static str,
    message: &'static str,
    hint: &'static str,
}

const INDEX_HINT: &str = "remove the line; the policy's owner sets the index with `install.index_url`";

const REFUSED: &[Refused] = &[
    Refused {
        long: &["--editable"],
        short: Some("-e"),
        rule: "requirement-editable",
        message: "an editable install runs the package's own build code",
        hint: "name a released package instead",
    },
    Refused {
        long: &["--index-url", "--pypi-url"],
        short: Some("-i"),
        rule: "requirement-index-url",
        message: "the artifact chooses the package index",
        hint: INDEX_HINT,
    },
    Refused {
        long: &["--extra-index-url"],
        short: None,
        rule: "requirement-extra-index-url",
        message: "the artifact adds a package index, which lets it answer for any name",
        hint: INDEX_HINT,
    },
    Refused {
        long: &["--find-links"],
        short: Some("-f"),
        rule: "requirement-find-links",
        message: "the artifact names another place to take packages from",
        hint: INDEX_HINT,
    },
    Refused {
        long: &["--no-index"],
        short: None,
        rule: "requirement-no-index",
        message: "the artifact turns the package index off",
        hint: INDEX_HINT,
    },
    Refused {
        long: &["--trusted-host"],
        short: None,
        rule: "requirement-trusted-host",
        message: "the artifact turns the check of a server's certificate off",
        hint: INDEX_HINT,
    },
    Refused {
        long: &["--pre"],
        short: None,
        rule: "requirement-pre-releases",
        message: "the artifact asks for pre-releases of every package",
        hint: "pin the one pre-release that is needed: `name==1.0rc1`",
    },
    Refused {
        long: &["--no-binary"],
        short: None,
        rule: "requirement-no-binary",
        message: "the artifact asks for packages to be built, which runs their code",
        hint: "remove the line; vetrun installs wheels alone",
    },
];

/// Options that ask for what is done anyway.
const REDUNDANT: &[&str] = &["--only-binary", "--prefer-binary"];

/// Understands a logical line.
pub(super) fn understand(line: &str) -> Result<Line<'_>, Refusal> {
    if line.contains("${") {
        let message = "a variable of the environment is put into the line, which can send secrets elsewhere";
        return Err(Refusal::new("requirement-variable", message, "write the value itself"));
    }
    if line.starts_with('-') {
        return understand_option(line);
    }
    let (body, options) = split_options(line);
    let hashes = hashes(options)?;
    Ok(Line::Requirement(Box::new(requirement(body)?), hashes))
}

fn understand_option(line: &str) -> Result<Line<'_>, Refusal> {
    let end = line.find(|char: char| char.is_whitespace() || char == '=').unwrap_or(line.len());
    let (name, rest) = line.split_at(end);
    let value = rest.trim_start_matches(|char: char| char.is_whitespace() || char == '=').trim();
    let short = line.get(..2).filter(|_| !line.starts_with("--"));
    let short_value = || line[2..].trim_start_matches(|char: char| char.is_whitespace() || char == '=').trim();
    match (name, short) {
        ("--requirement", _) => return Ok(Line::Include(value)),
        ("--constraint", _) => return Ok(Line::Constraint(value)),
        ("--require-hashes", _) => return Ok(Line::RequireHashes),
        (name, _) if REDUNDANT.contains(&name) => return Ok(Line::Redundant),
        (_, Some("-r")) => return Ok(Line::Include(short_value())),
        (_, Some("-c")) => return Ok(Line::Constraint(short_value())),
        _ => {}
    }
    Err(refused_option(name, short))
}

/// Why an option is refused. Installers accept unambiguous beginnings of long names too, so those count as the option.
fn refused_option(name: &str, short: Option<&str>) -> Refusal {
    let is_it = |row: &&Refused| {
        let long = name.len() > 3 && row.long.iter().any(|long| long.starts_with(name));
        long || (short.is_some() && row.short == short)
    };
    match REFUSED.iter().find(is_it) {
        Some(row) => Refusal::new(row.rule, row.message, row.hint),
        None => {
            let message = format!("`{name}` is not an option that an artifact may set");
            Refusal::new("requirement-option", message, "leave nothing in the file but package names and versions")
        }
    }
}

/// The requirement, and what follows it from the first word that begins with `-`.
fn split_options(line: &str) -> (&str, &str) {
    let mut blank = false;
    for (at, char) in line.char_indices() {
        if char == '-' && blank {
            return (line[..at].trim_end(), &line[at..]);
        }
        blank = char == ' ' || char == '\t';
    }
    (line, "")
}

fn hashes(options: &str) -> Result<Vec<String>, Refusal> {
    let mut hashes = Vec::new();
    let mut words = options.split_whitespace();
    while let Some(word) = words.next() {
        let value = match word.split_once('=') {
            Some(("--hash", value)) => Some(value),
            None if word == "--hash" => words.next(),
            _ => {
                let name = word.split('=').next().unwrap_or(word);
                return Err(refused_option(name, word.get(..2).filter(|_| !word.starts_with("--"))));
            }
        };
        match value.filter(|value| is_hash(value)) {
            Some(value) => hashes.push(value.to_ascii_lowercase()),
            None => {
                let message = "a hash is not a whole sha256, sha384 or sha512";
                let hint = "write `--hash=sha256:` and 64 hexadecimal digits";
                return Err(Refusal::new("requirement-hash-invalid", message, hint));
            }
        }
    }
    hashes.sort();
    hashes.dedup();
    Ok(hashes)
}

/// Whether this is a kind of hash, a colon and all digits of one.
pub(super) fn is_hash(text: &str) -> bool {
    let digits = |wanted: usize, hex: &str| hex.len() == wanted && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    match text.split_once(':') {
        Some(("sha256", hex)) => digits(64, hex),
        Some(("sha384", hex)) => digits(96, hex),
        Some(("sha512", hex)) => digits(128, hex),
        _ => false,
    }
}

/// Endings that make an installer take a name for a file.
const ARCHIVES: &[&str] =
    &[".whl", ".zip", ".tar.gz", ".tgz", ".tar", ".tar.bz2", ".tbz", ".tar.xz", ".txz", ".tlz", ".tar.lz", ".tar.lzma"];

/// Parses a requirement that names a package; every other kind is refused by its own rule.
pub(super) fn requirement(body: &str) -> Result<Parsed, Refusal> {
    let parsed = body.parse::<Parsed>();
    let refused = match &parsed {
        Ok(Parsed { url: Some(url), .. }) => Some(direct(url)),
        Ok(Parsed { name, .. }) if is_archive(name) => Some(path()),
        Ok(_) => None,
        Err(_) => unnamed(body),
    };
    match (refused, parsed) {
        (Some(refusal), _) => Err(refusal),
        (None, Ok(parsed)) => Ok(parsed),
        (None, Err(error)) => {
            let message = format!("this is not a requirement: {error}");
            Err(Refusal::new("requirement-invalid", message, "write `name`, or `name>=1.0`, one on a line"))
        }
    }
}

fn is_archive(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    ARCHIVES.iter().any(|ending| lower.ends_with(ending))
}

/// Why a line that is not a named requirement is refused, where it is an address or path without a name.
fn unnamed(body: &str) -> Option<Refusal> {
    let first = body.split([' ', '\t', ';']).next().unwrap_or(body);
    let scheme = first.split(':').next().unwrap_or_default();
    let is_scheme = first.contains(':')
        && scheme.len() > 1
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+.-".contains(&byte));
    if is_scheme && (first.contains("://") || scheme.eq_ignore_ascii_case("file") || scheme.contains('+')) {
        return Some(direct(first));
    }
    let looks_like_path = first.starts_with(['.', '/', '~', '\\']) || first.contains(['/', '\\']);
    (looks_like_path || is_archive(first)).then(path)
}

/// Why an address is refused.
fn direct(url: &str) -> Refusal {
    let scheme = url.split(':').next().unwrap_or_default().to_ascii_lowercase();
    if scheme.contains('+') {
        let message = "a requirement from version control runs the package's own build code";
        return Refusal::new("requirement-vcs", message, "name a released package instead");
    }
    if !url.contains("://") || scheme == "file" {
        return path();
    }
    let message = "a requirement names its address, which goes past the package index";
    Refusal::new("requirement-url", message, "name the package and its version; the index knows the address")
}

fn path() -> Refusal {
    let message = "a requirement names a local path";
    Refusal::new("requirement-path", message, "name a released package; code of the artifact itself needs no install")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_trick_is_refused_by_a_rule_of_its_own() {
        let cases = [
            ("-e .", "requirement-editable"),
            ("-e git+https://host.invalid/x", "requirement-editable"),
            ("--editable=git+file:///x", "requirement-editable"),
            ("--edit .", "requirement-editable"),
            ("-i http://host.invalid/simple", "requirement-index-url"),
            ("-ihttp://host.invalid/simple", "requirement-index-url"),
            ("--index-url=http://host.invalid/simple", "requirement-index-url"),
            ("--index-u http://host.invalid/simple", "requirement-index-url"),
            ("--pypi-url http://host.invalid", "requirement-index-url"),
            ("--extra-index-url http://host.invalid", "requirement-extra-index-url"),
            ("-f http://host.invalid", "requirement-find-links"),
            ("--find-links ./wheels", "requirement-find-links"),
            ("--no-index", "requirement-no-index"),
            ("--trusted-host host.invalid", "requirement-trusted-host"),
            ("--pre", "requirement-pre-releases"),
            ("--no-binary :all:", "requirement-no-binary"),
            ("--use-feature=fast-deps", "requirement-option"),
            ("--global-option=x", "requirement-option"),
            ("requests --global-option=x", "requirement-option"),
            ("requests --index-url http://host.invalid", "requirement-index-url"),
            ("requests -i http://host.invalid", "requirement-index-url"),
            ("requests --hash=md5:00", "requirement-hash-invalid"),
            ("requests --hash=sha256:00", "requirement-hash-invalid"),
            ("requests --hash", "requirement-hash-invalid"),
            ("git+https://host.invalid/x.git", "requirement-vcs"),
            ("git+file:///x", "requirement-vcs"),
            ("x @ git+ssh://git@host.invalid/x", "requirement-vcs"),
            ("hg+http://host.invalid/x", "requirement-vcs"),
            ("http://host.invalid/x.tar.gz", "requirement-url"),
            ("x @ https://host.invalid/x.whl", "requirement-url"),
            ("x @ file:///tmp/x.tar.gz", "requirement-path"),
            ("file:///tmp/x", "requirement-path"),
            ("file:x", "requirement-path"),
            ("./x", "requirement-path"),
            ("../x", "requirement-path"),
            ("/etc/passwd", "requirement-path"),
            (".", "requirement-path"),
            ("~/x", "requirement-path"),
            ("sub/dir", "requirement-path"),
            ("C:\\x", "requirement-path"),
            ("x-1.0-py3-none-any.whl", "requirement-path"),
            ("x.tar.gz", "requirement-path"),
            ("x @ http://host.invalid/${SECRET}", "requirement-variable"),
            ("${NAME}", "requirement-variable"),
            ("requests==", "requirement-invalid"),
            ("two words", "requirement-invalid"),
            ("b\u{e9}", "requirement-invalid"),
            ("x; python_version > 3", "requirement-invalid"),
        ];
        for (line, rule) in cases {
            assert_eq!(understand(line).map_err(|refusal| refusal.rule), Err(rule), "{line}");
        }
    }

    #[test]
    fn what_names_a_package_is_accepted() {
        let hash = format!("sha256:{}", "A".repeat(64));
        for line in
            ["requests", "Flask[async] >= 2, < 4", "numpy; python_version >= '3.9'", "a (>=1)", "typing-extensions"]
        {
            assert!(matches!(understand(line), Ok(Line::Requirement(..))), "{line}");
        }
        let line = format!("a==1 --hash={hash} --hash {hash}");
        let Ok(Line::Requirement(parsed, hashes)) = understand(&line) else { panic!("{line}") };
        assert_eq!((parsed.to_string().as_str(), hashes), ("a==1", vec![hash.to_ascii_lowercase()]));
        assert_eq!(understand("-r base.txt"), Ok(Line::Include("base.txt")));
        assert_eq!(understand("-rbase.txt"), Ok(Line::Include("base.txt")));
        assert_eq!(understand("--requirement=base.txt"), Ok(Line::Include("base.txt")));
        assert_eq!(understand("-c limits.txt"), Ok(Line::Constraint("limits.txt")));
        assert_eq!(understand("--only-binary :all:"), Ok(Line::Redundant));
    }
}
