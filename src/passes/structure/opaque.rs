//! Files that nothing here can look into: compiled code and archives of code.
//!
//! A picture or a table of numbers needs no vetting; a shared library, bytecode or a package in an archive is code that
//! would run unseen, so that an artifact which ships one cannot be said to have been vetted.

use crate::finding::{Finding, Pass, Severity, WHOLE_ARTIFACT};
use crate::language::Language;
use crate::passes::parse::{Parsed, ParsedFile};

/// The first bytes of compiled code, and what it is.
const MAGIC: &[(&[u8], &str)] = &[
    (b"\x7fELF", "an ELF program or library"),
    (b"MZ", "a Windows program or library"),
    (b"\xfe\xed\xfa\xce", "a Mach-O program or library"),
    (b"\xfe\xed\xfa\xcf", "a Mach-O program or library"),
    (b"\xce\xfa\xed\xfe", "a Mach-O program or library"),
    (b"\xcf\xfa\xed\xfe", "a Mach-O program or library"),
    (b"\xca\xfe\xba\xbe", "Java bytecode or a Mach-O program"),
    (b"\0asm", "WebAssembly"),
    (b"!<arch>\n", "a static library"),
];

/// Extensions of compiled code whose first bytes differ from version to version.
const COMPILED: &[(&str, &str)] = &[("pyc", "Python bytecode"), ("pyo", "Python bytecode"), ("node", "a Node addon")];

/// Extensions of archives that an interpreter imports code from.
const CODE_ARCHIVES: &[&str] = &["whl", "egg", "pyz", "pyzw", "jar"];

/// Extensions of archives that can hold anything.
const ARCHIVES: &[&str] = &["zip", "tar", "tgz", "tbz", "tbz2", "txz", "7z", "rar"];

/// How the names of compressed archives end: `x.tar.gz` is one, `x.csv.gz` is data.
const COMPRESSED_ARCHIVES: &[&str] = &[".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst"];

/// Reports files that cannot be looked into, and an artifact that has no other.
pub(super) fn check(parsed: &Parsed<'_>, findings: &mut Vec<Finding>) {
    let opaque = |file: &&ParsedFile<'_>| file.source.language == Language::Binary;
    findings.extend(parsed.files.iter().filter(opaque).filter_map(finding));
    if !parsed.files.is_empty() && parsed.files.iter().all(|file| opaque(&file)) {
        let message = "there is no file that could be vetted: all are binary";
        let finding = Finding::in_file("nothing-vetted", Pass::Structure, Severity::High, WHOLE_ARTIFACT, message);
        findings.push(finding.hint("give the source files"));
    }
}

fn finding(file: &ParsedFile<'_>) -> Option<Finding> {
    let name = file.source.file_name().to_ascii_lowercase();
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    let at = |rule, severity, message: String| {
        Finding::in_file(rule, Pass::Structure, severity, file.source.path.as_str(), message)
    };
    let by_magic = MAGIC.iter().find(|(magic, _)| file.source.bytes.starts_with(magic)).map(|(_, what)| *what);
    let by_name = || COMPILED.iter().find(|(known, _)| *known == extension).map(|(_, what)| *what);
    if let Some(what) = by_magic.or_else(by_name) {
        let finding = at("compiled-code", Severity::High, format!("the file is {what}, which cannot be vetted"));
        return Some(finding.hint("give its source, or declare the package that it comes from").cwe(&[506]));
    }
    let severity = if CODE_ARCHIVES.contains(&extension) {
        Severity::High
    } else if ARCHIVES.contains(&extension) || COMPRESSED_ARCHIVES.iter().any(|end| name.ends_with(end)) {
        Severity::Medium
    } else {
        return None;
    };
    let finding = at("archive-not-vetted", severity, "the file is an archive, whose content is not vetted".to_owned());
    Some(finding.hint("give its content as files"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::{Artifact, SourceFile};
    use crate::passes::parse::{Target, parse};
    use crate::policy::ParsePolicy;

    fn ids(files: &[(&str, &[u8])]) -> Vec<String> {
        let files = files.iter().map(|(path, bytes)| SourceFile::new(*path, bytes.to_vec())).collect();
        let artifact = Artifact::new("a", "a", files, Vec::new());
        let (parsed, _) = parse(&artifact, &ParsePolicy::default(), &Target::default());
        let mut findings = Vec::new();
        check(&parsed, &mut findings);
        findings.iter().map(|finding| format!("{} {}", finding.rule_id, finding.path)).collect()
    }

    #[test]
    fn compiled_code_and_archives_are_told_from_data() {
        let main: (&str, &[u8]) = ("main.py", b"print(1)\n");
        let cases: &[(&str, &[u8], &[&str])] = &[
            ("tool", b"\x7fELF\x02\x01\0\0", &["compiled-code tool"]),
            ("a/x.pyc", b"\xa7\r\r\n\0\0", &["compiled-code a/x.pyc"]),
            ("x.whl", b"PK\x03\x04\0", &["archive-not-vetted x.whl"]),
            ("x.tar.gz", b"\x1f\x8b\x08\0", &["archive-not-vetted x.tar.gz"]),
            ("x.csv.gz", b"\x1f\x8b\x08\0", &[]),
            ("table.xlsx", b"PK\x03\x04\0", &[]),
            ("logo.png", b"\x89PNG\r\n\x1a\n\0", &[]),
        ];
        for (path, bytes, wanted) in cases {
            assert_eq!(ids(&[main, (path, bytes)]), *wanted, "{path}");
        }
    }

    #[test]
    fn an_artifact_of_nothing_but_binary_files_was_not_vetted() {
        assert_eq!(ids(&[("logo.png", b"\x89PNG\r\n\x1a\n\0")]), ["nothing-vetted ."]);
    }
}
